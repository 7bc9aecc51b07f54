// Private to reward/: what a kind of reward is. A new one is a file with a `const struct reward_kind`, a line in kinds.c,
// and a section in docs/rewards.md.
#ifndef GLOBE_REWARD_REWARD_INTERNAL_H
#define GLOBE_REWARD_REWARD_INTERNAL_H

#include "reward/atlas.h"
#include "reward/reward.h"

enum reward_mode { REWARD_GLOBE, REWARD_PAPER, REWARD_COMPAT, REWARD_MODES };

// ---- the text that asks for a reward --------------------------------------------------------------------

enum { REWARD_MOST_KEYS = 16, REWARD_SPEC_SIZE = 4096 };

struct reward_spec {
    char kind[REWARD_NAME_SIZE];
    struct {
        char *key, *value;
    } pairs[REWARD_MOST_KEYS]; // into `text`
    size_t count;
    char text[2 * REWARD_SPEC_SIZE];
};

// Reads one reward from *text and moves it behind; false when nothing is left. ERROR_USAGE: -1.
int reward_spec_read(struct reward_spec *spec, const char **text, bool *found, struct error *error);
const char *reward_spec_get(const struct reward_spec *spec, const char *key); // NULL: not given

// ---- kinds ----------------------------------------------------------------------------------------------

enum reward_option_type { REWARD_NUMBER, REWARD_INTEGER, REWARD_CHOICE, REWARD_FLAG, REWARD_TEXT };

struct reward_option {
    const char *key; // NULL ends the table
    enum reward_option_type type;
    const char *value;   // the default; NULL: it has to be given
    double low, high;    // of numbers
    const char *choices; // "exp, steps"
    const char *help;
    size_t offset; // of its member in the kind's struct: a double, an int64_t, an int, a bool or a char *
};

// A completion whose reward could not be told, in score_all.
struct reward_failures {
    bool *failed;       // [count]
    struct error first; // why, of the first one
};

struct reward_opening {
    const char *name; // as metrics call it; gone after the call
    enum reward_mode mode;
    const struct reward_options *options;
    struct atlas *atlas; // where the kind asked for them
};

struct reward_kind { // NOLINT(clang-analyzer-optin.performance.Padding): in the order in which it reads best
    const char *name;
    const char *help;                    // one line
    bool modes[REWARD_MODES];            // which it has
    bool places[REWARD_MODES];           // in which it needs the gazetteer
    bool locatability;                   // it reads that number
    size_t size;                         // of its struct; options are set in it, the rest is zero
    const struct reward_option *options; // NULL: none of its own
    int (*open)(void *self, const struct reward_opening *opening, struct error *error); // NULL: nothing to do
    void (*close)(void *self);                                                          // NULL likewise
    // One of the two. *value starts as NaN: does not apply. -1: it failed; the message does not name the reward.
    int (*score)(void *self, const struct reward_completion *completion, double *value, struct error *error);
    int (*score_all)(void *self, const struct reward_batch *batch, double *values,
                     struct reward_failures *failures, struct error *error);
};

extern const struct reward_kind *const reward_kinds[]; // ended by NULL
const struct reward_kind *reward_kind_find(const char *name);
extern const struct reward_kind reward_format, reward_accuracy, reward_grounding, reward_locatability,
    reward_consistency, reward_soft_overlong, reward_repetition, reward_cosine, reward_process, reward_plugin;

// Sets the kind's options in *self from the spec. Release with reward_free_options, also after a failure.
int reward_set_options(void *self, const struct reward_kind *kind, const struct reward_spec *spec,
                       struct error *error);
void reward_free_options(void *self, const struct reward_kind *kind);

// Whether `text` is one of "a, b, c", and which.
bool reward_find_choice(const char *choices, const char *text, int *index);

// ---- shared by kinds ------------------------------------------------------------------------------------

// ERROR_INPUT where the row's truth is wanted and there is none.
int reward_need_truth(const struct reward_completion *completion, struct error *error);
// Tokens of a completion: ERROR_INPUT where they are not known.
int reward_need_length(const struct reward_completion *completion, double *length, struct error *error);

#endif
