// globe bench train: how fast a model learns here.
#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "bench/train.h"
#include "cli/bench_shape.h"
#include "cli/command.h"
#include "cli/commands.h"

struct job {
    struct bench_train_options options;
    bool json;
};

static double percent(double part, double whole) {
    return whole > 0 ? 100 * part / whole : 0;
}

static void print_table(const struct bench_train_result *r, const struct job *job, const struct model *model,
                        const char *name) {
    char what[64];
    if (job->options.lora_rank)
        snprintf(what, sizeof what, "LoRA of rank %d", job->options.lora_rank);
    else
        snprintf(what, sizeof what, "all weights of the language model");
    printf("| %s, %s, %s | | share of oneDNN's rate |\n|---|---|---|\n", name,
           dtype_name(model_facts(model)->type), model_facts(model)->device);
    printf("| trained | %s, %.1f million values%s | |\n", what, (double)r->trained / 1e6,
           job->options.checkpoint_activations ? ", activations recomputed" : "");
    printf("| oneDNN, the forward products of %zu tokens | %.0f GFLOP/s | 100 %% |\n", r->rows,
           r->matmul_flops / 1e9);
    printf("| forward | %.2f s, %.1f tok/s, %.0f GFLOP/s | %.0f %% |\n", r->forward_seconds,
           (double)r->rows / r->forward_seconds, r->forward_flops / 1e9,
           percent(r->forward_flops, r->matmul_flops));
    printf("| forward and backward | %.2f s, %.1f tok/s, %.0f GFLOP/s | %.0f %% |\n", r->pass_seconds,
           (double)r->rows / r->pass_seconds, r->pass_flops / 1e9, percent(r->pass_flops, r->matmul_flops));
    printf("| peak memory | %.2f GB | |\n", (double)r->peak_bytes / 1e9);
}

static void print_json(const struct bench_train_result *r, const struct job *job, const struct model *model,
                       const char *name) {
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:I}", "model", name, "dtype",
                  dtype_name(model_facts(model)->type), "device", model_facts(model)->device, "lora_rank",
                  job->options.lora_rank, "trained_values", (json_int_t)r->trained, "tokens",
                  (json_int_t)r->rows, "matmul_flops", r->matmul_flops, "forward_seconds", r->forward_seconds,
                  "forward_flops", r->forward_flops, "pass_seconds", r->pass_seconds, "pass_flops",
                  r->pass_flops, "peak_bytes", (json_int_t)r->peak_bytes);
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

static int run(void *context, const struct model_arguments *arguments, const char *name,
               struct error *error) {
    const struct job *job = context;
    struct bench_train_result result;
    struct model *model = model_arguments_open(arguments, error);
    if (!model) return -1;
    int failed = bench_train_run(model, &job->options, &result, error);
    if (!failed && job->json) print_json(&result, job, model, name);
    if (!failed && !job->json) print_table(&result, job, model, name);
    model_close(model);
    return failed;
}

int command_bench_train(int argc, char **argv) {
    struct model_arguments arguments = model_arguments_default();
    struct job job = {.options = {.repeats = 2}};
    int shape = 0;
    int64_t layers = 0, prompt = 64, completion = 448, lora = 0, repeats = 2;
    const struct option table[] = {
        MODEL_ARGUMENTS(arguments),
        BENCH_SHAPE_OPTIONS(shape, layers),
        option_integer("prompt", 0, "N", &prompt, 1, 65536, "Tokens of the prompt, roughly"),
        option_integer("completion", 0, "N", &completion, 1, 65536, "Tokens of the completion"),
        option_integer("lora", 0, "RANK", &lora, 0, 1024,
                       "Train an adapter of this rank (0: the weights themselves)"),
        option_flag("recompute", 0, &job.options.checkpoint_activations,
                    "Recompute activations (gradient checkpointing)"),
        option_integer("repeats", 0, "N", &repeats, 1, 100, "The best of N counts"),
        option_flag("json", 'j', &job.json, "Print JSON"),
        {0},
    };
    const struct usage usage = {
        .command = "bench train",
        .options = table,
        .description = "Measures forward and backward passes over one row of text, and in the same run "
                       "oneDNN's rate at the\n"
                       "shapes of its forward products.",
        .examples = "globe bench train --shape 3b --layers 4\nglobe bench train --shape 3b --lora 16\n",
    };
    struct operands none;
    int status;
    if (!options_parse(&usage, argc, argv, &none, &status)) return status;
    struct error error = {0};
    job.options.prompt_tokens = (size_t)prompt;
    job.options.completion_tokens = (size_t)completion;
    job.options.lora_rank = (int)lora;
    job.options.repeats = (int)repeats;
    return bench_on_shape(&arguments, bench_shapes[shape], (int)layers, run, &job, &error)
               ? command_fail(&error)
               : 0;
}
