// The tokenizer against the reference: the real Qwen2.5 tokenizer.json on the strings of vectors.json.
#include "support.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/json.h"
#include "text/tokenizer.h"

static struct tokenizer *qwen;
static struct error error;

static int open_qwen(void **state) {
    (void)state;
    gzFile in = gzopen(golden_data("tokenizer/qwen2_5_tokenizer.json.gz"), "rb");
    assert_non_null(in);
    struct buffer json = {0};
    char block[65536];
    int got;
    while ((got = gzread(in, block, sizeof block)) > 0) buffer_add(&json, block, (size_t)got);
    assert_int_equal(gzclose(in), Z_OK);
    assert_true(json.length > 0);
    test_write(test_temporary("tokenizer.json"), json.data, json.length);
    buffer_free(&json);
    char *folder = file_folder(test_temporary("tokenizer.json"), &error);
    qwen = tokenizer_open(folder, &error);
    free(folder);
    assert_got(qwen, error);
    return 0;
}

static int close_qwen(void **state) {
    (void)state;
    tokenizer_free(qwen);
    return 0;
}

static struct ids encode(const struct tokenizer *tokenizer, const char *text, size_t length,
                         bool parse_added) {
    struct ids ids = {0};
    assert_ok(tokenizer_encode(tokenizer, text, length, parse_added, &ids, &error), error);
    return ids;
}

static void expect_ids(const struct ids *ids, const json_t *expected, const char *what) {
    bool same = ids->count == json_array_size(expected);
    for (size_t i = 0; same && i < ids->count; i++)
        same = ids->data[i] == json_integer_value(json_array_get(expected, i));
    if (same) return;
    for (size_t i = 0; i < ids->count; i++) print_error("%d ", (int)ids->data[i]);
    fail_msg("ids of %s", what);
}

static void expect_text(struct buffer *text, const json_t *expected, const char *what) {
    if (text->length != json_string_length(expected) ||
        (text->length && memcmp(text->data, json_string_value(expected), text->length)))
        fail_msg("%s: got \"%s\", expected \"%s\"", what, text->data ? text->data : "",
                 json_string_value(expected));
    buffer_free(text);
}

// The stream must say the same as the whole, and only ever whole characters.
static void decode_in_stream(const struct ids *ids, bool skip_special, struct buffer *text) {
    struct tokenizer_stream stream = {0};
    for (size_t i = 0; i < ids->count; i++) {
        tokenizer_stream_add(qwen, &stream, ids->data[i], skip_special, text);
        assert_in_range(stream.count, 0, 3);
    }
    tokenizer_stream_end(&stream, text);
    assert_int_equal(stream.count, 0);
}

static void check_decoding(const json_t *vector, const struct ids *ids) {
    for (int skip = 0; skip < 2; skip++) {
        const json_t *expected = json_object_get(vector, skip ? "decoded_skip_special" : "decoded");
        struct buffer text = {0};
        tokenizer_decode(qwen, ids->data, ids->count, skip, &text);
        expect_text(&text, expected, "decoded");
        decode_in_stream(ids, skip, &text);
        expect_text(&text, expected, "decoded in a stream");
    }
}

static void vectors_agree_with_the_reference(void **state) {
    (void)state;
    json_t *root = json_read_file(golden_data("tokenizer/vectors.json"), 1 << 20, &error);
    assert_got(root, error);
    json_t *vectors = json_object_get(root, "vectors"), *vector;
    assert_true(json_array_size(vectors) > 0);
    size_t i;
    json_array_foreach(vectors, i, vector) {
        const json_t *text = json_object_get(vector, "text");
        struct ids ids = encode(qwen, json_string_value(text), json_string_length(text), true);
        expect_ids(&ids, json_object_get(vector, "ids"), json_string_value(text));
        check_decoding(vector, &ids);
        ids_free(&ids);
    }
    json_decref(root);
}

static void decoding_alone_agrees_with_the_reference(void **state) {
    (void)state;
    json_t *root = json_read_file(golden_data("tokenizer/vectors.json"), 1 << 20, &error);
    assert_got(root, error);
    json_t *vectors = json_object_get(root, "decode_only"), *vector;
    assert_true(json_array_size(vectors) > 0);
    size_t i, j;
    json_array_foreach(vectors, i, vector) {
        struct ids ids = {0};
        json_t *id;
        json_array_foreach(json_object_get(vector, "ids"), j, id) {
            assert_ok(ids_add(&ids, (int32_t)json_integer_value(id), &error), error);
        }
        check_decoding(vector, &ids);
        ids_free(&ids);
    }
    json_decref(root);
}

static void facts_of_the_qwen_vocabulary(void **state) {
    (void)state;
    assert_int_equal(tokenizer_size(qwen), 151665);
    assert_int_equal(tokenizer_find(qwen, "<|im_start|>"), 151644);
    assert_int_equal(tokenizer_find(qwen, "<|image_pad|>"), 151655);
    assert_int_equal(tokenizer_find(qwen, "</tool_call>"), 151658);
    assert_int_equal(tokenizer_find(qwen, "<|im_start"), -1);
    assert_int_equal(tokenizer_find(qwen, "<|im_start|>x"), -1);
    assert_int_equal(tokenizer_find(qwen, "the"), -1); // not an added token
    assert_int_equal(tokenizer_find(qwen, ""), -1);
    assert_true(tokenizer_is_special(qwen, 151645));
    assert_false(tokenizer_is_special(qwen, 151657));
    assert_false(tokenizer_is_special(qwen, 9707));
    assert_false(tokenizer_is_special(qwen, -1));
    assert_false(tokenizer_is_special(qwen, 151665));
    assert_false(tokenizer_is_special(qwen, INT32_MAX));
}

static void bytes_of_single_tokens(void **state) {
    (void)state;
    size_t length;
    const char *bytes = tokenizer_bytes(qwen, 21927, &length);
    assert_int_equal(length, 6);
    assert_memory_equal(bytes, " Hello", 6);
    bytes = tokenizer_bytes(qwen, 151644, &length);
    assert_int_equal(length, 12);
    assert_memory_equal(bytes, "<|im_start|>", 12);
    const int32_t unknown[] = {-1, INT32_MIN, 151665, 151935, INT32_MAX};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        length = 99;
        assert_null(tokenizer_bytes(qwen, unknown[i], &length));
        assert_int_equal(length, 0);
    }
}

static void ids_outside_the_vocabulary_decode_to_nothing(void **state) {
    (void)state;
    const int32_t ids[] = {-5, 9707, 151935, 1879, INT32_MAX, INT32_MIN};
    struct buffer text = {0};
    tokenizer_decode(qwen, ids, 6, false, &text);
    assert_string_equal(text.data, "Hello world");
    buffer_free(&text);
}

static void typed_markers_can_be_ordinary_text(void **state) {
    (void)state;
    const char *text = "a<|im_end|>b";
    struct ids parsed = encode(qwen, text, strlen(text), true),
               plain = encode(qwen, text, strlen(text), false);
    assert_int_equal(parsed.count, 3);
    assert_int_equal(parsed.data[1], 151645);
    assert_true(plain.count > 3);
    for (size_t i = 0; i < plain.count; i++) assert_true(plain.data[i] < 151643);
    struct buffer back = {0};
    tokenizer_decode(qwen, plain.data, plain.count, true, &back);
    assert_string_equal(back.data, text);
    buffer_free(&back);
    ids_free(&parsed);
    ids_free(&plain);
}

static void malformed_bytes_read_as_replacement_characters(void **state) {
    (void)state;
    static const char broken[] = "a\xFF\xE2\x82z\0\xF0\x9F\x98";
    static const char whole[] = "a\xEF\xBF\xBD\xEF\xBF\xBDz\0\xEF\xBF\xBD";
    struct ids a = encode(qwen, broken, sizeof broken - 1, true),
               b = encode(qwen, whole, sizeof whole - 1, true);
    assert_int_equal(a.count, b.count);
    assert_memory_equal(a.data, b.data, a.count * sizeof *a.data);
    struct buffer text = {0};
    tokenizer_decode(qwen, a.data, a.count, false, &text);
    assert_int_equal(text.length, sizeof whole - 1);
    assert_memory_equal(text.data, whole, text.length);
    buffer_free(&text);
    ids_free(&a);
    ids_free(&b);
}

static void appends_and_accepts_nothing(void **state) {
    (void)state;
    struct ids ids = {0};
    assert_ok(tokenizer_encode(qwen, "", 0, true, &ids, &error), error);
    assert_int_equal(ids.count, 0);
    assert_ok(tokenizer_encode(qwen, "yes", 3, true, &ids, &error), error);
    assert_ok(tokenizer_encode(qwen, "no", 2, true, &ids, &error), error);
    assert_int_equal(ids.count, 2);
    assert_int_equal(ids.data[0], 9693);
    assert_int_equal(ids.data[1], 2152);
    ids_free(&ids);
}

// Long runs without a place to split, runs of spaces, and combining marks in the wrong order must not take
// quadratic time (the test's time limit would end it).
static void hostile_texts_take_linear_time(void **state) {
    (void)state;
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE);
    assert_non_null(text);
    for (int kind = 0; kind < 4; kind++) {
        for (size_t i = 0; i < SIZE; i += 4)
            memcpy(text + i, (const char *const[]){"aaaa", "    ", "\xCC\x81\xCC\x96", "<|<|"}[kind], 4);
        struct ids ids = encode(qwen, text, SIZE, true);
        assert_true(ids.count > 0);
        struct buffer back = {0};
        tokenizer_decode(qwen, ids.data, ids.count, false, &back);
        assert_int_equal(back.length, SIZE);
        if (kind != 2) assert_memory_equal(back.data, text, SIZE);
        if (kind == 2) assert_memory_equal(back.data, "\xCC\x96\xCC\x96", 4); // class 220 comes before 230
        buffer_free(&back);
        ids_free(&ids);
    }
    free(text);
}

static void *encode_often(void *argument) {
    const char *text = argument;
    for (int i = 0; i < 200; i++) {
        struct ids ids = {0};
        struct error mine;
        int bad = tokenizer_encode(qwen, text, strlen(text), true, &ids, &mine) || ids.count != 2 ||
                  ids.data[0] != 9707 || ids.data[1] != 1879;
        ids_free(&ids);
        if (bad) return argument;
    }
    return NULL;
}

static void threads_share_a_tokenizer(void **state) {
    (void)state;
    pthread_t threads[4];
    char text[] = "Hello world";
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, encode_often, text), 0);
    for (int i = 0; i < 4; i++) {
        void *bad;
        assert_int_equal(pthread_join(threads[i], &bad), 0);
        assert_null(bad);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_agree_with_the_reference),
        cmocka_unit_test(decoding_alone_agrees_with_the_reference),
        cmocka_unit_test(facts_of_the_qwen_vocabulary),
        cmocka_unit_test(bytes_of_single_tokens),
        cmocka_unit_test(ids_outside_the_vocabulary_decode_to_nothing),
        cmocka_unit_test(typed_markers_can_be_ordinary_text),
        cmocka_unit_test(malformed_bytes_read_as_replacement_characters),
        cmocka_unit_test(appends_and_accepts_nothing),
        cmocka_unit_test(hostile_texts_take_linear_time),
        cmocka_unit_test(threads_share_a_tokenizer),
    };
    return cmocka_run_group_tests(tests, open_qwen, close_qwen);
}
