// One row of a data set: a conversation with pictures that ends with the answer to learn. All the spellings
// that TRL and ms-swift read:
//   {"messages": [{"role", "content"}, ...], "images": [...]}   content a text with <image> tags, or a list
//   of
//                                                               {"type": "text"} and {"type": "image"} parts
//   {"conversations": [{"from", "value"}, ...], ...}            the same as ShareGPT has it
//   {"prompt": ..., "completion": ..., "images": [...]}         texts or lists of messages
//   {"query", "response", "system", "history", "images"}
//   {"solution", "response", "images"}                          GLOBE's, see rewards_and_eval.md section 1.2
// "system" may stand beside each. What other keys mean is in docs/training.md.
#ifndef GLOBE_ROWS_ROW_H
#define GLOBE_ROWS_ROW_H

#include <stddef.h>

#include "base/error.h"
#include "text/chat.h"

enum { ROW_MAX_SIZE = 16 << 20, ROW_OWN_IMAGES = -1, ROW_MAX_NOTES = 16, ROW_NOTE_SIZE = 64 };

// Keys that nothing is known of: they change nothing, and the caller warns of them.
struct row_notes {
    char keys[ROW_MAX_NOTES][ROW_NOTE_SIZE]; // "origin", "messages[].mood"
    size_t count;
};

// Without any <image> tag or image part the pictures stand before the first user's text; a tag without a
// picture is an error. The row's own pictures are paths; with images >= 0 they are ignored, and the row has
// that many, named "0", "1", ... Answers that the row says are not to be learnt are marked so; one at least
// is left. ERROR_INPUT or ERROR_LIMIT says what is wrong with the row, without its place. `notes` may be
// NULL, or is added to. Free with chat_free.
int row_parse(struct chat *chat, const char *json, size_t length, int images, struct row_notes *notes,
              struct error *error);
// GLOBE's question with this answer.
int row_from_text(struct chat *chat, const char *answer, int images, struct error *error);

#endif
