// Where a run starts: its folder, and the checkpoint that it goes on from.
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "train/run_folder.h"
#include "train/sft_setup.h"

// ---- before the start -----------------------------------------------------------------------------------

int sft_find_start(struct sft *sft, const struct sft_options *options, uint64_t *newest,
                   struct error *error) {
    const char *folder = sft->recipe->run.folder;
    if (save_find_newest(folder, newest, error)) return -1;
    if (*newest && !options->resume)
        return error_set(error, ERROR_USAGE,
                         "%s holds a run of %" PRIu64 " steps: --resume goes on with it, or choose another "
                         "run.folder",
                         folder, *newest);
    if (sft->parallel->rank) return 0;
    if (run_folder_check(folder, error)) return -1;
    if (options->check || !file_is_directory(folder)) return 0;
    return run_folder_lock(folder, &sft->lock, error);
}

// Loading takes minutes in which another process may have gone on with the run.
int sft_open_folder(struct sft *sft, const struct sft_options *options, uint64_t newest,
                    struct error *error) {
    const char *folder = sft->recipe->run.folder;
    uint64_t now = 0;
    if (run_folder_make(folder, error) || (sft->lock < 0 && run_folder_lock(folder, &sft->lock, error)) ||
        save_find_newest(folder, &now, error))
        return -1;
    if (now != newest)
        return error_set(error, ERROR_INPUT, "%s: another globe went on to step %" PRIu64 " meanwhile",
                         folder, now);
    struct buffer differences = {0};
    if (sft->state.step) run_folder_compare_recipe(folder, options->recipe_text, &differences);
    if (differences.length) log_warning("the recipe of this run has changed: %s", differences.data);
    buffer_free(&differences);
    if (save_clean(folder, error) || run_folder_write_recipe(folder, options->recipe_text, error)) return -1;
    sft->metrics = metrics_open(folder, sft->state.step, sft->recipe->run.tensorboard, error);
    return sft->metrics ? 0 : -1;
}

// ---- the state ------------------------------------------------------------------------------------------

static uint64_t hash(uint64_t seed, const void *data, size_t length) { // FNV-1a
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++) seed = (seed ^ bytes[i]) * UINT64_C(0x100000001b3);
    return seed;
}

static uint64_t eval_identity(const struct sft *sft) {
    uint64_t data = sft->eval_data ? dataset_identity(sft->eval_data) : 0;
    return hash(data, &sft->eval_count, sizeof sft->eval_count);
}

void sft_start_state(struct sft *sft) {
    static const char *const too_long[] = {"delete", "truncate", "error"};
    const struct recipe *recipe = sft->recipe;
    struct train_state *state = &sft->state;
    *state = (struct train_state){.seed = recipe->run.seed,
                                  .data_identity = dataset_identity(sft->train_data),
                                  .eval_identity = eval_identity(sft),
                                  .rows_per_step = recipe->batch.rows};
    state_add_fact(state, "run.seed", "%" PRIu64, recipe->run.seed);
    state_add_fact(state, "batch.rows", "%" PRIu64, recipe->batch.rows);
    state_add_fact(state, "data.eval", "%s", sft->eval_data ? "given" : "empty");
    state_add_fact(state, "data.eval_share", "%.17g", sft->eval_data ? 0 : recipe->data.eval_share);
    state_add_fact(state, "data.shuffle", "%s", recipe->data.shuffle ? "true" : "false");
    state_add_fact(state, "data.bucket_steps", "%" PRIu64, recipe->data.bucket_steps);
    state_add_fact(state, "data.max_length", "%" PRIu64, recipe->data.max_length);
    state_add_fact(state, "data.too_long", "%s", too_long[recipe->data.too_long]);
    state_add_fact(state, "model.min_pixels", "%" PRIu64, (uint64_t)model_facts(sft->model)->min_pixels);
    state_add_fact(state, "model.max_pixels", "%" PRIu64, (uint64_t)model_facts(sft->model)->max_pixels);
    if (training_adapter(sft->training)) {
        const struct lora_options adapter = lora_settings(training_adapter(sft->training));
        state_add_fact(state, "lora.alpha", "%.17g", adapter.alpha);
        state_add_fact(state, "lora.rs", "%s", adapter.rs ? "true" : "false");
    }
    state_add_fact(state, "the model of model.folder", "%016" PRIx64, model_identity(sft->model));
}

static int check_state(const struct sft *sft, const struct train_state *state, struct error *error) {
    const char *folder = sft->recipe->run.folder;
    struct buffer differences = {0};
    state_compare(state, &sft->state, &differences);
    int result = 0;
    if (differences.failed)
        result = error_set(error, ERROR_MEMORY, "%s: out of memory", folder);
    else if (differences.length)
        result = error_set(error, ERROR_INPUT,
                           "%s: a run that is resumed needs the rows and the order that it had: %s", folder,
                           differences.data);
    else if (state->data_identity != sft->state.data_identity)
        result = error_set(error, ERROR_INPUT, "%s: the training rows are not those of step %" PRIu64, folder,
                           state->step);
    buffer_free(&differences);
    return result;
}

int sft_resume(struct sft *sft, uint64_t step, struct error *error) {
    struct train_state state;
    if (save_load(sft->recipe->run.folder, step, &state, &sft->optimizer, error) ||
        check_state(sft, &state, error))
        return -1;
    if (state.best_step && state.eval_identity != sft->state.eval_identity) {
        log_warning("the rows for evaluation are others than before: the best step is looked for anew");
        state.best_step = 0;
    }
    state.eval_identity = sft->state.eval_identity;
    sft->state = state;
    sft->saved = step;
    training_refresh(sft->training);
    log_info("going on after step %" PRIu64 " of %" PRIu64, step, sft->schedule.total);
    return 0;
}
