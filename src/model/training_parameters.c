// Which tensors are trained, and their private copies.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/checkpoint_copy.h"
#include "model/decoder_internal.h"
#include "model/family.h"
#include "model/parts.h"
#include "model/training_internal.h"

bool training_is_trained(const struct training_options *options, const struct part *part) {
    switch (part->group) {
    case PART_TEXT:
        return options->train_text;
    case PART_TOWER:
        return options->train_vision;
    default:
        return options->train_merger;
    }
}

// Room for one more parameter with a zeroed gradient. The value is the caller's.
static struct parameter *add(struct training *training, const char *name, int dims, const size_t *shape,
                             struct error *error) {
    struct trained *trained = &training->trained[training->count];
    struct parameter *p = &training->parameters[training->count];
    snprintf(trained->name, sizeof trained->name, "%s", name);
    p->name = trained->name;
    p->dims = dims;
    p->count = 1;
    for (int i = 0; i < dims; i++) {
        p->shape[i] = shape[i];
        p->count *= shape[i];
    }
    struct device *device = training->model->device;
    p->gradient = device_allocate(device, p->count * sizeof *p->gradient, DEVICE_DENSE, name, error);
    if (!p->gradient) return NULL;
    device_clear(device, parameter_gradients(p));
    training->count++;
    return p;
}

// The model computes with a private copy from here on: the master itself, or rounded to BF16.
static int exchange_weight(struct training *training, struct parameter *p, struct trained *trained,
                           struct matrix *matrix, struct error *error) {
    struct model *model = training->model;
    p->value = device_allocate(model->device, p->count * sizeof *p->value, DEVICE_DENSE, p->name, error);
    if (!p->value) return -1;
    struct matrix copy = matrix_of(p->value, DTYPE_F32, matrix->rows, matrix->columns);
    device_gather(model->device, copy, *matrix, NULL);
    trained->own_value = true;
    if (model->type == DTYPE_BF16) {
        trained->working =
            device_allocate(model->device, p->count * dtype_size(DTYPE_BF16), DEVICE_DENSE, p->name, error);
        if (!trained->working || model_keep(model, trained->working, error)) return -1;
        struct matrix rounded = matrix_of(trained->working, DTYPE_BF16, matrix->rows, matrix->columns);
        device_gather(model->device, rounded, copy, NULL);
        *matrix = rounded;
        return device_check(model->device, error);
    }
    trained->own_value = false;
    if (model_keep(model, p->value, error)) return -1;
    *matrix = copy;
    return device_check(model->device, error);
}

// The tensors of the model and of its likeness, in the same order.
struct likeness {
    struct part *parts, *gradients;
    size_t count;
};

static int take_weight(struct training *training, const struct part *part, struct matrix *gradient,
                       struct error *error) {
    struct matrix *matrix = part->matrix;
    struct parameter *p = add(training, part->name, part->dims, part->shape, error);
    if (p) training->trained[training->count - 1].original = *matrix;
    if (!p || exchange_weight(training, p, &training->trained[training->count - 1], matrix, error)) return -1;
    training->trained[training->count - 1].place = matrix;
    *gradient = matrix_of(p->gradient, DTYPE_F32, matrix->rows, matrix->columns);
    return 0;
}

static int take_weights(struct training *training, const struct likeness *all, struct error *error) {
    struct decoder *decoder = training->model->decoder;
    int result = 0;
    for (size_t i = 0; result == 0 && i < all->count; i++)
        if (training_is_trained(&training->options, &all->parts[i]))
            result = take_weight(training, &all->parts[i], all->gradients[i].matrix, error);
    if (result == 0 && training->count == 0)
        result = error_set(error, ERROR_USAGE, "nothing is to be trained");
    if (decoder->config.tie_embeddings) { // one parameter, in two places
        decoder->head.values = decoder->embedding;
        training->text->head.values = training->text->embedding;
    }
    training->embedding_trained = training->options.train_text;
    training->blocks_trained = training->options.train_vision;
    training->merger_trained = training->options.train_merger;
    return result;
}

static int take_module(struct training *training, const struct lora_module *m, const struct part *layer,
                       struct error *error) {
    struct low_rank *gradient = &training->adapter_gradients[m->number];
    char name[160];
    snprintf(name, sizeof name, "base_model.model.%s.lora_A.weight", m->name);
    struct parameter *a = add(training, name, 2, (size_t[]){m->rank, m->in}, error);
    if (!a) return -1;
    a->value = m->a;
    snprintf(name, sizeof name, "base_model.model.%s.lora_B.weight", m->name);
    struct parameter *b = add(training, name, 2, (size_t[]){m->out, m->rank}, error);
    if (!b) return -1;
    b->value = m->b;
    gradient->a = matrix_of(a->gradient, DTYPE_F32, m->rank, m->in);
    gradient->b = matrix_of(b->gradient, DTYPE_F32, m->out, m->rank);
    training->merger_trained |= layer->group == PART_JOIN;
    training->blocks_trained |= layer->group == PART_TOWER;
    return 0;
}

static int take_adapter(struct training *training, const struct likeness *all, struct error *error) {
    const struct training_options *o = &training->options;
    struct model *model = training->model;
    const struct lora_options fresh = {.rank = o->lora_rank,
                                       .alpha = o->lora_alpha,
                                       .dropout = o->lora_dropout,
                                       .rs = o->lora_rs,
                                       .targets = o->lora_targets,
                                       .seed = o->seed};
    struct lora *lora =
        o->lora_folder ? lora_open(model, o->lora_folder, error) : lora_new(model, &fresh, error);
    if (!lora) return -1;
    if (!o->lora_bf16) lora_compute_in_f32(lora);
    lora_use(model, lora);
    lora_free(model->own_adapter); // of an earlier training
    model->own_adapter = training->lora = lora;
    training->adapter_gradients =
        memory_new(all->count, sizeof *training->adapter_gradients, "adapter", error);
    if (!training->adapter_gradients) return -1;
    for (size_t i = 0; i < lora_count(lora); i++) {
        const struct lora_module *m = lora_module_at(lora, i);
        if (take_module(training, m, &all->parts[m->number], error)) return -1;
    }
    return 0;
}

int training_take_parameters(struct training *training, struct error *error) {
    struct model *model = training->model;
    struct likeness all = {0};
    training->text = decoder_new(&model->config->text, error);
    training->vision = vision_new(&model->config->vision, error);
    if (!training->text || !training->vision) return -1;
    all.parts = parts_list(model->config, model->decoder, model->vision, &all.count, error);
    all.gradients = parts_list(model->config, training->text, training->vision, &all.count, error);
    training->parameters = memory_new(2 * all.count, sizeof *training->parameters, "parameters", error);
    training->trained = memory_new(2 * all.count, sizeof *training->trained, "parameters", error);
    int result = all.parts && all.gradients && training->parameters && training->trained ? 0 : -1;
    bool lora = training->options.lora_rank > 0 || training->options.lora_folder;
    if (result == 0)
        result = lora ? take_adapter(training, &all, error) : take_weights(training, &all, error);
    free(all.parts);
    free(all.gradients);
    return result;
}

void training_exchange_weights(struct training *training) {
    struct decoder *decoder = training->model->decoder;
    for (size_t i = 0; i < training->count; i++) {
        struct trained *t = &training->trained[i];
        if (!t->place) continue;
        struct matrix now = *t->place;
        *t->place = t->original;
        t->original = now;
    }
    if (decoder->config.tie_embeddings) decoder->head.values = decoder->embedding;
}

void training_free_parameters(struct training *training) {
    struct device *device = training->model->device;
    for (size_t i = 0; i < training->count; i++) {
        device_release(device, training->parameters[i].gradient);
        if (training->trained[i].own_value) device_release(device, training->parameters[i].value);
    }
    free(training->parameters);
    free(training->trained);
    free(training->adapter_gradients);
    decoder_free(training->text);
    vision_free(training->vision);
}

size_t training_parameter_count(const struct training *training) {
    return training->count;
}

struct parameter *training_parameter(struct training *training, size_t index) {
    return &training->parameters[index];
}

struct matrix parameter_values(const struct parameter *parameter) {
    return matrix_of(parameter->value, DTYPE_F32, 1, parameter->count);
}

struct matrix parameter_gradients(const struct parameter *parameter) {
    return matrix_of(parameter->gradient, DTYPE_F32, 1, parameter->count);
}

struct device *training_device(const struct training *training) {
    return training->model->device;
}

void training_zero_gradients(struct training *training) {
    for (size_t i = 0; i < training->count; i++)
        device_clear(training->model->device, parameter_gradients(&training->parameters[i]));
}

void training_refresh(struct training *training) {
    struct device *device = training->model->device;
    for (size_t i = 0; i < training->count; i++) {
        const struct parameter *p = &training->parameters[i];
        if (!training->trained[i].working) continue;
        size_t columns = p->dims > 1 ? p->shape[p->dims - 1] : p->count, rows = p->count / columns;
        device_gather(device, matrix_of(training->trained[i].working, DTYPE_BF16, rows, columns),
                      matrix_of(p->value, DTYPE_F32, rows, columns), NULL);
    }
    if (training->lora) lora_refresh(training->lora);
}

// ---- saving

static const struct parameter *find(const struct training *training, const char *name) {
    for (size_t i = 0; i < training->count; i++)
        if (strcmp(training->parameters[i].name, name) == 0) return &training->parameters[i];
    // A file may repeat a tied embedding as lm_head.
    bool tied = training->model->config->text.tie_embeddings &&
                strcmp(name, training->model->config->family->head) == 0;
    return tied ? find(training, training->model->config->family->embedding) : NULL;
}

static bool changes(void *context, const char *name) {
    return find(context, name) != NULL;
}

static void change(void *context, const char *name, size_t row, float *values, size_t columns) {
    const struct training *training = context;
    const struct parameter *p = find(training, name);
    device_download(training->model->device, values,
                    matrix_columns(parameter_values(p), row * columns, columns));
}

int training_save(const struct training *training, const char *folder, const struct training_form *form,
                  struct error *error) {
    const struct lora_form adapter = {.names = form->names, .type = form->convert ? form->type : DTYPE_F32};
    if (training->lora) return lora_save(training->lora, training->model, folder, &adapter, error);
    const struct checkpoint_change weights = {.changes = changes,
                                              .change = change,
                                              .context = (void *)(uintptr_t)training,
                                              .convert = form->convert,
                                              .type = form->type};
    if (device_check(training->model->device, error) ||
        checkpoint_copy(training->model->checkpoint, folder, &weights, error))
        return -1;
    return device_check(training->model->device, error);
}
