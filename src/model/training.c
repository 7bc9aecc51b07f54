#include "model/training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/group_pass_internal.h"
#include "model/model_internal.h"
#include "model/parts.h"
#include "model/training_internal.h"
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

bool training_has_vision(const struct training *training) {
    return training->blocks_trained || training->merger_trained;
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

// What the objective answered, on the device; by_entropy NULL: entropies are of no account.
struct derivatives {
    const float *by_log_prob, *by_entropy;
};

// From log-probs to the output of the last layer.
static int head_backward(struct training *training, struct group_pass *pass,
                         const struct derivatives *derivatives, float temperature, struct matrix dx,
                         struct error *error) {
    const struct decoder *decoder = training->model->decoder;
    const struct group_rows *rows = &pass->rows;
    struct workspace_mark mark = workspace_mark(training->workspace);
    struct matrix dnormed = workspace_matrix(training->workspace, DTYPE_F32, rows->tokens, dx.columns, error);
    struct matrix dlast = zeroed(pass->model->device, training->workspace, rows->tokens, dx.columns, error);
    if (error->code) return -1;
    int32_t *sources = to_int32(rows->sources, rows->tokens, training->workspace, error);
    if (!sources) return -1;
    const struct log_prob_gradients gradients = {.by_log_prob = derivatives->by_log_prob,
                                                 .log_sums = pass->log_sums,
                                                 .by_entropy = derivatives->by_entropy,
                                                 .entropies =
                                                     derivatives->by_entropy ? pass->entropies : NULL};
    device_log_probs_backward(pass->model->device, dnormed, training->text->head.values, &gradients,
                              pass->normed, &decoder->head, rows->targets, temperature);
    device_rms_norm_backward(pass->model->device, dlast, training->text->final_norm, dnormed, pass->last,
                             decoder->final_norm, decoder->config.rms_eps);
    device_embed_backward(pass->model->device, dx, dlast,
                          sources); // a prompt's last row has several successors
    workspace_rewind(training->workspace, mark);
    return device_check(pass->model->device, error);
}

// From the embeddings of all rows to the table and the tower.
static int input_backward(struct training *training, struct group_pass *pass, struct matrix dx,
                          struct error *error) {
    const struct group_rows *rows = &pass->rows;
    if (pass->vision) {
        struct matrix dembeds =
            workspace_matrix(training->workspace, DTYPE_F32, rows->image_count, dx.columns, error);
        if (error->code) return -1;
        device_gather(pass->model->device, dembeds, dx, rows->images);
        if (vision_tape_backward(pass->vision, training->vision, dembeds, training->blocks_trained, error))
            return -1;
    }
    if (training->embedding_trained) {
        for (size_t i = 0; i < rows->image_count; i++) rows->ids[rows->images[i]] = -1; // no lookup there
        device_embed_backward(pass->model->device, training->text->embedding, dx, rows->ids);
    }
    return device_check(pass->model->device, error);
}

static int backward(struct training *training, struct group_pass *pass, const struct derivatives *derivatives,
                    float temperature, struct error *error) {
    struct matrix dx = zeroed(pass->model->device, training->workspace, pass->x.rows, pass->x.columns, error);
    bool input_wanted = training->embedding_trained || pass->vision;
    if (error->code || head_backward(training, pass, derivatives, temperature, dx, error) ||
        decoder_tape_backward(pass->text, training->text, dx, input_wanted, error))
        return -1;
    return input_wanted ? input_backward(training, pass, dx, error) : 0;
}

static bool all_zero(const float *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (values[i] != 0) return false;
    return true;
}

// What is asked: one of the two.
struct question {
    training_objective *plain;
    training_entropic_objective *entropic;
    void *context;
};

// The answer, on the host: [rows.tokens], 0 beyond those of completions.
struct answer {
    float *log_probs, *entropies, *by_log_prob, *by_entropy;
};

static int ask(struct group_pass *pass, const struct question *question, struct answer *answer, double *loss,
               struct error *error) {
    struct workspace *workspace = pass->workspace;
    size_t tokens = pass->rows.completed, all = pass->rows.tokens;
    answer->log_probs = workspace_host(workspace, tokens, sizeof(float), error);
    answer->by_log_prob = workspace_host(workspace, all, sizeof(float), error);
    answer->entropies = question->entropic ? workspace_host(workspace, tokens, sizeof(float), error) : NULL;
    answer->by_entropy = question->entropic ? workspace_host(workspace, all, sizeof(float), error) : NULL;
    if (!answer->log_probs || !answer->by_log_prob ||
        (question->entropic && (!answer->entropies || !answer->by_entropy)))
        return -1;
    struct device *device = pass->model->device;
    device_download(device, answer->log_probs, matrix_of(pass->log_probs, DTYPE_F32, 1, tokens));
    if (question->entropic)
        device_download(device, answer->entropies, matrix_of(pass->entropies, DTYPE_F32, 1, tokens));
    if (device_check(device, error)) return -1;
    memset(answer->by_log_prob, 0, all * sizeof(float));
    if (answer->by_entropy) memset(answer->by_entropy, 0, all * sizeof(float));
    if (question->entropic)
        *loss = question->entropic(question->context, answer->log_probs, answer->entropies,
                                   answer->by_log_prob, answer->by_entropy, tokens);
    else if (question->plain)
        *loss = question->plain(question->context, answer->log_probs, answer->by_log_prob, tokens);
    if (!isfinite(*loss)) return error_set(error, ERROR_INPUT, "the loss is %g", *loss);
    for (size_t i = 0; i < tokens; i++)
        if (!isfinite(answer->by_log_prob[i]) || (answer->by_entropy && !isfinite(answer->by_entropy[i])))
            return error_set(error, ERROR_INPUT, "the loss has no derivative at token %zu", i);
    return 0;
}

static const float *upload(struct group_pass *pass, const float *values, struct error *error) {
    struct matrix uploaded = workspace_matrix(pass->workspace, DTYPE_F32, 1, pass->rows.tokens, error);
    if (error->code) return NULL;
    device_upload(pass->model->device, uploaded, values);
    return uploaded.data;
}

static int run_pass(struct training *training, const struct prompt_group *groups, size_t count,
                    float temperature, const struct question *question, double *loss, struct error *error) {
    struct group_pass pass = {.model = training->model,
                              .workspace = training->workspace,
                              .keep = training->options.checkpoint_activations ? TAPE_INPUTS : TAPE_ALL,
                              .entropic = question->entropic != NULL,
                              .keep_tower = training_has_vision(training),
                              .adapter = training->lora,
                              .gradients = training->adapter_gradients};
    struct answer answer;
    if (group_pass_run(&pass, groups, count, temperature, error) ||
        ask(&pass, question, &answer, loss, error))
        return -1;
    size_t tokens = pass.rows.completed;
    bool entropic = answer.by_entropy && !all_zero(answer.by_entropy, tokens);
    if (!entropic && all_zero(answer.by_log_prob, tokens)) return 0;
    const struct derivatives derivatives = {.by_log_prob = upload(&pass, answer.by_log_prob, error),
                                            .by_entropy =
                                                entropic ? upload(&pass, answer.by_entropy, error) : NULL};
    return error->code ? -1 : backward(training, &pass, &derivatives, temperature, error);
}

static int pass_question(struct training *training, const struct prompt_group *groups, size_t count,
                         float temperature, const struct question *question, double *loss,
                         struct error *error) {
    *error = (struct error){0};
    workspace_reset(training->workspace);
    for (size_t g = 0; g < count; g++)
        if (groups[g].adapter)
            return error_set(error, ERROR_INTERNAL, "group %zu names an adapter: one is trained at a time",
                             g);
    uint64_t pass = training->passes++;
    if (training->lora) lora_set_dropout(training->lora, true, training->options.seed, pass);
    int result = run_pass(training, groups, count, temperature, question, loss, error);
    if (training->lora) lora_set_dropout(training->lora, false, 0, 0);
    workspace_reset(training->workspace);
    return result;
}

int training_pass(struct training *training, const struct prompt_group *groups, size_t count,
                  float temperature, training_objective *objective, void *context, double *loss,
                  struct error *error) {
    const struct question question = {.plain = objective, .context = context};
    return pass_question(training, groups, count, temperature, &question, loss, error);
}

int training_pass_entropic(struct training *training, const struct prompt_group *groups, size_t count,
                           float temperature, training_entropic_objective *objective, void *context,
                           double *loss, struct error *error) {
    const struct question question = {.entropic = objective, .context = context};
    return pass_question(training, groups, count, temperature, &question, loss, error);
}

static int score(struct training *training, const struct prompt_group *groups, size_t count,
                 float temperature, enum group_targets targets, bool base, float *results,
                 struct error *error) {
    struct group_pass pass = {.model = training->model,
                              .workspace = training->workspace,
                              .keep = TAPE_NOTHING,
                              .targets = targets,
                              .adapter = base && training->lora ? lora_none() : training->lora};
    if (base) training_exchange_weights(training);
    int result = group_pass_score(&pass, groups, count, temperature, results, error);
    if (base) training_exchange_weights(training);
    return result;
}

int training_log_probs(struct training *training, const struct prompt_group *groups, size_t count,
                       float temperature, bool base, float *log_probs, struct error *error) {
    return score(training, groups, count, temperature, TARGETS_COMPLETIONS, base, log_probs, error);
}

int training_next_logits(struct training *training, const struct prompt_group *groups, size_t count,
                         bool base, float *logits, struct error *error) {
    return score(training, groups, count, 1, TARGETS_NEXT, base, logits, error);
}
