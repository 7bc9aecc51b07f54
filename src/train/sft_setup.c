#include "train/sft_setup.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "train/room.h"

// ---- rows -----------------------------------------------------------------------------------------------

// Of `count` things in a row, those with number rank, rank + ranks, ...
static size_t share_of(const struct parallel *parallel, size_t count) {
    size_t rank = (size_t)parallel->rank, ranks = (size_t)parallel->ranks;
    return count > rank ? (count - rank - 1) / ranks + 1 : 0;
}

static size_t rows_in_step(const struct sft *sft, uint64_t step) {
    size_t first = (size_t)(step % sft->epoch_steps) * sft->order.batch, rest = sft->train_count - first;
    return rest < sft->order.batch ? rest : sft->order.batch;
}

size_t sft_step_rows(const struct sft *sft, uint64_t step) {
    return share_of(sft->parallel, rows_in_step(sft, step));
}

int sft_open_epoch(struct sft *sft, struct error *error) {
    uint64_t epoch = sft->state.step / sft->epoch_steps;
    size_t ranks = (size_t)sft->parallel->ranks, count = 0;
    if (epoch == sft->epoch) return 0;
    if (order_epoch(&sft->order, epoch, sft->lengths, sft->sequence, error)) return -1;
    for (uint64_t step = sft->state.step; step < (epoch + 1) * sft->epoch_steps; step++) {
        size_t first = (size_t)(step % sft->epoch_steps) * sft->order.batch;
        for (size_t i = (size_t)sft->parallel->rank; i < rows_in_step(sft, step); i += ranks)
            sft->own[count++] = sft->train_rows[sft->sequence[first + i]];
    }
    sft->epoch = epoch;
    return feed_start(&sft->train, sft->own, count, error);
}

static int open_data(struct sft *sft, struct error *error) {
    const struct recipe_data *data = &sft->recipe->data;
    size_t context = model_facts(sft->model)->context;
    const struct dataset_options options = {.max_length =
                                                data->max_length < context ? data->max_length : context,
                                            .too_long = (enum recipe_too_long)data->too_long,
                                            .bad_rows = (enum recipe_bad_rows)data->bad_rows};
    sft->train_data = dataset_open(data->train.items, data->train.count, &options, sft->model, error);
    if (!sft->train_data) return -1;
    if (data->eval.count == 0) return 0;
    sft->eval_data = dataset_open(data->eval.items, data->eval.count, &options, sft->model, error);
    return sft->eval_data ? 0 : -1;
}

// How many rows are held out; at least one of each kind where there are two.
static size_t held_out(const struct sft *sft) {
    size_t count = dataset_count(sft->train_data);
    double share = sft->recipe->data.eval_share;
    if (sft->eval_data || share <= 0 || count < 2) return 0;
    size_t held = (size_t)((double)count * share + 0.5);
    return held < 1 ? 1 : held >= count ? count - 1 : held;
}

// This rank's share of the rows to evaluate.
static int choose_eval_rows(struct sft *sft, const size_t *held, size_t count, struct error *error) {
    uint64_t most = sft->recipe->data.eval_rows;
    if (sft->eval_data) count = dataset_count(sft->eval_data);
    if (most && count > most) count = (size_t)most;
    sft->eval_count = count;
    sft->eval_rows = memory_new(count + 1, sizeof *sft->eval_rows, "rows", error);
    if (!sft->eval_rows) return -1;
    for (size_t i = (size_t)sft->parallel->rank; i < count; i += (size_t)sft->parallel->ranks)
        sft->eval_rows[sft->eval_own++] = sft->eval_data ? i : held[i];
    return 0;
}

static int split_rows(struct sft *sft, struct error *error) {
    const struct recipe *recipe = sft->recipe;
    size_t count = dataset_count(sft->train_data), held = held_out(sft);
    sft->train_rows = memory_new(count, sizeof *sft->train_rows, "rows", error);
    sft->lengths = memory_new(count, sizeof *sft->lengths, "rows", error);
    sft->sequence = memory_new(count, sizeof *sft->sequence, "rows", error);
    sft->own = memory_new(count, sizeof *sft->own, "rows", error);
    if (!sft->train_rows || !sft->lengths || !sft->sequence || !sft->own ||
        order_split(count, held, recipe->run.seed, sft->train_rows, error))
        return -1;
    sft->train_count = count - held;
    for (size_t i = 0; i < sft->train_count; i++)
        sft->lengths[i] = dataset_tokens(sft->train_data, sft->train_rows[i]);
    sft->order = (struct order){.rows = sft->train_count,
                                .batch = recipe->batch.rows,
                                .bucket_steps = recipe->data.bucket_steps,
                                .shuffle = recipe->data.shuffle,
                                .seed = recipe->run.seed};
    sft->epoch_steps = order_steps(&sft->order);
    sft->epoch = UINT64_MAX;
    return choose_eval_rows(sft, sft->train_rows + sft->train_count, held, error);
}

static void set_schedule(struct sft *sft) {
    const struct recipe_schedule *schedule = &sft->recipe->schedule;
    uint64_t total = sft->epoch_steps * schedule->epochs;
    if (schedule->max_steps && schedule->max_steps < total) total = schedule->max_steps;
    sft->schedule = (struct schedule){.kind = (enum schedule_kind)schedule->kind,
                                      .total = total,
                                      .warmup = schedule_warmup_steps(total, schedule->warmup_ratio)};
}

// ---- the model ------------------------------------------------------------------------------------------

static int open_model(struct sft *sft, struct error *error) {
    const struct recipe *recipe = sft->recipe;
    int threads = recipe->run.threads;
    if (!threads) threads = omp_get_num_procs() / sft->parallel->local_ranks;
    const struct model_options options = {.type = (enum model_type)recipe->model.dtype,
                                          .threads = threads > 0 ? threads : 1,
                                          .builtin_template = true,
                                          .min_pixels = recipe->model.min_pixels,
                                          .max_pixels = recipe->model.max_pixels};
    sft->model = model_open(recipe->model.folder, &options, error);
    if (sft->model) warnings_log(model_facts(sft->model)->warnings);
    return sft->model ? 0 : -1;
}

static struct training_options training_options_of(const struct recipe *recipe) {
    const struct recipe_lora *lora = &recipe->lora;
    return (struct training_options){.train_text = recipe->model.train_text,
                                     .train_vision = recipe->model.train_vision,
                                     .train_merger = recipe->model.train_merger,
                                     .checkpoint_activations = recipe->model.gradient_checkpointing,
                                     .lora_rank = lora->rank,
                                     .lora_alpha = lora->alpha > 0 ? lora->alpha : 32,
                                     .lora_dropout = lora->dropout >= 0 ? lora->dropout : 0.05,
                                     .lora_rs = lora->rs == RECIPE_TRUE,
                                     .lora_bf16 = lora->dtype == RECIPE_DTYPE_BF16,
                                     .lora_targets = lora->targets[0] ? lora->targets : NULL,
                                     .lora_folder = lora->folder[0] ? lora->folder : NULL,
                                     .seed = recipe->run.seed};
}

static int contradict(const char *folder, const char *key, double wanted, double found, struct error *error) {
    return error_set(error, ERROR_INPUT,
                     "%s is %g, but the adapter in %s has %g: leave the key out, or start a new adapter", key,
                     wanted, folder, found);
}

// An adapter to go on from has settings of its own. What the recipe says besides must be the same.
static int settle_adapter(struct sft *sft, struct training_options *options, struct error *error) {
    const struct recipe_lora *recipe = &sft->recipe->lora;
    const char *folder = recipe->folder;
    if (!folder[0]) return 0;
    struct lora *lora = lora_open(sft->model, folder, error);
    if (!lora) return -1;
    const struct lora_options own = lora_settings(lora);
    for (size_t i = 0; i < lora_count(lora); i++) {
        const struct lora_module *m = lora_module_at(lora, i);
        sft->adapter_values += m->rank * (m->in + m->out);
    }
    lora_free(lora);
    warnings_log(model_facts(sft->model)->warnings);
    options->lora_rank = own.rank;
    options->lora_alpha = own.alpha;
    options->lora_dropout = own.dropout;
    options->lora_rs = own.rs;
    if (recipe->rank && recipe->rank != own.rank)
        return contradict(folder, "lora.rank", recipe->rank, own.rank, error);
    if (recipe->alpha > 0 && fabs(recipe->alpha - own.alpha) > 1e-9)
        return contradict(folder, "lora.alpha", recipe->alpha, own.alpha, error);
    if (recipe->dropout >= 0 && fabs(recipe->dropout - own.dropout) > 1e-9)
        return contradict(folder, "lora.dropout", recipe->dropout, own.dropout, error);
    if (recipe->rs != RECIPE_AUTO && (recipe->rs == RECIPE_TRUE) != own.rs)
        return error_set(error, ERROR_INPUT, "lora.rs is %s, but the adapter in %s has %s: leave the key out",
                         own.rs ? "false" : "true", folder, own.rs ? "true" : "false");
    return 0;
}

static size_t longest(const struct dataset *dataset, size_t (*measure)(const struct dataset *, size_t)) {
    size_t most = 0;
    for (size_t i = 0; i < dataset_count(dataset); i++) {
        size_t value = measure(dataset, i);
        if (value > most) most = value;
    }
    return most;
}

static int check_room(const struct sft *sft, const struct training_options *options, struct error *error) {
    const struct recipe *recipe = sft->recipe;
    size_t micro = recipe->batch.micro_rows;
    if (micro > sft->train_count) micro = sft->train_count;
    size_t tokens = micro * longest(sft->train_data, dataset_tokens);
    size_t patches = longest(sft->train_data, dataset_patches);
    size_t values = options->lora_folder ? sft->adapter_values : training_values(sft->model, options);
    size_t ranks = (size_t)sft->parallel->ranks;
    const struct room_need need = {
        .model = training_memory(sft->model, options, values, tokens, micro * patches),
        .optimizer = values / ranks * 2 * sizeof(float),
        .features = (size_t)recipe->data.feature_cache_mb << 20,
    };
    size_t all_features =
        patches * dataset_count(sft->train_data) / 4 * model_facts(sft->model)->hidden * sizeof(float);
    struct room_need least = need;
    if (all_features < least.features) least.features = all_features;
    log_debug("memory: %.2f GB model, %.2f GB optimiser, %.2f GB features", (double)need.model * 1e-9,
              (double)need.optimizer * 1e-9, (double)least.features * 1e-9);
    return room_check(&least, sft->parallel->local_ranks, room_available(), error);
}

static int open_features(struct sft *sft, struct error *error) {
    size_t limit = (size_t)sft->recipe->data.feature_cache_mb << 20;
    size_t threads = (size_t)sft->recipe->data.loaders;
    sft->train = (struct feed){.dataset = sft->train_data, .model = sft->model, .threads = threads};
    sft->eval = sft->train;
    if (sft->eval_data) sft->eval.dataset = sft->eval_data;
    if (training_has_vision(sft->training)) return 0;
    sft->features = features_open(dataset_count(sft->train_data), limit, error);
    if (!sft->features) return -1;
    sft->train.features = sft->eval.features = sft->features;
    if (!sft->eval_data) return 0;
    sft->eval.features = sft->eval_features = features_open(dataset_count(sft->eval_data), limit / 8, error);
    return sft->eval_features ? 0 : -1;
}

static int open_training(struct sft *sft, struct error *error) {
    const struct recipe_optimizer *o = &sft->recipe->optimizer;
    struct training_options options = training_options_of(sft->recipe);
    const struct optimizer_settings settings = {.adamw = {.beta1 = o->beta1,
                                                          .beta2 = o->beta2,
                                                          .epsilon = o->epsilon,
                                                          .weight_decay = o->weight_decay},
                                                .decay = (enum adamw_decay)o->decay,
                                                .max_grad_norm = o->max_grad_norm};
    size_t micro = sft->recipe->batch.micro_rows;
    if (settle_adapter(sft, &options, error) || check_room(sft, &options, error)) return -1;
    sft->training = training_open(sft->model, &options, error);
    if (!sft->training) return -1;
    size_t count = training_parameter_count(sft->training);
    sft->parameters = memory_new(count, sizeof *sft->parameters, "parameters", error);
    sft->batch = memory_new(micro, sizeof *sft->batch, "batch", error);
    sft->loaded = memory_new(micro, sizeof *sft->loaded, "batch", error);
    if (!sft->parameters || !sft->batch || !sft->loaded) return -1;
    for (size_t i = 0; i < count; i++) sft->parameters[i] = training_parameter(sft->training, i);
    if (optimizer_open(&sft->optimizer, model_device(sft->model), sft->parameters, count, &settings,
                       sft->parallel, error))
        return -1;
    return open_features(sft, error);
}

// ---- all of it ------------------------------------------------------------------------------------------

static int write_model(void *context, const char *folder, struct error *error) {
    const struct sft *sft = context;
    static const enum dtype types[] = {DTYPE_F32, DTYPE_F32, DTYPE_BF16, DTYPE_F16};
    const struct recipe_save *save = &sft->recipe->save;
    const struct training_form form = {.convert = save->dtype != RECIPE_DTYPE_AUTO,
                                       .type = types[save->dtype],
                                       .names = (enum lora_names)save->adapter_names};
    return training_save(sft->training, folder, &form, error);
}

static int open_all(struct sft *sft, const struct sft_options *options, uint64_t *newest,
                    struct error *error) {
    if (sft_find_start(sft, options, newest, error) || open_model(sft, error) || open_data(sft, error) ||
        split_rows(sft, error))
        return -1;
    set_schedule(sft);
    if (open_training(sft, error)) return -1;
    sft_start_state(sft);
    return *newest ? sft_resume(sft, *newest, error) : 0;
}

// Ranks must see the same files.
static int compare_ranks(const struct sft *sft, uint64_t newest, struct error *error) {
    double low = -(double)newest, high = (double)newest, rows = (double)dataset_count(sft->train_data);
    double values[] = {low, high, rows, -rows};
    if (parallel_max(sft->parallel, values, 4, error)) return -1;
    if (-values[0] == values[1] && values[2] == -values[3]) return 0;
    return error_set(error, ERROR_INPUT, "the ranks see different files: %s and data.train must be shared",
                     sft->recipe->run.folder);
}

static void describe(const struct sft *sft) {
    log_info("%zu rows to train, %zu to evaluate, %" PRIu64 " steps, %.4g million values", sft->train_count,
             sft->eval_count, sft->schedule.total, (double)sft->optimizer.flat.total * 1e-6);
}

int sft_open(struct sft *sft, const struct sft_options *options, const struct parallel *parallel,
             struct error *error) {
    uint64_t newest = 0;
    *sft = (struct sft){.recipe = options->recipe,
                        .parallel = parallel,
                        .saved = UINT64_MAX,
                        .evaluated = UINT64_MAX,
                        .lock = -1};
    int result = open_all(sft, options, &newest, error);
    if (parallel_agree(parallel, result, error) || compare_ranks(sft, newest, error)) return -1;
    sft->save = (struct save){.folder = sft->recipe->run.folder,
                              .parallel = parallel,
                              .keep_last = sft->recipe->save.keep_last,
                              .keep_best = sft->recipe->save.keep_best,
                              .write_model = write_model,
                              .context = sft,
                              .recipe = options->recipe_text};
    describe(sft);
    result = parallel->rank == 0 && !options->check ? sft_open_folder(sft, options, newest, error) : 0;
    return parallel_agree(parallel, result, error);
}

void sft_close(struct sft *sft) {
    feed_stop(&sft->train);
    feed_stop(&sft->eval);
    features_close(sft->features);
    features_close(sft->eval_features);
    metrics_close(sft->metrics);
    optimizer_close(&sft->optimizer);
    free(sft->parameters);
    free(sft->batch);
    free(sft->loaded);
    training_close(sft->training);
    dataset_close(sft->train_data);
    dataset_close(sft->eval_data);
    free(sft->train_rows);
    free(sft->lengths);
    free(sft->sequence);
    free(sft->own);
    free(sft->eval_rows);
    model_close(sft->model);
    if (sft->lock >= 0) close(sft->lock);
}
