// Advantages and objectives against those of the reference, in double precision.
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "train/advantage.h"
#include "train/policy_loss.h"

enum { MOST = 1024 };
static const double tolerance = 1e-10;

static json_t *golden;

static int open_golden(void **state) {
    (void)state;
    struct error error;
    golden = json_read_file(golden_data("grpo/objectives.json"), 1 << 22, &error);
    assert_got(golden, error);
    return 0;
}

static int close_golden(void **state) {
    (void)state;
    json_decref(golden);
    return 0;
}

static double number(const json_t *value) {
    return json_is_null(value) ? NAN : json_number_value(value);
}

// A list of numbers, or of lists of them, one after the other.
static size_t flatten(const json_t *list, double *out) {
    size_t count = 0, i;
    json_t *item;
    json_array_foreach(list, i, item) {
        if (json_is_array(item)) {
            count += flatten(item, out + count);
        } else {
            assert_true(count < MOST);
            out[count++] = number(item);
        }
    }
    return count;
}

static void expect(const double *got, const json_t *want, const char *what) {
    double values[MOST];
    size_t count = flatten(want, values);
    for (size_t i = 0; i < count; i++)
        if (isnan(values[i]) ? !isnan(got[i]) : !(fabs(got[i] - values[i]) <= tolerance))
            fail_msg("%s[%zu] is %.12g, not %.12g", what, i, got[i], values[i]);
}

static void check_advantages(const json_t *row) {
    char set[64];
    double rewards[MOST], weights[16], totals[MOST], advantages[MOST];
    const char *scale = json_string_value(json_object_get(row, "scale_rewards")),
               *aggregation = json_string_value(json_object_get(row, "aggregation"));
    snprintf(set, sizeof set, "rewards_%s", json_string_value(json_object_get(row, "rewards_set")));
    struct advantage_options options = {
        .group = (size_t)json_integer_value(json_object_get(golden, "group_size")),
        .scale = strcmp(scale, "group") == 0   ? ADVANTAGE_SCALE_GROUP
                 : strcmp(scale, "batch") == 0 ? ADVANTAGE_SCALE_BATCH
                                               : ADVANTAGE_SCALE_NONE,
        .aggregation = strcmp(aggregation, "normalize_then_sum") == 0 ? ADVANTAGE_NORMALIZE_THEN_SUM
                                                                      : ADVANTAGE_SUM_THEN_NORMALIZE,
        .weights = weights,
        .functions = flatten(json_object_get(golden, "reward_weights"), weights)};
    size_t count = flatten(json_object_get(golden, set), rewards) / options.functions;
    advantage_compute(rewards, count, &options, totals, advantages);
    expect(totals, json_object_get(row, "rewards"), "rewards");
    expect(advantages, json_object_get(row, "advantages"), "advantages");
}

static void advantages_are_the_reference_s(void **state) {
    (void)state;
    size_t i;
    json_t *row, *rows = json_object_get(golden, "advantages");
    assert_true(json_array_size(rows) > 0);
    json_array_foreach(rows, i, row) check_advantages(row);
}

static double setting(const json_t *config, const char *key, double otherwise) {
    const json_t *value = json_object_get(config, key);
    return value ? json_number_value(value) : otherwise;
}

static const char *word(const json_t *config, const char *key) {
    const char *text = json_string_value(json_object_get(config, key));
    return text ? text : "";
}

static int find(const char *name, const char *const *names) {
    for (int i = 0; names[i]; i++)
        if (strcmp(name, names[i]) == 0) return i;
    fail_msg("\"%s\" is not known", name);
    return -1;
}

static struct policy_loss_options read_config(const json_t *config) {
    static const char *const types[] = {"grpo", "bnpo",  "dr_grpo", "dapo", "cispo",
                                        "sapo", "vespo", "luspo",   NULL};
    static const char *const corrections[] = {
        "", "token_truncate", "token_mask", "sequence_truncate", "sequence_mask", NULL};
    struct policy_loss_options o = policy_loss_defaults;
    o.loss_type = (enum policy_loss_type)find(word(config, "loss_type"), types);
    o.sequence_level = strcmp(word(config, "level"), "sequence") == 0;
    o.epsilon = setting(config, "epsilon", NAN);
    o.epsilon_high = setting(config, "epsilon_high", o.epsilon);
    o.delta = setting(config, "delta", 0);
    o.beta = setting(config, "beta", 0);
    o.use_bias_correction_kl = json_is_true(json_object_get(config, "kl_bias_correction"));
    o.top_entropy_quantile = setting(config, "top_entropy_quantile", 1);
    o.entropy_coef = setting(config, "entropy_coef", 0);
    o.off_policy_threshold = setting(config, "off_policy_threshold", NAN);
    o.correction = (enum sampler_correction)find(word(config, "sampler_correction"), corrections);
    o.correction_max = setting(config, "sampler_clip", o.correction_max);
    o.max_completion_length = (size_t)setting(config, "max_completion_length", 0);
    return o;
}

struct numbers {
    double log_probs[MOST], old[MOST], reference[MOST], sampler[MOST], entropies[MOST], advantages[MOST];
    size_t lengths[MOST];
    struct policy_batch batch;
    size_t tokens;
};

static void read_batch(struct numbers *n) {
    double lengths[MOST];
    size_t count = flatten(json_object_get(golden, "lengths"), lengths);
    for (size_t i = 0; i < count; i++) n->lengths[i] = (size_t)lengths[i];
    n->tokens = flatten(json_object_get(golden, "log_probs"), n->log_probs);
    flatten(json_object_get(golden, "old_log_probs"), n->old);
    flatten(json_object_get(golden, "reference_log_probs"), n->reference);
    flatten(json_object_get(golden, "sampler_log_probs"), n->sampler);
    flatten(json_object_get(golden, "entropies"), n->entropies);
    flatten(json_object_get(golden, "objective_advantages"), n->advantages);
    n->batch = (struct policy_batch){.count = count,
                                     .lengths = n->lengths,
                                     .advantages = n->advantages,
                                     .log_probs = n->log_probs,
                                     .old = n->old,
                                     .reference = n->reference,
                                     .sampler = n->sampler,
                                     .entropies = n->entropies};
}

static void check_objective(struct numbers *n, const json_t *objective) {
    double d[MOST], d_entropy[MOST], sorted[MOST];
    struct policy_report report;
    struct policy_loss_options o = read_config(json_object_get(objective, "config"));
    memcpy(sorted, n->entropies, n->tokens * sizeof *sorted);
    o.entropy_cut = policy_entropy_cut(sorted, n->tokens, o.top_entropy_quantile);
    policy_loss(&n->batch, &o, d, d_entropy, &report);
    static const char *const keys[] = {"loss", "kl", "clip_low", "clip_high"};
    const double got[] = {report.loss, report.kl, report.clip_low, report.clip_high};
    for (size_t k = 0; k < 4; k++) {
        const json_t *want = json_object_get(objective, keys[k]);
        if (want) assert_near(got[k], json_number_value(want), tolerance);
    }
    expect(d, json_object_get(objective, "d_log_probs"), "d_log_probs");
    expect(d_entropy, json_object_get(objective, "d_entropy"), "d_entropy");
}

static void objectives_are_the_reference_s(void **state) {
    (void)state;
    struct numbers n;
    read_batch(&n);
    size_t i;
    json_t *objective, *objectives = json_object_get(golden, "objectives");
    assert_true(json_array_size(objectives) > 0);
    json_array_foreach(objectives, i, objective) check_objective(&n, objective);
}

// Every derivative by central differences, at options that the golden data leave out.
static void derivatives_are_those_of_the_loss(void **state) {
    (void)state;
    struct numbers n;
    read_batch(&n);
    bool masked[MOST] = {false, true, false, true};
    for (int type = POLICY_LOSS_GRPO; type <= POLICY_LOSS_LUSPO; type++)
        for (int sequence = 0; sequence < 2; sequence++) {
            struct policy_loss_options o = policy_loss_defaults;
            o.loss_type = (enum policy_loss_type)type;
            o.sequence_level = sequence;
            o.beta = 0.1, o.use_bias_correction_kl = true, o.max_completion_length = 16;
            o.correction = SAMPLER_SEQUENCE_TRUNCATE, o.sequences = 20, o.tokens = 77;
            n.batch.masked = masked;
            double d[MOST], ignored[MOST];
            struct policy_report report, up, down;
            policy_loss(&n.batch, &o, d, NULL, &report);
            for (size_t t = 0; t < n.tokens; t++) {
                const double step = 1e-6, here = n.log_probs[t];
                if (type == POLICY_LOSS_CISPO || type == POLICY_LOSS_VESPO) continue; // detached on purpose
                n.log_probs[t] = here + step;
                policy_loss(&n.batch, &o, ignored, NULL, &up);
                n.log_probs[t] = here - step;
                policy_loss(&n.batch, &o, ignored, NULL, &down);
                n.log_probs[t] = here;
                assert_near(d[t], (up.loss - down.loss) / (2 * step), 1e-7);
            }
        }
}

static void nothing_that_counts(void **state) {
    (void)state;
    const size_t lengths[] = {0, 2};
    const bool masked[] = {false, true};
    const double advantages[] = {1, 1}, log_probs[] = {-1, -2};
    double d[2] = {9, 9};
    struct policy_report report;
    struct policy_batch batch = {
        .count = 2, .lengths = lengths, .masked = masked, .advantages = advantages, .log_probs = log_probs};
    for (int type = POLICY_LOSS_GRPO; type <= POLICY_LOSS_LUSPO; type++) {
        struct policy_loss_options o = policy_loss_defaults;
        o.loss_type = (enum policy_loss_type)type;
        policy_loss(&batch, &o, d, NULL, &report);
        assert_true(report.loss == 0 && d[0] == 0 && d[1] == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advantages_are_the_reference_s),
        cmocka_unit_test(objectives_are_the_reference_s),
        cmocka_unit_test(derivatives_are_those_of_the_loss),
        cmocka_unit_test(nothing_that_counts),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
