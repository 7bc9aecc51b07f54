// All kinds of rewards, in the order of docs/rewards.md.
#include <string.h>

#include "reward/reward_internal.h"

const struct reward_kind *const reward_kinds[] = {
    &reward_format,
    &reward_accuracy,
    &reward_grounding,
    &reward_locatability,
    &reward_consistency,
    &reward_soft_overlong,
    &reward_repetition,
    &reward_cosine,
    &reward_process,
    &reward_plugin,
    NULL,
};

const struct reward_kind *reward_kind_find(const char *name) {
    for (size_t i = 0; reward_kinds[i]; i++)
        if (strcmp(reward_kinds[i]->name, name) == 0) return reward_kinds[i];
    return NULL;
}

static void print_option(struct buffer *out, const struct reward_option *option) {
    buffer_format(out, "    %s=%s", option->key, option->value ? option->value : "...");
    if (option->type == REWARD_CHOICE) buffer_format(out, " (%s)", option->choices);
    buffer_format(out, "  %s\n", option->help);
}

void reward_print_kinds(struct buffer *out) {
    static const char *const modes[REWARD_MODES] = {"globe", "paper", "compat"};
    for (size_t i = 0; reward_kinds[i]; i++) {
        const struct reward_kind *kind = reward_kinds[i];
        buffer_format(out, "%s  %s\n    mode=", kind->name, kind->help);
        for (int mode = 0, first = 1; mode < REWARD_MODES; mode++)
            if (kind->modes[mode]) {
                buffer_format(out, "%s%s", first ? "" : "|", modes[mode]);
                first = 0;
            }
        buffer_add_text(out, "\n");
        for (const struct reward_option *option = kind->options; option && option->key; option++)
            print_option(out, option);
    }
}
