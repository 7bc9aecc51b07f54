// globe train: training runs, and curves of them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "train/grpo.h"
#include "train/parallel.h"
#include "train/plot.h"
#include "train/recipe.h"
#include "train/run.h"
#include "train/sft.h"
#include "train/show.h"

// ---- runs -----------------------------------------------------------------------------------------------

// One rank speaks for all.
static void quieten(const struct parallel *parallel) {
    if (parallel->rank == 0) return;
    log_set_level(LOG_ERROR);
    progress_configure(PROGRESS_QUIET, 0);
}

static int run_ranks(const struct run_options *options, struct error *error) {
    struct parallel parallel;
    if (parallel_start(&parallel, options->recipe->run.rank_timeout, error)) {
        int status = command_fail(error);
        parallel_end(&parallel, true);
        return status;
    }
    quieten(&parallel);
    int result = run_train(options, &parallel, error);
    int status = ERROR_NONE;
    if (result)
        status = parallel.rank == 0 || error->code == ERROR_NETWORK ? command_fail(error) : (int)error->code;
    parallel_end(&parallel, result && error->code == ERROR_NETWORK);
    return status;
}

// One kind of training, and how its help reads.
struct kind {
    const struct objective *objective;
    enum recipe_use use;
    const char *command, *description, *examples;
};

static int run_kind(const struct kind *kind, int argc, char **argv) {
    struct option_list sets = {0};
    bool resume = false, check = false, print = false;
    const struct option table[] = {
        option_repeated("set", 's', "KEY=VALUE", &sets, "Override a key of the recipe; may be repeated"),
        option_flag("resume", 'r', &resume, "Go on from the run's newest checkpoint, if it has one"),
        option_flag("check", 'c', &check, "Look at recipe, data and memory, then stop"),
        option_flag("print-recipe", 'p', &print, "Print the complete recipe, then stop"),
        {0},
    };
    const struct usage usage = {
        .command = kind->command,
        .arguments = "RECIPE",
        .at_least = 1,
        .at_most = 1,
        .options = table,
        .description = kind->description,
        .examples = kind->examples,
    };
    struct operands operands;
    int status;
    if (!options_parse(&usage, argc, argv, &operands, &status)) return status;
    struct error error = {0};
    char *text;
    struct recipe *recipe =
        recipe_read(kind->use, operands.values[0], sets.values, sets.count, &text, &error);
    option_list_free(&sets);
    if (!recipe) return command_fail(&error);
    const struct run_options options = {.objective = kind->objective,
                                        .recipe = recipe,
                                        .recipe_text = text,
                                        .resume = resume,
                                        .check = check};
    if (print)
        fputs(text, stdout);
    else
        status = run_ranks(&options, &error);
    recipe_free(recipe);
    free(text);
    return print ? ERROR_NONE : status;
}

static int run_sft(int argc, char **argv) {
    static const struct kind kind = {
        .objective = &sft_objective,
        .use = RECIPE_SFT,
        .command = "train sft",
        .description = "Fine-tunes a model on conversations, as a YAML recipe says (docs/recipes.md).\n"
                       "Checkpoints, metrics.jsonl and TensorBoard events go to run.folder.",
        .examples = "globe train sft recipes/tiny-sft.yaml\n"
                    "globe train sft sft.yaml --set optimizer.learning_rate=2e-5 --resume\n"
                    "mpirun -n 4 globe train sft sft.yaml\n",
    };
    return run_kind(&kind, argc, argv);
}

static int run_reward(int argc, char **argv) {
    static const struct kind kind = {
        .objective = &reward_objective,
        .use = RECIPE_REWARD,
        .command = "train reward",
        .description = "Trains the reward model of locatability: whether a picture, with what a completion\n"
                       "says of it, can be placed, yes or no. Rows are those of other data sets with\n"
                       "\"locatable\", or have yes or no for their answer (docs/training.md). Evaluations\n"
                       "report loss, accuracy and the area under the ROC curve.",
        .examples = "globe train reward recipes/postcards/reward.yaml\n"
                    "globe score exam/postcards.jsonl --reward runs/postcards/reward/best\n",
    };
    return run_kind(&kind, argc, argv);
}

static int run_grpo(int argc, char **argv) {
    static const struct kind kind = {
        .objective = &grpo_objective,
        .use = RECIPE_GRPO,
        .command = "train grpo",
        .description =
            "Trains a model on its own answers to the questions of a data set: groups of them are\n"
            "sampled, rewarded against what is known of the pictures, and made more or less\n"
            "likely (GRPO and its relatives), as a YAML recipe says (docs/training.md,\n"
            "docs/recipes.md, docs/rewards.md). Checkpoints, metrics.jsonl, completions.jsonl and\n"
            "TensorBoard events go to run.folder.",
        .examples = "globe train grpo recipes/postcards/grpo.yaml\n"
                    "globe train grpo grpo.yaml --set grpo.beta=0.04 --resume\n"
                    "mpirun -n 4 globe train grpo grpo.yaml\n",
    };
    return run_kind(&kind, argc, argv);
}

// ---- plot -----------------------------------------------------------------------------------------------

static int run_plot(int argc, char **argv) {
    const char *output = "training.svg";
    double smooth = 0.9;
    bool force = false;
    const struct option table[] = {
        option_string("output", 'o', "FILE", &output, "SVG, or PNG when it ends in .png"),
        option_number("smooth", 's', "X", &smooth, 0, 0.9999, "How much the running mean of the loss keeps"),
        option_flag("force", 0, &force, "Replace a file that is no such chart"),
        {0},
    };
    const struct usage usage = {
        .command = "train plot",
        .arguments = "RUN...",
        .at_least = 1,
        .at_most = -1,
        .options = table,
        .description =
            "Draws loss (or reward), evaluations, learning rate and gradient norm of training runs.\n"
            "RUN is the folder of a run, or a metrics.jsonl.",
        .examples = "globe train plot runs/sft -o sft.svg\n",
    };
    struct operands runs;
    struct error error = {0};
    struct buffer svg = {0};
    int status;
    if (!options_parse(&usage, argc, argv, &runs, &status)) return status;
    struct outputs outputs = {.command = "globe train plot", .force = force};
    int failed = outputs_add(&outputs, "--output", output, &plot_kind, false, &error);
    for (int i = 0; i < runs.count && !failed; i++)
        failed = outputs_spare_folder(&outputs, "a file of the run", runs.values[i], &error);
    if (!failed) failed = plot_runs(&svg, runs.values, (size_t)runs.count, smooth, &error);
    if (!failed) failed = plot_save(&svg, output, &error);
    outputs_release(&outputs);
    buffer_free(&svg);
    if (failed) return command_fail(&error);
    log_info("wrote %s", output);
    return ERROR_NONE;
}

// ---- show -----------------------------------------------------------------------------------------------

static int write_page(const char *folder, const char *output, int64_t steps, int64_t side,
                      struct error *error) {
    struct buffer html = {0};
    int result = show_run(&html, folder, (size_t)steps, (size_t)side, error);
    if (result == 0) result = file_write(output, html.data, html.length, error);
    buffer_free(&html);
    return result;
}

static int run_show(int argc, char **argv) {
    const char *output = "run.html";
    int64_t steps = 20, side = 320;
    bool force = false;
    const struct option table[] = {
        option_string("output", 'o', "FILE", &output, "The page"),
        option_integer("last", 'n', "N", &steps, 0, 1000000,
                       "Completions of so many steps, the last; 0: of all"),
        option_integer("side", 0, "N", &side, 16, 4096, "Pictures are at most so many pixels wide and high"),
        option_flag("force", 0, &force, "Replace a file that is no such page"),
        {0},
    };
    const struct usage usage = {
        .command = "train show",
        .arguments = "RUN",
        .at_least = 1,
        .at_most = 1,
        .options = table,
        .description = "Writes one HTML page, by itself, to look a run through: its curves, and what\n"
                       "`globe train grpo` sampled: pictures, answers, rewards, advantages.",
        .examples = "globe train show runs/grpo -o grpo.html\n",
    };
    struct operands operands;
    struct error error = {0};
    int status;
    if (!options_parse(&usage, argc, argv, &operands, &status)) return status;
    struct outputs outputs = {.command = "globe train show", .force = force};
    int failed = outputs_add(&outputs, "--output", output, &show_kind, false, &error);
    if (!failed) failed = outputs_spare_folder(&outputs, "a file of the run", operands.values[0], &error);
    if (!failed) failed = write_page(operands.values[0], output, steps, side, &error);
    outputs_release(&outputs);
    if (failed) return command_fail(&error);
    log_info("wrote %s", output);
    return ERROR_NONE;
}

// ---- the command ----------------------------------------------------------------------------------------

int command_train(int argc, char **argv) {
    static const struct command subcommands[] = {
        {"sft", "Supervised fine-tuning", run_sft},
        {"reward", "Training of the reward model of locatability", run_reward},
        {"grpo", "Reinforcement learning from rewards", run_grpo},
        {"plot", "Draw the curves of training runs", run_plot},
        {"show", "Write a page to look a run through", run_show},
    };
    const size_t count = sizeof subcommands / sizeof *subcommands;
    for (size_t i = 0; argc > 1 && i < count; i++)
        if (!strcmp(argv[1], subcommands[i].name)) return subcommands[i].run(argc - 1, argv + 1);
    if (argc > 1 && argv[1][0] != '-') {
        struct error error;
        error_set(&error, ERROR_USAGE, "train: there is no '%s'; there are sft, reward, grpo, plot and show",
                  argv[1]);
        return command_fail(&error);
    }
    const struct usage usage = {
        .command = "train",
        .arguments = "ACTION ...",
        .at_least = 1,
        .at_most = -1,
        .description = "Trains models. The actions, each with its own --help:\n"
                       "  sft     Supervised fine-tuning\n"
                       "  reward  Training of the reward model of locatability\n"
                       "  grpo    Reinforcement learning from rewards\n"
                       "  plot    Draw the curves of training runs\n"
                       "  show    Write a page to look a run through",
        .examples = "globe train sft recipes/tiny-sft.yaml\n",
    };
    struct operands operands;
    int status;
    if (!options_parse(&usage, argc, argv, &operands, &status)) return status;
    return ERROR_USAGE;
}
