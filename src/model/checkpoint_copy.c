#include "model/checkpoint_copy.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/signals.h"
#include "model/family.h"

enum { BUFFER_VALUES = 1 << 20 };

// What all tensors of a copy share while they are made, a few rows at a time, one tensor after the other.
struct buffers {
    const struct model_family *family;
    const struct checkpoint_change *change;
    float *row;
    char *bytes;
};

struct changed {
    struct buffers *buffers;
    const struct tensor *tensor;
    char name[128]; // published
    bool changes;   // or is converted only
    size_t next;    // row that the next read begins with
};

static bool is_float(enum dtype type) {
    return type == DTYPE_F32 || type == DTYPE_BF16 || type == DTYPE_F16;
}

static enum dtype written_type(const struct checkpoint_change *change, const struct tensor *tensor) {
    return change->convert && is_float(tensor->dtype) ? change->type : tensor->dtype;
}

static float half_to_f32(uint16_t half) {
    int exponent = half >> 10 & 31;
    float mantissa = (float)(half & 0x3FF), sign = half & 0x8000 ? -1.0f : 1.0f;
    if (exponent == 31) return mantissa > 0 ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexpf(1024 + mantissa, exponent - 25) : ldexpf(mantissa, -24));
}

// Round to nearest even; too large becomes infinite.
static uint16_t f32_to_half(float value) {
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    float size = fabsf(value);
    if (isnan(value)) return sign | 0x7E00;
    if (size >= 65520.0f) return sign | 0x7C00;
    int exponent = size < 0x1p-14f ? -14 : ilogbf(size);
    long steps = lrintf(ldexpf(size, 10 - exponent)); // 1024 .. 2048, less when subnormal
    return (uint16_t)(sign + ((long)(exponent + 14) << 10) + steps);
}

static float load(const struct tensor *tensor, size_t i) {
    if (tensor->dtype == DTYPE_F32) return ((const float *)tensor->data)[i];
    uint16_t half = ((const uint16_t *)tensor->data)[i];
    return tensor->dtype == DTYPE_BF16 ? bf16_to_f32(half) : half_to_f32(half);
}

void checkpoint_store(enum dtype type, char *to, size_t i, float value) {
    uint16_t half = type == DTYPE_BF16 ? f32_to_bf16(value) : f32_to_half(value);
    if (type == DTYPE_F32)
        memcpy(to + i * sizeof value, &value, sizeof value);
    else
        memcpy(to + i * sizeof half, &half, sizeof half);
}

// The writer reads a tensor once, from its start to its end.
static const void *read_rows(void *context, size_t offset, size_t *size, struct error *error) {
    struct changed *c = context;
    const struct checkpoint_change *change = c->buffers->change;
    size_t columns = tensor_columns(c->tensor), total = tensor_rows(c->tensor),
           most = BUFFER_VALUES / columns;
    enum dtype type = written_type(change, c->tensor);
    if (change->may_stop && signals_check(error)) return NULL;
    if (offset == 0) c->next = 0;
    if (most == 0) most = 1;
    size_t rows = total - c->next < most ? total - c->next : most;
    for (size_t r = 0; r < rows; r++, c->next++) {
        float *row = c->buffers->row;
        for (size_t i = 0; i < columns; i++) row[i] = load(c->tensor, c->next * columns + i);
        if (c->changes) change->change(change->context, c->name, c->next, row, columns);
        for (size_t i = 0; i < columns; i++)
            checkpoint_store(type, c->buffers->bytes, r * columns + i, row[i]);
    }
    *size = rows * columns * dtype_size(type);
    return c->buffers->bytes;
}

static int take_buffers(struct buffers *buffers, const struct safetensors *weights, struct error *error) {
    size_t widest = 1;
    for (size_t i = 0; i < safetensors_count(weights); i++) {
        size_t columns = tensor_columns(safetensors_at(weights, i));
        if (columns > widest) widest = columns;
    }
    buffers->row = memory_new(widest, sizeof *buffers->row, "copy of a checkpoint", error);
    size_t values = widest > BUFFER_VALUES ? widest : BUFFER_VALUES;
    buffers->bytes = memory_new(values, sizeof(float), "copy of a checkpoint", error);
    return buffers->row && buffers->bytes ? 0 : -1;
}

static int add_tensor(struct safetensors_writer *writer, const struct safetensors *weights, size_t index,
                      struct changed *changed, struct error *error) {
    const char *name = safetensors_name(weights, index);
    const struct tensor *tensor = safetensors_at(weights, index);
    model_family_publish(changed->buffers->family, name, changed->name, sizeof changed->name);
    const struct checkpoint_change *change = changed->buffers->change;
    enum dtype type = written_type(change, tensor);
    changed->changes = change->changes(change->context, changed->name);
    if (!changed->changes && type == tensor->dtype)
        return safetensors_writer_add(writer, name, tensor, 0, error);
    changed->tensor = safetensors_get(weights, name, error); // aligned, too
    if (!changed->tensor) return -1;
    struct tensor written = *tensor;
    written.dtype = type;
    struct safetensors_source source = {.read = read_rows, .context = changed};
    return safetensors_writer_add_source(writer, name, &written, source, error);
}

// The file of the original at `path`, under the same name in the new folder.
static int copy_weights(const struct safetensors *weights, const char *path, const char *folder,
                        struct changed *changed, struct error *error) {
    const char *name = strrchr(path, '/');
    char *to = file_join(folder, name ? name + 1 : path, error);
    struct safetensors_writer *writer = to ? safetensors_writer_new(error) : NULL;
    int result = writer ? safetensors_writer_metadata(writer, "format", "pt", error) : -1;
    for (size_t i = 0; result == 0 && i < safetensors_count(weights); i++)
        if (strcmp(safetensors_path(weights, safetensors_at(weights, i)), path) == 0)
            result = add_tensor(writer, weights, i, &changed[i], error);
    if (result == 0) result = safetensors_writer_save(writer, to, error);
    safetensors_writer_free(writer);
    free(to);
    return result;
}

static int copy_all_weights(const struct checkpoint *checkpoint, const char *folder,
                            const struct checkpoint_change *change, struct error *error) {
    const struct safetensors *weights = checkpoint_weights(checkpoint);
    size_t count = safetensors_count(weights);
    struct buffers buffers = {.change = change, .family = checkpoint_config(checkpoint)->family};
    struct changed *changed = memory_new(count, sizeof *changed, "copy of a checkpoint", error);
    int result = changed ? take_buffers(&buffers, weights, error) : -1;
    for (size_t i = 0; result == 0 && i < count; i++) changed[i].buffers = &buffers;
    for (size_t i = 0; result == 0 && i < count; i++) {
        const char *path = safetensors_path(weights, safetensors_at(weights, i));
        bool written = false;
        for (size_t k = 0; k < i && !written; k++)
            written = strcmp(safetensors_path(weights, safetensors_at(weights, k)), path) == 0;
        if (!written) result = copy_weights(weights, path, folder, changed, error);
    }
    free(buffers.row);
    free(buffers.bytes);
    free(changed);
    return result;
}

// ---- the small files

// Where the value of the next `"key": ` of a JSON text begins, at or after `at`, with its length up to the
// comma, bracket or space behind it; NULL: none. The files are our own copies, everything else stays as it was.
static const char *find_value(const char *at, const char *key, size_t *length) {
    char quoted[40];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    for (const char *found; (found = strstr(at, quoted)); at = found + 1) {
        const char *value = found + strlen(quoted);
        value += strspn(value, " \t\r\n");
        if (*value != ':') continue;
        value++;
        value += strspn(value, " \t\r\n");
        *length = strcspn(value, ",}] \t\r\n");
        return value;
    }
    return NULL;
}

// The text with every value of `key` replaced; *replaced counts them.
static char *replace_values(char *text, const char *key, const char *value, size_t *replaced) {
    struct buffer out = {0};
    const char *at = text;
    size_t length;
    for (const char *found; (found = find_value(at, key, &length)); at = found + length) {
        buffer_add(&out, at, (size_t)(found - at));
        buffer_add_text(&out, value);
        ++*replaced;
    }
    buffer_add_text(&out, at);
    free(text);
    return buffer_take(&out);
}

static const char *torch_name(enum dtype type) {
    return type == DTYPE_F32 ? "\"float32\"" : type == DTYPE_BF16 ? "\"bfloat16\"" : "\"float16\"";
}

// "torch_dtype" and, since transformers 5, "dtype".
static char *convert_config(char *text, enum dtype type) {
    size_t replaced = 0;
    text = replace_values(text, "torch_dtype", torch_name(type), &replaced);
    if (text) text = replace_values(text, "dtype", torch_name(type), &replaced);
    const char *brace = text ? strchr(text, '{') : NULL;
    if (replaced || !brace) return text;
    struct buffer out = {0};
    buffer_format(&out, "%.*s\n  \"torch_dtype\": %s,%s", (int)(brace + 1 - text), text, torch_name(type),
                  brace + 1);
    free(text);
    return buffer_take(&out);
}

static char *convert_index(char *text, const struct checkpoint_change *change,
                           const struct safetensors *weights) {
    size_t total = 0, replaced = 0;
    for (size_t i = 0; i < safetensors_count(weights); i++) {
        struct tensor tensor = *safetensors_at(weights, i);
        tensor.dtype = written_type(change, &tensor);
        total += tensor_bytes(&tensor);
    }
    char number[24];
    snprintf(number, sizeof number, "%zu", total);
    return replace_values(text, "total_size", number, &replaced);
}

static int copy_file(const struct checkpoint *from, const char *to, const char *name,
                     const struct checkpoint_change *change, struct error *error) {
    size_t length;
    char *source = file_join(checkpoint_folder(from), name, error), *target = file_join(to, name, error),
         *data = NULL;
    int result = source && target ? 0 : -1;
    if (result == 0 && file_exists(source)) {
        data = file_read(source, (size_t)1 << 30, &length, error);
        bool config = strcmp(name, "config.json") == 0, index = strstr(name, "index.json") != NULL;
        if (data && change->convert && (config || index)) {
            data = config ? convert_config(data, change->type)
                          : convert_index(data, change, checkpoint_weights(from));
            if (data)
                length = strlen(data);
            else
                error_set(error, ERROR_MEMORY, "%s: not enough memory", target);
        }
        result = data ? file_write(target, data, length, error) : -1;
    }
    free(data);
    free(target);
    free(source);
    return result;
}

static bool same_folder(const char *a, const char *b) {
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

int checkpoint_copy(const struct checkpoint *from, const char *folder, const struct checkpoint_change *change,
                    struct error *error) {
    static const char *const names[] = {"model.safetensors.index.json",
                                        "generation_config.json",
                                        "preprocessor_config.json",
                                        "video_preprocessor_config.json",
                                        "processor_config.json",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "chat_template.json",
                                        "chat_template.jinja",
                                        "vocab.json",
                                        "merges.txt",
                                        "added_tokens.json",
                                        "special_tokens_map.json",
                                        "config.json"};
    const char *original = checkpoint_folder(from);
    if (mkdir(folder, 0777) && errno != EEXIST) return error_set_errno(error, folder, "cannot create");
    if (same_folder(original, folder))
        return error_set(error, ERROR_USAGE, "%s: is the checkpoint itself; write to another folder", folder);
    int result = copy_all_weights(from, folder, change, error);
    for (size_t i = 0; result == 0 && i < sizeof names / sizeof *names; i++)
        result = copy_file(from, folder, names[i], change, error);
    return result;
}
