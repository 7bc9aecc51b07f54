/* A reward as a shared object: 1 for completions of at most so many sentences, falling to 0 at twice as many.
 *     cc -shared -fPIC -I include -o few_sentences.so examples/rewards/few_sentences.c
 *     globe score rows.jsonl --rewards 'plugin:path=./few_sentences.so,options="most=8"'
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "globe/reward_plugin.h"

struct state {
    double most;
};

// "most=NUMBER"
static int read_most(const char *options, double *most) {
    static const char key[] = "most=";
    char *end;
    if (strncmp(options, key, sizeof key - 1) != 0) return 0;
    *most = strtod(options + sizeof key - 1, &end);
    return end != options + sizeof key - 1 && *end == 0 && *most >= 1;
}

static int open_state(void **state, const char *options, char *message, size_t size) {
    struct state *own = malloc(sizeof *own);
    if (!own) {
        snprintf(message, size, "out of memory");
        return 1;
    }
    own->most = 8;
    if (*options && !read_most(options, &own->most)) {
        snprintf(message, size, "options are \"%s\", expected most=NUMBER", options);
        free(own);
        return 1;
    }
    *state = own;
    return 0;
}

static double count_sentences(const char *text, size_t length) {
    double count = 0;
    for (size_t i = 0; i < length; i++)
        if ((text[i] == '.' || text[i] == '!' || text[i] == '?') &&
            (text[i + 1] == ' ' || text[i + 1] == '<'))
            count++;
    return count;
}

static int score(void *state, const struct globe_reward_batch *batch, double *rewards, char *message,
                 size_t size) {
    const struct state *own = state;
    (void)message, (void)size;
    for (size_t i = 0; i < batch->count; i++) {
        double over = count_sentences(batch->texts[i], batch->text_lengths[i]) / own->most - 1;
        if (batch->cut[i]) continue; /* nobody knows how long it would have become: no number */
        rewards[i] = over <= 0 ? 1 : over >= 1 ? 0 : 1 - over;
    }
    return 0;
}

static const struct globe_reward_plugin plugin = {GLOBE_REWARD_ABI, "few_sentences", open_state, score, free};

const struct globe_reward_plugin *globe_reward_plugin(unsigned abi) {
    return abi == GLOBE_REWARD_ABI ? &plugin : NULL;
}
