// Fields with the statistics of photographs: power that falls with frequency, surfaces that hide one another.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "postcards/stranger_internal.h"

enum { OCTAVES = 7 };

// Smooth noise with `cells` cells across, added to plane [height, width].
static int add_octave(float *plane, size_t width, size_t height, double cells, double stretch, double amount,
                      struct random *random, struct error *error) {
    size_t across = (size_t)ceil(cells) + 2,
           down = (size_t)ceil(cells * stretch * (double)height / (double)width) + 2;
    float *grid = memory_new(across * down, sizeof *grid, "picture", error);
    if (!grid) return -1;
    for (size_t i = 0; i < across * down; i++) grid[i] = (float)pick_between(random, -1, 1);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            double gx = (double)x * cells / (double)width, gy = (double)y * cells * stretch / (double)width;
            size_t ix = (size_t)gx, iy = (size_t)gy;
            double fx = gx - (double)ix, fy = gy - (double)iy;
            fx = fx * fx * (3 - 2 * fx), fy = fy * fy * (3 - 2 * fy);
            const float *g = grid + iy * across + ix;
            double upper = (1 - fx) * (double)g[0] + fx * (double)g[1],
                   lower = (1 - fx) * (double)g[across] + fx * (double)g[across + 1];
            plane[y * width + x] += (float)(amount * ((1 - fy) * upper + fy * lower));
        }
    free(grid);
    return 0;
}

static int make_noise(float *plane, size_t width, size_t height, struct random *random, struct error *error) {
    double fall = pick_between(random, 0.35, 0.85), amount = 1, cells = pick_between(random, 1, 5),
           stretch = pick_chance(random, 0.4) ? pick_between(random, 0.2, 5) : 1;
    for (int o = 0; o < OCTAVES && cells < (double)width / 2; o++) {
        if (add_octave(plane, width, height, cells, stretch, amount, random, error)) return -1;
        cells *= 2;
        amount *= fall;
    }
    return 0;
}

static void channels(uint32_t colour, double rgb[3]) {
    for (int c = 0; c < 3; c++) rgb[c] = (double)(colour >> (16 - 8 * c) & 255);
}

static uint8_t byte(double value) {
    return (uint8_t)fmin(fmax(value + 0.5, 0), 255);
}

// Disks and boxes one upon another, sizes as in photographs, with shade and grain of their own.
static void leaves(struct image *image, const float *noise, struct random *random) {
    int count = 40 + pick_one(random, 600);
    double w = (double)image->width, h = (double)image->height, least = pick_between(random, 0.01, 0.05);
    bool round = pick_chance(random, 0.6);
    uint32_t tint = stranger_colour(random);
    for (int i = 0; i < count; i++) {
        double r = w * least / sqrt(random_unit(random) + 0.002), cx = w * random_unit(random),
               cy = h * random_unit(random), rgb[3], squeeze = pick_between(random, 0.4, 1.6);
        uint32_t colour = colour_blend(stranger_colour(random), tint, pick_between(random, 0, 0.8));
        channels(colour, rgb);
        double slope = pick_between(random, -40, 40), grain = pick_between(random, 0, 50);
        size_t top = (size_t)fmax(0, floor(cy - r * squeeze)), left = (size_t)fmax(0, floor(cx - r));
        for (size_t y = top; (double)y < fmin(h, cy + r * squeeze); y++)
            for (size_t x = left; (double)x < fmin(w, cx + r); x++) {
                double dx = ((double)x - cx) / r, dy = ((double)y - cy) / (r * squeeze);
                if (round && dx * dx + dy * dy > 1) continue;
                size_t at = y * image->width + x;
                for (size_t c = 0; c < 3; c++)
                    image->rgb[3 * at + c] = byte(rgb[c] + slope * dy + grain * (double)noise[at]);
            }
    }
}

int stranger_fill_field(struct image *image, struct random *random, struct error *error) {
    size_t w = image->width, h = image->height;
    float *planes = memory_new(w * h, 3 * sizeof *planes, "picture", error);
    if (!planes) return -1;
    memset(planes, 0, w * h * 3 * sizeof *planes);
    int result = 0;
    for (size_t k = 0; result == 0 && k < 3; k++)
        result = make_noise(planes + k * w * h, w, h, random, error);
    double from[3], to[3], other[3], contrast = pick_between(random, 0.2, 1.2),
                                     colour = pick_between(random, 0, 0.5);
    channels(stranger_colour(random), from);
    channels(stranger_colour(random), to);
    channels(stranger_colour(random), other);
    // Some have a horizon: another surface below.
    double horizon = pick_chance(random, 0.5) ? pick_between(random, 0.2, 0.8) : 2,
           wave = pick_between(random, 0, 0.3), sky = pick_between(random, 0, 0.5);
    for (size_t i = 0; result == 0 && i < w * h; i++) {
        size_t row = i / w;
        double y = (double)row / (double)h, a = (double)planes[i], b = (double)planes[w * h + i],
               c = (double)planes[2 * w * h + i];
        bool above = y < horizon + wave * b;
        double strength = horizon < 1 && above ? contrast * sky : contrast;
        for (size_t k = 0; k < 3; k++) {
            double base =
                above ? from[k] + (to[k] - from[k]) * fmin(fmax(0.5 + 0.6 * b, 0), 1) * sky * 2 : other[k];
            image->rgb[3 * i + k] = byte(base + strength * 128 *
                                                    (a + colour * (k == 0   ? b
                                                                   : k == 2 ? c
                                                                            : 0)));
        }
    }
    if (result == 0 && pick_chance(random, 0.4)) leaves(image, planes, random);
    free(planes);
    return result;
}
