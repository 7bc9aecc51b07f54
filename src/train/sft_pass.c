#include "train/sft_pass.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

struct batch {
    struct prompt_group *groups;
    struct prompt_completion *completions;
    bool *trained; // of all completions' tokens one after the other
    size_t tokens; // of the completions
    size_t prompt_tokens;
};

static void free_batch(struct batch *batch) {
    free(batch->groups);
    free(batch->completions);
    free(batch->trained);
}

static int build_batch(struct batch *batch, const struct sft_row *rows, size_t count, struct error *error) {
    for (size_t i = 0; i < count; i++) {
        batch->tokens += rows[i].sample->completion.count;
        batch->prompt_tokens += rows[i].sample->prompt.ids.count;
    }
    batch->groups = memory_new(count, sizeof *batch->groups, "batch", error);
    batch->completions = memory_new(count, sizeof *batch->completions, "batch", error);
    batch->trained = memory_new(batch->tokens + 1, sizeof *batch->trained, "batch", error);
    if (!batch->groups || !batch->completions || !batch->trained) return -1;
    size_t token = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sample *sample = rows[i].sample;
        batch->completions[i] =
            (struct prompt_completion){.ids = sample->completion.data, .count = sample->completion.count};
        batch->groups[i] = (struct prompt_group){.prompt = &sample->prompt,
                                                 .completions = &batch->completions[i],
                                                 .completion_count = 1,
                                                 .image_embeds = rows[i].embeds};
        for (size_t t = 0; t < sample->completion.count; t++) batch->trained[token++] = sample->trained[t];
    }
    return 0;
}

static double cross_entropy(const struct batch *batch, const float *log_probs, float *derivatives,
                            size_t *labels) {
    double loss = 0;
    *labels = 0;
    for (size_t i = 0; i < batch->tokens; i++) {
        if (derivatives) derivatives[i] = batch->trained[i] ? -1.0F : 0.0F;
        if (!batch->trained[i]) continue;
        loss -= log_probs[i];
        *labels += 1;
    }
    return loss;
}

static double objective(void *context, const float *log_probs, float *derivatives, size_t count) {
    const struct batch *batch = context;
    size_t labels;
    return count == batch->tokens ? cross_entropy(batch, log_probs, derivatives, &labels) : NAN;
}

static int learn_batch(struct training *training, struct batch *batch, size_t count, double *loss,
                       struct error *error) {
    return training_pass(training, batch->groups, count, 1, objective, batch, loss, error);
}

static int evaluate_batch(struct training *training, const struct batch *batch, size_t count, double *loss,
                          struct error *error) {
    size_t labels;
    float *log_probs = memory_new(batch->tokens + 1, sizeof *log_probs, "batch", error);
    if (!log_probs) return -1;
    int result = training_log_probs(training, batch->groups, count, 1, false, log_probs, error);
    if (result == 0) *loss = cross_entropy(batch, log_probs, NULL, &labels);
    free(log_probs);
    return result;
}

int sft_pass(struct training *training, const struct sft_row *rows, size_t count, bool learn,
             struct sft_totals *totals, struct error *error) {
    struct batch batch = {0};
    double loss = 0;
    int result = build_batch(&batch, rows, count, error);
    if (result == 0)
        result = learn ? learn_batch(training, &batch, count, &loss, error)
                       : evaluate_batch(training, &batch, count, &loss, error);
    if (result == 0) {
        totals->loss += loss;
        totals->tokens += (double)(batch.prompt_tokens + batch.tokens);
        for (size_t i = 0; i < count; i++) totals->labels += (double)rows[i].sample->labels;
    }
    free_batch(&batch);
    return result;
}
