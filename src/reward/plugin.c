// A reward in a shared object (include/globe/reward_plugin.h).
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "globe/reward_plugin.h"
#include "reward/reward_internal.h"

enum { MESSAGE_SIZE = 256 };

struct plugin {
    char *path, *options;
    void *library;
    const struct globe_reward_plugin *functions;
    void *state;
    bool opened;
};

static const struct reward_option options[] = {
    {"path", REWARD_TEXT, NULL, 0, 0, NULL,
     "the shared object; a name with a / in it, or one that the linker finds", offsetof(struct plugin, path)},
    {"options", REWARD_TEXT, "", 0, 0, NULL, "a text for it", offsetof(struct plugin, options)},
    {0},
};

typedef const struct globe_reward_plugin *plugin_entry(unsigned abi);

static int complain(const struct plugin *own, const char *what, const char *message, struct error *error) {
    char text[MESSAGE_SIZE];
    memcpy(text, message, sizeof text);
    text[sizeof text - 1] = 0;
    return error_set(error, ERROR_INPUT, "%s: %s%s%s", own->path, what, *text ? ": " : "", text);
}

static int find_functions(struct plugin *own, struct error *error) {
    plugin_entry *entry;
    own->library = dlopen(own->path, RTLD_NOW | RTLD_LOCAL);
    if (!own->library) return error_set(error, ERROR_INPUT, "it cannot be loaded: %.300s", dlerror());
    *(void **)&entry = dlsym(own->library, "globe_reward_plugin"); // the way that POSIX shows
    if (!entry)
        return error_set(error, ERROR_INPUT,
                         "%s: is no reward plug-in: it does not export globe_reward_plugin", own->path);
    own->functions = entry(GLOBE_REWARD_ABI);
    if (!own->functions || own->functions->abi != GLOBE_REWARD_ABI)
        return error_set(error, ERROR_INPUT,
                         "%s: was built for another version of the interface (%u, not %u): build it again",
                         own->path, own->functions ? own->functions->abi : 0, GLOBE_REWARD_ABI);
    if (!own->functions->score) return error_set(error, ERROR_INPUT, "%s: has no function score", own->path);
    return 0;
}

static void close_plugin(void *self) {
    struct plugin *own = self;
    if (own->opened && own->functions->close) own->functions->close(own->state);
    if (own->library) dlclose(own->library);
    own->library = NULL, own->opened = false;
}

static int open_plugin(void *self, const struct reward_opening *opening, struct error *error) {
    struct plugin *own = self;
    char message[MESSAGE_SIZE] = "";
    (void)opening;
    int result = find_functions(own, error);
    if (result == 0 && own->functions->open) {
        if (own->functions->open(&own->state, own->options, message, sizeof message))
            result = complain(own, "it does not open", message, error);
    }
    own->opened = result == 0;
    if (result) close_plugin(own);
    return result;
}

// ---- the batch as the plug-in sees it -------------------------------------------------------------------

struct view {
    struct globe_reward_batch batch;
    char **texts, **rows;
    size_t *lengths, *id_counts;
    const char **prompts;
    const int32_t **ids;
    unsigned char *cut;
};

static void free_view(struct view *view, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (view->texts) free(view->texts[i]);
        if (view->rows && (i == 0 || view->rows[i] != view->rows[i - 1])) free(view->rows[i]);
    }
    free(view->texts), free(view->rows), free(view->lengths), free(view->id_counts);
    free(view->prompts), free(view->ids), free(view->cut);
}

static int fill_one(struct view *view, const struct reward_batch *batch, size_t i, struct error *error) {
    const struct reward_completion *one = &batch->completions[i];
    struct buffer text = {0};
    utf8_add_valid(&text, one->text, one->length);
    if (!text.data && !text.failed) buffer_add(&text, "", 0);
    view->lengths[i] = text.length;
    view->texts[i] = buffer_take(&text);
    if (!view->texts[i]) return error_set(error, ERROR_MEMORY, "out of memory");
    view->prompts[i] = one->prompt;
    view->ids[i] = one->ids, view->id_counts[i] = one->ids ? one->id_count : 0;
    view->cut[i] = one->cut;
    if (i && one->row && one->row == batch->completions[i - 1].row) { // those of a group share it
        view->rows[i] = view->rows[i - 1];
    } else if (one->row) {
        view->rows[i] = json_dumps(one->row, JSON_COMPACT);
        if (!view->rows[i]) return error_set(error, ERROR_MEMORY, "out of memory");
    }
    return 0;
}

static int fill_view(struct view *view, const struct reward_batch *batch, struct error *error) {
    size_t count = batch->count + 1;
    view->texts = memory_new(count, sizeof *view->texts, "plug-in", error);
    view->rows = memory_new(count, sizeof *view->rows, "plug-in", error);
    view->lengths = memory_new(count, sizeof *view->lengths, "plug-in", error);
    view->id_counts = memory_new(count, sizeof *view->id_counts, "plug-in", error);
    view->prompts = memory_new(count, sizeof *view->prompts, "plug-in", error);
    view->ids = memory_new(count, sizeof *view->ids, "plug-in", error);
    view->cut = memory_new(count, 1, "plug-in", error);
    if (!view->texts || !view->rows || !view->lengths || !view->id_counts || !view->prompts || !view->ids ||
        !view->cut)
        return -1;
    for (size_t i = 0; i < batch->count; i++)
        if (fill_one(view, batch, i, error)) return -1;
    view->batch = (struct globe_reward_batch){.size = sizeof view->batch,
                                              .count = batch->count,
                                              .step = batch->step,
                                              .texts = (const char *const *)(uintptr_t)view->texts,
                                              .text_lengths = view->lengths,
                                              .prompts = view->prompts,
                                              .ids = view->ids,
                                              .id_counts = view->id_counts,
                                              .cut = view->cut,
                                              .rows_json = (const char *const *)(uintptr_t)view->rows};
    return 0;
}

static int score_plugin(void *self, const struct reward_batch *batch, double *values,
                        struct reward_failures *failures, struct error *error) {
    const struct plugin *own = self;
    struct view view = {.texts = NULL};
    char message[MESSAGE_SIZE] = "";
    (void)failures;
    int result = fill_view(&view, batch, error);
    if (result == 0 && own->functions->score(own->state, &view.batch, values, message, sizeof message))
        result = complain(own, "it failed", message, error);
    free_view(&view, batch->count);
    return result;
}

const struct reward_kind reward_plugin = {
    .name = "plugin",
    .help = "a shared object's, by a small C interface",
    .modes = {true, false, false},
    .size = sizeof(struct plugin),
    .options = options,
    .open = open_plugin,
    .close = close_plugin,
    .score_all = score_plugin,
};
