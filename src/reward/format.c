// The format reward: are reasoning and answer where they belong?
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/utf8.h"
#include "reward/compat.h"
#include "reward/reward_internal.h"
#include "text/answer.h"
#include "text/unicode.h"

struct format {
    enum reward_mode mode;
};

static int open_format(void *self, const struct reward_opening *opening, struct error *error) {
    (void)error;
    ((struct format *)self)->mode = opening->mode;
    return 0;
}

static size_t count_of(const char *text, size_t length, const char *what) {
    size_t count = 0, size = strlen(what);
    for (size_t i = 0; i + size <= length; i++) count += memcmp(text + i, what, size) == 0;
    return count;
}

// How many lines begin with the key and go on.
static size_t lines_with(const char *text, size_t length, const char *key) {
    size_t count = 0, size = strlen(key);
    for (size_t i = 0; i + size < length; i++) {
        if ((i && text[i - 1] != '\n') || strncasecmp(text + i, key, size) != 0) continue;
        size_t rest = i + size;
        while (rest < length && (text[rest] == ' ' || text[rest] == '\t')) rest++;
        count += rest < length && text[rest] != '\n' && text[rest] != '\r';
    }
    return count;
}

// One block of reasoning with something in it, then one answer with one country and one city, and nothing around them but
// white space.
static bool is_clean(const char *text, size_t length) {
    static const char open[] = "<answer>", close[] = "</answer>";
    static const char *const tags[] = {"<think>", "</think>", open, close};
    struct span all = unicode_strip((struct span){text, length});
    if (!answer_is_well_formed(all.start, all.length)) return false;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (count_of(all.start, all.length, tags[i]) != 1) return false;
    const char *thought = all.start + strlen("<think>"), *end = all.start + all.length - (sizeof close - 1);
    const char *middle = memmem(thought, (size_t)(end - thought), "</think>", strlen("</think>"));
    const char *answer = memmem(all.start, all.length, open, sizeof open - 1);
    if (unicode_strip((struct span){thought, (size_t)(middle - thought)}).length == 0) return false;
    answer += sizeof open - 1;
    struct span inner = unicode_strip((struct span){answer, (size_t)(end - answer)});
    return lines_with(inner.start, inner.length, "country:") == 1 &&
           lines_with(inner.start, inner.length, "city:") == 1;
}

static int score_format(void *self, const struct reward_completion *completion, double *value,
                        struct error *error) {
    const struct format *format = self;
    if (format->mode != REWARD_GLOBE) {
        *value = reward_compat_format(completion->text, completion->length);
        return 0;
    }
    struct buffer text = {0}; // the rules of characters are those of valid texts
    utf8_add_valid(&text, completion->text, completion->length);
    if (text.failed) {
        buffer_free(&text);
        return error_set(error, ERROR_MEMORY, "out of memory");
    }
    *value = text.data && is_clean(text.data, text.length) ? 1 : 0;
    buffer_free(&text);
    return 0;
}

const struct reward_kind reward_format = {
    .name = "format",
    .help = "1 where reasoning and answer stand in their tags, else 0",
    .modes = {true, true, true},
    .size = sizeof(struct format),
    .open = open_format,
    .score = score_format,
};
