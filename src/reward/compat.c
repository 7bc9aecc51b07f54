#include "reward/compat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "text/answer.h"
#include "text/unicode.h"

double reward_compat_format(const char *text, size_t length) {
    return answer_is_well_formed(text, length) ? 1 : 0;
}

static size_t code_points(const char *text) {
    size_t count = 0;
    for (; *text; text++) count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

// Lower-cased as Python does it. NULL for want of memory.
static char *lower(const char *text, size_t length, struct error *error) {
    struct buffer out = {0};
    unicode_add_lower(&out, (struct span){text, length});
    if (!out.failed && !out.data) buffer_add(&out, "", 0);
    char *copy = out.failed ? NULL : memory_copy_string(out.data ? out.data : "", out.length, error);
    if (out.failed) error_set(error, ERROR_MEMORY, "reward: out of memory");
    buffer_free(&out);
    return copy;
}

// One name holds the other and is at least 0.7 of its length, counted in characters before lower-casing.
static int match(const char *predicted, const char *truth, size_t truth_length, bool *same,
                 struct error *error) {
    *same = false;
    char *gold = memory_copy_string(truth, truth_length, error);
    char *folded = gold ? lower(truth, truth_length, error) : NULL;
    if (folded) {
        double p = (double)code_points(predicted), t = (double)code_points(gold);
        *same = p > 0 && t > 0 &&
                ((strstr(folded, predicted) && p / t >= 0.7) || (strstr(predicted, folded) && t / p >= 0.7));
    }
    free(gold);
    int result = folded ? 0 : -1;
    free(folded);
    return result;
}

int reward_compat_accuracy(const char *text, size_t length, const char *solution, double *reward,
                           struct error *error) {
    const char *tab = strchr(solution, '\t');
    if (!tab || strchr(tab + 1, '\t'))
        return error_set(error, ERROR_INPUT, "the solution \"%.80s\" is not a country, a tab and a city",
                         solution);
    struct answer answer;
    bool country, city;
    if (answer_parse(&answer, text, length, ANSWER_COMPAT_REWARD, error)) return -1;
    int result = match(answer.country, solution, (size_t)(tab - solution), &country, error) ||
                         match(answer.city, tab + 1, strlen(tab + 1), &city, error)
                     ? -1
                     : 0;
    answer_free(&answer);
    if (result == 0) *reward = country ? (city ? 1.0 : 0.2) : 0.0;
    return result;
}

// ---- visual match ----

static const char open_tag[] = "<think>", close_tag[] = "</think>";

// What stands before the first </think> (all of it without one), every <think> taken out, lower-cased.
static char *read_thinking(const char *text, size_t length, struct error *error) {
    struct buffer clean = {0}, kept = {0};
    utf8_add_valid(&clean, text, length);
    const char *at = clean.data ? clean.data : "", *end = strstr(at, close_tag), *tag;
    if (!end) end = at + strlen(at);
    while ((tag = strstr(at, open_tag)) && tag < end) {
        buffer_add(&kept, at, (size_t)(tag - at));
        at = tag + sizeof open_tag - 1;
    }
    buffer_add(&kept, at, (size_t)(end - at));
    char *folded = clean.failed || kept.failed ? NULL : lower(kept.data ? kept.data : "", kept.length, error);
    if (clean.failed || kept.failed) error_set(error, ERROR_MEMORY, "reward: out of memory");
    buffer_free(&clean);
    buffer_free(&kept);
    return folded;
}

static bool is_known(char *const *tags, size_t count, const char *tag) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(tags[i], tag) == 0) return true;
    return false;
}

int reward_compat_visual(const char *text, size_t length, const char *const *entities, size_t count,
                         double *reward, struct error *error) {
    size_t distinct = 0, found = 0;
    char **tags = memory_new(count + 1, sizeof *tags, "entities", error);
    char *thinking = tags ? read_thinking(text, length, error) : NULL;
    int result = thinking ? 0 : -1;
    for (size_t i = 0; result == 0 && i < count; i++) {
        char *tag = lower(entities[i], strlen(entities[i]), error);
        if (!tag) {
            result = -1;
        } else if (is_known(tags, distinct, tag)) {
            free(tag);
        } else {
            tags[distinct++] = tag;
            found += strstr(thinking, tag) != NULL;
        }
    }
    if (result == 0) *reward = distinct ? (double)found / (double)distinct : 0;
    for (size_t i = 0; i < distinct; i++) free(tags[i]);
    free(tags);
    free(thinking);
    return result;
}

double reward_compat_locatability(const char *const *tokens, const double *log_probs, size_t count) {
    static const char *const words[2][3] = {{"no", "No", "NO"}, {"yes", "Yes", "YES"}};
    double mass[2] = {0, 0};
    for (size_t i = 0; i < count; i++)
        for (int side = 0; side < 2; side++)
            for (int form = 0; form < 3; form++)
                if (strcmp(tokens[i], words[side][form]) == 0) mass[side] += exp(log_probs[i]);
    return mass[0] == 0 && mass[1] == 0 ? 0 : mass[1] / (mass[1] + mass[0] + 1e-19);
}
