// Memory that lives for one pass over a model: matrices on the device, and beside them small host arrays that
// steer operations. Taken piece by piece, given back all together; the blocks stay for the next pass.
#ifndef GLOBE_TENSOR_WORKSPACE_H
#define GLOBE_TENSOR_WORKSPACE_H

#include "base/error.h"
#include "tensor/device.h"

struct workspace;

struct workspace *workspace_new(struct device *device, struct error *error);
void workspace_free(struct workspace *workspace); // before its device is closed

// A contiguous matrix on the device, not cleared; data is NULL (and *error set) when memory ran out, or when
// *error was set before: a list of them needs one look at the error.
struct matrix workspace_matrix(struct workspace *workspace, enum dtype type, size_t rows, size_t columns,
                               struct error *error);
// Host memory, 64-byte aligned, not zeroed.
void *workspace_host(struct workspace *workspace, size_t count, size_t size, struct error *error);

// A point to go back to: everything that was taken since is forgotten.
struct workspace_mark {
    size_t device, host;
};
struct workspace_mark workspace_mark(const struct workspace *workspace);
void workspace_rewind(struct workspace *workspace, struct workspace_mark mark);
void workspace_reset(struct workspace *workspace); // everything

#endif
