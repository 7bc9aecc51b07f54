// Training rows from JSONL files and tar shards, by number. Opening looks at every row: it must parse, its
// pictures must exist and be pictures, and its length in tokens is known from then on.
#ifndef GLOBE_TRAIN_DATASET_H
#define GLOBE_TRAIN_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/model.h"
#include "train/recipe.h"
#include "train/reward_rows.h"
#include "train/sample.h"

struct dataset_options {
    size_t max_length;             // tokens of a row
    enum recipe_too_long too_long; // delete, truncate, error
    enum recipe_bad_rows bad_rows; // skip, stop
    size_t answer; // rows are questions with their truth, and answers have up to so many tokens; 0: rows
                   // are answers to learn
    struct reward_rows reward; // rows are made into those of a reward model
};

// What opening found; rows = kept + bad + deleted.
struct dataset_report {
    size_t rows, kept, bad, deleted, truncated;
};

struct dataset;

// A path may hold the wildcards of the shell; files that end in .tar are shards, all others JSONL. Image
// paths are relative to the folder of their JSONL file. What is left out is said on stderr, with file and
// line. ERROR_INPUT when no row is left. The model is only read, and must outlive the data set.
struct dataset *dataset_open(char *const *paths, size_t count, const struct dataset_options *options,
                             const struct model *model, struct error *error);
void dataset_close(struct dataset *dataset);

const struct dataset_report *dataset_report(const struct dataset *dataset);
size_t dataset_count(const struct dataset *dataset);
size_t dataset_tokens(const struct dataset *dataset, size_t row); // as it will be trained
size_t dataset_patches(const struct dataset *dataset, size_t row);
// Of all rows in order, their texts and lengths: whether a data set is the same one as before, wherever it
// is.
uint64_t dataset_identity(const struct dataset *dataset);
// "rows.jsonl:12" or "shard.tar:KEY".
void dataset_describe(const struct dataset *dataset, size_t row, char *text, size_t size);

// Reads the row and its pictures. The message of a failure names the row. Thread-safe.
int dataset_load(const struct dataset *dataset, size_t row, struct sample *sample, struct error *error);

#endif
