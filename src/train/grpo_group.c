#include "train/grpo_group.h"

#include <stdlib.h>

#include "base/memory.h"

int grpo_group_open(struct grpo_group *group, size_t completions, size_t functions, struct error *error) {
    group->completions = memory_new(completions, sizeof *group->completions, "group", error);
    group->asked = memory_new(completions, sizeof *group->asked, "group", error);
    group->rewards = memory_new(completions * functions + 1, sizeof *group->rewards, "group", error);
    if (!group->completions || !group->asked || !group->rewards) return -1;
    group->count = completions;
    return 0;
}

void grpo_group_close(struct grpo_group *group) {
    for (size_t i = 0; group->completions && i < group->count; i++) {
        struct grpo_completion *completion = &group->completions[i];
        free(completion->ids);
        free(completion->behaviour);
        free(completion->full);
        free(completion->text);
    }
    free(group->completions);
    free(group->asked);
    free(group->rewards);
    free(group->old);
    free(group->reference);
    feed_release(&group->row);
    *group = (struct grpo_group){0};
}

void grpo_group_move(struct grpo_group *to, struct grpo_group *from) {
    grpo_group_close(to);
    *to = *from;
    if (from->row.sample == &from->row.own) to->row.sample = &to->row.own;
    *from = (struct grpo_group){0};
}

int grpo_group_settle(struct grpo_group *group, struct error *error) {
    group->tokens = 0;
    for (size_t i = 0; i < group->count; i++) {
        const struct grpo_completion *completion = &group->completions[i];
        if (completion->count == 0)
            return error_set(error, ERROR_INTERNAL, "completion %zu of a rollout has no token", i);
        group->asked[i] = (struct prompt_completion){completion->ids, completion->count};
        group->tokens += completion->count;
    }
    return 0;
}

struct prompt_group grpo_group_prompt(const struct grpo_group *group) {
    return (struct prompt_group){.prompt = &group->row.sample->prompt,
                                 .completions = group->asked,
                                 .completion_count = group->count,
                                 .image_embeds = group->row.embeds};
}
