// The grounding reward: can be seen what the reasoning names?
#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "postcards/things.h"
#include "reward/compat.h"
#include "reward/reward_internal.h"
#include "reward/words.h"
#include "text/answer.h"

enum { WORDS_WORDNET, WORDS_POSTCARDS };
enum { MOST_CLAIMS = 256, MOST_SEEN = 1024, MOST_WORDS = 4096 };

struct grounding {
    enum reward_mode mode;
    struct words *words; // NULL: of Postcards
    int vocabulary;
    double beta;
    int64_t enough;
};

static const struct reward_option options[] = {
    {"words", REWARD_CHOICE, "wordnet", 0, 0, "wordnet, postcards",
     "what counts as naming a thing: WordNet's words for visible things, or the things that Postcards can "
     "draw",
     offsetof(struct grounding, vocabulary)},
    {"beta", REWARD_NUMBER, "0.5", 0.01, 100, NULL,
     "of mode=globe: how much more what is seen counts than what is said to be seen (below 1: the latter "
     "counts more)",
     offsetof(struct grounding, beta)},
    {"enough", REWARD_INTEGER, "4", 1, 1000, NULL, "of mode=globe: naming so many things is naming all",
     offsetof(struct grounding, enough)},
    {0},
};

static int open_grounding(void *self, const struct reward_opening *opening, struct error *error) {
    struct grounding *own = self;
    own->mode = opening->mode;
    if (own->mode == REWARD_COMPAT || own->vocabulary == WORDS_POSTCARDS) return 0;
    own->words = words_open(NULL, error);
    return own->words ? 0 : -1;
}

static void close_grounding(void *self) {
    words_close(((struct grounding *)self)->words);
}

// ---- words of a text ------------------------------------------------------------------------------------

struct token {
    const char *start;
    size_t length;
    bool breaks; // more than a space or hyphen before it
};

static bool is_letter(char c) {
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || c == '\'';
}

static size_t split(const char *text, struct token *tokens, size_t most) {
    size_t count = 0;
    bool broken = true;
    for (const char *c = text; *c && count < most;) {
        if (!is_letter(*c)) {
            broken = broken || (*c != ' ' && *c != '-');
            c++;
            continue;
        }
        const char *start = c;
        while (is_letter(*c)) c++;
        tokens[count++] = (struct token){start, (size_t)(c - start), broken};
        broken = false;
    }
    return count;
}

static bool is_token(const struct token *token, const char *word) {
    return token->length == strlen(word) && strncasecmp(token->start, word, token->length) == 0;
}

// "no cars", "without any sign", "not a single tree": what is said not to be there is not claimed.
static bool is_denied(const struct token *tokens, size_t at) {
    static const char *const denials[] = {"no",    "not",    "without", "neither", "nor",
                                          "isn't", "aren't", "lacks",   "absence"};
    for (size_t back = 1; back <= 3 && back <= at; back++) {
        for (size_t i = 0; i < sizeof denials / sizeof *denials; i++)
            if (is_token(&tokens[at - back], denials[i])) return true;
        if (tokens[at - back + 1].breaks && back > 1) return false;
    }
    return false;
}

// ---- what can be seen -----------------------------------------------------------------------------------

struct seen {
    const char *text;
    size_t length;
    struct word_senses senses; // of its words, or of those that it ends with
    bool hit;                  // it was named
    bool claimed;              // in its own words, which mean nothing to the table
};

static void find_head(const struct words *words, struct seen *seen) {
    struct token tokens[16];
    size_t count = split(seen->text, tokens, 16);
    for (size_t length = count < WORDS_LONGEST ? count : WORDS_LONGEST; length > 0; length--) {
        const struct token *first = &tokens[count - length], *last = &tokens[count - 1];
        words_find(words, first->start, (size_t)(last->start + last->length - first->start), &seen->senses);
        if (seen->senses.count) return;
    }
}

static void add_seen(const struct words *words, struct seen *all, size_t *count, char *const *texts,
                     size_t texts_count) {
    for (size_t i = 0; i < texts_count && *count < MOST_SEEN; i++) {
        bool known = !*texts[i];
        for (size_t k = 0; k < *count; k++) known = known || strcasecmp(all[k].text, texts[i]) == 0;
        if (known) continue;
        all[*count] = (struct seen){.text = texts[i], .length = strlen(texts[i])};
        if (words) find_head(words, &all[*count]);
        ++*count;
    }
}

// ---- what is claimed ------------------------------------------------------------------------------------

struct counts {
    size_t claims, right, hits, seen;
};

// Length of the element's text at a word of the reasoning, a plural s included; 0: it is not there.
static size_t length_at(const struct seen *seen, const char *at) {
    if (strncasecmp(at, seen->text, seen->length) != 0) return 0;
    size_t length = seen->length;
    if (at[length] == 's' || at[length] == 'S') length++;
    return is_letter(at[length]) ? 0 : length;
}

struct claims {
    struct word_senses senses[MOST_CLAIMS];
    bool right[MOST_CLAIMS];
    size_t count;
};

static bool same_senses(const struct word_senses *a, const struct word_senses *b) {
    return a->count == b->count && memcmp(a->senses, b->senses, a->count * sizeof *a->senses) == 0;
}

// The element whose own text stands here: the longest one. *used: how many words.
static struct seen *find_element(struct seen *all, size_t count, const struct token *tokens,
                                 size_t tokens_left, size_t *used) {
    struct seen *best = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = length_at(&all[i], tokens->start);
        if (length > longest) longest = length, best = &all[i];
    }
    *used = 0;
    while (best && *used < tokens_left && tokens[*used].start < tokens->start + longest) ++*used;
    return best;
}

// A word or phrase that names a thing: the longest. 0: none begins here.
static size_t find_claim(const struct words *words, const struct token *tokens, size_t tokens_left,
                         struct word_senses *senses) {
    for (size_t length = tokens_left < WORDS_LONGEST ? tokens_left : WORDS_LONGEST; length > 0; length--) {
        bool whole = true;
        for (size_t i = 1; i < length; i++) whole = whole && !tokens[i].breaks;
        const struct token *last = &tokens[length - 1];
        if (!whole) continue;
        words_find(words, tokens->start, (size_t)(last->start + last->length - tokens->start), senses);
        if (senses->count) return length;
    }
    return 0;
}

// Names are not things: "Paris", but not the first word of a sentence.
static bool is_name(const struct token *tokens, size_t at) {
    return at > 0 && !tokens[at].breaks && isupper((unsigned char)*tokens[at].start);
}

static void add_claim(struct claims *claims, const struct word_senses *senses, bool right) {
    for (size_t i = 0; i < claims->count; i++)
        if (same_senses(&claims->senses[i], senses)) return; // said before
    if (claims->count == MOST_CLAIMS) return;
    claims->senses[claims->count] = *senses;
    claims->right[claims->count++] = right;
}

// What is narrower than anything that is known to be there ("pagoda", where there is a building) cannot be checked: it is
// neither right nor invented.
static void weigh_claim(const struct words *words, const struct word_senses *senses, bool thing,
                        struct seen *all, size_t seen_count, struct claims *claims) {
    bool right = false, narrower = false;
    for (size_t i = 0; i < seen_count; i++) {
        enum words_relation relation = words_compare(words, senses, &all[i].senses);
        narrower = narrower || relation == WORDS_NARROWER;
        if (relation == WORDS_COVERS) right = all[i].hit = true;
    }
    if (right || (thing && !narrower)) add_claim(claims, senses, right);
}

static void read_claims(const struct words *words, const struct token *tokens, size_t count, struct seen *all,
                        size_t seen_count, struct claims *claims) {
    for (size_t at = 0; at < count;) {
        struct word_senses senses;
        size_t used;
        struct seen *element = find_element(all, seen_count, &tokens[at], count - at, &used);
        bool denied = is_denied(tokens, at);
        if (element && !denied) {
            element->hit = true;
            if (element->senses.count)
                add_claim(claims, &element->senses, true);
            else if (!element->claimed)
                element->claimed = true;
        }
        if (!element) {
            used = find_claim(words, &tokens[at], count - at, &senses);
            if (used && !denied)
                weigh_claim(words, &senses, senses.thing && !is_name(tokens, at), all, seen_count, claims);
        }
        at += used ? used : 1;
    }
}

static int count_words(const struct grounding *own, const char *reasoning, struct seen *all,
                       size_t seen_count, struct counts *counts, struct error *error) {
    struct token *tokens = memory_new(MOST_WORDS, sizeof *tokens, "grounding", error);
    struct claims *claims = tokens ? memory_new(1, sizeof *claims, "grounding", error) : NULL;
    if (claims) {
        read_claims(own->words, tokens, split(reasoning, tokens, MOST_WORDS), all, seen_count, claims);
        for (size_t i = 0; i < seen_count; i++) counts->claims += all[i].claimed;
        counts->right = counts->claims;
        for (size_t i = 0; i < claims->count; i++) counts->claims++, counts->right += claims->right[i];
    }
    int result = claims ? 0 : -1;
    free(claims);
    free(tokens);
    return result;
}

// Only things that Postcards can draw are claimed, as `globe eval` counts them.
static void count_things(const char *reasoning, struct seen *all, size_t seen_count, struct counts *counts) {
    enum thing found[THING_COUNT];
    size_t count = things_mentioned(reasoning, found, THING_COUNT);
    for (size_t i = 0; i < count; i++) {
        bool right = false;
        for (size_t k = 0; k < seen_count; k++)
            if (strcmp(all[k].text, thing_facts(found[i])->text) == 0) right = all[k].hit = true;
        counts->claims++;
        counts->right += right;
    }
}

static int count(const struct grounding *own, const struct reward_completion *completion,
                 struct counts *counts, struct error *error) {
    const struct truth *truth = completion->truth;
    struct answer answer;
    size_t seen_count = 0;
    *counts = (struct counts){0};
    struct seen *all = memory_new(MOST_SEEN, sizeof *all, "grounding", error);
    if (!all) return -1;
    add_seen(own->words, all, &seen_count, truth->elements, truth->element_count);
    add_seen(own->words, all, &seen_count, truth->entities, truth->entity_count);
    int result = answer_parse(&answer, completion->text, completion->length,
                              completion->cut ? ANSWER_LENIENT_CUT : ANSWER_LENIENT, error);
    if (result == 0) {
        if (own->words)
            result = count_words(own, answer.reasoning, all, seen_count, counts, error);
        else
            count_things(answer.reasoning, all, seen_count, counts);
        answer_free(&answer);
    }
    counts->seen = seen_count;
    for (size_t i = 0; i < seen_count; i++) counts->hits += all[i].hit;
    free(all);
    return result;
}

static int score_compat(const struct reward_completion *completion, double *value, struct error *error) {
    const struct truth *truth = completion->truth;
    if (!truth->has_entities) // the released function raises
        return error_set(error, ERROR_INPUT, "its row has no \"entities\"");
    return reward_compat_visual(completion->text, completion->length,
                                (const char *const *)(uintptr_t)truth->entities, truth->entity_count, value,
                                error);
}

static int score_grounding(void *self, const struct reward_completion *completion, double *value,
                           struct error *error) {
    const struct grounding *own = self;
    struct counts found;
    if (reward_need_truth(completion, error)) return -1;
    if (own->mode == REWARD_COMPAT) return score_compat(completion, value, error);
    if (!completion->truth->has_entities && !completion->truth->has_elements) return 0; // nobody knows
    if (count(own, completion, &found, error)) return -1;
    if (found.claims == 0 && found.seen == 0) return 0;
    double precision = found.claims ? (double)found.right / (double)found.claims : 0;
    if (own->mode == REWARD_PAPER) {
        *value = precision;
        return 0;
    }
    double enough = fmin((double)found.seen, (double)own->enough), square = own->beta * own->beta;
    double recall = enough > 0 ? fmin(1, (double)found.hits / enough) : 0;
    *value = precision + recall > 0 ? (1 + square) * precision * recall / (square * precision + recall) : 0;
    return 0;
}

const struct reward_kind reward_grounding = {
    .name = "grounding",
    .help = "whether what the reasoning names can be seen",
    .modes = {true, true, true},
    .size = sizeof(struct grounding),
    .options = options,
    .open = open_grounding,
    .close = close_grounding,
    .score = score_grounding,
};
