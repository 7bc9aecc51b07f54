// Going on with an earlier run: what is done, what is mended, and what is left alone.
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "locate/resume.h"

#define LINE(photo, outcome) \
    "{\"photo\": \"" photo "\", \"outcome\": \"" outcome "\", \"error\": null, \"tokens\": 3}\n"
#define FAILED(photo) \
    "{\"photo\": \"" photo "\", \"outcome\": \"failed\", \"error\": {\"status\": 3, \"message\": \"m\"}}\n"

static const char *write_text(const char *name, const char *text, size_t length) {
    const char *path = test_temporary("%s", name);
    test_write(path, text, length);
    return path;
}
#define WRITE(name, literal) write_text(name, literal, sizeof(literal) - 1)

static struct photo_list letters(void) {
    struct photo_list list = {0};
    struct error error;
    const char *const names[] = {"a", "b", "c", "d", "b"};
    for (size_t i = 0; i < 5; i++) assert_ok(photo_list_add(&list, names[i], &error), error);
    return list;
}

// Resumes the letters from these results.
static void assert_resumed(const char *path, const char *left, size_t kept, size_t gone) {
    struct error error = {0};
    struct resume resume;
    struct photo_list list = letters();
    size_t dropped;
    char all[64] = "";
    assert_ok(resume_read(&resume, path, &(struct resume_options){0}, &error), error);
    assert_ok(resume_drop(&resume, &list, false, &dropped, &error), error);
    for (size_t i = 0, used = 0; i < list.count; i++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s|", list.paths[i]);
    assert_string_equal(all, left);
    assert_int_equal(resume.mark.keep, kept);
    assert_int_equal(dropped, gone);
    resume_free(&resume);
    photo_list_free(&list);
}

static void what_is_done_is_dropped(void **state) {
    (void)state;
    assert_resumed("/nowhere/results.jsonl", "a|b|c|d|b|", 0, 0);
    assert_resumed(WRITE("none.jsonl", ""), "a|b|c|d|b|", 0, 0);
    static const char some[] =
        LINE("b", "no_answer") LINE("d", "no_answer") LINE("elsewhere", "not_locatable");
    assert_resumed(write_text("some.jsonl", some, sizeof some - 1), "a|c|", sizeof some - 1, 3);
    static const char tight[] = "{\"photo\":\"a\",\"outcome\":\"no_answer\"}\n"; // as jq -c writes it
    assert_resumed(write_text("tight.jsonl", tight, sizeof tight - 1), "b|c|d|b|", sizeof tight - 1, 1);
}

static void failed_ones_are_tried_again(void **state) {
    (void)state;
    static const char text[] =
        FAILED("a") FAILED("b") LINE("b", "no_answer") LINE("c", "no_answer") FAILED("c");
    assert_resumed(write_text("failed.jsonl", text, sizeof text - 1), "a|d|", sizeof text - 1, 3);
}

static void half_a_line_is_cut_off(void **state) {
    (void)state;
    static const char whole[] = LINE("a", "no_answer");
    static const char cut[] = LINE("a", "no_answer") "{\"photo\": \"b\", \"outc";
    assert_resumed(write_text("cut.jsonl", cut, sizeof cut - 1), "b|c|d|b|", sizeof whole - 1, 1);
    // Even when what is there could be a whole object: its line end is missing.
    static const char unended[] = LINE("a", "no_answer") "{\"photo\": \"b\", \"outcome\": \"no_answer\"}";
    assert_resumed(write_text("unended.jsonl", unended, sizeof unended - 1), "b|c|d|b|", sizeof whole - 1, 1);
    assert_resumed(WRITE("only.jsonl", "{\"pho"), "a|b|c|d|b|", 0, 0);
    // A power failure may leave zeros.
    static const char zeros[] = LINE("a", "no_answer") "\0\0\0\0";
    assert_resumed(write_text("zeros.jsonl", zeros, sizeof zeros - 1), "b|c|d|b|", sizeof whole - 1, 1);
}

static void other_files_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"a\": 1}\n", "line 1: not a record of globe locate --jsonl"},
        {LINE("a", "no_answer") "{\"photo\": \"b\"}\n", "line 2: not a record"},
        {LINE("a", "no_answer") "not JSON\n", "line 2: not valid JSON"},
        {LINE("a", "no_answer") "\n" LINE("b", "no_answer"), "not valid JSON"},
        {"[]\n", "line 1: not a record"},
        {"7\n", "line 1: not a record"},
        {"{\"photo\": 7, \"outcome\": \"placed\"}\n", "line 1: \"photo\" is a number"},
        {"photo,outcome\n", "not valid JSON"},
        {"[\n{\"photo\": \"a\"}\n]\n", "not valid JSON"},
        // One line without an end is no torn record, whoever wrote it.
        {"Buy milk, call Aino", "line 1: not a record"},
        {LINE("a", "no_answer") "and these are my notes", "line 2: not a record"},
        {"{\"images\": [\"a.jpg\"]}", "line 1: not a record"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        struct resume resume;
        const char *path = write_text("other.jsonl", cases[i].text, strlen(cases[i].text));
        assert_error(resume_read(&resume, path, &(struct resume_options){0}, &error), error, ERROR_INPUT,
                     cases[i].message);
        assert_non_null(strstr(error.message, "other.jsonl"));
    }
    struct error error = {0};
    struct resume resume;
    assert_error(resume_read(&resume, test_temporary("%s", ""), &(struct resume_options){0}, &error), error,
                 ERROR_INPUT, "Is a directory");
    assert_error(resume_read(&resume, test_data("images/photo_a.jpg"), &(struct resume_options){0}, &error),
                 error, ERROR_INPUT, "photo_a.jpg");
}

static void one_record_of_each_is_left(void **state) {
    (void)state;
    static const char text[] =
        FAILED("a") LINE("b", "no_answer") LINE("a", "no_answer") FAILED("b") FAILED("c") FAILED("c");
    static const char tidy[] = LINE("b", "no_answer") LINE("a", "no_answer") FAILED("c");
    struct error error = {0};
    size_t length;
    const char *path = write_text("untidy.jsonl", text, sizeof text - 1);
    assert_ok(resume_tidy(path, &error), error);
    char *data = file_read(path, 10000, &length, &error);
    assert_got(data, error);
    assert_string_equal(data, tidy);
    free(data);
    assert_ok(resume_tidy(path, &error), error);
    assert_resumed(path, "c|d|", sizeof tidy - 1, 3);
}

static struct session_options usual(void) {
    struct session_options options = session_options_default();
    options.model = test_data("qwen2_5_vl_tiny");
    options.no_gazetteer = true;
    return options;
}

static void assert_difference(const struct session_options *options, enum writer_precision precision,
                              const json_t *record, const char *expected) {
    struct error error = {0};
    struct provenance provenance;
    struct buffer out = {0};
    assert_ok(provenance_make(&provenance, options, precision, &error), error);
    provenance_compare(&provenance, record, &out);
    assert_string_equal(out.data ? out.data : "", expected);
    buffer_free(&out);
    provenance_free(&provenance);
}

static void settings_that_change_answers_are_told_apart(void **state) {
    (void)state;
    struct error error = {0};
    struct provenance provenance;
    struct session_options options = usual();
    assert_ok(provenance_make(&provenance, &options, PRECISION_FULL, &error), error);
    json_t *written = provenance_to_json(
        &provenance, "tiny", &(struct verdict){.photo_sha256 = (char[]){"00"}, .photo_modified = 5});
    char *text = json_dumps(written, JSON_REAL_PRECISION(12)); // as it comes back from a file
    json_t *record = json_loads(text, 0, NULL);
    free(text);
    json_decref(written);
    assert_int_equal(strlen(provenance.model_hash), 64);
    provenance_free(&provenance);

    assert_difference(&options, PRECISION_FULL, record, "");
    options.sequences = 3; // how the work is done changes nothing
    options.local.threads = 1;
    options.temperature = 0; // is what one sample has anyway
    assert_difference(&options, PRECISION_FULL, record, "");
    assert_difference(&options, PRECISION_COUNTRY, record, "precision \"full\", now \"country\"");
    options.samples = 4;
    options.sampling.seed = 7;
    assert_difference(&options, PRECISION_FULL, record, "seed 0, now 7; samples 1, now 4");
    options = usual();
    options.hint = "near the sea";
    assert_difference(&options, PRECISION_FULL, record, "prompt differs; hint null, now \"near the sea\"");
    options = usual();
    options.model = test_data("qwen2_5_vl_tiny_tied");
    assert_difference(&options, PRECISION_FULL, record, "model tiny, now another one");
    json_decref(record);
}

static void models_are_known_by_their_weights(void **state) {
    (void)state;
    struct error error = {0};
    char first[HASH_TEXT], again[HASH_TEXT], other[HASH_TEXT];
    enum { LARGE = 40 << 20 };
    char *weights = calloc(1, LARGE);
    assert_non_null(weights);
    for (size_t i = 0; i < LARGE; i++) weights[i] = (char)(i * 2654435761u >> 24);
    test_write(test_temporary("model.safetensors"), weights, LARGE);
    assert_ok(provenance_hash_model(test_temporary("%s", ""), first, &error), error);
    assert_ok(provenance_hash_model(test_temporary("%s", ""), again, &error), error);
    assert_string_equal(first, again);
    for (size_t i = LARGE / 2; i < LARGE; i++) weights[i] ^= 1; // half of it was trained on
    test_write(test_temporary("model.safetensors"), weights, LARGE);
    assert_ok(provenance_hash_model(test_temporary("%s", ""), other, &error), error);
    assert_string_not_equal(first, other);
    remove(test_temporary("model.safetensors"));
    free(weights);
    assert_error(provenance_hash_model("/nowhere", other, &error), error, ERROR_INPUT, "/nowhere");
}

static void a_large_batch_is_resumed_quickly(void **state) {
    (void)state;
    enum { MANY = 100000 };
    const char *path = test_temporary("large.jsonl");
    FILE *file = fopen(path, "w");
    struct photo_list list = {0};
    struct error error = {0};
    char name[64];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "/archive/%d/photo %d.jpg", i % 97, i);
        assert_ok(photo_list_add(&list, name, &error), error);
        if (i % 10)
            fprintf(file, "{\"photo\": \"%s\", \"outcome\": \"no_answer\", \"answer\": \"%0200d\"}\n", name,
                    i);
    }
    assert_int_equal(fclose(file), 0);
    struct resume resume;
    size_t dropped;
    clock_t start = clock();
    assert_ok(resume_read(&resume, path, &(struct resume_options){0}, &error), error);
    assert_ok(resume_drop(&resume, &list, false, &dropped, &error), error);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 30); // seconds even when watched by sanitizers
    assert_int_equal(dropped, MANY - MANY / 10);
    assert_int_equal(list.count, MANY / 10);
    assert_string_equal(list.paths[1], "/archive/10/photo 10.jpg");
    resume_free(&resume);
    photo_list_free(&list);
}

// What is known of a photo is known by its file, whatever the name in today's list.
static void other_names_of_a_photo_are_that_photo(void **state) {
    (void)state;
    struct error error = {0};
    struct resume resume;
    struct photo_list list = {0};
    char line[4096];
    size_t dropped;
    const char *photo = test_temporary("named.jpg");
    test_write(photo, "x", 1);
    int length = snprintf(line, sizeof line, "{\"photo\": \"%s\", \"outcome\": \"no_answer\"}\n", photo);
    const char *path = write_text("names.jsonl", line, (size_t)length);
    assert_ok(photo_list_add(&list, test_temporary("./named.jpg"), &error), error);
    assert_ok(photo_list_add(&list, test_temporary("other.jpg"), &error), error);
    assert_ok(resume_read(&resume, path, &(struct resume_options){0}, &error), error);
    assert_ok(resume_take_names(&resume, &list, &error), error);
    assert_string_equal(list.paths[0], photo);
    assert_ok(resume_drop(&resume, &list, false, &dropped, &error), error);
    assert_int_equal(dropped, 1);
    assert_string_equal(list.paths[0], test_temporary("other.jpg"));
    resume_free(&resume);
    photo_list_free(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_done_is_dropped),
        cmocka_unit_test(failed_ones_are_tried_again),
        cmocka_unit_test(half_a_line_is_cut_off),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(one_record_of_each_is_left),
        cmocka_unit_test(other_names_of_a_photo_are_that_photo),
        cmocka_unit_test(settings_that_change_answers_are_told_apart),
        cmocka_unit_test(models_are_known_by_their_weights),
        cmocka_unit_test(a_large_batch_is_resumed_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
