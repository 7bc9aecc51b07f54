#include "train/grpo_rollout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "train/dataset.h"

// One group on its way through the generator.
struct asking {
    const struct grpo_rollout *rollout;
    struct grpo_group *group;
    size_t left; // completions
    bool failed;
    struct error error;
};

static int copy_tokens(struct grpo_completion *to, const struct asking *asking, const struct completion *from,
                       struct error *error) {
    const struct grpo_rollout *rollout = asking->rollout;
    size_t drawn = from->count + (from->stop != NULL);
    bool invent = !from->stop && rollout->invent_stop;
    to->count = drawn + invent;
    to->ids = memory_new(to->count + 1, sizeof *to->ids, "completion", error);
    to->behaviour = memory_new(to->count + 1, sizeof *to->behaviour, "completion", error);
    to->full = memory_new(to->count + 1, sizeof *to->full, "completion", error);
    to->text = memory_copy_string(from->text, from->length, error);
    if (!to->ids || !to->behaviour || !to->full || !to->text) return -1;
    to->length = from->length;
    to->cut = !from->stop;
    for (size_t i = 0; i < drawn; i++) {
        const struct sampled *token = i < from->count ? &from->tokens[i] : from->stop;
        to->ids[i] = token->id;
        to->full[i] = (double)token->full_logprob;
        to->behaviour[i] = (double)(rollout->honest ? token->processed_logprob : token->full_logprob);
    }
    if (invent) {
        to->ids[drawn] = model_facts(rollout->model)->stops[0];
        to->full[drawn] = to->behaviour[drawn] = NAN;
    }
    return 0;
}

static void take(void *context, size_t sample, const struct completion *completion) {
    struct asking *asking = context;
    if (asking->failed) return;
    asking->left--;
    asking->failed =
        copy_tokens(&asking->group->completions[sample], asking, completion, &asking->error) != 0;
}

static void fail(void *context, const struct error *error) {
    struct asking *asking = context;
    asking->failed = true;
    asking->error = *error;
}

// A stream of its own for each group of each step.
static uint64_t seed_of(uint64_t seed, uint64_t step, uint64_t row, uint64_t attempt) {
    uint32_t block[4];
    random_block(seed ^ UINT64_C(0x6772706f), (step << 8) + attempt, row, block);
    return (uint64_t)block[0] << 21 ^ block[1]; // below 2^53: it can be written as a number of JSON
}

static int ask(struct generator *generator, struct asking *asking, uint64_t step, uint64_t attempt,
               struct error *error) {
    const struct grpo_rollout *rollout = asking->rollout;
    struct grpo_group *group = asking->group;
    struct generation request = {.prompt = &group->row.sample->prompt,
                                 .adapter = rollout->adapter,
                                 .image_embeds = group->row.embeds,
                                 .sampling = rollout->sampling,
                                 .samples = rollout->completions,
                                 .max_tokens = rollout->max_tokens,
                                 .ignore_stop = rollout->ignore_stop,
                                 .on_done = take,
                                 .on_failure = fail,
                                 .context = asking};
    request.sampling.seed = seed_of(rollout->sampling.seed, step, group->row.row, attempt);
    if (grpo_group_open(group, rollout->completions, rollout->functions, error)) return -1;
    asking->left = rollout->completions;
    return generator_queue(generator, &request, error);
}

static int name_row(const struct grpo_group *group, struct error *error) {
    return error_prefix(error, "%s", group->row.sample->asked->place);
}

// Whether all completions are there; -1 when the group has failed.
static int finish(struct asking *asking, struct error *error) {
    if (asking->failed) {
        *error = asking->error;
        return name_row(asking->group, error);
    }
    if (asking->left) return 0;
    return grpo_group_settle(asking->group, error) ? name_row(asking->group, error) : 1;
}

static int run(struct generator *generator, struct asking *asked, size_t count, uint64_t step,
               uint64_t attempt, struct error *error) {
    size_t next = 0, done = 0, most = asked[0].rollout->side_by_side;
    if (most == 0) most = count;
    while (done < count) {
        for (; next < count && next - done < most; next++)
            if (ask(generator, &asked[next], step, attempt, error)) return name_row(asked[next].group, error);
        if (generator_step(generator, NULL, error)) return -1;
        // In order of the groups: those behind a long one wait for it, which keeps the memory bounded.
        for (int ended = 1; done < next && ended; done += ended == 1) {
            ended = finish(&asked[done], error);
            if (ended < 0) return -1;
        }
    }
    return 0;
}

int grpo_rollout_run(const struct grpo_rollout *rollout, struct grpo_group *groups, size_t count,
                     uint64_t step, uint64_t attempt, struct error *error) {
    struct asking *asked = memory_new(count + 1, sizeof *asked, "rollout", error);
    struct generator *generator = asked ? generator_new(rollout->model, error) : NULL;
    size_t asking = 0;
    for (size_t i = 0; asked && i < count; i++)
        if (groups[i].row.sample) asked[asking++] = (struct asking){.rollout = rollout, .group = &groups[i]};
    int result = !generator ? -1 : asking ? run(generator, asked, asking, step, attempt, error) : 0;
    generator_free(generator);
    free(asked);
    return result;
}
