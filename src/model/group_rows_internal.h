// The rows of a training pass: all groups one after the other, in each the prompt's tokens, then those of its
// completions. A completion's last token predicts nothing and has no row; its first is predicted by the
// prompt's last row, which all completions share.
#ifndef GLOBE_MODEL_GROUP_ROWS_INTERNAL_H
#define GLOBE_MODEL_GROUP_ROWS_INTERNAL_H

#include "base/memory.h"
#include "model/decoder_backward.h"
#include "model/score.h"

//
// Small models are padded to round numbers of rows and tokens: oneDNN makes its code for one shape, and for
// them making it takes longer than running it. Rows of padding see only each other, and no gradient reaches
// them.
struct group_rows {
    size_t rows;        // padding included
    int32_t *ids;       // [rows]
    int32_t *positions; // [3, rows]
    struct decoder_span *spans;
    size_t span_count;
    size_t tokens;    // padding included
    size_t completed; // of all completions: those before the padding
    int32_t *targets; // [tokens]
    size_t *sources;  // [tokens]: the row that predicts it
    size_t *images;   // [image_count]: rows of image placeholders
    size_t image_count;
};

enum group_targets {
    TARGETS_COMPLETIONS, // every token of the completions
    TARGETS_NEXT // whatever comes after each whole completion, which may be empty; targets[] says nothing
};

// How many rows a completion has of its own.
size_t group_rows_of(const struct prompt_completion *completion, enum group_targets targets);

// Everything is host memory of the workspace. ERROR_INPUT for prompts or completions that cannot be computed,
// ERROR_LIMIT for those beyond the model's context.
int group_rows_build(struct group_rows *rows, const struct model *model, const struct prompt_group *groups,
                     size_t count, enum group_targets targets, struct workspace *workspace,
                     struct error *error);

#endif
