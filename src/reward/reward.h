// Rewards: a batch of completions with their rows in, numbers out.
//
//     const char *specs[] = {"format", "accuracy:shape=exp,weight=1", "grounding:weight=0.2"};
//     struct reward_set *rewards = reward_set_open(specs, 3, &options, &error);
//     double values[count * 3];
//     bool masked[count];
//     reward_set_score(rewards, &batch, values, masked, &error);
//
// A reward is asked for by a text, KIND[:KEY=VALUE[,KEY=VALUE]...]; one text may also hold several of them with ";"
// between. A value with "," or ";" in it stands in double quotes, in which \" and \\ are a quote and a backslash. Every
// kind understands
//     mode=globe|paper|compat   ours (as it is by default), the paper's equation, or the released function
//     weight=W                  its weight in the sum, 1 by default
//     name=NAME                 what metrics call it; by default its kind
//     failure=stop|mask         when it fails: end the run, or leave the completions out; by default as the set says
// and options of its own. docs/rewards.md has every reward, its formula and its options; reward_print_kinds() lists them.
#ifndef GLOBE_REWARD_REWARD_H
#define GLOBE_REWARD_REWARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "rows/truth.h"

enum { REWARD_MOST = 32, REWARD_NAME_SIZE = 64 };

// One completion. All that it points to belongs to the caller, and completions of one row may share it.
struct reward_completion {
    const char *text; // as decoded, without special tokens; need not be valid UTF-8
    size_t length;
    const int32_t *ids; // as sampled, the stop token included; NULL: not known (a file of texts)
    size_t id_count;
    bool cut;                  // it ended because no more tokens were allowed
    const struct truth *truth; // of its row; NULL: nothing is known
    const char *prompt;        // the row's question; NULL: not known
    const json_t *row;         // the row as it stands in its file, for plug-ins; NULL: none
    double locatability; // p(yes) of the reward model; NaN: not computed (reward_set_needs_locatability)
};

struct reward_batch {
    const struct reward_completion *completions;
    size_t count;
    uint64_t step; // of the run, for plug-ins
};

struct reward_options {
    const char *gazetteer; // its file; NULL: the one that came with the program
    size_t
        max_completion_length; // what length rewards take for their limit by default; 0: each must state its own
    bool mask_failed;          // rewards that say nothing of `failure` mask
};

// The rewards of a run. It belongs to one thread at a time.
struct reward_set;

// ERROR_USAGE for a text that cannot be understood, naming it and what would do; what a reward needs (the gazetteer, a
// co-process, a library) is opened now, so that a run fails before it has begun.
struct reward_set *reward_set_open(const char *const *specs, size_t count,
                                   const struct reward_options *options, struct error *error);
void reward_set_close(struct reward_set *set); // NULL is fine

size_t reward_set_count(const struct reward_set *set);
const char *reward_set_name(const struct reward_set *set, size_t function); // unique within the set
const double *reward_set_weights(const struct reward_set *set);             // [functions]
// Instead of those in the texts (TRL's reward_weights). ERROR_USAGE when it is not one finite number for each.
int reward_set_reweigh(struct reward_set *set, const double *weights, size_t count, struct error *error);

// Whether the caller has to fill `locatability`; and whether from the five likeliest tokens alone, as the released
// function does.
bool reward_set_needs_locatability(const struct reward_set *set);
bool reward_set_locatability_is_compat(const struct reward_set *set);

// values [count, functions] is written. NaN: does not apply to this completion, to be left out of sums, means and spreads.
// A reward that fails is never a number: with `failure=stop` the call fails and the error says which reward, which
// completion and why; with `failure=mask` the value is NaN, masked[i] is true, the reason is logged, and the completion is
// to be left out of the step whatever its other values are. masked [count] is written; NULL: failures stop.
// No memory and interruption always stop.
int reward_set_score(struct reward_set *set, const struct reward_batch *batch, double *values, bool *masked,
                     struct error *error);

// How many completions this reward failed on since the set was opened.
size_t reward_set_failures(const struct reward_set *set, size_t function);

// One component by itself, for metrics: of values [count, functions].
struct reward_statistics {
    double mean, std; // over what applies; sample deviation. NaN without one, and without two
    double
        frac_zero_std; // share of the groups in which it applies to one at least and has no spread; NaN: no such
    size_t applies;    // how many numbers there are
    double least, most; // NaN without one
};
// `count` is a multiple of `group`.
void reward_statistics(const double *values, size_t count, size_t functions, size_t group, size_t function,
                       struct reward_statistics *statistics);

// Every kind with its modes and options, for --help and docs.
void reward_print_kinds(struct buffer *out);

#endif
