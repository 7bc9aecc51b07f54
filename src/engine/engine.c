#include "engine/engine.h"

#include <stdatomic.h>

// What no engine could answer.
static int check(const struct engine_request *request, struct error *error) {
    if (request->samples == 0 || request->max_tokens == 0)
        return error_set(error, ERROR_USAGE, "%zu samples of %zu tokens, expected at least one of each",
                         request->samples, request->max_tokens);
    if (request->chat->count == 0) return error_set(error, ERROR_USAGE, "the chat has no message");
    size_t named = chat_image_count(request->chat);
    if (named != request->image_count)
        return error_set(error, ERROR_USAGE, "the chat names %zu pictures, %zu are given", named,
                         request->image_count);
    return sampling_check(&request->sampling, error);
}

int engine_submit(struct engine *engine, const struct engine_request *request, engine_ticket *ticket,
                  struct error *error) {
    static _Atomic engine_ticket last;
    engine_ticket next = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    if (ticket) *ticket = next;
    if (check(request, error) == 0) return engine->operations->submit(engine, request, next, error);
    return request->name ? error_prefix(error, "%s", request->name) : -1;
}
