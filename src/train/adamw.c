#include "train/adamw.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static bool contains_folded(const char *name, const char *word) {
    size_t length = strlen(word);
    for (; *name; name++)
        if (strncasecmp(name, word, length) == 0) return true;
    return false;
}

// A component between dots that is "norm" or ends in "_norm".
static bool has_norm_component(const char *name) {
    static const char suffix[] = "_norm";
    const size_t length = sizeof suffix - 1;
    while (*name) {
        size_t size = strcspn(name, ".");
        if (size == length - 1 && strncmp(name, suffix + 1, size) == 0) return true;
        if (size >= length && strncmp(name + size - length, suffix, length) == 0) return true;
        name += size + (name[size] == '.');
    }
    return false;
}

bool adamw_decays(enum adamw_decay rule, const char *name) {
    if (rule >= ADAMW_DECAY_A && strstr(name, "bias")) return false;
    if (rule >= ADAMW_DECAY_B && (contains_folded(name, "layernorm") || contains_folded(name, "rmsnorm")))
        return false;
    return rule < ADAMW_DECAY_C || !has_norm_component(name);
}

enum { PIECE = 16384 }; // values that a thread takes at a time

// What is the same for all values of a step.
struct factors {
    float scale, beta1, rest1, beta2, rest2, keep, rate, root, epsilon;
};

static struct factors find_factors(const struct adamw *adamw, const struct adamw_step *step) {
    double t = (double)step->number;
    return (struct factors){
        .scale = (float)step->scale,
        .beta1 = (float)adamw->beta1,
        .rest1 = (float)(1 - adamw->beta1),
        .beta2 = (float)adamw->beta2,
        .rest2 = (float)(1 - adamw->beta2),
        .keep = step->decay ? (float)(1 - step->rate * adamw->weight_decay) : 1.0F,
        .rate = (float)(step->rate / (1 - pow(adamw->beta1, t))),
        .root = (float)sqrt(1 - pow(adamw->beta2, t)), // of the correction of v
        .epsilon = (float)adamw->epsilon,
    };
}

static void update_piece(struct factors f, float *restrict value, const float *restrict gradient,
                         float *restrict m, float *restrict v, size_t count) {
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i] * f.scale;
        m[i] = f.beta1 * m[i] + f.rest1 * g;
        v[i] = f.beta2 * v[i] + f.rest2 * g * g;
        value[i] = value[i] * f.keep - f.rate * m[i] / (sqrtf(v[i]) / f.root + f.epsilon);
    }
}

void adamw_update(const struct adamw *adamw, const struct adamw_step *step, float *value,
                  const float *gradient, float *m, float *v, size_t count) {
    const struct factors factors = find_factors(adamw, step);
    size_t pieces = (count + PIECE - 1) / PIECE;
#pragma omp parallel for schedule(static) if (pieces > 4)
    for (size_t p = 0; p < pieces; p++) {
        size_t first = p * PIECE, rest = count - first;
        update_piece(factors, value + first, gradient + first, m + first, v + first,
                     rest < PIECE ? rest : PIECE);
    }
}

// Eight running sums, so that the compiler may use vectors without changing the order.
static double square_sum_piece(const float *values, size_t count) {
    double sums[8] = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (size_t j = 0; j < 8; j++) sums[j] += (double)values[i + j] * (double)values[i + j];
    for (size_t j = 0; i < count; i++, j++) sums[j] += (double)values[i] * (double)values[i];
    double sum = 0;
    for (size_t j = 0; j < 8; j++) sum += sums[j];
    return sum;
}

double adamw_square_sum(const float *values, size_t count) {
    enum { PIECES = 256 };
    double sum = 0, parts[PIECES] = {0};
    while (count > 0) {
        size_t part = count < (size_t)PIECE * PIECES ? count : (size_t)PIECE * PIECES;
        size_t pieces = (part + PIECE - 1) / PIECE;
#pragma omp parallel for schedule(static) if (pieces > 4)
        for (size_t p = 0; p < pieces; p++) {
            size_t first = p * PIECE, rest = part - first;
            parts[p] = square_sum_piece(values + first, rest < PIECE ? rest : PIECE);
        }
        for (size_t p = 0; p < pieces; p++) sum += parts[p];
        values += part;
        count -= part;
    }
    return sum;
}

double adamw_clip(double norm, double limit) {
    return limit > 0 ? fmin(1, limit / (norm + 1e-6)) : 1;
}
