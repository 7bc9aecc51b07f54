// The released reward functions, on the reference's cases.
#include "support.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "reward/compat.h"

enum { MOST = 64 };
static struct error error;

// Calls `check` for every case of a golden file.
static void each_case(const char *name, void (*check)(const json_t *item, size_t index)) {
    json_t *cases = json_read_file(golden_data("rewards/%s", name), 1 << 20, &error), *item;
    assert_got(cases, error);
    assert_true(json_array_size(cases) > 0);
    size_t i;
    json_array_foreach(cases, i, item) check(item, i);
    json_decref(cases);
}

static const char *text_of(const json_t *item, size_t *length) {
    const json_t *text = json_object_get(item, "completion");
    *length = json_string_length(text);
    return json_string_value(text);
}

static void expect(const json_t *item, size_t index, double reward) {
    double want = json_number_value(json_object_get(item, "expected"));
    if (!(fabs(reward - want) <= 1e-12)) fail_msg("case %zu: %.12g, not %.12g", index, reward, want);
}

static void check_format(const json_t *item, size_t index) {
    size_t length;
    const char *text = text_of(item, &length);
    expect(item, index, reward_compat_format(text, length));
}

static void check_accuracy(const json_t *item, size_t index) {
    size_t length;
    double reward = NAN;
    const char *text = text_of(item, &length),
               *solution = json_string_value(json_object_get(item, "solution"));
    int result = reward_compat_accuracy(text, length, solution, &reward, &error);
    if (json_is_true(json_object_get(item, "error"))) {
        assert_error(result, error, ERROR_INPUT, "is not a country, a tab and a city");
        return;
    }
    assert_ok(result, error);
    expect(item, index, reward);
}

static void check_visual(const json_t *item, size_t index) {
    size_t length, i;
    double reward = NAN;
    const char *text = text_of(item, &length), *entities[MOST];
    json_t *entity, *list = json_object_get(item, "entities");
    assert_true(json_array_size(list) <= MOST);
    json_array_foreach(list, i, entity) entities[i] = json_string_value(json_object_get(entity, "text"));
    assert_ok(reward_compat_visual(text, length, entities, json_array_size(list), &reward, &error), error);
    expect(item, index, reward);
}

static void check_locatability(const json_t *item, size_t index) {
    const char *tokens[MOST];
    double log_probs[MOST];
    size_t i;
    json_t *top, *list = json_object_get(item, "top_logprobs");
    assert_true(json_array_size(list) <= MOST);
    json_array_foreach(list, i, top) {
        tokens[i] = json_string_value(json_object_get(top, "token"));
        log_probs[i] = json_number_value(json_object_get(top, "logprob"));
    }
    expect(item, index, reward_compat_locatability(tokens, log_probs, json_array_size(list)));
}

static void rewards_are_the_released_ones(void **state) {
    (void)state;
    each_case("format.json", check_format);
    each_case("accuracy.json", check_accuracy);
    each_case("visual.json", check_visual);
    each_case("locatability.json", check_locatability);
}

static void odd_bytes(void **state) {
    (void)state;
    double reward;
    const char *entities[] = {"a\xEF\xBF\xBD"};
    assert_ok(reward_compat_visual("A\xFF</think>", 10, entities, 1, &reward, &error), error);
    assert_near(reward, 1, 0);
    assert_ok(reward_compat_visual("", 0, NULL, 0, &reward, &error), error);
    assert_near(reward, 0, 0);
    assert_ok(reward_compat_accuracy("", 0, "\t", &reward, &error), error);
    assert_near(reward, 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rewards_are_the_released_ones),
                                       cmocka_unit_test(odd_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
