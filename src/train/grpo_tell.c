// Completions as they were sampled, with their rewards: RUN/completions.jsonl.
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "train/grpo_internal.h"

static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

// A model's text need not be UTF-8 where it was cut, and may hold what no reader of JSON lines wants.
static json_t *text_of(const struct grpo_completion *completion) {
    struct buffer clean = {0};
    utf8_add_valid(&clean, completion->text, completion->length);
    for (size_t i = 0; i < clean.length; i++)
        if (clean.data[i] == 0) clean.data[i] = ' ';
    json_t *text = json_stringn(clean.data ? clean.data : "", clean.length);
    buffer_free(&clean);
    return text;
}

static json_t *completion_object(const struct grpo *grpo, const struct grpo_group *group, size_t i) {
    const struct grpo_completion *completion = &group->completions[i];
    size_t functions = reward_set_count(grpo->rewards);
    json_t *rewards = json_object();
    for (size_t f = 0; f < functions; f++)
        json_object_set_new(rewards, reward_set_name(grpo->rewards, f),
                            number(group->rewards[i * functions + f]));
    return json_pack("{s:o, s:I, s:b, s:o, s:o, s:o}", "text", text_of(completion), "tokens",
                     (json_int_t)completion->count, "cut", completion->cut, "rewards", rewards, "reward",
                     number(completion->total), "advantage", number(completion->advantage));
}

static json_t *group_object(const struct grpo *grpo, const struct grpo_group *group, uint64_t step) {
    const struct asked *asked = group->row.sample->asked;
    json_t *pictures = json_array(), *completions = json_array();
    for (size_t p = 0; asked->pictures[p]; p++)
        json_array_append_new(pictures, json_string(asked->pictures[p]));
    for (size_t i = 0; i < group->count; i++)
        json_array_append_new(completions, completion_object(grpo, group, i));
    return json_pack("{s:I, s:s, s:o, s:s, s:{s:s, s:s}, s:o}", "step", (json_int_t)step, "row", asked->place,
                     "pictures", pictures, "prompt", asked->question, "truth", "country",
                     asked->row.truth.country, "city", asked->row.truth.city, "completions", completions);
}

int grpo_tell(void *self, uint64_t step, struct buffer *lines, struct error *error) {
    const struct grpo *grpo = self;
    const struct recipe_grpo *recipe = &grpo->parts.recipe->grpo;
    size_t left = recipe->log_prompts;
    if (!recipe->log_completions || (step != 1 && step % recipe->log_completions)) return 0;
    for (size_t i = grpo->step.first; left && i < grpo->step.first + grpo->step.rows; i++) {
        if (!grpo->groups[i].completions) continue;
        json_t *object = group_object(grpo, &grpo->groups[i], step);
        char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
        json_decref(object);
        if (!line) return error_set(error, ERROR_MEMORY, "completions.jsonl: out of memory");
        buffer_add_text(lines, line);
        buffer_add_text(lines, "\n");
        free(line);
        left--;
    }
    return lines->failed ? error_set(error, ERROR_MEMORY, "completions.jsonl: out of memory") : 0;
}
