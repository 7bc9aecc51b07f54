#include "reward/locatability_rows.h"

#include <stdlib.h>

#include "base/memory.h"
#include "photo/decode.h"

// The name of the row's one picture.
static const char *picture_of(const struct chat *chat, struct error *error) {
    const char *name = NULL;
    size_t count = chat_image_count(chat);
    for (size_t i = 0; i < chat->count; i++)
        for (size_t k = 0; k < chat->messages[i].part_count; k++)
            if (chat->messages[i].parts[k].kind == CHAT_IMAGE) name = chat->messages[i].parts[k].text;
    if (count == 1) return name;
    error_set(error, ERROR_INPUT, "%zu pictures, but the reward model sees exactly one", count);
    return NULL;
}

static int open_picture(struct image *image, const struct row_files *files, size_t number,
                        const struct samples *row, struct error *error) {
    struct row_picture picture;
    const char *name = picture_of(&row->row.chat, error);
    if (!name || row_files_picture(files, number, name, &picture, error)) return -1;
    int result = photo_decode_buffer(image, picture.data, picture.length, name, NULL, NULL, error);
    row_picture_close(&picture);
    return result;
}

struct batch {
    struct locatability_case *cases; // [count]
    struct image *images;
    const char **texts;
    double *scores;
    char (*names)[256];
};

static int open_batch(struct batch *batch, size_t count, size_t texts, struct error *error) {
    batch->cases = memory_new(count + 1, sizeof *batch->cases, "rows", error);
    batch->images = memory_new(count + 1, sizeof *batch->images, "rows", error);
    batch->names = memory_new(count + 1, sizeof *batch->names, "rows", error);
    batch->texts = memory_new(texts + 1, sizeof *batch->texts, "completions", error);
    batch->scores = memory_new(texts + 1, sizeof *batch->scores, "scores", error);
    return batch->cases && batch->images && batch->names && batch->texts && batch->scores ? 0 : -1;
}

static void close_batch(struct batch *batch, size_t count) {
    for (size_t i = 0; batch->images && i < count; i++) image_free(&batch->images[i]);
    free(batch->cases);
    free(batch->images);
    free(batch->names);
    free(batch->texts);
    free(batch->scores);
}

int locatability_rows_score(struct locatability_model *judge, const struct row_files *files,
                            const size_t *numbers, struct samples *rows, size_t count, struct error *error) {
    struct batch batch = {0};
    size_t texts = 0, text = 0;
    for (size_t i = 0; i < count; i++) texts += rows[i].count;
    int result = open_batch(&batch, count, texts, error);
    for (size_t i = 0; result == 0 && i < count; i++) {
        row_files_describe(files, numbers[i], batch.names[i], sizeof *batch.names);
        result = open_picture(&batch.images[i], files, numbers[i], &rows[i], error);
        if (result) error_prefix(error, "%s", batch.names[i]);
        batch.cases[i] = (struct locatability_case){.name = batch.names[i],
                                                    .image = &batch.images[i],
                                                    .texts = batch.texts + text,
                                                    .count = rows[i].count};
        for (size_t k = 0; k < rows[i].count; k++) batch.texts[text++] = rows[i].completions[k].text;
    }
    bool asked = result == 0;
    if (asked) result = locatability_model_score(judge, NULL, batch.cases, count, batch.scores, error);
    for (size_t i = 0, at = 0; asked && i < count; i++)
        for (size_t k = 0; k < rows[i].count; k++) rows[i].completions[k].locatability = batch.scores[at++];
    close_batch(&batch, count);
    return result;
}
