// Hard names of places, their truth written by hand: which share is resolved to the right place?
// The tables of docs/gazetteer.md are this program's output. The floors below hold what they say.
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "geo/gazetteer.h"

struct category {
    char name[32];
    int rows, right, exact; // resolved within the tolerance; by exact main and alternate names alone
    int wrong;              // a city was given as found, but not the right one
};

static struct category categories[16];
static int category_count;

static struct category *find_category(const char *name) {
    for (int i = 0; i < category_count; i++)
        if (!strcmp(categories[i].name, name)) return &categories[i];
    assert_true(category_count < 16);
    snprintf(categories[category_count].name, sizeof categories[0].name, "%s", name);
    return &categories[category_count++];
}

static bool is_right(const struct gazetteer_answer *answer, struct point truth, double tolerance) {
    return answer->count > 0 && sphere_distance(answer->candidates[0].place.at, truth) <= tolerance;
}

static const char *code_of(const struct gazetteer_answer *answer) {
    return answer->count ? answer->candidates[0].place.country_code : "";
}

// A row of the sets whose answers must name the right country, too, or none.
static void score_strict(struct gazetteer *gazetteer, char *line, bool verbose) {
    char *columns[7], *rest = line;
    for (int i = 0; i < 7; i++) assert_non_null(columns[i] = strsep(&rest, "\t\n"));
    struct point truth = {strtod(columns[3], NULL), strtod(columns[4], NULL)};
    struct error error;
    struct gazetteer_answer answer;
    struct gazetteer_query query = {.city = columns[1], .country = columns[2]};
    struct category *category = find_category(columns[0]);
    bool text = !strcmp(columns[2], "="), nothing = !strcmp(columns[6], "?");
    assert_ok(text ? gazetteer_lookup_text(gazetteer, columns[1], &answer, &error)
                   : gazetteer_lookup(gazetteer, &query, &answer, &error),
              error);
    bool right = nothing ? answer.count == 0
                         : is_right(&answer, truth, strtod(columns[5], NULL)) &&
                               !strcmp(code_of(&answer), strcmp(columns[6], "-") ? columns[6] : "");
    category->rows++;
    category->right += right;
    category->wrong += !right && answer.outcome == LOOKUP_FOUND;
    if (verbose && !right)
        printf("%s: %s | %s -> %s, %s (%s)\n", columns[0], columns[1], columns[2],
               answer.count ? answer.candidates[0].place.name : "-", code_of(&answer),
               lookup_outcome_name(answer.outcome));
}

static void score_row(struct gazetteer *gazetteer, char *line, bool verbose) {
    char *columns[6], *rest = line;
    for (int i = 0; i < 6; i++) assert_non_null(columns[i] = strsep(&rest, "\t\n"));
    struct point truth = {strtod(columns[3], NULL), strtod(columns[4], NULL)};
    double tolerance = strtod(columns[5], NULL);
    assert_true(tolerance >= 30);
    struct error error;
    struct gazetteer_answer answer;
    struct gazetteer_query query = {.city = columns[1], .country = columns[2]};
    struct category *category = find_category(columns[0]);
    assert_ok(gazetteer_lookup(gazetteer, &query, &answer, &error), error);
    bool right = is_right(&answer, truth, tolerance);
    category->rows++;
    category->right += right;
    category->wrong += !right && answer.outcome == LOOKUP_FOUND;
    if (verbose && !right)
        printf("%s: %s | %s -> %s, %s (%s)\n", columns[0], columns[1], columns[2],
               answer.count ? answer.candidates[0].place.name : "-",
               answer.count ? answer.candidates[0].place.country : "-", lookup_outcome_name(answer.outcome));
    query.exact_only = true;
    assert_ok(gazetteer_lookup(gazetteer, &query, &answer, &error), error);
    category->exact += answer.outcome != LOOKUP_CONTAINER && is_right(&answer, truth, tolerance);
}

static void score_all(const char *path, const char *names, bool strict, bool verbose) {
    struct error error;
    struct gazetteer *gazetteer = gazetteer_open(path, &error);
    assert_got(gazetteer, error);
    FILE *stream = fopen(test_data("geo/%s", names), "r");
    assert_non_null(stream);
    char *line = NULL;
    size_t capacity = 0;
    category_count = 0;
    memset(categories, 0, sizeof categories);
    while (getline(&line, &capacity, stream) > 0)
        if (line[0] != '#') (strict ? score_strict : score_row)(gazetteer, line, verbose);
    free(line);
    fclose(stream);
    gazetteer_close(gazetteer);
}

static struct category sum_categories(void) {
    struct category sum = {.name = "all"};
    for (int i = 0; i < category_count; i++) {
        sum.rows += categories[i].rows;
        sum.right += categories[i].right;
        sum.exact += categories[i].exact;
        sum.wrong += categories[i].wrong;
    }
    return sum;
}

static void print_row(const struct category *c) {
    printf("| %s | %d | %.1f %% | %.1f %% | %d |\n", c->name, c->rows, 100.0 * c->exact / c->rows,
           100.0 * c->right / c->rows, c->wrong);
}

static void print_table(void) {
    struct category all = sum_categories();
    printf(
        "| category | names | exact lookup alone | resolved | wrong place given |\n|---|---|---|---|---|\n");
    for (int i = 0; i < category_count; i++) print_row(&categories[i]);
    print_row(&all);
}

static const char gazetteer_file[] = TEST_BINARY_DIR "/data/gazetteer.sqlite";

static void test_hard_names(void **state) {
    (void)state;
    score_all(gazetteer_file, "hard_names.tsv", false, getenv("GLOBE_TEST_VERBOSE") != NULL);
    print_table();
    struct category all = sum_categories();
    assert_true(all.rows >= 500);
    assert_true(all.right >= 0.98 * all.rows);
    assert_true(all.wrong <= 0.01 * all.rows);
}

static void test_held_out_names(void **state) {
    (void)state;
    score_all(gazetteer_file, "held_out_names.tsv", false, getenv("GLOBE_TEST_VERBOSE") != NULL);
    print_table();
    struct category all = sum_categories();
    assert_true(all.rows >= 150);
    assert_true(all.right >= 0.80 * all.rows);
}

static void test_working_names(void **state) {
    (void)state;
    score_all(gazetteer_file, "working_names.tsv", true, getenv("GLOBE_TEST_VERBOSE") != NULL);
    print_table();
    struct category all = sum_categories();
    assert_true(all.rows >= 100);
    assert_true(all.right >= 0.98 * all.rows);
}

static void test_sealed_names(void **state) {
    (void)state;
    score_all(gazetteer_file, "sealed_names.tsv", true, getenv("GLOBE_TEST_VERBOSE") != NULL);
    print_table();
    struct category all = sum_categories();
    assert_true(all.rows >= 100);
    assert_true(all.right >= 0.85 * all.rows);
}

// A region that is not known by the name given is no place rather than one in another country.
static void test_region_names(void **state) {
    (void)state;
    score_all(gazetteer_file, "region_names.tsv", true, getenv("GLOBE_TEST_VERBOSE") != NULL);
    print_table();
    struct category all = sum_categories();
    assert_true(all.rows >= 50);
    assert_int_equal(all.right, all.rows);
    assert_int_equal(all.wrong, 0);
}

// With an argument: the same tables for another gazetteer, for comparison.
int main(int argc, char **argv) {
    if (argc > 1) {
        score_all(argv[1], "hard_names.tsv", false, false);
        print_table();
        score_all(argv[1], "held_out_names.tsv", false, false);
        print_table();
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hard_names), cmocka_unit_test(test_held_out_names),
        cmocka_unit_test(test_region_names), cmocka_unit_test(test_working_names),
        cmocka_unit_test(test_sealed_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
