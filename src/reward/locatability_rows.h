// A reward model asked about rows with completions: fills in what a file does not say itself.
#ifndef GLOBE_REWARD_LOCATABILITY_ROWS_H
#define GLOBE_REWARD_LOCATABILITY_ROWS_H

#include "reward/locatability_model.h"
#include "reward/samples.h"

// completions[].locatability of all rows, each of exactly one picture. `numbers` [count] are the rows' in `files`. ERROR_INPUT
// and others name the row or the picture; completions that could not be scored keep NaN.
int locatability_rows_score(struct locatability_model *judge, const struct row_files *files,
                            const size_t *numbers, struct samples *rows, size_t count, struct error *error);

#endif
