// Batched decoding: a batch must say exactly what each of its sequences says alone.
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/generator.h"
#include "support_device.h"

enum { MOST = 64 };

struct heard {
    int32_t ids[MOST][64];
    size_t count[MOST];
    enum finish finish[MOST];
    char text[MOST][1024], streamed[MOST][1024];
    size_t done;
};

static void on_token(void *context, size_t sample, const struct sampled *token, const char *text,
                     size_t length) {
    struct heard *heard = context;
    (void)token;
    strncat(heard->streamed[sample], text, length);
}

static void on_done(void *context, size_t sample, const struct completion *completion) {
    struct heard *heard = context;
    if (completion->count)
        memcpy(heard->ids[sample], completion->ids, completion->count * sizeof *completion->ids);
    heard->count[sample] = completion->count;
    heard->finish[sample] = completion->finish;
    snprintf(heard->text[sample], sizeof heard->text[sample], "%.*s", (int)completion->length,
             completion->text);
    heard->done++;
}

static struct model *open_model(void) {
    struct error error = {0};
    const struct model_options options = {.type = MODEL_TYPE_F32, .isa = test_isa()};
    struct model *model = model_open(test_data("qwen2_5_vl_tiny"), &options, &error);
    assert_got(model, error);
    return model;
}

static struct prompt ask(const struct model *model, const char *text) {
    struct error error = {0};
    struct chat chat = {0};
    struct prompt prompt;
    assert_ok(chat_add_message(&chat, "user", &error), error);
    assert_ok(chat_add_part(&chat, CHAT_TEXT, text, &error), error);
    assert_ok(prompt_build(&prompt, model, &chat, NULL, 0, &error), error);
    chat_free(&chat);
    return prompt;
}

static struct generation request(const struct prompt *prompt, size_t samples, double temperature,
                                 struct heard *heard) {
    struct generation g = {.prompt = prompt,
                           .sampling = sampling_default(),
                           .samples = samples,
                           .max_tokens = 20,
                           .on_token = on_token,
                           .on_done = on_done,
                           .context = heard};
    g.sampling.temperature = temperature;
    g.sampling.seed = 7;
    return g;
}

static void test_batch_equals_alone(void **state) {
    (void)state;
    static const char *const texts[] = {"Where is this?", "The road has a yellow line.", "One."};
    struct error error = {0};
    struct model *model = open_model();
    struct heard *together = calloc(3, sizeof *together), *alone = calloc(3, sizeof *alone);
    struct generator *generator = generator_new(model, &error);
    for (int i = 0; i < 3; i++) { // several prompts, several samples each, joining while others run
        struct prompt prompt = ask(model, texts[i]);
        struct generation g = request(&prompt, 5, 0.9, &together[i]);
        assert_ok(generator_submit(generator, &g, NULL, &error), error);
        prompt_free(&prompt);
        assert_ok(generator_step(generator, NULL, &error), error);
    }
    assert_ok(generator_finish(generator, &error), error);
    assert_int_equal(generator_live(generator), 0);
    for (int i = 0; i < 3; i++) {
        struct prompt prompt = ask(model, texts[i]);
        struct generation g = request(&prompt, 5, 0.9, &alone[i]);
        assert_ok(generator_submit(generator, &g, NULL, &error), error);
        assert_ok(generator_finish(generator, &error), error);
        prompt_free(&prompt);
        assert_int_equal(together[i].done, 5);
        for (int s = 0; s < 5; s++) {
            assert_true(alone[i].count[s] > 0);
            assert_int_equal(together[i].count[s], alone[i].count[s]);
            assert_memory_equal(together[i].ids[s], alone[i].ids[s], alone[i].count[s] * sizeof(int32_t));
            assert_string_equal(together[i].text[s], together[i].streamed[s]);
        }
        // Samples of one prompt differ: each has a stream of random numbers of its own.
        assert_true(memcmp(alone[i].ids[0], alone[i].ids[1], sizeof(int32_t) * 5) != 0);
    }
    generator_free(generator);
    model_close(model);
    free(together);
    free(alone);
}

static void test_limits(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = open_model();
    struct heard *heard = calloc(1, sizeof *heard);
    struct generator *generator = generator_new(model, &error);
    struct prompt prompt = ask(model, "Hello");
    struct generation g = request(&prompt, 1, 0, heard);
    g.max_tokens = 1;
    assert_ok(generator_submit(generator, &g, NULL, &error), error);
    assert_int_equal(heard->done, 1); // ended with its first token
    assert_int_equal(heard->finish[0], FINISH_LENGTH);
    g.max_tokens = 0;
    assert_error(generator_submit(generator, &g, NULL, &error), error, ERROR_USAGE, "nothing to generate");
    g.max_tokens = 5;
    g.sampling.top_p = 7;
    assert_error(generator_submit(generator, &g, NULL, &error), error, ERROR_USAGE, "top");
    g.sampling.top_p = 1;
    assert_ok(generator_submit(generator, &g, NULL, &error), error);
    generator_cancel(generator, heard);
    assert_int_equal(heard->finish[0], FINISH_CANCELLED);
    assert_int_equal(generator_live(generator), 0);
    // Every token is a stop token: the answer is empty unless a least number of tokens is asked for.
    model->stops[0] = heard->ids[0][0];
    model->stop_count = 1;
    assert_ok(generator_submit(generator, &g, NULL, &error), error);
    assert_int_equal(heard->finish[0], FINISH_STOP);
    assert_int_equal(heard->count[0], 0);
    g.min_tokens = 3;
    heard->done = 0;
    assert_ok(generator_submit(generator, &g, NULL, &error), error);
    assert_ok(generator_finish(generator, &error), error);
    assert_true(heard->count[0] >= 3);
    prompt_free(&prompt);
    generator_free(generator);
    model_close(model);
    free(heard);
}

// However much they are wanted, image placeholders are never sampled.
static void test_no_placeholders(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = open_model();
    struct heard *heard = calloc(1, sizeof *heard);
    struct generator *generator = generator_new(model, &error);
    struct prompt prompt = ask(model, "x");
    struct generation g = request(&prompt, 40, 50, heard); // nearly uniform over 1004 tokens
    g.ignore_stop = true;
    assert_ok(generator_submit(generator, &g, NULL, &error), error);
    assert_ok(generator_finish(generator, &error), error);
    for (int s = 0; s < 40; s++)
        for (size_t i = 0; i < heard->count[s]; i++) {
            assert_int_not_equal(heard->ids[s][i], model->config->image_id);
            assert_int_not_equal(heard->ids[s][i], model->config->video_id);
        }
    prompt_free(&prompt);
    generator_free(generator);
    model_close(model);
    free(heard);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_equals_alone),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_placeholders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
