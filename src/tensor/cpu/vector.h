// Sixteen floats at a time, in the compilers' vector extension: one register with AVX-512, two with AVX2,
// four with SSE2 or NEON. The same source serves every processor; the flags of each kernels_*.c decide what
// it becomes.
#ifndef GLOBE_TENSOR_CPU_VECTOR_H
#define GLOBE_TENSOR_CPU_VECTOR_H

#include <stdint.h>
#include <string.h>

enum { LANES = 16 };

typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint32_t vu __attribute__((vector_size(64)));
typedef uint16_t vh __attribute__((vector_size(32)));

static inline vf vf_load(const float *p) {
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vf_store(float *p, vf v) {
    memcpy(p, &v, sizeof v);
}

static inline vf vf_all(float x) {
    return x - (vf){0};
}

static inline vf vf_load_bf16(const uint16_t *p) {
    vh h;
    memcpy(&h, p, sizeof h);
    return (vf)(__builtin_convertvector(h, vu) << 16);
}

// Round to nearest even; NaN stays NaN.
static inline vu vu_round_bf16(vf v) {
    vu u = (vu)v;
    vu rounded = u + 0x7FFFu + ((u >> 16) & 1u);
    vu nan = (vu)(v != v);
    return ((rounded & ~nan) | ((u | 0x400000u) & nan)) >> 16;
}

static inline void vf_store_bf16(uint16_t *p, vf v) {
    vh h = __builtin_convertvector(vu_round_bf16(v), vh);
    memcpy(p, &h, sizeof h);
}

static inline vf vf_choose(vi mask, vf a, vf b) { // mask lanes are all ones or all zeros
    return (vf)(((vi)a & mask) | ((vi)b & ~mask));
}

static inline vf vf_max(vf a, vf b) {
    return vf_choose(a > b, a, b);
}

static inline float vf_sum(vf v) {
    float lane[LANES], sum = 0;
    memcpy(lane, &v, sizeof v);
    for (int step = LANES / 2; step; step /= 2)
        for (int i = 0; i < step; i++) lane[i] += lane[i + step];
    sum = lane[0];
    return sum;
}

static inline float vf_highest(vf v) {
    float lane[LANES];
    memcpy(lane, &v, sizeof v);
    for (int step = LANES / 2; step; step /= 2)
        for (int i = 0; i < step; i++) lane[i] = lane[i] > lane[i + step] ? lane[i] : lane[i + step];
    return lane[0];
}

// 2^x for x <= 0 or small, relative error below 2e-7; underflows to 0 below -126.
static inline vf vf_exp2(vf x) {
    const float magic = 12582912.0f; // 1.5 * 2^23: adding it rounds to an integer in the low bits
    vi tiny = x < -126.0f;
    x = vf_choose(x > 127.0f, vf_all(127.0f), x);
    x = vf_choose(tiny, vf_all(-126.0f), x);
    vf shifted = x + magic;
    vf f = x - (shifted - magic); // in [-0.5, 0.5]
    vf p = 1.5403530393381608e-4f + (vf){0};
    p = p * f + 1.3333558146428443e-3f;
    p = p * f + 9.618129107628477e-3f;
    p = p * f + 5.5504108664821580e-2f;
    p = p * f + 2.4022650695910071e-1f;
    p = p * f + 6.9314718055994531e-1f;
    p = p * f + 1.0f;
    vf scaled = (vf)((vu)p + ((vu)shifted << 23));
    return vf_choose(tiny, vf_all(0.0f), scaled);
}

static inline vf vf_exp(vf x) {
    return vf_exp2(x * 1.44269504088896341f);
}

#endif
