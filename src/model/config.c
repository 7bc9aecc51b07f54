#include "model/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "model/config_internal.h"
#include "model/family.h"

enum { MAX_CONFIG = 4 << 20 }; // bytes; real ones have a few thousand

bool config_has_key(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return value && !json_is_null(value);
}

// The object that holds a text key: text_config where there is one, else the top level.
const json_t *config_holder(const struct config_file *file, const char *key) {
    return config_has_key(file->text, key) ? file->text : file->top;
}

int config_missing(const char *name, const char *key, struct error *error) {
    return error_set(error, ERROR_MODEL, "%s: \"%s\" is missing", name, key);
}

int config_read_field(const json_t *object, const struct config_field *field, void *base, const char *name,
                      struct error *error) {
    int64_t value = field->fallback;
    if (field->fallback == CONFIG_REQUIRED && !config_has_key(object, field->key))
        return config_missing(name, field->key, error);
    if (json_get_integer(object, field->key, field->low, field->high, &value, name, error)) return -1;
    *(int *)(void *)((char *)base + field->offset) = (int)value;
    return 0;
}

int config_read_number(const json_t *object, const char *key, double low, double high, double *value,
                       const char *name, struct error *error) {
    if (!config_has_key(object, key)) return config_missing(name, key, error);
    return json_get_number(object, key, low, high, value, name, error);
}

// A list of at most `limit` integers, or one integer alone. A missing key leaves everything as it is.
int config_read_list(const json_t *object, const char *key, int64_t low, int64_t high, int *list, int limit,
                     int *count, const char *name, struct error *error) {
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) return 0;
    size_t size = json_is_array(value) ? json_array_size(value) : 1;
    if (size > (size_t)limit)
        return error_set(error, ERROR_MODEL, "%s: \"%s\" lists %zu values, at most %d are supported", name,
                         key, size, limit);
    for (size_t i = 0; i < size; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_integer(item))
            return error_set(error, ERROR_MODEL, "%s: \"%s\" holds something that is not an integer", name,
                             key);
        json_int_t number = json_integer_value(item);
        if (number < low || number > high)
            return error_set(error, ERROR_MODEL, "%s: \"%s\" holds %lld, expected %lld to %lld", name, key,
                             (long long)number, (long long)low, (long long)high);
        list[i] = (int)number;
    }
    *count = (int)size;
    return 0;
}

// ---- what kind of model --------------------------------------------------------------------------------

static bool has_architecture(const json_t *top, const char *architecture) {
    const json_t *list = json_object_get(top, "architectures"), *value;
    size_t i;
    json_array_foreach(list, i, value) {
        const char *text = json_string_value(value);
        if (text && strcmp(text, architecture) == 0) return true;
    }
    return false;
}

// By its model_type; the architectures stand in for one that is missing.
static int find_family(const struct config_file *file, const struct model_family **family,
                       struct error *error) {
    const char *type = NULL;
    char known[200] = "";
    size_t used = 0;
    if (json_get_string(file->top, "model_type", &type, file->name, error)) return -1;
    for (size_t i = 0; model_families[i]; i++) {
        *family = model_families[i];
        if (type ? strcmp(type, (*family)->name) == 0 : has_architecture(file->top, (*family)->architecture))
            return 0;
        used +=
            (size_t)snprintf(known + used, sizeof known - used, "%s\"%s\"", i ? ", " : "", (*family)->name);
    }
    return error_set(error, ERROR_MODEL, "%s: model_type is \"%.60s\"; the families that can be run are: %s",
                     file->name, type ? type : "(missing)", known);
}

bool vision_is_full(const struct vision_config *vision, int block) {
    for (int i = 0; i < vision->full_count; i++)
        if (vision->full_blocks[i] == block) return true;
    return false;
}

// ---- the whole -----------------------------------------------------------------------------------------

static int check_id(int32_t id, const char *key, int vocab, const char *name, struct error *error) {
    if (id >= vocab)
        return error_set(error, ERROR_MODEL, "%s: \"%s\" is %d, expected less than \"vocab_size\", %d", name,
                         key, (int)id, vocab);
    return 0;
}

static int read_dtype(const struct config_file *file, enum dtype *dtype, struct error *error) {
    const char *key = config_has_key(config_holder(file, "dtype"), "dtype") ? "dtype" : "torch_dtype";
    const char *text = "bfloat16";
    if (json_get_string(config_holder(file, key), key, &text, file->name, error)) return -1;
    if (strcmp(text, "bfloat16") == 0)
        *dtype = DTYPE_BF16;
    else if (strcmp(text, "float16") == 0)
        *dtype = DTYPE_F16;
    else if (strcmp(text, "float32") == 0)
        *dtype = DTYPE_F32;
    else
        return error_set(error, ERROR_MODEL, "%s: \"%s\" is \"%.40s\", expected bfloat16, float16 or float32",
                         file->name, key, text);
    return 0;
}

// A nested object; *part stays NULL when there is none.
static int find_part(const json_t *top, const char *key, const json_t **part, const char *name,
                     struct error *error) {
    if (!config_has_key(top, key)) return 0;
    *part = json_object_get(top, key);
    if (!json_is_object(*part))
        return error_set(error, ERROR_MODEL, "%s: \"%s\" is not an object", name, key);
    return 0;
}

// Weights of other types than numbers.
static int check_quantisation(const struct config_file *file, struct error *error) {
    static const char *const keys[] = {"quantization_config", "quantization", "compression_config"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *group = json_object_get(config_holder(file, keys[i]), keys[i]);
        if (!group || json_is_null(group)) continue;
        const char *method = json_string_value(json_object_get(group, "quant_method"));
        return error_set(error, ERROR_MODEL,
                         "%s: \"%s\": quantised weights (%.40s) are not supported; use the BF16 checkpoint",
                         file->name, keys[i], method ? method : "unknown method");
    }
    return 0;
}

static int read_config(struct model_config *config, const json_t *top, const char *name,
                       struct error *error) {
    char vision_name[400];
    snprintf(vision_name, sizeof vision_name, "%.360s: vision_config", name);
    struct config_file file = {.name = name, .vision_name = vision_name, .top = top};
    *config = (struct model_config){0};
    if (!json_is_object(top)) return error_set(error, ERROR_MODEL, "%s: not a JSON object", name);
    if (find_family(&file, &config->family, error) || check_quantisation(&file, error) ||
        find_part(top, "text_config", &file.text, name, error) ||
        find_part(top, "vision_config", &file.vision, name, error))
        return -1;
    if (!file.vision) return config_missing(name, "vision_config", error);
    if (config->family->read_config(config, &file, error) || read_dtype(&file, &config->dtype, error))
        return -1;
    const char *itself = "";
    if (json_get_string(top, "_name_or_path", &itself, name, error)) return -1;
    snprintf(config->name, sizeof config->name, "%s", itself);
    if (check_id(config->text.bos, "bos_token_id", config->text.vocab, name, error)) return -1;
    return check_id(config->text.eos, "eos_token_id", config->text.vocab, name, error);
}

// Whatever is wrong with these files is wrong with the model.
static int as_model_error(int result, struct error *error) {
    if (result && error && error->code == ERROR_INPUT) error->code = ERROR_MODEL;
    return result;
}

int model_config_parse(struct model_config *config, const char *json, size_t length, const char *name,
                       struct error *error) {
    json_t *top = json_read_buffer(json, length, name, error);
    int result = top ? read_config(config, top, name, error) : -1;
    json_decref(top);
    return as_model_error(result, error);
}

int model_config_read(struct model_config *config, const char *folder, struct error *error) {
    char *path = file_join(folder, "config.json", error);
    json_t *top = path ? json_read_file(path, MAX_CONFIG, error) : NULL;
    int result = top ? read_config(config, top, path, error) : -1;
    json_decref(top);
    free(path);
    return as_model_error(result, error);
}

// ---- generation_config.json ----------------------------------------------------------------------------

static int read_default(const json_t *object, const char *key, double low, double high, bool *has,
                        double *value, const char *name, struct error *error) {
    *has = config_has_key(object, key);
    return json_get_number(object, key, low, high, value, name, error);
}

static int read_default_integer(const json_t *object, const char *key, int low, bool *has, int *value,
                                const char *name, struct error *error) {
    int64_t number = *value;
    *has = config_has_key(object, key);
    if (json_get_integer(object, key, low, INT32_MAX, &number, name, error)) return -1;
    *value = (int)number;
    return 0;
}

static int read_defaults(struct generation_defaults *defaults, const json_t *top, const char *name,
                         struct error *error) {
    struct generation_defaults *d = defaults;
    *d = (struct generation_defaults){0};
    if (!json_is_object(top)) return error_set(error, ERROR_MODEL, "%s: not a JSON object", name);
    d->has_do_sample = config_has_key(top, "do_sample");
    if (config_read_list(top, "eos_token_id", 0, INT32_MAX, d->eos, GENERATION_MAX_EOS, &d->eos_count, name,
                         error) ||
        json_get_boolean(top, "do_sample", &d->do_sample, name, error) ||
        read_default(top, "temperature", 0, 100, &d->has_temperature, &d->temperature, name, error) ||
        read_default(top, "top_p", 0, 1, &d->has_top_p, &d->top_p, name, error) ||
        read_default(top, "min_p", 0, 1, &d->has_min_p, &d->min_p, name, error) ||
        read_default(top, "repetition_penalty", 0.01, 100, &d->has_repetition_penalty, &d->repetition_penalty,
                     name, error) ||
        read_default_integer(top, "top_k", -1, &d->has_top_k, &d->top_k, name, error) ||
        read_default_integer(top, "max_new_tokens", 1, &d->has_max_new_tokens, &d->max_new_tokens, name,
                             error))
        return -1;
    if (d->top_k < 0) d->top_k = 0; // vLLM writes "all" as -1
    return 0;
}

int generation_defaults_parse(struct generation_defaults *defaults, const char *json, size_t length,
                              const char *name, struct error *error) {
    json_t *top = json_read_buffer(json, length, name, error);
    int result = top ? read_defaults(defaults, top, name, error) : -1;
    json_decref(top);
    return as_model_error(result, error);
}

int generation_defaults_read(struct generation_defaults *defaults, const char *folder, struct error *error) {
    *defaults = (struct generation_defaults){0};
    char *path = file_join(folder, "generation_config.json", error);
    if (!path) return -1;
    int result = 0;
    if (file_exists(path)) {
        json_t *top = json_read_file(path, MAX_CONFIG, error);
        result = top ? read_defaults(defaults, top, path, error) : -1;
        json_decref(top);
    }
    free(path);
    return as_model_error(result, error);
}
