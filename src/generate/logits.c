#include "generate/logits.h"

#include <math.h>
#include <string.h>

enum { LANES = 16, BLOCK = 64 };

// One version for each instruction set where the compiler can do that by itself. Results are the same: the lanes are
// fixed, and C17 lets no product and sum become one.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define VERSIONS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VERSIONS
#endif

static inline uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

VERSIONS bool logits_are_finite(const float *logits, size_t count) {
    uint32_t bad = 0;
    for (size_t i = 0; i < count; i++)
        bad |= (bits_of(logits[i]) & 0x7F800000u) == 0x7F800000u; // the exponent of infinities and NaNs
    return !bad;
}

static inline float larger(float a, float b) {
    return a > b ? a : b;
}

VERSIONS float logits_max(const float *logits, size_t count) {
    float lanes[LANES], max = -INFINITY;
    size_t i = 0;
    for (int j = 0; j < LANES; j++) lanes[j] = -INFINITY;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++) lanes[j] = larger(logits[i + j], lanes[j]);
    for (; i < count; i++) max = larger(logits[i], max);
    for (int j = 0; j < LANES; j++) max = larger(lanes[j], max);
    return max;
}

// Whether any of LANES values is above the limit.
static inline bool any_above(const float *values, float limit) {
    uint32_t above = 0;
    for (int j = 0; j < LANES; j++) above += values[j] > limit;
    return above;
}

static inline bool any_equal(const float *values, float value) {
    uint32_t equal = 0;
    for (int j = 0; j < LANES; j++) equal += values[j] == value;
    return equal;
}

size_t logits_find(const float *logits, size_t count, float value) {
    size_t i = 0;
    while (i + LANES <= count && !any_equal(logits + i, value)) i += LANES;
    while (i + 1 < count && logits[i] != value) i++;
    return i;
}

VERSIONS size_t logits_count_above(const float *logits, size_t count, float value) {
    size_t above = 0;
    for (size_t i = 0; i < count;) {
        uint32_t part = 0; // 32 bits, as wide as the values, vectorise better than a size_t
        size_t end = count - i > 1 << 20 ? i + (1 << 20) : count;
        for (; i < end; i++) part += logits[i] > value;
        above += part;
    }
    return above;
}

// The value, or 0: as a mask of bits, because gcc does not vectorise a choice between floats.
static inline float keep_if(int condition, float value) {
    return float_of(bits_of(value) & (0u - (uint32_t)condition));
}

// exp(x) for x <= 0, to 1e-7 of itself; 0 below -87, where results stop being normal numbers.
static inline float exp_negative(float x) {
    const int32_t limit = 0x42AE0000;                   // the bits of 87; larger numbers have larger bits
    int32_t size = (int32_t)(bits_of(x) & 0x7FFFFFFFu); // of |x|
    float y = -float_of((uint32_t)(size < limit ? size : limit));
    int n = (int)(y * 1.44269504f - 0.5f); // towards zero, so to the nearest for negative numbers
    float r = y - (float)n * 0.693359375f; // log 2 in two parts: the first product is exact
    r += (float)n * 2.12194440e-4f;
    float p = 1.0f / 5040; // exp's series: |r| <= log(2) / 2
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    float power = float_of((uint32_t)(n + 127) << 23); // 2^n
    return keep_if(size <= limit, p * power);
}

// Sums in float run over a few values only; blocks are added in double.
static inline double sum_block(const float *values) {
    float lanes[LANES];
    for (int j = 0; j < LANES; j++) lanes[j] = values[j];
    for (int i = LANES; i < BLOCK; i += LANES)
        for (int j = 0; j < LANES; j++) lanes[j] += values[i + j];
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) lanes[j] += lanes[j + half];
    return lanes[0];
}

VERSIONS double logits_sum_exp(const float *logits, size_t count, float max) {
    double sum = 0;
    size_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK) {
        float weights[BLOCK];
        for (int j = 0; j < BLOCK; j++) weights[j] = exp_negative(logits[i + j] - max);
        sum += sum_block(weights);
    }
    for (; i < count; i++) sum += exp_negative(logits[i] - max);
    return sum;
}

VERSIONS double logits_weigh(const float *logits, size_t count, float max, float scale, float threshold,
                             float *weights) {
    double sum = 0;
    size_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK) {
        for (int j = 0; j < BLOCK; j++) {
            float weight = exp_negative((logits[i + j] - max) * scale);
            weights[i + j] = keep_if(logits[i + j] >= threshold, weight);
        }
        sum += sum_block(weights + i);
    }
    for (; i < count; i++) {
        weights[i] = keep_if(logits[i] >= threshold, exp_negative((logits[i] - max) * scale));
        sum += weights[i];
    }
    return sum;
}

VERSIONS size_t logits_collect(const float *weights, size_t count, float cut, int32_t *ids) {
    size_t found = 0;
    for (size_t i = 0; i < count; i += LANES) {
        size_t end = i + LANES <= count ? i + LANES : count;
        if (end == i + LANES && !any_above(weights + i, cut)) continue;
        for (size_t j = i; j < end; j++)
            if (weights[j] > cut) ids[found++] = (int32_t)j;
    }
    return found;
}

void logits_top(const float *logits, size_t count, int top, int32_t *ids) {
    int filled = 0;
    if (top < 1) return;
    for (size_t i = 0; i < count; i += LANES) {
        size_t end = i + LANES <= count ? i + LANES : count;
        if (filled == top && end == i + LANES && !any_above(logits + i, logits[ids[top - 1]])) continue;
        for (size_t j = i; j < end; j++) {
            if (filled == top && !(logits[j] > logits[ids[top - 1]])) continue;
            int at = filled < top ? filled++ : top - 1;
            for (; at > 0 && logits[j] > logits[ids[at - 1]]; at--) ids[at] = ids[at - 1];
            ids[at] = (int32_t)j;
        }
    }
}

static inline void swap(float *values, ptrdiff_t a, ptrdiff_t b) {
    float kept = values[a];
    values[a] = values[b];
    values[b] = kept;
}

static float middle(float a, float b, float c) {
    return a > b ? (b > c ? b : a > c ? c : a) : (a > c ? a : b > c ? c : b);
}

// Hoare's selection; reorders the values.
static float select_kth(float *values, size_t count, size_t k) {
    ptrdiff_t low = 0, high = (ptrdiff_t)count - 1, target = (ptrdiff_t)k - 1;
    while (low < high) {
        float pivot = middle(values[low], values[low + (high - low) / 2], values[high]);
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (values[i] > pivot) i++;
            while (values[j] < pivot) j--;
            if (i <= j) swap(values, i++, j--);
        }
        if (target <= j)
            high = j;
        else if (target >= i)
            low = i;
        else
            break; // between the two: equal to the pivot
    }
    return values[target];
}

float logits_kth_largest(const float *logits, size_t count, size_t k, float *scratch) {
    // The k-th largest of the blocks' maxima bounds the k-th largest from below, and few values are above it.
    size_t blocks = 0, found = 0;
    for (size_t i = 0; i < count; i += BLOCK)
        scratch[blocks++] = logits_max(logits + i, count - i < BLOCK ? count - i : BLOCK);
    float bound = k <= blocks ? select_kth(scratch, blocks, k) : -INFINITY;
    float below = nextafterf(bound, -INFINITY);
    for (size_t i = 0; i < count; i += LANES) {
        size_t end = i + LANES <= count ? i + LANES : count;
        if (end == i + LANES && bound > -INFINITY && !any_above(logits + i, below)) continue;
        for (size_t j = i; j < end; j++)
            if (logits[j] >= bound) scratch[found++] = logits[j];
    }
    return select_kth(scratch, found, k);
}
