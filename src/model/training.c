#include "model/training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/parts.h"
#include "model/training_internal.h"
#include "model/training_rows.h"
#include "model/vision_backward.h"
#include "tensor/workspace.h"

struct training *training_open(struct model *model, const struct training_options *options,
                               struct error *error) {
    if (!device_can_train(model->device)) {
        error_set(error, ERROR_USAGE, "this device cannot train");
        return NULL;
    }
    struct training *training = memory_new(1, sizeof *training, "training", error);
    if (!training) return NULL;
    training->model = model;
    training->options = *options;
    training->workspace = workspace_new(model->device, error);
    if (training->workspace && training_take_parameters(training, error) == 0) return training;
    training_close(training);
    return NULL;
}

void training_close(struct training *training) {
    if (!training) return;
    training_free_parameters(training);
    workspace_free(training->workspace);
    free(training);
}

size_t training_values(const struct model *model, const struct training_options *options) {
    struct error ignored;
    const struct lora_options adapter = {.rank = options->lora_rank, .targets = options->lora_targets};
    if (options->lora_rank > 0) return lora_planned_values(model, &adapter, &ignored);
    size_t count, values = 0;
    struct part *parts = parts_list(model->config, NULL, NULL, &count, &ignored);
    for (size_t i = 0; parts && i < count; i++)
        if (training_is_trained(options, &parts[i])) values += part_values(&parts[i]);
    free(parts);
    return values;
}

// Bytes of the activations of `layers` layers, of which `kept` stay: each reads and writes `wide` values of
// the compute type and keeps two rows of the residual stream.
static size_t activations(size_t rows, size_t layers, size_t kept, size_t hidden, size_t wide, size_t size) {
    return rows * (layers * hidden * sizeof(float) + kept * (wide * size + 2 * hidden * sizeof(float)));
}

size_t training_memory(const struct model *model, const struct training_options *options, size_t trained,
                       size_t rows, size_t patches) {
    const struct decoder_config *t = &model->config->text;
    const struct vision_config *v = &model->config->vision;
    size_t size = dtype_size(model->type), layers = (size_t)t->layers, blocks = (size_t)v->depth;
    size_t hidden = (size_t)t->hidden, inner = (size_t)t->intermediate,
           heads = (size_t)(t->heads + t->kv_heads) * 2 * (size_t)t->head_dim;
    bool lora = options->lora_rank > 0 || options->lora_folder;
    bool copies = model->type != DTYPE_F32 && (!lora || options->lora_bf16);
    size_t bytes = trained * (2 * sizeof(float) + (copies ? size : 0));
    // One more layer for the backward pass, whose gradients are as wide as what it reads.
    bytes += activations(rows, layers, (options->checkpoint_activations ? 1 : layers) + 1, hidden,
                         heads + 3 * inner, size);
    if (model->type != DTYPE_F32 && model->device->fast_type == DTYPE_F32) // operands of products are widened
        bytes += rows * (heads + 3 * inner) * sizeof(float);
    bytes += rows * hidden * 4 * sizeof(float); // embeddings, their gradients, the rows of the head
    bool tower = options->train_vision || options->train_merger;
    size_t kept = !tower ? 0 : options->checkpoint_activations ? 1 : blocks;
    bytes += activations(patches, tower ? blocks : 0, kept + 1, (size_t)v->hidden,
                         4 * (size_t)v->hidden + 3 * (size_t)v->intermediate, size);
    return bytes;
}

struct lora *training_adapter(const struct training *training) {
    return training->lora;
}

uint64_t training_passes(const struct training *training) {
    return training->passes;
}

void training_set_passes(struct training *training, uint64_t passes) {
    training->passes = passes;
}

// One pass: what the forward half leaves for the backward half.
struct pass {
    struct training *training;
    struct device *device;
    enum tape_keep keep;
    struct training_rows rows;
    struct matrix x;      // the residual stream [rows, hidden]
    struct matrix embeds; // of all images; data NULL when there are none
    struct vision_tape *vision;
    struct decoder_tape *text;
    struct matrix last;          // [tokens, hidden]: rows of x that predict something
    struct matrix normed;        // the same after the final norm, compute type
    float *log_probs, *log_sums; // [tokens], on the device
};

bool training_has_vision(const struct training *training) {
    return training->blocks_trained || training->merger_trained;
}

// All groups' pictures through the tower together, with a tape.
static int run_tower(struct pass *pass, const struct training_group *groups, size_t count,
                     struct error *error) {
    struct workspace *workspace = pass->training->workspace;
    struct model *model = pass->training->model;
    size_t rows = 0, grids = 0, columns = 0, row = 0, grid = 0;
    for (size_t g = 0; g < count; g++) {
        rows += groups[g].prompt->patches.rows;
        grids += groups[g].prompt->grid_count;
        if (groups[g].prompt->patches.rows) columns = groups[g].prompt->patches.columns;
    }
    struct matrix patches = workspace_matrix(workspace, DTYPE_F32, rows, columns, error);
    if (error->code) return -1;
    struct image_grid *all = workspace_host(workspace, grids, sizeof *all, error);
    if (!all) return -1;
    for (size_t g = 0; g < count; g++) {
        const struct prompt *prompt = groups[g].prompt;
        if (!prompt->patches.rows) continue;
        device_upload(pass->device, matrix_rows(patches, row, prompt->patches.rows), prompt->patches.data);
        memcpy(all + grid, prompt->grids, prompt->grid_count * sizeof *all);
        row += prompt->patches.rows;
        grid += prompt->grid_count;
    }
    pass->vision = vision_tape_run(model->vision, pass->device, model->type, patches, all, grids,
                                   pass->embeds, pass->keep, workspace, error);
    return pass->vision ? 0 : -1;
}

// A frozen tower: cached embeddings, or one group after the other through inference.
static int encode_images(struct pass *pass, const struct training_group *groups, size_t count,
                         struct error *error) {
    struct model *model = pass->training->model;
    size_t row = 0, unit = (size_t)model->config->vision.merge * (size_t)model->config->vision.merge;
    for (size_t g = 0; g < count; g++) {
        const struct prompt *prompt = groups[g].prompt;
        size_t rows = prompt->patches.rows / unit;
        struct matrix cached = groups[g].image_embeds;
        if (!rows) continue;
        struct matrix embeds = matrix_rows(pass->embeds, row, rows);
        row += rows;
        if (cached.data && (cached.rows != rows || cached.columns != embeds.columns))
            return error_set(error, ERROR_INTERNAL, "cached image embeddings have %zu rows, expected %zu",
                             cached.rows, rows);
        if (cached.data)
            device_upload(pass->device, embeds, cached.data);
        else if (vision_encode(model->vision, pass->device, model->type, prompt->patches, prompt->grids,
                               prompt->grid_count, embeds, pass->training->workspace, NULL, error))
            return -1;
    }
    return 0;
}

static int embed(struct pass *pass, const struct training_group *groups, size_t count, struct error *error) {
    struct model *model = pass->training->model;
    decoder_embed(model->decoder, pass->device, pass->x, pass->rows.ids);
    if (pass->rows.image_count == 0) return 0;
    struct workspace *workspace = pass->training->workspace;
    pass->embeds = workspace_matrix(workspace, DTYPE_F32, pass->rows.image_count, pass->x.columns, error);
    if (error->code) return -1;
    bool tape = pass->keep != TAPE_NOTHING && training_has_vision(pass->training);
    if (tape ? run_tower(pass, groups, count, error) : encode_images(pass, groups, count, error)) return -1;
    struct matrix embeds = pass->embeds;
    if (model->type == DTYPE_BF16) { // as in inference: the reference casts to the embedding's type
        embeds = workspace_matrix(workspace, DTYPE_BF16, embeds.rows, embeds.columns, error);
        if (error->code) return -1;
        device_gather(pass->device, embeds, pass->embeds, NULL);
    }
    device_scatter(pass->device, pass->x, embeds, pass->rows.images);
    return 0;
}

static int forward(struct pass *pass, const struct training_group *groups, size_t count, float temperature,
                   struct error *error) {
    struct model *model = pass->training->model;
    struct workspace *workspace = pass->training->workspace;
    size_t hidden = (size_t)model->config->text.hidden;
    const struct training_rows *rows = &pass->rows;
    if (training_rows_build(&pass->rows, model, groups, count, workspace, error)) return -1;
    pass->x = workspace_matrix(workspace, DTYPE_F32, rows->rows, hidden, error);
    pass->last = workspace_matrix(workspace, DTYPE_F32, rows->tokens, hidden, error);
    pass->normed = workspace_matrix(workspace, model->type, rows->tokens, hidden, error);
    if (error->code) return -1;
    pass->log_probs = workspace_matrix(workspace, DTYPE_F32, 1, rows->tokens, error).data;
    pass->log_sums = workspace_matrix(workspace, DTYPE_F32, 1, rows->tokens, error).data;
    if (error->code || embed(pass, groups, count, error)) return -1;
    pass->text = decoder_tape_run(model->decoder, pass->device, model->type, pass->x, rows->positions,
                                  rows->spans, rows->span_count, pass->keep, workspace, error);
    if (!pass->text) return -1;
    device_gather(pass->device, pass->last, pass->x, rows->sources);
    decoder_norm(model->decoder, pass->device, pass->normed, pass->last);
    device_log_probs(pass->device, pass->log_probs, pass->log_sums, pass->normed, &model->decoder->head,
                     rows->targets, temperature);
    return device_check(pass->device, error);
}

static struct matrix zeroed(struct device *device, struct workspace *workspace, size_t rows, size_t columns,
                            struct error *error) {
    struct matrix m = workspace_matrix(workspace, DTYPE_F32, rows, columns, error);
    if (!error->code) device_clear(device, m);
    return m;
}

static int32_t *to_int32(const size_t *values, size_t count, struct workspace *workspace,
                         struct error *error) {
    int32_t *out = workspace_host(workspace, count, sizeof *out, error);
    for (size_t i = 0; out && i < count; i++) out[i] = (int32_t)values[i];
    return out;
}

// From log-probs to the output of the last layer.
static int head_backward(struct pass *pass, const float *derivatives, float temperature, struct matrix dx,
                         struct error *error) {
    struct training *training = pass->training;
    const struct decoder *decoder = training->model->decoder;
    const struct training_rows *rows = &pass->rows;
    struct workspace_mark mark = workspace_mark(training->workspace);
    struct matrix dnormed = workspace_matrix(training->workspace, DTYPE_F32, rows->tokens, dx.columns, error);
    struct matrix dlast = zeroed(pass->device, training->workspace, rows->tokens, dx.columns, error);
    if (error->code) return -1;
    int32_t *sources = to_int32(rows->sources, rows->tokens, training->workspace, error);
    if (!sources) return -1;
    device_log_probs_backward(pass->device, dnormed, training->text->head.values, derivatives, pass->log_sums,
                              pass->normed, &decoder->head, rows->targets, temperature);
    device_rms_norm_backward(pass->device, dlast, training->text->final_norm, dnormed, pass->last,
                             decoder->final_norm, decoder->config.rms_eps);
    device_embed_backward(pass->device, dx, dlast, sources); // a prompt's last row has several successors
    workspace_rewind(training->workspace, mark);
    return device_check(pass->device, error);
}

// From the embeddings of all rows to the table and the tower.
static int input_backward(struct pass *pass, struct matrix dx, struct error *error) {
    struct training *training = pass->training;
    const struct training_rows *rows = &pass->rows;
    if (pass->vision) {
        struct matrix dembeds =
            workspace_matrix(training->workspace, DTYPE_F32, rows->image_count, dx.columns, error);
        if (error->code) return -1;
        device_gather(pass->device, dembeds, dx, rows->images);
        if (vision_tape_backward(pass->vision, training->vision, dembeds, training->blocks_trained, error))
            return -1;
    }
    if (training->embedding_trained) {
        for (size_t i = 0; i < rows->image_count; i++) rows->ids[rows->images[i]] = -1; // no lookup there
        device_embed_backward(pass->device, training->text->embedding, dx, rows->ids);
    }
    return device_check(pass->device, error);
}

static int backward(struct pass *pass, const float *derivatives, float temperature, struct error *error) {
    struct training *training = pass->training;
    struct matrix dx = zeroed(pass->device, training->workspace, pass->x.rows, pass->x.columns, error);
    bool input_wanted = training->embedding_trained || pass->vision;
    if (error->code || head_backward(pass, derivatives, temperature, dx, error) ||
        decoder_tape_backward(pass->text, training->text, dx, input_wanted, error))
        return -1;
    return input_wanted ? input_backward(pass, dx, error) : 0;
}

static int check_temperature(float temperature, struct error *error) {
    if (temperature > 0 && isfinite(temperature)) return 0;
    return error_set(error, ERROR_USAGE, "temperature %g: log-probs need one above 0", (double)temperature);
}

static bool all_zero(const float *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (values[i] != 0) return false;
    return true;
}

static int run_pass(struct training *training, const struct training_group *groups, size_t count,
                    float temperature, training_objective *objective, void *context, double *loss,
                    struct error *error) {
    struct pass pass = {.training = training,
                        .device = training->model->device,
                        .keep = training->options.checkpoint_activations ? TAPE_INPUTS : TAPE_ALL};
    if (forward(&pass, groups, count, temperature, error)) return -1;
    size_t tokens = pass.rows.completed;
    struct workspace *workspace = training->workspace;
    float *log_probs = workspace_host(workspace, tokens, sizeof *log_probs, error);
    float *derivatives = workspace_host(workspace, pass.rows.tokens, sizeof *derivatives, error);
    struct matrix uploaded = workspace_matrix(workspace, DTYPE_F32, 1, pass.rows.tokens, error);
    if (!log_probs || !derivatives || error->code) return -1;
    device_download(pass.device, log_probs, matrix_of(pass.log_probs, DTYPE_F32, 1, tokens));
    if (device_check(pass.device, error)) return -1;
    memset(derivatives, 0, pass.rows.tokens * sizeof *derivatives);
    *loss = objective(context, log_probs, derivatives, tokens);
    if (!isfinite(*loss)) return error_set(error, ERROR_INPUT, "the loss is %g", *loss);
    for (size_t i = 0; i < tokens; i++)
        if (!isfinite(derivatives[i]))
            return error_set(error, ERROR_INPUT, "the loss has no derivative at token %zu", i);
    if (all_zero(derivatives, tokens)) return 0;
    device_upload(pass.device, uploaded, derivatives);
    return backward(&pass, uploaded.data, temperature, error);
}

int training_pass(struct training *training, const struct training_group *groups, size_t count,
                  float temperature, training_objective *objective, void *context, double *loss,
                  struct error *error) {
    *error = (struct error){0};
    if (check_temperature(temperature, error)) return -1;
    workspace_reset(training->workspace);
    uint64_t pass = training->passes++;
    if (training->lora) {
        lora_use(training->model, training->lora);
        lora_set_dropout(training->lora, true, training->options.seed, pass);
    }
    int result = run_pass(training, groups, count, temperature, objective, context, loss, error);
    if (training->lora) lora_set_dropout(training->lora, false, 0, 0);
    workspace_reset(training->workspace);
    return result;
}

int training_log_probs(struct training *training, const struct training_group *groups, size_t count,
                       float temperature, bool base, float *log_probs, struct error *error) {
    struct model *model = training->model;
    struct pass pass = {.training = training, .device = model->device, .keep = TAPE_NOTHING};
    *error = (struct error){0};
    if (check_temperature(temperature, error)) return -1;
    if (base && !training->lora)
        return error_set(error, ERROR_INTERNAL, "log-probs of the base need LoRA: the weights were trained");
    workspace_reset(training->workspace);
    if (training->lora) lora_use(model, base ? NULL : training->lora);
    int result = forward(&pass, groups, count, temperature, error);
    if (result == 0) {
        device_download(model->device, log_probs,
                        matrix_of(pass.log_probs, DTYPE_F32, 1, pass.rows.completed));
        result = device_check(model->device, error);
    }
    if (training->lora) lora_use(model, training->lora);
    workspace_reset(training->workspace);
    return result;
}
