// Where a run starts: its folder, and the checkpoint that it goes on from.
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "train/run_folder.h"
#include "train/run_internal.h"

// ---- before the start -----------------------------------------------------------------------------------

int run_find_start(struct run *run, const struct run_options *options, uint64_t *newest,
                   struct error *error) {
    const char *folder = run->recipe->run.folder;
    if (save_find_newest(folder, newest, error)) return -1;
    if (*newest && !options->resume)
        return error_set(error, ERROR_USAGE,
                         "%s holds a run of %" PRIu64 " steps: --resume goes on with it, or choose another "
                         "run.folder",
                         folder, *newest);
    if (run->parallel->rank) return 0;
    if (run_folder_check(folder, error)) return -1;
    if (options->check || !file_is_directory(folder)) return 0;
    return run_folder_lock(folder, &run->lock, error);
}

// Loading takes minutes in which another process may have gone on with the run.
int run_open_folder(struct run *run, const struct run_options *options, uint64_t newest,
                    struct error *error) {
    const char *folder = run->recipe->run.folder;
    uint64_t now = 0;
    if (run_folder_make(folder, error) || (run->lock < 0 && run_folder_lock(folder, &run->lock, error)) ||
        save_find_newest(folder, &now, error))
        return -1;
    if (now != newest)
        return error_set(error, ERROR_INPUT, "%s: another globe went on to step %" PRIu64 " meanwhile",
                         folder, now);
    struct buffer differences = {0};
    if (run->state.step) run_folder_compare_recipe(folder, options->recipe_text, &differences);
    if (differences.length) log_warning("the recipe of this run has changed: %s", differences.data);
    buffer_free(&differences);
    run_folder_tidy(folder);
    if (save_clean(folder, error) || run_folder_write_recipe(folder, options->recipe_text, error)) return -1;
    run->metrics = metrics_open(folder, run->state.step, run->recipe->run.tensorboard, error);
    if (!run->metrics) return -1;
    if (!run->objective->tell) return 0;
    run->told = lines_open(folder, "completions.jsonl", run->state.step, error);
    return run->told ? 0 : -1;
}

// ---- the state ------------------------------------------------------------------------------------------

static uint64_t hash(uint64_t seed, const void *data, size_t length) { // FNV-1a
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++) seed = (seed ^ bytes[i]) * UINT64_C(0x100000001b3);
    return seed;
}

static uint64_t eval_identity(const struct run *run) {
    uint64_t data = run->objective->identity(run->self, OBJECTIVE_EVAL);
    return hash(data, &run->eval_count, sizeof run->eval_count);
}

void run_start_state(struct run *run) {
    const struct recipe *recipe = run->recipe;
    struct train_state *state = &run->state;
    *state = (struct train_state){.seed = recipe->run.seed,
                                  .data_identity = run->objective->identity(run->self, OBJECTIVE_TRAIN),
                                  .eval_identity = eval_identity(run),
                                  .rows_per_step = recipe->batch.rows};
    for (const struct setting *setting = recipe_settings; setting->key; setting++) {
        struct buffer value = {0};
        if (!setting->kept || !settings_is_for(setting, recipe->use)) continue;
        settings_describe(&value, setting, recipe);
        state_add_fact(state, setting->key, "%s", value.data ? value.data : "");
        buffer_free(&value);
    }
    state_add_fact(state, "data.eval_share", "%.17g", run->held_out ? recipe->data.eval_share : 0);
    state_add_fact(state, "model.min_pixels", "%" PRIu64, (uint64_t)model_facts(run->model)->min_pixels);
    state_add_fact(state, "model.max_pixels", "%" PRIu64, (uint64_t)model_facts(run->model)->max_pixels);
    if (training_adapter(run->training)) {
        const struct lora_options adapter = lora_settings(training_adapter(run->training));
        state_add_fact(state, "lora.alpha", "%.17g", adapter.alpha);
        state_add_fact(state, "lora.rs", "%s", adapter.rs ? "true" : "false");
    }
    state_add_fact(state, "the model of model.folder", "%016" PRIx64, model_identity(run->model));
}

static int check_state(const struct run *run, const struct train_state *state, struct error *error) {
    const char *folder = run->recipe->run.folder;
    struct buffer differences = {0};
    state_compare(state, &run->state, &differences);
    int result = 0;
    if (differences.failed)
        result = error_set(error, ERROR_MEMORY, "%s: out of memory", folder);
    else if (differences.length)
        result = error_set(error, ERROR_INPUT,
                           "%s: a run that is resumed needs the rows and the order that it had: %s", folder,
                           differences.data);
    else if (state->data_identity != run->state.data_identity)
        result = error_set(error, ERROR_INPUT, "%s: the training rows are not those of step %" PRIu64, folder,
                           state->step);
    buffer_free(&differences);
    return result;
}

int run_resume(struct run *run, uint64_t step, struct error *error) {
    struct train_state state;
    if (save_load(run->recipe->run.folder, step, &state, &run->optimizer, error) ||
        check_state(run, &state, error))
        return -1;
    if (state.best_step && state.eval_identity != run->state.eval_identity) {
        log_warning("the rows for evaluation are others than before: the best step is looked for anew");
        state.best_step = 0;
    }
    state.eval_identity = run->state.eval_identity;
    run->state = state;
    run->saved = step;
    training_refresh(run->training);
    log_info("going on after step %" PRIu64 " of %" PRIu64, step, run->schedule.total);
    return 0;
}
