// globe bench decode: answers drawn for groups of prompts, with an ordinary and an exact model.
#include <stdio.h>

#include "base/json.h"
#include "bench/decode.h"
#include "cli/bench_shape.h"
#include "cli/command.h"
#include "cli/commands.h"

struct job {
    struct bench_decode_options options;
    bool json;
};

static void print_table(const struct bench_decode_result *r, const struct job *job, const struct model *model,
                        const char *name) {
    const struct bench_decode_times *n = &r->normal, *e = &r->exact;
    double tokens = (double)r->answer_tokens;
    printf("| %s, %s, %s | normal | exact | exact / normal |\n|---|---|---|---|\n", name,
           dtype_name(model_facts(model)->type), model_facts(model)->device);
    printf("| %zu prompts of %zu tokens, %zu answers of %zu tokens each, %zu in flight | %.3f s, %.0f tok/s "
           "| %.3f s, %.0f "
           "tok/s | %.2f |\n",
           job->options.prompts, r->prompt_tokens, job->options.samples, job->options.tokens,
           job->options.in_flight, n->generate, tokens / n->generate, e->generate, tokens / e->generate,
           e->generate / n->generate);
    printf("| their log-probs, group by group | %.3f s, %.0f tok/s | %.3f s, %.0f tok/s | %.2f |\n", n->score,
           tokens / n->score, e->score, tokens / e->score, e->score / n->score);
    printf("| difference of log-probs, mean and largest | %.3g, %.3g | %.3g, %.3g | |\n", n->mean_gap,
           n->most_gap, e->mean_gap, e->most_gap);
}

static json_t *times_json(const struct bench_decode_times *t) {
    return json_pack("{s:f, s:f, s:f, s:f}", "generate_seconds", t->generate, "score_seconds", t->score,
                     "mean_gap", t->mean_gap, "largest_gap", t->most_gap);
}

static void print_json(const struct bench_decode_result *r, const struct job *job, const struct model *model,
                       const char *name) {
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "model", name, "dtype",
        dtype_name(model_facts(model)->type), "device", model_facts(model)->device, "prompts",
        (json_int_t)job->options.prompts, "samples", (json_int_t)job->options.samples, "in_flight",
        (json_int_t)job->options.in_flight, "prompt_tokens", (json_int_t)r->prompt_tokens, "answer_tokens",
        (json_int_t)r->answer_tokens, "normal", times_json(&r->normal), "exact", times_json(&r->exact));
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

static int run(void *context, const struct model_arguments *arguments, const char *name,
               struct error *error) {
    const struct job *job = context;
    struct bench_decode_result result;
    struct model_arguments exactly = *arguments;
    exactly.exact = true;
    struct model *normal = model_arguments_open(arguments, error);
    struct model *exact = normal ? model_arguments_open(&exactly, error) : NULL;
    int failed = !exact || bench_decode_run(normal, exact, &job->options, &result, error);
    if (!failed && job->json) print_json(&result, job, normal, name);
    if (!failed && !job->json) print_table(&result, job, normal, name);
    model_close(exact);
    model_close(normal);
    return failed ? -1 : 0;
}

int command_bench_decode(int argc, char **argv) {
    struct model_arguments arguments = model_arguments_default();
    struct job job = {0};
    int shape = 0;
    bool json = false;
    int64_t layers = 0, prompts = 12, samples = 16, flight = 192, text = 120, tokens = 80, repeats = 3;
    const struct option table[] = {
        MODEL_ARGUMENTS(arguments),
        BENCH_SHAPE_OPTIONS(shape, layers),
        option_integer("prompts", 0, "N", &prompts, 1, 1024, "Prompts, each with a small picture"),
        option_integer("samples", 0, "N", &samples, 1, 1024, "Answers to each prompt"),
        option_integer("in-flight", 0, "N", &flight, 1, 65536, "Answers that are decoded together, at most"),
        option_integer("prompt", 0, "N", &text, 1, 65536, "Tokens of text of a prompt, roughly"),
        option_integer("tokens", 'n', "N", &tokens, 1, 4096, "Tokens of an answer"),
        option_integer("repeats", 0, "N", &repeats, 1, 100, "The best of N counts"),
        option_flag("json", 'j', &json, "Print JSON"),
        {0},
    };
    const struct usage usage = {
        .command = "bench decode",
        .options = table,
        .description = "Measures answers drawn for groups of prompts, as a GRPO step draws them, and their\n"
                       "log-probs computed again; with an ordinary model and an exact one, in which both\n"
                       "are the same to the bit, by turns in the same run.",
        .examples = "globe bench decode --model models/postcards\nglobe bench decode --shape 3b --layers 4 "
                    "--prompts 1 --tokens 16\n",
    };
    struct operands none;
    int status;
    if (!options_parse(&usage, argc, argv, &none, &status)) return status;
    struct error error = {0};
    job.options = (struct bench_decode_options){.prompts = (size_t)prompts,
                                                .samples = (size_t)samples,
                                                .in_flight = (size_t)flight,
                                                .text_tokens = (size_t)text,
                                                .tokens = (size_t)tokens,
                                                .repeats = (int)repeats};
    job.json = json;
    return bench_on_shape(&arguments, bench_shapes[shape], (int)layers, run, &job, &error)
               ? command_fail(&error)
               : 0;
}
