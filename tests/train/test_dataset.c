// Data sets with the tiny model: lengths, label masks, bad and long rows, tar shards.
#include "support.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "model/safetensors.h"
#include "train/dataset.h"

static struct model *model;

static int open_model(void **state) {
    (void)state;
    struct error error = {0};
    const struct model_options options = {.type = MODEL_TYPE_F32, .max_pixels = 12000};
    log_set_level(LOG_ERROR);
    model = model_open(test_data("qwen2_5_vl_tiny"), &options, &error);
    assert_got(model, error);
    return 0;
}

static int close_model(void **state) {
    (void)state;
    model_close(model);
    return 0;
}

static const struct dataset_options lenient = {.max_length = 2048};

static struct dataset *open_one(const char *path, const struct dataset_options *options,
                                struct error *error) {
    char *paths[] = {(char *)path};
    return dataset_open(paths, 1, options, model, error);
}

static void test_rows_of_all_kinds(void **state) {
    (void)state;
    struct error error = {0};
    struct dataset *dataset = open_one(test_data("train/rows.jsonl"), &lenient, &error);
    assert_got(dataset, error);
    assert_int_equal(dataset_count(dataset), 8);
    assert_int_equal(dataset_report(dataset)->bad, 0);
    for (size_t i = 0; i < 8; i++) {
        struct sample sample;
        assert_ok(dataset_load(dataset, i, &sample, &error), error);
        assert_int_equal(sample.prompt.ids.count + sample.completion.count, dataset_tokens(dataset, i));
        assert_int_equal(sample.prompt.patches.rows, dataset_patches(dataset, i));
        assert_true(sample.labels > 1);
        assert_int_equal(sample.completion.data[sample.completion.count - 1],
                         tokenizer_find(model_tokenizer(model), "<|im_end|>"));
        sample_free(&sample);
    }
    char text[300];
    dataset_describe(dataset, 2, text, sizeof text);
    assert_non_null(strstr(text, "rows.jsonl:3"));
    dataset_close(dataset);
}

// A row of a golden sample: its messages, its answer, and its pictures where they are.
static void write_golden_row(const char *path, const json_t *sample) {
    json_t *messages = json_deep_copy(json_object_get(sample, "messages")), *message, *part;
    size_t m, p;
    json_array_foreach(messages, m, message)
        json_array_foreach(json_object_get(message, "content"), p, part) {
        const json_t *image = json_object_get(part, "image");
        if (image)
            json_object_set_new(part, "image",
                                json_string(golden_data("images/%s", json_string_value(image))));
    }
    json_t *row = json_pack("{s:o}", "messages", messages);
    json_array_append_new(messages, json_pack("{s:s, s:O}", "role", "assistant", "content",
                                              json_object_get(sample, "response")));
    char *text = json_dumps(row, JSON_COMPACT);
    assert_non_null(text);
    test_write(path, text, strlen(text));
    free(text);
    json_decref(row);
}

static void check_golden_row(const struct safetensors *golden, const json_t *sample, size_t i) {
    struct error error = {0};
    const struct model_options options = {
        .type = MODEL_TYPE_F32,
        .max_pixels = (size_t)json_integer_value(json_object_get(sample, "max_pixels"))};
    struct model *own = model_open(golden_data("qwen2_5_vl_tiny"), &options, &error);
    assert_got(own, error);
    char *path = (char *)test_temporary("golden.jsonl"), name[40];
    write_golden_row(path, sample);
    struct dataset *dataset = dataset_open(&path, 1, &lenient, own, &error);
    assert_got(dataset, error);
    struct sample loaded;
    assert_ok(dataset_load(dataset, 0, &loaded, &error), error);
    snprintf(name, sizeof name, "sample%zu.input_ids", i);
    const struct tensor *ids = safetensors_get(golden, name, &error);
    snprintf(name, sizeof name, "sample%zu.labels", i);
    const struct tensor *labels = safetensors_get(golden, name, &error);
    assert_true(ids && labels);
    size_t prompt = loaded.prompt.ids.count, count = prompt + loaded.completion.count;
    assert_int_equal(ids->shape[0], count);
    for (size_t t = 0; t < count; t++) {
        int32_t id = t < prompt ? loaded.prompt.ids.data[t] : loaded.completion.data[t - prompt];
        bool trained = t >= prompt && loaded.trained[t - prompt];
        assert_int_equal(id, ((const int64_t *)ids->data)[t]);
        assert_int_equal(trained ? id : -100, ((const int64_t *)labels->data)[t]);
    }
    sample_free(&loaded);
    dataset_close(dataset);
    model_close(own);
}

// The golden batch, read as rows: ids and labels must agree.
static void test_golden_labels(void **state) {
    (void)state;
    struct error error = {0};
    struct safetensors *golden = safetensors_open(golden_data("training/sft_batch.safetensors"), &error);
    assert_got(golden, error);
    json_t *json = json_read_file(golden_data("training/expected.json"), 1 << 22, &error), *sample;
    assert_got(json, error);
    size_t i;
    assert_true(json_array_size(json_object_get(json, "samples")) > 0);
    json_array_foreach(json_object_get(json, "samples"), i, sample) check_golden_row(golden, sample, i);
    json_decref(json);
    safetensors_free(golden);
}

static void test_several_answers(void **state) {
    (void)state;
    struct error error = {0};
    struct dataset *dataset = open_one(test_data("train/rows.jsonl"), &lenient, &error);
    struct sample sample;
    assert_ok(dataset_load(dataset, 6, &sample, &error), error);
    struct buffer text = {0};
    for (size_t i = 0; i < sample.completion.count; i++) {
        if (i && sample.trained[i] != sample.trained[i - 1]) buffer_add_text(&text, "#");
        tokenizer_decode(model_tokenizer(model), &sample.completion.data[i], 1, false, &text);
    }
    assert_string_equal(text.data, "The Nile.<|im_end|>#\n<|im_start|>user\nAnd through Vienna?<|im_end|>\n"
                                   "<|im_start|>assistant\n#The Danube.<|im_end|>");
    buffer_free(&text);
    sample_free(&sample);
    dataset_close(dataset);
}

// The tokens of an answer that is marked as context do not count; a row needs one that does.
static void test_masked_answers(void **state) {
    (void)state;
    struct error error = {0};
    const char *path = test_temporary("masked.jsonl");
    static const char rows[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"Nile\","
        "\"loss\":"
        "false},{\"role\":\"user\",\"content\":\"r\"},{\"role\":\"assistant\",\"content\":\"Danube\"}]}\n"
        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"Nile\","
        "\"loss\":"
        "true},{\"role\":\"user\",\"content\":\"r\"},{\"role\":\"assistant\",\"content\":\"Danube\"}]}\n"
        "{\"prompt\":\"q\",\"completion\":\"a\",\"weight\":0}\n";
    test_write(path, rows, strlen(rows));
    struct dataset *dataset = open_one(path, &lenient, &error);
    assert_got(dataset, error);
    assert_int_equal(dataset_report(dataset)->bad, 1);
    struct sample masked, whole;
    assert_ok(dataset_load(dataset, 0, &masked, &error), error);
    assert_ok(dataset_load(dataset, 1, &whole, &error), error);
    assert_int_equal(masked.completion.count, whole.completion.count);
    struct buffer text = {0};
    for (size_t i = 0; i < masked.completion.count; i++)
        if (masked.trained[i])
            tokenizer_decode(model_tokenizer(model), &masked.completion.data[i], 1, false, &text);
    assert_string_equal(text.data, "Danube<|im_end|>");
    assert_true(masked.labels > 0 && masked.labels < whole.labels);
    uint64_t identity = dataset_identity(dataset);
    buffer_free(&text);
    sample_free(&masked), sample_free(&whole);
    dataset_close(dataset);
    // Cut before what is to be learnt: a bad row, not one without labels.
    struct dataset_options cut = lenient;
    cut.too_long = RECIPE_TOO_LONG_TRUNCATE;
    cut.max_length = 30;
    dataset = open_one(path, &cut, &error);
    for (size_t i = 0; dataset && i < dataset_count(dataset); i++) {
        assert_ok(dataset_load(dataset, i, &whole, &error), error);
        assert_true(whole.labels > 0);
        sample_free(&whole);
    }
    dataset_close(dataset);
    // Another text of the same length is another data set.
    char other[sizeof rows];
    memcpy(other, rows, sizeof rows);
    memcpy(strstr(other, "Danube"), "Danubf", 6);
    test_write(path, other, strlen(other));
    dataset = open_one(path, &lenient, &error);
    assert_got(dataset, error);
    assert_true(dataset_identity(dataset) != identity);
    dataset_close(dataset);
}

static void test_bad_rows(void **state) {
    (void)state;
    struct error error = {0};
    const char *path = test_temporary("bad.jsonl");
    char rows[4000];
    snprintf(rows, sizeof rows,
             "{\"prompt\":\"q\",\"completion\":\"a\"}\n\n{\"prompt\":\"q\"\n"
             "{\"prompt\":\"q\",\"completion\":\"a\",\"images\":[\"absent.jpg\"]}\n"
             "{\"prompt\":\"q\",\"completion\":\"a\",\"images\":[\"bad.jsonl\"]}\n"
             "{\"prompt\":\"q\",\"completion\":\"\"}\r\n"
             "{\"prompt\":\"q\",\"completion\":\"b\",\"images\":[\"%s\"]}",
             test_data("images/scene_c.png"));
    test_write(path, rows, strlen(rows));
    struct dataset *dataset = open_one(path, &lenient, &error);
    assert_got(dataset, error);
    const struct dataset_report *report = dataset_report(dataset);
    assert_int_equal(report->rows, 6);
    assert_int_equal(report->bad, 4);
    assert_int_equal(dataset_count(dataset), 2);
    char text[300];
    dataset_describe(dataset, 1, text, sizeof text);
    assert_non_null(strstr(text, "bad.jsonl:7"));
    dataset_close(dataset);
    struct dataset_options strict = lenient;
    strict.bad_rows = RECIPE_BAD_ROWS_STOP;
    dataset = open_one(path, &strict, &error);
    assert_error(dataset ? 0 : -1, error, ERROR_INPUT, "bad.jsonl:3: the row: not valid JSON");
}

static void test_broken_picture(void **state) {
    (void)state;
    struct error error = {0};
    size_t length;
    char *png = file_read(test_data("images/scene_c.png"), 1 << 20, &length, &error);
    test_write(test_temporary("half.png"), png, length / 2);
    free(png);
    static const char row[] = "{\"prompt\":\"q\",\"completion\":\"a\",\"images\":[\"half.png\"]}\n";
    test_write(test_temporary("half.jsonl"), row, strlen(row));
    struct dataset *dataset = open_one(test_temporary("half.jsonl"), &lenient, &error);
    assert_got(dataset, error); // the head is fine
    struct sample sample;
    assert_error(dataset_load(dataset, 0, &sample, &error), error, ERROR_INPUT,
                 "half.jsonl:1: half.png: truncated PNG");
    dataset_close(dataset);
}

static void test_long_rows(void **state) {
    (void)state;
    struct error error = {0};
    struct dataset_options options = {.max_length = 60};
    struct dataset *dataset = open_one(test_data("train/rows.jsonl"), &options, &error);
    assert_got(dataset, error);
    size_t kept = dataset_count(dataset);
    assert_true(kept > 0 && kept < 8);
    assert_int_equal(dataset_report(dataset)->deleted, 8 - kept);
    dataset_close(dataset);
    options.too_long = RECIPE_TOO_LONG_ERROR;
    dataset = open_one(test_data("train/rows.jsonl"), &options, &error);
    assert_error(dataset ? 0 : -1, error, ERROR_INPUT, "rows.jsonl:1: 61 tokens, data.max_length is 60");
    options.too_long = RECIPE_TOO_LONG_TRUNCATE;
    dataset = open_one(test_data("train/rows.jsonl"), &options, &error);
    assert_got(dataset, error);
    struct sample sample;
    assert_ok(dataset_load(dataset, 0, &sample, &error), error);
    assert_int_equal(sample.prompt.ids.count + sample.completion.count, 60);
    assert_int_equal(sample.labels, 27);
    sample_free(&sample);
    dataset_close(dataset);
    options.max_length = 8;
    options.too_long = RECIPE_TOO_LONG_DELETE;
    dataset = open_one(test_data("train/rows.jsonl"), &options, &error);
    assert_error(dataset ? 0 : -1, error, ERROR_INPUT, "no usable row (0 bad, 8 too long)");
}

static void test_missing_files(void **state) {
    (void)state;
    struct error error = {0};
    assert_null(open_one(test_temporary("absent.jsonl"), &lenient, &error));
    assert_error(-1, error, ERROR_INPUT, "absent.jsonl");
    assert_null(open_one(test_temporary("absent-*.jsonl"), &lenient, &error));
    assert_error(-1, error, ERROR_INPUT, "no file matches");
    test_write(test_temporary("empty.jsonl"), "", 0);
    assert_null(open_one(test_temporary("empty.jsonl"), &lenient, &error));
    assert_error(-1, error, ERROR_INPUT, "the file is empty");
    test_write(test_temporary("blank.jsonl"), "\n \n", 3);
    assert_null(open_one(test_temporary("blank.jsonl"), &lenient, &error));
    assert_error(-1, error, ERROR_INPUT, "no usable row");
}

// ---- shards ---------------------------------------------------------------------------------------------

static void add_member(struct archive *archive, const char *name, const void *data, size_t length) {
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (int64_t)length);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(archive, data, length), length);
    archive_entry_free(entry);
}

static void write_shard(const char *path, bool compressed) {
    struct error error = {0};
    size_t length;
    char *png = file_read(test_data("images/scene_c.png"), 1 << 20, &length, &error);
    assert_got(png, error);
    struct archive *archive = archive_write_new();
    archive_write_set_format_pax(archive);
    if (compressed) archive_write_add_filter_gzip(archive);
    assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
    char deep[220];
    memset(deep, 'd', sizeof deep); // longer than a plain header holds
    memcpy(deep + sizeof deep - 10, "/0001.png", 10);
    static const char row[] =
        "{\"solution\":\"<country>Japan</country><city>Kyoto</city>\",\"response\":\"r\"}";
    add_member(archive, deep, png, length);
    memcpy(deep + sizeof deep - 10, "/0001.txt", 10);
    add_member(archive, deep, "It is Japan.", 12);
    add_member(archive, "b/0002.0.png", png, length);
    add_member(archive, "b/0002.1.png", png, length);
    add_member(archive, "b/0002.cls", "7", 1);
    add_member(archive, "b/0002.json", row, strlen(row));
    add_member(archive, "0003.png", png, length);
    add_member(archive, "0004.json", "{}", 2);
    assert_int_equal(archive_write_free(archive), ARCHIVE_OK);
    free(png);
}

static void test_shards(void **state) {
    (void)state;
    struct error error = {0};
    const char *path = test_temporary("shard-0.tar");
    write_shard(path, false);
    struct dataset *dataset = open_one(test_temporary("shard-*.tar"), &lenient, &error);
    assert_got(dataset, error);
    assert_int_equal(dataset_report(dataset)->rows, 4);
    assert_int_equal(dataset_report(dataset)->bad, 2);
    assert_int_equal(dataset_count(dataset), 2);
    const size_t images[] = {1, 2};
    for (size_t i = 0; i < 2; i++) {
        struct sample sample;
        assert_ok(dataset_load(dataset, i, &sample, &error), error);
        assert_int_equal(sample.prompt.grid_count, images[i]);
        assert_int_equal(sample.prompt.ids.count + sample.completion.count, dataset_tokens(dataset, i));
        sample_free(&sample);
    }
    char text[300];
    dataset_describe(dataset, 1, text, sizeof text);
    assert_non_null(strstr(text, "shard-0.tar:b/0002"));
    dataset_close(dataset);
}

static void test_bad_shards(void **state) {
    (void)state;
    struct error error = {0};
    write_shard(test_temporary("c.tar.gz"), true);
    assert_null(open_one(test_temporary("c.tar.gz"), &lenient, &error));
    assert_error(-1, error, ERROR_INPUT, "not a readable tar file");
    write_shard(test_temporary("whole.tar"), false);
    size_t length;
    char *tar = file_read(test_temporary("whole.tar"), 1 << 22, &length, &error);
    for (size_t cut = 1; cut < length - 1024; cut += 389) { // nothing may crash; what is complete may be used
        test_write(test_temporary("cut.tar"), tar, cut);
        error = (struct error){0};
        struct dataset *dataset = open_one(test_temporary("cut.tar"), &lenient, &error);
        if (!dataset) assert_int_equal(error.code, ERROR_INPUT);
        dataset_close(dataset);
    }
    for (size_t i = 0; i < 600; i++) { // damaged anywhere
        char saved = tar[i * 97 % length];
        tar[i * 97 % length] = (char)(saved ^ 0x55);
        test_write(test_temporary("damaged.tar"), tar, length);
        struct dataset *dataset = open_one(test_temporary("damaged.tar"), &lenient, &error);
        struct sample sample;
        for (size_t row = 0; dataset && row < dataset_count(dataset); row++)
            if (dataset_load(dataset, row, &sample, &error) == 0) sample_free(&sample);
        dataset_close(dataset);
        tar[i * 97 % length] = saved;
        if (i > 40) i += 11;
    }
    free(tar);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_all_kinds), cmocka_unit_test(test_golden_labels),
        cmocka_unit_test(test_several_answers),   cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_broken_picture),    cmocka_unit_test(test_long_rows),
        cmocka_unit_test(test_missing_files),     cmocka_unit_test(test_shards),
        cmocka_unit_test(test_bad_shards),        cmocka_unit_test(test_masked_answers),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
