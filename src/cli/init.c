// globe init: a new model with random weights, to be trained.
#include <stdio.h>

#include "base/output.h"
#include "base/signals.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "model/checkpoint_files.h"
#include "model/initialise.h"

static const char *const types[] = {"config", "bf16", "f32", NULL}; // enum initialise_type

// 12345678 as "12,345,678".
static void print_grouped(size_t number) {
    if (number >= 1000) {
        print_grouped(number / 1000);
        printf(",%03zu", number % 1000);
    } else {
        printf("%zu", number);
    }
}

static void report(const struct initialise_options *options, const struct initialise_report *made) {
    printf("%s: ", options->folder);
    print_grouped(made->parameters);
    printf(" parameters, %.1f MB; %d tokens in a vocabulary of %d\n", (double)made->bytes / 1e6, made->tokens,
           made->vocab);
}

static int check(const struct initialise_options *options, struct error *error) {
    if (!options->config)
        return error_set(error, ERROR_USAGE, "--config FILE is needed: the sizes of the model");
    if (!options->tokenizer) return error_set(error, ERROR_USAGE, "--tokenizer DIR is needed");
    if (!options->folder) return error_set(error, ERROR_USAGE, "--out DIR is needed: the folder to write");
    return 0;
}

int command_init(int argc, char **argv) {
    struct initialise_options options = {.min_pixels = CHECKPOINT_MIN_PIXELS,
                                         .max_pixels = CHECKPOINT_MAX_PIXELS};
    int64_t seed = 1;
    int type = INITIALISE_AS_CONFIGURED;
    const struct option table[] = {
        option_string("config", 'c', "FILE", &options.config, "A config.json of Qwen2.5-VL (needed)"),
        option_string("tokenizer", 't', "DIR", &options.tokenizer, "Folder with tokenizer.json (needed)"),
        option_string("out", 'o', "DIR", &options.folder, "Folder to write, new or empty (needed)"),
        option_integer("seed", 's', "N", &seed, 0, INT64_MAX, "The same seed gives the same weights"),
        option_choice("dtype", 0, "TYPE", &type, types, "Type of the weights; config: as it says"),
        option_integer("min-pixels", 0, "N", &options.min_pixels, 784, INT32_MAX,
                       "Smaller pictures are enlarged"),
        option_integer("max-pixels", 0, "N", &options.max_pixels, 784, INT32_MAX,
                       "Larger pictures are made smaller"),
        {0},
    };
    const struct usage usage = {
        .command = "init",
        .options = table,
        .description =
            "Writes a new model with random weights, ready to be trained. Token ids and vocab_size "
            "of the configuration are filled in from the tokenizer.",
        .examples = "globe init --config recipes/small.json --tokenizer words --out model\n",
    };
    struct operands none;
    struct error error = {0};
    struct initialise_report made;
    int status;
    if (!options_parse(&usage, argc, argv, &none, &status)) return status;
    options.seed = (uint64_t)seed;
    options.type = (enum initialise_type)type;
    signals_catch();
    struct outputs outputs = {.command = "globe init"};
    int failed = check(&options, &error) ||
                 outputs_add(&outputs, "--out", options.folder, NULL, true, &error) ||
                 initialise_checkpoint(&options, &made, &error);
    outputs_release(&outputs);
    if (failed) return command_fail(&error);
    report(&options, &made);
    return ERROR_NONE;
}
