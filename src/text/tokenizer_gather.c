// The older layout of a tokenizer, vocab.json + merges.txt + tokenizer_config.json, brought into the form of
// a tokenizer.json, so that there is one reader.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "text/qwen2_rules.h"
#include "text/tokenizer_internal.h"

enum { MAX_FILE = 128 * 1024 * 1024 };

static json_t *read_json(const char *folder, const char *file, struct error *error) {
    char *path = file_join(folder, file, error);
    json_t *root = path ? json_read_file(path, MAX_FILE, error) : NULL;
    free(path);
    return root;
}

// One merge a line; the first line may be "#version: ...".
static json_t *read_merges(const char *folder, struct error *error) {
    size_t length = 0;
    char *path = file_join(folder, "merges.txt", error);
    char *text = path ? file_read(path, MAX_FILE, &length, error) : NULL;
    json_t *list = text ? json_array() : NULL;
    const char *end = text ? text + length : NULL;
    for (const char *line = text; list && line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        const char *next = stop ? stop + 1 : end;
        if (!stop) stop = end;
        if (stop > line && stop[-1] == '\r') stop--;
        bool version = line == text && stop - line >= 8 && !memcmp(line, "#version", 8);
        if (stop > line && !version &&
            json_array_append_new(list,
                                  json_stringn(line, (size_t)(stop - line)))) { // refuses what is not UTF-8
            error_set(error, ERROR_MODEL, "%s: merge %zu is not valid UTF-8", path, json_array_size(list));
            json_decref(list);
            list = NULL;
        }
        line = next;
    }
    free(text);
    free(path);
    return list;
}

// added_tokens_decoder {"151643": {"content": ..}} to a list of {"id", "content"}.
static json_t *list_added(json_t *config, struct error *error) {
    json_t *list = json_array(), *item;
    const char *key;
    json_object_foreach(json_object_get(config, "added_tokens_decoder"), key, item) {
        char *end;
        long long id = strtoll(key, &end, 10);
        if (*key < '0' || *key > '9' || *end || !json_is_object(item)) {
            error_set(error, ERROR_MODEL, "tokenizer_config.json: added_tokens_decoder: \"%s\" is not an id",
                      key);
            json_decref(list);
            return NULL;
        }
        json_object_set_new(item, "id", json_integer(id));
        json_array_append(list, item);
    }
    return list;
}

static json_t *read_added(const char *folder, struct error *error) {
    char *path = file_join(folder, "tokenizer_config.json", error);
    if (!path) return NULL;
    bool there = file_exists(path);
    free(path);
    if (!there) return json_array();
    json_t *config = read_json(folder, "tokenizer_config.json", error);
    if (!config) return NULL;
    json_t *list = NULL;
    const char *class = json_string_value(json_object_get(config, "tokenizer_class"));
    if (class && strncmp(class, "Qwen2Tokenizer", 14))
        error_set(error, ERROR_MODEL, "%s: without a tokenizer.json only Qwen2Tokenizer can be read, not %s",
                  folder, class);
    else
        list = list_added(config, error);
    json_decref(config);
    return list;
}

json_t *tokenizer_gather(const char *folder, struct error *error) {
    json_t *vocab = read_json(folder, "vocab.json", error);
    json_t *merges = vocab ? read_merges(folder, error) : NULL;
    json_t *added = merges ? read_added(folder, error) : NULL;
    json_t *root = added ? qwen2_rules_json() : NULL; // which these files do not spell out
    if (added && !root) error_set(error, ERROR_MEMORY, "%s: out of memory", folder);
    if (root) {
        json_t *model = json_object();
        json_object_set(model, "vocab", vocab);
        json_object_set(model, "merges", merges);
        json_object_set_new(root, "model", model);
        json_object_set(root, "added_tokens", added);
    }
    json_decref(vocab);
    json_decref(merges);
    json_decref(added);
    return root;
}
