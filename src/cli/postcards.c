// globe postcards: draws cards of a small world with their truth, to train and test on.
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/output.h"
#include "base/signals.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "postcards/dataset.h"

static const char *const difficulties[] = {"easy", "medium", "hard", "mixed", NULL}; // enum difficulty
static const char *const splits[] = {"train", "test", NULL};                         // enum card_split

static int64_t processors(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > DATASET_MOST_THREADS ? DATASET_MOST_THREADS : count;
}

int command_postcards(int argc, char **argv) {
    const char *folder = NULL;
    int64_t count = 1000, seed = 1, first = 0, width = CANVAS_WIDTH, threads = processors();
    bool force = false;
    int difficulty = DIFFICULTY_MIXED, split = SPLIT_TRAIN;
    const struct option table[] = {
        option_string("out", 'o', "DIR", &folder, "Folder for the cards and postcards.jsonl (needed)"),
        option_integer("count", 'n', "N", &count, 1, DATASET_MOST_CARDS, "How many cards"),
        option_integer("seed", 's', "S", &seed, 0, (int64_t)CARD_MOST_SEED,
                       "The same seed draws the same cards"),
        option_choice("difficulty", 'd', "LEVEL", &difficulty, difficulties, "How much the cards show"),
        option_choice("split", 0, "NAME", &split, splits, "Test cards are never among the training cards"),
        option_integer("size", 0, "W", &width, CANVAS_WIDTH, 1120,
                       "Width in pixels, a multiple of 112; the height is three quarters of it"),
        option_integer("first", 0, "I", &first, 0, (int64_t)CARD_MOST_INDEX, "Index of the first card"),
        option_integer("threads", 't', "T", &threads, 1, DATASET_MOST_THREADS,
                       "Threads; the cards are the same"),
        option_flag("force", 0, &force, "Replace the set that is in the folder"),
        {0},
    };
    const struct usage usage = {
        .command = "postcards",
        .description = "Draws postcards of 48 cities in 24 countries, each with its place, the elements that "
                       "can be seen and a reasoning that speaks of nothing else.",
        .options = table,
        .examples = "globe postcards --out cards --count 60000 --seed 1\n"
                    "globe postcards --out exam --count 500 --seed 1 --split test --difficulty hard\n",
    };
    struct operands none;
    struct error error;
    int status;
    if (!options_parse(&usage, argc, argv, &none, &status)) return status;
    if (!folder) {
        error_set(&error, ERROR_USAGE, "--out DIR is needed: the folder for the cards");
        return command_fail(&error);
    }
    const struct cards_options options = {
        .folder = folder,
        .count = (uint64_t)count,
        .first = (uint64_t)first,
        .order = {.seed = (uint64_t)seed,
                  .split = (enum card_split)split,
                  .difficulty = (enum difficulty)difficulty},
        .width = (size_t)width,
        .threads = (int)threads,
        .replace = force,
    };
    signals_catch();
    struct outputs outputs = {.command = "globe postcards", .force = force};
    int failed =
        outputs_add(&outputs, "--out", folder, NULL, true, &error) || dataset_write(&options, &error);
    outputs_release(&outputs);
    if (failed) return command_fail(&error);
    log_info("%lld postcards in %s", (long long)count, folder);
    return ERROR_NONE;
}
