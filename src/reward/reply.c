#include "reward/reply.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

// Python writes these, JSON has none of them.
static const char *odd_number(const char *line, size_t length) {
    static const char *const odd[] = {"NaN", "Infinity", "nan", "inf"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        if (memmem(line, length, odd[i], strlen(odd[i]))) return odd[i];
    return NULL;
}

static int complain_of_line(const char *line, size_t length, const json_error_t *parse, struct error *error) {
    const char *odd = odd_number(line, length);
    if (odd)
        return error_set(error, ERROR_INPUT,
                         "it answered with %s, which JSON does not have: write null for what does not apply",
                         odd);
    return error_set(error, ERROR_INPUT, "its answer is not JSON (%.80s): \"%.*s\"", parse->text,
                     length < 100 ? (int)length : 100, line);
}

static int take_value(const json_t *entry, size_t at, double *value, struct reward_failures *failures,
                      struct error *error) {
    const json_t *why = json_object_get(entry, "error");
    *value = NAN;
    if (json_is_null(entry)) return 0;
    if (json_is_number(entry)) {
        *value = json_number_value(entry);
        return 0;
    }
    if (!json_is_string(why))
        return error_set(error, ERROR_INPUT,
                         "its reward of completion %zu is neither a number nor null nor {\"error\": \"why\"}",
                         at);
    failures->failed[at] = true;
    if (!failures->first.code)
        error_set(&failures->first, ERROR_INPUT, "completion %zu: it says: %.200s", at,
                  json_string_value(why));
    return 0;
}

static int read_answer(const json_t *answer, uint64_t id, size_t count, double *values,
                       struct reward_failures *failures, struct error *error) {
    const json_t *why = json_object_get(answer, "error"), *own = json_object_get(answer, "id");
    const json_t *list = json_is_object(answer) ? json_object_get(answer, "rewards") : answer;
    if (json_is_string(why)) return error_set(error, ERROR_INPUT, "it says: %.200s", json_string_value(why));
    if (own && (!json_is_integer(own) || (uint64_t)json_integer_value(own) != id))
        return error_set(error, ERROR_INPUT, "it answered another question: \"id\" is not %llu",
                         (unsigned long long)id);
    if (!json_is_array(list))
        return error_set(error, ERROR_INPUT, "its answer is neither {\"rewards\": [...]} nor a list");
    if (json_array_size(list) != count)
        return error_set(error, ERROR_INPUT, "it gave %zu rewards for %zu completions", json_array_size(list),
                         count);
    for (size_t i = 0; i < count; i++)
        if (take_value(json_array_get(list, i), i, &values[i], failures, error)) return -1;
    return 0;
}

int reward_reply_read(const char *line, size_t length, uint64_t id, size_t count, double *values,
                      struct reward_failures *failures, struct error *error) {
    json_error_t parse;
    json_t *answer = json_loadb(line, length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &parse);
    if (!answer) return complain_of_line(line, length, &parse, error);
    int result = read_answer(answer, id, count, values, failures, error);
    json_decref(answer);
    return result;
}
