// Every case of the golden data, every stage, F32 and BF16, through the same path as `globe inspect`.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "generate/inspect.h"
#include "model/safetensors.h"
#include "support_device.h"

struct golden {
    json_t *json;
    struct safetensors *want, *got;
};

// Runs a case and opens both files.
static void run_case(struct golden *g, const char *folder, const char *name, enum model_type type,
                     int threads, const char *isa) {
    struct error error = {0};
    g->json = json_read_file(golden_data("%s/cases/%s.json", folder, name), 1 << 20, &error);
    assert_got(g->json, error);
    int64_t min_pixels = 0, max_pixels = 0;
    json_get_integer(g->json, "min_pixels", 0, INT64_MAX, &min_pixels, name, &error);
    json_get_integer(g->json, "max_pixels", 0, INT64_MAX, &max_pixels, name, &error);
    char *text = json_dumps(json_object_get(g->json, "messages"), 0);
    const char *messages = test_temporary("messages.json"), *fixed = test_temporary("fixed.json");
    test_write(messages, text, strlen(text));
    free(text);
    text = json_dumps(json_object_get(json_object_get(g->json, "fixed"), "ids"), 0);
    test_write(fixed, text, strlen(text));
    free(text);
    const struct model_options options = {.type = type,
                                          .threads = threads,
                                          .isa = isa ? isa : test_isa(),
                                          .min_pixels = (size_t)min_pixels,
                                          .max_pixels = (size_t)max_pixels};
    struct model *model = model_open(golden_data("%s", folder), &options, &error);
    assert_got(model, error);
    const json_t *greedy = json_object_get(json_object_get(g->json, "greedy"), "ids");
    assert_true(json_array_size(greedy) > 0);
    const struct inspect_options inspect = {.messages = messages,
                                            .images = golden_data("images"),
                                            .continuation = fixed,
                                            .greedy = json_array_size(greedy)};
    const char *dump = test_temporary("dump.safetensors");
    assert_ok(inspect_run(model, &inspect, dump, &error), error);
    model_close(model);
    g->got = safetensors_open(dump, &error);
    assert_got(g->got, error);
    g->want = safetensors_open(golden_data("%s/cases/%s.safetensors", folder, name), &error);
    assert_got(g->want, error);
}

static void close_case(struct golden *g) {
    json_decref(g->json);
    safetensors_free(g->want);
    safetensors_free(g->got);
}

static double value(const struct tensor *t, size_t i) {
    return t->dtype == DTYPE_BF16 ? (double)bf16_to_f32(((const uint16_t *)t->data)[i])
                                  : (double)((const float *)t->data)[i];
}

static const struct tensor *find(const struct safetensors *file, const char *name) {
    const struct tensor *t = safetensors_find(file, name);
    if (!t) fail_msg("%s is missing", name);
    return t;
}

static void same_shape(const char *name, const struct tensor *got, const struct tensor *want) {
    char a[96], b[96];
    tensor_describe_shape(got, a, sizeof a);
    tensor_describe_shape(want, b, sizeof b);
    if (strcmp(a, b) != 0) fail_msg("%s has shape %s, expected %s", name, a, b);
}

static void compare_exact(const struct golden *g, const char *name) {
    const struct tensor *want = safetensors_find(g->want, name);
    if (!want) return; // a text prompt has no images
    const struct tensor *got = find(g->got, name);
    same_shape(name, got, want);
    assert_int_equal(got->dtype, want->dtype);
    if (memcmp(got->data, want->data, tensor_bytes(want)) != 0) fail_msg("%s differs", name);
}

static void compare_close(const struct golden *g, const char *name, double tolerance) {
    const struct tensor *want = safetensors_find(g->want, name);
    if (!want) return;
    const struct tensor *got = find(g->got, name);
    same_shape(name, got, want);
    for (size_t i = 0; i < tensor_count(want); i++)
        if (!(fabs(value(got, i) - value(want, i)) <= tolerance))
            fail_msg("%s[%zu] is %.8g, expected %.8g", name, i, value(got, i), value(want, i));
}

// Where only a few rows of pixel_values are stored.
static void compare_pixel_rows(const struct golden *g) {
    const struct tensor *index = safetensors_find(g->want, "pixel_values_row_index");
    if (!index) return;
    const struct tensor *want = find(g->want, "pixel_values_rows"), *got = find(g->got, "pixel_values");
    size_t columns = tensor_columns(want);
    for (size_t r = 0; r < tensor_rows(want); r++) {
        size_t row = (size_t)((const int64_t *)index->data)[r];
        for (size_t c = 0; c < columns; c++)
            if (fabs(value(got, row * columns + c) - value(want, r * columns + c)) > 1e-5)
                fail_msg("pixel_values[%zu, %zu]", row, c);
    }
}

// Every stage of the golden file but those that hold it differently: what is compared follows from its type
// (ids and positions exactly, numbers within the tolerance).
static bool is_kept_differently(const char *name) {
    static const char *const others[] = {"resized_rgb_fast.", "pixel_values", "vision.window_index",
                                         "vision.cu_", "greedy.gap"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(name, others[i], strlen(others[i])) == 0) return true;
    return false;
}

static void check_f32(const struct golden *g) {
    static const char *const always[] = {"input_ids",       "position_ids",  "greedy.ids", "fixed.ids",
                                         "inputs_embeds",   "hidden.0",      "final_norm", "logits",
                                         "greedy.logprobs", "fixed.logprobs"};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) find(g->want, always[i]);
    for (size_t i = 0; i < safetensors_count(g->want); i++) {
        const char *name = safetensors_name(g->want, i);
        if (is_kept_differently(name)) continue;
        if (find(g->want, name)->dtype == DTYPE_F32)
            compare_close(g, name, 5e-4);
        else
            compare_exact(g, name);
    }
    compare_close(g, "pixel_values", 1e-5);
    compare_pixel_rows(g);
}

static void check_case_f32(const char *model, const char *name) {
    struct golden g;
    run_case(&g, model, name, MODEL_TYPE_F32, 0, NULL);
    check_f32(&g);
    close_case(&g);
}

static void test_f32(void **state) {
    (void)state;
    golden_each_case("qwen2_5_vl_tiny", check_case_f32);
    golden_each_case("qwen2_5_vl_tiny_tied", check_case_f32);
}

static void check_case_portable(const char *model, const char *name) {
    struct golden g;
    run_case(&g, model, name, MODEL_TYPE_F32, 1, "portable");
    check_f32(&g);
    close_case(&g);
}

static void test_portable_one_thread(void **state) {
    (void)state;
    golden_each_case("qwen2_5_vl_tiny_tied", check_case_portable);
}

// A BF16 run may be as far from the F32 logits as the reference's own, times 2 at most and 1.5 on average.
static void check_case_bf16(const char *model, const char *name) {
    struct golden g;
    run_case(&g, model, name, MODEL_TYPE_BF16, 0, NULL);
    compare_exact(&g, "input_ids");
    compare_exact(&g, "position_ids");
    const struct tensor *want = find(g.want, "logits"), *got = find(g.got, "logits");
    same_shape("logits", got, want);
    double most = 0, sum = 0;
    for (size_t i = 0; i < tensor_count(want); i++) {
        double difference = fabs(value(got, i) - value(want, i));
        most = fmax(most, difference);
        sum += difference;
    }
    json_t *bf16 = json_object_get(g.json, "bf16");
    double most_allowed = 2 * json_number_value(json_object_get(bf16, "logit_max_abs_difference_to_float32"));
    double mean_allowed =
        1.5 * json_number_value(json_object_get(bf16, "logit_mean_abs_difference_to_float32"));
    double mean = sum / (double)tensor_count(want);
    assert_true(most_allowed > 0 && mean_allowed > 0 && most > 0);
    if (most > most_allowed || mean > mean_allowed)
        fail_msg("%s: logits are off by %.4f at most (%.4f allowed), %.5f on average (%.5f)", name, most,
                 most_allowed, mean, mean_allowed);
    close_case(&g);
}

static void test_bf16(void **state) {
    (void)state;
    golden_each_case("qwen2_5_vl_tiny_tied", check_case_bf16);
}

static void test_bad_input(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = model_open(test_data("qwen2_5_vl_tiny"), NULL, &error);
    assert_got(model, error);
    const char *messages = test_temporary("bad.json"), *dump = test_temporary("never.safetensors");
    struct inspect_options inspect = {.messages = messages};
    static const struct {
        const char *json;
        enum error_code code;
        const char *text;
    } cases[] = {
        {"[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"image\":\"none.png\"}]}]", ERROR_INPUT,
         "none.png"},
        {"[{\"role\":\"user\",\"content\":7}]", ERROR_INPUT, "bad.json"},
        {"{", ERROR_INPUT, "not valid JSON"},
        {"", ERROR_INPUT, "empty"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_write(messages, cases[i].json, strlen(cases[i].json));
        assert_error(inspect_run(model, &inspect, dump, &error), error, cases[i].code, cases[i].text);
    }
    const char *good = "[{\"role\":\"user\",\"content\":\"hi\"}]";
    test_write(messages, good, strlen(good));
    const char *fixed = test_temporary("ids.json");
    inspect.continuation = fixed;
    test_write(fixed, "[1, 99999]", 10);
    assert_error(inspect_run(model, &inspect, dump, &error), error, ERROR_INPUT, "token id 99999");
    test_write(fixed, "[\"x\"]", 5);
    assert_error(inspect_run(model, &inspect, dump, &error), error, ERROR_INPUT, "entry 0 is not a token id");
    assert_false(file_exists(dump)); // nothing half-written
    inspect.continuation = NULL;
    assert_error(inspect_run(model, &inspect, "/nowhere/dump.safetensors", &error), error, ERROR_INPUT,
                 "/nowhere");
    // A prompt that is longer than the model's 4096 positions.
    char *text = malloc(40000);
    memset(text, 'x', 40000);
    int start = sprintf(text, "[{\"role\":\"user\",\"content\":\"");
    for (int i = start; i < 30000; i += 2) text[i] = ' ';
    memcpy(text + 30000, "\"}]", 3);
    test_write(messages, text, 30003);
    free(text);
    assert_error(inspect_run(model, &inspect, dump, &error), error, ERROR_LIMIT,
                 "the model's context is 4096");
    model_close(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f32),
        cmocka_unit_test(test_portable_one_thread),
        cmocka_unit_test(test_bf16),
        cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
