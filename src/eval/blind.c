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

static int submit(struct engine *engine, const struct engine_request *request, struct error *error) {
    enum { GREY = 128 };
    struct engine *inner = inner_of(engine);
    struct engine_request without = *request;
    struct image grey;
    if (image_new(&grey, request->image->width, request->image->height, error)) return -1;
    memset(grey.rgb, GREY, grey.width * grey.height * 3);
    without.image = &grey;
    inner->events = engine->events;
    int result = inner->operations->submit(inner, &without, error);
    image_free(&grey);
    return result;
}

static int step(struct engine *engine, struct error *error) {
    struct engine *inner = inner_of(engine);
    inner->events = engine->events;
    return inner->operations->step(inner, error);
}

static size_t room(const struct engine *engine) {
    return inner_of(engine)->operations->room(inner_of(engine));
}

static size_t flying(const struct engine *engine) {
    return inner_of(engine)->operations->flying(inner_of(engine));
}

static const char *model(const struct engine *engine) {
    return inner_of(engine)->operations->model(inner_of(engine));
}

static void free_blind(struct engine *engine) {
    free(engine);
}

struct engine *engine_open_blind(struct engine *inner, struct error *error) {
    static const struct engine_operations operations = {
        .submit = submit, .step = step, .room = room, .flying = flying, .free = free_blind, .model = model};
    struct blind *blind = memory_new(1, sizeof *blind, "engine", error);
    if (!blind) return NULL;
    blind->base.operations = &operations;
    blind->inner = inner;
    return &blind->base;
}
