#include "train/adamw.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static bool contains_folded(const char *name, const char *word) {
    size_t length = strlen(word);
    for (; *name; name++)
        if (strncasecmp(name, word, length) == 0) return true;
    return false;
}

// A component between dots that is "norm" or ends in "_norm".
static bool has_norm_component(const char *name) {
    static const char suffix[] = "_norm";
    const size_t length = sizeof suffix - 1;
    while (*name) {
        size_t size = strcspn(name, ".");
        if (size == length - 1 && strncmp(name, suffix + 1, size) == 0) return true;
        if (size >= length && strncmp(name + size - length, suffix, length) == 0) return true;
        name += size + (name[size] == '.');
    }
    return false;
}

bool adamw_decays(enum adamw_decay rule, const char *name) {
    if (rule >= ADAMW_DECAY_A && strstr(name, "bias")) return false;
    if (rule >= ADAMW_DECAY_B && (contains_folded(name, "layernorm") || contains_folded(name, "rmsnorm")))
        return false;
    return rule < ADAMW_DECAY_C || !has_norm_component(name);
}

struct adamw_factors adamw_factors(const struct adamw *adamw, const struct adamw_step *step) {
    double t = (double)step->number;
    return (struct adamw_factors){
        .scale = (float)step->scale,
        .beta1 = (float)adamw->beta1,
        .rest1 = (float)(1 - adamw->beta1),
        .beta2 = (float)adamw->beta2,
        .rest2 = (float)(1 - adamw->beta2),
        .keep = step->decay ? (float)(1 - step->rate * adamw->weight_decay) : 1.0F,
        .rate = (float)(step->rate / (1 - pow(adamw->beta1, t))),
        .root = (float)sqrt(1 - pow(adamw->beta2, t)), // of the correction of v
        .epsilon = (float)adamw->epsilon,
    };
}

double adamw_clip(double norm, double limit) {
    return limit > 0 ? fmin(1, limit / (norm + 1e-6)) : 1;
}
