#include "postcards/film.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Gain, a slight colour cast and noise in one pass. The noise is the sum of two uniform numbers, from the
// card's stream.
static void develop(struct image *image, const double gain[3], int noise, struct random *random) {
    uint8_t table[3][256];
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 256; i++) table[c][i] = (uint8_t)fmin(fmax(i * gain[c] + 0.5, 0), 255);
    size_t count = image->width * image->height * 3;
    uint32_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        int value = table[i % 3][image->rgb[i]];
        if (noise > 0) {
            if (i % 2 == 0) bits = random_u32(random);
            int a = (int)(bits & 255), b = (int)(bits >> 8 & 255);
            bits >>= 16;
            value += (a + b - 255) * noise / 255;
            value = value < 0 ? 0 : value > 255 ? 255 : value;
        }
        image->rgb[i] = (uint8_t)value;
    }
}

// A (1, weight, 1) filter along one direction; step is the distance of neighbours in bytes.
static void soften(uint8_t *line, size_t count, size_t step, int weight) {
    uint8_t before = line[0];
    for (size_t i = 1; i + 1 < count; i++) {
        uint8_t *at = line + i * step, here = *at;
        *at = (uint8_t)((before + weight * here + at[step]) / (weight + 2));
        before = here;
    }
}

static void blur(struct image *image, int weight) {
    for (size_t y = 0; y < image->height; y++)
        for (size_t c = 0; c < 3; c++) soften(image->rgb + y * image->width * 3 + c, image->width, 3, weight);
    for (size_t x = 0; x < image->width * 3; x++)
        soften(image->rgb + x, image->height, image->width * 3, weight);
}

void film_expose(struct image *image, enum difficulty difficulty, struct random *random) {
    static const double contrast[DIFFICULTIES] = {0.06, 0.1, 0.16};
    static const int grain[DIFFICULTIES] = {5, 10, 18};
    static const double soft[DIFFICULTIES] = {0.1, 0.25, 0.4};
    double gain[3], level = 1 + pick_between(random, -1, 1) * contrast[difficulty];
    for (int i = 0; i < 3; i++) gain[i] = level * (1 + pick_between(random, -0.04, 0.04));
    int weight = 3 + pick_one(random, 6);
    if (pick_chance(random, soft[difficulty])) blur(image, weight);
    develop(image, gain, pick_one(random, grain[difficulty] + 1), random);
}
