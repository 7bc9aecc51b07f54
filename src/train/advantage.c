#include "train/advantage.h"

#include <math.h>

static const double SMALL = 1e-4; // added to every spread, as in TRL

void advantage_moments(const double *values, size_t count, size_t stride, double *mean, double *deviation) {
    double sum = 0, squares = 0;
    size_t numbers = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i * stride])) sum += values[i * stride], numbers++;
    *mean = numbers ? sum / (double)numbers : NAN;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i * stride])) squares += pow(values[i * stride] - *mean, 2);
    *deviation = numbers > 1 ? sqrt(squares / (double)(numbers - 1)) : NAN;
}

// NaN when nothing applies.
static double weighted_sum(const double *values, const struct advantage_options *options) {
    double sum = 0;
    size_t numbers = 0;
    for (size_t k = 0; k < options->functions; k++)
        if (!isnan(values[k])) sum += options->weights[k] * values[k], numbers++;
    return numbers ? sum : NAN;
}

static double number_or_0(double value) {
    return isnan(value) ? 0 : value;
}

static void normalise_sums(size_t count, const struct advantage_options *options, const double *totals,
                           double *advantages) {
    double mean, spread, of_all;
    advantage_moments(totals, count, 1, &mean, &of_all);
    for (size_t first = 0; first < count; first += options->group) {
        advantage_moments(totals + first, options->group, 1, &mean, &spread);
        if (options->scale == ADVANTAGE_SCALE_BATCH) spread = of_all;
        for (size_t i = first; i < first + options->group; i++) {
            double advantage = totals[i] - mean;
            if (options->scale != ADVANTAGE_SCALE_NONE) advantage /= spread + SMALL;
            advantages[i] = number_or_0(advantage);
        }
    }
}

// totals[i] += weight * z of one reward.
static void add_normalised(const double *rewards, size_t count, const struct advantage_options *options,
                           size_t k, double *totals) {
    for (size_t first = 0; first < count; first += options->group) {
        double mean, spread;
        advantage_moments(rewards + first * options->functions + k, options->group, options->functions, &mean,
                          &spread);
        for (size_t i = first; i < first + options->group; i++) {
            double z = (rewards[i * options->functions + k] - mean) / (spread + SMALL);
            totals[i] += number_or_0(options->weights[k] * z);
        }
    }
}

void advantage_compute(const double *rewards, size_t count, const struct advantage_options *options,
                       double *totals, double *advantages) {
    for (size_t i = 0; i < count; i++) totals[i] = weighted_sum(rewards + i * options->functions, options);
    if (options->aggregation == ADVANTAGE_SUM_THEN_NORMALIZE) {
        normalise_sums(count, options, totals, advantages);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (!isnan(totals[i])) totals[i] = 0;
    for (size_t k = 0; k < options->functions; k++) add_normalised(rewards, count, options, k, totals);
    double mean, spread;
    advantage_moments(totals, count, 1, &mean, &spread);
    for (size_t i = 0; i < count; i++) advantages[i] = number_or_0((totals[i] - mean) / (spread + SMALL));
}
