#include "train/features.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"

struct features {
    atomic_bool *there; // [rows], set after the entry is complete
    struct features_entry **entries;
    size_t rows, bytes, limit;
};

struct features *features_open(size_t rows, size_t limit_bytes, struct error *error) {
    struct features *features = memory_new(1, sizeof *features, "features", error);
    if (!features) return NULL;
    features->rows = rows;
    features->limit = limit_bytes;
    features->there = memory_new(rows + 1, sizeof *features->there, "features", error);
    features->entries = memory_new(rows + 1, sizeof *features->entries, "features", error);
    if (features->there && features->entries) return features;
    features_close(features);
    return NULL;
}

void features_close(struct features *features) {
    if (!features) return;
    for (size_t i = 0; features->entries && i < features->rows; i++) {
        struct features_entry *entry = features->entries[i];
        if (!entry) continue;
        sample_free(&entry->sample);
        free(entry->embeds.data);
        free(entry);
    }
    free(features->there);
    free(features->entries);
    free(features);
}

bool features_has(const struct features *features, size_t row) {
    return atomic_load(&features->there[row]);
}

const struct features_entry *features_get(const struct features *features, size_t row) {
    return features->entries[row];
}

static size_t entry_bytes(const struct sample *sample, size_t rows, size_t hidden) {
    return sizeof(struct features_entry) + rows * hidden * sizeof(float) +
           sample->prompt.ids.count * 4 * sizeof(int32_t) + sample->completion.count * 5;
}

static int run_tower(struct features_entry *entry, const struct sample *sample, size_t rows, size_t hidden,
                     struct model *model, struct error *error) {
    float *data = memory_new_aligned(rows, hidden * sizeof *data, "features", error);
    if (!data) return -1;
    entry->embeds = matrix_of(data, DTYPE_F32, rows, hidden);
    int result = model_see(model, &sample->prompt, data, error);
    if (result) free(data);
    return result;
}

int features_add(struct features *features, size_t row, struct sample *sample, struct model *model,
                 bool *kept, struct error *error) {
    const struct model_facts *facts = model_facts(model);
    size_t rows = sample->prompt.patches.rows / facts->patches_per_token, hidden = facts->hidden;
    size_t bytes = entry_bytes(sample, rows, hidden);
    *kept = false;
    if (bytes > features->limit - features->bytes || features->entries[row]) return 0;
    struct features_entry *entry = memory_new(1, sizeof *entry, "features", error);
    if (!entry) return -1;
    if (rows && run_tower(entry, sample, rows, hidden, model, error)) {
        free(entry);
        return -1;
    }
    free(sample->prompt.patches.data);
    sample->prompt.patches.data = NULL; // the number of rows stays: it says how many embeddings there are
    entry->sample = *sample;
    *sample = (struct sample){0};
    features->entries[row] = entry;
    features->bytes += bytes;
    atomic_store(&features->there[row], true);
    *kept = true;
    return 0;
}
