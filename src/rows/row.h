// One row of a data set: a conversation with pictures, and what is known of these (rows/truth.h). Who reads it says what
// he needs of both: training the answer to learn, rewards the question and the truth, evaluation the truth alone. All the
// spellings that TRL and ms-swift read:
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

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"
#include "rows/truth.h"
#include "text/chat.h"

enum { ROW_MAX_SIZE = 16 << 20, ROW_OWN_IMAGES = -1, ROW_MAX_NOTES = 16, ROW_NOTE_SIZE = 64 };

// Keys that nothing is known of: they change nothing, and the caller warns of them.
struct row_notes {
    char keys[ROW_MAX_NOTES][ROW_NOTE_SIZE]; // "origin", "messages[].mood"
    size_t count;
};

enum row_chat {
    ROW_CHAT_LEARNT,   // it ends with an answer, of which something is to be learnt
    ROW_CHAT_ASKED,    // it may end with the question; a row without any conversation asks GLOBE's
    ROW_CHAT_QUESTION, // the same, and answers at its end are dropped
    ROW_CHAT_NONE      // nobody reads it: the row is only what is known of its pictures
};

struct row_options {
    int images; // as row_parse
    enum row_chat chat;
    bool truth;        // read it: training does not, so that it learns from rows whose truth is wanting
    bool json;         // keep the row as it stands in the file
    const char *group; // a key to group rows by, which the truth then holds the value of; NULL: none
    const char *name;  // in front of messages ("rows.jsonl:3"); NULL: nothing
};

struct row {
    struct chat chat;
    bool answered; // the last message is the assistant's
    struct truth truth;
    json_t *json; // NULL unless asked for
};

// Keys are held against the same tables for everybody: those that would change what is learnt are refused where the
// conversation is read, those that would change what is seen always; those that nothing is known of are noted. ERROR_INPUT
// or ERROR_LIMIT says what is wrong with the row, and *row is empty.
int row_read(struct row *row, const char *json, size_t length, const struct row_options *options,
             struct row_notes *notes, struct error *error);
void row_free(struct row *row);

// The conversation alone, as training reads it (ROW_CHAT_LEARNT).
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
