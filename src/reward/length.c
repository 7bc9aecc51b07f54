// What length and repetition cost, as users of TRL and ms-swift know it: soft_overlong (DAPO, equation 13), repetition
// and cosine (arXiv 2502.03373), with their parameters' names and defaults.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "reward/reward_internal.h"
#include "text/unicode.h"

// ---- soft overlong punishment ---------------------------------------------------------------------------

struct overlong {
    int64_t soft_max_length, soft_cache_length;    // ms-swift
    int64_t max_completion_len, soft_punish_cache; // TRL's names of the same
};

static const struct reward_option overlong_options[] = {
    {"soft_max_length", REWARD_INTEGER, "0", 0, 1e9, NULL, "tokens; 0: max_completion_length of the run",
     offsetof(struct overlong, soft_max_length)},
    {"soft_cache_length", REWARD_INTEGER, "0", 0, 1e9, NULL,
     "tokens before that in which the punishment grows; has to be given",
     offsetof(struct overlong, soft_cache_length)},
    {"max_completion_len", REWARD_INTEGER, "0", 0, 1e9, NULL, "TRL's name of soft_max_length",
     offsetof(struct overlong, max_completion_len)},
    {"soft_punish_cache", REWARD_INTEGER, "0", 0, 1e9, NULL, "TRL's name of soft_cache_length",
     offsetof(struct overlong, soft_punish_cache)},
    {0},
};

static int settle(int64_t *value, int64_t other, const char *names, struct error *error) {
    if (*value && other && *value != other)
        return error_set(error, ERROR_USAGE, "%s are two names of one thing, but have two values", names);
    if (!*value) *value = other;
    return 0;
}

static int open_overlong(void *self, const struct reward_opening *opening, struct error *error) {
    struct overlong *own = self;
    if (settle(&own->soft_max_length, own->max_completion_len, "soft_max_length and max_completion_len",
               error) ||
        settle(&own->soft_cache_length, own->soft_punish_cache, "soft_cache_length and soft_punish_cache",
               error))
        return -1;
    if (!own->soft_max_length) own->soft_max_length = (int64_t)opening->options->max_completion_length;
    if (!own->soft_max_length)
        return error_set(error, ERROR_USAGE, "no limit is known: give soft_max_length=TOKENS");
    if (own->soft_cache_length < 1 || own->soft_cache_length >= own->soft_max_length)
        return error_set(
            error, ERROR_USAGE,
            "soft_cache_length is %lld, expected 1 or more, and less than soft_max_length (%lld)",
            (long long)own->soft_cache_length, (long long)own->soft_max_length);
    return 0;
}

static int score_overlong(void *self, const struct reward_completion *completion, double *value,
                          struct error *error) {
    const struct overlong *own = self;
    double length;
    if (reward_need_length(completion, &length, error)) return -1;
    double over = length - (double)(own->soft_max_length - own->soft_cache_length);
    *value = over <= 0 ? 0 : fmax(-1, -over / (double)own->soft_cache_length);
    return 0;
}

const struct reward_kind reward_soft_overlong = {
    .name = "soft_overlong",
    .help = "0, falling to -1 over the last soft_cache_length tokens before soft_max_length",
    .modes = {true, false, false},
    .size = sizeof(struct overlong),
    .options = overlong_options,
    .open = open_overlong,
    .score = score_overlong,
};

// ---- repeated n-grams -----------------------------------------------------------------------------------

enum { MOST_GRAM = 64 };

struct repetition {
    int64_t repetition_n_grams;
    double repetition_max_penalty;
};

static const struct reward_option repetition_options[] = {
    {"repetition_n_grams", REWARD_INTEGER, "3", 1, MOST_GRAM, NULL, "words of an n-gram",
     offsetof(struct repetition, repetition_n_grams)},
    {"repetition_max_penalty", REWARD_NUMBER, "-1", -1e6, 0, NULL, "where all is repetition",
     offsetof(struct repetition, repetition_max_penalty)},
    {0},
};

// Words as Python's split() finds them, lower-cased, each followed by one space; *count of them. NULL: no memory.
static char *read_words(const struct reward_completion *completion, const char ***words, size_t *count,
                        struct error *error) {
    struct buffer valid = {0}, lower = {0}, text = {0};
    utf8_add_valid(&valid, completion->text, completion->length);
    if (valid.length) unicode_add_lower(&lower, (struct span){valid.data, valid.length});
    struct span rest = {lower.data ? lower.data : "", lower.length};
    bool inside = false;
    *count = 0;
    while (rest.length) {
        size_t used;
        bool space = unicode_is_space(unicode_first(rest, &used));
        if (!space) buffer_add(&text, rest.start, used);
        if (space && inside) buffer_add_text(&text, " ");
        *count += !space && !inside;
        inside = !space;
        rest.start += used, rest.length -= used;
    }
    if (inside) buffer_add_text(&text, " ");
    bool failed = valid.failed || lower.failed || text.failed;
    buffer_free(&valid), buffer_free(&lower);
    if (!text.data && !failed) buffer_add(&text, "", 0);
    *words = failed || text.failed ? NULL : memory_new(*count + 1, sizeof **words, "words", error);
    if (!*words) {
        buffer_free(&text);
        error_set(error, ERROR_MEMORY, "out of memory");
        return NULL;
    }
    size_t length = text.length;
    char *all = buffer_take(&text);
    const char *at = all;
    for (size_t i = 0; i < *count; i++, at++) {
        (*words)[i] = at;
        at = memchr(at, ' ', (size_t)(all + length - at)); // a word may hold a NUL
    }
    (*words)[*count] = at;
    return all;
}

static int compare_grams(const void *a, const void *b, void *length) {
    const char *const *one = *(const char *const *const *)a, *const *other = *(const char *const *const *)b;
    size_t n = *(const size_t *)length, size = (size_t)(one[n] - one[0]),
           other_size = (size_t)(other[n] - other[0]);
    int order = memcmp(one[0], other[0], size < other_size ? size : other_size);
    return order ? order : (size > other_size) - (size < other_size);
}

static int score_repetition(void *self, const struct reward_completion *completion, double *value,
                            struct error *error) {
    const struct repetition *own = self;
    size_t count, n = (size_t)own->repetition_n_grams;
    const char **words = NULL;
    char *text = read_words(completion, &words, &count, error);
    if (!text) return -1;
    *value = 0;
    int result = 0;
    if (count >= n) {
        size_t total = count - n + 1, distinct = 1;
        const char ***grams = memory_new(total, sizeof *grams, "n-grams", error);
        if (grams) {
            for (size_t i = 0; i < total; i++) grams[i] = &words[i];
            qsort_r(grams, total, sizeof *grams, compare_grams, &n);
            for (size_t i = 1; i < total; i++) distinct += compare_grams(&grams[i - 1], &grams[i], &n) != 0;
            *value = (1 - (double)distinct / (double)total) * own->repetition_max_penalty;
        } else {
            result = -1;
        }
        free(grams);
    }
    free(words);
    free(text);
    return result;
}

const struct reward_kind reward_repetition = {
    .name = "repetition",
    .help = "repetition_max_penalty times the share of n-grams of words that were there before",
    .modes = {true, false, false},
    .size = sizeof(struct repetition),
    .options = repetition_options,
    .score = score_repetition,
};

// ---- cosine ---------------------------------------------------------------------------------------------

struct cosine {
    double min_wrong, max_wrong, min_correct, max_correct, correct;
    int64_t max_len;
    void *accuracy; // the accuracy reward with its defaults, in the same mode
};

static const struct reward_option cosine_options[] = {
    {"cosine_min_len_value_wrong", REWARD_NUMBER, "-0.5", -1e6, 1e6, NULL, "of a wrong answer of no length",
     offsetof(struct cosine, min_wrong)},
    {"cosine_max_len_value_wrong", REWARD_NUMBER, "0", -1e6, 1e6, NULL, "of a wrong answer of cosine_max_len",
     offsetof(struct cosine, max_wrong)},
    {"cosine_min_len_value_correct", REWARD_NUMBER, "1", -1e6, 1e6, NULL, "of a right answer of no length",
     offsetof(struct cosine, min_correct)},
    {"cosine_max_len_value_correct", REWARD_NUMBER, "0.5", -1e6, 1e6, NULL,
     "of a right answer of cosine_max_len", offsetof(struct cosine, max_correct)},
    {"cosine_max_len", REWARD_INTEGER, "0", 0, 1e9, NULL, "tokens; 0: max_completion_length of the run",
     offsetof(struct cosine, max_len)},
    {"correct", REWARD_NUMBER, "1", 0, 1, NULL,
     "from this accuracy on (the accuracy reward) an answer is right", offsetof(struct cosine, correct)},
    {0},
};

static void close_cosine(void *self) {
    struct cosine *own = self;
    if (own->accuracy && reward_accuracy.close) reward_accuracy.close(own->accuracy);
    if (own->accuracy) reward_free_options(own->accuracy, &reward_accuracy);
    free(own->accuracy);
    own->accuracy = NULL;
}

static int open_cosine(void *self, const struct reward_opening *opening, struct error *error) {
    struct cosine *own = self;
    if (!own->max_len) own->max_len = (int64_t)opening->options->max_completion_length;
    if (!own->max_len) return error_set(error, ERROR_USAGE, "no limit is known: give cosine_max_len=TOKENS");
    struct reward_spec *none = memory_new(1, sizeof *none, "rewards", error);
    own->accuracy = none ? memory_new(1, reward_accuracy.size, "rewards", error) : NULL;
    int result = own->accuracy ? reward_set_options(own->accuracy, &reward_accuracy, none, error) : -1;
    if (result == 0) result = reward_accuracy.open(own->accuracy, opening, error);
    free(none);
    if (result && own->accuracy) {
        reward_free_options(own->accuracy, &reward_accuracy);
        free(own->accuracy);
        own->accuracy = NULL;
    }
    return result;
}

static int score_cosine(void *self, const struct reward_completion *completion, double *value,
                        struct error *error) {
    const struct cosine *own = self;
    double length, accuracy = NAN;
    if (reward_need_length(completion, &length, error) ||
        reward_accuracy.score(own->accuracy, completion, &accuracy, error))
        return -1;
    if (isnan(accuracy)) return 0;
    bool right = accuracy >= own->correct;
    double low = right ? own->max_correct : own->max_wrong, high = right ? own->min_correct : own->min_wrong;
    *value = high - (high - low) * (1 - cos(length * M_PI / (double)own->max_len)) / 2;
    return 0;
}

const struct reward_kind reward_cosine = {
    .name = "cosine",
    .help = "right answers: the shorter the better; wrong ones: the longer the better",
    .modes = {true, true, true},
    .places = {true, false, false},
    .size = sizeof(struct cosine),
    .options = cosine_options,
    .open = open_cosine,
    .close = close_cosine,
    .score = score_cosine,
};
