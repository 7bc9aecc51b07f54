// A plug-in that does what its options say: tests/reward/test_plugins.c.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "globe/reward_plugin.h"

static char what[64];

static int open_bad(void **state, const char *options, char *message, size_t size) {
    snprintf(what, sizeof what, "%s", options);
    *state = what;
    if (strcmp(what, "not open") != 0) return 0;
    memset(message, 'x', size); // no end
    return 7;
}

static int score_bad(void *state, const struct globe_reward_batch *batch, double *rewards, char *message,
                     size_t size) {
    (void)state;
    if (strcmp(what, "fail") == 0) snprintf(message, size, "no\nreason");
    for (size_t i = 0; i < batch->count; i++)
        rewards[i] = strcmp(what, "infinite") == 0 ? INFINITY : (double)i;
    if (strcmp(what, "texts") == 0)
        for (size_t i = 0; i < batch->count; i++)
            rewards[i] = (double)batch->text_lengths[i] +
                         (batch->ids[i] ? 100.0 * (double)batch->id_counts[i] : 0) +
                         (batch->rows_json[i] && strstr(batch->rows_json[i], "\"Peru\"") ? 0.5 : 0);
    return strcmp(what, "fail") == 0;
}

static struct globe_reward_plugin plugin = {GLOBE_REWARD_ABI, "bad", open_bad, score_bad, NULL};

const struct globe_reward_plugin *globe_reward_plugin(unsigned abi) {
    (void)abi;
#ifdef OTHER_ABI
    plugin.abi = GLOBE_REWARD_ABI + 1;
#endif
#ifdef NO_PLUGIN
    return NULL;
#else
    return &plugin;
#endif
}
