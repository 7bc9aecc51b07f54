// A row made ready for the model: the prompt, and the tokens to learn.
#ifndef GLOBE_TRAIN_SAMPLE_H
#define GLOBE_TRAIN_SAMPLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/model.h"
#include "rows/row.h"

// What the answers to a question are held against.
struct asked {
    struct row row;  // the question and the truth
    json_t *json;    // the row as it stands in its file; NULL for one that is a text
    char *question;  // the user's words
    char **pictures; // paths, NULL at the end; none for pictures of shards
    char place[256]; // "rows.jsonl:3"
};

// Zero-initialise, release with sample_free.
struct sample {
    struct prompt prompt;  // without the resized pictures
    struct ids completion; // what follows it: answer, <|im_end|>, and later turns
    bool *trained;         // [completion.count]: the token counts in the loss
    size_t labels;         // how many do
    struct asked *asked;   // of a question, which has no completion; NULL: of a row to learn
};

// Where the part that can be trained starts: the first answer after the last picture. Everything before is
// prompt (grpo.md section 5: prompt, system and image tokens are masked).
size_t sample_first_answer(const struct chat *chat);

// The tokens from that answer on: each answer to be learnt and its <|im_end|> count, the template and other
// turns between them do not, and no newline follows the last. More than `limit` tokens are cut off.
int sample_encode_completion(struct sample *sample, const struct chat *chat,
                             const struct tokenizer *tokenizer, size_t limit, struct error *error);

// The whole; `images` in the order of the chat. max_length counts prompt and completion; the completion is
// cut to fit. ERROR_LIMIT when nothing of the answer is left. Safe from several threads.
int sample_build(struct sample *sample, const struct model *model, const struct chat *chat,
                 const struct image *images, size_t image_count, size_t max_length, struct error *error);
void sample_free(struct sample *sample);
// The whole conversation as a prompt. ERROR_LIMIT when `answer` tokens do not fit behind it.
int sample_build_question(struct sample *sample, const struct model *model, const struct chat *chat,
                          const struct image *images, size_t image_count, size_t max_length, size_t answer,
                          struct error *error);
void asked_free(struct asked *asked);

// What sample_build would give, from the pictures' stored sizes alone: tokens without the cut.
struct sample_size {
    size_t prompt, completion; // tokens
    size_t before_learnt;      // tokens of both before the first that is learnt
    size_t patches;
};
int sample_measure(struct sample_size *size, const struct model *model, const struct chat *chat,
                   const size_t *widths, const size_t *heights, size_t image_count, struct error *error);
// The same of a question, with `answer` tokens behind it.
int sample_measure_question(struct sample_size *size, const struct model *model, const struct chat *chat,
                            const size_t *widths, const size_t *heights, size_t image_count, size_t answer,
                            struct error *error);

#endif
