#include "eval/scope_head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/signals.h"

enum { EPOCHS = 20, BATCH = 64, DROPPED = 3 }; // of 16 terms
static const double rate = 1e-3, decay = 1e-2, keep = (16.0 - DROPPED) / 16;

static void find_scale(struct scope *scope, const float *const *own, size_t count) {
    for (size_t k = 0; k < scope->count; k++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < count; i++) sum += (double)own[i][k];
        double mean = sum / (double)count;
        for (size_t i = 0; i < count; i++) {
            double off = (double)own[i][k] - mean;
            squares += off * off;
        }
        scope->mean[k] = (float)mean;
        scope->scale[k] = (float)fmax(sqrt(squares / (double)count), scope_least_scale(k));
    }
}

// Slopes, bends and the base in one row, with what the optimiser remembers of each.
struct fit {
    struct scope *scope;
    size_t count;                      // 2 * features + 1
    float *weights, *slopes, *squares; // [count]: values, running means of gradients and of their squares
    float *gradient, *terms;           // [count]
    double steps;
    struct random random;
};

// The terms of a picture, those left out 0; the others stand in for them.
static double read_terms(struct fit *fit, const float *features) {
    double sum = 0;
    uint32_t bits = 0;
    float *terms = fit->terms;
    for (size_t k = 0; k < fit->scope->count; k++) {
        if (k % 4 == 0) bits = random_u32(&fit->random);
        scope_terms(fit->scope, k, features[k], &terms[2 * k], &terms[2 * k + 1]);
        for (size_t side = 0; side < 2; side++, bits >>= 4)
            terms[2 * k + side] *= (bits & 15) < DROPPED ? 0 : (float)(1 / keep);
    }
    terms[fit->count - 1] = 1;
    for (size_t k = 0; k < fit->count; k++) sum += (double)(terms[k] * fit->weights[k]);
    return sum;
}

static void learn(struct fit *fit, double rest) {
    double first = 1 - pow(0.9, ++fit->steps), second = 1 - pow(0.999, fit->steps);
    for (size_t k = 0; k < fit->count; k++) {
        float g = fit->gradient[k] / BATCH;
        fit->slopes[k] = 0.9F * fit->slopes[k] + 0.1F * g;
        fit->squares[k] = 0.999F * fit->squares[k] + 0.001F * g * g;
        double step = (double)fit->slopes[k] / first / (sqrt((double)fit->squares[k] / second) + 1e-8);
        fit->weights[k] -= (float)(rate * rest * (step + decay * (double)fit->weights[k]));
        fit->gradient[k] = 0;
    }
}

static void shuffle(size_t *order, size_t count, struct random *random) {
    for (size_t i = count; i > 1; i--) {
        size_t k = (size_t)random_below(random, i), kept = order[i - 1];
        order[i - 1] = order[k];
        order[k] = kept;
    }
}

static int descend(struct fit *fit, const float *const *own, size_t own_count, const float *const *others,
                   size_t other_count, size_t *order, struct error *error) {
    size_t count = own_count + other_count, per_epoch = count / BATCH, done = 0;
    for (size_t i = 0; i < count; i++) order[i] = i;
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        if (signals_check(error)) return -1;
        shuffle(order, count, &fit->random);
        for (size_t batch = 0; batch < per_epoch; batch++, done++) {
            for (size_t b = 0; b < BATCH; b++) {
                size_t i = order[batch * BATCH + b];
                bool other = i >= own_count;
                const float *row = other ? others[i - own_count] : own[i];
                float off = (float)(1 / (1 + exp(-read_terms(fit, row))) - (other ? 1 : 0));
                for (size_t k = 0; k < fit->count; k++) fit->gradient[k] += off * fit->terms[k];
            }
            learn(fit, 1 - (double)done / (double)(EPOCHS * per_epoch));
        }
    }
    return 0;
}

int scope_head_fit(struct scope *scope, const float *const *own, size_t own_count, const float *const *others,
                   size_t other_count, size_t features, struct error *error) {
    if (scope_new(scope, features, error)) return -1;
    find_scale(scope, own, own_count);
    struct fit fit = {.scope = scope, .count = 2 * features + 1};
    float *block = memory_new(fit.count, 5 * sizeof *block, "scope", error);
    size_t *order = memory_new(own_count + other_count, sizeof *order, "scope", error);
    int result = block && order ? 0 : -1;
    if (result == 0) {
        fit.weights = block, fit.slopes = block + fit.count, fit.squares = block + 2 * fit.count;
        fit.gradient = block + 3 * fit.count, fit.terms = block + 4 * fit.count;
        random_start(&fit.random, 1, 0);
        result = descend(&fit, own, own_count, others, other_count, order, error);
    }
    for (size_t k = 0; result == 0 && k < features; k++) {
        scope->slope[k] = fit.weights[2 * k];
        scope->bend[k] = fit.weights[2 * k + 1];
    }
    if (result == 0) scope->base = (double)fit.weights[fit.count - 1];
    free(block);
    free(order);
    if (result) scope_free(scope);
    return result;
}
