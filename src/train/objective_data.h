// The rows of an objective: data sets, features of a frozen tower, and the feeds of both.
#ifndef GLOBE_TRAIN_OBJECTIVE_DATA_H
#define GLOBE_TRAIN_OBJECTIVE_DATA_H

#include "train/feed.h"
#include "train/objective.h"

struct objective_data {
    const struct objective_parts *parts;  // of the objective, which outlives this
    struct dataset *sets[OBJECTIVE_SETS]; // no own rows for evaluation: NULL
    struct features *features[OBJECTIVE_SETS];
    struct feed feeds[OBJECTIVE_SETS]; // of held-out rows, too
};

// Reads data.train and data.eval; `answer` as in dataset_options. Close it also when this fails.
int objective_data_open(struct objective_data *data, const struct objective_parts *parts, size_t answer,
                        struct error *error);
void objective_data_close(struct objective_data *data);
// The feeds can be started from now on: features of a frozen tower are computed once and kept.
int objective_data_ready(struct objective_data *data, const struct training *training, struct error *error);

size_t objective_data_rows(const struct objective_data *data, enum objective_set set);
uint64_t objective_data_identity(const struct objective_data *data, enum objective_set set);
struct objective_need objective_data_need(const struct objective_data *data, size_t rows); // one answer each

#endif
