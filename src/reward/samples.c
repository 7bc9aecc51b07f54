#include "reward/samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"

static const char *const truth_keys[] = {"country",   "country_code",    "city",      "region",   "lat",
                                         "lon",       "latitude",        "longitude", "lng",      "solution",
                                         "locatable", "city_determined", "entities",  "elements", "clues"};

static bool knows_anything(const json_t *row) {
    for (size_t i = 0; i < sizeof truth_keys / sizeof *truth_keys; i++) {
        const json_t *value = json_object_get(row, truth_keys[i]);
        if (value && !json_is_null(value)) return true;
    }
    return false;
}

// The text of a message, without its pictures. NULL for want of memory.
static char *text_of(const struct chat_message *message, struct error *error) {
    struct buffer text = {0};
    for (size_t i = 0; message && i < message->part_count; i++)
        if (message->parts[i].kind == CHAT_TEXT) buffer_add_text(&text, message->parts[i].text);
    if (!text.data && !text.failed) buffer_add(&text, "", 0);
    char *taken = buffer_take(&text);
    if (!taken) error_set(error, ERROR_MEMORY, "out of memory");
    return taken;
}

static const struct chat_message *last_of(const struct chat *chat, const char *role) {
    for (size_t i = chat->count; i-- > 0;)
        if (strcmp(chat->messages[i].role, role) == 0) return &chat->messages[i];
    return NULL;
}

// Where the ids of all completions together end is known before the first is kept, so that none moves.
static const json_t *ids_of(const json_t *entry) {
    const json_t *ids = json_object_get(entry, "completion_ids");
    return ids ? ids : json_object_get(entry, "ids");
}

static int take_ids(struct reward_completion *completion, const json_t *entry, int32_t **next,
                    struct error *error) {
    const json_t *list = ids_of(entry);
    if (!list || json_is_null(list)) return 0;
    if (!json_is_array(list)) return error_set(error, ERROR_INPUT, "\"completion_ids\" is not a list");
    completion->ids = *next;
    completion->id_count = json_array_size(list);
    for (size_t i = 0; i < completion->id_count; i++) {
        const json_t *id = json_array_get(list, i);
        if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > INT32_MAX)
            return error_set(error, ERROR_INPUT, "\"completion_ids\" holds one that is no token id");
        *(*next)++ = (int32_t)json_integer_value(id);
    }
    return 0;
}

static int take_entry(struct samples *samples, struct reward_completion *completion, const json_t *entry,
                      int32_t **next, struct error *error) {
    const char *reason = "";
    const json_t *text = json_is_string(entry) ? entry : json_object_get(entry, "text");
    completion->locatability = NAN;
    completion->row = samples->row.json;
    completion->prompt = samples->prompt;
    if (!json_is_string(text))
        return error_set(error, ERROR_INPUT, "a completion is neither a text nor an object with a \"text\"");
    completion->text = json_string_value(text);
    completion->length = json_string_length(text);
    if (json_is_string(entry)) return 0;
    if (json_get_string(entry, "finish_reason", &reason, "completion", error) ||
        json_get_number(entry, "locatability", 0, 1, &completion->locatability, "completion", error))
        return -1;
    completion->cut = strcmp(reason, "length") == 0;
    return take_ids(completion, entry, next, error);
}

static int take_list(struct samples *samples, const json_t *list, struct error *error) {
    size_t count = json_is_array(list) ? json_array_size(list) : 1, total = 0;
    if (count == 0 || count > SAMPLES_MOST)
        return error_set(error, ERROR_INPUT, "\"completions\" must be a list of 1 to %d", (int)SAMPLES_MOST);
    for (size_t i = 0; json_is_array(list) && i < count; i++)
        total += json_array_size(ids_of(json_array_get(list, i)));
    if (!json_is_array(list)) total = json_array_size(ids_of(list));
    samples->completions = memory_new(count, sizeof *samples->completions, "completions", error);
    samples->ids = samples->completions ? memory_new(total + 1, sizeof *samples->ids, "ids", error) : NULL;
    if (!samples->ids) return -1;
    int32_t *next = samples->ids;
    for (; samples->count < count; samples->count++) {
        const json_t *entry = json_is_array(list) ? json_array_get(list, samples->count) : list;
        if (take_entry(samples, &samples->completions[samples->count], entry, &next, error))
            return error_prefix(error, "completion %zu", samples->count);
    }
    return 0;
}

static int take_answer(struct samples *samples, struct error *error) {
    const struct chat *chat = &samples->row.chat;
    if (!samples->row.answered)
        return error_set(
            error, ERROR_INPUT,
            "nothing to score: no \"completions\", no \"completion\" and no answer in its conversation");
    samples->answer = text_of(&chat->messages[chat->count - 1], error);
    samples->completions =
        samples->answer ? memory_new(1, sizeof *samples->completions, "completions", error) : NULL;
    if (!samples->completions) return -1;
    samples->count = 1;
    samples->completions[0] = (struct reward_completion){.text = samples->answer,
                                                         .length = strlen(samples->answer),
                                                         .row = samples->row.json,
                                                         .prompt = samples->prompt,
                                                         .locatability = NAN};
    return 0;
}

int samples_read(struct samples *samples, const struct row_files *files, size_t row, struct row_notes *notes,
                 struct error *error) {
    *samples = (struct samples){0};
    struct row_options options = {.chat = ROW_CHAT_ASKED, .json = true};
    if (row_files_read(files, row, options, &samples->row, notes, error)) return -1;
    bool known = knows_anything(samples->row.json);
    if (known) { // once more: what is wrong with it must not pass
        row_free(&samples->row);
        options.truth = true;
        if (row_files_read(files, row, options, &samples->row, NULL, error)) return -1;
    }
    const json_t *json = samples->row.json, *list = json_object_get(json, "completions");
    if (!list || json_is_null(list)) list = json_object_get(json, "completion");
    samples->prompt = text_of(last_of(&samples->row.chat, "user"), error);
    // TRL's conversational form: the completion is a list of messages, which the conversation ends with.
    bool conversation =
        json_is_array(list) && json_is_string(json_object_get(json_array_get(list, 0), "role"));
    int result = !samples->prompt                               ? -1
                 : list && !json_is_null(list) && !conversation ? take_list(samples, list, error)
                                                                : take_answer(samples, error);
    for (size_t i = 0; result == 0 && known && i < samples->count; i++)
        samples->completions[i].truth = &samples->row.truth;
    if (result) samples_free(samples);
    return result;
}

void samples_free(struct samples *samples) {
    row_free(&samples->row);
    free(samples->prompt), free(samples->completions), free(samples->ids), free(samples->answer);
    *samples = (struct samples){0};
}
