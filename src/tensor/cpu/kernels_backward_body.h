// The gradient kernels, written once; part of kernels_body.h. Each works on one row in one thread.

static void *at_mutable(void *data, enum dtype type, size_t i) {
    return (char *)data + i * (type == DTYPE_F32 ? 4 : 2);
}

static inline void store_as(void *out, enum dtype type, size_t i, vf value) {
    if (type == DTYPE_F32)
        vf_store((float *)out + i, value);
    else
        vf_store_bf16((uint16_t *)out + i, value);
}

// By memcpy: the result may lie over floats that were read before.
static inline void store_one_as(void *out, enum dtype type, size_t i, float value) {
    uint16_t half = f32_to_bf16(value);
    if (type == DTYPE_F32)
        memcpy((float *)out + i, &value, sizeof value);
    else
        memcpy((uint16_t *)out + i, &half, sizeof half);
}

// y = w x r with r = 1 / rms(x):  dx_i = r w_i g_i - x_i r^3 mean_j(w_j g_j x_j),  dw_i = g_i x_i r.
static void rms_norm_backward(float *dx, float *dweight, const void *dy, enum dtype dy_type, const void *x,
                              enum dtype x_type, const float *weight, size_t n, float eps) {
    float g[CHUNK], v[CHUNK];
    double squares = 0, products = 0;
    for (size_t first = 0; first < n; first += CHUNK) {
        size_t count = n - first < CHUNK ? n - first : CHUNK, i = 0;
        to_f32(g, at(dy, dy_type, first), dy_type, count);
        to_f32(v, at(x, x_type, first), x_type, count);
        vf square = {0}, product = {0};
        for (; i + LANES <= count; i += LANES) {
            vf value = vf_load(v + i);
            square += value * value;
            product += vf_load(weight + first + i) * vf_load(g + i) * value;
        }
        squares += (double)vf_sum(square);
        products += (double)vf_sum(product);
        for (; i < count; i++) {
            squares += (double)(v[i] * v[i]);
            products += (double)(weight[first + i] * g[i] * v[i]);
        }
    }
    double inverse = 1.0 / sqrt(squares / (double)n + (double)eps);
    float r = (float)inverse, pull = (float)(inverse * inverse * inverse * products / (double)n);
    for (size_t first = 0; first < n; first += CHUNK) {
        size_t count = n - first < CHUNK ? n - first : CHUNK;
        to_f32(g, at(dy, dy_type, first), dy_type, count);
        to_f32(v, at(x, x_type, first), x_type, count);
        for (size_t i = 0; i < count; i++) dx[first + i] += r * weight[first + i] * g[i] - v[i] * pull;
        if (dweight)
            for (size_t i = 0; i < count; i++) dweight[first + i] += g[i] * v[i] * r;
    }
}

// y = g s(g) u with s the logistic function:  dg = dy u s (1 + g (1 - s)),  du = dy g s.
static void swiglu_backward(void *dgate, void *dup, const void *dy, const void *gate, const void *up,
                            enum dtype type, size_t n) {
    float d[CHUNK], g[CHUNK], u[CHUNK];
    for (size_t first = 0; first < n; first += CHUNK) {
        size_t count = n - first < CHUNK ? n - first : CHUNK, i = 0;
        to_f32(d, at(dy, type, first), type, count);
        to_f32(g, at(gate, type, first), type, count);
        to_f32(u, at(up, type, first), type, count);
        for (; i + LANES <= count; i += LANES) {
            vf x = vf_load(g + i), change = vf_load(d + i);
            vf s = 1.0f / (1.0f + vf_exp(-x));
            vf dg = change * vf_load(u + i) * s * (1.0f + x * (1.0f - s));
            vf_store(u + i, change * x * s);
            vf_store(g + i, dg);
        }
        for (; i < count; i++) {
            float s = 1.0f / (1.0f + expf(-g[i])), dg = d[i] * u[i] * s * (1.0f + g[i] * (1.0f - s));
            u[i] = d[i] * g[i] * s;
            g[i] = dg;
        }
        from_f32(at_mutable(dgate, type, first), type, g, count);
        from_f32(at_mutable(dup, type, first), type, u, count);
    }
}

// y = x P(x) with P the normal distribution and p its density:  dx = dy (P(x) + x p(x)).
static void gelu_backward(void *dx, const void *dy, const void *x, enum dtype type, size_t n) {
    float d[CHUNK], v[CHUNK];
    for (size_t first = 0; first < n; first += CHUNK) {
        size_t count = n - first < CHUNK ? n - first : CHUNK;
        to_f32(d, at(dy, type, first), type, count);
        to_f32(v, at(x, type, first), type, count);
        for (size_t i = 0; i < count; i++) {
            float below = 0.5f * (1.0f + erff(v[i] * 0.70710678118654752f));
            d[i] *= below + v[i] * expf(-0.5f * v[i] * v[i]) * 0.39894228040143268f;
        }
        from_f32(at_mutable(dx, type, first), type, d, count);
    }
}

static void attention_backward(void *weights, void *dscores, enum dtype type, const float *scores,
                               const float *dweights, size_t seen, size_t n, float scale, float log_sum,
                               float delta) {
    const float factor = scale * 1.44269504088896341f;
    size_t i = 0;
    for (; i + LANES <= seen; i += LANES) {
        vf weight = vf_exp2(vf_load(scores + i) * factor - log_sum);
        vf change = weight * (vf_load(dweights + i) - delta) * scale;
        store_as(weights, type, i, weight);
        store_as(dscores, type, i, change);
    }
    for (; i < seen; i++) {
        float weight = exp2f(scores[i] * factor - log_sum), change = weight * (dweights[i] - delta) * scale;
        store_one_as(weights, type, i, weight);
        store_one_as(dscores, type, i, change);
    }
    memset(at_mutable(weights, type, seen), 0, (n - seen) * (type == DTYPE_F32 ? 4 : 2));
    memset(at_mutable(dscores, type, seen), 0, (n - seen) * (type == DTYPE_F32 ? 4 : 2));
}

typedef uint64_t vl __attribute__((vector_size(64)));

static inline void multiply_wide(vu x, uint32_t by, vu *high, vu *low) {
    const uint64_t lower = 0xFFFFFFFFu;
    vl even = ((vl)x & lower) * by, odd = ((vl)x >> 32) * by;
    *low = (vu)((even & lower) | (odd << 32));
    *high = (vu)((even >> 32) | (odd & ~lower));
}

// Sixteen Philox blocks side by side: counter, counter + 1, ... (base/random.c has one at a time).
static inline void random_blocks(const struct dropout *key, uint64_t counter, vu words[4]) {
    uint32_t k0 = (uint32_t)key->seed, k1 = (uint32_t)(key->seed >> 32);
    vu x0 = {0}, x1 = {0}, zero = {0};
    for (int i = 0; i < LANES; i++) {
        x0[i] = (uint32_t)(counter + (uint64_t)i);
        x1[i] = (uint32_t)((counter + (uint64_t)i) >> 32);
    }
    vu x2 = zero + (uint32_t)key->stream, x3 = zero + (uint32_t)(key->stream >> 32);
    for (int round = 0; round < 10; round++) {
        vu high0, low0, high1, low1;
        multiply_wide(x0, 0xD2511F53u, &high0, &low0);
        multiply_wide(x2, 0xCD9E8D57u, &high1, &low1);
        x0 = high1 ^ x1 ^ k0;
        x2 = high0 ^ x3 ^ k1;
        x1 = low1;
        x3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    words[0] = x0, words[1] = x1, words[2] = x2, words[3] = x3;
}

static void dropout(float *values, size_t n, const struct dropout *key, uint64_t counter, uint32_t limit,
                    float keep) {
    for (size_t first = 0; first < n; first += DROPOUT_UNIT, counter += LANES) {
        vu words[4];
        random_blocks(key, counter, words);
        for (size_t half = 0; half < DROPOUT_UNIT / LANES; half++) {
            size_t at = first + half * LANES, left = at < n ? n - at : 0;
            vi drawn = (vi)(words[half / 2] >> (uint32_t)(half % 2 * 16) & 0xFFFFu);
            vf factor = vf_choose(drawn < (int32_t)limit, vf_all(0.0f), vf_all(keep));
            float tail[LANES];
            if (left >= LANES) {
                vf_store(values + at, vf_load(values + at) * factor);
                continue;
            }
            vf_store(tail, factor);
            for (size_t i = 0; i < left; i++) values[at + i] *= tail[i];
        }
    }
}

static void softmax(void *out, enum dtype type, const float *logits, size_t n, float factor, float log_sum,
                    float scale) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        store_as(out, type, i, vf_exp(vf_load(logits + i) * factor - log_sum) * scale);
    for (; i < n; i++) store_one_as(out, type, i, expf(logits[i] * factor - log_sum) * scale);
}
