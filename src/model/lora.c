#include "model/lora.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <math.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "model/lora_internal.h"

struct lora *lora_new_empty(const struct model *model, size_t tensors, struct error *error) {
    struct lora *lora = memory_new(1, sizeof *lora, "adapter", error);
    if (!lora) return NULL;
    lora->device = model->device;
    lora->type = model->type;
    lora->modules = memory_new(tensors, sizeof *lora->modules, "adapter", error);
    lora->layers = memory_new(tensors, sizeof *lora->layers, "adapter", error);
    lora->tensors = tensors;
    if (lora->modules && lora->layers) return lora;
    lora_free(lora);
    return NULL;
}

// What the model computes with in place of a module.
static struct low_rank *working(const struct lora *lora, size_t module) {
    return &lora->layers[lora->modules[module].number];
}

void lora_free(struct lora *lora) {
    if (!lora) return;
    for (size_t i = 0; lora->modules && i < lora->count; i++) {
        device_release(lora->device, lora->modules[i].a);
        device_release(lora->device, lora->modules[i].b);
        if (lora->type == DTYPE_F32 || !lora->layers) continue;
        device_release(lora->device, working(lora, i)->a.data);
        device_release(lora->device, working(lora, i)->b.data);
    }
    free(lora->modules);
    free(lora->layers);
    free(lora);
}

void lora_name(const struct part *part, char *name, size_t size) {
    snprintf(name, size, "%.*s", (int)(strlen(part->name) - strlen(".weight")), part->name);
}

struct matrix lora_a(const struct lora_module *module) {
    return matrix_of(module->a, DTYPE_F32, module->rank, module->in);
}

struct matrix lora_b(const struct lora_module *module) {
    return matrix_of(module->b, DTYPE_F32, module->out, module->rank);
}

static void *take(struct lora *lora, size_t count, enum dtype type, struct error *error) {
    void *block = device_allocate(lora->device, count * dtype_size(type), DEVICE_DENSE, "adapter", error);
    if (block) device_clear(lora->device, matrix_of(block, type, 1, count));
    return block;
}

struct lora_module *lora_add(struct lora *lora, const struct part *part, size_t rank, struct error *error) {
    struct lora_module *m = &lora->modules[lora->count++];
    struct low_rank *w = &lora->layers[part->linear->number];
    *m = (struct lora_module){.number = part->linear->number,
                              .rank = rank,
                              .in = part->matrix->columns,
                              .out = part->matrix->rows,
                              .alpha = lora->alpha};
    lora_name(part, m->name, sizeof m->name);
    m->a = take(lora, rank * m->in, DTYPE_F32, error);
    m->b = take(lora, rank * m->out, DTYPE_F32, error);
    *w = (struct low_rank){.a = matrix_of(m->a, lora->type, rank, m->in),
                           .b = matrix_of(m->b, lora->type, m->out, rank)};
    if (lora->type != DTYPE_F32) {
        w->a.data = take(lora, rank * m->in, lora->type, error);
        w->b.data = take(lora, rank * m->out, lora->type, error);
    }
    return m->a && m->b && w->a.data && w->b.data ? m : NULL;
}

static pcre2_code *compile_targets(const char *targets, struct error *error) {
    int code;
    PCRE2_SIZE offset;
    pcre2_code *pattern = pcre2_compile((PCRE2_SPTR)targets, PCRE2_ZERO_TERMINATED,
                                        PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF, &code, &offset, NULL);
    if (pattern) return pattern;
    PCRE2_UCHAR why[128];
    pcre2_get_error_message(code, why, sizeof why);
    error_set(error, ERROR_USAGE, "LoRA targets \"%.120s\": %s at character %zu", targets, (const char *)why,
              (size_t)offset);
    return NULL;
}

static bool is_target(const struct part *part, const pcre2_code *pattern, pcre2_match_data *match) {
    char name[96];
    if (!part->linear) return false;
    lora_name(part, name, sizeof name);
    if (!pattern) return part_is_adapted(part);
    return pcre2_match(pattern, (PCRE2_SPTR)name, PCRE2_ZERO_TERMINATED, 0, 0, match, NULL) >= 0;
}

// kaiming_uniform(a = sqrt(5)) over `in` inputs is uniform in +-1/sqrt(in).
static int draw_a(const struct lora *lora, const struct lora_module *module, uint64_t seed, uint64_t stream,
                  struct error *error) {
    struct random random;
    double bound = 1 / sqrt((double)module->in);
    float *values = memory_new(module->rank * module->in, sizeof *values, "adapter", error);
    if (!values) return -1;
    random_start(&random, seed, stream);
    for (size_t i = 0; i < module->rank * module->in; i++)
        values[i] = (float)((2 * random_unit(&random) - 1) * bound);
    device_upload(lora->device, lora_a(module), values);
    free(values);
    return 0;
}

static int add_targets(struct lora *lora, const struct part *parts, size_t count,
                       const struct lora_options *options, struct error *error) {
    pcre2_code *pattern = NULL;
    pcre2_match_data *match = NULL;
    int result = 0;
    if (options->targets) {
        pattern = compile_targets(options->targets, error);
        match = pattern ? pcre2_match_data_create_from_pattern(pattern, NULL) : NULL;
        if (pattern && !match) error_set(error, ERROR_MEMORY, "LoRA targets: not enough memory");
        if (!match) result = -1;
    }
    for (size_t i = 0; result == 0 && i < count; i++) {
        if (!is_target(&parts[i], pattern, match)) continue;
        struct lora_module *module = lora_add(lora, &parts[i], (size_t)options->rank, error);
        result = module ? draw_a(lora, module, options->seed, i, error) : -1;
    }
    pcre2_match_data_free(match);
    pcre2_code_free(pattern);
    if (result == 0 && lora->count == 0)
        result = error_set(error, ERROR_USAGE, "LoRA targets \"%.200s\" match no linear layer of the model",
                           options->targets);
    return result;
}

struct lora *lora_new(struct model *model, const struct lora_options *options, struct error *error) {
    if (options->rank < 1 || options->rank > 65536 || !(options->dropout >= 0 && options->dropout < 1) ||
        !isfinite(options->alpha)) {
        error_set(error, ERROR_USAGE, "LoRA: rank %d, alpha %g, dropout %g are not possible", options->rank,
                  options->alpha, options->dropout);
        return NULL;
    }
    size_t count;
    struct part *parts = parts_list(model->config, model->decoder, model->vision, &count, error);
    struct lora *lora = parts ? lora_new_empty(model, count, error) : NULL;
    if (lora) {
        lora->rank = options->rank;
        lora->alpha = options->alpha;
        lora->dropout = options->dropout;
        lora->rs = options->rs;
        if (add_targets(lora, parts, count, options, error)) {
            lora_free(lora);
            lora = NULL;
        } else {
            lora_refresh(lora);
        }
    }
    free(parts);
    if (lora && device_check(lora->device, error)) {
        lora_free(lora);
        lora = NULL;
    }
    return lora;
}

size_t lora_planned_values(const struct model *model, const struct lora_options *options,
                           struct error *error) {
    size_t count, values = 0;
    pcre2_code *pattern = options->targets ? compile_targets(options->targets, error) : NULL;
    pcre2_match_data *match = pattern ? pcre2_match_data_create_from_pattern(pattern, NULL) : NULL;
    struct part *parts = !options->targets || match
                             ? parts_list(model->config, model->decoder, model->vision, &count, error)
                             : NULL;
    for (size_t i = 0; parts && i < count; i++)
        if (is_target(&parts[i], pattern, match))
            values += (size_t)options->rank * (parts[i].matrix->rows + parts[i].matrix->columns);
    if (parts && values == 0)
        error_set(error, ERROR_USAGE, "LoRA targets \"%.200s\" match no linear layer of the model",
                  options->targets ? options->targets : "");
    free(parts);
    pcre2_match_data_free(match);
    pcre2_code_free(pattern);
    return values;
}

struct lora_options lora_settings(const struct lora *lora) {
    return (struct lora_options){
        .rank = lora->rank, .alpha = lora->alpha, .dropout = lora->dropout, .rs = lora->rs};
}

void lora_compute_in_f32(struct lora *lora) {
    for (size_t i = 0; lora->type != DTYPE_F32 && i < lora->count; i++) {
        struct low_rank *w = working(lora, i);
        device_release(lora->device, w->a.data);
        device_release(lora->device, w->b.data);
        w->a = lora_a(&lora->modules[i]);
        w->b = lora_b(&lora->modules[i]);
    }
    lora->type = DTYPE_F32;
}

double lora_scale(const struct lora *lora, const struct lora_module *module) {
    return module->alpha / (lora->rs ? sqrt((double)module->rank) : (double)module->rank);
}

void lora_refresh(struct lora *lora) {
    for (size_t i = 0; i < lora->count; i++) {
        const struct lora_module *m = &lora->modules[i];
        struct low_rank *w = working(lora, i);
        w->scale = (float)lora_scale(lora, m);
        if (lora->type != DTYPE_F32) {
            device_gather(lora->device, w->a, lora_a(m), NULL);
            device_gather(lora->device, w->b, lora_b(m), NULL);
        }
    }
}

void lora_use(struct model *model, struct lora *lora) {
    model->adapter = lora;
}

const struct lora *lora_none(void) {
    static const struct lora none = {.count = 0};
    return &none;
}

void lora_set_dropout(struct lora *lora, bool on, uint64_t seed, uint64_t pass) {
    for (size_t i = 0; i < lora->count; i++)
        working(lora, i)->dropout = (struct dropout){
            .seed = seed, .stream = pass * lora->count + i, .rate = on ? (float)lora->dropout : 0};
}

size_t lora_count(const struct lora *lora) {
    return lora->count;
}

struct lora_module *lora_module_at(struct lora *lora, size_t index) {
    return &lora->modules[index];
}
