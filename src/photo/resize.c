#include "photo/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    PRECISION = 22,   // fractional bits of a weight: 32 - 8 bits of pixel - 2 of overshoot and sign
    ROWS = 16,        // rows that the horizontal pass works on at once
    CHUNK = 3 * ROWS, // bytes that the inner loop sums side by side
    LONGEST_SIDE = 1 << 24
};

// ---- Sizes ---------------------------------------------------------------------------------------------

static size_t clamp_up(double value, size_t least) {
    return value < (double)least ? least : (size_t)value;
}

int photo_smart_resize(size_t height, size_t width, size_t factor, size_t min_pixels, size_t max_pixels,
                       size_t *out_height, size_t *out_width, struct error *error) {
    if (height == 0 || width == 0 || factor == 0 || height > LONGEST_SIDE || width > LONGEST_SIDE)
        return error_set(error, ERROR_INPUT, "cannot resize %zu x %zu pixels to multiples of %zu", width,
                         height, factor);
    size_t longer = height > width ? height : width, shorter = height > width ? width : height;
    if (longer > 200 * shorter)
        return error_set(error, ERROR_INPUT, "%zu x %zu pixels: one side is more than 200 times the other",
                         width, height);
    double h = (double)height, w = (double)width, f = (double)factor;
    // rint rounds halves to even, like Python's round.
    size_t rows = clamp_up(rint(h / f) * f, factor), columns = clamp_up(rint(w / f) * f, factor);
    if ((double)rows * (double)columns > (double)max_pixels) {
        double shrink = sqrt(h * w / (double)max_pixels);
        rows = clamp_up(floor(h / shrink / f) * f, factor);
        columns = clamp_up(floor(w / shrink / f) * f, factor);
    } else if ((double)rows * (double)columns < (double)min_pixels) {
        double grow = sqrt((double)min_pixels / (h * w));
        rows = clamp_up(ceil(h * grow / f) * f, factor);
        columns = clamp_up(ceil(w * grow / f) * f, factor);
    }
    *out_height = rows;
    *out_width = columns;
    return 0;
}

// ---- Weights of one axis -------------------------------------------------------------------------------

// Output i is the weighted sum of inputs first[i] .. first[i] + count[i] - 1, weights[i * most ...].
struct taps {
    size_t *first;
    size_t *count;
    int32_t *weights;
    size_t most;
};

static void taps_free(struct taps *taps) {
    free(taps->first);
    free(taps->count);
    free(taps->weights);
    *taps = (struct taps){0};
}

// Cubic convolution (Keys 1981) with a = -1/2.
static double cubic(double x) {
    x = fabs(x);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * -0.5;
    return 0;
}

static int32_t fixed_point(double weight) {
    return (int32_t)(weight * (1 << PRECISION) + (weight < 0 ? -0.5 : 0.5));
}

// The weights of output i into `row`, in float64 in `work`; the kernel widens with the shrink factor
// (antialias).
static void fill_taps(struct taps *taps, size_t i, size_t in, double scale, double *work) {
    double widening = scale > 1 ? scale : 1, support = 2 * widening, narrowing = 1 / widening;
    double centre = ((double)i + 0.5) * scale;
    double low = centre - support + 0.5, high = centre + support + 0.5;
    size_t first = low > 0 ? (size_t)low : 0, end = high < (double)in ? (size_t)high : in;
    double sum = 0;
    for (size_t k = 0; k < end - first; k++)
        sum += work[k] = cubic(((double)(first + k) - centre + 0.5) * narrowing);
    for (size_t k = 0; k < end - first; k++)
        taps->weights[i * taps->most + k] = fixed_point(sum != 0 ? work[k] / sum : work[k]);
    taps->first[i] = first;
    taps->count[i] = end - first;
}

static int taps_new(struct taps *taps, size_t in, size_t out, struct error *error) {
    double scale = (double)in / (double)out;
    *taps = (struct taps){.most = (size_t)ceil(2 * (scale > 1 ? scale : 1)) * 2 + 1};
    taps->first = memory_new(out, sizeof *taps->first, "resize", error);
    taps->count = memory_new(out, sizeof *taps->count, "resize", error);
    taps->weights = memory_new(out, taps->most * sizeof *taps->weights, "resize", error);
    double *work = memory_new(taps->most, sizeof *work, "resize", error);
    int result = taps->first && taps->count && taps->weights && work ? 0 : -1;
    for (size_t i = 0; i < out && result == 0; i++) fill_taps(taps, i, in, scale, work);
    free(work);
    if (result) taps_free(taps);
    return result;
}

// ---- The two passes ------------------------------------------------------------------------------------

// out[i] = the weighted sum over `count` lines of their i-th byte, rounded and clipped, for CHUNK bytes.
// Compilers vectorise the loops over i.
static void sum_lines(uint8_t out[CHUNK], const uint8_t *lines, size_t stride, const int32_t *weights,
                      size_t count) {
    int32_t sums[CHUNK];
    for (size_t i = 0; i < CHUNK; i++) sums[i] = 1 << (PRECISION - 1);
    for (size_t k = 0; k < count; k++) {
        const uint8_t *line = lines + k * stride;
        int32_t weight = weights[k];
        for (size_t i = 0; i < CHUNK; i++) sums[i] += weight * line[i];
    }
    for (size_t i = 0; i < CHUNK; i++) {
        int32_t value = sums[i] >> PRECISION;
        out[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

// Rows whose stride is a multiple of CHUNK, so that the vertical pass may read whole chunks.
struct padded {
    uint8_t *bytes;
    size_t stride;
};

static int padded_new(struct padded *padded, size_t width, size_t height, struct error *error) {
    padded->stride = (width * 3 + CHUNK - 1) / CHUNK * CHUNK;
    padded->bytes = memory_new(height, padded->stride, "resize", error);
    return padded->bytes ? 0 : -1;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

// [rows, bytes] of the image from row `top` on → columns[bytes][ROWS]: the bytes to be summed side by side
// then lie side by side. Missing rows repeat the last one; their results are not used.
static void transpose_rows(uint8_t *columns, const struct image *in, size_t top) {
    size_t bytes = in->width * 3;
    const uint8_t *rows[ROWS];
    for (size_t r = 0; r < ROWS; r++) rows[r] = in->rgb + smaller(top + r, in->height - 1) * bytes;
    for (size_t i = 0; i < bytes; i++)
        for (size_t r = 0; r < ROWS; r++) columns[i * ROWS + r] = rows[r][i];
}

static int resize_horizontally(struct padded *out, const struct image *in, size_t width,
                               struct error *error) {
    struct taps taps;
    if (taps_new(&taps, in->width, width, error)) return -1;
    uint8_t *columns = memory_new_aligned(in->width, CHUNK, "resize", error);
    for (size_t top = 0; columns && top < in->height; top += ROWS) {
        size_t rows = smaller(ROWS, in->height - top);
        transpose_rows(columns, in, top);
        for (size_t x = 0; x < width; x++) {
            uint8_t sums[CHUNK];
            sum_lines(sums, columns + taps.first[x] * CHUNK, CHUNK, taps.weights + x * taps.most,
                      taps.count[x]);
            for (size_t r = 0; r < rows; r++)
                for (size_t c = 0; c < 3; c++)
                    out->bytes[(top + r) * out->stride + x * 3 + c] = sums[c * ROWS + r];
        }
    }
    taps_free(&taps);
    int result = columns ? 0 : -1;
    free(columns);
    return result;
}

static int resize_vertically(struct image *out, const struct padded *in, size_t height, struct error *error) {
    struct taps taps;
    if (taps_new(&taps, height, out->height, error)) return -1;
    size_t bytes = out->width * 3;
    for (size_t y = 0; y < out->height; y++) {
        const uint8_t *lines = in->bytes + taps.first[y] * in->stride;
        for (size_t i = 0; i < bytes; i += CHUNK) {
            uint8_t sums[CHUNK];
            sum_lines(sums, lines + i, in->stride, taps.weights + y * taps.most, taps.count[y]);
            memcpy(out->rgb + y * bytes + i, sums, smaller(CHUNK, bytes - i));
        }
    }
    taps_free(&taps);
    return 0;
}

static void copy_rows(uint8_t *to, size_t to_stride, const uint8_t *from, size_t from_stride, size_t bytes,
                      size_t rows) {
    for (size_t y = 0; y < rows; y++) memcpy(to + y * to_stride, from + y * from_stride, bytes);
}

int image_resize(struct image *out, const struct image *in, size_t width, size_t height,
                 struct error *error) {
    *out = (struct image){0};
    if (!in->rgb || width > LONGEST_SIDE || height > LONGEST_SIDE || in->width > LONGEST_SIDE ||
        in->height > LONGEST_SIDE)
        return error_set(error, ERROR_INPUT, "cannot resize %zu x %zu pixels to %zu x %zu", in->width,
                         in->height, width, height);
    if (image_new(out, width, height, error)) return -1;
    if (width == in->width && height == in->height) {
        memcpy(out->rgb, in->rgb, width * height * 3);
        return 0;
    }
    struct padded middle;
    int result = padded_new(&middle, width, in->height, error);
    if (result == 0 && width == in->width)
        copy_rows(middle.bytes, middle.stride, in->rgb, width * 3, width * 3, in->height);
    else if (result == 0)
        result = resize_horizontally(&middle, in, width, error);
    if (result == 0 && height == in->height)
        copy_rows(out->rgb, width * 3, middle.bytes, middle.stride, width * 3, height);
    else if (result == 0)
        result = resize_vertically(out, &middle, in->height, error);
    free(middle.bytes);
    if (result) image_free(out);
    return result;
}
