// Batched decoding: a batch must say exactly what each of its sequences says alone.
#include "support.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "generate/generator.h"
#include "model/lora.h"
#include "model/score.h"
#include "support_device.h"

enum { MOST = 64 };

struct heard {
    int32_t ids[MOST][64];
    size_t count[MOST];
    enum finish finish[MOST];
    char text[MOST][1024], streamed[MOST][1024];
    float log_prob[MOST][64];
    int32_t stop[MOST];
    size_t read, done, failed, tokens;
    struct generator
        *generator; // of which the request is cancelled with its token number cancel_at; 0: never
    size_t cancel_at;
};

static void on_token(void *context, size_t sample, const struct sampled *token, const char *text,
                     size_t length) {
    struct heard *heard = context;
    (void)token;
    strncat(heard->streamed[sample], text, length);
    heard->tokens++;
    if (heard->tokens == heard->cancel_at) generator_cancel(heard->generator, heard);
}

static void on_done(void *context, size_t sample, const struct completion *completion) {
    struct heard *heard = context;
    if (completion->count)
        memcpy(heard->ids[sample], completion->ids, completion->count * sizeof *completion->ids);
    heard->count[sample] = completion->count;
    heard->finish[sample] = completion->finish;
    snprintf(heard->text[sample], sizeof heard->text[sample], "%.*s", (int)completion->length,
             completion->text);
    for (size_t i = 0; i < completion->count; i++) {
        heard->log_prob[sample][i] = completion->tokens[i].logprob;
        assert_true(completion->ends[i] >= (i ? completion->ends[i - 1] : 0));
    }
    if (completion->count) assert_int_equal(completion->ends[completion->count - 1], completion->length);
    assert_int_equal(completion->stop != NULL, completion->finish == FINISH_STOP);
    heard->stop[sample] = -1;
    if (completion->stop) {
        assert_true(completion->stop == &completion->tokens[completion->count]);
        assert_int_equal(completion->stop->id, completion->ids[completion->count]);
        heard->stop[sample] = completion->stop->id;
        heard->log_prob[sample][completion->count] = completion->stop->logprob;
    }
    heard->done++;
}

static void on_read(void *context) {
    struct heard *heard = context;
    heard->read++;
}

static void on_failure(void *context, const struct error *error) {
    struct heard *heard = context;
    assert_true(error->code != 0);
    heard->failed++;
}

static struct model *open_model(void) {
    struct error error = {0};
    const struct model_options options = {.type = MODEL_TYPE_F32, .isa = test_isa()};
    struct model *model = model_open(test_data("qwen2_5_vl_tiny"), &options, &error);
    assert_got(model, error);
    return model;
}

// The same model with another end token.
static struct model *open_with_stop(int32_t id) {
    struct error error = {0};
    static const char *const files[] = {"config.json", "model.safetensors", "preprocessor_config.json",
                                        "tokenizer.json", "tokenizer_config.json"};
    const char *folder = test_temporary("stops");
    char path[4096], wanted[PATH_MAX], text[80];
    assert_int_equal(mkdir(folder, 0755), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        assert_non_null(realpath(test_data("qwen2_5_vl_tiny/%s", files[i]), wanted));
        assert_int_equal(symlink(wanted, path), 0);
    }
    snprintf(path, sizeof path, "%s/generation_config.json", folder);
    snprintf(text, sizeof text, "{\"eos_token_id\": %d}", (int)id);
    assert_ok(file_write(path, text, strlen(text), &error), error);
    const struct model_options options = {.type = MODEL_TYPE_F32, .isa = test_isa()};
    struct model *model = model_open(folder, &options, &error);
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
                           .on_read = on_read,
                           .on_failure = on_failure,
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

// One batch of requests, each through its own adapter: every one says what it says alone.
static void test_adapters(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = open_model();
    struct heard *together = calloc(3, sizeof *together), *alone = calloc(3, sizeof *alone);
    struct lora *lora = lora_open(model, test_data("training/lora_adapter"), &error);
    assert_got(lora, error);
    const struct lora *adapters[] = {lora, lora_none(), NULL};
    struct prompt prompt = ask(model, "Where is this?");
    struct generator *generator = generator_new(model, &error);
    for (int i = 0; i < 3; i++) {
        struct generation g = request(&prompt, 2, 0.9, &together[i]);
        g.adapter = adapters[i];
        assert_ok(generator_submit(generator, &g, NULL, &error), error);
    }
    assert_ok(generator_finish(generator, &error), error);
    for (int i = 0; i < 3; i++) {
        struct generation g = request(&prompt, 2, 0.9, &alone[i]);
        g.adapter = adapters[i];
        assert_ok(generator_submit(generator, &g, NULL, &error), error);
        assert_ok(generator_finish(generator, &error), error);
        for (int s = 0; s < 2; s++) {
            assert_int_equal(together[i].count[s], alone[i].count[s]);
            assert_memory_equal(together[i].ids[s], alone[i].ids[s], alone[i].count[s] * sizeof(int32_t));
        }
    }
    assert_memory_equal(alone[1].ids[0], alone[2].ids[0], alone[1].count[0] * sizeof(int32_t)); // no default
    assert_true(memcmp(alone[0].ids[0], alone[1].ids[0], sizeof(int32_t) * 5) != 0);
    generator_free(generator);
    prompt_free(&prompt);
    lora_free(lora);
    model_close(model);
    free(together), free(alone);
}

// Answers end by a stop token, which is told with its log-prob: those of the whole answer, stop token included, are
// what the model says about it (none of them is made up, none missing).
static void test_stop_tokens_are_kept(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = open_model();
    struct heard *heard = calloc(1, sizeof *heard);
    struct generator *generator = generator_new(model, &error);
    struct prompt prompt = ask(model, "Hello");
    struct generation g = request(&prompt, 40, 1, heard);
    g.sampling.temperature = 3;
    g.max_tokens = 60;
    assert_ok(generator_submit(generator, &g, NULL, &error), error);
    assert_ok(generator_finish(generator, &error), error);
    generator_free(generator);
    const struct model_facts *facts = model_facts(model);
    assert_int_equal(facts->stop_count, 2);
    size_t stopped = 0;
    for (size_t s = 0; s < 40; s++) {
        int32_t ids[64];
        float expected[64];
        size_t count = heard->count[s];
        memcpy(ids, heard->ids[s], count * sizeof *ids);
        if (heard->finish[s] == FINISH_STOP) {
            stopped++;
            ids[count++] = heard->stop[s];
            assert_true(heard->stop[s] == facts->stops[0] || heard->stop[s] == facts->stops[1]);
        } else {
            assert_int_equal(count, 60);
        }
        const struct prompt_completion completion = {ids, count};
        const struct prompt_group group = {
            .prompt = &prompt, .completions = &completion, .completion_count = 1};
        assert_ok(model_score_groups(model, &group, 1, 1, expected, &error), error);
        for (size_t i = 0; i < count; i++) assert_near(heard->log_prob[s][i], expected[i], 1e-4);
    }
    assert_true(stopped > 0 && stopped < 40);
    prompt_free(&prompt);
    model_close(model);
    free(heard);
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
    // Its first token is a stop token: the answer is empty unless a least number of tokens is asked for.
    generator_free(generator);
    model_close(model);
    model = open_with_stop(heard->ids[0][0]);
    generator = generator_new(model, &error);
    assert_got(generator, error);
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
            assert_int_not_equal(heard->ids[s][i], model_facts(model)->image_id);
            assert_int_not_equal(heard->ids[s][i], model_facts(model)->video_id);
        }
    prompt_free(&prompt);
    generator_free(generator);
    model_close(model);
    free(heard);
}

// ---- requests that wait ----

static const char *const long_texts[] = {
    "The road has a yellow line, the signs are blue, and the trees have lost their leaves. Where is this?",
    "A tram stops before a yellow house with green shutters; people wear scarves. Where is this?"};

static void assert_same(const struct heard *a, const struct heard *b, size_t samples) {
    assert_int_equal(a->done, samples);
    assert_int_equal(b->done, samples);
    for (size_t s = 0; s < samples; s++) {
        assert_true(a->count[s] > 0);
        assert_int_equal(a->count[s], b->count[s]);
        assert_memory_equal(a->ids[s], b->ids[s], a->count[s] * sizeof(int32_t));
        assert_memory_equal(a->log_prob[s], b->log_prob[s], a->count[s] * sizeof(float));
        assert_string_equal(a->text[s], b->text[s]);
        assert_string_equal(a->text[s], a->streamed[s]);
    }
}

struct pair {
    struct model *model;
    struct generator *generator;
    struct prompt prompts[2];
    struct heard *heard; // [2]
    struct generation requests[2];
};

enum { PIECE = 16 }; // of prompts of some forty tokens

static void open_pair(struct pair *pair) {
    struct error error = {0};
    pair->model = open_model();
    pair->generator = generator_new(pair->model, &error);
    generator_set_piece(pair->generator, PIECE);
    pair->heard = calloc(2, sizeof *pair->heard);
    for (int i = 0; i < 2; i++) {
        pair->prompts[i] = ask(pair->model, long_texts[i]);
        assert_true(pair->prompts[i].ids.count > 2 * PIECE);
        pair->requests[i] = request(&pair->prompts[i], 3, 0.9, &pair->heard[i]);
        pair->requests[i].ignore_stop = true;
        pair->heard[i].generator = pair->generator;
    }
}

static void close_pair(struct pair *pair) {
    generator_free(pair->generator);
    for (int i = 0; i < 2; i++) prompt_free(&pair->prompts[i]);
    model_close(pair->model);
    free(pair->heard);
}

static void run_alone(struct pair *pair, int which, struct heard *heard) {
    struct error error = {0};
    struct generation g = pair->requests[which];
    g.context = heard;
    assert_ok(generator_queue(pair->generator, &g, &error), error);
    assert_ok(generator_finish(pair->generator, &error), error);
}

// Who decodes goes on, token by token, while another prompt is read.
static void test_nobody_waits_for_a_prompt(void **state) {
    (void)state;
    struct error error = {0};
    struct pair pair;
    open_pair(&pair);
    struct heard *alone = calloc(2, sizeof *alone);
    for (int i = 0; i < 2; i++) run_alone(&pair, i, &alone[i]);
    assert_ok(generator_queue(pair.generator, &pair.requests[0], &error), error);
    assert_int_equal(generator_live(pair.generator), 3);
    assert_int_equal(generator_waiting(pair.generator), 1);
    assert_int_equal(pair.heard[0].tokens, 0); // nothing is said yet
    size_t steps = 0;
    for (; pair.heard[0].read == 0; steps++) assert_ok(generator_step(pair.generator, NULL, &error), error);
    assert_int_equal(steps, 1 + (pair.prompts[0].ids.count + PIECE - 1) / PIECE);
    assert_ok(generator_queue(pair.generator, &pair.requests[1], &error), error);
    for (steps = 0; pair.heard[1].read == 0; steps++) {
        size_t before = pair.heard[0].tokens;
        assert_ok(generator_step(pair.generator, NULL, &error), error);
        assert_int_equal(pair.heard[0].tokens, before + 3);
    }
    assert_true(steps >= 3);
    assert_ok(generator_finish(pair.generator, &error), error);
    for (int i = 0; i < 2; i++) assert_same(&pair.heard[i], &alone[i], 3);
    free(alone);
    close_pair(&pair);
}

static void test_cancel_at_any_time(void **state) {
    (void)state;
    struct error error = {0};
    struct pair pair;
    open_pair(&pair);
    struct heard *alone = calloc(1, sizeof *alone);
    run_alone(&pair, 1, alone);
    // After so many steps: before the prompt is begun, amid it, in the step after it, while tokens are drawn.
    for (size_t steps = 0; steps < 9; steps++) {
        memset(pair.heard, 0, 2 * sizeof *pair.heard);
        for (int i = 0; i < 2; i++)
            assert_ok(generator_queue(pair.generator, &pair.requests[i], &error), error);
        for (size_t i = 0; i < steps; i++) assert_ok(generator_step(pair.generator, NULL, &error), error);
        bool read = pair.heard[0].read;
        assert_int_equal(read, steps >= 1 + (pair.prompts[0].ids.count + PIECE - 1) / PIECE);
        size_t tokens = pair.heard[0].tokens;
        generator_cancel(pair.generator, &pair.heard[0]);
        assert_int_equal(generator_live(pair.generator), 3);
        assert_ok(generator_finish(pair.generator, &error), error);
        assert_int_equal(pair.heard[0].done, read ? 3 : 0);
        assert_true(pair.heard[0].tokens <= tokens + 3); // what was left of a cut character
        for (int s = 0; read && s < 3; s++) assert_int_equal(pair.heard[0].finish[s], FINISH_CANCELLED);
        assert_same(&pair.heard[1], alone, 3);
    }
    free(alone);
    close_pair(&pair);
}

// From within a callback: nothing more is heard of the request, and the others go on.
static void test_cancel_from_a_callback(void **state) {
    (void)state;
    struct error error = {0};
    struct pair pair;
    open_pair(&pair);
    struct heard *alone = calloc(1, sizeof *alone);
    run_alone(&pair, 1, alone);
    for (size_t at = 1; at < 8; at++) {
        memset(pair.heard, 0, 2 * sizeof *pair.heard);
        pair.heard[0].generator = pair.generator;
        pair.heard[0].cancel_at = at;
        for (int i = 0; i < 2; i++)
            assert_ok(generator_queue(pair.generator, &pair.requests[i], &error), error);
        assert_ok(generator_finish(pair.generator, &error), error);
        assert_true(pair.heard[0].tokens >= at && pair.heard[0].tokens <= at + 3);
        assert_int_equal(pair.heard[0].failed, 0);
        assert_same(&pair.heard[1], alone, 3);
    }
    free(alone);
    close_pair(&pair);
}

static void test_requests_that_could_never_be(void **state) {
    (void)state;
    struct error error = {0};
    struct pair pair;
    open_pair(&pair);
    struct generation g = pair.requests[0];
    g.samples = 0;
    assert_error(generator_queue(pair.generator, &g, &error), error, ERROR_USAGE, "nothing to generate");
    g = pair.requests[0];
    g.sampling.min_p = 3;
    assert_error(generator_queue(pair.generator, &g, &error), error, ERROR_USAGE, "min");
    assert_int_equal(generator_live(pair.generator), 0);
    // Freed while some wait and some decode: nothing leaks, nobody is told.
    for (int i = 0; i < 2; i++) assert_ok(generator_queue(pair.generator, &pair.requests[i], &error), error);
    for (int i = 0; i < 6; i++) assert_ok(generator_step(pair.generator, NULL, &error), error);
    close_pair(&pair);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_equals_alone),
        cmocka_unit_test(test_stop_tokens_are_kept),
        cmocka_unit_test(test_adapters),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_placeholders),
        cmocka_unit_test(test_nobody_waits_for_a_prompt),
        cmocka_unit_test(test_cancel_at_any_time),
        cmocka_unit_test(test_cancel_from_a_callback),
        cmocka_unit_test(test_requests_that_could_never_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
