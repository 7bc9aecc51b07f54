// The training pass against golden losses and gradients, in all the ways in which it can be computed.
#include "support.h"

#include "training_cases.h"

#include "model/lora.h"

static const char tiny[] = "qwen2_5_vl_tiny", tied[] = "qwen2_5_vl_tiny_tied";

struct way {
    const char *isa;
    int threads;
    bool checkpoint;
};

static const struct way ways[] = {{NULL, 0, false},      {NULL, 1, true},    {NULL, 3, false},
                                  {"portable", 3, true}, {"avx2", 2, false}, {"portable", 1, false}};
enum { WAYS = 6 };

static bool way_exists(const struct way *way) {
    struct error error = {0};
    struct device *device = device_open_cpu(1, way->isa, &error);
    device_close(device);
    return device != NULL;
}

// ---- supervised fine-tuning

static struct training *open_all(struct model *model, bool checkpoint) {
    struct error error = {0};
    const struct training_options options = {
        .train_text = true, .train_vision = true, .train_merger = true, .checkpoint_activations = checkpoint};
    struct training *training = training_open(model, &options, &error);
    assert_got(training, error);
    return training;
}

static void check_sft(const struct way *way) {
    struct error error = {0};
    struct model *model = golden_model(tiny, MODEL_TYPE_F32, way->threads, way->isa);
    struct golden_batch batch;
    golden_batch_open(&batch, model);
    struct training *training = open_all(model, way->checkpoint);
    json_t *json = golden_json("training/expected.json");
    double loss;
    const json_t *losses = json_object_get(json, "loss_per_sample");
    assert_int_equal(json_array_size(losses), batch.count);
    for (size_t i = 0; i < batch.count; i++) {
        double want = json_number_value(json_array_get(losses, i));
        assert_ok(training_pass(training, &batch.groups[i], 1, 1, cross_entropy, NULL, &loss, &error), error);
        assert_near(loss, want, 1e-4);
    }
    training_zero_gradients(training);
    assert_ok(training_pass(training, batch.groups, batch.count, 1, cross_entropy, NULL, &loss, &error),
              error);
    assert_near(loss, golden_number(json, "loss"), 1e-4);
    assert_near(gradient_norm(training) / golden_number(json, "grad_norm"), 1, 1e-4);
    struct safetensors *want = golden_tensors("training/sft_grads.safetensors");
    assert_int_equal(safetensors_count(want), training_parameter_count(training));
    for (size_t i = 0; i < training_parameter_count(training); i++) {
        const struct parameter *p = training_parameter(training, i);
        check_gradient(training, p, golden_find(want, p->name), 1e-3);
    }
    safetensors_free(want);
    json_decref(json);
    training_close(training);
    golden_batch_free(&batch);
    model_close(model);
}

static void test_sft(void **state) {
    (void)state;
    for (size_t w = 0; w < WAYS; w++)
        if (way_exists(&ways[w])) check_sft(&ways[w]);
}

// With a frozen tower the gradients of the language model are the same, from cached image embeddings, too.
static void test_frozen_vision(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = golden_model(tiny, MODEL_TYPE_F32, 0, NULL);
    struct golden_batch batch;
    golden_batch_open(&batch, model);
    const struct training_options options = {.train_text = true};
    size_t columns = golden_config(tiny, NULL, "hidden_size"),
           merge = golden_config(tiny, "vision_config", "spatial_merge_size");
    struct training *training = training_open(model, &options, &error);
    assert_got(training, error);
    struct safetensors *want = golden_tensors("training/sft_grads.safetensors");
    for (int cached = 0; cached < 2; cached++) {
        for (size_t s = 0; cached && s < batch.count; s += 2) { // some with, some without
            const struct prompt *prompt = &batch.samples[s].prompt;
            size_t rows = prompt->patches.rows / (merge * merge);
            struct matrix *embeds = &batch.groups[s].image_embeds;
            if (rows == 0) continue;
            *embeds = matrix_of(malloc(rows * columns * sizeof(float)), DTYPE_F32, rows, columns);
            assert_ok(model_see(model, prompt, embeds->data, &error), error);
        }
        double loss;
        training_zero_gradients(training);
        assert_ok(training_pass(training, batch.groups, batch.count, 1, cross_entropy, NULL, &loss, &error),
                  error);
        for (size_t i = 0; i < training_parameter_count(training); i++) {
            const struct parameter *p = training_parameter(training, i);
            assert_true(strncmp(p->name, "visual.", 7) != 0);
            check_gradient(training, p, golden_find(want, p->name), 1e-3);
        }
    }
    for (size_t s = 0; s < batch.count; s++) free(batch.groups[s].image_embeds.data);
    safetensors_free(want);
    training_close(training);
    golden_batch_free(&batch);
    model_close(model);
}

// Only the merger: nothing goes through the blocks, and its gradients are those of the whole.
static void test_merger_alone(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = golden_model(tiny, MODEL_TYPE_F32, 0, NULL);
    struct golden_batch batch;
    golden_batch_open(&batch, model);
    const struct training_options options = {.train_merger = true, .checkpoint_activations = true};
    struct training *training = training_open(model, &options, &error);
    assert_got(training, error);
    struct safetensors *want = golden_tensors("training/sft_grads.safetensors");
    size_t count = 0;
    for (size_t i = 0; i < safetensors_count(want); i++)
        count += strncmp(safetensors_name(want, i), "visual.merger.", 14) == 0;
    assert_true(count > 0);
    assert_int_equal(training_parameter_count(training), count);
    double loss;
    assert_ok(training_pass(training, batch.groups, batch.count, 1, cross_entropy, NULL, &loss, &error),
              error);
    for (size_t i = 0; i < count; i++) {
        const struct parameter *p = training_parameter(training, i);
        check_gradient(training, p, golden_find(want, p->name), 1e-3);
    }
    safetensors_free(want);
    training_close(training);
    golden_batch_free(&batch);
    model_close(model);
}

// ---- LoRA

static void check_lora(const struct way *way) {
    struct error error = {0};
    struct model *model = golden_model(tiny, MODEL_TYPE_F32, way->threads, way->isa);
    struct golden_batch batch;
    golden_batch_open(&batch, model);
    const struct training_options options = {.lora_folder = golden_data("training/lora_adapter"),
                                             .checkpoint_activations = way->checkpoint};
    struct training *training = training_open(model, &options, &error);
    assert_got(training, error);
    json_t *json = golden_json("training/expected.json"), *lora = json_object_get(json, "lora");
    double loss;
    assert_ok(training_pass(training, batch.groups, batch.count, 1, cross_entropy, NULL, &loss, &error),
              error);
    assert_near(loss, golden_number(lora, "loss"), 1e-4);
    assert_near(gradient_norm(training) / golden_number(lora, "grad_norm"), 1, 1e-4);
    struct safetensors *want = golden_tensors("training/lora_grads.safetensors");
    assert_int_equal(safetensors_count(want), training_parameter_count(training));
    for (size_t i = 0; i < training_parameter_count(training); i++) {
        const struct parameter *p = training_parameter(training, i);
        check_gradient(training, p, golden_find(want, p->name), 1e-3);
    }
    // Without the adapter: the loss of the base.
    float *log_probs = malloc(2 * batch.tokens * sizeof *log_probs), *derivatives = log_probs + batch.tokens;
    assert_ok(training_log_probs(training, batch.groups, batch.count, 1, true, log_probs, &error), error);
    loss = cross_entropy(NULL, log_probs, derivatives, batch.tokens);
    free(log_probs);
    assert_near(loss, golden_number(json, "loss"), 1e-4);
    safetensors_free(want);
    json_decref(json);
    training_close(training);
    golden_batch_free(&batch);
    model_close(model);
}

static void test_lora(void **state) {
    (void)state;
    for (size_t w = 0; w < WAYS; w++)
        if (way_exists(&ways[w])) check_lora(&ways[w]);
}

// With dropout the pass computed again must draw the same masks: checkpointing changes nothing.
static void test_dropout(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = golden_model(tiny, MODEL_TYPE_F32, 0, NULL);
    struct golden_batch batch;
    golden_batch_open(&batch, model);
    float *first = NULL;
    double losses[4], plain;
    for (int i = 0; i < 4;
         i++) { // 0, 1: the same pass without and with checkpointing; 2: another; 3: no dropout
        const struct training_options options = {.lora_rank = 4,
                                                 .lora_alpha = 64,
                                                 .lora_dropout = i == 3 ? 0 : 0.4,
                                                 .seed = 3,
                                                 .checkpoint_activations = i == 1};
        struct training *training = training_open(model, &options, &error);
        assert_got(training, error);
        for (size_t k = 1; k < training_parameter_count(training); k += 2) { // B: not zero
            struct parameter *p = training_parameter(training, k);
            float *value = value_of(training, p);
            for (size_t n = 0; n < p->count; n++) value[n] = 0.02f * (float)((int)(n % 7) - 3);
            set_value(training, p, value);
        }
        training_refresh(training);
        training_set_passes(training, i == 2 ? 8 : 7);
        assert_ok(
            training_pass(training, batch.groups, batch.count, 1, cross_entropy, NULL, &losses[i], &error),
            error);
        const struct parameter *p = training_parameter(training, 2);
        if (i == 0) {
            first = malloc(p->count * sizeof *first);
            memcpy(first, gradient_of(training, p), p->count * sizeof *first);
        } else {
            assert_true((distance(gradient_of(training, p), first, p->count) < 1e-5) == (i == 1));
        }
        training_close(training);
    }
    plain = losses[3];
    assert_true(fabs(losses[0] - losses[1]) < 1e-6);
    assert_true(fabs(losses[0] - losses[2]) > 1e-5 && fabs(losses[0] - plain) > 1e-5);
    free(first);
    golden_batch_free(&batch);
    model_close(model);
}

// ---- groups that share a prompt

// GRPO with the old policy equal to the policy: d loss_t / d lp_t = -A + beta (1 - exp(ref - lp)), each
// completion's mean over its tokens, the mean of those (grpo.md section 4).
struct on_policy {
    const struct golden_group *group;
    const float *advantages;
    const float *reference; // [completions, width]
    size_t width;
    double beta;
};

static double on_policy_loss(void *context, const float *log_probs, float *derivatives, size_t count) {
    const struct on_policy *o = context;
    double loss = 0;
    size_t at = 0;
    for (size_t i = 0; i < o->group->count; i++) {
        size_t tokens = o->group->completions[i].count;
        double share = 1.0 / (double)(o->group->count * tokens), advantage = (double)o->advantages[i];
        for (size_t t = 0; t < tokens; t++, at++) {
            double apart = (double)o->reference[i * o->width + t] - (double)log_probs[at];
            loss += share * (-advantage + o->beta * (exp(apart) - apart - 1));
            derivatives[at] = (float)(share * (-advantage + o->beta * (1 - exp(apart))));
        }
    }
    assert_int_equal(at, count);
    return loss;
}

// One of the golden results on policy: its loss, and the gradients that are kept of it.
static void check_on_policy(struct training *training, const struct golden_group *data, const json_t *json,
                            const char *key, const json_t *result, struct on_policy objective) {
    struct error error = {0};
    struct safetensors *want = golden_tensors("grpo/expected.safetensors");
    struct prompt_group group = golden_whole(data);
    float temperature = (float)golden_number(json, "temperature");
    double loss;
    objective.beta = golden_number(json_object_get(result, "config"), "beta");
    training_zero_gradients(training);
    assert_ok(training_pass(training, &group, 1, temperature, on_policy_loss, &objective, &loss, &error),
              error);
    assert_near(loss, golden_number(result, "loss"), 1e-4);
    json_t *names = json_object_get(json, "grad_tensors");
    assert_true(json_array_size(names) > 0);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        char full[256];
        snprintf(full, sizeof full, "%s/%s", key, name);
        check_gradient(training, find_parameter(training, name), golden_find(want, full), 1e-3);
    }
    safetensors_free(want);
}

static void check_grpo(const struct way *way) {
    struct error error = {0};
    struct model *model = golden_model(tiny, MODEL_TYPE_F32, way->threads, way->isa);
    struct golden_group data;
    golden_grpo(&data, model);
    struct training *training = open_all(model, way->checkpoint);
    json_t *json = golden_json("grpo/expected.json"), *result;
    struct safetensors *want = golden_tensors("grpo/expected.safetensors"),
                       *inputs = golden_tensors("grpo/inputs.safetensors");
    const struct tensor *policy = golden_find(want, "policy_logps");
    const struct on_policy objective = {.group = &data,
                                        .advantages = golden_find(want, "advantages")->data,
                                        .reference = golden_find(inputs, "ref_logps")->data,
                                        .width = tensor_columns(policy)};
    struct prompt_group group = golden_whole(&data);
    float *log_probs = malloc(golden_tokens(&data) * sizeof *log_probs);
    assert_ok(training_log_probs(training, &group, 1, (float)golden_number(json, "temperature"), false,
                                 log_probs, &error),
              error);
    size_t at = 0, checked = 0;
    for (size_t i = 0; i < data.count; i++)
        for (size_t t = 0; t < data.completions[i].count; t++, at++)
            assert_near(log_probs[at], ((const float *)policy->data)[i * objective.width + t], 5e-4);
    free(log_probs);
    const char *key;
    json_object_foreach(json_object_get(json, "results"), key, result) {
        if (strncmp(key, "onpolicy_grpo", 13) != 0) continue;
        check_on_policy(training, &data, json, key, result, objective);
        checked++;
    }
    assert_true(checked > 0);
    json_decref(json);
    safetensors_free(want), safetensors_free(inputs);
    training_close(training);
    golden_free(&data);
    model_close(model);
}

static void test_grpo(void **state) {
    (void)state;
    for (size_t w = 0; w < WAYS; w++)
        if (way_exists(&ways[w])) check_grpo(&ways[w]);
}

// The sum of log-probs, with a weight of its own for every token.
static double weighted_sum(void *context, const float *log_probs, float *derivatives, size_t count) {
    size_t *next = context;
    double loss = 0;
    for (size_t i = 0; i < count; i++, ++*next) {
        derivatives[i] = (float)(*next % 5) * 0.1f - 0.15f;
        loss += (double)(derivatives[i] * log_probs[i]);
    }
    return loss;
}

// One prompt with all completions is the same as a prompt for each.
static void test_shared_prefix(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = golden_model(tiny, MODEL_TYPE_F32, 0, NULL);
    struct golden_group data;
    golden_grpo(&data, model);
    struct training *training = open_all(model, false);
    struct prompt_group whole = golden_whole(&data), *apart = calloc(data.count, sizeof *apart);
    double together, separate, alone = 0;
    size_t next = 0, count = training_parameter_count(training);
    assert_ok(training_pass(training, &whole, 1, 0.7f, weighted_sum, &next, &together, &error), error);
    float **gradients = calloc(count, sizeof *gradients);
    for (size_t i = 0; i < count; i++) {
        const struct parameter *p = training_parameter(training, i);
        gradients[i] = malloc(p->count * sizeof(float));
        memcpy(gradients[i], gradient_of(training, p), p->count * sizeof(float));
    }
    for (size_t i = 0; i < data.count; i++)
        apart[i] = (struct prompt_group){
            .prompt = &data.prompt, .completions = &data.completions[i], .completion_count = 1};
    for (int pass = 0; pass < 2; pass++) { // in one pass, and in some that add up
        training_zero_gradients(training);
        next = 0;
        if (pass == 0)
            assert_ok(
                training_pass(training, apart, data.count, 0.7f, weighted_sum, &next, &separate, &error),
                error);
        for (size_t i = 0; pass && i < data.count; i++) {
            double loss;
            assert_ok(training_pass(training, &apart[i], 1, 0.7f, weighted_sum, &next, &loss, &error), error);
            alone += loss;
        }
        for (size_t i = 0; i < count; i++) {
            const struct parameter *p = training_parameter(training, i);
            double off = distance(gradient_of(training, p), gradients[i], p->count);
            if (off > 2e-5) fail_msg("%s: off by %.3g", p->name, off);
        }
    }
    assert_true(fabs(together - separate) < 1e-4 && fabs(together - alone) < 1e-4);
    for (size_t i = 0; i < count; i++) free(gradients[i]);
    free(gradients);
    free(apart);
    training_close(training);
    golden_free(&data);
    model_close(model);
}

// ---- BF16, tied embeddings, central differences

static double total(struct training *training, const struct prompt_group *group) {
    struct error error = {0};
    size_t next = 0, count = 0;
    for (size_t i = 0; i < group->completion_count; i++) count += group->completions[i].count;
    require(count);
    float *log_probs = malloc(2 * count * sizeof *log_probs);
    assert_ok(training_log_probs(training, group, 1, 1, false, log_probs, &error), error);
    double sum = weighted_sum(&next, log_probs, log_probs + count, count);
    free(log_probs);
    return sum;
}

// The tied model has no golden gradients: some of each kind against central differences, the embedding, used
// twice, among them.
static void test_tied(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = golden_model(tied, MODEL_TYPE_F32, 0, NULL);
    struct golden_group data;
    golden_grpo(&data, model);
    struct training *training = open_all(model, true);
    struct prompt_group group = golden_whole(&data);
    double loss;
    size_t next = 0;
    assert_ok(training_pass(training, &group, 1, 1, weighted_sum, &next, &loss, &error), error);
    int checked = 0;
    for (size_t i = 0; i < training_parameter_count(training); i++) {
        struct parameter *p = training_parameter(training, i);
        assert_true(strcmp(p->name, "lm_head.weight") != 0);
        if (i % 9 && strcmp(p->name, "model.embed_tokens.weight") != 0) continue;
        // Along the gradient itself the slope is its squared norm over its norm.
        double norm = 0;
        const float *gradient = gradient_of(training, p);
        for (size_t k = 0; k < p->count; k++) norm += (double)gradient[k] * (double)gradient[k];
        norm = sqrt(norm);
        assert_true(norm > 0);
        double sums[2], step = 2e-3;
        const float *old = value_of(training, p);
        float *moved = malloc((p->count + 1) * sizeof *moved);
        for (int side = 0; side < 2; side++) {
            for (size_t k = 0; k < p->count; k++)
                moved[k] = old[k] + (float)((side ? step : -step) * (double)gradient[k] / norm);
            set_value(training, p, moved);
            training_refresh(training);
            sums[side] = total(training, &group);
        }
        set_value(training, p, old);
        training_refresh(training);
        free(moved);
        double slope = (sums[1] - sums[0]) / (2 * step);
        if (fabs(slope / norm - 1) > 0.02) fail_msg("%s: slope %.5g, gradient %.5g", p->name, slope, norm);
        checked++;
    }
    assert_true((size_t)checked > training_parameter_count(training) / 9);
    training_close(training);
    golden_free(&data);
    model_close(model);
}

// BF16 gradients are those of F32 within a few percent.
static void test_bf16(void **state) {
    (void)state;
    struct error error = {0};
    struct model *wide = golden_model(tied, MODEL_TYPE_F32, 0, NULL),
                 *half = golden_model(tied, MODEL_TYPE_BF16, 0, NULL);
    if (half->device->fast_type == DTYPE_BF16) {
        struct golden_group data;
        golden_grpo(&data, wide);
        struct training *one = open_all(wide, false), *other = open_all(half, true);
        struct prompt_group group = golden_whole(&data);
        double loss[2];
        assert_ok(training_pass(one, &group, 1, 1, cross_entropy, NULL, &loss[0], &error), error);
        assert_ok(training_pass(other, &group, 1, 1, cross_entropy, NULL, &loss[1], &error), error);
        assert_true(fabs(loss[0] - loss[1]) < 0.02 * loss[0]);
        double difference = 0, size = 0;
        for (size_t i = 0; i < training_parameter_count(one); i++) {
            const struct parameter *p = training_parameter(one, i), *q = training_parameter(other, i);
            const float *other_gradient = gradient_of(other, q), *gradient = gradient_of(one, p);
            double off = distance(other_gradient, gradient, p->count);
            if (!(off < 0.15)) fail_msg("%s: off by %.3g", p->name, off);
            for (size_t k = 0; k < p->count; k++) {
                double d = (double)other_gradient[k] - (double)gradient[k];
                difference += d * d;
                size += (double)gradient[k] * (double)gradient[k];
            }
        }
        if (sqrt(difference / size) > 0.07)
            fail_msg("BF16 gradients are off by %.3g", sqrt(difference / size));
        assert_true(difference > 0); // it was not F32 after all
        training_close(one), training_close(other);
        golden_free(&data);
    }
    model_close(wide), model_close(half);
}

// The same pass gives the same bits: a resumed run is the run that was never stopped.
static void test_repeatable(void **state) {
    (void)state;
    static const enum model_type types[] = {MODEL_TYPE_F32, MODEL_TYPE_AUTO};
    for (int t = 0; t < 2; t++) {
        struct error error = {0};
        struct model *model = golden_model(tied, types[t], 3, NULL);
        struct golden_group data;
        golden_grpo(&data, model);
        struct prompt_group group = golden_whole(&data);
        struct training *training = open_all(model, t);
        size_t count = training_parameter_count(training);
        uint64_t sums[2] = {0};
        double loss[2];
        for (int i = 0; i < 2; i++) {
            training_zero_gradients(training);
            assert_ok(training_pass(training, &group, 1, 1, cross_entropy, NULL, &loss[i], &error), error);
            for (size_t k = 0; k < count; k++) {
                const struct parameter *p = training_parameter(training, k);
                const unsigned char *bytes = (const unsigned char *)gradient_of(training, p);
                for (size_t b = 0; b < p->count * sizeof(float); b++)
                    sums[i] = sums[i] * 0x100000001B3u + bytes[b];
            }
        }
        assert_true(loss[0] == loss[1] && sums[0] == sums[1]);
        training_close(training);
        golden_free(&data);
        model_close(model);
    }
}

// ---- what a trained model leaves, and bad input

// The model goes on with the trained weights after training_close, and the folder holds them.
static void test_trained_model(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = golden_model(tied, MODEL_TYPE_F32, 0, NULL), *again;
    struct golden_group data;
    golden_grpo(&data, model);
    struct training *training = open_all(model, false);
    struct prompt_group group = golden_whole(&data);
    struct parameter *p = find_parameter(training, "model.embed_tokens.weight");
    double before = total(training, &group);
    float *value = value_of(training, p);
    for (size_t i = 0; i < p->count; i++) value[i] = bf16_to_f32(f32_to_bf16(value[i] * 1.5f));
    set_value(training, p, value);
    training_refresh(training);
    double after = total(training, &group);
    assert_true(fabs(before - after) > 1e-2);
    const char *folder = test_temporary("trained");
    assert_ok(training_save(training, folder, &(struct training_form){.convert = false}, &error), error);
    assert_error(
        training_save(training, golden_data("%s", tied), &(struct training_form){.convert = false}, &error),
        error, ERROR_USAGE, "is the checkpoint itself");
    training_close(training);
    training = open_all(model, false);
    assert_true(fabs(total(training, &group) - after) < 1e-6);
    training_close(training);
    again = model_open(folder, &(struct model_options){.type = MODEL_TYPE_F32}, &error);
    assert_got(again, error);
    assert_string_equal(again->warnings.lines, "");
    training = open_all(again, false);
    assert_true(fabs(total(training, &group) - after) < 1e-5);
    training_close(training);
    golden_free(&data);
    model_close(again), model_close(model);
}

// The reference policy: after steps on the weights, or on an adapter, the base says what it said before, and
// what a model says that was never trained.
static void check_reference(const char *name, enum model_type type, bool lora) {
    struct error error = {0};
    struct model *model = golden_model(name, type, 0, NULL), *fresh = golden_model(name, type, 0, NULL);
    struct golden_group data;
    golden_grpo(&data, model);
    struct prompt_group group = golden_whole(&data);
    size_t tokens = golden_tokens(&data), bytes = tokens * sizeof(float);
    require(tokens);
    float *log_probs = malloc(4 * bytes), *before = log_probs, *after = log_probs + tokens,
          *policy = after + tokens, *untouched = policy + tokens;
    const struct training_options options = {.train_text = !lora,
                                             .train_vision = !lora,
                                             .train_merger = !lora,
                                             .lora_rank = lora ? 3 : 0,
                                             .lora_alpha = 6};
    struct training *training = training_open(model, &options, &error);
    assert_got(training, error);
    assert_ok(training_log_probs(training, &group, 1, 1, true, before, &error), error);
    for (int step = 0; step < 2; step++) {
        double loss;
        training_zero_gradients(training);
        assert_ok(training_pass(training, &group, 1, 1, cross_entropy, NULL, &loss, &error), error);
        for (size_t i = 0; i < training_parameter_count(training); i++) {
            struct parameter *p = training_parameter(training, i);
            float *value = value_of(training, p);
            const float *gradient = gradient_of(training, p);
            for (size_t k = 0; k < p->count; k++) value[k] -= 0.3f * gradient[k];
            set_value(training, p, value);
        }
        training_refresh(training);
    }
    assert_ok(training_log_probs(training, &group, 1, 1, false, policy, &error), error);
    assert_ok(training_log_probs(training, &group, 1, 1, true, after, &error), error);
    size_t logits = group.completion_count * model_facts(model)->vocab;
    float *next = malloc(3 * logits * sizeof *next);
    assert_ok(training_next_logits(training, &group, 1, true, next, &error), error);
    assert_ok(model_next_logits(fresh, &group, 1, next + logits, &error), error);
    assert_ok(training_next_logits(training, &group, 1, false, next + 2 * logits, &error), error);
    assert_memory_equal(next, next + logits, logits * sizeof *next);
    assert_true(distance(next, next + 2 * logits, logits) > 1e-4);
    free(next);
    assert_ok(model_score_groups(fresh, &group, 1, 1, untouched, &error), error);
    assert_true(distance(policy, before, tokens) > 1e-4);
    assert_memory_equal(after, before, bytes);
    assert_memory_equal(untouched, before, bytes);
    // The trained policy is in place again, and scoring the model is scoring it.
    assert_ok(training_log_probs(training, &group, 1, 1, false, after, &error), error);
    assert_memory_equal(after, policy, bytes);
    assert_ok(model_score_groups(model, &group, 1, 1, after, &error), error);
    assert_memory_equal(after, policy, bytes);
    training_close(training);
    free(log_probs);
    golden_free(&data);
    model_close(fresh), model_close(model);
}

static void test_reference(void **state) {
    (void)state;
    check_reference(tiny, MODEL_TYPE_F32, false);
    check_reference(tiny, MODEL_TYPE_F32, true);
    check_reference(tied, MODEL_TYPE_F32, false);
    check_reference(tied, MODEL_TYPE_BF16, false);
}

static double not_a_number(void *context, const float *log_probs, float *derivatives, size_t count) {
    (void)context, (void)log_probs, (void)derivatives, (void)count;
    return NAN;
}

static void test_bad_input(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = golden_model(tiny, MODEL_TYPE_F32, 0, NULL);
    struct training_options options = {0};
    assert_error(!training_open(model, &options, &error), error, ERROR_USAGE, "nothing is to be trained");
    options = (struct training_options){.lora_rank = 2, .lora_targets = "no_such_layer"};
    assert_error(!training_open(model, &options, &error), error, ERROR_USAGE, "match no linear layer");
    options.lora_targets = "(";
    assert_error(!training_open(model, &options, &error), error, ERROR_USAGE, "LoRA targets \"(\"");
    options = (struct training_options){.lora_rank = 2, .lora_dropout = 1};
    assert_error(!training_open(model, &options, &error), error, ERROR_USAGE, "dropout 1");
    struct golden_group data;
    golden_grpo(&data, model);
    struct training *training = open_all(model, false);
    struct prompt_group group = golden_whole(&data);
    double loss;
    assert_error(training_pass(training, &group, 1, 1, not_a_number, NULL, &loss, &error), error, ERROR_INPUT,
                 "the loss is nan");
    assert_true(gradient_norm(training) == 0);
    assert_error(training_pass(training, &group, 1, 0, cross_entropy, NULL, &loss, &error), error,
                 ERROR_USAGE, "temperature 0");
    group.completion_count = 0;
    assert_error(training_pass(training, &group, 1, 1, cross_entropy, NULL, &loss, &error), error,
                 ERROR_INPUT, "no completion to learn from");
    const int32_t outside = (int32_t)golden_config(tiny, NULL, "vocab_size");
    size_t context = golden_config(tiny, NULL, "max_position_embeddings");
    const struct prompt_completion wrong = {&outside, 1}, endless = {&outside, context + 1};
    char said[2][40];
    snprintf(said[0], sizeof said[0], "token id %d", (int)outside);
    snprintf(said[1], sizeof said[1], "context of %zu", context);
    group = (struct prompt_group){.prompt = &data.prompt, .completions = &wrong, .completion_count = 1};
    assert_error(training_pass(training, &group, 1, 1, cross_entropy, NULL, &loss, &error), error,
                 ERROR_INPUT, said[0]);
    group.completions = &endless;
    assert_error(training_pass(training, &group, 1, 1, cross_entropy, NULL, &loss, &error), error,
                 ERROR_LIMIT, said[1]);
    group = golden_whole(&data);
    group.adapter = lora_none();
    assert_error(training_pass(training, &group, 1, 1, cross_entropy, NULL, &loss, &error), error,
                 ERROR_INTERNAL, "names an adapter");
    // A completion of one token has no row of its own.
    const struct prompt_completion shortest[] = {{data.ids, 1}, {data.ids, 0}, {data.ids, 2}};
    group = (struct prompt_group){.prompt = &data.prompt, .completions = shortest, .completion_count = 3};
    assert_ok(training_pass(training, &group, 1, 1, cross_entropy, NULL, &loss, &error), error);
    assert_true(isfinite(gradient_norm(training)) && gradient_norm(training) > 0);
    training_close(training);
    golden_free(&data);
    model_close(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sft),           cmocka_unit_test(test_frozen_vision),
        cmocka_unit_test(test_merger_alone),  cmocka_unit_test(test_lora),
        cmocka_unit_test(test_dropout),       cmocka_unit_test(test_grpo),
        cmocka_unit_test(test_shared_prefix), cmocka_unit_test(test_tied),
        cmocka_unit_test(test_bf16),          cmocka_unit_test(test_trained_model),
        cmocka_unit_test(test_reference),     cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_repeatable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
