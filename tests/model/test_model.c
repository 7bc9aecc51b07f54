// What the rooms above see of a model: facts, sizes of prompts, products, scores.
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/family.h"
#include "model/score.h"
#include "support_device.h"

static struct model *open_model(const char *name) {
    struct error error = {0};
    const struct model_options options = {.type = MODEL_TYPE_F32, .isa = test_isa(), .max_pixels = 90000};
    struct model *model = model_open(test_data("%s", name), &options, &error);
    assert_got(model, error);
    return model;
}

static void test_facts(void **state) {
    (void)state;
    struct model *model = open_model("qwen2_5_vl_tiny"), *tied = open_model("qwen2_5_vl_tiny_tied"),
                 *again = open_model("qwen2_5_vl_tiny");
    const struct model_facts *facts = model_facts(model);
    assert_string_equal(facts->short_name, "qwen2_5_vl_tiny");
    assert_int_equal(facts->hidden, 64);
    assert_int_equal(facts->layers, 3);
    assert_int_equal(facts->context, 4096);
    assert_true(!facts->tied && model_facts(tied)->tied);
    assert_int_equal(facts->token_side, 28);
    assert_int_equal(facts->patches_per_token, 4);
    assert_int_equal(facts->min_pixels, 3136);
    assert_int_equal(facts->max_pixels, 90000);
    assert_int_equal(facts->stop_count, 2);
    assert_int_equal(facts->stops[0], 976);
    assert_int_equal(facts->type, DTYPE_F32);
    assert_true(facts->threads > 0 && *facts->device);
    assert_int_equal(tokenizer_find(model_tokenizer(model), "<|image_pad|>"), facts->image_id);
    assert_true(facts->generation->has_repetition_penalty);
    assert_true(facts->step_bytes > 0 && facts->step_bytes < facts->weight_bytes);
    // A step reads the head but not the embedding, which is as large; tied, it is one and the same.
    size_t table = facts->vocab * facts->hidden * dtype_size(facts->dtype);
    assert_true(facts->step_bytes + table < facts->weight_bytes);
    assert_true(model_identity(model) == model_identity(again));
    assert_true(model_identity(model) != model_identity(tied));
    model_close(again), model_close(tied), model_close(model);
}

static double operations(const struct model_product *products, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)products[i].rows * (double)products[i].out * (double)products[i].in *
               (double)products[i].times;
    return sum;
}

static void test_products(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = open_model("qwen2_5_vl_tiny");
    struct model_config c;
    struct model_product products[MODEL_MAX_PRODUCTS];
    assert_ok(model_config_read(&c, test_data("qwen2_5_vl_tiny"), &error), error);
    double hidden = c.text.hidden, heads = c.text.heads * c.text.head_dim,
           kv = c.text.kv_heads * c.text.head_dim, inner = c.text.intermediate;
    size_t count = model_text_products(model, 7, products, &error);
    assert_true(count > 0);
    assert_near(operations(products, count),
                7 * c.text.layers * (2 * hidden * heads + 2 * hidden * kv + 3 * hidden * inner), 0.5);
    count = model_vision_products(model, 16, products, &error);
    assert_true(count > 0);
    double width = c.vision.hidden, merged = 4 * width,
           patch = 3.0 * c.vision.temporal_patch * c.vision.patch * c.vision.patch;
    assert_near(
        operations(products, count),
        16 * (patch * width + c.vision.depth * (4 * width * width + 3 * width * c.vision.intermediate)) +
            4 * (merged * merged + merged * c.vision.out_hidden),
        0.5);
    model_close(model);
}

// What measuring says of a picture is what building does, also where the message has wishes of its own.
static void test_measure(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = open_model("qwen2_5_vl_tiny");
    static const struct chat_size wishes[] = {
        {0}, {.max_pixels = 20000}, {.min_pixels = 60000}, {.resized_height = 100, .resized_width = 200}};
    enum { COUNT = 4 };
    struct chat chat = {0};
    struct image images[COUNT];
    size_t widths[COUNT], heights[COUNT], tokens = 0;
    struct picture_size sizes[COUNT];
    assert_ok(chat_add_message(&chat, "user", &error), error);
    for (size_t i = 0; i < COUNT; i++) {
        widths[i] = 150 + 50 * i;
        heights[i] = 130;
        assert_ok(image_new(&images[i], widths[i], heights[i], &error), error);
        memset(images[i].rgb, 90, widths[i] * heights[i] * 3);
        assert_ok(chat_add_part(&chat, CHAT_IMAGE, "picture", &error), error);
        chat.messages[0].parts[i].size = wishes[i];
    }
    struct prompt prompt;
    assert_ok(prompt_build(&prompt, model, &chat, images, COUNT, &error), error);
    assert_ok(prompt_measure(model, &chat, widths, heights, sizes, &error), error);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(sizes[i].width, prompt.resized[i].width);
        assert_int_equal(sizes[i].height, prompt.resized[i].height);
        assert_int_equal(sizes[i].patches, prompt.grids[i].height * prompt.grids[i].width);
        tokens += sizes[i].tokens;
    }
    size_t placeholders = 0;
    for (size_t i = 0; i < prompt.ids.count; i++)
        placeholders += prompt.ids.data[i] == model_facts(model)->image_id;
    assert_int_equal(tokens, placeholders);
    assert_true(sizes[1].width * sizes[1].height <= 20000 && sizes[2].width * sizes[2].height >= 60000);
    assert_int_equal(sizes[3].width, 196);
    chat.messages[0].parts[1].size.max_pixels = 3; // less than the least
    assert_error(prompt_measure(model, &chat, widths, heights, sizes, &error), error, ERROR_INPUT, "picture");
    for (size_t i = 0; i < COUNT; i++) image_free(&images[i]);
    prompt_free(&prompt);
    chat_free(&chat);
    model_close(model);
}

static double log_prob(const float *logits, size_t vocab, int32_t id) {
    double sum = exp((double)logits[0]);
    for (size_t i = 1; i < vocab; i++) sum += exp((double)logits[i]);
    return (double)logits[id] - log(sum);
}

// Scores of two answers to one prompt in one pass, beside those through the caches.
static void test_scores(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = open_model("qwen2_5_vl_tiny");
    struct chat chat = {0};
    struct prompt prompt;
    assert_ok(chat_add_message(&chat, "user", &error), error);
    assert_ok(chat_add_part(&chat, CHAT_TEXT, "Where is this?", &error), error);
    assert_ok(prompt_build(&prompt, model, &chat, NULL, 0, &error), error);
    static const int32_t ids[] = {5, 90, 41, 7, 976, 300, 976};
    const struct prompt_completion answers[] = {{ids, 5}, {ids + 5, 2}};
    const struct prompt_group group = {.prompt = &prompt, .completions = answers, .completion_count = 2};
    float got[7], want[7], *last = malloc(model_facts(model)->vocab * sizeof *last);
    assert_ok(model_score_groups(model, &group, 1, 1, got, &error), error);
    struct kv_cache cache;
    assert_ok(model_cache_open(model, &cache, prompt.ids.count, &error), error);
    assert_ok(model_prefill(model, &prompt, &cache, last, NULL, NULL, &error), error);
    assert_ok(model_score(model, &prompt, &cache, last, ids, 5, want, &error), error);
    assert_ok(model_score(model, &prompt, &cache, last, ids + 5, 2, want + 5, &error), error);
    for (size_t i = 0; i < 7; i++) assert_near(got[i], want[i], 1e-5);
    // What comes next: after the prompt itself and after both answers, beside the caches and the scores.
    const struct prompt_completion next[] = {{ids, 0}, {ids, 4}, {ids + 5, 1}};
    const struct prompt_group group_next = {.prompt = &prompt, .completions = next, .completion_count = 3};
    size_t vocab = model_facts(model)->vocab;
    float *logits = malloc(3 * vocab * sizeof *logits);
    assert_ok(model_next_logits(model, &group_next, 1, logits, &error), error);
    for (size_t i = 0; i < vocab; i++) assert_near(logits[i], last[i], 1e-4);
    assert_near(log_prob(logits + vocab, vocab, ids[4]), got[4], 1e-5);
    assert_near(log_prob(logits + 2 * vocab, vocab, ids[6]), got[6], 1e-5);
    free(logits);
    assert_error(model_score_groups(model, &group, 1, 0, got, &error), error, ERROR_USAGE, "temperature");
    const int32_t outside = 1 << 24;
    const struct prompt_completion wrong = {&outside, 1};
    const struct prompt_group bad = {.prompt = &prompt, .completions = &wrong, .completion_count = 1};
    assert_error(model_score_groups(model, &bad, 1, 1, got, &error), error, ERROR_INPUT, "token id");
    kv_cache_close(&cache);
    free(last);
    prompt_free(&prompt);
    chat_free(&chat);
    model_close(model);
}

// Every family that there is has what the others' callers take for granted.
static void test_families(void **state) {
    (void)state;
    for (size_t i = 0; model_families[i]; i++) {
        const struct model_family *f = model_families[i];
        char name[100];
        assert_true(*f->name && *f->architecture && *f->turn_end);
        model_family_publish(f, f->embedding, name, sizeof name);
        assert_string_equal(name, f->embedding);                         // a published name stays
        for (const struct family_prefix *p = f->renamed; p->from; p++) { // what we write we read
            char ours[100];
            snprintf(ours, sizeof ours, "%sx", p->to);
            // NOLINTNEXTLINE(readability-suspicious-call-argument): a published name goes to `name`
            model_family_publish(f, ours, name, sizeof name);
            assert_int_equal(strncmp(name, p->from, strlen(p->from)), 0);
        }
        for (size_t k = 0; k < i; k++) assert_string_not_equal(f->name, model_families[k]->name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),  cmocka_unit_test(test_products), cmocka_unit_test(test_measure),
        cmocka_unit_test(test_scores), cmocka_unit_test(test_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
