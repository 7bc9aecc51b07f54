#include "tensor/workspace.h"

#include <stdlib.h>

#include "base/memory.h"

struct workspace {
    struct device *device;
    struct arena *matrices; // over blocks of the device; its addresses are only computed, never followed
    struct arena *host;
};

static void *get_block(void *context, size_t bytes, struct error *error) {
    return device_allocate(context, bytes, DEVICE_DENSE, "workspace", error);
}

static void put_block(void *context, void *block) {
    device_release(context, block);
}

struct workspace *workspace_new(struct device *device, struct error *error) {
    struct workspace *workspace = memory_new(1, sizeof *workspace, "workspace", error);
    if (!workspace) return NULL;
    workspace->device = device;
    workspace->matrices =
        arena_new_from((struct arena_source){.get = get_block, .put = put_block, .context = device}, error);
    workspace->host = arena_new(error);
    if (workspace->matrices && workspace->host) return workspace;
    workspace_free(workspace);
    return NULL;
}

void workspace_free(struct workspace *workspace) {
    if (!workspace) return;
    arena_free(workspace->matrices);
    arena_free(workspace->host);
    free(workspace);
}

struct matrix workspace_matrix(struct workspace *workspace, enum dtype type, size_t rows, size_t columns,
                               struct error *error) {
    size_t values;
    struct matrix matrix = matrix_of(NULL, type, rows, columns);
    if (!memory_multiply(rows, columns, &values))
        error_set(error, ERROR_MEMORY, "a matrix of %zu by %zu is too large", rows, columns);
    else if (!error->code)
        matrix.data = arena_get(workspace->matrices, values, dtype_size(type), error);
    return matrix;
}

void *workspace_host(struct workspace *workspace, size_t count, size_t size, struct error *error) {
    return arena_get(workspace->host, count, size, error);
}

struct workspace_mark workspace_mark(const struct workspace *workspace) {
    return (struct workspace_mark){arena_mark(workspace->matrices), arena_mark(workspace->host)};
}

void workspace_rewind(struct workspace *workspace, struct workspace_mark mark) {
    arena_rewind(workspace->matrices, mark.device);
    arena_rewind(workspace->host, mark.host);
}

void workspace_reset(struct workspace *workspace) {
    arena_reset(workspace->matrices);
    arena_reset(workspace->host);
}
