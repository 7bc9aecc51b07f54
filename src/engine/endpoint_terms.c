#include "engine/endpoint_terms.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    const char *aliases[4];
    const char *effect; // of leaving it out; NULL: none on results
} fields[ENDPOINT_FIELDS] = {
    [FIELD_TEMPERATURE] = {"temperature", {NULL}, "the server's own temperature applies"},
    [FIELD_TOP_P] = {"top_p", {"nucleus_sampling"}, "the server's own value applies"},
    [FIELD_SEED] = {"seed", {"random_seed"}, "a second run may answer differently"},
    [FIELD_FREQUENCY_PENALTY] = {"frequency_penalty", {NULL}, "the server's own value applies"},
    [FIELD_PRESENCE_PENALTY] = {"presence_penalty", {NULL}, "the server's own value applies"},
    [FIELD_TOP_K] = {"top_k", {NULL}, "the server's own value applies"},
    [FIELD_MIN_P] = {"min_p", {NULL}, "the server's own value applies"},
    [FIELD_REPETITION_PENALTY] = {"repetition_penalty", {"repeat_penalty"}, "the server's own value applies"},
    [FIELD_MAX_TOKENS] = {"max_tokens", {"max_new_tokens"}, "the server's own limit applies"},
    [FIELD_MAX_COMPLETION_TOKENS] = {"max_completion_tokens", {NULL}, "the server's own limit applies"},
    [FIELD_N] = {"n", {"num_generations", "multiple_choices", "multiple_completions"}, NULL},
    [FIELD_LOGPROBS] = {"logprobs",
                        {"log_probabilities", "top_logprobs", "log_probs"},
                        "how sure a single answer is stays unknown"},
    [FIELD_STREAM_OPTIONS] = {"stream_options", {"include_usage"}, NULL},
    [FIELD_STREAM] = {"stream", {"streaming"}, NULL},
};

const char *endpoint_field_name(enum endpoint_field field) {
    return fields[field].name;
}

// ---- finding a name -------------------------------------------------------------------------------------

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

// Bytes that spell `name` at the beginning of the text, 0 when they do not. "top_p" may be written "top p",
// "top-p" or "topP".
static size_t spelt(const char *text, const char *name) {
    const char *at = text;
    for (; *name; name++) {
        if (*name == '_') {
            if (*at && strchr("_- ", *at)) at++;
        } else if (tolower((unsigned char)*at) != *name) {
            return 0;
        } else {
            at++;
        }
    }
    return is_word(*at) ? 0 : (size_t)(at - text);
}

// "n" is found where it can be nothing else: quoted, or in front of "=", ">" or "must".
static bool is_clear(const char *start, const char *text, size_t length) {
    if (length > 1) return true;
    char before = text > start ? text[-1] : ' ', after = text[length];
    if (before && strchr("'\"`", before) && after == before) return true;
    static const char *const follows[] = {"=", " =", " must", " >", " is not", " should", ">"};
    static const char *const precedes[] = {"parameter ", "argument ", "field ", "option "};
    for (size_t i = 0; i < sizeof follows / sizeof *follows; i++)
        if (!strncmp(text + length, follows[i], strlen(follows[i]))) return true;
    for (size_t i = 0; i < sizeof precedes / sizeof *precedes; i++) {
        size_t size = strlen(precedes[i]);
        if ((size_t)(text - start) >= size && !strncasecmp(text - size, precedes[i], size)) return true;
    }
    return false;
}

static const char *find_name(const char *text, const char *name) {
    for (const char *at = text; *at; at++) {
        if (at > text && is_word(at[-1])) continue;
        size_t length = spelt(at, name);
        if (length && is_clear(text, at, length)) return at;
    }
    return NULL;
}

// The field that is named first: whoever lists what is allowed begins with what is not.
static enum endpoint_field find_field(const char *text, const bool sent[ENDPOINT_FIELDS]) {
    enum endpoint_field first = ENDPOINT_FIELDS;
    const char *earliest = NULL;
    for (int f = 0; f < ENDPOINT_FIELDS; f++) {
        if (!sent[f]) continue;
        const char *names[] = {fields[f].name, fields[f].aliases[0], fields[f].aliases[1],
                               fields[f].aliases[2]};
        for (size_t i = 0; i < sizeof names / sizeof *names && names[i]; i++) {
            const char *found = find_name(text, names[i]);
            if (!found || (earliest && found >= earliest)) continue;
            earliest = found;
            first = (enum endpoint_field)f;
        }
    }
    return first;
}

static bool says_one_of(const char *text, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcasestr(text, words[i])) return true;
    return false;
}

// Whether a text refuses something at all, rather than mentioning it.
static bool refuses(const char *text) {
    static const char *const words[] = {
        "support",       "unknown",    "unrecogni", "unexpected", "permit",  "allow",
        "extra",         "invalid",    "must",      "should",     "only",    "not available",
        "disable",       "forbidden",  "deprecat",  "no longer",  "instead", "not implemented",
        "unimplemented", "cannot",     "can't",     "illegal",    "reject",  "remove",
        "require",       "not accept", "bad ",      "undefined",  "ignored", "not compatible"};
    return says_one_of(text, words, sizeof words / sizeof *words);
}

// A limit that is too high is the user's to lower: another name does not help.
static bool is_too_much(const char *text) {
    static const char *const words[] = {
        "too large",      "too long", "too many",        "too big",   "exceed",       "context length",
        "context window", "at most",  "maximum context", "less than", "greater than", "smaller than"};
    return says_one_of(text, words, sizeof words / sizeof *words);
}

// The request's content, not its settings.
static bool is_about_content(const char *complaint) {
    static const char *const starts[] = {"'messages", "'model'", "'image", "'content", "'prompt"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (!strncasecmp(complaint, starts[i], strlen(starts[i]))) return true;
    return false;
}

// ---- learning -------------------------------------------------------------------------------------------

static enum endpoint_lesson settle(bool *now, bool before) {
    if (before) return LESSON_NONE; // this way it was asked already
    enum endpoint_lesson lesson = *now ? LESSON_KNOWN : LESSON_NEW;
    *now = true;
    return lesson;
}

static enum endpoint_lesson lower_no_more(struct endpoint_terms *now, const struct endpoint_terms *before,
                                          struct buffer *what) {
    enum endpoint_lesson lesson = settle(&now->never_greedy, before->never_greedy);
    if (lesson == LESSON_NEW) buffer_add_text(what, "refuses temperature 0: asked with 0.01 from now on");
    return lesson;
}

static void tell(enum endpoint_field field, struct buffer *what) {
    const char *name = fields[field].name;
    if (field == FIELD_MAX_TOKENS)
        buffer_format(what, "refuses \"%s\": \"max_completion_tokens\" is sent from now on", name);
    else if (field == FIELD_N)
        buffer_format(what, "refuses \"%s\": answers are asked for one by one from now on", name);
    else if (fields[field].effect)
        buffer_format(what, "refuses \"%s\": asked without it from now on, so %s", name,
                      fields[field].effect);
    else
        buffer_format(what, "refuses \"%s\": asked without it from now on", name);
}

enum endpoint_lesson endpoint_terms_learn(struct endpoint_terms *now, const struct endpoint_terms *before,
                                          const bool sent[ENDPOINT_FIELDS], const char *complaint, bool named,
                                          struct buffer *what, bool *changes_results) {
    *changes_results = false;
    if ((named && is_about_content(complaint)) || (!named && !refuses(complaint))) return LESSON_NONE;
    enum endpoint_field field = find_field(complaint, sent);
    if (field == ENDPOINT_FIELDS) return LESSON_NONE;
    bool limit = field == FIELD_MAX_TOKENS || field == FIELD_MAX_COMPLETION_TOKENS;
    if (limit && is_too_much(complaint)) return LESSON_NONE;
    *changes_results = field != FIELD_MAX_TOKENS && fields[field].effect;
    bool positive = strcasestr(complaint, "positive") || strstr(complaint, "> 0") ||
                    strcasestr(complaint, "greater than 0");
    if (field == FIELD_TEMPERATURE && positive && !before->never_greedy)
        return lower_no_more(now, before, what);
    enum endpoint_lesson lesson = settle(&now->refused[field], before->refused[field]);
    if (lesson == LESSON_NEW) tell(field, what);
    return lesson;
}

void endpoint_terms_describe(const struct endpoint_terms *terms, struct buffer *out) {
    const char *between = "";
    for (int f = 0; f < ENDPOINT_FIELDS; f++) {
        if (!terms->refused[f] || f == FIELD_MAX_TOKENS) continue;
        buffer_format(out, "%s%s", between, fields[f].name);
        between = ", ";
    }
    if (*between) buffer_add_text(out, " left out");
    between = *between ? "; " : "";
    if (terms->refused[FIELD_MAX_TOKENS] && !terms->refused[FIELD_MAX_COMPLETION_TOKENS]) {
        buffer_format(out, "%smax_tokens sent as max_completion_tokens", between);
        between = "; ";
    }
    if (terms->never_greedy) buffer_format(out, "%stemperature 0 sent as 0.01", between);
}
