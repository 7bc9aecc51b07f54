// globe bench grpo: how long a step of GRPO takes here, part by part.
#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "bench/grpo.h"
#include "cli/bench_shape.h"
#include "cli/command.h"
#include "cli/commands.h"

struct job {
    struct bench_grpo_options options;
    bool json;
};

static void say(const char *what) {
    log_info("measuring a step: %s", what);
}

static double total(const struct bench_grpo_parts *parts) {
    return parts->rollout + parts->rewards + parts->log_probs + parts->backward + parts->update;
}

static void print_row(const struct job *job, const char *name, double shared, double apart) {
    if (job->options.alone)
        printf("| %s | %.3f s | %.3f s | %.2f |\n", name, shared, apart, shared > 0 ? apart / shared : 0);
    else
        printf("| %s | %.3f s | | |\n", name, shared);
}

// How much sharing can give: tokens through the layers, and what the head does beside them for every completion token.
static double limit(const struct bench_grpo_result *r, const struct job *job, bool head) {
    double predicted = head ? (double)(job->options.group * job->options.completion_tokens) * r->head : 0;
    return ((double)r->rows * r->layers + predicted) / ((double)r->shared_rows * r->layers + predicted);
}

static void print_table(const struct bench_grpo_result *r, const struct job *job, const struct model *model,
                        const char *name) {
    const struct model_facts *facts = model_facts(model);
    printf("| %s, %zu layers, %s, %s | prompt once | rows by themselves | times |\n|---|---|---|---|\n", name,
           facts->layers, dtype_name(facts->type), facts->device);
    printf("| group | %zu completions of %zu tokens over %zu | | |\n", job->options.group,
           job->options.completion_tokens, r->prompt_tokens);
    printf("| tokens through the layers | %zu | %zu | %.2f |\n", r->shared_rows, r->rows,
           limit(r, job, false));
    print_row(job, "rollout", r->shared.rollout, r->apart.rollout);
    print_row(job, "rewards", r->shared.rewards, r->apart.rewards);
    print_row(job, "log-probs", r->shared.log_probs, r->apart.log_probs);
    print_row(job, "forward and backward", r->shared.backward, r->apart.backward);
    print_row(job, "update", r->shared.update, r->apart.update);
    print_row(job, "step", total(&r->shared), total(&r->apart));
    printf("| limit of the passes, with the head's products | | | %.2f |\n", limit(r, job, true));
    if (job->options.alone) printf("| gradients apart, relative | %.2g | | |\n", r->gradients_apart);
    printf("| trained | %.1f million values | | |\n| peak memory | %.2f GB | | |\n", (double)r->trained / 1e6,
           (double)r->peak_bytes / 1e9);
}

static json_t *parts_object(const struct bench_grpo_parts *parts) {
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "rollout", parts->rollout, "rewards", parts->rewards,
                     "log_probs", parts->log_probs, "backward", parts->backward, "update", parts->update,
                     "step", total(parts));
}

static void print_json(const struct bench_grpo_result *r, const struct job *job, const struct model *model,
                       const char *name) {
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:i, s:o, s:o*, s:I, s:I, s:f, s:f, s:f, s:I, s:I}", "model", name,
        "dtype", dtype_name(model_facts(model)->type), "device", model_facts(model)->device, "group",
        (json_int_t)job->options.group, "prompt_tokens", (json_int_t)r->prompt_tokens, "completion_tokens",
        (json_int_t)job->options.completion_tokens, "lora_rank", job->options.lora_rank, "shared",
        parts_object(&r->shared), "alone", job->options.alone ? parts_object(&r->apart) : NULL, "shared_rows",
        (json_int_t)r->shared_rows, "rows", (json_int_t)r->rows, "limit", limit(r, job, false),
        "limit_with_head", limit(r, job, true), "gradients_apart", r->gradients_apart, "trained_values",
        (json_int_t)r->trained, "peak_bytes", (json_int_t)r->peak_bytes);
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

static int run(void *context, const struct model_arguments *arguments, const char *name,
               struct error *error) {
    const struct job *job = context;
    struct bench_grpo_result result;
    struct model *model = model_arguments_open(arguments, error);
    if (!model) return -1;
    int failed = bench_grpo_run(model, &job->options, &result, say, error);
    if (!failed && job->json) print_json(&result, job, model, name);
    if (!failed && !job->json) print_table(&result, job, model, name);
    model_close(model);
    return failed;
}

int command_bench_grpo(int argc, char **argv) {
    struct model_arguments arguments = model_arguments_default();
    struct job job = {0};
    int shape = 0;
    bool sharing_only = false;
    int64_t layers = 0, prompt = 1200, completion = 150, group = 16, lora = 16;
    const struct option table[] = {
        MODEL_ARGUMENTS(arguments),
        BENCH_SHAPE_OPTIONS(shape, layers),
        option_integer("prompt", 0, "N", &prompt, 1, 65536, "Tokens of the prompt, roughly"),
        option_integer("completion", 0, "N", &completion, 1, 65536, "Tokens of a completion"),
        option_integer("group", 'g', "N", &group, 2, 4096, "Completions of the prompt"),
        option_integer("lora", 0, "RANK", &lora, 0, 1024,
                       "Train an adapter of this rank (0: the weights themselves)"),
        option_flag("recompute", 0, &job.options.checkpoint_activations,
                    "Recompute activations (gradient checkpointing)"),
        option_flag("sharing-only", 0, &sharing_only, "Leave out the rows by themselves"),
        option_flag("json", 'j', &job.json, "Print JSON"),
        {0},
    };
    const struct usage usage = {
        .command = "bench grpo",
        .options = table,
        .description =
            "Measures a step of GRPO over one prompt, part by part: with the prompt computed once for\n"
            "all completions, and with every completion as a row by itself, from the same weights.",
        .examples = "globe bench grpo --shape 3b --layers 4\n"
                    "globe bench grpo --model models/postcards --prompt 200 --completion 90 --group 8\n",
    };
    struct operands none;
    int status;
    if (!options_parse(&usage, argc, argv, &none, &status)) return status;
    struct error error = {0};
    job.options.prompt_tokens = (size_t)prompt;
    job.options.completion_tokens = (size_t)completion;
    job.options.group = (size_t)group;
    job.options.lora_rank = (int)lora;
    job.options.alone = !sharing_only;
    return bench_on_shape(&arguments, bench_shapes[shape], (int)layers, run, &job, &error)
               ? command_fail(&error)
               : 0;
}
