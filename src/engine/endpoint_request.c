#include "engine/endpoint_request.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "photo/encode.h"
#include "photo/resize.h"

enum {
    PICTURE_FACTOR = 28
}; // sides in multiples of it are not resampled again by a server of the families that we run

static int not_enough_memory(struct error *error) {
    return error_set(error, ERROR_MEMORY, "endpoint: not enough memory for a request");
}

// The picture as it is sent: `image` itself or a smaller copy in *small.
static const struct image *shrink(const struct image *image, size_t max_pixels, struct image *small,
                                  struct error *error) {
    if (max_pixels == 0 || image->width <= max_pixels / image->height) return image;
    size_t height, width;
    if (photo_smart_resize(image->height, image->width, PICTURE_FACTOR,
                           (size_t)PICTURE_FACTOR * PICTURE_FACTOR, max_pixels, &height, &width, error) ||
        image_resize(small, image, width, height, error))
        return NULL;
    return small;
}

static int add_picture(struct buffer *out, const struct image *image, int quality, size_t max_pixels,
                       struct error *error) {
    if (image->width == 0 || image->height == 0) return error_set(error, ERROR_INPUT, "the picture is empty");
    struct image small = {0};
    struct buffer jpeg = {0};
    const struct image *sent = shrink(image, max_pixels, &small, error);
    int result = sent ? photo_encode_jpeg(&jpeg, sent, quality, error) : -1;
    image_free(&small);
    if (result == 0) {
        buffer_add_text(out, "data:image/jpeg;base64,");
        base64_add(out, jpeg.data, jpeg.length);
    }
    buffer_free(&jpeg);
    return result;
}

static int add_quoted(struct buffer *out, const char *text, const char *what, struct error *error) {
    json_t *string = json_string(text);
    if (!string) return error_set(error, ERROR_INPUT, "the %s is not valid UTF-8", what);
    char *quoted = json_dumps(string, JSON_ENCODE_ANY);
    json_decref(string);
    if (!quoted) return not_enough_memory(error);
    buffer_add_text(out, quoted);
    free(quoted);
    return 0;
}

static int add_image(struct buffer *out, const struct chat_part *part, const struct image *image, int quality,
                     size_t max_pixels, struct error *error) {
    const struct chat_size *size = &part->size;
    if (size->min_pixels || size->max_pixels || size->resized_height || size->resized_width)
        return error_set(error, ERROR_USAGE,
                         "a message wishes a size of its picture, which a server cannot be told");
    buffer_add_text(out, "{\"type\":\"image_url\",\"image_url\":{\"url\":\"");
    if (add_picture(out, image, quality, max_pixels, error)) return -1;
    buffer_add_text(out, "\"}}");
    return 0;
}

// The user's content is a list always, that of others plain text where it is nothing else: some servers know no
// more. `next` is the image that comes next.
static int add_message(struct buffer *out, const struct chat_message *message, const struct image **next,
                       int quality, size_t max_pixels, struct error *error) {
    const char *role = message->role;
    const char *what = !strcmp(role, "user")     ? "prompt"
                       : !strcmp(role, "system") ? "system message"
                                                 : "answer";
    bool plain = strcmp(role, "user") != 0 && message->part_count == 1 && message->parts[0].kind == CHAT_TEXT;
    buffer_add_text(out, "{\"role\":");
    if (add_quoted(out, role, "role", error)) return -1;
    buffer_add_text(out, plain ? ",\"content\":" : ",\"content\":[");
    for (size_t i = 0; i < message->part_count; i++) {
        const struct chat_part *part = &message->parts[i];
        if (i) buffer_add_text(out, ",");
        if (part->kind == CHAT_IMAGE) {
            if (add_image(out, part, (*next)++, quality, max_pixels, error)) return -1;
            continue;
        }
        if (!plain) buffer_add_text(out, "{\"type\":\"text\",\"text\":");
        if (add_quoted(out, part->text, what, error)) return -1;
        if (!plain) buffer_add_text(out, "}");
    }
    buffer_add_text(out, plain ? "}" : "]}");
    return 0;
}

static int add_messages(struct buffer *out, const struct engine_request *request, int quality,
                        size_t max_pixels, struct error *error) {
    const struct image *next = request->images;
    buffer_add_text(out, "[");
    for (size_t i = 0; i < request->chat->count; i++) {
        if (i) buffer_add_text(out, ",");
        if (add_message(out, &request->chat->messages[i], &next, quality, max_pixels, error)) return -1;
    }
    buffer_add_text(out, "]");
    return out->failed ? not_enough_memory(error) : 0;
}

int endpoint_write_messages(struct buffer *out, const struct engine_request *request, int jpeg_quality,
                            size_t max_pixels, struct error *error) {
    if (add_messages(out, request, jpeg_quality, max_pixels, error) == 0) return 0;
    return request->name ? error_prefix(error, "%s", request->name) : -1;
}

int endpoint_check_schema(const char *schema, struct error *error) {
    if (!schema) return 0;
    json_t *object = json_read_buffer(schema, strlen(schema), "the JSON schema", error);
    if (!object) return -1;
    bool is_object = json_is_object(object);
    json_decref(object);
    return is_object ? 0 : error_set(error, ERROR_INPUT, "the JSON schema is no object");
}

// ---- the fields beside the messages ----

static bool is_greedy(const struct sampling *sampling) {
    return sampling->temperature < 1e-5;
}

void endpoint_list_fields(const struct endpoint_ask *ask, bool sent[ENDPOINT_FIELDS]) {
    const struct sampling *s = ask->sampling;
    const bool *refused = ask->terms.refused;
    const bool wanted[ENDPOINT_FIELDS] = {
        [FIELD_TEMPERATURE] = true,
        [FIELD_TOP_P] = true,
        [FIELD_SEED] = true,
        [FIELD_FREQUENCY_PENALTY] = s->frequency_penalty != 0,
        [FIELD_PRESENCE_PENALTY] = s->presence_penalty != 0,
        [FIELD_TOP_K] = s->top_k > 0,
        [FIELD_MIN_P] = s->min_p > 0,
        [FIELD_REPETITION_PENALTY] = s->repetition_penalty != 1,
        [FIELD_MAX_TOKENS] = true,
        [FIELD_MAX_COMPLETION_TOKENS] = refused[FIELD_MAX_TOKENS],
        [FIELD_N] = ask->count > 1,
        [FIELD_LOGPROBS] = ask->log_probs,
        [FIELD_STREAM_OPTIONS] = ask->stream && !refused[FIELD_STREAM],
        [FIELD_STREAM] = ask->stream,
    };
    for (int f = 0; f < ENDPOINT_FIELDS; f++) sent[f] = wanted[f] && !refused[f];
}

static json_t *field_value(const struct endpoint_ask *ask, enum endpoint_field field) {
    const struct sampling *s = ask->sampling;
    switch (field) {
    case FIELD_TEMPERATURE:
        return json_real(!is_greedy(s) ? s->temperature : ask->terms.never_greedy ? 0.01 : 0);
    case FIELD_TOP_P:
        return json_real(s->top_p);
    case FIELD_SEED: // servers hold seeds in 32 or 64 bits, some with a sign: 31 bits fit all
        return json_integer((json_int_t)((s->seed + ask->first) & INT32_MAX));
    case FIELD_FREQUENCY_PENALTY:
        return json_real(s->frequency_penalty);
    case FIELD_PRESENCE_PENALTY:
        return json_real(s->presence_penalty);
    case FIELD_TOP_K:
        return json_integer(s->top_k);
    case FIELD_MIN_P:
        return json_real(s->min_p);
    case FIELD_REPETITION_PENALTY:
        return json_real(s->repetition_penalty);
    case FIELD_MAX_TOKENS:
    case FIELD_MAX_COMPLETION_TOKENS:
        return json_integer((json_int_t)ask->max_tokens);
    case FIELD_N:
        return json_integer((json_int_t)ask->count);
    case FIELD_STREAM_OPTIONS:
        return json_pack("{s:b}", "include_usage", 1);
    case FIELD_LOGPROBS:
    case FIELD_STREAM:
    case ENDPOINT_FIELDS:
        break;
    }
    return json_true();
}

static json_t *head_of(const struct endpoint_ask *ask) {
    bool sent[ENDPOINT_FIELDS];
    endpoint_list_fields(ask, sent);
    json_t *object = json_object();
    int failed = json_object_set_new(object, "model", json_string(ask->model)); // -1 for a NULL value too
    for (int f = 0; f < ENDPOINT_FIELDS; f++)
        if (sent[f])
            failed |= json_object_set_new(object, endpoint_field_name((enum endpoint_field)f),
                                          field_value(ask, (enum endpoint_field)f));
    if (sent[FIELD_LOGPROBS] && ask->likely)
        failed |= json_object_set_new(object, "top_logprobs", json_integer((json_int_t)ask->likely));
    if (!failed) return object;
    json_decref(object);
    return NULL;
}

// The messages hold the whole picture, so they are not taken through the JSON library: they are put as they
// are between the other fields and the closing brace.
int endpoint_write_body(struct buffer *out, const struct endpoint_ask *ask, const struct buffer *messages,
                        struct error *error) {
    json_t *object = head_of(ask);
    char *head = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    if (!head) return not_enough_memory(error);
    buffer_add(out, head, strlen(head) - 1);
    free(head);
    if (ask->schema) {
        buffer_add_text(out,
                        ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\","
                        "\"strict\":true,\"schema\":");
        buffer_add_text(out, ask->schema);
        buffer_add_text(out, "}}");
    }
    buffer_add_text(out, ",\"messages\":");
    buffer_add(out, messages->data, messages->length);
    buffer_add_text(out, "}");
    return out->failed ? not_enough_memory(error) : 0;
}
