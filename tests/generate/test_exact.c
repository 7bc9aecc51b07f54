// Exact models: what the sampler says about its tokens is to the bit what scoring and training say about them.
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "generate/generator.h"
#include "model/training.h"
#include "photo/decode.h"
#include "support_device.h"

enum { SAMPLES = 5, MOST = 40 };

struct answers {
    int32_t ids[SAMPLES][MOST + 1];
    float raw[SAMPLES][MOST + 1], full[SAMPLES][MOST + 1];
    size_t count[SAMPLES];
};

static void on_done(void *context, size_t sample, const struct completion *completion) {
    struct answers *answers = context;
    size_t count = completion->count + (completion->stop != NULL);
    answers->count[sample] = count;
    for (size_t i = 0; i < count; i++) {
        answers->ids[sample][i] = completion->ids[i];
        answers->raw[sample][i] = completion->tokens[i].logprob;
        answers->full[sample][i] = completion->tokens[i].full_logprob;
    }
}

static void ask(struct prompt *prompt, const struct model *model, const char *text, bool picture) {
    struct error error = {0};
    struct chat chat = {0};
    struct image image = {0};
    if (picture)
        assert_ok(photo_decode_file(&image, test_data("images/scene_a.png"), NULL, NULL, &error), error);
    assert_ok(chat_add_message(&chat, "user", &error), error);
    if (picture) assert_ok(chat_add_part(&chat, CHAT_IMAGE, "a", &error), error);
    assert_ok(chat_add_part(&chat, CHAT_TEXT, text, &error), error);
    assert_ok(prompt_build(prompt, model, &chat, &image, picture, &error), error);
    chat_free(&chat);
    image_free(&image);
}

// Two prompts in flight, several answers each, through this adapter (NULL: none).
static void generate(struct model *model, const struct prompt prompts[2], const struct lora *adapter,
                     struct answers answers[2]) {
    struct error error = {0};
    struct generator *generator = generator_new(model, &error);
    assert_got(generator, error);
    generator_set_piece(generator, 7); // of a prompt that the others read as a whole
    for (size_t i = 0; i < 2; i++) {
        struct generation request = {.prompt = &prompts[i],
                                     .adapter = adapter,
                                     .sampling = sampling_default(),
                                     .samples = SAMPLES,
                                     .max_tokens = MOST - 13 * i,
                                     .on_done = on_done,
                                     .context = &answers[i]};
        request.sampling.temperature = 0.7;
        request.sampling.seed = 11 + i;
        assert_ok(generator_queue(generator, &request, &error), error);
        assert_ok(generator_step(generator, NULL, &error), error);
    }
    assert_ok(generator_finish(generator, &error), error);
    generator_free(generator);
}

static size_t list_groups(const struct prompt prompts[2], const struct answers answers[2],
                          struct prompt_completion completions[2][SAMPLES], struct prompt_group groups[2]) {
    size_t tokens = 0;
    for (size_t i = 0; i < 2; i++) {
        for (size_t s = 0; s < SAMPLES; s++) {
            completions[i][s] = (struct prompt_completion){answers[i].ids[s], answers[i].count[s]};
            tokens += answers[i].count[s];
        }
        groups[i] = (struct prompt_group){
            .prompt = &prompts[i], .completions = completions[i], .completion_count = SAMPLES};
    }
    return tokens;
}

static void assert_bits(const struct answers answers[2], const float *log_probs, bool full,
                        const char *what) {
    size_t at = 0;
    for (size_t i = 0; i < 2; i++)
        for (size_t s = 0; s < SAMPLES; s++)
            for (size_t t = 0; t < answers[i].count[s]; t++, at++) {
                float said = full ? answers[i].full[s][t] : answers[i].raw[s][t];
                if (said != log_probs[at])
                    fail_msg("%s: prompt %zu, sample %zu, token %zu: %.9g, not %.9g", what, i, s, t,
                             (double)said, (double)log_probs[at]);
            }
}

static double keep(void *context, const float *log_probs, float *derivatives, size_t count) {
    memcpy(context, log_probs, count * sizeof *log_probs);
    for (size_t i = 0; i < count; i++) derivatives[i] = 0;
    return 0;
}

// The model as it is, then with an adapter that is trained.
static void check(const char *folder, enum model_type type, int threads, bool picture, bool composed) {
    struct error error = {0};
    const struct model_options options = {.type = type, .threads = threads, .exact = true, .isa = test_isa()};
    struct model *model = model_open(folder, &options, &error);
    assert_got(model, error);
    model_device(model)->composed = composed;
    struct prompt prompts[2];
    ask(&prompts[0], model, "Where is this? The road has a yellow line.", picture);
    ask(&prompts[1], model, "One.", false);
    struct answers *answers = calloc(2, sizeof *answers);
    struct prompt_completion completions[2][SAMPLES];
    struct prompt_group groups[2];
    float log_probs[2 * SAMPLES * (MOST + 1)];
    generate(model, prompts, NULL, answers);
    list_groups(prompts, answers, completions, groups);
    assert_ok(model_score_groups(model, groups, 2, 1, log_probs, &error), error);
    assert_bits(answers, log_probs, false, "scored");
    assert_ok(model_score_groups(model, groups, 2, 0.7f, log_probs, &error), error);
    assert_bits(answers, log_probs, true, "scored at a temperature");
    for (size_t i = 0, at = 0; i < 2; i++) // alone as in a group
        for (size_t s = 0; s < SAMPLES; at += answers[i].count[s++]) {
            struct prompt_group one = groups[i];
            one.completions = &completions[i][s];
            one.completion_count = 1;
            float alone[MOST + 1];
            assert_ok(model_score_groups(model, &one, 1, 0.7f, alone, &error), error);
            assert_memory_equal(alone, log_probs + at, answers[i].count[s] * sizeof *alone);
        }

    struct training_options training_options = {.lora_rank = 4, .lora_alpha = 8, .seed = 3};
    struct training *training = training_open(model, &training_options, &error);
    assert_got(training, error);
    struct lora *adapter = training_adapter(training);
    for (size_t i = 0; i < lora_count(adapter); i++) { // B is zero at first
        const struct lora_module *m = lora_module_at(adapter, i);
        size_t count = m->out * m->rank;
        float *values = malloc(count * sizeof *values);
        for (size_t j = 0; j < count; j++)
            values[j] = (float)((double)(j * 2654435761u % 1000) / 3e4 - 0.016);
        to_device(model_device(model), m->b, values, count);
        free(values);
    }
    lora_refresh(adapter);
    generate(model, prompts, adapter, answers);
    list_groups(prompts, answers, completions, groups);
    assert_ok(training_log_probs(training, groups, 2, 0.7f, false, log_probs, &error), error);
    assert_bits(answers, log_probs, true, "log-probs of training");
    double loss;
    assert_ok(training_pass(training, groups, 2, 1, keep, log_probs, &loss, &error), error);
    assert_bits(answers, log_probs, false, "a training pass");
    training_close(training);
    for (size_t i = 0; i < 2; i++) prompt_free(&prompts[i]);
    free(answers);
    model_close(model);
}

static void test_tiny_model(void **state) {
    (void)state;
    check(test_data("qwen2_5_vl_tiny"), MODEL_TYPE_F32, 2, true, false);
    check(test_data("qwen2_5_vl_tiny"), MODEL_TYPE_BF16, 3, true, false);
}

// The way of models that are too large for steps in one operation.
static void test_operations_one_by_one(void **state) {
    (void)state;
    check(test_data("qwen2_5_vl_tiny"), MODEL_TYPE_F32, 1, true, true);
    check(test_data("qwen2_5_vl_tiny"), MODEL_TYPE_BF16, 2, true, true);
}

static void test_embedded_model(void **state) {
    (void)state;
    check(test_data("../../models/postcards"), MODEL_TYPE_F32, 2, true, false);
    check(test_data("../../models/postcards"), MODEL_TYPE_BF16, 2, false, false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiny_model),
        cmocka_unit_test(test_operations_one_by_one),
        cmocka_unit_test(test_embedded_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
