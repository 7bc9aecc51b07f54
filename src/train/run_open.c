#include "train/run_internal.h"

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

// Of the batch with that number in an epoch.
static size_t rows_in_batch(const struct run *run, uint64_t batch) {
    size_t first = (size_t)batch * run->order.batch, rest = run->train_count - first;
    return rest < run->order.batch ? rest : run->order.batch;
}

// Where a step stands in the cycles of its epoch.
struct place {
    uint64_t first, batches; // of the cycle
    uint64_t within;         // steps of the cycle before this one
};

static struct place place_of(const struct run *run, uint64_t step) {
    uint64_t in_epoch = step % run->epoch_steps, steps = run->cycle_steps, times = run->cycle_times;
    uint64_t cycle = in_epoch / (steps * times), first = cycle * steps, rest = run->epoch_batches - first;
    return (struct place){first, rest < steps ? rest : steps, in_epoch - cycle * steps * times};
}

struct objective_step run_step_of(const struct run *run, uint64_t step) {
    struct place place = place_of(run, step);
    struct objective_step of = {.step = step, .starts_cycle = place.within == 0};
    uint64_t now = place.first + place.within % place.batches;
    for (uint64_t b = place.first; b < place.first + place.batches; b++) {
        size_t own = share_of(run->parallel, rows_in_batch(run, b));
        if (b < now) of.first += own;
        if (b == now) of.rows = own, of.all_rows = rows_in_batch(run, b);
        of.cycle_rows += own;
    }
    return of;
}

bool run_is_settled(const struct run *run, uint64_t steps) {
    return steps % run->epoch_steps == 0 || place_of(run, steps).within == 0;
}

int run_open_epoch(struct run *run, struct error *error) {
    uint64_t epoch = run->state.step / run->epoch_steps;
    size_t ranks = (size_t)run->parallel->ranks, count = 0;
    if (epoch == run->epoch) return 0;
    if (order_epoch(&run->order, epoch, run->lengths, run->sequence, error)) return -1;
    for (uint64_t b = place_of(run, run->state.step).first; b < run->epoch_batches; b++) {
        size_t first = (size_t)b * run->order.batch;
        for (size_t i = (size_t)run->parallel->rank; i < rows_in_batch(run, b); i += ranks)
            run->own[count++] = run->train_rows[run->sequence[first + i]];
    }
    run->epoch = epoch;
    return run->objective->start(run->self, OBJECTIVE_TRAIN, run->own, count, error);
}

// How many rows are held out; at least one of each kind where there are two.
static size_t held_out(const struct run *run) {
    size_t count = run->objective->rows(run->self, OBJECTIVE_TRAIN);
    double share = run->recipe->data.eval_share;
    if (!run->held_out || share <= 0 || count < 2) return 0;
    size_t held = (size_t)((double)count * share + 0.5);
    return held < 1 ? 1 : held >= count ? count - 1 : held;
}

// This rank's share of the rows to evaluate.
static int choose_eval_rows(struct run *run, const size_t *held, size_t count, struct error *error) {
    uint64_t most = run->recipe->data.eval_rows;
    if (!run->held_out) count = run->objective->rows(run->self, OBJECTIVE_EVAL);
    if (most && count > most) count = (size_t)most;
    run->eval_count = count;
    run->eval_rows = memory_new(count + 1, sizeof *run->eval_rows, "rows", error);
    if (!run->eval_rows) return -1;
    for (size_t i = (size_t)run->parallel->rank; i < count; i += (size_t)run->parallel->ranks)
        run->eval_rows[run->eval_own++] = run->held_out ? held[i] : i;
    return 0;
}

static int split_rows(struct run *run, struct error *error) {
    const struct recipe *recipe = run->recipe;
    size_t count = run->objective->rows(run->self, OBJECTIVE_TRAIN);
    run->held_out = run->objective->rows(run->self, OBJECTIVE_EVAL) == 0;
    size_t held = held_out(run);
    run->train_rows = memory_new(count, sizeof *run->train_rows, "rows", error);
    run->lengths = memory_new(count, sizeof *run->lengths, "rows", error);
    run->sequence = memory_new(count, sizeof *run->sequence, "rows", error);
    run->own = memory_new(count, sizeof *run->own, "rows", error);
    if (!run->train_rows || !run->lengths || !run->sequence || !run->own ||
        order_split(count, held, recipe->run.seed, run->train_rows, error))
        return -1;
    run->train_count = count - held;
    for (size_t i = 0; i < run->train_count; i++)
        run->lengths[i] = run->objective->length(run->self, run->train_rows[i]);
    run->order = (struct order){.rows = run->train_count,
                                .batch = recipe->batch.rows,
                                .bucket_steps = recipe->data.bucket_steps,
                                .shuffle = recipe->data.shuffle,
                                .seed = recipe->run.seed};
    run->cycle_steps = run->cycle_times = 1;
    if (run->objective->cycle) run->objective->cycle(run->self, &run->cycle_steps, &run->cycle_times);
    run->epoch_batches = order_steps(&run->order);
    run->epoch_steps = run->epoch_batches * run->cycle_times;
    run->epoch = UINT64_MAX;
    if (run->objective->split) run->objective->split(run->self, run->train_rows, run->train_count);
    return choose_eval_rows(run, run->train_rows + run->train_count, held, error);
}

static void set_schedule(struct run *run) {
    const struct recipe_schedule *schedule = &run->recipe->schedule;
    uint64_t total = run->epoch_steps * schedule->epochs;
    if (schedule->max_steps && schedule->max_steps < total) {
        total = schedule->max_steps;
        while (!run_is_settled(run, total)) total++;
        if (total != schedule->max_steps)
            log_warning("schedule.max_steps is %" PRIu64 ": the run ends after %" PRIu64
                        ", when what was rolled out is used up",
                        schedule->max_steps, total);
    }
    run->schedule = (struct schedule){.kind = (enum schedule_kind)schedule->kind,
                                      .total = total,
                                      .warmup = schedule_warmup_steps(total, schedule->warmup_ratio)};
}

// ---- the model ------------------------------------------------------------------------------------------

static int open_model(struct run *run, struct error *error) {
    const struct recipe *recipe = run->recipe;
    int threads = recipe->run.threads;
    if (!threads) threads = omp_get_num_procs() / run->parallel->local_ranks;
    const struct model_options options = {.type = (enum model_type)recipe->model.dtype,
                                          .threads = threads > 0 ? threads : 1,
                                          .builtin_template = true,
                                          .exact = recipe->run.exact,
                                          .min_pixels = recipe->model.min_pixels,
                                          .max_pixels = recipe->model.max_pixels};
    run->model = model_open(recipe->model.folder, &options, error);
    if (run->model) warnings_log(model_facts(run->model)->warnings);
    return run->model ? 0 : -1;
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
                                     .lora_bf16 = lora->dtype == RECIPE_LORA_BF16,
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
static int settle_adapter(struct run *run, struct training_options *options, struct error *error) {
    const struct recipe_lora *recipe = &run->recipe->lora;
    const char *folder = recipe->folder;
    if (!folder[0]) return 0;
    struct lora *lora = lora_open(run->model, folder, error);
    if (!lora) return -1;
    const struct lora_options own = lora_settings(lora);
    for (size_t i = 0; i < lora_count(lora); i++) {
        const struct lora_module *m = lora_module_at(lora, i);
        run->adapter_values += m->rank * (m->in + m->out);
    }
    lora_free(lora);
    warnings_log(model_facts(run->model)->warnings);
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

static int check_room(const struct run *run, const struct training_options *options, struct error *error) {
    size_t micro = run->recipe->batch.micro_rows;
    if (micro > run->train_count) micro = run->train_count;
    const struct objective_need pass = run->objective->need(run->self, micro);
    size_t values = options->lora_folder ? run->adapter_values : training_values(run->model, options);
    size_t ranks = (size_t)run->parallel->ranks;
    const struct room_need need = {
        .model = training_memory(run->model, options, values, pass.tokens, pass.patches),
        .optimizer = values / ranks * 2 * sizeof(float),
        .features = pass.features,
        .caches = pass.caches,
    };
    log_debug("memory: %.2f GB model, %.2f GB optimiser, %.2f GB features, %.2f GB keys and values",
              (double)need.model * 1e-9, (double)need.optimizer * 1e-9, (double)need.features * 1e-9,
              (double)need.caches * 1e-9);
    return room_check(&need, run->parallel->local_ranks, room_available(), error);
}

static int open_training(struct run *run, struct error *error) {
    const struct recipe_optimizer *o = &run->recipe->optimizer;
    struct training_options options = training_options_of(run->recipe);
    const struct optimizer_settings settings = {.adamw = {.beta1 = o->beta1,
                                                          .beta2 = o->beta2,
                                                          .epsilon = o->epsilon,
                                                          .weight_decay = o->weight_decay},
                                                .decay = (enum adamw_decay)o->decay,
                                                .max_grad_norm = o->max_grad_norm};
    if (settle_adapter(run, &options, error) || check_room(run, &options, error)) return -1;
    run->training = training_open(run->model, &options, error);
    if (!run->training) return -1;
    size_t count = training_parameter_count(run->training);
    run->parameters = memory_new(count, sizeof *run->parameters, "parameters", error);
    if (!run->parameters) return -1;
    for (size_t i = 0; i < count; i++) run->parameters[i] = training_parameter(run->training, i);
    if (optimizer_open(&run->optimizer, model_device(run->model), run->parameters, count, &settings,
                       run->parallel, error))
        return -1;
    return run->objective->ready(run->self, run->training, error);
}

// ---- all of it ------------------------------------------------------------------------------------------

static int write_model(void *context, const char *folder, struct error *error) {
    const struct run *run = context;
    static const enum dtype types[] = {DTYPE_F32, DTYPE_F32, DTYPE_BF16, DTYPE_F16};
    const struct recipe_save *save = &run->recipe->save;
    const struct training_form form = {.convert = save->dtype != RECIPE_DTYPE_AUTO,
                                       .type = types[save->dtype],
                                       .names = (enum lora_names)save->adapter_names};
    return training_save(run->training, folder, &form, error);
}

static int open_objective(struct run *run, struct error *error) {
    const struct objective_parts parts = {
        .recipe = run->recipe, .parallel = run->parallel, .model = run->model};
    return run->objective->open(&run->self, &parts, error);
}

static int open_all(struct run *run, const struct run_options *options, uint64_t *newest,
                    struct error *error) {
    if (run_find_start(run, options, newest, error) || open_model(run, error) || open_objective(run, error) ||
        split_rows(run, error))
        return -1;
    set_schedule(run);
    if (open_training(run, error)) return -1;
    run_start_state(run);
    return *newest ? run_resume(run, *newest, error) : 0;
}

// Ranks must see the same files.
static int compare_ranks(const struct run *run, uint64_t newest, struct error *error) {
    double low = -(double)newest, high = (double)newest,
           rows = run->self ? (double)run->objective->rows(run->self, OBJECTIVE_TRAIN) : 0;
    double values[] = {low, high, rows, -rows};
    if (parallel_max(run->parallel, values, 4, error)) return -1;
    if (-values[0] == values[1] && values[2] == -values[3]) return 0;
    return error_set(error, ERROR_INPUT, "the ranks see different files: %s and data.train must be shared",
                     run->recipe->run.folder);
}

static void describe(const struct run *run) {
    log_info("%zu rows to train, %zu to evaluate, %" PRIu64 " steps, %.4g million values", run->train_count,
             run->eval_count, run->schedule.total, (double)run->optimizer.flat.total * 1e-6);
}

int run_open(struct run *run, const struct run_options *options, const struct parallel *parallel,
             struct error *error) {
    uint64_t newest = 0;
    *run = (struct run){.objective = options->objective,
                        .recipe = options->recipe,
                        .parallel = parallel,
                        .saved = UINT64_MAX,
                        .evaluated = UINT64_MAX,
                        .lock = -1};
    int result = open_all(run, options, &newest, error);
    if (parallel_agree(parallel, result, error) || compare_ranks(run, newest, error)) return -1;
    run->save = (struct save){.folder = run->recipe->run.folder,
                              .parallel = parallel,
                              .keep_last = run->recipe->save.keep_last,
                              .keep_best = run->recipe->save.keep_best,
                              .write_model = write_model,
                              .context = run,
                              .recipe = options->recipe_text};
    describe(run);
    result = parallel->rank == 0 && !options->check ? run_open_folder(run, options, newest, error) : 0;
    return parallel_agree(parallel, result, error);
}

void run_close(struct run *run) {
    run->objective->close(run->self);
    metrics_close(run->metrics);
    lines_close(run->told);
    optimizer_close(&run->optimizer);
    free(run->parameters);
    training_close(run->training);
    free(run->train_rows);
    free(run->lengths);
    free(run->sequence);
    free(run->own);
    free(run->eval_rows);
    model_close(run->model);
    if (run->lock >= 0) close(run->lock);
}
