// Rows of a reward model, made of those of other data sets, and how one is evaluated.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/prompts.h"
#include "train/reward_pass.h"
#include "train/reward_rows.h"

enum { ROWS = 40 };

// Rows of two countries, every fourth of a picture that cannot be placed.
static struct row_files *make_rows(const char *more) {
    static char path[600];
    struct error error = {0};
    char *paths[] = {path};
    snprintf(path, sizeof path, "%s", test_temporary("rows.jsonl"));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < ROWS; i++)
        fprintf(file,
                "{\"query\":\"Where?\",\"response\":\"text %d\",\"images\":[\"%d.jpg\"],\"country\":\"%s\","
                "\"locatable\":%s}\n",
                i, i, i % 2 ? "Japan" : "Peru", i % 4 ? "true" : "false");
    fputs(more, file);
    assert_int_equal(fclose(file), 0);
    struct row_files *files = row_files_open(paths, 1, &error);
    assert_got(files, error);
    return files;
}

static const char *part(const struct row *row, size_t message, size_t index) {
    return row->chat.messages[message].parts[index].text;
}

static void test_rows(void **state) {
    (void)state;
    struct error error = {0};
    struct row_files *files = make_rows(
        "{\"messages\":[{\"role\":\"user\",\"content\":\"<image>a reasoning\"},{\"role\":\"assistant\","
        "\"content\":\"Yes.\"}],\"images\":[\"own.jpg\"]}\n"
        "{\"query\":\"another\",\"response\":\"no\",\"images\":[\"own.jpg\"]}\n"
        "{\"query\":\"Where?\",\"response\":\"Rome\",\"images\":[\"a.jpg\"]}\n"
        "{\"query\":\"Where?\",\"response\":\"Rome\",\"images\":[\"a.jpg\",\"b.jpg\"],\"locatable\":true}\n"
        "{\"query\":\"Where?\",\"response\":\"Rome\",\"locatable\":true}\n");
    const struct reward_rows plain = {.on = true, .seed = 3};
    for (size_t i = 0; i < ROWS + 2; i++) {
        struct row row;
        char text[40], picture[40];
        snprintf(text, sizeof text, "text %zu", i);
        snprintf(picture, sizeof picture, "%zu.jpg", i);
        assert_ok(reward_rows_read(&plain, files, i, &row, NULL, &error), error);
        assert_int_equal(row.chat.count, 3);
        assert_string_equal(part(&row, 0, 0), locatability_prompt);
        assert_string_equal(part(&row, 1, 0), i < ROWS ? picture : "own.jpg");
        assert_string_equal(part(&row, 1, 1), i < ROWS ? text : i == ROWS ? "a reasoning" : "another");
        assert_string_equal(part(&row, 2, 0), (i < ROWS ? i % 4 != 0 : i == ROWS) ? "yes" : "no");
        row_free(&row);
    }
    static const char *const wrong[] = {"neither yes nor no", "2 pictures", "0 pictures"};
    for (size_t i = 0; i < 3; i++) {
        struct row row;
        assert_error(reward_rows_read(&plain, files, ROWS + 2 + i, &row, NULL, &error), error, ERROR_INPUT,
                     wrong[i]);
        error = (struct error){0};
    }
    row_files_close(files);
}

static void test_swapped(void **state) {
    (void)state;
    struct error error = {0};
    struct row_files *files = make_rows("");
    for (int as = 0; as < 2; as++) {
        const struct reward_rows options = {
            .on = true, .swapped = 0.5, .as = (enum reward_swapped_as)as, .seed = 9};
        size_t swapped = 0;
        for (size_t i = 0; i < ROWS; i++) {
            struct row row, again;
            assert_ok(reward_rows_read(&options, files, i, &row, NULL, &error), error);
            assert_ok(reward_rows_read(&options, files, i, &again, NULL, &error), error);
            assert_string_equal(part(&row, 1, 1), part(&again, 1, 1)); // always the same
            assert_int_equal(strncmp(part(&row, 1, 1), "text ", 5), 0);
            size_t other = strtoul(part(&row, 1, 1) + 5, NULL, 10);
            bool own = other == i, locatable = i % 4 != 0;
            swapped += !own;
            if (!own) // of another country or class
                assert_true(other % 2 != i % 2 || (other % 4 == 0) != (i % 4 == 0));
            bool yes = locatable && (own || as == REWARD_SWAPPED_PICTURE);
            assert_string_equal(part(&row, 2, 0), yes ? "yes" : "no");
            row_free(&row), row_free(&again);
        }
        if (swapped < ROWS / 4 || swapped > 3 * ROWS / 4) fail_msg("%zu of %d swapped", swapped, (int)ROWS);
    }
    row_files_close(files);
}

static void test_metrics(void **state) {
    (void)state;
    struct metric metrics[3];
    double sums[REWARD_SUMS] = {4, 3};
    double *no = sums + 2, *yes = sums + 2 + REWARD_BINS;
    no[3] = 1, no[20] = 1, yes[20] = 1, yes[30] = 1; // three and a half of four pairs in order
    assert_int_equal(reward_pass_metrics(sums, metrics), 3);
    assert_string_equal(metrics[0].name, "eval_accuracy");
    assert_near(metrics[0].value, 0.75, 1e-12);
    assert_near(metrics[1].value, 3.5 / 4, 1e-12);
    assert_near(metrics[2].value, 0.5, 1e-12);
    yes[20] = yes[30] = 0;
    reward_pass_metrics(sums, metrics);
    assert_true(isnan(metrics[1].value)); // one class has no curve
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_swapped),
                                       cmocka_unit_test(test_metrics)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
