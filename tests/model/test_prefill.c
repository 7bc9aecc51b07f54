// A prompt that is read in pieces.
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "model/model_internal.h"
#include "photo/decode.h"
#include "support_device.h"

static struct model *model;
static struct prompt prompt; // a picture and more than 1024 tokens of text
static float *whole, *last;
static size_t vocab;

static int open_all(void **state) {
    (void)state;
    struct error error = {0};
    struct chat chat = {0};
    struct image image = {0};
    const struct model_options options = {.type = MODEL_TYPE_F32, .isa = test_isa()};
    model = model_open(test_data("qwen2_5_vl_tiny"), &options, &error);
    assert_got(model, error);
    assert_ok(photo_decode_file(&image, test_data("images/scene_a.png"), NULL, NULL, &error), error);
    static const char words[] = "Where in the world? ";
    enum { TIMES = 260, LENGTH = sizeof words - 1 };
    char text[TIMES * LENGTH + 1];
    for (size_t i = 0; i < TIMES; i++) memcpy(text + i * LENGTH, words, sizeof words);
    assert_ok(chat_add_message(&chat, "user", &error), error);
    assert_ok(chat_add_part(&chat, CHAT_IMAGE, "a", &error), error);
    assert_ok(chat_add_part(&chat, CHAT_TEXT, text, &error), error);
    assert_ok(prompt_build(&prompt, model, &chat, &image, 1, &error), error);
    assert_true(prompt.ids.count > 1100);
    chat_free(&chat);
    image_free(&image);
    vocab = model_facts(model)->vocab;
    whole = malloc(vocab * sizeof *whole);
    last = malloc(vocab * sizeof *last);
    struct kv_cache cache;
    assert_ok(model_cache_open(model, &cache, prompt.ids.count, &error), error);
    assert_ok(model_prefill(model, &prompt, &cache, whole, NULL, NULL, &error), error);
    assert_int_equal(cache.rows, prompt.ids.count);
    kv_cache_close(&cache);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    prompt_free(&prompt);
    free(whole);
    free(last);
    model_close(model);
    return 0;
}

static size_t read_in(size_t tokens, float *logits) {
    struct error error = {0};
    struct kv_cache cache;
    assert_ok(model_cache_open(model, &cache, prompt.ids.count, &error), error);
    struct prefill *prefill = model_prefill_begin(model, &prompt, (struct matrix){0}, &cache, &error);
    assert_got(prefill, error);
    size_t steps = 0;
    for (; !model_prefill_is_read(prefill); steps++)
        assert_ok(model_prefill_step(prefill, tokens, &error), error);
    struct prefill_times times = {0};
    assert_ok(model_prefill_end(prefill, logits, &times, &error), error);
    assert_true(times.vision > 0 && times.language > 0);
    assert_int_equal(cache.rows, prompt.ids.count);
    kv_cache_close(&cache);
    return steps;
}

static void test_pieces_are_the_whole(void **state) {
    (void)state;
    size_t count = prompt.ids.count;
    assert_int_equal(read_in(MODEL_PREFILL_PIECE, last), 1 + (count + 255) / 256);
    assert_memory_equal(last, whole, vocab * sizeof *last);
    assert_int_equal(read_in(SIZE_MAX, last), 1 + (count + 1023) / 1024);
    assert_memory_equal(last, whole, vocab * sizeof *last);
    static const size_t sizes[] = {1000, 97, 16};
    for (size_t i = 0; i < 3; i++) {
        read_in(sizes[i], last);
        for (size_t v = 0; v < vocab; v++) assert_near(last[v], whole[v], 1e-3);
    }
}

// Other work goes on between the pieces, and one that is dropped leaves nothing behind.
static void test_pieces_of_two_prompts_take_turns(void **state) {
    (void)state;
    struct error error = {0};
    struct kv_cache caches[3];
    struct prefill *prefills[3];
    for (size_t i = 0; i < 3; i++) {
        assert_ok(model_cache_open(model, &caches[i], prompt.ids.count, &error), error);
        prefills[i] = model_prefill_begin(model, &prompt, (struct matrix){0}, &caches[i], &error);
        assert_got(prefills[i], error);
    }
    for (size_t step = 0; !model_prefill_is_read(prefills[1]); step++) {
        for (size_t i = 0; i < 3; i++)
            if (prefills[i]) assert_ok(model_prefill_step(prefills[i], MODEL_PREFILL_PIECE, &error), error);
        if (step == 1) {
            model_prefill_drop(prefills[2]);
            prefills[2] = NULL;
            kv_cache_close(&caches[2]);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        assert_ok(model_prefill_end(prefills[i], last, NULL, &error), error);
        assert_memory_equal(last, whole, vocab * sizeof *last);
        kv_cache_close(&caches[i]);
    }
}

// A picture that was seen once before is not seen again.
static void test_embeddings_are_given(void **state) {
    (void)state;
    struct error error = {0};
    size_t rows = prompt.patches.rows / model_facts(model)->patches_per_token,
           columns = model_facts(model)->hidden;
    float *seen = malloc(rows * columns * sizeof *seen);
    assert_ok(model_see(model, &prompt, seen, &error), error);
    for (int changed = 0; changed < 2; changed++) {
        struct kv_cache cache;
        assert_ok(model_cache_open(model, &cache, prompt.ids.count, &error), error);
        struct matrix embeds = matrix_of(seen, DTYPE_F32, rows, columns);
        struct prefill *prefill = model_prefill_begin(model, &prompt, embeds, &cache, &error);
        assert_got(prefill, error);
        while (!model_prefill_is_read(prefill))
            assert_ok(model_prefill_step(prefill, SIZE_MAX, &error), error);
        assert_ok(model_prefill_end(prefill, last, NULL, &error), error);
        assert_int_equal(memcmp(last, whole, vocab * sizeof *last) != 0, changed);
        for (size_t i = 0; i < rows * columns; i++) seen[i] += 0.5f; // it is these that are read
        if (!changed) {
            assert_null(
                model_prefill_begin(model, &prompt, matrix_rows(embeds, 0, rows - 1), &cache, &error));
            test_check_error(&error, ERROR_INTERNAL, "cached image embeddings", __FILE__, __LINE__);
        }
        kv_cache_close(&cache);
    }
    free(seen);
}

static void test_what_is_not_read_predicts_nothing(void **state) {
    (void)state;
    struct error error = {0};
    for (int steps = 0; steps < 3; steps++) {
        struct kv_cache cache;
        assert_ok(model_cache_open(model, &cache, prompt.ids.count, &error), error);
        struct prefill *prefill = model_prefill_begin(model, &prompt, (struct matrix){0}, &cache, &error);
        assert_got(prefill, error);
        for (int i = 0; i < steps; i++) assert_ok(model_prefill_step(prefill, 100, &error), error);
        assert_error(model_prefill_end(prefill, last, NULL, &error), error, ERROR_INTERNAL,
                     "are not read yet");
        kv_cache_close(&cache);
    }
    model_prefill_drop(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_the_whole),
        cmocka_unit_test(test_pieces_of_two_prompts_take_turns),
        cmocka_unit_test(test_embeddings_are_given),
        cmocka_unit_test(test_what_is_not_read_predicts_nothing),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
