#include "bench/train.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "bench/machine.h"
#include "model/training.h"
#include "tensor/measure.h"

// Plain likelihood: every completion token counts the same.
static double likelihood(void *context, const float *log_probs, float *derivatives, size_t count) {
    double loss = 0;
    (void)context;
    for (size_t i = 0; i < count; i++) {
        loss -= (double)log_probs[i] / (double)count;
        derivatives[i] = -1.0f / (float)count;
    }
    return loss;
}

static int build(struct model *model, const struct bench_train_options *options, struct prompt *prompt,
                 struct error *error) {
    struct chat chat = {0};
    char *text = memory_new(options->prompt_tokens + 1, 1, "prompt", error);
    if (!text) return -1;
    memset(text, 'a', options->prompt_tokens);
    int result = chat_add_message(&chat, "user", error) || chat_add_part(&chat, CHAT_TEXT, text, error)
                     ? -1
                     : prompt_build(prompt, model, &chat, NULL, 0, error);
    chat_free(&chat);
    free(text);
    return result;
}

// Operations of all products with weights, forward: the layers of `rows` tokens, and the head where one is
// predicted. *seconds: oneDNN's own.
static int measure_products(struct model *model, size_t rows, size_t predicted, double *flops,
                            double *seconds, struct error *error) {
    const struct model_facts *facts = model_facts(model);
    struct model_product products[MODEL_MAX_PRODUCTS + 1];
    size_t count = model_text_products(model, rows, products, error);
    if (count == 0) return -1;
    products[count++] = (struct model_product){predicted, facts->vocab, facts->hidden, 1};
    *flops = *seconds = 0;
    for (size_t i = 0; i < count; i++) {
        const struct model_product *p = &products[i];
        double best = measure_matmul(model_device(model), p->rows, p->out, p->in, facts->type, 3, error);
        if (best < 0) return -1;
        *seconds += best * (double)p->times;
        *flops += 2 * (double)p->rows * (double)p->out * (double)p->in * (double)p->times;
    }
    return 0;
}

static int measure(struct training *training, const struct prompt_group *group,
                   const struct bench_train_options *options, struct bench_train_result *result,
                   struct error *error) {
    float *log_probs = memory_new(group->completions->count, sizeof *log_probs, "log-probs", error);
    int failed = log_probs ? 0 : -1;
    for (int r = 0; !failed && r < options->repeats; r++) {
        double loss, start = clock_seconds();
        failed = training_log_probs(training, group, 1, 1, false, log_probs, error);
        double middle = clock_seconds();
        if (!failed) failed = training_pass(training, group, 1, 1, likelihood, NULL, &loss, error);
        double end = clock_seconds();
        if (r == 0 || middle - start < result->forward_seconds) result->forward_seconds = middle - start;
        if (r == 0 || end - middle < result->pass_seconds) result->pass_seconds = end - middle;
    }
    free(log_probs);
    return failed;
}

int bench_train_run(struct model *model, const struct bench_train_options *options,
                    struct bench_train_result *result, struct error *error) {
    struct prompt prompt = {0};
    *result = (struct bench_train_result){0};
    const struct training_options train = {.train_text = true,
                                           .checkpoint_activations = options->checkpoint_activations,
                                           .lora_rank = options->lora_rank,
                                           .lora_alpha = 2.0 * options->lora_rank,
                                           .seed = 1};
    int32_t *ids = memory_new(options->completion_tokens, sizeof *ids, "completion", error);
    struct training *training = NULL;
    int failed =
        !ids || build(model, options, &prompt, error) || !(training = training_open(model, &train, error));
    if (!failed) {
        for (size_t i = 0; i < options->completion_tokens; i++) ids[i] = (int32_t)(i * 31 % 200);
        const struct prompt_completion completion = {ids, options->completion_tokens};
        const struct prompt_group group = {
            .prompt = &prompt, .completions = &completion, .completion_count = 1};
        failed = measure(training, &group, options, result, error);
    }
    if (!failed) {
        for (size_t i = 0; i < training_parameter_count(training); i++)
            result->trained += training_parameter(training, i)->count;
        result->rows = prompt.ids.count + options->completion_tokens;
        result->peak_bytes = bench_peak_memory();
        double forward, seconds;
        failed = measure_products(model, result->rows, options->completion_tokens, &forward, &seconds, error);
        // Backward costs the same again for the inputs' gradients, and once more for those of trained
        // weights.
        double passes = options->lora_rank ? 2 : 3;
        if (!failed) {
            result->forward_flops = forward / result->forward_seconds;
            result->pass_flops = passes * forward / result->pass_seconds;
            result->matmul_flops = forward / seconds;
        }
    }
    training_close(training);
    prompt_free(&prompt);
    free(ids);
    return failed ? -1 : 0;
}
