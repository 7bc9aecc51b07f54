// Rewards as runs use them: asked for by a text, many completions in, numbers out. The values are worked out by hand.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reward/reward.h"
#include "rows/row.h"

static struct error error;

static struct reward_completion completion_of(const char *text) {
    return (struct reward_completion){.text = text, .length = strlen(text), .locatability = NAN};
}

static struct reward_set *open_set(const char *spec) {
    struct reward_set *set =
        reward_set_open(&spec, 1, &(struct reward_options){.max_completion_length = 0}, &error);
    assert_got(set, error);
    return set;
}

static double score(struct reward_set *set, const struct reward_completion *completion) {
    double value;
    const struct reward_batch batch = {.completions = completion, .count = 1};
    assert_int_equal(reward_set_count(set), 1);
    assert_ok(reward_set_score(set, &batch, &value, NULL, &error), error);
    return value;
}

static double score_text(const char *spec, const char *text) {
    struct reward_set *set = open_set(spec);
    struct reward_completion completion = completion_of(text);
    double value = score(set, &completion);
    reward_set_close(set);
    return value;
}

// ---- asking ---------------------------------------------------------------------------------------------

static void refuse(const char *spec, const char *why) {
    struct reward_set *set =
        reward_set_open(&spec, 1, &(struct reward_options){.max_completion_length = 0}, &error);
    assert_null(set);
    assert_error(-1, error, ERROR_USAGE, why);
}

static void bad_specs_are_refused(void **state) {
    (void)state;
    refuse("", "no reward is asked for");
    refuse("formt", "did you mean format?");
    refuse("format:mode=strict", "expected one of globe, paper, compat");
    refuse("format:wieght=2", "did you mean weight?");
    refuse("format:weight=two", "weight is \"two\"");
    refuse("format:weight=nan", "weight is \"nan\"");
    refuse("format:weight=1,weight=2", "gives an option twice");
    refuse("format:weight", "is not KIND:KEY=VALUE");
    refuse("format:=1", "a value without a key");
    refuse("format:name=\"a", "a quote that is not closed");
    refuse("format:name=\"a\"b", "goes on after a quote");
    refuse("format:name=a b", "may hold letters");
    refuse("format;format", "two rewards are called format");
    refuse("repetition:mode=compat", "has no mode compat");
    refuse("repetition:repetition_n_grams=0", "expected a whole number from 1");
    refuse("repetition:repetition_max_penalty=1", "from -1e+06 to 0");
    refuse("soft_overlong", "give soft_max_length");
    refuse("soft_overlong:soft_max_length=10", "soft_cache_length is 0");
    refuse("soft_overlong:soft_max_length=10,soft_cache_length=10", "less than soft_max_length");
    refuse("soft_overlong:soft_max_length=10,max_completion_len=11,soft_cache_length=2",
           "two names of one thing");
    refuse("locatability;locatability:mode=compat,name=other", "choose one");
    refuse("format:failure=ignore", "expected stop or mask");
}

static void several_stand_in_one_text(void **state) {
    (void)state;
    struct reward_set *set = open_set(" format : weight = 0.5 , name = \"shape\" ; "
                                      "repetition:weight=2,repetition_n_grams=1; locatability ;");
    assert_int_equal(reward_set_count(set), 3);
    assert_string_equal(reward_set_name(set, 0), "shape");
    assert_string_equal(reward_set_name(set, 1), "repetition");
    assert_near(reward_set_weights(set)[0], 0.5, 0);
    assert_near(reward_set_weights(set)[1], 2, 0);
    assert_near(reward_set_weights(set)[2], 1, 0);
    assert_true(reward_set_needs_locatability(set));
    assert_false(reward_set_locatability_is_compat(set));
    const double weights[] = {1, 2, 3}, bad[] = {1, NAN, 3};
    assert_ok(reward_set_reweigh(set, weights, 3, &error), error);
    assert_near(reward_set_weights(set)[2], 3, 0);
    assert_error(reward_set_reweigh(set, weights, 2, &error), error, ERROR_USAGE, "2 weights for 3 rewards");
    assert_error(reward_set_reweigh(set, bad, 3, &error), error, ERROR_USAGE, "is not a number");
    reward_set_close(set);
}

// ---- format ---------------------------------------------------------------------------------------------

static void format_of_ours_is_one_clean_answer(void **state) {
    (void)state;
    static const char good[] = "<think>A sign.</think>\n<answer>country: France\ncity: Paris</answer>\n";
    assert_near(score_text("format", good), 1, 0);
    assert_near(score_text("format:mode=compat", good), 0, 0); // for its line feed
    assert_near(score_text("format:mode=paper", good), 0, 0);
    static const char *const bad[] = {
        "",
        "<think></think><answer>country: France\ncity: Paris</answer>",
        "<think>a</think><answer>country: France</answer>",
        "<think>a</think><answer>country: France\ncity:</answer>",
        "<think>a</think><answer>country: France\ncountry: Spain\ncity: Paris</answer>",
        "<think>a</think>b<answer>country: France\ncity: Paris</answer>",
        "<think>a</think>b</think><answer>country: France\ncity: Paris</answer>",
        "<think>a</think><answer>country: France\ncity: Paris</answer><answer>c</answer>",
        "<think>a</think><answer>country: France\ncity: Paris",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (score_text("format", bad[i]) != 0) fail_msg("case %zu passes", i);
}

// ---- length ---------------------------------------------------------------------------------------------

static double overlong(const char *spec, size_t length) {
    static const int32_t ids[64];
    struct reward_set *set = open_set(spec);
    struct reward_completion completion = completion_of("x");
    completion.ids = ids, completion.id_count = length;
    double value = score(set, &completion);
    reward_set_close(set);
    return value;
}

static void overlong_is_as_in_dapo(void **state) {
    (void)state;
    static const char *const specs[] = {"soft_overlong:soft_max_length=10,soft_cache_length=4",
                                        "soft_overlong:max_completion_len=10,soft_punish_cache=4"};
    static const double want[][2] = {{0, 0}, {6, 0}, {7, -0.25}, {8, -0.5}, {10, -1}, {11, -1}};
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < sizeof want / sizeof *want; i++)
            assert_near(overlong(specs[s], (size_t)want[i][0]), want[i][1], 1e-12);
    struct reward_set *set = open_set(specs[0]);
    struct reward_completion completion = completion_of("x");
    double value;
    const struct reward_batch batch = {.completions = &completion, .count = 1};
    assert_error(reward_set_score(set, &batch, &value, NULL, &error), error, ERROR_INPUT,
                 "the reward soft_overlong: completion 0: its tokens are not known");
    reward_set_close(set);
}

static void repetition_is_as_in_swift(void **state) {
    (void)state;
    assert_near(score_text("repetition", ""), 0, 0);
    assert_near(score_text("repetition", "a a"), 0, 0); // fewer words than an n-gram
    assert_near(score_text("repetition", "a b c d"), 0, 1e-12);
    assert_near(score_text("repetition", "A a\na  a"), -0.5, 1e-12);             // 2 trigrams, 1 distinct
    assert_near(score_text("repetition", "a b a b a b"), -(1 - 2.0 / 4), 1e-12); // aba bab aba bab
    assert_near(score_text("repetition:repetition_n_grams=1,repetition_max_penalty=-2", "x y x x"),
                -2 * (1 - 2.0 / 4), 1e-12);
    assert_near(score_text("repetition:repetition_n_grams=2", "ab c a bc"), 0,
                1e-12); // not the letters alone
}

// ---- locatability ---------------------------------------------------------------------------------------

static double locatable(const char *spec, const char *text, double yes) {
    struct reward_set *set = open_set(spec);
    struct reward_completion completion = completion_of(text);
    completion.locatability = yes;
    double value = score(set, &completion);
    reward_set_close(set);
    return value;
}

static void locatability_agrees_or_not(void **state) {
    (void)state;
    static const char placed[] = "<think>a</think><answer>country: France\ncity: Paris</answer>",
                      declined[] = "<think>a</think><answer>country: unknown\ncity: unknown</answer>",
                      nothing[] = "<think>so";
    assert_near(locatable("locatability", placed, 0.9), 0.9, 1e-12);
    assert_near(locatable("locatability", declined, 0.9), 0.1, 1e-12);
    assert_near(locatable("locatability", nothing, 0.9), 0, 0);
    assert_near(locatable("locatability:shape=probability", declined, 0.9), 0.9, 0);
    assert_near(locatable("locatability:mode=paper", declined, 0.9), 0.9, 0);
    assert_near(locatable("locatability:mode=compat", declined, 0.9), 0.9, 0);
    assert_near(locatable("locatability:shape=threshold,threshold=0.7", placed, 0.7), 1, 0);
    assert_near(locatable("locatability:shape=threshold,threshold=0.7", placed, 0.69), 0, 0);
    struct reward_set *set = open_set("locatability");
    struct reward_completion completion = completion_of(placed);
    double value;
    const struct reward_batch batch = {.completions = &completion, .count = 1};
    assert_error(reward_set_score(set, &batch, &value, NULL, &error), error, ERROR_INPUT,
                 "there is no p(yes)");
    reward_set_close(set);
}

// ---- accuracy -------------------------------------------------------------------------------------------

static double accurate_of(const char *spec, const struct truth *truth, const char *country,
                          const char *city) {
    char text[800];
    struct reward_set *set = open_set(spec);
    snprintf(text, sizeof text, "<think>a</think><answer>country: %s\ncity: %s</answer>", country, city);
    struct reward_completion completion = completion_of(text);
    completion.truth = truth;
    double value = score(set, &completion);
    reward_set_close(set);
    return value;
}

// What is known of a picture, as rows say it; the caller frees the row.
static struct row row_of(const char *json) {
    struct row row;
    const struct row_options options = {.images = ROW_OWN_IMAGES, .chat = ROW_CHAT_NONE, .truth = true};
    assert_ok(row_read(&row, json, strlen(json), &options, NULL, &error), error);
    return row;
}

static double accurate(const char *spec, const char *truth, const char *country, const char *city) {
    struct row row = row_of(truth);
    double value = accurate_of(spec, &row.truth, country, city);
    row_free(&row);
    return value;
}

static const char cologne[] = "{\"images\":[\"a\"],\"country\":\"Germany\",\"country_code\":\"DE\",\"city\":"
                              "\"Cologne\",\"lat\":50.9375,"
                              "\"lon\":6.9603,\"solution\":\"Germany\\tCologne\"}";
static const char hamburg[] = "{\"images\":[\"a\"],\"country\":\"Germany\",\"city\":\"Hamburg\"}";
static const char texas[] =
    "{\"images\":[\"a\"],\"country\":\"United States\",\"city\":\"Paris\",\"region\":\"Texas\","
    "\"lat\":33.66094,\"lon\":-95.55551}";
static const char nowhere[] =
    "{\"images\":[\"a\"],\"country\":\"unknown\",\"city\":\"unknown\",\"locatable\":false}";

static void names_are_those_of_all_languages(void **state) {
    (void)state;
    assert_near(accurate("accuracy", cologne, "Germany", "Cologne"), 1, 0);
    assert_near(accurate("accuracy", cologne, "Deutschland", "Köln"), 1, 0);
    assert_near(accurate("accuracy", cologne, "GERMANY.", "**Koeln**"), 1, 0);
    assert_near(accurate("accuracy", cologne, "ドイツ", "ケルン"), 1, 0);
    assert_near(accurate("accuracy", cologne, "Germany", "Düsseldorf"), 0.5, 0); // the same Land, 34 km off
    assert_near(accurate("accuracy", cologne, "Germany", "Munich"), 0.2, 0);
    assert_near(accurate("accuracy", cologne, "Germany", "unknown"), 0.2, 0);
    assert_near(accurate("accuracy", cologne, "France", "Cologne"), 0, 0);
    assert_near(accurate("accuracy", cologne, "France", "Paris"), 0, 0);
    assert_near(accurate("accuracy", cologne, "unknown", "unknown"), 0, 0);
    assert_near(accurate("accuracy", cologne, "Xqzzt", "Vrrrkl"), 0, 0);
    assert_near(accurate("accuracy:country=0.1,region=0.3,city=0.9", cologne, "Germany", "Munich"), 0.1 / 0.9,
                1e-12);
    // Paris, Texas.
    assert_near(accurate("accuracy", texas, "USA", "Paris"), 1, 0);
    assert_near(accurate("accuracy", texas, "France", "Paris"), 0, 0);
    assert_near(accurate("accuracy:shape=exp", texas, "United States of America", "Paris"), 1, 1e-2);
}

static void what_a_row_does_not_know_is_not_asked_for(void **state) {
    (void)state;
    static const char country[] = "{\"images\":[\"a\"],\"country\":\"Germany\"}";
    assert_near(accurate("accuracy", country, "Germany", "Munich"), 1, 0);
    assert_near(accurate("accuracy", country, "Austria", "Vienna"), 0, 0);
    assert_true(isnan(accurate("accuracy:shape=exp", country, "Germany", "Munich")));
    static const char position[] = "{\"images\":[\"a\"],\"lat\":50.9375,\"lon\":6.9603}";
    assert_near(accurate("accuracy", position, "Germany", "Cologne"), 1, 0);
    assert_near(accurate("accuracy", position, "Germany", "Munich"), 0.2, 0);
    assert_near(accurate("accuracy", position, "France", "Paris"), 0, 0);
}

static void what_cannot_be_placed(void **state) {
    (void)state;
    assert_near(accurate("accuracy", nowhere, "unknown", "unknown"), 1, 0);
    assert_near(accurate("accuracy", nowhere, "Germany", "unknown"), 0, 0);
    assert_true(isnan(accurate("accuracy:unlocatable=skip", nowhere, "unknown", "unknown")));
    struct reward_completion completion = completion_of("<think>hm");
    struct row row = row_of(nowhere);
    completion.truth = &row.truth;
    struct reward_set *set = open_set("accuracy");
    assert_near(score(set, &completion), 0, 0); // saying nothing is not saying that it cannot be told
    reward_set_close(set);
    row_free(&row);
}

static void distances_have_shapes(void **state) {
    (void)state;
    // Düsseldorf is 34 km away, Munich 456, Paris 403, Tokyo 9,300.
    assert_near(accurate("accuracy:shape=steps", cologne, "Germany", "Cologne"), 0.8, 0.2);
    assert_near(accurate("accuracy:shape=steps", cologne, "Germany", "Düsseldorf"), 0.6, 0);
    assert_near(accurate("accuracy:shape=steps", cologne, "France", "Paris"), 0.4, 0);
    assert_near(accurate("accuracy:shape=steps", cologne, "Spain", "Madrid"), 0.2, 0);
    assert_near(accurate("accuracy:shape=steps", cologne, "Japan", "Tokyo"), 0, 0);
    assert_near(accurate("accuracy:shape=exp", cologne, "France", "Paris"), exp(-403 / 200.0), 0.003);
    assert_near(accurate("accuracy:shape=exp,scale_km=1000", cologne, "France", "Paris"), exp(-0.403), 0.003);
    assert_near(accurate("accuracy:shape=exp", cologne, "Xqzzt", "Vrrrkl"), 0, 0);
}

static void the_papers_accuracy_is_of_equal_names(void **state) {
    (void)state;
    assert_near(accurate("accuracy:mode=paper", cologne, "germany", "COLOGNE"), 1, 1e-12);
    assert_near(accurate("accuracy:mode=paper", cologne, "Germany", "Cologn"), 0.2, 1e-12);
    assert_near(accurate("accuracy:mode=paper,alpha=0.5", cologne, "Germany", "Köln"), 0.5, 1e-12);
    assert_near(accurate("accuracy:mode=paper", cologne, "France", "Cologne"), 0, 0);
    assert_near(accurate("accuracy:mode=compat", cologne, "Germany", "Cologn"), 1, 0);
}

static void rows_without_truth_fail(void **state) {
    (void)state;
    static const char *const specs[] = {"accuracy", "accuracy:mode=paper", "accuracy:mode=compat"};
    struct reward_completion completion = completion_of("x");
    const struct reward_batch batch = {.completions = &completion, .count = 1};
    double value;
    for (size_t i = 0; i < 3; i++) {
        struct reward_set *set = open_set(specs[i]);
        assert_error(reward_set_score(set, &batch, &value, NULL, &error), error, ERROR_INPUT,
                     "its row says nothing of the picture's place");
        reward_set_close(set);
    }
    refuse("accuracy:country=0.5,region=0.2", "must not fall");
}

static void cosine_is_as_in_swift(void **state) {
    (void)state;
    static const int32_t ids[16];
    // 0.75 + 0.25 cos(pi length / 8) where right, -0.25 - 0.25 cos(...) where wrong.
    for (size_t length = 0; length <= 8; length += 4)
        for (int right = 0; right < 2; right++) {
            struct row row = row_of(right ? cologne : hamburg);
            struct reward_set *set = open_set("cosine:cosine_max_len=8");
            struct reward_completion completion =
                completion_of("<think>a</think><answer>country: Germany\ncity: Köln</answer>");
            completion.ids = ids, completion.id_count = length, completion.truth = &row.truth;
            double wave = 0.25 * cos((double)length * M_PI / 8);
            assert_near(score(set, &completion), right ? 0.75 + wave : -0.25 - wave, 1e-12);
            reward_set_close(set);
            row_free(&row);
        }
    refuse("cosine", "give cosine_max_len");
}

// ---- failures -------------------------------------------------------------------------------------------

static void failures_stop_or_mask_and_are_never_a_number(void **state) {
    (void)state;
    struct reward_completion completions[3] = {completion_of("a"), completion_of("b"), completion_of("c")};
    completions[0].locatability = 0.25, completions[2].locatability = 0.75;
    const struct reward_batch batch = {.completions = completions, .count = 3};
    struct reward_set *set = open_set("locatability:mode=paper,failure=mask;repetition");
    double values[6];
    bool masked[3];
    assert_ok(reward_set_score(set, &batch, values, masked, &error), error);
    assert_near(values[0], 0.25, 0);
    assert_true(isnan(values[2]));
    assert_near(values[3], 0, 0); // the other reward was told
    assert_near(values[4], 0.75, 0);
    assert_false(masked[0] || masked[2]);
    assert_true(masked[1]);
    assert_int_equal(reward_set_failures(set, 0), 1);
    assert_int_equal(reward_set_failures(set, 1), 0);
    // A caller that cannot leave completions out is stopped.
    assert_error(reward_set_score(set, &batch, values, NULL, &error), error, ERROR_INPUT,
                 "there is no p(yes)");
    reward_set_close(set);
    set = open_set("locatability:mode=paper");
    assert_error(reward_set_score(set, &batch, values, masked, &error), error, ERROR_INPUT,
                 "the reward locatability: completion 1: there is no p(yes)");
    reward_set_close(set);
}

static void statistics_leave_out_what_does_not_apply(void **state) {
    (void)state;
    // Two functions, two groups of three.
    const double values[] = {1, 5, 2, 5, NAN, 5, 4, 5, 4, NAN, NAN, 5};
    struct reward_statistics statistics;
    reward_statistics(values, 6, 2, 3, 0, &statistics);
    assert_int_equal(statistics.applies, 4);
    assert_near(statistics.mean, 11.0 / 4, 1e-12);
    assert_near(statistics.std, sqrt((pow(1.75, 2) + pow(0.75, 2) + 2 * pow(1.25, 2)) / 3), 1e-12);
    assert_near(statistics.frac_zero_std, 0.5, 0);
    assert_near(statistics.least, 1, 0);
    assert_near(statistics.most, 4, 0);
    reward_statistics(values, 6, 2, 3, 1, &statistics);
    assert_near(statistics.frac_zero_std, 1, 0);
    const double none[] = {NAN, NAN};
    reward_statistics(none, 2, 1, 2, 0, &statistics);
    assert_true(isnan(statistics.mean) && isnan(statistics.std) && isnan(statistics.frac_zero_std));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_specs_are_refused),
        cmocka_unit_test(several_stand_in_one_text),
        cmocka_unit_test(format_of_ours_is_one_clean_answer),
        cmocka_unit_test(overlong_is_as_in_dapo),
        cmocka_unit_test(repetition_is_as_in_swift),
        cmocka_unit_test(locatability_agrees_or_not),
        cmocka_unit_test(names_are_those_of_all_languages),
        cmocka_unit_test(what_a_row_does_not_know_is_not_asked_for),
        cmocka_unit_test(what_cannot_be_placed),
        cmocka_unit_test(distances_have_shapes),
        cmocka_unit_test(the_papers_accuracy_is_of_equal_names),
        cmocka_unit_test(rows_without_truth_fail),
        cmocka_unit_test(cosine_is_as_in_swift),
        cmocka_unit_test(failures_stop_or_mask_and_are_never_a_number),
        cmocka_unit_test(statistics_leave_out_what_does_not_apply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
