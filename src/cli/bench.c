// globe bench: speed, beside the machine's own limits.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/signals.h"
#include "bench/bench.h"
#include "cli/bench_shape.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/model_arguments.h"

static void say(const char *what) {
    log_info("measuring %s", what);
}

static double percent(double part, double whole) {
    return whole > 0 ? 100 * part / whole : 0;
}

static void print_table(const struct bench_result *r, const struct model *model, const char *name) {
    const struct model_facts *facts = model_facts(model);
    printf("| %s, %s, %s | | share of what the machine can do |\n|---|---|---|\n", name,
           dtype_name(facts->type), facts->device);
    printf("| weights | %.2f GB, %zu layers of %zu | |\n", (double)r->weight_bytes / 1e9, facts->layers,
           facts->hidden);
    printf("| read bandwidth of this machine | %.1f GB/s | 100 %% |\n", r->read_bandwidth / 1e9);
    printf("| oneDNN, shapes of the vision tower (%zu patches) | %.0f GFLOP/s | 100 %% |\n", r->patches,
           r->vision_matmul / 1e9);
    printf("| oneDNN, shapes of the language model (%zu tokens) | %.0f GFLOP/s | 100 %% |\n",
           r->prompt_tokens, r->prefill_matmul / 1e9);
    printf("| load | %.2f s | |\n", r->load_seconds);
    printf("| vision tower (%zu tokens) | %.2f s, %.0f GFLOP/s | %.0f %% |\n", r->image_tokens,
           r->vision_seconds, r->vision_flops / r->vision_seconds / 1e9,
           percent(r->vision_flops / r->vision_seconds, r->vision_matmul));
    printf("| prefill (%zu tokens) | %.2f s, %.1f tok/s, %.0f GFLOP/s | %.0f %% |\n", r->prompt_tokens,
           r->prefill_seconds, (double)r->prompt_tokens / r->prefill_seconds,
           r->prefill_flops / r->prefill_seconds / 1e9,
           percent(r->prefill_flops / r->prefill_seconds, r->prefill_matmul));
    printf("| photo to first token | %.2f s | |\n", r->first_token_seconds);
    for (size_t i = 0; i < r->decode_count; i++) {
        const struct bench_decode *d = &r->decode[i];
        char what[64];
        if (d->prompts > 1)
            snprintf(what, sizeof what, "%zu prompts in flight", d->prompts);
        else
            snprintf(what, sizeof what, "%zu sequence%s over one prompt", d->sequences,
                     d->sequences == 1 ? "" : "s");
        printf("| decode, %s | %.2f tok/s, %.1f GB/s | %.0f %% |\n", what, d->tokens_per_second,
               d->bandwidth / 1e9, percent(d->bandwidth, r->read_bandwidth));
    }
    printf("| peak memory | %.2f GB (weights + %.2f GB) | |\n", (double)r->peak_bytes / 1e9,
           ((double)r->peak_bytes - (double)r->weight_bytes) / 1e9);
}

static void print_json(const struct bench_result *r, const struct model *model, const char *name) {
    json_t *decode = json_array();
    for (size_t i = 0; i < r->decode_count; i++)
        json_array_append_new(decode, json_pack("{s:i, s:i, s:f, s:f}", "prompts", (int)r->decode[i].prompts,
                                                "sequences", (int)r->decode[i].sequences, "tokens_per_second",
                                                r->decode[i].tokens_per_second, "bytes_per_second",
                                                r->decode[i].bandwidth));
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:I, s:{s:f, s:f, s:f}, s:f, s:{s:I, s:I, s:f, s:f}, s:{s:I, s:f, s:f}, s:f, s:o, "
        "s:I}",
        "model", name, "dtype", dtype_name(model_facts(model)->type), "device", model_facts(model)->device,
        "weight_bytes", (json_int_t)r->weight_bytes, "machine", "read_bytes_per_second", r->read_bandwidth,
        "vision_matmul_flops", r->vision_matmul, "prefill_matmul_flops", r->prefill_matmul, "load_seconds",
        r->load_seconds, "vision", "patches", (json_int_t)r->patches, "tokens", (json_int_t)r->image_tokens,
        "seconds", r->vision_seconds, "flops", r->vision_flops / r->vision_seconds, "prefill", "tokens",
        (json_int_t)r->prompt_tokens, "seconds", r->prefill_seconds, "flops",
        r->prefill_flops / r->prefill_seconds, "first_token_seconds", r->first_token_seconds, "decode",
        decode, "peak_bytes", (json_int_t)r->peak_bytes);
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

// Opens the model twice: the first time brings the weights into memory, the second is the warm start that
// counts.
static struct model *open_warm(const struct model_arguments *options, double *seconds, struct error *error) {
    struct model *model = model_arguments_open(options, error);
    if (!model) return NULL;
    model_close(model);
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    model = model_arguments_open(options, error);
    clock_gettime(CLOCK_MONOTONIC, &b);
    *seconds = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) * 1e-9;
    return model;
}

struct job {
    const struct bench_options *options;
    bool json;
};

static int run(void *context, const struct model_arguments *arguments, const char *name,
               struct error *error) {
    const struct job *job = context;
    double load;
    struct bench_result result;
    struct model *model = open_warm(arguments, &load, error);
    if (!model) return -1;
    int failed = bench_run(model, load, job->options, &result, say, error);
    if (!failed && job->json) print_json(&result, model, name);
    if (!failed && !job->json) print_table(&result, model, name);
    model_close(model);
    return failed;
}

// "1,4,16" into the options.
static int read_batches(const char *text, struct bench_options *bench, struct error *error) {
    bench->batch_count = 0;
    const char *p = text;
    do {
        char *end;
        unsigned long value = strtoul(p, &end, 10);
        if (end == p || value < 1 || value > 1024 || (*end && *end != ',') ||
            bench->batch_count == BENCH_MAX_BATCHES)
            return error_set(error, ERROR_USAGE,
                             "--sequences: \"%s\" is not a list of up to %d numbers from 1 to 1024", text,
                             BENCH_MAX_BATCHES);
        bench->batches[bench->batch_count++] = value;
        p = *end ? end + 1 : end;
    } while (*p);
    return 0;
}

int command_bench(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "train") == 0) return command_bench_train(argc - 1, argv + 1);
#ifdef GLOBE_HAS_TRAIN
    if (argc > 1 && strcmp(argv[1], "grpo") == 0) return command_bench_grpo(argc - 1, argv + 1);
#endif
    if (argc > 1 && strcmp(argv[1], "decode") == 0) return command_bench_decode(argc - 1, argv + 1);
    struct model_arguments arguments = model_arguments_default();
    struct bench_options bench = bench_options_default();
    int shape = 0;
    bool json = false;
    const char *batches = "1,4,16";
    int64_t width = (int64_t)bench.image_width, height = (int64_t)bench.image_height,
            tokens = (int64_t)bench.decode_tokens, repeats = bench.repeats, prompts = (int64_t)bench.prompts;
    const struct option table[] = {
        MODEL_ARGUMENTS(arguments),
        option_choice("shape", 's', "NAME", &shape, bench_shapes,
                      "Without --model: random weights of this published shape"),
        option_integer("width", 0, "N", &width, 28, 16384, "Picture, pixels"),
        option_integer("height", 0, "N", &height, 28, 16384, "Picture, pixels"),
        option_integer("tokens", 'n', "N", &tokens, 1, 4096, "Tokens to decode per sequence"),
        option_string("sequences", 0, "LIST", &batches, "Sequences over one prompt"),
        option_integer("prompts", 0, "N", &prompts, 0, 256, "Different prompts in flight together (0: skip)"),
        option_integer("repeats", 0, "N", &repeats, 1, 100, "The best of N counts"),
        option_flag("json", 'j', &json, "Print JSON"),
        {0},
    };
    const struct usage usage = {
        .command = "bench",
        .options = table,
        .description = "Measures loading, the vision tower, prefill and decoding, and in the same run\n"
                       "what this machine can do at best: its read bandwidth and oneDNN's rate at the\n"
                       "same shapes. Prints a table to paste.",
        .examples = "globe bench --shape tiny\nglobe bench train --help\nglobe bench grpo --help\nglobe "
                    "bench decode --help\nglobe "
                    "bench --shape 7b "
                    "--json\nglobe bench --model DIR "
                    "--sequences 1,16\n",
    };
    struct operands none;
    int status;
    if (!options_parse(&usage, argc, argv, &none, &status)) return status;
    struct error error = {0};
    bench.image_width = (size_t)width;
    bench.image_height = (size_t)height;
    bench.decode_tokens = (size_t)tokens;
    bench.repeats = (int)repeats;
    bench.prompts = (size_t)prompts;
    signals_catch();
    int failed = read_batches(batches, &bench, &error);
    struct job job = {&bench, json};
    if (!failed) failed = bench_on_shape(&arguments, bench_shapes[shape], 0, run, &job, &error);
    return failed ? command_fail(&error) : 0;
}
