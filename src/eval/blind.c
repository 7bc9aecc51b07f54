#include "eval/blind.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct blind {
    struct engine base;
    struct engine *inner;
};

static struct engine *inner_of(const struct engine *engine) {
    return ((const struct blind *)engine)->inner;
}

static int submit(struct engine *engine, const struct engine_request *request, engine_ticket ticket,
                  struct error *error) {
    enum { GREY = 128 };
    struct engine *inner = inner_of(engine);
    struct engine_request without = *request;
    struct image *grey = memory_new(request->image_count + 1, sizeof *grey, "pictures", error);
    int result = grey ? 0 : -1;
    for (size_t i = 0; result == 0 && i < request->image_count; i++) {
        result = image_new(&grey[i], request->images[i].width, request->images[i].height, error);
        if (result == 0) memset(grey[i].rgb, GREY, grey[i].width * grey[i].height * 3);
    }
    without.images = grey;
    if (result == 0) result = inner->operations->submit(inner, &without, ticket, error);
    for (size_t i = 0; grey && i < request->image_count; i++) image_free(&grey[i]);
    free(grey);
    return result;
}

static int step(struct engine *engine, struct error *error) {
    return engine_step(inner_of(engine), error);
}

static size_t room(const struct engine *engine) {
    return engine_room(inner_of(engine));
}

static size_t flying(const struct engine *engine) {
    return engine_flying(inner_of(engine));
}

static void cancel(struct engine *engine, engine_ticket ticket) {
    engine_cancel(inner_of(engine), ticket);
}

static const char *model(const struct engine *engine) {
    return engine_model(inner_of(engine));
}

static int check(const struct engine *engine, struct error *error) {
    return engine_check(inner_of(engine), error);
}

static const char *changes(const struct engine *engine) {
    return engine_changes(inner_of(engine));
}

static void close_blind(struct engine *engine) {
    free(engine);
}

struct engine *engine_open_blind(struct engine *inner, struct error *error) {
    static const struct engine_operations operations = {.submit = submit,
                                                        .step = step,
                                                        .room = room,
                                                        .flying = flying,
                                                        .cancel = cancel,
                                                        .close = close_blind,
                                                        .model = model,
                                                        .check = check,
                                                        .changes = changes};
    struct blind *blind = memory_new(1, sizeof *blind, "engine", error);
    if (!blind) return NULL;
    blind->base.operations = &operations;
    blind->inner = inner;
    return &blind->base;
}
