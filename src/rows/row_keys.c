#include "rows/row_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

enum meaning { READ, HARMLESS, REFUSED };

struct key {
    const char *name;
    enum meaning meaning;
    const char *why; // of REFUSED: the rest of "the key "X" ..."
};

static const char media[] = "is not supported: only pictures are read",
                  tools[] = "is not supported: the model's template has no tools",
                  pairs[] = "belongs to preference data; this training learns from one answer",
                  boxes[] = "is not supported: boxes are not put into texts",
                  tokens[] = "is not supported: rows are texts, not token ids",
                  template[] = "is not supported: the checkpoint's template is used as it is",
                  pixels[] = "is not supported here: the same limits of pixels hold for all pictures",
                  thoughts[] = "is not supported: reasoning that is to be learnt stands in the content",
                  inside[] = "is not read inside a message: pictures stand in \"images\" beside the messages";

static const char *const picture_keys[] = {"images",     "image",       "imgs",       "img",
                                           "pictures",   "picture",     "photos",     "photo",
                                           "image_path", "image_paths", "image_file", "image_files"};
static const char *const learnt_keys[] = {"loss",      "weight",       "train", "training",
                                          "loss_mask", "loss_scale",   "mask",  "loss_weight",
                                          "trainable", "sample_weight"};

static const struct key row_keys[] = {
    {"messages", READ, NULL},
    {"conversations", READ, NULL},
    {"prompt", READ, NULL},
    {"completion", READ, NULL},
    {"query", READ, NULL},
    {"response", READ, NULL},
    {"system", READ, NULL},
    {"history", READ, NULL},
    {"solution", READ, NULL},
    {"videos", REFUSED, media},
    {"video", REFUSED, media},
    {"audios", REFUSED, media},
    {"audio", REFUSED, media},
    {"sounds", REFUSED, media},
    {"tools", REFUSED, tools},
    {"functions", REFUSED, tools},
    {"chosen", REFUSED, pairs},
    {"rejected", REFUSED, pairs},
    {"rejected_response", REFUSED, pairs},
    {"rejected_messages", REFUSED, pairs},
    {"rejected_images", REFUSED, pairs},
    {"positive_messages", REFUSED, pairs},
    {"negative_messages", REFUSED, pairs},
    {"objects", REFUSED, boxes},
    {"input_ids", REFUSED, tokens},
    {"labels", REFUSED, tokens},
    {"attention_mask", REFUSED, tokens},
    {"assistant_masks", REFUSED, tokens},
    {"completion_mask", REFUSED, tokens},
    {"pixel_values", REFUSED, tokens},
    {"chat_template", REFUSED, template},
    {"chat_template_kwargs", REFUSED, template},
    {"min_pixels", REFUSED, pixels},
    {"max_pixels", REFUSED, pixels},
    {"resized_height", REFUSED, pixels},
    {"resized_width", REFUSED, pixels},
    {"train_on_input", REFUSED, "is not supported: only answers are learnt"},
    {"train_on_inputs", REFUSED, "is not supported: only answers are learnt"},
    {"train_on_prompt", REFUSED, "is not supported: only answers are learnt"},
};

// What only says where a row is from, or what is known of its picture. docs/training.md has this list.
static const char *const harmless_keys[] = {
    "id",        "idx",        "index",
    "uid",       "uuid",       "key",
    "__key__",   "__url__",    "url",
    "source",    "dataset",    "split",
    "seed",      "difficulty", "lat",
    "lon",       "lng",        "latitude",
    "longitude", "country",    "country_code",
    "region",    "state",      "city",
    "continent", "locatable",  "city_determined",
    "entities",  "elements",   "meta",
    "metadata",  "language",   "lang",
    "license",   "author",     "title",
    "date",      "time",       "timestamp",
    "created",   "comment",    "note",
    "notes",     "tags",       "category",
    "channel",   "image_id",   "photo_id",
    "clues",
};

static const struct key message_keys[] = {
    {"role", READ, NULL},
    {"content", READ, NULL},
    {"from", READ, NULL},
    {"value", READ, NULL},
    {"id", HARMLESS, NULL},
    {"name", HARMLESS, NULL},
    {"timestamp", HARMLESS, NULL},
    {"tool_calls", REFUSED, tools},
    {"tool_call_id", REFUSED, tools},
    {"function_call", REFUSED, tools},
    {"reasoning_content", REFUSED, thoughts},
    {"reasoning", REFUSED, thoughts},
    {"thinking", REFUSED, thoughts},
    {"videos", REFUSED, media},
    {"video", REFUSED, media},
    {"audios", REFUSED, media},
    {"audio", REFUSED, media},
    {"train_detail", REFUSED, "is not supported: an answer is learnt whole or not at all"},
    {"training_detail", REFUSED, "is not supported: an answer is learnt whole or not at all"},
};

static const struct key part_keys[] = {
    {"type", READ, NULL},
    {"text", READ, NULL},
    {"image", READ, NULL},
    {"image_url", READ, NULL},
    {"path", READ, NULL},
    {"url", READ, NULL},
    {"index", HARMLESS, NULL},
    {"cache_control", HARMLESS, NULL},
    {"min_pixels", REFUSED, pixels},
    {"max_pixels", REFUSED, pixels},
    {"resized_height", REFUSED, pixels},
    {"resized_width", REFUSED, pixels},
    {"video", REFUSED, media},
    {"video_url", REFUSED, media},
    {"audio", REFUSED, media},
    {"audio_url", REFUSED, media},
    {"input_audio", REFUSED, media},
};

bool row_is_set(const json_t *value) {
    if (!value || json_is_null(value)) return false;
    if (json_is_string(value)) return json_string_length(value) > 0;
    if (json_is_array(value)) return json_array_size(value) > 0;
    return !json_is_object(value) || json_object_size(value) > 0;
}

static bool is_in(const char *name, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, list[i]) == 0) return true;
    return false;
}

static const struct key *find_key(const char *name, const struct key *keys, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, keys[i].name) == 0) return &keys[i];
    return NULL;
}

static int refuse(const char *name, const char *why, struct error *error) {
    return error_set(error, ERROR_INPUT, "the key \"%.60s\" %s", name, why);
}

void row_note(struct row_notes *notes, const char *where, const char *name) {
    char text[ROW_NOTE_SIZE];
    if (!notes) return;
    snprintf(text, sizeof text, "%s%.40s", where, name);
    for (size_t i = 0; i < notes->count; i++)
        if (strcmp(notes->keys[i], text) == 0) return;
    if (notes->count < ROW_MAX_NOTES) memcpy(notes->keys[notes->count++], text, sizeof text);
}

// ---- pictures -------------------------------------------------------------------------------------------

static bool is_picture_name(const char *text) {
    static const char *const ends[] = {".jpg",  ".jpeg", ".jpe", ".jfif", ".png", ".webp",
                                       ".tif",  ".tiff", ".gif", ".bmp",  ".ppm", ".heic",
                                       ".heif", ".avif", ".jxl", ".dng",  ".nef", ".jp2"};
    size_t length = strlen(text);
    if (strncasecmp(text, "data:image/", 11) == 0) return true;
    for (size_t i = 0; i < COUNT(ends); i++) {
        size_t size = strlen(ends[i]);
        if (length > size && strcasecmp(text + length - size, ends[i]) == 0) return true;
    }
    return false;
}

// Whether a value can only be pictures: a path, a list of them, or {"path"}, {"url"}, {"bytes"} of one.
static bool names_pictures(const json_t *value) {
    if (json_is_array(value)) value = json_array_get(value, 0);
    if (json_is_string(value)) return is_picture_name(json_string_value(value));
    static const char *const inner[] = {"path", "url", "bytes"};
    for (size_t i = 0; i < COUNT(inner); i++) {
        const json_t *text = json_object_get(value, inner[i]);
        if (json_is_string(text) && (i == 2 || is_picture_name(json_string_value(text)))) return true;
    }
    return false;
}

int row_find_pictures(const json_t *row, const json_t **pictures, struct error *error) {
    const char *found = NULL;
    *pictures = NULL;
    for (size_t i = 0; i < COUNT(picture_keys); i++) {
        const json_t *value = json_object_get(row, picture_keys[i]);
        if (!row_is_set(value)) continue;
        if (found)
            return error_set(error, ERROR_INPUT, "pictures stand under both \"%s\" and \"%s\"", found,
                             picture_keys[i]);
        if (!json_is_array(value) && !json_is_string(value) && !json_is_object(value))
            return error_set(error, ERROR_INPUT, "\"%s\" is not a list of paths", picture_keys[i]);
        found = picture_keys[i];
        *pictures = value;
    }
    return 0;
}

const char *row_find_placeholder(const char *text) {
    static const char *const all[] = {
        "<image>",          "<video>",      "<audio>", "<|image_pad|>",       "<|video_pad|>",
        "<|vision_start|>", "<|image|>",    "<img>",   "<image_placeholder>", "<ImageHere>",
        "<IMG_CONTEXT>",    "<ref-object>", "<bbox>",
    };
    if (!strchr(text, '<')) return NULL;
    for (size_t i = 0; i < COUNT(all); i++)
        if (strstr(text, all[i])) return all[i];
    return NULL;
}

// ---- what is learnt -------------------------------------------------------------------------------------

int row_read_learnt(const json_t *object, bool *learnt, struct error *error) {
    for (size_t i = 0; i < COUNT(learnt_keys); i++) {
        const json_t *value = json_object_get(object, learnt_keys[i]);
        if (!value || json_is_null(value)) continue;
        bool yes = json_is_true(value) || (json_is_number(value) && json_number_value(value) == 1);
        bool no = json_is_false(value) || (json_is_number(value) && json_number_value(value) == 0);
        if (!yes && !no)
            return refuse(learnt_keys[i],
                          "is neither true (1) nor false (0): an answer is learnt or it is not", error);
        *learnt = yes;
        if (no) return 0; // one no is enough
    }
    return 0;
}

// ---- all keys -------------------------------------------------------------------------------------------

// A label that says whether the answer is wanted would be learnt the wrong way round.
static bool is_preference(const char *name, const json_t *value) {
    return strcmp(name, "label") == 0 && (json_is_boolean(value) || json_is_number(value));
}

static bool changes_pictures(const struct key *key) {
    return key->why == media || key->why == pixels;
}

int row_check_keys(const json_t *row, const struct row_options *options, struct row_notes *notes,
                   struct error *error) {
    const char *name;
    json_t *value;
    const json_t *pictures;
    bool read = options->chat != ROW_CHAT_NONE;
    if (row_find_pictures(row, &pictures, error)) return -1;
    json_object_foreach((json_t *)row, name, value) {
        if (!row_is_set(value) || is_in(name, picture_keys, COUNT(picture_keys)) ||
            is_in(name, learnt_keys, COUNT(learnt_keys)) || is_in(name, harmless_keys, COUNT(harmless_keys)))
            continue;
        const struct key *key = find_key(name, row_keys, COUNT(row_keys));
        if (key && key->meaning == READ) continue;
        if (key && (read || changes_pictures(key))) return refuse(name, key->why, error);
        if (key || (options->group && strcmp(options->group, name) == 0)) continue;
        if (is_preference(name, value)) {
            if (read) return refuse(name, pairs, error);
            continue;
        }
        if (!pictures && names_pictures(value))
            return refuse(name, "names a picture; pictures stand under \"images\"", error);
        row_note(notes, "", name);
    }
    return 0;
}

int row_check_message(const json_t *message, struct row_notes *notes, struct error *error) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)message, name, value) {
        if (!row_is_set(value) || is_in(name, learnt_keys, COUNT(learnt_keys))) continue;
        const struct key *key = find_key(name, message_keys, COUNT(message_keys));
        if (key && key->meaning != REFUSED) continue;
        if (key) return refuse(name, key->why, error);
        if (is_in(name, picture_keys, COUNT(picture_keys)) || names_pictures(value))
            return refuse(name, inside, error);
        row_note(notes, "messages[].", name);
    }
    return 0;
}

int row_check_part(const json_t *part, struct row_notes *notes, struct error *error) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)part, name, value) {
        if (!row_is_set(value)) continue;
        const struct key *key = find_key(name, part_keys, COUNT(part_keys));
        if (key && key->meaning != REFUSED) continue;
        if (key) return refuse(name, key->why, error);
        if (names_pictures(value)) return refuse(name, "names a picture; it stands under \"image\"", error);
        row_note(notes, "content[].", name);
    }
    return 0;
}
