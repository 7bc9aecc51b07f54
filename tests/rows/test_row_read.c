// Rows for those who do not learn from them: the question alone, with what is known of its pictures; and one way to the
// rows of all files.
#include "support.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows/row_files.h"

#define ASKED "{\"role\":\"user\",\"content\":\"Where?\"}"
#define ANSWER "{\"role\":\"assistant\",\"content\":\"There.\"}"
#define PERU "\"country\":\"Peru\",\"images\":[\"a.jpg\"]"

static int read_text(struct row *row, const char *json, enum row_chat chat, struct error *error) {
    const struct row_options options = {.images = ROW_OWN_IMAGES, .chat = chat, .truth = true};
    *error = (struct error){0};
    return row_read(row, json, strlen(json), &options, NULL, error);
}

static void test_answers_are_dropped(void **state) {
    (void)state;
    static const char *const rows[] = {
        "{\"messages\":[" ASKED "," ANSWER "]," PERU "}",
        "{\"messages\":[" ASKED "]," PERU "}",
        "{\"prompt\":\"Where?\",\"completion\":\"There.\"," PERU "}",
        "{\"prompt\":\"Where?\"," PERU "}",
        "{\"query\":\"Where?\",\"response\":\"There.\"," PERU "}",
        "{\"query\":\"Where?\"," PERU "}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error error;
        struct row row;
        bool has_answer = i % 2 == 0;
        assert_ok(read_text(&row, rows[i], ROW_CHAT_QUESTION, &error), error);
        assert_false(row.answered);
        assert_int_equal(row.chat.count, 1);
        assert_string_equal(row.chat.messages[0].role, "user");
        assert_int_equal(chat_image_count(&row.chat), 1);
        assert_string_equal(row.truth.country, "Peru");
        assert_string_equal(row.truth.photo, "");
        row_free(&row);
        assert_ok(read_text(&row, rows[i], ROW_CHAT_ASKED, &error), error);
        assert_int_equal(row.answered, has_answer);
        assert_int_equal(row.chat.count, has_answer ? 2 : 1);
        row_free(&row);
        if (!has_answer)
            assert_error(read_text(&row, rows[i], ROW_CHAT_LEARNT, &error), error, ERROR_INPUT, "");
    }
    struct error error;
    struct row row;
    assert_error(read_text(&row, "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"}]," PERU "}",
                           ROW_CHAT_QUESTION, &error),
                 error, ERROR_INPUT, "no user's message");
    assert_error(
        read_text(&row, "{\"messages\":[" ASKED "],\"chosen\":\"a\"," PERU "}", ROW_CHAT_QUESTION, &error),
        error, ERROR_INPUT, "\"chosen\" belongs to preference data");
}

// GLOBE's rows: the solution is the truth, the question is the method's own.
static void test_solutions(void **state) {
    (void)state;
    struct error error;
    struct row row;
    static const char *const solutions[] = {"<city>Kyoto</city><country>Japan</country>", "Japan\\tKyoto"};
    for (size_t i = 0; i < 2; i++) {
        char json[400];
        snprintf(
            json, sizeof json,
            "{\"solution\":\"%s\",\"response\":\"Tea.\",\"images\":[\"a.jpg\"],\"region\":\"Kansai\","
            "\"entities\":[{\"text\":\"gate\"}],\"elements\":[\"sky\",{\"text\":\"tree\",\"share\":0.2}]}",
            solutions[i]);
        assert_ok(read_text(&row, json, ROW_CHAT_QUESTION, &error), error);
        assert_string_equal(row.truth.solution, "Japan\tKyoto");
        assert_string_equal(row.truth.country, "Japan");
        assert_string_equal(row.truth.city, "Kyoto");
        assert_string_equal(row.truth.region, "Kansai");
        assert_string_equal(row.truth.response, "Tea.");
        assert_int_equal(row.truth.entity_count, 1);
        assert_int_equal(row.truth.element_count, 2);
        assert_string_equal(row.truth.elements[1], "tree");
        assert_int_equal(row.chat.count, 1);
        assert_int_equal(chat_image_count(&row.chat), 1);
        row_free(&row);
        assert_ok(read_text(&row, json, ROW_CHAT_NONE, &error), error); // evaluation
        assert_string_equal(row.truth.photo, "a.jpg");
        assert_int_equal(row.chat.count, 0);
        row_free(&row);
    }
    // Keys of their own are what counts; a city that nobody knows is none.
    assert_ok(read_text(&row,
                        "{\"solution\":\"<country>UK</country><city>unknown</city>\",\"country\":\"United "
                        "Kingdom\",\"image\":\"a.jpg\"}",
                        ROW_CHAT_NONE, &error),
              error);
    assert_string_equal(row.truth.country, "United Kingdom");
    assert_string_equal(row.truth.city, "");
    assert_string_equal(row.truth.solution, "UK\tunknown");
    assert_false(row.truth.has_elements);
    row_free(&row);
    assert_error(read_text(&row, "{\"solution\":\"Kyoto\",\"image\":\"a.jpg\"}", ROW_CHAT_NONE, &error),
                 error, ERROR_INPUT, "\"solution\" names no place");
    assert_ok(read_text(&row, "{" PERU ",\"solution\":\"42\"}", ROW_CHAT_NONE, &error), error);
    assert_string_equal(row.truth.solution, "");
    row_free(&row);
    assert_error(read_text(&row, "{" PERU ",\"elements\":\"sky\"}", ROW_CHAT_NONE, &error), error,
                 ERROR_INPUT, "\"elements\" must be a list");
}

// The same tables of keys for all: what is seen is everybody's affair, what is learnt that of those who learn.
static void test_keys(void **state) {
    (void)state;
    struct error error;
    struct row row;
    struct row_notes notes = {.count = 0};
    static const char json[] = "{" PERU ",\"mood\":3,\"weather\":\"fine\",\"chosen\":\"x\",\"label\":1}";
    const struct row_options options = {
        .images = ROW_OWN_IMAGES, .chat = ROW_CHAT_NONE, .truth = true, .group = "weather"};
    error = (struct error){0};
    assert_ok(row_read(&row, json, strlen(json), &options, &notes, &error), error);
    assert_int_equal(notes.count, 1);
    assert_string_equal(notes.keys[0], "mood");
    assert_string_equal(row.truth.group, "fine");
    row_free(&row);
    assert_error(read_text(&row, "{" PERU ",\"max_pixels\":1000}", ROW_CHAT_NONE, &error), error, ERROR_INPUT,
                 "\"max_pixels\" is not supported here");
    assert_error(read_text(&row, "{" PERU ",\"videos\":[\"v.mp4\"]}", ROW_CHAT_NONE, &error), error,
                 ERROR_INPUT, "\"videos\" is not supported");
}

static void add_member(struct archive *archive, const char *name, const char *text) {
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (int64_t)strlen(text));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(archive, text, strlen(text)), strlen(text));
    archive_entry_free(entry);
}

static void write_shard(const char *path) {
    struct archive *archive = archive_write_new();
    archive_write_set_format_pax(archive);
    assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
    add_member(archive, "one.jpg", "picture");
    add_member(archive, "one.json", "{\"solution\":\"<country>Peru</country>\",\"response\":\"r\"}");
    add_member(archive, "two.jpg", "picture");
    add_member(archive, "two.txt", "It is Peru.");
    assert_int_equal(archive_write_free(archive), ARCHIVE_OK);
}

static void test_files(void **state) {
    (void)state;
    struct error error = {0};
    static const char lines[] = "\xEF\xBB\xBF{" PERU "}\n\n  \n{\"lat\":1,\"lon\":2,\"image\":\"b.jpg\"}";
    test_write(test_temporary("rows-1.jsonl"), lines, sizeof lines - 1);
    test_write(test_temporary("a.jpg"), "picture", 7);
    write_shard(test_temporary("rows.tar"));
    char *paths[] = {(char *)test_temporary("rows-*.jsonl"), (char *)test_temporary("rows.tar")};
    struct row_files *files = row_files_open(paths, 2, &error);
    assert_got(files, error);
    assert_int_equal(row_files_count(files), 4);
    const struct row_options options = {.chat = ROW_CHAT_QUESTION, .truth = true};
    char text[300];
    for (size_t i = 0; i < 3; i++) {
        struct row row;
        assert_ok(row_files_read(files, i, options, &row, NULL, &error), error);
        assert_string_equal(row.truth.country, i == 1 ? "" : "Peru");
        assert_int_equal(row.chat.count, 1);
        assert_int_equal(chat_image_count(&row.chat), 1);
        row_free(&row);
    }
    struct row row;
    assert_error(row_files_read(files, 3, options, &row, NULL, &error), error, ERROR_INPUT,
                 "a .json is needed");
    const struct row_options question = {.chat = ROW_CHAT_QUESTION};
    error = (struct error){0};
    assert_ok(row_files_read(files, 3, question, &row, NULL, &error), error);
    assert_int_equal(row.chat.count, 1);
    row_free(&row);
    row_files_describe(files, 1, text, sizeof text);
    assert_non_null(strstr(text, "rows-1.jsonl:4"));
    row_files_describe(files, 2, text, sizeof text);
    assert_non_null(strstr(text, "rows.tar:one"));
    assert_true(row_files_hash(files, 0) != row_files_hash(files, 1));
    for (size_t i = 0; i < 4; i += 2) {
        struct row_picture picture;
        assert_ok(row_files_picture(files, i, i == 0 ? "a.jpg" : "0", &picture, &error), error);
        assert_int_equal(picture.length, 7);
        assert_memory_equal(picture.data, "picture", 7);
        row_picture_close(&picture);
    }
    row_files_close(files);
    // Evaluation has pictures by their names, of files and of shards.
    struct truth_list list = {0};
    struct photo_source picture;
    assert_ok(truth_read(&list, test_temporary("rows.tar"), NULL, 1, &error), error);
    assert_ok(truth_read(&list, test_temporary("rows-1.jsonl"), NULL, 2, &error), error);
    assert_int_equal(list.count, 2);
    assert_non_null(strstr(list.rows[0].photo, "rows.tar:one"));
    for (size_t i = 0; i < 2; i++) {
        assert_ok(truth_picture(&list.rows[i], &picture, &error), error);
        assert_int_equal(picture.length, 7);
        assert_memory_equal(picture.data, "picture", 7);
        photo_source_close(&picture);
    }
    truth_free(&list);
    assert_ok(truth_read(&list, test_temporary("rows-1.jsonl"), NULL, 10, &error), error);
    assert_int_equal(list.count, 2);
    truth_free(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers_are_dropped),
                                       cmocka_unit_test(test_solutions), cmocka_unit_test(test_keys),
                                       cmocka_unit_test(test_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
