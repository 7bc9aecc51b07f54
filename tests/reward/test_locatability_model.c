// The reward model of locatability: scores beside a prefill of the whole prompt, batches, cached embeddings, the
// released rule, adapters of other bases, servers.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "engine/mock_server.h"
#include "model/lora.h"
#include "reward/compat.h"
#include "reward/locatability_model.h"
#include "support_device.h"
#include "text/prompts.h"

enum { TEXTS = 3 };
static const char *const texts[TEXTS] = {
    "<think>a red phone box</think><answer>country: United Kingdom\ncity: London</answer>", "",
    "A meadow. \xE2\x80\x9CNothing\xE2\x80\x9D tells."};

static const char SYSTEM[] =
    "Given input image and its location reasoning text, please determine if the image is "
    "visually locatable, then output \xE2\x80\x9Cyes\xE2\x80\x9D or "
    "\xE2\x80\x9Cno\xE2\x80\x9D directly.\n";

static struct model *open_model(void) {
    struct error error = {0};
    const struct model_options options = {.type = MODEL_TYPE_F32, .isa = test_isa(), .max_pixels = 20000};
    struct model *model = model_open(test_data("qwen2_5_vl_tiny"), &options, &error);
    assert_got(model, error);
    return model;
}

// An adapter that changes something, as a folder.
static const char *make_adapter(struct model *model) {
    struct error error = {0};
    const char *folder = test_temporary("adapter");
    const struct lora_options options = {.rank = 3, .alpha = 12, .seed = 7};
    const struct lora_form form = {.type = DTYPE_F32};
    struct lora *lora = lora_new(model, &options, &error);
    assert_got(lora, error);
    for (size_t i = 0; i < lora_count(lora); i++) {
        struct lora_module *m = lora_module_at(lora, i);
        float *values = malloc(m->out * m->rank * sizeof *values);
        for (size_t k = 0; k < m->out * m->rank; k++) values[k] = (float)((k * 37 + i) % 11) * 0.02f - 0.1f;
        device_upload(model_device(model), matrix_of(m->b, DTYPE_F32, m->out, m->rank), values);
        free(values);
    }
    lora_refresh(lora);
    assert_ok(lora_save(lora, model, folder, &form, &error), error);
    lora_free(lora);
    return folder;
}

static struct image make_image(unsigned char grey) {
    struct error error = {0};
    struct image image;
    assert_ok(image_new(&image, 140, 84, &error), error);
    for (size_t i = 0; i < 140u * 84u * 3u; i++) image.rgb[i] = (unsigned char)(grey + i % 50);
    return image;
}

// Logits of the first token of an answer, through a cache.
static float *prefill(struct model *model, const struct lora *lora, const struct image *image,
                      const char *text) {
    struct error error = {0};
    struct chat chat = {0};
    struct prompt prompt;
    struct kv_cache cache;
    float *logits = malloc(model_facts(model)->vocab * sizeof *logits);
    assert_ok(chat_add_message(&chat, "system", &error), error);
    assert_ok(chat_add_part(&chat, CHAT_TEXT, SYSTEM, &error), error);
    assert_ok(chat_add_message(&chat, "user", &error), error);
    assert_ok(chat_add_part(&chat, CHAT_IMAGE, "a", &error), error);
    assert_ok(chat_add_part(&chat, CHAT_TEXT, text, &error), error);
    assert_ok(prompt_build(&prompt, model, &chat, image, 1, &error), error);
    assert_ok(model_cache_open(model, &cache, prompt.ids.count, &error), error);
    cache.adapter = lora;
    assert_ok(model_prefill(model, &prompt, &cache, logits, NULL, NULL, &error), error);
    kv_cache_close(&cache);
    prompt_free(&prompt);
    chat_free(&chat);
    return logits;
}

static double mass(const struct model *model, const float *logits, const char *const *forms) {
    double sum = 0;
    int32_t seen[6];
    for (size_t i = 0; i < 6; i++) {
        struct error error = {0};
        struct ids ids = {0};
        bool again = false;
        assert_ok(tokenizer_encode(model_tokenizer(model), forms[i], strlen(forms[i]), false, &ids, &error),
                  error);
        seen[i] = ids.data[0];
        for (size_t k = 0; k < i; k++) again |= seen[k] == seen[i];
        if (!again) sum += exp((double)logits[ids.data[0]]);
        ids_free(&ids);
    }
    return sum;
}

static double expected(struct model *model, const struct lora *lora, const struct image *image,
                       const char *text) {
    static const char *const yes[] = {"yes", "Yes", "YES", " yes", " Yes", " YES"}, *const no[] = {
                                                                                        "no",  "No",  "NO",
                                                                                        " no", " No", " NO"};
    float *logits = prefill(model, lora, image, text);
    double y = mass(model, logits, yes), n = mass(model, logits, no);
    free(logits);
    return y / (y + n);
}

static void test_scores(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = open_model();
    const char *folder = make_adapter(model);
    struct locatability_model *judge = locatability_model_open(model, folder, false, &error);
    assert_got(judge, error);
    struct lora *lora = lora_open(model, folder, &error);
    assert_got(lora, error);
    struct image images[2] = {make_image(20), make_image(190)};
    struct prompt shown;
    struct chat chat = {0};
    assert_ok(chat_add_message(&chat, "user", &error), error);
    assert_ok(chat_add_part(&chat, CHAT_IMAGE, "b", &error), error);
    assert_ok(prompt_build(&shown, model, &chat, &images[1], 1, &error), error);
    chat_free(&chat);
    size_t rows = shown.patches.rows / model_facts(model)->patches_per_token,
           hidden = model_facts(model)->hidden;
    float *embeds = malloc(rows * hidden * sizeof *embeds);
    assert_ok(model_see(model, &shown, embeds, &error), error);
    struct locatability_case cases[] = {
        {.name = "a.jpg", .image = &images[0], .texts = texts, .count = TEXTS},
        {.name = "b.jpg", .shown = &shown, .texts = texts, .count = TEXTS},
        {.name = "none.jpg", .image = &images[0], .count = 0},
        {.name = "b.jpg",
         .shown = &shown,
         .texts = texts,
         .count = TEXTS,
         .embeds = matrix_of(embeds, DTYPE_F32, rows, hidden)},
    };
    double scores[3 * TEXTS];
    assert_ok(locatability_model_score(judge, NULL, cases, 4, scores, &error), error);
    double least = 1, most = 0;
    for (size_t i = 0; i < 2 * TEXTS; i++) {
        double want = expected(model, lora, &images[i / TEXTS], texts[i % TEXTS]);
        assert_near(scores[i], want, 1e-5);
        least = fmin(least, want);
        most = fmax(most, want);
    }
    assert_true(most - least > 1e-3); // picture and text count
    for (size_t i = 0; i < TEXTS; i++) assert_near(scores[2 * TEXTS + i], scores[TEXTS + i], 1e-6);
    assert_true(fabs(scores[0] - expected(model, lora_none(), &images[0], texts[0])) >
                1e-3); // the adapter counts
    // Patches that were let go, as a cache of features does, are not missed where their embeddings are given.
    free(shown.patches.data);
    shown.patches.data = NULL;
    double again[TEXTS];
    assert_ok(locatability_model_score(judge, NULL, &cases[3], 1, again, &error), error);
    for (size_t i = 0; i < TEXTS; i++) assert_near(again[i], scores[TEXTS + i], 1e-6);
    // More texts than a pass takes, and one that is too long.
    enum { MANY = 131 };
    const char *many[MANY];
    double all[MANY];
    char *endless = calloc(1, 20001);
    for (size_t i = 0; i < 20000; i++) endless[i] = i % 2 ? ' ' : (char)('a' + i % 26);
    for (size_t i = 0; i < MANY; i++) many[i] = i == 70 ? endless : texts[i % TEXTS];
    const struct locatability_case crowd = {
        .name = "crowd.jpg", .image = &images[0], .texts = many, .count = MANY};
    assert_error(locatability_model_score(judge, NULL, &crowd, 1, all, &error), error, ERROR_LIMIT,
                 "crowd.jpg");
    for (size_t i = 0; i < MANY; i++) {
        if (i == 70)
            assert_true(isnan(all[i]));
        else
            assert_near(all[i], scores[i % TEXTS], 1e-5);
    }
    free(endless), free(embeds);
    prompt_free(&shown);
    image_free(&images[0]), image_free(&images[1]);
    locatability_model_close(judge);
    lora_free(lora);
    model_close(model);
}

// While others are trained, the base is the one of before.
static void test_beside_training(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = open_model();
    struct locatability_model *judge = locatability_model_open(model, make_adapter(model), false, &error);
    assert_got(judge, error);
    struct image image = make_image(60);
    const struct locatability_case one = {.name = "a", .image = &image, .texts = texts, .count = TEXTS};
    double before[TEXTS], during[TEXTS];
    assert_ok(locatability_model_score(judge, NULL, &one, 1, before, &error), error);
    const struct training_options options = {.train_text = true};
    struct training *training = training_open(model, &options, &error);
    assert_got(training, error);
    for (size_t i = 0; i < training_parameter_count(training); i++) {
        struct parameter *p = training_parameter(training, i);
        float *values = malloc(p->count * sizeof *values);
        for (size_t k = 0; k < p->count; k++) values[k] = 0.05f * (float)(k % 5);
        device_upload(training_device(training), parameter_values(p), values);
        free(values);
    }
    training_refresh(training);
    assert_ok(locatability_model_score(judge, training, &one, 1, during, &error), error);
    for (size_t i = 0; i < TEXTS; i++) assert_near(during[i], before[i], 1e-7);
    training_close(training);
    image_free(&image);
    locatability_model_close(judge);
    model_close(model);
}

// The five likeliest tokens, one after the other.
static double expected_compat(struct model *model, const struct lora *lora, const struct image *image,
                              const char *text) {
    size_t vocab = model_facts(model)->vocab, lengths[5];
    float *logits = prefill(model, lora, image, text);
    double sum, log_probs[5];
    char tokens[5][64];
    const char *pointers[5];
    sum = exp((double)logits[0]);
    for (size_t i = 1; i < vocab; i++) sum += exp((double)logits[i]);
    for (size_t n = 0; n < 5; n++) {
        size_t best = 0;
        for (size_t i = 1; i < vocab; i++)
            if (logits[i] > logits[best]) best = i;
        const char *bytes = tokenizer_bytes(model_tokenizer(model), (int32_t)best, &lengths[n]);
        snprintf(tokens[n], sizeof tokens[n], "%.*s", (int)lengths[n], bytes ? bytes : "");
        pointers[n] = tokens[n];
        log_probs[n] = (double)logits[best] - log(sum);
        logits[best] = -INFINITY;
    }
    free(logits);
    return reward_compat_locatability(pointers, log_probs, 5);
}

static void test_compat(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = open_model();
    const char *folder = make_adapter(model);
    struct locatability_model *judge = locatability_model_open(model, folder, true, &error);
    assert_got(judge, error);
    struct image image = make_image(60);
    double scores[TEXTS];
    const struct locatability_case one = {.name = "a", .image = &image, .texts = texts, .count = TEXTS};
    assert_ok(locatability_model_score(judge, NULL, &one, 1, scores, &error), error);
    struct lora *lora = lora_open(model, folder, &error);
    assert_got(lora, error);
    for (size_t i = 0; i < TEXTS; i++)
        assert_near(scores[i], expected_compat(model, lora, &image, texts[i]), 1e-6);
    lora_free(lora);
    image_free(&image);
    locatability_model_close(judge);
    model_close(model);
}

static void test_other_base(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = open_model();
    const char *folder = make_adapter(model);
    char path[600];
    size_t length;
    snprintf(path, sizeof path, "%s/adapter_model.safetensors", folder);
    char *bytes = file_read(path, 1 << 24, &length, &error), *at = NULL;
    assert_got(bytes, error);
    for (size_t i = 8; i < 4000 && !at; i++)
        if (memcmp(bytes + i, "\"globe_base\":\"", 14) == 0) at = bytes + i + 14;
    assert_non_null(at);
    at[3] = at[3] == '0' ? '1' : '0';
    test_write(path, bytes, length);
    free(bytes);
    assert_null(locatability_model_open(model, folder, false, &error));
    assert_error(-1, error, ERROR_MODEL, "made over other weights than those of");
    assert_non_null(strstr(error.message, "qwen2_5_vl_tiny"));
    error = (struct error){0};
    assert_null(locatability_model_open(model, test_temporary("nowhere"), false, &error));
    assert_error(-1, error, ERROR_MODEL, "nowhere");
    model_close(model);
}

// ---- servers ----

#define REPLY(top)                                                                                 \
    "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"yes\"},"         \
    "\"finish_reason\":\"length\",\"logprobs\":{\"content\":[{\"token\":\"yes\",\"logprob\":-0.2," \
    "\"top_logprobs\":[" top "]}]}}]}"

static struct locatability_model *ask(const char *url, bool compat) {
    struct error error = {0};
    const struct endpoint_options options = {.url = url,
                                             .model = "judge-lora",
                                             .concurrency = 2,
                                             .patience = 1,
                                             .timeout = 20,
                                             .jpeg_quality = 90};
    struct locatability_model *judge = locatability_model_open_endpoint(&options, compat, &error);
    assert_got(judge, error);
    return judge;
}

static int score_one(const char *body, bool compat, double *score, struct error *error) {
    const struct mock_step step = {.body = body};
    struct mock_server *server = mock_server_start(&step, 1, 0);
    struct locatability_model *judge = ask(mock_server_url(server), compat);
    struct image image = make_image(60);
    const struct locatability_case one = {.name = "a.jpg", .image = &image, .texts = texts, .count = 1};
    int result = locatability_model_score(judge, NULL, &one, 1, score, error);
    const char *sent = mock_server_request(server, 0)->body;
    assert_non_null(strstr(sent, "determine if the image is visually locatable"));
    assert_non_null(strstr(sent, "a red phone box"));
    assert_non_null(strstr(sent, compat ? "\"top_logprobs\":5" : "\"top_logprobs\":20"));
    assert_non_null(strstr(sent, compat ? "\"temperature\":0.6" : "\"temperature\":1"));
    image_free(&image);
    locatability_model_close(judge);
    mock_server_stop(server);
    return result;
}

static void test_server(void **state) {
    (void)state;
    struct error error = {0};
    double score;
    static const char good[] =
        REPLY("{\"token\":\"yes\",\"logprob\":-0.5},{\"token\":\" Yes\",\"logprob\":-2},"
              "{\"token\":\"no\",\"logprob\":-1.5},{\"token\":\"yEs\",\"logprob\":-1},"
              "{\"token\":\"yes.\",\"logprob\":-1}");
    assert_ok(score_one(good, false, &score, &error), error);
    double yes = exp(-0.5) + exp(-2), no = exp(-1.5);
    assert_near(score, yes / (yes + no), 1e-12);
    assert_ok(score_one(good, true, &score, &error), error); // " Yes" does not count there
    assert_near(score, exp(-0.5) / (exp(-0.5) + no), 1e-12);
    static const char neither[] = REPLY("{\"token\":\"The\",\"logprob\":-0.5}");
    assert_error(score_one(neither, false, &score, &error), error, ERROR_NETWORK,
                 "is \"judge-lora\" a reward model");
    assert_true(isnan(score));
    assert_ok(score_one(neither, true, &score, &error), error);
    assert_near(score, 0, 0);
    assert_error(score_one(REPLY(""), true, &score, &error), error, ERROR_NETWORK, "top_logprobs");
    assert_true(isnan(score));
}

// One text fails, the others have their scores.
// A log-prob that is none says nothing of the others' shares; one that cannot be is null.
static void test_server_lies(void **state) {
    (void)state;
    static const struct {
        const char *entries;
        double score; // NaN: refused
    } replies[] = {
        {"{\"token\":\"yes\",\"logprob\":\"x\"},{\"token\":\"no\",\"logprob\":-2.4}", NAN},
        {"{\"token\":\"no\",\"logprob\":-2.4},{\"token\":\"yes\",\"logprob\":5}", NAN},
        {"{\"token\":\"no\",\"logprob\":-2.4},{\"logprob\":-0.1}", NAN},
        {"{\"token\":\"yes\",\"logprob\":null},{\"token\":\"no\",\"logprob\":-2.4}", 0},
    };
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        struct error error = {0};
        char body[600];
        snprintf(body, sizeof body,
                 "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"No\"},"
                 "\"finish_reason\":\"length\","
                 "\"logprobs\":{\"content\":[{\"token\":\"No\",\"logprob\":-0.1,\"top_logprobs\":[%s]}]}}]}",
                 replies[i].entries);
        const struct mock_step step = {.body = body};
        struct mock_server *server = mock_server_start(&step, 1, 0);
        const struct endpoint_options options = {.url = mock_server_url(server),
                                                 .model = "judge",
                                                 .concurrency = 1,
                                                 .timeout = 20,
                                                 .jpeg_quality = 90};
        struct locatability_model *judge = locatability_model_open_endpoint(&options, false, &error);
        assert_got(judge, error);
        struct image image = make_image(60);
        double score = -1;
        const struct locatability_case one = {.name = "a.jpg", .image = &image, .texts = texts, .count = 1};
        int result = locatability_model_score(judge, NULL, &one, 1, &score, &error);
        if ((result == 0) == isnan(replies[i].score))
            fail_msg("%s: %d, %g", replies[i].entries, result, score);
        if (result == 0) assert_near(score, replies[i].score, 0);
        image_free(&image);
        locatability_model_close(judge);
        mock_server_stop(server);
    }
}

static void test_server_fails(void **state) {
    (void)state;
    struct error error = {0};
    static const struct mock_step steps[] = {{.body = REPLY("{\"token\":\"YES\",\"logprob\":-0.1}")},
                                             {.status = 404, .body = "{\"error\":\"no such model\"}"},
                                             {.body = REPLY("{\"token\":\"NO\",\"logprob\":-0.1}")}};
    struct mock_server *server = mock_server_start(steps, 3, 0);
    const struct endpoint_options options = {.url = mock_server_url(server),
                                             .model = "judge",
                                             .concurrency = 1,
                                             .timeout = 20,
                                             .jpeg_quality = 90};
    struct locatability_model *judge = locatability_model_open_endpoint(&options, false, &error);
    assert_got(judge, error);
    struct image image = make_image(60);
    double scores[TEXTS];
    const struct locatability_case one = {.name = "a.jpg", .image = &image, .texts = texts, .count = TEXTS};
    assert_error(locatability_model_score(judge, NULL, &one, 1, scores, &error), error, ERROR_NETWORK,
                 "a.jpg");
    assert_near(scores[0], 1, 0);
    assert_true(isnan(scores[1]));
    assert_near(scores[2], 0, 0);
    image_free(&image);
    locatability_model_close(judge);
    mock_server_stop(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores),       cmocka_unit_test(test_beside_training),
        cmocka_unit_test(test_compat),       cmocka_unit_test(test_other_base),
        cmocka_unit_test(test_server),       cmocka_unit_test(test_server_lies),
        cmocka_unit_test(test_server_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
