#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/signals.h"
#include "bench/machine.h"
#include "bench/prompt.h"
#include "generate/generator.h"
#include "tensor/measure.h"

struct bench_options bench_options_default(void) {
    return (struct bench_options){.image_width = 1024,
                                  .image_height = 768,
                                  .text_tokens = 120,
                                  .decode_tokens = 32,
                                  .batches = {1, 4, 16},
                                  .batch_count = 3,
                                  .prompts = 8,
                                  .repeats = 2};
}

static double flops_of(const struct model_product *shapes, size_t count) {
    double flops = 0;
    for (size_t i = 0; i < count; i++)
        flops += 2.0 * (double)shapes[i].rows * (double)shapes[i].out * (double)shapes[i].in *
                 (double)shapes[i].times;
    return flops;
}

// oneDNN's rate over these shapes: all operations over the sum of its own best times.
static int matmul_rate(struct model *model, const struct model_product *shapes, size_t count, double *rate,
                       struct error *error) {
    double seconds = 0;
    for (size_t i = 0; i < count; i++) {
        if (signals_check(error)) return -1;
        double best = measure_matmul(model_device(model), shapes[i].rows, shapes[i].out, shapes[i].in,
                                     model_facts(model)->type, 3, error);
        if (best < 0) return -1;
        seconds += best * (double)shapes[i].times;
    }
    *rate = flops_of(shapes, count) / seconds;
    return 0;
}

static int measure_prefill(struct model *model, const struct bench_options *options,
                           const struct image *image, struct bench_result *result, struct error *error) {
    for (int r = 0; r < options->repeats; r++) {
        if (signals_check(error)) return -1;
        struct prompt prompt;
        struct kv_cache cache = {0};
        struct prefill_times times;
        double start = clock_seconds();
        if (bench_prompt(model, options->text_tokens, image, &prompt, error)) return -1;
        float *logits = memory_new(model_facts(model)->vocab, sizeof *logits, "logits", error);
        int failed = !logits || model_cache_open(model, &cache, prompt.ids.count, error) ||
                     model_prefill(model, &prompt, &cache, logits, NULL, &times, error);
        double total = clock_seconds() - start;
        result->patches = prompt.patches.rows;
        result->prompt_tokens = prompt.ids.count;
        result->image_tokens = prompt.patches.rows / model_facts(model)->patches_per_token;
        kv_cache_close(&cache);
        prompt_free(&prompt);
        free(logits);
        if (failed) return -1;
        if (r == 0 || total < result->first_token_seconds) {
            result->first_token_seconds = total;
            result->vision_seconds = times.vision;
            result->prefill_seconds = times.language;
        }
    }
    return 0;
}

// What does not fit the context would end early, and the rest of the steps would look endlessly fast.
static int check_context(const struct model *model, size_t prompt, size_t tokens, struct error *error) {
    size_t context = model_facts(model)->context;
    if (prompt + tokens <= context) return 0;
    return error_set(error, ERROR_LIMIT,
                     "%zu tokens after a prompt of %zu are more than the model's context of %zu", tokens,
                     prompt, context);
}

// `sequences` over each of `prompts` prompts, all decoding as one batch.
static int measure_decode(struct model *model, const struct bench_options *options, const struct image *image,
                          size_t prompts, size_t sequences, struct bench_result *result,
                          struct error *error) {
    struct prompt prompt;
    struct generator *generator = generator_new(model, error);
    if (!generator || bench_prompt(model, options->text_tokens, image, &prompt, error)) {
        generator_free(generator);
        return -1;
    }
    struct generation request = {.prompt = &prompt,
                                 .sampling = sampling_default(),
                                 .samples = sequences,
                                 .max_tokens = options->decode_tokens + prompts + 2,
                                 .ignore_stop = true};
    request.sampling.temperature = 1;
    int failed = check_context(model, prompt.ids.count, request.max_tokens, error);
    for (size_t i = 0; !failed && i < prompts; i++)
        failed = signals_check(error) || generator_submit(generator, &request, NULL, error);
    if (!failed) failed = generator_step(generator, NULL, error);
    double start = clock_seconds();
    for (size_t i = 0; !failed && i < options->decode_tokens; i++)
        failed = signals_check(error) || generator_step(generator, NULL, error);
    double seconds = clock_seconds() - start;
    struct bench_decode *decode = &result->decode[result->decode_count++];
    decode->prompts = prompts;
    decode->sequences = sequences;
    decode->tokens_per_second = (double)(prompts * sequences * options->decode_tokens) / seconds;
    decode->bandwidth = (double)result->decode_bytes * (double)options->decode_tokens / seconds;
    prompt_free(&prompt);
    generator_free(generator);
    return failed ? -1 : 0;
}

// The same text and a small picture: reading many large ones would take far longer than what is measured.
static int measure_prompts(struct model *model, const struct bench_options *options,
                           struct bench_result *result, struct error *error) {
    struct image small;
    if (bench_draw(&small, 336, 252, error)) return -1;
    int failed = measure_decode(model, options, &small, options->prompts, 1, result, error);
    image_free(&small);
    return failed;
}

static int measure_machine(struct model *model, struct bench_result *result, void (*report)(const char *),
                           struct error *error) {
    struct model_product shapes[MODEL_MAX_PRODUCTS];
    report("this machine's read bandwidth");
    result->read_bandwidth = measure_read_bandwidth(model_device(model), error);
    if (result->read_bandwidth < 0) return -1;
    report("oneDNN at the shapes of the vision tower");
    size_t count = model_vision_products(model, result->patches, shapes, error);
    if (count == 0) return -1;
    result->vision_flops = flops_of(shapes, count);
    if (matmul_rate(model, shapes, count, &result->vision_matmul, error)) return -1;
    report("oneDNN at the shapes of the language model");
    count = model_text_products(model, result->prompt_tokens, shapes, error);
    if (count == 0) return -1;
    result->prefill_flops = flops_of(shapes, count);
    return matmul_rate(model, shapes, count, &result->prefill_matmul, error);
}

static void silent(const char *what) {
    (void)what;
}

int bench_run(struct model *model, double load_seconds, const struct bench_options *options,
              struct bench_result *result, void (*report)(const char *what), struct error *error) {
    struct image image;
    *result = (struct bench_result){.load_seconds = load_seconds,
                                    .weight_bytes = model_facts(model)->weight_bytes,
                                    .decode_bytes = model_facts(model)->step_bytes};
    if (!report) report = silent;
    if (bench_draw(&image, options->image_width, options->image_height, error)) return -1;
    report("photo to first token");
    int failed = measure_prefill(model, options, &image, result, error);
    for (size_t i = 0; !failed && i < options->batch_count; i++) {
        char what[64];
        snprintf(what, sizeof what, "decoding %zu sequence%s", options->batches[i],
                 options->batches[i] == 1 ? "" : "s");
        report(what);
        failed = measure_decode(model, options, &image, 1, options->batches[i], result, error);
    }
    if (!failed && options->prompts) {
        report("decoding several prompts");
        failed = measure_prompts(model, options, result, error);
    }
    result->peak_bytes = bench_peak_memory(); // before the machine's own measurements need memory
    if (!failed) failed = measure_machine(model, result, report, error);
    image_free(&image);
    return failed ? -1 : 0;
}
