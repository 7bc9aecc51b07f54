// Rows for the reward model of locatability, made of those of other data sets (grpo.md section 8): the official system
// message, the picture, a whole completion about it, and "yes" or "no".
//
// A row whose own answer is yes or no is taken as it is: picture, the user's text as the completion, that answer. Of any
// other the completion is its answer, as fine-tuning would learn it, and "locatable" says yes or no.
//
// Where every picture comes with its own reasoning the two classes differ in their words alone, and a model need not look
// at all. So a share of the rows, chosen by a seed, gets the completion of another row, of another country or of the other
// class. Such a completion does not place this picture: the answer is "no", or what is true of the picture.
#ifndef GLOBE_TRAIN_REWARD_ROWS_H
#define GLOBE_TRAIN_REWARD_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "rows/row_files.h"

enum reward_swapped_as { REWARD_SWAPPED_NO, REWARD_SWAPPED_PICTURE };

struct reward_rows {
    bool on;        // rows are made into these
    double swapped; // 0..1
    enum reward_swapped_as as;
    uint64_t seed;
};

// A row as it is to be learnt. Thread-safe; the same row is always the same. ERROR_INPUT for one that says neither, that
// has no answer, or more than one picture.
int reward_rows_read(const struct reward_rows *options, const struct row_files *files, size_t number,
                     struct row *row, struct row_notes *notes, struct error *error);

#endif
