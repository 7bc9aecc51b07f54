// What is sent to an endpoint: the body of POST /chat/completions.
#ifndef GLOBE_ENGINE_ENDPOINT_REQUEST_H
#define GLOBE_ENGINE_ENDPOINT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "engine/endpoint_terms.h"
#include "engine/engine.h"

// The chat as JSON text, added to `out`. Pictures are shrunk to max_pixels (0: as they are) and encoded anew as JPEGs
// without metadata. ERROR_INPUT when one cannot be a JPEG or a text is not UTF-8, ERROR_USAGE when a message wishes a
// size of its picture.
int endpoint_write_messages(struct buffer *out, const struct engine_request *request, int jpeg_quality,
                            size_t max_pixels, struct error *error);

// ERROR_INPUT for what is no JSON object. NULL will do.
int endpoint_check_schema(const char *schema, struct error *error);

// What differs between the exchanges for one request.
struct endpoint_ask {
    const char *model;
    const struct sampling *sampling;
    size_t max_tokens;
    size_t first; // the sample the answers begin with; with the seed it tells samples apart
    size_t count; // of samples ("n")
    bool stream;
    bool log_probs;
    size_t likely;      // first tokens to tell beside it; 0: none
    const char *schema; // checked; NULL: none. Never left out: without it the answers would be others
    struct endpoint_terms terms; // what the server does not take
};
// Which fields a request holds.
void endpoint_list_fields(const struct endpoint_ask *ask, bool sent[ENDPOINT_FIELDS]);
// The whole body. Penalties and the fields that are not in OpenAI's interface (top_k, min_p,
// repetition_penalty: vLLM's names) are left out while they have no effect, since strict servers refuse names
// they do not know.
int endpoint_write_body(struct buffer *out, const struct endpoint_ask *ask, const struct buffer *messages,
                        struct error *error);

#endif
