// LoRA adapters in inference: PEFT folders in and out, switching, merging.
#include "support.h"

#include "training_cases.h"

#include <sys/stat.h>

#include "base/file.h"
#include "model/lora.h"

static const char tiny[] = "qwen2_5_vl_tiny", tied[] = "qwen2_5_vl_tiny_tied";

// Cross entropy of the SFT batch through the inference path.
static double batch_loss(struct model *model, const struct golden_batch *batch) {
    struct error error = {0};
    double loss = 0;
    float *log_probs = malloc(batch->tokens * sizeof *log_probs),
          *last = malloc((size_t)model->config->text.vocab * sizeof *last);
    for (size_t i = 0; i < batch->count; i++) {
        const struct prompt *prompt = &batch->samples[i].prompt;
        const struct prompt_completion *c = &batch->samples[i].completions[0];
        struct kv_cache cache;
        assert_ok(model_cache_open(model, &cache, prompt->ids.count, &error), error);
        assert_ok(model_prefill(model, prompt, &cache, last, NULL, NULL, &error), error);
        assert_ok(model_score(model, prompt, &cache, last, c->ids, c->count, log_probs, &error), error);
        kv_cache_close(&cache);
        for (size_t t = 0; t < c->count; t++) loss -= (double)log_probs[t];
    }
    free(last);
    free(log_probs);
    return loss / (double)batch->tokens;
}

struct fixture {
    struct model *model;
    struct golden_batch batch;
    double base, adapted; // golden losses
    size_t modules;       // of the golden adapter
    double rank, alpha;   // likewise
};

static void fixture_open(struct fixture *f, enum model_type type) {
    f->model = golden_model(tiny, type, 0, NULL);
    golden_batch_open(&f->batch, f->model);
    json_t *json = golden_json("training/expected.json"), *lora = json_object_get(json, "lora");
    f->base = golden_number(json, "loss");
    f->adapted = golden_number(lora, "loss");
    f->rank = golden_number(lora, "r");
    f->alpha = golden_number(lora, "alpha");
    assert_true(fabs(f->base - f->adapted) > 1e-3);
    json_decref(json);
    struct safetensors *file = golden_tensors("training/lora_adapter/adapter_model.safetensors");
    f->modules = safetensors_count(file) / 2; // A and B
    safetensors_free(file);
}

static void fixture_free(struct fixture *f) {
    golden_batch_free(&f->batch);
    model_close(f->model);
}

// Two adapters and none over one copy of the weights, in turns.
static void test_switching(void **state) {
    (void)state;
    struct error error = {0};
    struct fixture f;
    fixture_open(&f, MODEL_TYPE_F32);
    struct lora *golden = lora_open(f.model, golden_data("training/lora_adapter"), &error);
    assert_got(golden, error);
    assert_int_equal(lora_count(golden), f.modules);
    const struct lora_options options = {.rank = 2, .alpha = 3, .seed = 1};
    struct lora *fresh = lora_new(f.model, &options, &error);
    assert_got(fresh, error);
    double plain = batch_loss(f.model, &f.batch);
    assert_true(fabs(plain - f.base) < 1e-4);
    for (int i = 0; i < 2; i++) {
        lora_use(f.model, golden);
        assert_near(batch_loss(f.model, &f.batch), f.adapted, 1e-4);
        lora_use(f.model, fresh); // B is zero: the base
        assert_true(fabs(batch_loss(f.model, &f.batch) - plain) < 1e-9);
        lora_use(f.model, NULL);
        assert_true(batch_loss(f.model, &f.batch) == plain);
    }
    lora_use(f.model, fresh);
    struct lora_module *m = NULL;
    for (size_t i = 0; i < lora_count(fresh) && !m; i++)
        if (strstr(lora_module_at(fresh, i)->name, "mlp.down_proj")) m = lora_module_at(fresh, i);
    assert_non_null(m);
    float *b = on_host(f.model->device, m->b, m->out * m->rank);
    for (size_t i = 0; i < m->out * m->rank; i++) b[i] = 0.5f;
    to_device(f.model->device, m->b, b, m->out * m->rank);
    lora_refresh(fresh); // reaches the model that uses it
    assert_true(fabs(batch_loss(f.model, &f.batch) - plain) > 1e-4);
    lora_use(f.model, NULL);
    assert_true(batch_loss(f.model, &f.batch) == plain);
    lora_free(golden), lora_free(fresh);
    fixture_free(&f);
}

// An adapter whose B is not zero: of the language model, or of the tower and the merger too.
static struct lora *marked_adapter(struct model *model, const char *targets, int rank, uint64_t seed) {
    struct error error = {0};
    const struct lora_options options = {.rank = rank, .alpha = 4, .targets = targets, .seed = seed};
    struct lora *lora = lora_new(model, &options, &error);
    assert_got(lora, error);
    for (size_t i = 0; i < lora_count(lora); i++) {
        struct lora_module *m = lora_module_at(lora, i);
        size_t count = m->out * m->rank;
        float *b = on_host(model->device, m->b, count);
        for (size_t k = 0; k < count; k++) b[k] = 0.02f * (float)((k * 7 + i + seed) % 11) - 0.1f;
        to_device(model->device, m->b, b, count);
    }
    lora_refresh(lora);
    return lora;
}

enum { MIXED = 5, MIXED_STEPS = 3 };

// Reads the prompt and decodes given tokens: logits [MIXED_STEPS, vocab] of the sequences, each through its
// adapter, in one batch.
static void decode_mixed(struct model *model, const struct prompt *prompt, const struct lora *const *adapters,
                         size_t count, const int32_t (*tokens)[MIXED_STEPS], float *logits) {
    struct error error = {0};
    size_t vocab = (size_t)model->config->text.vocab;
    struct kv_cache prefixes[MIXED], own[MIXED];
    struct decoder_sequence sequences[MIXED];
    float *step = malloc(MIXED * vocab * sizeof *step);
    for (size_t i = 0; i < count; i++) {
        assert_ok(model_cache_open(model, &prefixes[i], prompt->ids.count, &error), error);
        prefixes[i].adapter = adapters[i];
        assert_ok(model_prefill(model, prompt, &prefixes[i], step, NULL, NULL, &error), error);
        assert_ok(model_cache_open(model, &own[i], MIXED_STEPS, &error), error);
        own[i].adapter = adapters[i];
        sequences[i] = (struct decoder_sequence){.prefix = &prefixes[i], .own = &own[i], .tokens = 1};
    }
    for (size_t t = 0; t < MIXED_STEPS; t++) {
        int32_t ids[MIXED], positions[MIXED];
        for (size_t i = 0; i < count; i++) {
            ids[i] = tokens[i][t];
            positions[i] = prompt->next_position + (int32_t)t;
        }
        assert_ok(model_decode(model, ids, positions, sequences, count, step, &error), error);
        for (size_t i = 0; i < count; i++)
            memcpy(logits + (i * MIXED_STEPS + t) * vocab, step + i * vocab, vocab * sizeof *step);
    }
    // A sequence does not go on with another's prompt.
    sequences[0].own->adapter = adapters[0] == lora_none() ? adapters[count - 1] : lora_none();
    sequences[0].own->rows = 0;
    if (count > 1)
        assert_error(model_decode(model, tokens[0], &(int32_t){0}, sequences, 1, step, &error), error,
                     ERROR_INTERNAL, "different adapters");
    for (size_t i = 0; i < count; i++) kv_cache_close(&prefixes[i]), kv_cache_close(&own[i]);
    free(step);
}

// One batch whose sequences go through two adapters and none, beside runs of each alone. The sums of a product
// over one row are made in another order than those over five, so what is equal is equal within rounding.
static void test_mixed_decode(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f, MODEL_TYPE_F32);
    struct lora *text = marked_adapter(f.model, NULL, 3, 1), *all = marked_adapter(f.model, ".*", 2, 2);
    const struct lora *adapters[MIXED] = {text, lora_none(), all, all, text};
    static const int32_t tokens[MIXED][MIXED_STEPS] = {{5, 6, 7}, {5, 6, 7}, {5, 6, 7}, {9, 8, 7}, {5, 6, 7}};
    size_t vocab = (size_t)f.model->config->text.vocab, count = MIXED_STEPS * vocab;
    float *mixed = malloc(MIXED * count * sizeof *mixed), *alone = malloc(count * sizeof *alone);
    lora_use(f.model, all); // is the default of none of them
    decode_mixed(f.model, &f.batch.samples[0].prompt, adapters, MIXED, tokens, mixed);
    for (size_t i = 0; i < MIXED; i++) {
        decode_mixed(f.model, &f.batch.samples[0].prompt, &adapters[i], 1, &tokens[i], alone);
        double off = distance(mixed + i * count, alone, count);
        if (!(off < 1e-6)) fail_msg("sequence %zu: off by %.3g", i, off);
    }
    assert_memory_equal(mixed, mixed + 4 * count, count * sizeof *mixed); // the same adapter and tokens
    assert_true(distance(mixed, mixed + count, count) > 1e-3);
    assert_true(distance(mixed + 2 * count, mixed + count, count) > 1e-3);
    assert_true(distance(mixed, mixed + 2 * count, count) > 1e-3);
    lora_use(f.model, NULL);
    free(mixed), free(alone);
    lora_free(text), lora_free(all);
    fixture_free(&f);
}

// Policy, reference and reward over one base: groups of one scoring pass, each through its adapter.
static void test_mixed_scores(void **state) {
    (void)state;
    struct error error = {0};
    struct fixture f;
    fixture_open(&f, MODEL_TYPE_F32);
    struct lora *text = marked_adapter(f.model, NULL, 3, 1), *all = marked_adapter(f.model, ".*", 2, 2);
    const struct lora *adapters[] = {text, lora_none(), all, NULL};
    enum { GROUPS = 4 };
    struct prompt_group groups[GROUPS];
    size_t tokens = golden_tokens(&f.batch.samples[0]);
    float *mixed = malloc(GROUPS * tokens * sizeof *mixed), *alone = malloc(tokens * sizeof *alone);
    lora_use(f.model, text);
    for (size_t i = 0; i < GROUPS; i++) {
        groups[i] = f.batch.groups[0];
        groups[i].adapter = adapters[i];
    }
    assert_ok(model_score_groups(f.model, groups, GROUPS, 1, mixed, &error), error);
    for (size_t i = 0; i < GROUPS; i++) {
        assert_ok(model_score_groups(f.model, &groups[i], 1, 1, alone, &error), error);
        double off = distance(mixed + i * tokens, alone, tokens);
        if (!(off < 1e-6)) fail_msg("group %zu: off by %.3g", i, off);
    }
    assert_true(distance(mixed, mixed + tokens, tokens) > 1e-3);
    assert_true(distance(mixed, mixed + 2 * tokens, tokens) > 1e-3);
    assert_true(distance(mixed, mixed + 3 * tokens, tokens) < 1e-6); // NULL: the model's own
    // An adapter of another model is refused.
    struct model *other = golden_model(tied, MODEL_TYPE_F32, 0, NULL);
    assert_error(model_score_groups(other, groups, 1, 1, alone, &error), error, ERROR_INTERNAL,
                 "another model");
    model_close(other);
    free(mixed), free(alone);
    lora_use(f.model, NULL);
    lora_free(text), lora_free(all);
    fixture_free(&f);
}

static void test_bf16(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f, MODEL_TYPE_BF16);
    if (f.model->device->fast_type == DTYPE_BF16) {
        struct error error = {0};
        struct lora *lora = lora_open(f.model, golden_data("training/lora_adapter"), &error);
        assert_got(lora, error);
        double plain = batch_loss(f.model, &f.batch);
        lora_use(f.model, lora);
        double adapted = batch_loss(f.model, &f.batch);
        assert_true(fabs(plain - f.base) < 0.05 && fabs(adapted - f.adapted) < 0.05 && plain != adapted);
        lora_use(f.model, NULL);
        lora_free(lora);
    }
    fixture_free(&f);
}

// model_open with an adapter, as `--adapter` does.
static void test_open_with(void **state) {
    (void)state;
    struct error error = {0};
    struct fixture f;
    fixture_open(&f, MODEL_TYPE_F32);
    const struct model_options with = {.type = MODEL_TYPE_F32,
                                       .adapter = golden_data("training/lora_adapter")};
    struct model *model = model_open(golden_data("%s", tiny), &with, &error);
    assert_got(model, error);
    assert_near(batch_loss(model, &f.batch), f.adapted, 1e-4);
    model_close(model);
    const struct model_options missing = {.adapter = "/nowhere"};
    assert_error(!model_open(golden_data("%s", tiny), &missing, &error), error, ERROR_MODEL, "/nowhere");
    fixture_free(&f);
}

static void test_save(void **state) {
    (void)state;
    struct error error = {0};
    struct fixture f;
    fixture_open(&f, MODEL_TYPE_F32);
    struct lora *lora = lora_open(f.model, golden_data("training/lora_adapter"), &error);
    assert_got(lora, error);
    const char *folder = test_temporary("adapter");
    const struct lora_form old = {.names = LORA_NAMES_OLD, .type = DTYPE_F32};
    assert_ok(lora_save(lora, f.model, folder, &old, &error), error);
    assert_ok(lora_save(lora, f.model, folder, &old, &error), error); // over what is there
    char *path = file_join(folder, "adapter_model.safetensors", &error);
    struct safetensors *got = safetensors_open(path, &error),
                       *want = golden_tensors("training/lora_adapter/adapter_model.safetensors");
    assert_got(got, error);
    assert_int_equal(safetensors_count(got), safetensors_count(want));
    for (size_t i = 0; i < safetensors_count(want); i++) {
        const struct tensor *b = safetensors_at(want, i), *a = golden_find(got, safetensors_name(want, i));
        assert_int_equal(a->dtype, b->dtype);
        assert_int_equal(tensor_bytes(a), tensor_bytes(b));
        assert_memory_equal(a->data, b->data, tensor_bytes(b));
    }
    free(path);
    path = file_join(folder, "adapter_config.json", &error);
    json_t *config = json_read_file(path, 1 << 20, &error);
    assert_got(config, error);
    assert_true(golden_number(config, "r") == f.rank && golden_number(config, "lora_alpha") == f.alpha);
    assert_string_equal(json_string_value(json_object_get(config, "peft_type")), "LORA");
    json_decref(config);
    free(path);
    struct lora *again = lora_open(f.model, folder, &error);
    assert_got(again, error);
    lora_use(f.model, again);
    assert_near(batch_loss(f.model, &f.batch), f.adapted, 1e-4);
    lora_use(f.model, NULL);
    lora_free(again), lora_free(lora);
    safetensors_free(got), safetensors_free(want);
    fixture_free(&f);
}

// Both ways to call modules, and the types that a file may have.
static void test_save_forms(void **state) {
    (void)state;
    struct error error = {0};
    struct fixture f;
    fixture_open(&f, MODEL_TYPE_F32);
    struct lora *lora = lora_open(f.model, golden_data("training/lora_adapter"), &error);
    assert_got(lora, error);
    static const enum dtype types[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};
    for (size_t i = 0; i < 3; i++) {
        const char *folder = test_temporary("form%zu", i);
        const struct lora_form form = {.names = LORA_NAMES_NEW, .type = types[i]};
        assert_ok(lora_save(lora, f.model, folder, &form, &error), error);
        char *path = file_join(folder, "adapter_model.safetensors", &error);
        struct safetensors *file = safetensors_open(path, &error);
        assert_got(file, error);
        static const char prefix[] = "base_model.model.model.";
        assert_int_equal(safetensors_count(file), 2 * f.modules);
        for (size_t k = 0; k < safetensors_count(file); k++) {
            const char *name = safetensors_name(file, k), *part = name + sizeof prefix - 1;
            assert_int_equal(strncmp(name, prefix, sizeof prefix - 1), 0);
            assert_true(strncmp(part, "language_model.layers.", 22) == 0 || strncmp(part, "visual.", 7) == 0);
            assert_int_equal(safetensors_at(file, k)->dtype, types[i]);
        }
        safetensors_free(file);
        free(path);
        struct lora *again = lora_open(f.model, folder, &error);
        assert_got(again, error);
        assert_int_equal(lora_count(again), f.modules);
        lora_use(f.model, again);
        assert_true(fabs(batch_loss(f.model, &f.batch) - f.adapted) < (i ? 0.02 : 1e-4));
        lora_use(f.model, NULL);
        lora_free(again);
    }
    lora_free(lora);
    fixture_free(&f);
}

static json_t *adapter_config(const char *folder) {
    struct error error = {0};
    char *path = file_join(folder, "adapter_config.json", &error);
    json_t *config = json_read_file(path, 1 << 20, &error);
    assert_got(config, error);
    free(path);
    return config;
}

// What PEFT is told of the modules: a rule when all linear layers of the language model have one, else a list.
static void test_save_targets(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = tiny_model(tiny);
    struct lora *lora = lora_new(model, &(struct lora_options){.rank = 2, .alpha = 6}, &error);
    assert_got(lora, error);
    const char *folder = test_temporary("all-layers");
    assert_ok(lora_save(lora, model, folder, &(struct lora_form){.type = DTYPE_F32}, &error), error);
    json_t *config = adapter_config(folder);
    assert_string_equal(json_string_value(json_object_get(config, "target_modules")),
                        "(?!.*visual).*\\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)");
    json_decref(config);
    lora_free(lora);
    // Some layers only, a rank and an alpha of their own: PEFT must find these modules and no others.
    const struct lora_options options = {.rank = 2,
                                         .alpha = 6,
                                         .targets =
                                             "(model\\.layers\\.1\\.mlp|visual\\.blocks\\.0\\.attn)\\..*",
                                         .seed = 1};
    lora = lora_new(model, &options, &error);
    assert_got(lora, error);
    folder = test_temporary("some");
    assert_ok(lora_save(lora, model, folder, &(struct lora_form){.type = DTYPE_F32}, &error), error);
    config = adapter_config(folder);
    const json_t *targets = json_object_get(config, "target_modules");
    assert_int_equal(json_array_size(targets), lora_count(lora));
    bool found = false;
    for (size_t i = 0; i < json_array_size(targets); i++)
        found |=
            strcmp(json_string_value(json_array_get(targets, i)), "model.visual.blocks.0.attn.proj") == 0;
    assert_true(found);
    json_decref(config);
    lora_free(lora);
    model_close(model);
}

// A merged model is the base with its adapter, in every type that it can be written in.
static void test_merge_types(void **state) {
    (void)state;
    struct error error = {0};
    static const enum dtype types[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};
    static const char *const names[] = {"\"float32\"", "\"bfloat16\"", "\"float16\""};
    for (size_t i = 0; i < 3; i++) {
        struct model *model = golden_model(tied, MODEL_TYPE_F32, 0, NULL);
        const struct lora_options options = {.rank = 3, .alpha = 5, .rs = true, .seed = 4};
        struct lora *lora = lora_new(model, &options, &error);
        assert_got(lora, error);
        for (size_t m = 0; m < lora_count(lora); m++) {
            struct lora_module *module = lora_module_at(lora, m);
            float *b = on_host(model->device, module->b, module->out * module->rank);
            for (size_t k = 0; k < module->out * module->rank; k++) b[k] = 0.01f * (float)(k % 13) - 0.06f;
            to_device(model->device, module->b, b, module->out * module->rank);
        }
        lora_refresh(lora);
        const char *folder = test_temporary("typed%zu", i);
        assert_ok(lora_merge(lora, model, folder, true, types[i], &error), error);
        struct safetensors *file = safetensors_open(folder, &error);
        assert_got(file, error);
        size_t bytes = 0;
        for (size_t k = 0; k < safetensors_count(file); k++) {
            assert_int_equal(safetensors_at(file, k)->dtype, types[i]);
            bytes += tensor_bytes(safetensors_at(file, k));
        }
        safetensors_free(file);
        char *path = file_join(folder, "config.json", &error), *text = file_read(path, 1 << 20, NULL, &error);
        assert_got(text, error);
        assert_non_null(strstr(text, names[i]));
        free(text), free(path);
        path = file_join(folder, "model.safetensors.index.json", &error);
        json_t *index = json_read_file(path, 1 << 20, &error);
        assert_got(index, error);
        assert_int_equal(
            json_integer_value(json_object_get(json_object_get(index, "metadata"), "total_size")), bytes);
        json_decref(index);
        free(path);
        struct golden_batch batch;
        golden_batch_open(&batch, model);
        double base = batch_loss(model, &batch);
        lora_use(model, lora);
        double adapted = batch_loss(model, &batch);
        lora_use(model, NULL);
        struct model *merged = model_open(folder, &(struct model_options){.type = MODEL_TYPE_F32}, &error);
        assert_got(merged, error);
        double got = batch_loss(merged, &batch);
        assert_true(fabs(adapted - base) > 1e-3);
        assert_near(got, adapted, types[i] == DTYPE_F32 ? 2e-5 : 0.03);
        model_close(merged);
        golden_batch_free(&batch);
        lora_free(lora);
        model_close(model);
    }
}

static void test_merge(void **state) {
    (void)state;
    struct error error = {0};
    struct fixture f;
    fixture_open(&f, MODEL_TYPE_F32);
    struct lora *lora = lora_open(f.model, golden_data("training/lora_adapter"), &error);
    assert_got(lora, error);
    const char *folder = test_temporary("merged");
    assert_ok(lora_merge(lora, f.model, folder, false, DTYPE_F32, &error), error);
    struct model *merged = model_open(folder, &(struct model_options){.type = MODEL_TYPE_F32}, &error);
    assert_got(merged, error);
    assert_near(batch_loss(merged, &f.batch), f.adapted, 1e-4);
    model_close(merged);
    assert_error(lora_merge(lora, f.model, "/nowhere/at/all", false, DTYPE_F32, &error), error, ERROR_INPUT,
                 "/nowhere");
    lora_free(lora);
    fixture_free(&f);
}

// Sharded, BF16: every file under its own name, untouched tensors bit for bit.
static void test_merge_shards(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = tiny_model(tied);
    const struct lora_options options = {.rank = 3,
                                         .alpha = 3,
                                         .rs = true,
                                         .targets = "model\\.layers\\.[12]\\.self_attn\\.o_proj",
                                         .seed = 4};
    struct lora *lora = lora_new(model, &options, &error);
    assert_got(lora, error);
    assert_int_equal(lora_count(lora), 2);
    struct lora_module *m = lora_module_at(lora, 1);
    assert_string_equal(m->name, "model.layers.2.self_attn.o_proj");
    float *down = on_host(model->device, m->a, m->rank * m->in),
          *up = on_host(model->device, m->b, m->out * m->rank);
    for (size_t i = 0; i < m->out * m->rank; i++) up[i] = 0.01f * (float)(i % 11);
    to_device(model->device, m->b, up, m->out * m->rank);
    const char *folder = test_temporary("shards");
    assert_ok(lora_merge(lora, model, folder, false, DTYPE_F32, &error), error);
    struct safetensors *got = safetensors_open(folder, &error),
                       *want = safetensors_open(test_data("%s", tied), &error);
    assert_got(want, error);
    assert_got(got, error);
    assert_string_equal(safetensors_metadata(got, "format"), "pt");
    assert_int_equal(safetensors_count(got), safetensors_count(want));
    for (size_t i = 0; i < safetensors_count(want); i++) {
        const char *name = safetensors_name(want, i);
        const struct tensor *b = safetensors_at(want, i), *a = golden_find(got, name);
        assert_int_equal(a->dtype, b->dtype);
        bool same = memcmp(a->data, b->data, tensor_bytes(b)) == 0;
        assert_true(same == (strcmp(name, "model.layers.2.self_attn.o_proj.weight") != 0));
        for (size_t k = 0; !same && k < m->out * m->in; k++) {
            double sum = (double)bf16_to_f32(((const uint16_t *)b->data)[k]);
            for (size_t r = 0; r < m->rank; r++)
                sum +=
                    3 / sqrt(3) * (double)up[k / m->in * m->rank + r] * (double)down[r * m->in + k % m->in];
            double have = (double)bf16_to_f32(((const uint16_t *)a->data)[k]);
            assert_true(fabs(have - sum) <= fabs(sum) / 255 + 1e-7);
        }
    }
    safetensors_free(got), safetensors_free(want);
    lora_free(lora);
    model_close(model);
}

// ---- bad adapters

static void write_adapter(const char *folder, const char *config, const char *key_a, const char *key_b,
                          size_t rank_a, size_t rank_b, size_t in, enum dtype type) {
    struct error error = {0};
    char *path = file_join(folder, "adapter_config.json", &error);
    test_write(path, config, strlen(config));
    free(path);
    path = file_join(folder, "adapter_model.safetensors", &error);
    struct safetensors_writer *writer = safetensors_writer_new(&error);
    float *zeros = calloc(4096, sizeof *zeros);
    for (size_t i = 0; i < 4096; i++) zeros[i] = 0.01f;
    struct tensor a = {.data = zeros, .dtype = type, .dims = 2, .shape = {rank_a, in}},
                  b = {.data = zeros, .dtype = type, .dims = 2, .shape = {64, rank_b}};
    if (key_a) assert_ok(safetensors_writer_add(writer, key_a, &a, 0, &error), error);
    if (key_b) assert_ok(safetensors_writer_add(writer, key_b, &b, 0, &error), error);
    assert_ok(safetensors_writer_save(writer, path, &error), error);
    safetensors_writer_free(writer);
    free(zeros);
    free(path);
}

#define KEY(name, which) "base_model.model." name ".lora_" which ".weight"
static const char GOOD_A[] = KEY("model.layers.1.self_attn.q_proj", "A"),
                  GOOD_B[] = KEY("model.layers.1.self_attn.q_proj", "B");

static void test_names(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = tiny_model(tiny);
    static const char *const keys[][2] = {
        {GOOD_A, GOOD_B},
        {KEY("model.language_model.layers.1.self_attn.q_proj", "A"),
         KEY("model.language_model.layers.1.self_attn.q_proj", "B")},
        {KEY("language_model.model.layers.1.self_attn.q_proj", "A"),
         KEY("model.layers.1.self_attn.q_proj", "B")},
        {"base_model.model.model.layers.1.self_attn.q_proj.lora_A.default.weight",
         "base_model.model.model.layers.1.self_attn.q_proj.lora_B.default.weight"},
        {KEY("visual.merger.mlp.2", "A"), KEY("visual.merger.mlp.2", "B")},
        {KEY("model.visual.merger.mlp.2", "A"), KEY("model.visual.merger.mlp.2", "B")},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *folder = test_temporary("names%zu", i);
        assert_int_equal(mkdir(folder, 0777), 0);
        write_adapter(folder, "{\"r\": 4, \"lora_alpha\": 6, \"use_rslora\": true}", keys[i][0], keys[i][1],
                      4, 4, i < 4 ? 64 : 128, DTYPE_BF16);
        struct lora *lora = lora_open(model, folder, &error);
        assert_got(lora, error);
        assert_int_equal(lora_count(lora), 1);
        assert_true(fabs(lora_scale(lora, lora_module_at(lora, 0)) - 3) < 1e-9);
        assert_string_equal(lora_module_at(lora, 0)->name,
                            i < 4 ? "model.layers.1.self_attn.q_proj" : "visual.merger.mlp.2");
        lora_free(lora);
    }
    model_close(model);
}

// rank_pattern and alpha_pattern by the name in the file, whichever version of transformers it is of; a base of
// another name and weights that nothing targets are told.
static void test_patterns(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = tiny_model(tiny);
    const char *folder = test_temporary("patterns");
    assert_int_equal(mkdir(folder, 0777), 0);
    write_adapter(folder,
                  "{\"r\": 16, \"lora_alpha\": 6, \"rank_pattern\": {\"layers.1.self_attn.q_proj\": 4},"
                  " \"alpha_pattern\": {\"k_proj\": 1, \"^model.language_model.*q_proj\": 20, \"q_proj\": 3},"
                  " \"target_modules\": [\"k_proj\"], \"base_model_name_or_path\": \"org/Other-7B\"}",
                  KEY("model.language_model.layers.1.self_attn.q_proj", "A"),
                  KEY("model.language_model.layers.1.self_attn.q_proj", "B"), 4, 4, 64, DTYPE_F32);
    struct lora *lora = lora_open(model, folder, &error);
    assert_got(lora, error);
    assert_true(fabs(lora_scale(lora, lora_module_at(lora, 0)) - 5) < 1e-9);
    require(model->warnings.lines);
    assert_non_null(strstr(model->warnings.lines, "trained over \"org/Other-7B\""));
    assert_non_null(strstr(model->warnings.lines,
                           "for 1 modules that adapter_config.json does not target, first: "
                           "model.language_model.layers.1.self_attn.q_proj"));
    // What is written says the same when it is read again.
    const char *copy = test_temporary("patterns_again");
    assert_ok(lora_save(lora, model, copy, &(struct lora_form){.type = DTYPE_F32}, &error), error);
    lora_free(lora);
    lora = lora_open(model, copy, &error);
    assert_got(lora, error);
    assert_true(fabs(lora_scale(lora, lora_module_at(lora, 0)) - 5) < 1e-9);
    lora_free(lora);
    model_close(model);
}

static void test_bad_adapters(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = tiny_model(tiny);
    static const struct {
        const char *config, *a, *b;
        size_t rank_a, rank_b, in;
        enum dtype type;
        const char *text;
    } cases[] = {
        {"{", GOOD_A, GOOD_B, 4, 4, 64, DTYPE_F32, "not valid JSON"},
        {"[]", GOOD_A, GOOD_B, 4, 4, 64, DTYPE_F32, "expected an object"},
        {"", GOOD_A, GOOD_B, 4, 4, 64, DTYPE_F32, "empty"},
        {"{\"r\": 0}", GOOD_A, GOOD_B, 4, 4, 64, DTYPE_F32, "\"r\""},
        {"{\"r\": \"4\"}", GOOD_A, GOOD_B, 4, 4, 64, DTYPE_F32, "\"r\""},
        {"{\"peft_type\": \"IA3\"}", GOOD_A, GOOD_B, 4, 4, 64, DTYPE_F32, "IA3"},
        {"{\"bias\": \"all\"}", GOOD_A, GOOD_B, 4, 4, 64, DTYPE_F32, "\"bias\" is \"all\""},
        {"{\"use_dora\": true}", GOOD_A, GOOD_B, 4, 4, 64, DTYPE_F32, "use_dora"},
        {"{\"modules_to_save\": [\"lm_head\"]}", GOOD_A, GOOD_B, 4, 4, 64, DTYPE_F32, "modules_to_save"},
        {"{\"alpha_pattern\": {\"x\": \"1\"}}", GOOD_A, GOOD_B, 4, 4, 64, DTYPE_F32, "alpha_pattern"},
        {"{\"r\": 8}", GOOD_A, GOOD_B, 4, 4, 64, DTYPE_F32, "has rank 4, but adapter_config.json says 8"},
        {"{\"r\": 4, \"rank_pattern\": {\"q_proj\": 2}}", GOOD_A, GOOD_B, 4, 4, 64, DTYPE_F32,
         "has rank 4, but adapter_config.json says 2"},
        {"{\"r\": 4, \"init_lora_weights\": \"pissa_niter_4\"}", GOOD_A, GOOD_B, 4, 4, 64, DTYPE_F32,
         "\"init_lora_weights\" is \"pissa_niter_4\""},
        {"{}", GOOD_A, NULL, 4, 4, 64, DTYPE_F32, "has lora_A but no lora_B"},
        {"{}", NULL, GOOD_B, 4, 4, 64, DTYPE_F32, "has lora_B but no lora_A"},
        {"{}", GOOD_A, GOOD_B, 4, 3, 64, DTYPE_F32, "cannot be adapted"},
        {"{}", GOOD_A, GOOD_B, 4, 4, 63, DTYPE_F32, "cannot be adapted"},
        {"{}", GOOD_A, GOOD_B, 0, 0, 64, DTYPE_F32, "cannot be adapted"},
        {"{}", GOOD_A, GOOD_B, 4, 4, 64, DTYPE_I32, "is not a matrix of F32"},
        {"{}", GOOD_A, "base_model.model.lm_head.lora_B.weight", 4, 4, 64, DTYPE_F32, "lm_head"},
        {"{}", GOOD_A, "model.layers.1.self_attn.q_proj.lora_B.weight", 4, 4, 64, DTYPE_F32,
         "is not LoRA of a linear layer"},
        {"{}", GOOD_A, KEY("model.layers.9.self_attn.q_proj", "B"), 4, 4, 64, DTYPE_F32, "layers.9"},
        {"{}", GOOD_A, KEY("model.language_model.layers.1.self_attn.q_proj", "A"), 64, 64, 64, DTYPE_F32,
         "stands there twice"},
        {"{}", "base_model.model..lora_A.weight", GOOD_B, 4, 4, 64, DTYPE_F32, "is not LoRA"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = test_temporary("bad%zu", i);
        assert_int_equal(mkdir(folder, 0777), 0);
        write_adapter(folder, cases[i].config, cases[i].a, cases[i].b, cases[i].rank_a, cases[i].rank_b,
                      cases[i].in, cases[i].type);
        assert_error(!lora_open(model, folder, &error), error, ERROR_MODEL, cases[i].text);
    }
    // A cut file, and folders that lack one half.
    char *path = file_join(test_temporary("bad10"), "adapter_model.safetensors", &error);
    test_write(path, "\x10\0\0\0\0\0\0\0{\"a\":", 13);
    free(path);
    assert_error(!lora_open(model, test_temporary("bad10"), &error), error, ERROR_MODEL, "adapter_model");
    assert_error(!lora_open(model, test_data("%s", tiny), &error), error, ERROR_MODEL, "adapter_config.json");
    model_close(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_switching),    cmocka_unit_test(test_mixed_decode),
        cmocka_unit_test(test_mixed_scores), cmocka_unit_test(test_bf16),
        cmocka_unit_test(test_open_with),    cmocka_unit_test(test_save),
        cmocka_unit_test(test_merge),        cmocka_unit_test(test_save_forms),
        cmocka_unit_test(test_merge_types),  cmocka_unit_test(test_merge_shards),
        cmocka_unit_test(test_names),        cmocka_unit_test(test_bad_adapters),
        cmocka_unit_test(test_patterns),     cmocka_unit_test(test_save_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
