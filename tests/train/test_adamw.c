// The optimiser's arithmetic against a plain reference in double, its decay rules, and the schedules.
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "train/adamw.h"
#include "train/schedule.h"

enum { COUNT = 70001 }; // past the size at which threads share the work, and no multiple of a vector

static float *random_values(uint64_t stream, double deviation) {
    float *values = malloc(COUNT * sizeof *values);
    struct random random;
    assert_non_null(values);
    random_start(&random, 7, stream);
    for (size_t i = 0; i < COUNT; i++) values[i] = (float)(deviation * random_normal(&random));
    return values;
}

static struct matrix row(float *values, size_t count) {
    return matrix_of(values, DTYPE_F32, 1, count);
}

static struct device *open_device(int threads) {
    struct error error = {0};
    struct device *device = device_open_cpu(threads, NULL, &error);
    assert_got(device, error);
    return device;
}

static void test_update_equals_reference(void **state) {
    (void)state;
    struct error error = {0};
    struct device *device = open_device(3);
    const struct adamw adamw = {.beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-8, .weight_decay = 0.1};
    float *value = random_values(0, 1), *start = random_values(0, 1);
    float *m = calloc(COUNT, sizeof *m), *v = calloc(COUNT, sizeof *v);
    double *exact = malloc(COUNT * sizeof *exact), *em = calloc(COUNT, sizeof *em),
           *ev = calloc(COUNT, sizeof *ev);
    for (size_t i = 0; i < COUNT; i++) exact[i] = start[i];
    for (uint64_t t = 1; t <= 3; t++) {
        float *gradient = random_values(t, 0.01);
        const struct adamw_step step = {.rate = 1e-3, .scale = 0.5, .number = t, .decay = t != 2};
        const struct adamw_factors factors = adamw_factors(&adamw, &step);
        device_adamw(device, &factors, row(value, COUNT), row(gradient, COUNT), row(m, COUNT), row(v, COUNT));
        assert_ok(device_check(device, &error), error);
        for (size_t i = 0; i < COUNT; i++) {
            double g = 0.5 * gradient[i];
            em[i] = 0.9 * em[i] + 0.1 * g;
            ev[i] = 0.95 * ev[i] + 0.05 * g * g;
            exact[i] *= t != 2 ? 1 - 1e-3 * 0.1 : 1;
            exact[i] -= 1e-3 * (em[i] / (1 - pow(0.9, (double)t))) /
                        (sqrt(ev[i] / (1 - pow(0.95, (double)t))) + 1e-8);
        }
        free(gradient);
    }
    for (size_t i = 0; i < COUNT; i++) assert_true(fabs(value[i] - exact[i]) < 1e-6);
    assert_true(fabs(exact[COUNT - 1] - start[COUNT - 1]) > 1e-4);
    free(value), free(start), free(m), free(v), free(exact), free(em), free(ev);
    device_close(device);
}

static double square_sum(struct device *device, float *values, size_t count) {
    struct error error = {0};
    double sum = 0;
    device_square_sum(device, matrix_of(&sum, DTYPE_F64, 1, 1), row(values, count));
    assert_ok(device_check(device, &error), error);
    return sum;
}

static void test_square_sum(void **state) {
    (void)state;
    struct device *device = open_device(3), *alone = open_device(1);
    float *values = random_values(9, 1);
    for (size_t count = 0; count < 40; count++) {
        double sum = 0;
        for (size_t i = 0; i < count; i++) sum += (double)values[i] * values[i];
        assert_true(fabs(square_sum(device, values, count) - sum) < 1e-12);
    }
    double sum = 0;
    for (size_t i = 0; i < COUNT; i++) sum += (double)values[i] * values[i];
    assert_true(fabs(square_sum(device, values, COUNT) - sum) < 1e-7);
    assert_true(square_sum(device, values, COUNT) == square_sum(alone, values, COUNT));
    values[COUNT - 1] = NAN;
    assert_true(isnan(square_sum(device, values, COUNT)));
    device_close(device), device_close(alone);
    free(values);
}

static void test_clip(void **state) {
    (void)state;
    assert_float_equal(adamw_clip(0.5, 1), 1, 0);
    assert_true(fabs(adamw_clip(9.923624, 1) - 1 / (9.923624 + 1e-6)) < 1e-15);
    assert_float_equal(adamw_clip(1e9, 0), 1, 0);
}

static void test_decay_rules(void **state) {
    (void)state;
    static const struct {
        const char *name, *decayed; // by which rules
    } cases[] = {
        {"model.layers.0.self_attn.q_proj.bias", "-"},
        {"model.layers.0.self_attn.q_proj.weight", "-abc"},
        {"model.layers.0.input_layernorm.weight", "-a"},
        {"model.layers.0.post_attention_layernorm.weight", "-a"},
        {"model.norm.weight", "-ab"},
        {"model.layers.0.self_attn.q_norm.weight", "-ab"},
        {"x.RMSNorm.weight", "-a"},
        {"visual.blocks.0.norm1.weight", "-abc"},
        {"visual.merger.ln_q.weight", "-abc"},
        {"model.embed_tokens.weight", "-abc"},
        {"lm_head.weight", "-abc"},
        {"base_model.model.model.layers.0.mlp.up_proj.lora_A.weight", "-abc"},
        {"norm", "-ab"},
        {"abnorm.weight", "-abc"},
        {"_norm", "-ab"},
        {"", "-abc"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int rule = ADAMW_DECAY_ALL; rule <= ADAMW_DECAY_C; rule++) {
            bool expected = rule == ADAMW_DECAY_ALL || strchr(cases[i].decayed, "-abc"[rule]);
            assert_int_equal(adamw_decays((enum adamw_decay)rule, cases[i].name), expected);
        }
}

static void test_schedules(void **state) {
    (void)state;
    assert_int_equal(schedule_warmup_steps(1000, 0.05), 50);
    assert_int_equal(schedule_warmup_steps(1001, 0.05), 51);
    assert_int_equal(schedule_warmup_steps(10, 0), 0);
    assert_int_equal(schedule_warmup_steps(10, 1), 10);
    assert_int_equal(schedule_warmup_steps(0, 0.5), 0);
    struct schedule schedule = {SCHEDULE_COSINE, 100, 10};
    assert_float_equal(schedule_factor(&schedule, 0), 0, 0);
    assert_float_equal(schedule_factor(&schedule, 5), 0.5, 0);
    assert_float_equal(schedule_factor(&schedule, 10), 1, 0);
    assert_float_equal(schedule_factor(&schedule, 55), 0.5, 1e-12);
    assert_float_equal(schedule_factor(&schedule, 100), 0, 0);
    assert_float_equal(schedule_factor(&schedule, 1000), 0, 0);
    schedule.kind = SCHEDULE_LINEAR;
    assert_float_equal(schedule_factor(&schedule, 55), 0.5, 1e-12);
    assert_float_equal(schedule_factor(&schedule, 99), 1.0 / 90, 1e-12);
    assert_float_equal(schedule_factor(&schedule, 101), 0, 0);
    schedule.kind = SCHEDULE_CONSTANT;
    assert_float_equal(schedule_factor(&schedule, 99), 1, 0);
    assert_float_equal(schedule_factor(&schedule, 3), 0.3, 1e-12);
    struct schedule all_warmup = {SCHEDULE_LINEAR, 10, 10};
    assert_float_equal(schedule_factor(&all_warmup, 9), 0.9, 1e-12);
    assert_float_equal(schedule_factor(&all_warmup, 10), 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_update_equals_reference),
        cmocka_unit_test(test_square_sum),
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_decay_rules),
        cmocka_unit_test(test_schedules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
