#include "train/reward_rows.h"

#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/random.h"
#include "reward/locatability_model.h"

enum { MOST_TRIES = 16 };
enum { STREAM_SWAP = 1, STREAM_PARTNER, STREAMS = 4 };

// What a row says before it is made into another.
struct said {
    struct buffer text; // the completion
    char *picture;
    char country[128];
    bool locatable;
};

static void said_free(struct said *said) {
    buffer_free(&said->text);
    free(said->picture);
    *said = (struct said){0};
}

// ---- what stands in the row -----------------------------------------------------------------------------

static void add_texts(struct buffer *text, const struct chat_message *message) {
    for (size_t i = 0; i < message->part_count; i++)
        if (message->parts[i].kind == CHAT_TEXT) buffer_add_text(text, message->parts[i].text);
}

static const struct chat_message *find_last(const struct chat *chat, const char *role) {
    for (size_t i = chat->count; i-- > 0;)
        if (strcmp(chat->messages[i].role, role) == 0) return &chat->messages[i];
    return NULL;
}

static int take_picture(struct said *said, const struct chat *chat, struct error *error) {
    size_t count = chat_image_count(chat);
    if (count != 1)
        return error_set(error, ERROR_INPUT, "%zu pictures, but the reward model sees exactly one", count);
    for (size_t i = 0; i < chat->count; i++)
        for (size_t k = 0; k < chat->messages[i].part_count; k++) {
            const struct chat_part *part = &chat->messages[i].parts[k];
            if (part->kind == CHAT_IMAGE)
                said->picture = memory_copy_string(part->text, strlen(part->text), error);
        }
    return said->picture ? 0 : -1;
}

// 1: yes, 0: no, -1: neither.
static int read_verdict(const struct buffer *text) {
    const char *at = text->data ? text->data : "";
    size_t length = strlen(at);
    while (length && strchr(" \t\r\n.", at[length - 1])) length--;
    while (length && strchr(" \t\r\n", *at)) at++, length--;
    if (length == 3 && strncasecmp(at, "yes", 3) == 0) return 1;
    return length == 2 && strncasecmp(at, "no", 2) == 0 ? 0 : -1;
}

// *own: the row is one of a reward model already.
static int read_said(const struct row_files *files, size_t number, struct said *said, bool *own,
                     struct row_notes *notes, struct error *error) {
    const struct row_options options = {.chat = ROW_CHAT_LEARNT, .json = true};
    struct row row;
    *said = (struct said){.locatable = false};
    if (row_files_read(files, number, options, &row, notes, error)) return -1;
    const struct chat_message *answer = find_last(&row.chat, "assistant"),
                              *user = find_last(&row.chat, "user");
    const json_t *known = json_object_get(row.json, "locatable");
    const char *country = json_string_value(json_object_get(row.json, "country"));
    snprintf(said->country, sizeof said->country, "%s", country ? country : "");
    int result = take_picture(said, &row.chat, error);
    if (result == 0) add_texts(&said->text, answer);
    int verdict = read_verdict(&said->text);
    *own = verdict >= 0;
    if (*own) {
        said->locatable = verdict == 1;
        buffer_clear(&said->text);
        add_texts(&said->text, user);
    } else {
        said->locatable = json_is_true(known);
        if (result == 0 && !json_is_boolean(known))
            result = error_set(
                error, ERROR_INPUT,
                "the row has no \"locatable\" (true or false), and its answer is neither yes nor no");
    }
    buffer_add(&said->text, "", 0);
    if (result == 0 && said->text.failed) result = error_set(error, ERROR_MEMORY, "row: out of memory");
    if (result == 0 && said->text.length == 0)
        result = error_set(error, ERROR_INPUT, "the row says nothing about its picture");
    row_free(&row);
    if (result) said_free(said);
    return result;
}

// ---- completions of other rows --------------------------------------------------------------------------

// Rows that cannot be used are passed over: they are told of in their own place.
static int swap_text(const struct reward_rows *options, const struct row_files *files, size_t number,
                     struct said *said, bool *swapped, struct error *error) {
    size_t count = row_files_count(files);
    struct random random;
    random_start(&random, options->seed, STREAM_PARTNER + (uint64_t)number * STREAMS);
    *swapped = false;
    for (int tries = 0; tries < MOST_TRIES && !*swapped && count > 1; tries++) {
        struct said other;
        struct error ignored = {0};
        bool own;
        size_t partner = (size_t)random_below(&random, count);
        if (partner == number) continue;
        if (read_said(files, partner, &other, &own, NULL, &ignored)) {
            if (ignored.code == ERROR_MEMORY) {
                *error = ignored;
                return -1;
            }
            continue;
        }
        if (!own && (other.locatable != said->locatable || strcmp(other.country, said->country) != 0)) {
            struct buffer text = said->text;
            said->text = other.text;
            other.text = text;
            *swapped = true;
        }
        said_free(&other);
    }
    return 0;
}

int reward_rows_read(const struct reward_rows *options, const struct row_files *files, size_t number,
                     struct row *row, struct row_notes *notes, struct error *error) {
    struct said said;
    bool own, swapped = false;
    *row = (struct row){0};
    if (read_said(files, number, &said, &own, notes, error)) return -1;
    struct random random;
    random_start(&random, options->seed, STREAM_SWAP + (uint64_t)number * STREAMS);
    int result = 0;
    if (!own && random_unit(&random) < options->swapped)
        result = swap_text(options, files, number, &said, &swapped, error);
    bool yes = said.locatable && !(swapped && options->as == REWARD_SWAPPED_NO);
    if (result == 0) result = locatability_chat(&row->chat, said.picture, said.text.data, error);
    if (result == 0) result = chat_add_message(&row->chat, "assistant", error);
    if (result == 0) result = chat_add_part(&row->chat, CHAT_TEXT, yes ? "yes" : "no", error);
    said_free(&said);
    row->answered = true;
    if (result) row_free(row);
    return result;
}
