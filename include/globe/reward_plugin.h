/* Rewards as shared objects: what globe and a plug-in agree on. A plug-in is C or C++, includes this header alone, links with
 * nothing of globe, and exports one function:
 *
 *     const struct globe_reward_plugin *globe_reward_plugin(unsigned abi);
 *
 * It is asked for by  plugin:path=./words.so,options="...".  docs/rewards.md has an example.
 */
#ifndef GLOBE_REWARD_PLUGIN_H
#define GLOBE_REWARD_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when a structure here changes in a way that old plug-ins do not survive. */
#define GLOBE_REWARD_ABI 1u

/* Completions with their rows. All that it points to belongs to globe, and is gone after the call. */
struct globe_reward_batch {
    size_t size; /* of this structure: fields may be added at its end */
    size_t count;
    uint64_t step;                /* of the run */
    const char *const *texts;     /* [count] completions, NUL-terminated; valid UTF-8 */
    const size_t *text_lengths;   /* [count] bytes without the NUL; a text may hold NULs */
    const char *const *prompts;   /* [count] the row's question; NULL: not known */
    const int32_t *const *ids;    /* [count] token ids as sampled; NULL: not known */
    const size_t *id_counts;      /* [count] */
    const unsigned char *cut;     /* [count] 1: it ended because no more tokens were allowed */
    const char *const *rows_json; /* [count] the row of the data set, a JSON object; NULL: none */
};

struct globe_reward_plugin {
    unsigned abi;     /* GLOBE_REWARD_ABI */
    const char *name; /* for messages */
    /* Once, before the run. `options` is what stands in the recipe, "" without any. Returns 0 with *state, which the other
     * functions get, or anything else with a reason in message[0, size). NULL: there is nothing to open. */
    int (*open)(void **state, const char *options, char *message, size_t size);
    /* rewards [count] hold NaN before: what stays NaN does not apply. Returns 0, or anything else with a reason: then none
     * of the numbers counts. Infinite numbers are failures. Called by one thread at a time. */
    int (*score)(void *state, const struct globe_reward_batch *batch, double *rewards, char *message,
                 size_t size);
    /* Once, at the end of a run that was opened. NULL: there is nothing to close. */
    void (*close)(void *state);
};

/* What a plug-in exports. `abi` is globe's GLOBE_REWARD_ABI; NULL: the plug-in is for another one. */
const struct globe_reward_plugin *globe_reward_plugin(unsigned abi);

#ifdef __cplusplus
}
#endif

#endif
