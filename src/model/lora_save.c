// Adapters to disk: PEFT folders, and merging into a checkpoint.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/signals.h"
#include "base/temporary.h"
#include "model/checkpoint_copy.h"
#include "model/family.h"
#include "model/lora_internal.h"

// ---- names

// A published name as the module is called in a file.
static void file_name(const struct model_family *family, const char *published, enum lora_names names,
                      char *text, size_t size) {
    for (const struct family_prefix *p = family->renamed; names == LORA_NAMES_NEW && p->from; p++) {
        size_t length = strlen(p->from);
        if (strncmp(published, p->from, length) != 0) continue;
        snprintf(text, size, "%s%s", p->to, published + length);
        return;
    }
    snprintf(text, size, "%s", published);
}

static const struct lora_module *find_module(const struct lora *lora, const char *name) {
    for (size_t i = 0; i < lora->count; i++) {
        const struct lora_module *m = &lora->modules[i];
        size_t length = strlen(m->name);
        if (strncmp(name, m->name, length) == 0 && strcmp(name + length, ".weight") == 0) return m;
    }
    return NULL;
}

// ---- the configuration

static bool in_tower(const struct model *model, const char *name) {
    const char *tower = model->config->family->tower;
    return strncmp(name, tower, strlen(tower)) == 0;
}

// The last component of a module's name, "up_proj"; "mlp.0" of a numbered one.
static void component_of(const char *name, size_t length, char *text, size_t size) {
    size_t start = length;
    while (start && name[start - 1] != '.') start--;
    if (start && name[start] >= '0' && name[start] <= '9') {
        start--;
        while (start && name[start - 1] != '.') start--;
    }
    snprintf(text, size, "%.*s", (int)(length - start), name + start);
}

// Components in the order of the model's list, joined by '|'.
struct targets {
    char text[200];
    bool tower, language;
};

static bool has_component(const struct targets *targets, const char *component) {
    size_t length = strlen(component);
    for (const char *at = targets->text; (at = strstr(at, component)); at += length)
        if ((at == targets->text || at[-1] == '|') && (!at[length] || at[length] == '|')) return true;
    return false;
}

static size_t module_length(const struct part *part) { // of its name; 0: not a weight
    size_t length = strlen(part->name), tail = strlen(".weight");
    return length > tail && strcmp(part->name + length - tail, ".weight") == 0 ? length - tail : 0;
}

static void gather_targets(struct targets *targets, const struct lora *lora, const struct model *model) {
    *targets = (struct targets){.tower = false};
    for (size_t i = 0; i < lora->count; i++) {
        char component[40];
        size_t used = strlen(targets->text);
        const char *name = lora->modules[i].name;
        component_of(name, strlen(name), component, sizeof component);
        if (!has_component(targets, component))
            snprintf(targets->text + used, sizeof targets->text - used, "%s%s", used ? "|" : "", component);
        *(in_tower(model, name) ? &targets->tower : &targets->language) = true;
    }
}

// Whether the pattern of these targets chooses exactly the adapted modules out of all of the model.
static int pattern_fits(const struct lora *lora, const struct model *model, const struct targets *targets,
                        bool *fits, struct error *error) {
    size_t count;
    struct part *parts = parts_list(model->config, model->decoder, model->vision, &count, error);
    if (!parts) return -1;
    *fits = true;
    for (size_t i = 0; i < count; i++) {
        char component[40];
        const char *name = parts[i].name;
        size_t length = module_length(&parts[i]);
        if (length == 0) continue;
        component_of(name, length, component, sizeof component);
        bool chosen =
            has_component(targets, component) && (in_tower(model, name) ? targets->tower : targets->language);
        if (chosen != (find_module(lora, name) != NULL)) *fits = false;
    }
    free(parts);
    return 0;
}

// PEFT matches a text against whole module names. The language model and the tower have layers of the same
// name, so a list of last components would not do; where no pattern fits, all names are listed.
static json_t *target_modules(const struct lora *lora, const struct model *model, enum lora_names names,
                              struct error *error) {
    struct targets targets;
    bool fits = true;
    gather_targets(&targets, lora, model);
    if (pattern_fits(lora, model, &targets, &fits, error)) return NULL;
    if (!fits) {
        json_t *list = json_array();
        for (size_t i = 0; i < lora->count; i++) {
            char name[160];
            file_name(model->config->family, lora->modules[i].name, names, name, sizeof name);
            json_array_append_new(list, json_string(name));
        }
        return list;
    }
    const char *tower = model->config->family->tower;
    int length = (int)strlen(tower) - 1; // without the dot
    if (targets.tower && targets.language) return json_sprintf(".*\\.(%s)", targets.text);
    return targets.tower ? json_sprintf(".*%.*s.*\\.(%s)", length, tower, targets.text)
                         : json_sprintf("(?!.*%.*s).*\\.(%s)", length, tower, targets.text);
}

static json_t *whole_if_it_is(double number) { // PEFT writes an integer where it can
    return number == floor(number) && fabs(number) < 1e15 ? json_integer((json_int_t)number)
                                                          : json_real(number);
}

// Modules whose rank is another than "r", or whose alpha is another than "lora_alpha".
static json_t *pattern_of(const struct lora *lora, const struct model *model, enum lora_names names,
                          bool ranks) {
    json_t *pattern = json_object();
    for (size_t i = 0; i < lora->count; i++) {
        const struct lora_module *m = &lora->modules[i];
        double value = ranks ? (double)m->rank : m->alpha;
        if (value == (ranks ? (double)lora->rank : lora->alpha)) continue;
        char name[160];
        file_name(model->config->family, m->name, names, name, sizeof name);
        json_object_set_new(pattern, name, whole_if_it_is(value));
    }
    return pattern;
}

static int save_config(const struct lora *lora, const struct model *model, const char *folder,
                       enum lora_names names, struct error *error) {
    json_t *targets = target_modules(lora, model, names, error);
    if (!targets) return -1;
    json_t *config = json_pack(
        "{s:s, s:n, s:s, s:s, s:b, s:b, s:b, s:o, s:f, s:n, s:s, s:i, s:o, s:o, s:o, s:b, s:b}",
        "base_model_name_or_path", checkpoint_folder(model->checkpoint), "revision", "bias", "none",
        "peft_type", "LORA", "fan_in_fan_out", 0, "inference_mode", 1, "init_lora_weights", 1, "lora_alpha",
        whole_if_it_is(lora->alpha), "lora_dropout", lora->dropout, "modules_to_save", "task_type",
        "CAUSAL_LM", "r", lora->rank, "rank_pattern", pattern_of(lora, model, names, true), "alpha_pattern",
        pattern_of(lora, model, names, false), "target_modules", targets, "use_dora", 0, "use_rslora",
        (int)lora->rs);
    char *text = config ? json_dumps(config, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
    char *path = file_join(folder, "adapter_config.json", error);
    int result = path ? 0 : -1;
    if (result == 0 && !text) result = error_set(error, ERROR_MEMORY, "%s: not enough memory", path);
    if (result == 0) result = file_write(path, text, strlen(text), error);
    free(path);
    free(text);
    json_decref(config);
    return result;
}

// ---- the weights

// With a copy of what the device holds.
static int save_matrix(struct safetensors_writer *writer, const struct lora *lora, const char *name,
                       struct matrix matrix, enum dtype type, struct error *error) {
    size_t count = matrix.rows * matrix.columns;
    float *values = memory_new(count, sizeof *values, "adapter", error);
    if (!values) return -1;
    device_download(lora->device, values, matrix);
    int result = device_check(lora->device, error);
    // In place: what is written is never longer than what was read.
    for (size_t i = 0; result == 0 && type != DTYPE_F32 && i < count; i++)
        checkpoint_store(type, (char *)values, i, values[i]);
    const struct tensor tensor = {
        .data = values, .dtype = type, .dims = 2, .shape = {matrix.rows, matrix.columns}};
    if (result == 0) result = safetensors_writer_add(writer, name, &tensor, 1, error);
    free(values);
    return result;
}

static int save_weights(const struct lora *lora, const struct model *model, const char *folder,
                        const struct lora_form *form, struct error *error) {
    char *path = file_join(folder, "adapter_model.safetensors", error);
    struct safetensors_writer *writer = path ? safetensors_writer_new(error) : NULL;
    char base[LORA_BASE_SIZE];
    lora_describe_base(model, base);
    int result = writer ? safetensors_writer_metadata(writer, "format", "pt", error) : -1;
    if (result == 0) result = safetensors_writer_metadata(writer, LORA_BASE_KEY, base, error);
    for (size_t i = 0; result == 0 && i < lora->count; i++) {
        const struct lora_module *m = &lora->modules[i];
        char module[160], name[200];
        file_name(model->config->family, m->name, form->names, module, sizeof module);
        snprintf(name, sizeof name, LORA_PREFIX "%s.lora_A.weight", module);
        result = save_matrix(writer, lora, name, lora_a(m), form->type, error);
        snprintf(name, sizeof name, LORA_PREFIX "%s.lora_B.weight", module);
        if (result == 0) result = save_matrix(writer, lora, name, lora_b(m), form->type, error);
    }
    if (result == 0) result = safetensors_writer_save(writer, path, error);
    safetensors_writer_free(writer);
    free(path);
    return result;
}

int lora_save(const struct lora *lora, const struct model *model, const char *folder,
              const struct lora_form *form, struct error *error) {
    if (mkdir(folder, 0777) && errno != EEXIST) return error_set_errno(error, folder, "cannot create");
    if (save_weights(lora, model, folder, form, error)) return -1;
    return save_config(lora, model, folder, form->names, error); // last: a folder without it is no adapter
}

// ---- merging

// The module that is being added, on the host; there is room for the largest.
struct merging {
    const struct lora *lora;
    const struct lora_module *module;
    float *a, *b;
    double *sum; // a row of scale B A
};

static bool is_adapted(void *context, const char *name) {
    const struct merging *merging = context;
    return find_module(merging->lora, name) != NULL;
}

// The product is summed by itself: added term by term it would be rounded at the size of the weight.
static void add_product(void *context, const char *name, size_t row, float *values, size_t columns) {
    struct merging *merging = context;
    const struct lora_module *m = find_module(merging->lora, name);
    if (merging->module != m) { // rows come in order
        device_download(merging->lora->device, merging->a, lora_a(m));
        device_download(merging->lora->device, merging->b, lora_b(m));
        merging->module = m;
    }
    double scale = lora_scale(merging->lora, m);
    memset(merging->sum, 0, columns * sizeof *merging->sum);
    for (size_t k = 0; k < m->rank; k++) {
        double factor = scale * (double)merging->b[row * m->rank + k];
        for (size_t i = 0; i < columns; i++) merging->sum[i] += factor * (double)merging->a[k * m->in + i];
    }
    for (size_t i = 0; i < columns; i++) values[i] = (float)((double)values[i] + merging->sum[i]);
}

int lora_merge(const struct lora *lora, const struct model *model, const char *folder, bool convert,
               enum dtype type, struct error *error) {
    size_t a = 1, b = 1, in = 1;
    for (size_t i = 0; i < lora->count; i++) {
        const struct lora_module *m = &lora->modules[i];
        if (m->rank * m->in > a) a = m->rank * m->in;
        if (m->rank * m->out > b) b = m->rank * m->out;
        if (m->in > in) in = m->in;
    }
    struct merging merging = {.lora = lora,
                              .a = memory_new(a, sizeof(float), "adapter", error),
                              .b = memory_new(b, sizeof(float), "adapter", error),
                              .sum = memory_new(in, sizeof(double), "adapter", error)};
    const struct checkpoint_change change = {.changes = is_adapted,
                                             .change = add_product,
                                             .context = &merging,
                                             .convert = convert,
                                             .type = type,
                                             .may_stop = true};
    int result = merging.a && merging.b && merging.sum
                     ? checkpoint_copy(model->checkpoint, folder, &change, error)
                     : -1;
    if (result == 0) result = device_check(lora->device, error);
    free(merging.a);
    free(merging.b);
    free(merging.sum);
    return result;
}

// ---- a new folder

int lora_check_merge(const char *folder, struct error *error) {
    struct stat status;
    if (lstat(folder, &status) == 0)
        return error_set(error, ERROR_INPUT, "%s: is there already; choose another folder to write", folder);
    char *temporary = folder_make_temporary(folder, error);
    if (!temporary) return -1;
    rmdir(temporary);
    free(temporary);
    return 0;
}

int lora_merge_new(const struct lora *lora, const struct model *model, const char *folder, bool convert,
                   enum dtype type, struct error *error) {
    if (lora_check_merge(folder, error)) return -1;
    char *temporary = folder_make_temporary(folder, error);
    if (!temporary) return -1;
    int noted = temporary_note(temporary, TEMPORARY_FOLDER);
    int result = lora_merge(lora, model, temporary, convert, type, error);
    if (result == 0) result = signals_check(error);
    if (result == 0 && rename(temporary, folder)) result = error_set_errno(error, folder, "cannot rename to");
    if (result) folder_remove(temporary, NULL);
    temporary_forget(noted);
    free(temporary);
    return result;
}
