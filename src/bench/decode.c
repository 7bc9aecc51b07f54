#include "bench/decode.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/signals.h"
#include "bench/prompt.h"
#include "generate/generator.h"
#include "model/score.h"

// What was drawn for one prompt, [samples, tokens] each.
struct group {
    int32_t *ids;
    float *log_probs;
    size_t tokens;
};

static void on_done(void *context, size_t sample, const struct completion *completion) {
    struct group *group = context;
    for (size_t i = 0; i < completion->count && i < group->tokens; i++) {
        group->ids[sample * group->tokens + i] = completion->ids[i];
        group->log_probs[sample * group->tokens + i] = completion->tokens[i].logprob;
    }
}

struct bench {
    const struct bench_decode_options *options;
    struct prompt *prompts;
    struct group *groups;
    float *scored; // [samples, tokens]
};

static int draw_answers(struct model *model, const struct bench *bench, double *seconds,
                        struct error *error) {
    const struct bench_decode_options *o = bench->options;
    struct generator *generator = generator_new(model, error);
    if (!generator) return -1;
    double start = clock_seconds();
    size_t next = 0, live = 0;
    int failed = 0;
    while (!failed && (live || next < o->prompts)) {
        while (!failed && next < o->prompts && (live == 0 || live + o->samples <= o->in_flight)) {
            struct generation request = {.prompt = &bench->prompts[next],
                                         .sampling = sampling_default(),
                                         .samples = o->samples,
                                         .max_tokens = o->tokens,
                                         .ignore_stop = true,
                                         .on_done = on_done,
                                         .context = &bench->groups[next]};
            request.sampling.temperature = 1;
            request.sampling.seed = next++;
            failed = generator_queue(generator, &request, error);
            live += o->samples;
        }
        if (!failed) failed = signals_check(error) || generator_step(generator, &live, error);
    }
    *seconds = clock_seconds() - start;
    generator_free(generator);
    return failed ? -1 : 0;
}

static int score_answers(struct model *model, const struct bench *bench, struct bench_decode_times *times,
                         struct error *error) {
    const struct bench_decode_options *o = bench->options;
    struct prompt_completion *completions = memory_new(o->samples, sizeof *completions, "benchmark", error);
    size_t count = o->samples * o->tokens;
    double sum = 0;
    int failed = !completions;
    times->most_gap = 0;
    times->score = 0;
    for (size_t p = 0; !failed && p < o->prompts; p++) {
        const struct group *group = &bench->groups[p];
        for (size_t s = 0; s < o->samples; s++)
            completions[s] = (struct prompt_completion){group->ids + s * o->tokens, o->tokens};
        const struct prompt_group one = {
            .prompt = &bench->prompts[p], .completions = completions, .completion_count = o->samples};
        double start = clock_seconds();
        failed = signals_check(error) || model_score_groups(model, &one, 1, 1, bench->scored, error);
        times->score += clock_seconds() - start;
        for (size_t i = 0; !failed && i < count; i++) {
            double gap = fabs((double)bench->scored[i] - (double)group->log_probs[i]);
            sum += gap;
            if (gap > times->most_gap) times->most_gap = gap;
        }
    }
    times->mean_gap = sum / (double)(count * o->prompts);
    free(completions);
    return failed ? -1 : 0;
}

static int measure(struct model *model, const struct bench *bench, bool first,
                   struct bench_decode_times *best, struct error *error) {
    struct bench_decode_times times = {0};
    if (draw_answers(model, bench, &times.generate, error) || score_answers(model, bench, &times, error))
        return -1;
    if (!first && best->generate < times.generate) times.generate = best->generate;
    if (!first && best->score < times.score) times.score = best->score;
    *best = times;
    return 0;
}

static int prepare(struct bench *bench, const struct model *model, struct error *error) {
    const struct bench_decode_options *o = bench->options;
    struct image image = {0};
    size_t count;
    bench->prompts = memory_new(o->prompts, sizeof *bench->prompts, "benchmark", error);
    bench->groups = memory_new(o->prompts, sizeof *bench->groups, "benchmark", error);
    if (!memory_multiply(o->samples, o->tokens, &count)) count = SIZE_MAX;
    bench->scored = memory_new(count, sizeof *bench->scored, "benchmark", error);
    if (!bench->prompts || !bench->groups || !bench->scored || bench_draw(&image, 336, 252, error)) return -1;
    int failed = 0;
    for (size_t p = 0; !failed && p < o->prompts; p++) {
        struct group *group = &bench->groups[p];
        group->tokens = o->tokens;
        group->ids = memory_new(count, sizeof *group->ids, "benchmark", error);
        group->log_probs = memory_new(count, sizeof *group->log_probs, "benchmark", error);
        failed = !group->ids || !group->log_probs ||
                 bench_prompt(model, o->text_tokens, &image, &bench->prompts[p], error);
    }
    image_free(&image);
    size_t context = model_facts(model)->context;
    if (!failed && bench->prompts[0].ids.count + o->tokens > context)
        failed = error_set(error, ERROR_LIMIT,
                           "%zu tokens after a prompt of %zu are more than the model's context of %zu",
                           o->tokens, bench->prompts[0].ids.count, context);
    return failed ? -1 : 0;
}

int bench_decode_run(struct model *normal, struct model *exact, const struct bench_decode_options *options,
                     struct bench_decode_result *result, struct error *error) {
    struct bench bench = {.options = options};
    *result = (struct bench_decode_result){0};
    int failed = prepare(&bench, normal, error);
    for (int r = 0; !failed && r < options->repeats; r++)
        failed = measure(normal, &bench, r == 0, &result->normal, error) ||
                 measure(exact, &bench, r == 0, &result->exact, error);
    if (!failed) {
        result->prompt_tokens = bench.prompts[0].ids.count;
        result->answer_tokens = options->prompts * options->samples * options->tokens;
    }
    for (size_t p = 0; p < options->prompts; p++) {
        if (bench.groups) free(bench.groups[p].ids);
        if (bench.groups) free(bench.groups[p].log_probs);
        if (bench.prompts) prompt_free(&bench.prompts[p]);
    }
    free(bench.groups);
    free(bench.prompts);
    free(bench.scored);
    return failed ? -1 : 0;
}
