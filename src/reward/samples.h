// Rows that carry completions of theirs, to be scored without a model.
//   "completions"  a list of texts, or of objects: {"text", "completion_ids" or "ids", "finish_reason" ("length": cut),
//                  "locatability" (p(yes) of a reward model)}
//   "completion"   one of them
// A row without these is scored on the answer that its conversation ends with.
#ifndef GLOBE_REWARD_SAMPLES_H
#define GLOBE_REWARD_SAMPLES_H

#include "reward/reward.h"
#include "rows/row_files.h"

enum { SAMPLES_MOST = 4096 };

struct samples {
    struct row row;
    char *prompt; // the last question as text, without pictures
    struct reward_completion *completions;
    size_t count;
    int32_t *ids; // of all completions
    char *answer; // of a conversation
};

// Reads a row with its completions. What is known of the picture is read where the row says anything of it; where it says
// nothing, completions have no truth. ERROR_INPUT says what is wrong, without the row's name.
int samples_read(struct samples *samples, const struct row_files *files, size_t row, struct row_notes *notes,
                 struct error *error);
void samples_free(struct samples *samples);

#endif
