// One line per subcommand; each lives in the file of its name.
#include "cli/command.h"

#include <stddef.h>

#include "cli/commands.h"

// What a build without these parts answers (cmake/dependencies.cmake).
#ifndef GLOBE_HAS_TRAIN
#define command_train command_left_out
#endif
#ifndef GLOBE_HAS_POSTCARDS
#define command_postcards command_left_out
#endif

const struct command commands[] = {
    {"locate", "Say where photos were taken, and why", command_locate},
    {"report", "Pages, tables, maps and sidecars from the records of a batch", command_report},
    {"eval", "Say how often a model is right, on pictures with known places", command_eval},
    {"train", "Train models, and draw the curves of training runs", command_train},
    {"score", "Score completions with rewards, as training would", command_score},
    {"merge", "Make one checkpoint of a model and an adapter", command_merge},
    {"bench", "Measure speed beside what this machine can do at best", command_bench},
    {"tokenize", "Text to token ids and back", command_tokenize},
    {"init", "Make a new model with random weights, to be trained", command_init},
    {"tokenizer", "Learn the vocabulary of a new model", command_tokenizer},
    {"inspect", "Run one prompt and write every stage of the model to a file", command_inspect},
    {"gazetteer", "Names of places to coordinates and back, offline", command_gazetteer},
    {"postcards", "Draw a world of postcards with known places, to train and test on", command_postcards},
    {"help", "Show what globe or one of its commands can do", command_help},
    {"version", "Show the version, and how this program was built", command_version},
    {NULL, NULL, NULL},
};
