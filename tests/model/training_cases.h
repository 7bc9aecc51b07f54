// The golden batches of training/ and grpo/ (golden_data), ready for a training pass. How many samples, completions
// and tokens there are is what the files say.
#ifndef GLOBE_TESTS_TRAINING_CASES_H
#define GLOBE_TESTS_TRAINING_CASES_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/model_internal.h"
#include "model/training.h"
#include "photo/decode.h"
#include "support_device.h"

// One prompt with its completions.
struct golden_group {
    struct prompt prompt;
    struct prompt_completion *completions;
    size_t count; // of completions
    int32_t *ids; // of all completions, one after the other
};

// The SFT batch: a group of one completion for every sample.
struct golden_batch {
    struct golden_group *samples;
    struct prompt_group *groups; // the same, for a pass
    size_t count;
    size_t tokens; // of all completions
};

static inline struct model *open_test_model(const char *folder, enum model_type type, int threads,
                                            const char *isa) {
    struct error error = {0};
    const struct model_options options = {.type = type, .threads = threads, .isa = isa ? isa : test_isa()};
    struct model *model = model_open(folder, &options, &error);
    assert_got(model, error);
    return model;
}

static inline struct model *golden_model(const char *name, enum model_type type, int threads,
                                         const char *isa) {
    return open_test_model(golden_data("%s", name), type, threads, isa);
}

// Our own, whatever the goldens are of: for what has names and sizes in it.
static inline struct model *tiny_model(const char *name) {
    return open_test_model(test_data("%s", name), MODEL_TYPE_F32, 0, NULL);
}

static inline json_t *golden_json(const char *path) {
    struct error error = {0};
    json_t *json = json_read_file(golden_data("%s", path), 1 << 22, &error);
    assert_got(json, error);
    return json;
}

static inline double golden_number(const json_t *object, const char *key) {
    const json_t *number = json_object_get(object, key);
    if (!json_is_number(number)) fail_msg("\"%s\" is no number of the golden file", key);
    return json_number_value(number);
}

// A number of a model's config.json, of its section when `section` is not NULL.
static inline size_t golden_config(const char *model, const char *section, const char *key) {
    struct error error = {0};
    json_t *config = json_read_file(golden_data("%s/config.json", model), 1 << 20, &error);
    assert_got(config, error);
    double value = golden_number(section ? json_object_get(config, section) : config, key);
    json_decref(config);
    return (size_t)value;
}

static inline struct safetensors *golden_tensors(const char *path) {
    struct error error = {0};
    struct safetensors *file = safetensors_open(golden_data("%s", path), &error);
    assert_got(file, error);
    return file;
}

static inline const struct tensor *golden_find(const struct safetensors *file, const char *name) {
    const struct tensor *tensor = safetensors_find(file, name);
    if (!tensor) fail_msg("%s is missing", name);
    return tensor;
}

// The prompt of an object with "messages" and "max_pixels".
static inline void golden_prompt(struct prompt *prompt, struct model *model, const json_t *spec) {
    struct error error = {0};
    struct chat chat = {0};
    struct image images[CHAT_MAX_IMAGES] = {{0}};
    char *text = json_dumps(json_object_get(spec, "messages"), 0);
    assert_ok(chat_read_json(&chat, text, strlen(text), "messages", &error), error);
    free(text);
    size_t count = 0;
    const struct photo_options options = {.ignore_orientation = true, .as_pillow = true};
    for (size_t m = 0; m < chat.count; m++)
        for (size_t p = 0; p < chat.messages[m].part_count; p++)
            if (chat.messages[m].parts[p].kind == CHAT_IMAGE)
                assert_ok(photo_decode_file(&images[count++],
                                            golden_data("images/%s", chat.messages[m].parts[p].text),
                                            &options, NULL, &error),
                          error);
    model->preprocessor.max_pixels = (size_t)json_integer_value(json_object_get(spec, "max_pixels"));
    assert_ok(prompt_build(prompt, model, &chat, images, count, &error), error);
    for (size_t i = 0; i < count; i++) image_free(&images[i]);
    chat_free(&chat);
}

static inline void golden_reserve(struct golden_group *group, size_t completions, size_t tokens) {
    group->completions = calloc(completions + 1, sizeof *group->completions);
    group->ids = calloc(tokens + 1, sizeof *group->ids);
    assert_true(group->completions && group->ids);
}

static inline void golden_add(struct golden_group *group, const int64_t *ids, size_t count) {
    const struct prompt_completion *last = group->count ? &group->completions[group->count - 1] : NULL;
    int32_t *own = last ? group->ids + (last->ids - group->ids) + last->count : group->ids;
    for (size_t i = 0; i < count; i++) own[i] = (int32_t)ids[i];
    group->completions[group->count++] = (struct prompt_completion){own, count};
}

static inline void golden_free(struct golden_group *group) {
    prompt_free(&group->prompt);
    free(group->completions);
    free(group->ids);
}

// All tokens of the completions.
static inline size_t golden_tokens(const struct golden_group *group) {
    size_t tokens = 0;
    for (size_t i = 0; i < group->count; i++) tokens += group->completions[i].count;
    return tokens;
}

// Sample `index` of the SFT batch: what has labels is the completion.
static inline void golden_sft(struct golden_group *group, struct model *model, const json_t *json,
                              const struct safetensors *batch, size_t index) {
    char name[64];
    *group = (struct golden_group){0};
    golden_prompt(&group->prompt, model, json_array_get(json_object_get(json, "samples"), index));
    snprintf(name, sizeof name, "sample%zu.input_ids", index);
    const struct tensor *ids = golden_find(batch, name);
    snprintf(name, sizeof name, "sample%zu.labels", index);
    const int64_t *labels = golden_find(batch, name)->data, *all = ids->data;
    size_t prompt = group->prompt.ids.count, count = tensor_count(ids);
    for (size_t i = 0; i < count; i++) {
        assert_true((labels[i] == -100) == (i < prompt));
        if (i < prompt) assert_int_equal(all[i], group->prompt.ids.data[i]);
    }
    golden_reserve(group, 1, count - prompt);
    golden_add(group, all + prompt, count - prompt);
}

static inline struct prompt_group golden_whole(const struct golden_group *group) {
    return (struct prompt_group){
        .prompt = &group->prompt, .completions = group->completions, .completion_count = group->count};
}

static inline void golden_batch_open(struct golden_batch *batch, struct model *model) {
    json_t *json = golden_json("training/expected.json");
    struct safetensors *tensors = golden_tensors("training/sft_batch.safetensors");
    *batch = (struct golden_batch){.count = json_array_size(json_object_get(json, "samples"))};
    require(batch->count);
    batch->samples = calloc(batch->count, sizeof *batch->samples);
    batch->groups = calloc(batch->count, sizeof *batch->groups);
    for (size_t i = 0; i < batch->count; i++) {
        golden_sft(&batch->samples[i], model, json, tensors, i);
        batch->groups[i] = golden_whole(&batch->samples[i]);
        batch->tokens += golden_tokens(&batch->samples[i]);
    }
    safetensors_free(tensors);
    json_decref(json);
}

static inline void golden_batch_free(struct golden_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) golden_free(&batch->samples[i]);
    free(batch->samples);
    free(batch->groups);
}

// The GRPO group: one prompt, several completions.
static inline void golden_grpo(struct golden_group *group, struct model *model) {
    json_t *json = golden_json("grpo/expected.json");
    struct safetensors *inputs = golden_tensors("grpo/inputs.safetensors");
    *group = (struct golden_group){0};
    golden_prompt(&group->prompt, model, json);
    const struct tensor *ids = golden_find(inputs, "completion_ids"),
                        *mask = golden_find(inputs, "completion_mask");
    size_t completions = ids->shape[0], width = tensor_columns(ids);
    golden_reserve(group, completions, completions * width);
    for (size_t i = 0; i < completions; i++) {
        size_t count = 0;
        while (count < width && ((const float *)mask->data)[i * width + count] > 0) count++;
        golden_add(group, (const int64_t *)ids->data + i * width, count);
    }
    assert_true(completions > 1);
    safetensors_free(inputs);
    json_decref(json);
}

// Cross entropy, the mean over all tokens: context is NULL.
static inline double cross_entropy(void *context, const float *log_probs, float *derivatives, size_t count) {
    double loss = 0;
    (void)context;
    for (size_t i = 0; i < count; i++) {
        loss -= (double)log_probs[i];
        derivatives[i] = (float)(-1.0 / (double)count);
    }
    return loss / (double)count;
}

// Host copies: see on_host.
static inline float *gradient_of(struct training *training, const struct parameter *p) {
    return on_host(training_device(training), p->gradient, p->count);
}
static inline float *value_of(struct training *training, const struct parameter *p) {
    return on_host(training_device(training), p->value, p->count);
}
static inline void set_value(struct training *training, const struct parameter *p, const float *values) {
    to_device(training_device(training), p->value, values, p->count);
}

static inline double gradient_norm(struct training *training) {
    double sum = 0;
    for (size_t i = 0; i < training_parameter_count(training); i++) {
        const struct parameter *p = training_parameter(training, i);
        const float *gradient = gradient_of(training, p);
        for (size_t k = 0; k < p->count; k++) sum += (double)gradient[k] * (double)gradient[k];
    }
    return sqrt(sum);
}

static inline struct parameter *find_parameter(struct training *training, const char *name) {
    for (size_t i = 0; i < training_parameter_count(training); i++)
        if (strcmp(training_parameter(training, i)->name, name) == 0) return training_parameter(training, i);
    fail_msg("there is no parameter %s", name);
    return NULL;
}

// norm(got - want) / norm(want)
static inline double distance(const float *got, const float *want, size_t count) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        double d = (double)got[i] - (double)want[i];
        difference += d * d;
        size += (double)want[i] * (double)want[i];
    }
    return sqrt(difference) / (sqrt(size) + 1e-30);
}

static inline void check_gradient(struct training *training, const struct parameter *p,
                                  const struct tensor *want, double tolerance) {
    assert_int_equal(p->count, tensor_count(want));
    assert_int_equal(p->dims, want->dims);
    for (int i = 0; i < p->dims; i++) assert_int_equal(p->shape[i], want->shape[i]);
    double off = distance(gradient_of(training, p), want->data, p->count);
    if (!(off <= tolerance)) fail_msg("gradient of %s: off by %.3g (%.3g allowed)", p->name, off, tolerance);
}

#endif
