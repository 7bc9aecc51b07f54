#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "model/safetensors.h"

// A file from its header and `data_size` bytes 0, 1, 2, ...
static struct buffer make_file(const char *header, size_t data_size) {
    struct buffer file = {0};
    size_t length = strlen(header);
    for (int i = 0; i < 8; i++) {
        char byte = (char)((uint64_t)length >> (8 * i));
        buffer_add(&file, &byte, 1);
    }
    buffer_add(&file, header, length);
    for (size_t i = 0; i < data_size; i++) {
        char byte = (char)i;
        buffer_add(&file, &byte, 1);
    }
    assert_false(file.failed);
    return file;
}

static void expect_error(const char *header, size_t data_size, const char *text) {
    struct buffer file = make_file(header, data_size);
    struct error error = {0};
    struct safetensors *parsed = safetensors_parse(file.data, file.length, "x.safetensors", &error);
    if (parsed) fail_msg("accepted: %.200s", header);
    test_check_error(&error, ERROR_MODEL, text, __FILE__, __LINE__);
    test_check_error(&error, ERROR_MODEL, "x.safetensors", __FILE__, __LINE__);
    buffer_free(&file);
}

static void reads_what_is_well_formed(void **state) {
    (void)state;
    struct error error = {0};
    struct buffer file =
        make_file("{\"__metadata__\":{\"format\":\"pt\"},"
                  "\"b\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
                  "\"empty\":{\"dtype\":\"BF16\",\"shape\":[0,7],\"data_offsets\":[16,16]},"
                  "\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[16,17],\"more\":1}}   ",
                  17);
    struct safetensors *parsed = safetensors_parse(file.data, file.length, "x", &error);
    assert_got(parsed, error);
    assert_int_equal(safetensors_count(parsed), 3);
    assert_string_equal(safetensors_name(parsed, 0), "b"); // in the order of the data
    assert_string_equal(safetensors_name(parsed, 2), "a");
    const struct tensor *b = safetensors_find(parsed, "b"), *a = safetensors_find(parsed, "a");
    assert_ptr_equal(b, safetensors_at(parsed, 0));
    assert_int_equal(b->dtype, DTYPE_F32);
    assert_int_equal(b->dims, 2);
    assert_int_equal(b->shape[1], 2);
    assert_int_equal(((const unsigned char *)b->data)[3], 3);
    assert_int_equal(a->dims, 0);
    assert_int_equal(*(const unsigned char *)a->data, 16);
    assert_int_equal(safetensors_find(parsed, "empty")->shape[1], 7);
    assert_null(safetensors_find(parsed, "c"));
    assert_null(safetensors_find(parsed, "__metadata__"));
    assert_int_equal(safetensors_bytes(parsed), 17);
    assert_string_equal(safetensors_metadata(parsed, "format"), "pt");
    assert_null(safetensors_metadata(parsed, "none"));
    assert_string_equal(safetensors_path(parsed, a), "x");
    assert_null(safetensors_get(parsed, "c", &error));
    test_check_error(&error, ERROR_MODEL, "x: tensor \"c\" is missing", __FILE__, __LINE__);
    safetensors_free(parsed);
    buffer_free(&file);

    file = make_file("{}", 0);
    parsed = safetensors_parse(file.data, file.length, "x", &error);
    assert_got(parsed, error);
    assert_int_equal(safetensors_count(parsed), 0);
    assert_null(safetensors_find(parsed, "a"));
    safetensors_free(parsed);
    buffer_free(&file);
}

#define ONE(dtype, shape, offsets) \
    "{\"w\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void rejects_bad_headers(void **state) {
    (void)state;
    expect_error("", 0, "does not begin with {");
    expect_error("[]", 0, "does not begin with {");
    expect_error(" {}", 0, "does not begin with {");
    expect_error("{", 0, "not a JSON object");
    expect_error("{}x", 0, "not a JSON object");
    expect_error("{}", 1, "1 bytes of data, but the header describes 0");
    expect_error("{\"w\":3}", 0, "tensor \"w\": has no \"dtype\"");
    expect_error("{\"w\":{}}", 0, "has no \"dtype\"");
    expect_error(ONE("7", "[1]", "[0,1]"), 1, "has no \"dtype\"");
    expect_error(ONE("\"F8_E4M3\"", "[1]", "[0,1]"), 1, "type \"F8_E4M3\" is not supported");
    expect_error(ONE("\"U8\\u0000\"", "[1]", "[0,1]"), 1, "not a JSON object");
    expect_error(ONE("\"U8\"", "{}", "[0,1]"), 1, "no \"shape\" list");
    expect_error(ONE("\"U8\"", "[-1]", "[0,1]"), 1, "not a size");
    expect_error(ONE("\"U8\"", "[1.0]", "[0,1]"), 1, "not a size");
    expect_error(ONE("\"U8\"", "[\"1\"]", "[0,1]"), 1, "not a size");
    expect_error(ONE("\"U8\"", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1, "9 dimensions");
    expect_error(ONE("\"F32\"", "[4611686018427387904]", "[0,0]"), 0, "too large to exist");
    expect_error(ONE("\"U8\"", "[4294967296,4294967296]", "[0,0]"), 0, "too large to exist");
    expect_error(ONE("\"U8\"", "[99999999999999999999]", "[0,0]"), 0, "not a JSON object");
    expect_error(ONE("\"U8\"", "[1]", "[0]"), 1, "not a pair");
    expect_error(ONE("\"U8\"", "[1]", "[0,1,2]"), 1, "not a pair");
    expect_error(ONE("\"U8\"", "[1]", "{}"), 1, "not a pair");
    expect_error(ONE("\"U8\"", "[1]", "[0,1.5]"), 1, "not a pair");
    expect_error(ONE("\"U8\"", "[1]", "[-1,0]"), 1, "not within the 1 bytes");
    expect_error(ONE("\"U8\"", "[1]", "[1,0]"), 1, "not within the 1 bytes");
    expect_error(ONE("\"U8\"", "[2]", "[0,2]"), 1, "not within the 1 bytes");
    expect_error(ONE("\"U8\"", "[1]", "[0,9223372036854775807]"), 1, "not within the 1 bytes");
    expect_error(ONE("\"F32\"", "[1]", "[0,3]"), 3, "needs 4 bytes, but data_offsets give it 3");
    expect_error(ONE("\"U8\"", "[1]", "[1,2]"), 2, "there is a gap before it");
    expect_error("{\"__metadata__\":[]}", 0, "\"__metadata__\" is not an object");
    expect_error("{\"__metadata__\":{\"a\":1}}", 0, "\"a\" is not a string");
    expect_error("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
                 "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
                 3, "overlaps another tensor");
    expect_error("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                 "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
                 2, "duplicate");
}

static void rejects_bad_lengths(void **state) {
    (void)state;
    struct error error = {0};
    struct buffer file = make_file(ONE("\"U8\"", "[4]", "[0,4]"), 4);
    // Cut anywhere, the file is never accepted.
    for (size_t length = 0; length < file.length; length++)
        assert_null(safetensors_parse(file.data, length, "cut", &error));
    static const uint64_t lengths[] = {100000001, UINT64_MAX, UINT64_MAX - 7, INT64_MAX, 1u << 30};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memcpy(file.data, &lengths[i], 8);
        assert_null(safetensors_parse(file.data, file.length, "long", &error));
        test_check_error(&error, ERROR_MODEL, "long: not a safetensors file", __FILE__, __LINE__);
    }
    buffer_free(&file);
}

static void unaligned_data_is_copied(void **state) {
    (void)state;
    struct error error = {0};
    struct buffer file = make_file("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                                   "\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[1,3]}}"
                                   " ",
                                   3);
    size_t header = file.length - 3 - 8;
    if (header % 2) file.data[8 + header - 1] = ' '; // the data must begin at an even address
    assert_int_equal((file.length - 3) % 2, 0);
    struct safetensors *parsed = safetensors_parse(file.data, file.length, "x", &error);
    assert_got(parsed, error);
    assert_non_null(safetensors_find(parsed, "b"));
    assert_non_null(safetensors_get(parsed, "a", &error));
    const struct tensor *b = safetensors_get(parsed, "b", &error);
    assert_got(b, error);
    assert_ptr_equal(b, safetensors_find(parsed, "b"));
    assert_int_equal((uintptr_t)b->data % 2, 0);
    assert_memory_equal(b->data, file.data + file.length - 2, 2);
    assert_int_equal(safetensors_copied(parsed), 2);
    safetensors_free(parsed);
    buffer_free(&file);
}

static void reads_golden_checkpoints(void **state) {
    (void)state;
    struct error error = {0};
    struct safetensors *file = safetensors_open(test_data("qwen2_5_vl_tiny"), &error);
    assert_got(file, error);
    assert_int_equal(safetensors_find(file, "visual.patch_embed.proj.weight")->shape[4], 14);
    assert_string_equal(safetensors_metadata(file, "format"), "pt");
    safetensors_prefetch(file);
    safetensors_prefetch(file);
    safetensors_free(file);

    file = safetensors_open(test_data("qwen2_5_vl_tiny_tied"), &error);
    assert_got(file, error);
    assert_int_equal(safetensors_bytes(file),
                     511232); // total_size of the index
    safetensors_free(file);
}

static void opening_fails_clearly(void **state) {
    (void)state;
    struct error error = {0};
    assert_null(safetensors_open(test_temporary("none.safetensors"), &error));
    test_check_error(&error, ERROR_MODEL, "none.safetensors", __FILE__, __LINE__);
    const char *empty = test_temporary("empty.safetensors");
    test_write(empty, "", 0);
    assert_null(safetensors_open(empty, &error));
    test_check_error(&error, ERROR_MODEL, "the file is empty", __FILE__, __LINE__);
    const char *folder = test_temporary("folder");
    mkdir(folder, 0777);
    assert_null(safetensors_open(folder, &error));
    test_check_error(&error, ERROR_MODEL, "no weights here", __FILE__, __LINE__);
}

static void write_text(const char *path, const char *text) {
    test_write(path, text, strlen(text));
}

static void write_shard(const char *path, const char *tensor) {
    char header[200];
    snprintf(header, sizeof header, "{\"%s\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
             tensor);
    struct buffer file = make_file(header, 4);
    test_write(path, file.data, file.length);
    buffer_free(&file);
}

static void expect_index_error(const char *index, const char *text) {
    struct error error = {0};
    write_text(test_temporary("sharded/model.safetensors.index.json"), index);
    struct safetensors *file = safetensors_open(test_temporary("sharded"), &error);
    if (file) fail_msg("accepted: %s", index);
    test_check_error(&error, ERROR_MODEL, text, __FILE__, __LINE__);
}

static void joins_shards_by_the_index(void **state) {
    (void)state;
    struct error error = {0};
    mkdir(test_temporary("sharded"), 0777);
    write_shard(test_temporary("sharded/m-1.safetensors"), "a");
    write_shard(test_temporary("sharded/m-2.safetensors"), "b");
    write_shard(test_temporary("sharded/m-3.safetensors"), "a");
    write_text(test_temporary("sharded/model.safetensors.index.json"),
               "{\"weight_map\":{\"b\":\"m-2.safetensors\",\"a\":\"m-1.safetensors\"}}");
    struct safetensors *file = safetensors_open(test_temporary("sharded"), &error);
    assert_got(file, error);
    assert_int_equal(safetensors_count(file), 2);
    assert_string_equal(safetensors_name(file, 0), "a");
    assert_non_null(strstr(safetensors_path(file, safetensors_find(file, "b")), "sharded/m-2.safetensors"));
    safetensors_free(file);

    expect_index_error("{\"weight_map\":{\"a\":\"m-1.safetensors\",\"b\":\"m-8.safetensors\"}}",
                       "m-8.safetensors is missing");
    expect_index_error("{\"weight_map\":{\"a\":\"m-9.safetensors\",\"b\":\"m-8.safetensors\"}}",
                       "m-8.safetensors is missing (and 1 more)");
    expect_index_error("{\"weight_map\":{\"c\":\"m-1.safetensors\"}}",
                       "m-1.safetensors: tensor \"c\" is not in it");
    expect_index_error(
        "{\"weight_map\":{\"a\":\"m-1.safetensors\",\"b\":\"m-1.safetensors\",\"x\":\"m-2.safetensors\"}}",
        "tensor \"b\" is not in it");
    expect_index_error("{\"weight_map\":{\"a\":\"m-1.safetensors\",\"b\":\"m-3.safetensors\"}}",
                       "tensor \"a\" is also in");
    expect_index_error("{\"weight_map\":{\"a\":\"../m-1.safetensors\"}}", "expected a plain file name");
    expect_index_error("{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "expected a plain file name");
    expect_index_error("{\"weight_map\":{\"a\":\"..\"}}", "expected a plain file name");
    expect_index_error("{\"weight_map\":{\"a\":\"\"}}", "expected a plain file name");
    expect_index_error("{\"weight_map\":{\"a\":5}}", "expected a plain file name");
    expect_index_error("{\"weight_map\":[]}", "has no \"weight_map\"");
    expect_index_error("[]", "has no \"weight_map\"");
    expect_index_error("{\"weight_map\":{\"a\":\"m-1.safetensors\",\"a\":\"m-1.safetensors\"}}", "duplicate");
    expect_index_error("{", "not valid JSON");
}

static const void *count_bytes(void *context, size_t offset, size_t *size, struct error *error) {
    (void)error;
    unsigned char *block = context;
    for (int i = 0; i < 5; i++) block[i] = (unsigned char)(offset + (size_t)i);
    *size = 5;
    return block;
}

static const void *fail_to_read(void *context, size_t offset, size_t *size, struct error *error) {
    (void)context, (void)offset, (void)size;
    error_set(error, ERROR_IO, "no bytes today");
    return NULL;
}

static void writes_what_it_reads(void **state) {
    (void)state;
    struct error error = {0};
    struct safetensors_writer *writer = safetensors_writer_new(&error);
    assert_got(writer, error);
    uint16_t halves[3] = {1, 2, 3};
    float numbers[2] = {1.5f, -2};
    unsigned char block[5];
    const char *odd = "odd \"name\" \xC3\xA9";
    assert_ok(safetensors_writer_add(writer, odd, &(struct tensor){halves, DTYPE_BF16, 1, {3}}, 1, &error),
              error);
    assert_ok(
        safetensors_writer_add(writer, "numbers", &(struct tensor){numbers, DTYPE_F32, 2, {2, 1}}, 0, &error),
        error);
    assert_ok(safetensors_writer_add(writer, "none", &(struct tensor){NULL, DTYPE_F32, 2, {0, 4}}, 1, &error),
              error);
    assert_ok(safetensors_writer_add_source(writer, "made", &(struct tensor){NULL, DTYPE_U8, 1, {12}},
                                            (struct safetensors_source){count_bytes, block}, &error),
              error);
    assert_ok(safetensors_writer_metadata(writer, "format", "pt", &error), error);
    assert_error(safetensors_writer_add(writer, "made", &(struct tensor){NULL, DTYPE_U8, 1, {0}}, 0, &error),
                 error, ERROR_INTERNAL, "written twice");
    assert_error(
        safetensors_writer_add(writer, "__metadata__", &(struct tensor){NULL, DTYPE_U8, 1, {0}}, 0, &error),
        error, ERROR_INTERNAL, "cannot be the name");
    assert_error(safetensors_writer_add(writer, "\xFF", &(struct tensor){NULL, DTYPE_U8, 1, {0}}, 0, &error),
                 error, ERROR_INTERNAL, "cannot be the name");
    halves[0] = 9;    // copied before
    numbers[0] = 2.5; // not copied
    const char *path = test_temporary("written.safetensors");
    assert_ok(safetensors_writer_save(writer, path, &error), error);

    struct safetensors *file = safetensors_open(path, &error);
    assert_got(file, error);
    assert_int_equal(safetensors_count(file), 4);
    const struct tensor *got = safetensors_get(file, odd, &error);
    assert_got(got, error);
    assert_int_equal(*(const uint16_t *)got->data, 1);
    got = safetensors_get(file, "numbers", &error);
    assert_got(got, error);
    assert_true(((const float *)got->data)[0] == 2.5f);
    assert_int_equal(got->shape[0], 2);
    got = safetensors_get(file, "made", &error);
    assert_got(got, error);
    for (int i = 0; i < 12; i++) assert_int_equal(((const unsigned char *)got->data)[i], i);
    assert_int_equal((uintptr_t)safetensors_at(file, 0)->data % 8, 0);
    assert_string_equal(safetensors_metadata(file, "format"), "pt");
    safetensors_free(file);

    // A failure leaves the old file as it was and nothing beside it.
    assert_ok(safetensors_writer_add_source(writer, "bad", &(struct tensor){NULL, DTYPE_U8, 1, {1}},
                                            (struct safetensors_source){fail_to_read, NULL}, &error),
              error);
    assert_error(safetensors_writer_save(writer, path, &error), error, ERROR_IO, "no bytes today");
    file = safetensors_open(path, &error);
    assert_got(file, error);
    assert_int_equal(safetensors_count(file), 4);
    safetensors_free(file);
    assert_error(safetensors_writer_save(writer, test_temporary("no/such/place"), &error), error, ERROR_INPUT,
                 "no/such/place");
    safetensors_writer_free(writer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_well_formed), cmocka_unit_test(rejects_bad_headers),
        cmocka_unit_test(rejects_bad_lengths),       cmocka_unit_test(unaligned_data_is_copied),
        cmocka_unit_test(reads_golden_checkpoints),  cmocka_unit_test(opening_fails_clearly),
        cmocka_unit_test(joins_shards_by_the_index), cmocka_unit_test(writes_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
