#include "support.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "generate/sampler.h"

// A sampler without prompt or forbidden ids; the test's own when it needs them.
static struct sampler *make(struct sampling sampling, size_t vocab, uint64_t stream) {
    struct error error = {0};
    struct sampler *sampler = sampler_new(&sampling, vocab, stream, NULL, 0, NULL, 0, &error);
    assert_got(sampler, error);
    return sampler;
}

static struct sampler *make_with(struct sampling sampling, size_t vocab, const int32_t *prompt,
                                 size_t prompt_count, const int32_t *forbidden, size_t forbidden_count) {
    struct error error = {0};
    struct sampler *sampler =
        sampler_new(&sampling, vocab, 0, prompt, prompt_count, forbidden, forbidden_count, &error);
    assert_got(sampler, error);
    return sampler;
}

static struct sampled draw(struct sampler *sampler, const float *logits) {
    struct error error = {0};
    struct sampled sampled;
    assert_ok(sampler_draw(sampler, logits, NULL, 0, &sampled, &error), error);
    return sampled;
}

static int32_t draw_id(struct sampler *sampler, const float *logits) {
    return draw(sampler, logits).id;
}

static struct sampling random_sampling(double temperature) {
    struct sampling sampling = sampling_default();
    sampling.temperature = temperature;
    sampling.seed = 20240613;
    return sampling;
}

// ---- greedy and what is reported -----------------------------------------------------------------------

static void greedy_takes_the_most_likely(void **state) {
    (void)state;
    const float logits[] = {0.5f, 2, -1, 2, 1};
    struct sampling sampling = sampling_default();
    sampling.temperature = 0.9e-5; // still greedy
    struct sampler *sampler = make(sampling, 5, 0);
    double sum = exp(0.5) + exp(2) + exp(-1) + exp(2) + exp(1);
    for (int i = 0; i < 3; i++) {
        struct sampled sampled = draw(sampler, logits);
        assert_int_equal(sampled.id, 1); // the first of two equals
        assert_true(fabs(sampled.logprob - (2 - log(sum))) < 1e-6);
        assert_int_equal(sampled.rank, 1);
        assert_int_equal(sampled.top_count, 0);
    }
    sampler_free(sampler);
}

static void reports_raw_log_probabilities(void **state) {
    (void)state;
    const float logits[] = {1, 3, 2, 2, -4};
    struct sampling sampling = random_sampling(0.3);
    sampling.top_logprobs = 3;
    sampling.frequency_penalty = 1;
    const int32_t forbidden[] = {1};
    struct sampler *sampler = make_with(sampling, 5, NULL, 0, forbidden, 1);
    double sum = exp(1) + exp(3) + exp(2) + exp(2) + exp(-4);
    for (int i = 0; i < 20; i++) {
        struct sampled sampled = draw(sampler, logits);
        static const int ranks[] = {4, 1, 2, 2, 5};
        assert_int_not_equal(sampled.id, 1);
        assert_true(fabs(sampled.logprob - (logits[sampled.id] - log(sum))) < 1e-6);
        assert_int_equal(sampled.rank, ranks[sampled.id]);
        assert_int_equal(sampled.top_count, 3);
        assert_int_equal(sampled.top[0].id, 1); // forbidden, but the model's first choice all the same
        assert_int_equal(sampled.top[1].id, 2);
        assert_int_equal(sampled.top[2].id, 3);
        assert_true(fabs(sampled.top[0].logprob - (3 - log(sum))) < 1e-6);
        assert_true(fabs(sampled.top[2].logprob - (2 - log(sum))) < 1e-6);
    }
    sampler_free(sampler);

    sampling = sampling_default();
    sampling.top_logprobs = 20; // more than there are
    sampler = make(sampling, 5, 0);
    assert_int_equal(draw(sampler, logits).top_count, 5);
    sampler_free(sampler);
}

// ---- penalties -----------------------------------------------------------------------------------------

// What a draw came from: all penalties, the temperature, and what was cut, in the order of vLLM.
static void reports_what_it_drew_from(void **state) {
    (void)state;
    const float logits[] = {1, 3, 2, 2.5f, -4};
    struct sampling sampling = random_sampling(0.5);
    sampling.repetition_penalty = 2;
    sampling.top_k = 3;
    const int32_t prompt[] = {1}, forbidden[] = {3}; // 3 becomes 1.5
    for (int i = 0; i < 20; i++) {
        struct sampler *sampler = make_with(sampling, 5, prompt, 1, forbidden, 1);
        struct sampled sampled = draw(sampler, logits);
        static const double after[] = {1, 1.5, 2, 2.5, -4};
        double kept = exp(2) + exp(3) + exp(4), full = kept + exp(5) + exp(-8);
        assert_int_not_equal(sampled.id, 3);
        assert_near(sampled.full_logprob, 2 * after[sampled.id] - log(full), 1e-6);
        assert_near(sampled.processed_logprob, 2 * after[sampled.id] - log(kept), 1e-6);
        sampler_free(sampler);
    }
    // Nothing but a temperature of 1: all three are the same number; greedy draws are certain.
    struct sampler *plain = make(random_sampling(1), 5, 0), *greedy = make(sampling_default(), 5, 0);
    struct sampled sampled = draw(plain, logits);
    assert_true(sampled.full_logprob == sampled.logprob);
    assert_near(sampled.processed_logprob, sampled.logprob, 1e-6);
    sampled = draw(greedy, logits);
    assert_true(sampled.full_logprob == sampled.logprob && sampled.processed_logprob == 0);
    sampler_free(plain);
    sampler_free(greedy);
}

static void repetition_counts_prompt_and_output(void **state) {
    (void)state;
    struct sampling sampling = sampling_default();
    sampling.repetition_penalty = 1.25;
    const int32_t prompt[] = {0, 0, 0}; // once or thrice is the same
    const float logits[] = {1, 0.9f, 0.5f};
    struct sampler *sampler = make_with(sampling, 3, prompt, 3, NULL, 0);
    assert_int_equal(draw_id(sampler, logits), 1); // 0.8, 0.9
    assert_int_equal(draw_id(sampler, logits), 0); // 0.8, 0.72
    assert_int_equal(draw_id(sampler, logits), 0); // once again is no further penalty
    sampler_free(sampler);

    const float negative[] = {-1, -1.1f, -9}; // negative logits are multiplied
    sampler = make_with(sampling, 3, prompt, 1, NULL, 0);
    assert_int_equal(draw_id(sampler, negative), 1); // -1.25, -1.1
    sampler_free(sampler);
}

static void frequency_and_presence_count_output_only(void **state) {
    (void)state;
    struct sampling sampling = sampling_default();
    sampling.frequency_penalty = 2;
    const int32_t prompt[] = {0, 0, 0, 0};
    const float logits[] = {1, 0.5f, -9};
    struct sampler *sampler = make_with(sampling, 3, prompt, 4, NULL, 0);
    assert_int_equal(draw_id(sampler, logits), 0); // 1, 0.5
    assert_int_equal(draw_id(sampler, logits), 1); // -1, 0.5
    assert_int_equal(draw_id(sampler, logits), 0); // -1, -1.5
    assert_int_equal(draw_id(sampler, logits), 1); // -3, -1.5
    sampler_free(sampler);

    sampling.frequency_penalty = 0;
    sampling.presence_penalty = 1;
    sampler = make_with(sampling, 3, prompt, 4, NULL, 0);
    assert_int_equal(draw_id(sampler, logits), 0); // 1, 0.5
    assert_int_equal(draw_id(sampler, logits), 1); // 0, 0.5
    assert_int_equal(draw_id(sampler, logits), 0); // 0, -0.5
    assert_int_equal(draw_id(sampler, logits), 0); // presence does not add up
    sampler_free(sampler);
}

static void penalties_come_in_their_order(void **state) {
    (void)state;
    struct sampling sampling = sampling_default();
    sampling.repetition_penalty = 2;
    sampling.frequency_penalty = 1;
    sampling.presence_penalty = 0.5;
    struct sampler *sampler = make(sampling, 2, 0);
    const float logits[] = {3, 0.4f};
    assert_int_equal(draw_id(sampler, logits), 0);
    assert_int_equal(draw_id(sampler, logits), 1); // 3 / 2 - 1.5 = 0 < 0.4; the other way round 0.75
    sampler_free(sampler);
}

// ---- the draw ------------------------------------------------------------------------------------------

enum { DRAWS = 20000, MOST_TOKENS = 16 };

// Draws many times and compares the counts, and what is said about each draw, with these probabilities (0: never
// drawn).
static void expect_distribution(struct sampling sampling, const float *logits, int vocab,
                                const double *expected, int line) {
    struct sampler *sampler = make(sampling, (size_t)vocab, 7);
    int counts[MOST_TOKENS] = {0}, freedom = -1;
    double chi_square = 0;
    for (int i = 0; i < DRAWS; i++) {
        struct sampled sampled = draw(sampler, logits);
        counts[sampled.id]++;
        if (expected[sampled.id] > 0) assert_near(sampled.processed_logprob, log(expected[sampled.id]), 1e-6);
    }
    for (int i = 0; i < vocab; i++) {
        if (expected[i] == 0 && counts[i])
            fail_msg("line %d: token %d was drawn %d times", line, i, counts[i]);
        if (expected[i] == 0) continue;
        double mean = expected[i] * DRAWS;
        chi_square += (counts[i] - mean) * (counts[i] - mean) / mean;
        freedom++;
    }
    // The 99.99 % quantile, after Wilson and Hilferty.
    double f = freedom, root = 1 - 2 / (9 * f) + 3.719 * sqrt(2 / (9 * f));
    if (freedom > 0 && chi_square > f * root * root * root)
        fail_msg("line %d: chi-square %g with %d degrees of freedom", line, chi_square, freedom);
    sampler_free(sampler);
}
#define DISTRIBUTION(sampling, logits, vocab, ...) \
    expect_distribution(sampling, logits, vocab, (const double[]){__VA_ARGS__}, __LINE__)

// Logits whose softmax is 0.5, 0.3, 0.15, 0.05, mixed up so that order plays no part: 3, 1, 0, 2.
static const float mixed[] = {-1.897119985f + 1, -1.203972804f + 1, -2.995732274f + 1, -0.693147181f + 1};

static void draws_by_probability(void **state) {
    (void)state;
    DISTRIBUTION(random_sampling(1), mixed, 4, 0.15, 0.3, 0.05, 0.5);
    // Temperature 0.5 squares the probabilities, 2 takes their roots.
    double squares = 0.25 + 0.09 + 0.0225 + 0.0025;
    DISTRIBUTION(random_sampling(0.5), mixed, 4, 0.0225 / squares, 0.09 / squares, 0.0025 / squares,
                 0.25 / squares);
    double roots = sqrt(0.5) + sqrt(0.3) + sqrt(0.15) + sqrt(0.05);
    DISTRIBUTION(random_sampling(2), mixed, 4, sqrt(0.15) / roots, sqrt(0.3) / roots, sqrt(0.05) / roots,
                 sqrt(0.5) / roots);
    const float single[] = {-3};
    DISTRIBUTION(random_sampling(1), single, 1, 1);
}

static void top_k_keeps_ties(void **state) {
    (void)state;
    struct sampling sampling = random_sampling(1);
    const float tied[] = {1, 0, 1, 2, 1};
    double e = exp(1), sum = 3 * e + e * e;
    sampling.top_k = 2;
    DISTRIBUTION(sampling, tied, 5, e / sum, 0, e / sum, e * e / sum, e / sum);
    sampling.top_k = 1;
    DISTRIBUTION(sampling, tied, 5, 0, 0, 0, 1, 0);
    sampling.top_k = 5;
    DISTRIBUTION(sampling, tied, 5, e / (sum + 1), 1 / (sum + 1), e / (sum + 1), e * e / (sum + 1),
                 e / (sum + 1));
    sampling.top_k = 500;
    DISTRIBUTION(sampling, tied, 5, e / (sum + 1), 1 / (sum + 1), e / (sum + 1), e * e / (sum + 1),
                 e / (sum + 1));
}

static void top_p_drops_from_below(void **state) {
    (void)state;
    struct sampling sampling = random_sampling(1);
    sampling.top_p = 0.97; // 0.05 > 0.03: all stay
    DISTRIBUTION(sampling, mixed, 4, 0.15, 0.3, 0.05, 0.5);
    sampling.top_p = 0.9; // 0.05 <= 0.1 goes, 0.2 > 0.1 stays
    DISTRIBUTION(sampling, mixed, 4, 0.15 / 0.95, 0.3 / 0.95, 0, 0.5 / 0.95);
    sampling.top_p = 0.6; // 0.05 and 0.2 go, 0.5 > 0.4 stays
    DISTRIBUTION(sampling, mixed, 4, 0, 0.3 / 0.8, 0, 0.5 / 0.8);
    sampling.top_p = 0.4; // 0.5 <= 0.6 goes too
    DISTRIBUTION(sampling, mixed, 4, 0, 0, 0, 1);
    sampling.top_p = 1e-9; // the largest always stays
    DISTRIBUTION(sampling, mixed, 4, 0, 0, 0, 1);
}

static void top_k_comes_before_top_p(void **state) {
    (void)state;
    struct sampling sampling = random_sampling(1);
    sampling.top_k = 2;   // leaves 0.375 and 0.625
    sampling.top_p = 0.6; // 0.375 <= 0.4 goes; without top_k two tokens stay
    DISTRIBUTION(sampling, mixed, 4, 0, 0, 0, 1);
}

static void min_p_follows_temperature(void **state) {
    (void)state;
    struct sampling sampling = random_sampling(1);
    sampling.min_p = 0.25; // 0.05 < 0.125
    DISTRIBUTION(sampling, mixed, 4, 0.15 / 0.95, 0.3 / 0.95, 0, 0.5 / 0.95);
    sampling.temperature = 2; // 0.316 of the largest: stays
    double roots = sqrt(0.5) + sqrt(0.3) + sqrt(0.15) + sqrt(0.05);
    DISTRIBUTION(sampling, mixed, 4, sqrt(0.15) / roots, sqrt(0.3) / roots, sqrt(0.05) / roots,
                 sqrt(0.5) / roots);
    sampling.min_p = 1;
    DISTRIBUTION(sampling, mixed, 4, 0, 0, 0, 1);
}

// ---- a large vocabulary against the plain definition ---------------------------------------------------

enum { VOCAB = 5003 };

struct ranked {
    int32_t id;
    double logit, p;
};

static int compare_ascending(const void *left, const void *right) {
    const struct ranked *a = left, *b = right;
    if (a->logit != b->logit) return a->logit < b->logit ? -1 : 1;
    return a->id > b->id ? -1 : 1; // of equals the higher id goes first
}

static void softmax(struct ranked *list, const bool *kept) {
    double max = list[VOCAB - 1].logit, sum = 0;
    for (int i = 0; i < VOCAB; i++) sum += list[i].p = kept[list[i].id] ? exp(list[i].logit - max) : 0;
    for (int i = 0; i < VOCAB; i++) list[i].p /= sum;
}

// Which tokens survive min_p, top_k and top_p, and with what probability, by sorting everything.
static void reference(const struct sampling *sampling, const float *logits, bool *kept, double *p) {
    static struct ranked list[VOCAB];
    for (int i = 0; i < VOCAB; i++) {
        list[i] = (struct ranked){i, logits[i] / sampling->temperature, 0};
        kept[i] = true;
    }
    qsort(list, VOCAB, sizeof *list, compare_ascending);
    softmax(list, kept);
    for (int i = 0; i < VOCAB; i++)
        if (list[i].p < sampling->min_p * list[VOCAB - 1].p) kept[list[i].id] = false;
    for (int i = 0; sampling->top_k && i < VOCAB; i++)
        if (list[i].logit < list[VOCAB - sampling->top_k].logit) kept[list[i].id] = false;
    softmax(list, kept);
    double below = 0;
    for (int i = 0; sampling->top_p < 1 && i + 1 < VOCAB; i++) {
        below += list[i].p;
        if (below <= 1 - sampling->top_p) kept[list[i].id] = false;
    }
    softmax(list, kept);
    for (int i = 0; i < VOCAB; i++) p[list[i].id] = list[i].p;
}

static void large_vocabularies_are_cut_alike(void **state) {
    (void)state;
    static const struct {
        double temperature, top_p, min_p;
        int top_k;
    } cases[] = {{1, 0.9, 0, 0}, {1, 0.3, 0, 0},     {0.5, 0.99, 0, 0}, {1, 1, 0, 40},   {0.7, 0.8, 0, 50},
                 {1, 1, 0.1, 0}, {1, 0.9, 0.02, 30}, {2, 0.05, 0, 0},   {1, 1, 0, 3000}, {1, 0.999, 0, 0}};
    static float logits[VOCAB];
    static bool kept[VOCAB], drawn[VOCAB];
    static double p[VOCAB];
    enum { LARGE_DRAWS = 6000 };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct random random;
        random_start(&random, 5, c);
        // Rounded to eighths in every second case: many ties.
        for (int i = 0; i < VOCAB; i++) {
            logits[i] = (float)(random_normal(&random) * 2.5);
            if (c % 2) logits[i] = roundf(logits[i] * 8) / 8;
        }
        struct sampling sampling = random_sampling(cases[c].temperature);
        sampling.top_p = cases[c].top_p;
        sampling.min_p = cases[c].min_p;
        sampling.top_k = cases[c].top_k;
        reference(&sampling, logits, kept, p);
        memset(drawn, 0, sizeof drawn);
        struct sampler *sampler = make(sampling, VOCAB, c);
        for (int i = 0; i < LARGE_DRAWS; i++) {
            int32_t id = draw_id(sampler, logits);
            if (!kept[id]) fail_msg("case %zu: token %d should have been cut", c, (int)id);
            drawn[id] = true;
        }
        for (int i = 0; i < VOCAB; i++)
            if (!drawn[i] && p[i] * LARGE_DRAWS > 15) fail_msg("case %zu: token %d never came", c, i);
        sampler_free(sampler);
    }
}

// ---- randomness ----------------------------------------------------------------------------------------

static void draws_can_be_made_again(void **state) {
    (void)state;
    static float logits[VOCAB];
    enum { LENGTH = 50 };
    int32_t first[LENGTH], same = 0, other_stream = 0, other_seed = 0;
    struct random random;
    random_start(&random, 9, 9);
    for (int i = 0; i < VOCAB; i++) logits[i] = (float)random_normal(&random);
    struct sampling sampling = random_sampling(1), reseeded = sampling;
    reseeded.seed++;
    struct sampler *a = make(sampling, VOCAB, 3), *b = make(sampling, VOCAB, 3),
                   *c = make(sampling, VOCAB, 4), *d = make(reseeded, VOCAB, 3);
    for (int i = 0; i < LENGTH; i++) first[i] = draw_id(a, logits);
    for (int i = 0; i < LENGTH; i++) {
        same += draw_id(b, logits) == first[i];
        other_stream += draw_id(c, logits) == first[i];
        other_seed += draw_id(d, logits) == first[i];
    }
    assert_int_equal(same, LENGTH);
    assert_true(other_stream < 5);
    assert_true(other_seed < 5);
    for (int i = 1; i < LENGTH; i++) same -= first[i] == first[0];
    assert_true(same > LENGTH - 5); // and the step counts
    sampler_free(a), sampler_free(b), sampler_free(c), sampler_free(d);
}

// Each token has its own random number, so taking losers away does not change the winner.
static void a_draw_does_not_depend_on_the_losers(void **state) {
    (void)state;
    float logits[64];
    for (int i = 0; i < 64; i++) logits[i] = (float)(i % 7) / 4;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct sampling sampling = random_sampling(1);
        sampling.seed = seed;
        struct sampler *all = make_with(sampling, 64, NULL, 0, NULL, 0);
        int32_t winner = draw_id(all, logits), losers[63], count = 0;
        for (int32_t i = 0; i < 64; i++)
            if (i != winner && i % 3) losers[count++] = i;
        struct sampler *fewer = make_with(sampling, 64, NULL, 0, losers, (size_t)count);
        assert_int_equal(draw_id(fewer, logits), winner);
        sampler_free(all);
        sampler_free(fewer);
    }
}

// ---- masks ---------------------------------------------------------------------------------------------

static void forbidden_ids_never_come(void **state) {
    (void)state;
    const float logits[] = {50, 1, 60, 0.5f, 40};
    const int32_t forbidden[] = {0, 2, 4, 99, -1}; // ids outside the vocabulary do no harm
    struct sampling cases[5];
    for (int i = 0; i < 5; i++) cases[i] = random_sampling(i ? 1 : 0);
    cases[2].top_k = 1;
    cases[3].top_p = 0.5;
    cases[4].min_p = 0.9;
    for (int i = 0; i < 5; i++) {
        struct sampler *sampler = make_with(cases[i], 5, NULL, 0, forbidden, 5);
        for (int n = 0; n < 300; n++) {
            int32_t id = draw_id(sampler, logits);
            assert_true(id == 1 || (id == 3 && i == 1));
        }
        sampler_free(sampler);
    }
}

static void suppressed_ids_wait(void **state) {
    (void)state;
    struct error error = {0};
    struct sampled sampled;
    const float logits[] = {2, 3, 1};
    const int32_t stop[] = {1, 7};
    struct sampler *sampler = make(sampling_default(), 3, 0);
    assert_ok(sampler_draw(sampler, logits, stop, 2, &sampled, &error), error);
    assert_int_equal(sampled.id, 0);
    assert_int_equal(sampled.rank, 2);
    assert_int_equal(draw_id(sampler, logits), 1);
    sampler_free(sampler);
}

static void bad_logits_are_an_error(void **state) {
    (void)state;
    struct error error = {0};
    struct sampled sampled;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    struct sampler *sampler = make(random_sampling(1), 3, 0), *fresh = make(random_sampling(1), 3, 0);
    const float good[] = {0, 0, 0};
    for (int i = 0; i < 3; i++) {
        float logits[] = {1, 2, bad[i]};
        assert_error(sampler_draw(sampler, logits, NULL, 0, &sampled, &error), error, ERROR_MODEL,
                     "the model produced NaN");
    }
    for (int i = 0; i < 20; i++) // nothing was counted
        assert_int_equal(draw_id(sampler, good), draw_id(fresh, good));
    const int32_t all[] = {0, 1, 2};
    assert_error(sampler_draw(sampler, good, all, 3, &sampled, &error), error, ERROR_INTERNAL,
                 "every token of the vocabulary is forbidden");
    sampler_free(sampler);
    sampler_free(fresh);
}

// ---- parameters ----------------------------------------------------------------------------------------

static void parameters_are_checked(void **state) {
    (void)state;
    struct error error = {0};
    struct sampling good = sampling_default();
    assert_ok(sampling_check(&good, &error), error);
#define BAD(field, value, text)                                               \
    do {                                                                      \
        struct sampling bad = sampling_default();                             \
        bad.field = value;                                                    \
        assert_error(sampling_check(&bad, &error), error, ERROR_USAGE, text); \
        assert_null(sampler_new(&bad, 10, 0, NULL, 0, NULL, 0, &error));      \
    } while (0)
    BAD(temperature, -0.1, "temperature is -0.1");
    BAD(temperature, NAN, "temperature is");
    BAD(temperature, INFINITY, "temperature is inf");
    BAD(top_k, -1, "top_k is -1");
    BAD(top_p, 0, "top_p is 0");
    BAD(top_p, 1.01, "top_p is 1.01");
    BAD(top_p, NAN, "top_p is");
    BAD(min_p, -0.1, "min_p is -0.1");
    BAD(min_p, 2, "min_p is 2");
    BAD(repetition_penalty, 0, "repetition_penalty is 0");
    BAD(frequency_penalty, 2.5, "frequency_penalty is 2.5");
    BAD(presence_penalty, -2.5, "presence_penalty is -2.5");
    BAD(top_logprobs, 21, "top_logprobs is 21, expected 0 to 20");
    BAD(top_logprobs, -1, "top_logprobs is -1");
#undef BAD
    const int32_t prompt[] = {10};
    assert_null(sampler_new(&good, 10, 0, prompt, 1, NULL, 0, &error));
    test_check_error(&error, ERROR_INTERNAL, "token id 10 of the prompt", __FILE__, __LINE__);
    assert_null(sampler_new(&good, 0, 0, NULL, 0, NULL, 0, &error));
    assert_null(sampler_new(&good, (1u << 22) + 1, 0, NULL, 0, NULL, 0, &error));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_takes_the_most_likely),
        cmocka_unit_test(reports_raw_log_probabilities),
        cmocka_unit_test(reports_what_it_drew_from),
        cmocka_unit_test(repetition_counts_prompt_and_output),
        cmocka_unit_test(frequency_and_presence_count_output_only),
        cmocka_unit_test(penalties_come_in_their_order),
        cmocka_unit_test(draws_by_probability),
        cmocka_unit_test(top_k_keeps_ties),
        cmocka_unit_test(top_p_drops_from_below),
        cmocka_unit_test(top_k_comes_before_top_p),
        cmocka_unit_test(min_p_follows_temperature),
        cmocka_unit_test(large_vocabularies_are_cut_alike),
        cmocka_unit_test(draws_can_be_made_again),
        cmocka_unit_test(a_draw_does_not_depend_on_the_losers),
        cmocka_unit_test(forbidden_ids_never_come),
        cmocka_unit_test(suppressed_ids_wait),
        cmocka_unit_test(bad_logits_are_an_error),
        cmocka_unit_test(parameters_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
