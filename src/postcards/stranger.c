#include "postcards/stranger.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "postcards/card.h"
#include "postcards/film.h"
#include "postcards/stranger_internal.h"

enum { PURPOSE_KIND = 101, PURPOSE_PICTURE };

static const struct {
    const char *name;
    double odds;
} kinds[STRANGERS] = {{"scenes", 0.42},   {"objects", 0.09},      {"shapes", 0.06},  {"pages", 0.03},
                      {"charts", 0.03},   {"maps", 0.05},         {"screens", 0.04}, {"fields", 0.1},
                      {"patterns", 0.03}, {"altered cards", 0.15}};

const char *stranger_name(enum stranger kind) {
    return kind < STRANGERS ? kinds[kind].name : "unknown";
}

static void stream(struct random *random, uint64_t seed, uint64_t index, int purpose) {
    random_start(random, seed, UINT64_C(1) << 63 | (uint64_t)purpose << 56 | index);
}

enum stranger stranger_kind(uint64_t seed, uint64_t index) {
    struct random random;
    stream(&random, seed, index, PURPOSE_KIND);
    double draw = random_unit(&random);
    for (int k = 0; k + 1 < STRANGERS; k++) {
        if (draw < kinds[k].odds) return (enum stranger)k;
        draw -= kinds[k].odds;
    }
    return STRANGER_CARD;
}

// ---- what the painters share ----

uint32_t stranger_colour(struct random *random) {
    double hue = 6 * random_unit(random), value = pick_between(random, 0.08, 1),
           strength = random_unit(random);
    if (pick_chance(random, 0.6)) strength *= strength;
    uint32_t colour = 0;
    for (int c = 0; c < 3; c++) {
        double at = fmod(hue + 2 * c, 6), part = fmin(fmax(fabs(at - 3) - 1, 0), 1);
        colour = colour << 8 | (uint32_t)(255 * value * (1 - strength + strength * part) + 0.5);
    }
    return colour;
}

uint32_t stranger_near(struct random *random, uint32_t colour) {
    return colour_shade(colour_blend(colour, stranger_colour(random), pick_between(random, 0, 0.2)),
                        pick_between(random, 0.85, 1.15));
}

void stranger_words(struct random *random, char *words, size_t size) {
    size_t length = 2 + (size_t)pick_one(random, (int)size - 3);
    int first = pick_chance(random, 0.5) ? 'A' : 'a';
    for (size_t i = 0; i < length; i++) words[i] = (char)(first + pick_one(random, 26));
    words[length] = 0;
}

// ---- cards that were taken apart ----

static const uint8_t *pixel(const struct image *image, size_t x, size_t y) {
    return image->rgb + 3 * (y * image->width + x);
}

// On its head, or a quarter turn: the picture keeps its frame, what is in it is squeezed.
static void turn(struct image *out, const struct image *in, int quarters) {
    for (size_t y = 0; y < out->height; y++)
        for (size_t x = 0; x < out->width; x++) {
            double u = ((double)x + 0.5) / (double)out->width, v = ((double)y + 0.5) / (double)out->height;
            double su = quarters == 1   ? v
                        : quarters == 2 ? 1 - u
                        : quarters == 3 ? 1 - v
                                        : u,
                   sv = quarters == 1   ? 1 - u
                        : quarters == 3 ? u
                                        : 1 - v;
            memcpy(out->rgb + 3 * (y * out->width + x),
                   pixel(in, (size_t)(su * (double)in->width), (size_t)(sv * (double)in->height)), 3);
        }
}

// Its tiles in another order.
static void shuffle(struct image *out, const struct image *in, struct random *random) {
    size_t across = 2 + (size_t)pick_one(random, 3), down = 2 + (size_t)pick_one(random, 3), order[16];
    for (size_t i = 0; i < across * down; i++) {
        size_t k = (size_t)pick_one(random, (int)i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    size_t w = in->width / across, h = in->height / down;
    memcpy(out->rgb, in->rgb, 3 * in->width * in->height);
    for (size_t i = 0; i < across * down; i++)
        for (size_t y = 0; y < h; y++)
            memcpy(out->rgb + 3 * ((i / across * h + y) * in->width + i % across * w),
                   pixel(in, order[i] % across * w, order[i] / across * h + y), 3 * w);
}

// Beside each other, one in the other, or both at once.
static void join(struct image *out, const struct image *in, const struct image *other,
                 struct random *random) {
    int how = pick_one(random, 4);
    size_t w = in->width, h = in->height, cut_x = w / 4 + (size_t)pick_one(random, (int)w / 2),
           cut_y = h / 4 + (size_t)pick_one(random, (int)h / 2);
    size_t scale = 2 + (size_t)pick_one(random, 2);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            uint8_t *to = out->rgb + 3 * (y * w + x);
            const uint8_t *a = pixel(in, x, y), *b = pixel(other, x, y);
            if (how == 0) a = x < cut_x ? a : b;
            if (how == 1) a = y < cut_y ? a : b;
            if (how == 2)
                a = pixel((x / (w / scale) + y / (h / scale)) % 2 ? in : other, x * scale % w, y * scale % h);
            for (size_t c = 0; c < 3; c++) to[c] = how == 3 ? (uint8_t)((a[c] + b[c]) / 2) : a[c];
        }
}

// Channels exchanged, negative, few steps, or its outlines alone.
static void recolour(struct image *out, const struct image *in, struct random *random) {
    static const size_t orders[5][3] = {{1, 2, 0}, {2, 0, 1}, {2, 1, 0}, {1, 0, 2}, {0, 2, 1}};
    const size_t *order = orders[pick_one(random, 5)], w = in->width;
    int how = pick_one(random, 4);
    for (size_t i = 0; i < w * in->height; i++)
        for (size_t c = 0; c < 3; c++) {
            int value = in->rgb[3 * i + (how == 0 ? order[c] : c)];
            if (how == 1) value = 255 - value;
            if (how == 2) value = value / 64 * 85;
            if (how == 3)
                value = 255 - (i % w && i >= w ? 4 * abs(value - in->rgb[3 * (i - 1) + c]) +
                                                     4 * abs(value - in->rgb[3 * (i - w) + c])
                                               : 0);
            out->rgb[3 * i + c] = (uint8_t)(value < 0 ? 0 : value);
        }
}

// Bent along a wave.
static void bend(struct image *out, const struct image *in, struct random *random) {
    double depth = pick_between(random, 0.03, 0.1) * (double)in->width,
           length = pick_between(random, 10, 60) * (double)in->width / 224,
           phase = pick_between(random, 0, 6.28);
    for (size_t y = 0; y < in->height; y++)
        for (size_t x = 0; x < in->width; x++) {
            double sx = (double)x + depth * sin((double)y / length + phase),
                   sy = (double)y + depth * cos((double)x / length + phase);
            memcpy(out->rgb + 3 * (y * in->width + x),
                   pixel(in, (size_t)fmin(fmax(sx, 0), (double)in->width - 1),
                         (size_t)fmin(fmax(sy, 0), (double)in->height - 1)),
                   3);
        }
}

static int alter_card(struct image *image, struct canvas *canvas, uint64_t seed, uint64_t index,
                      struct random *random, struct error *error) {
    const struct card_order order = {
        .seed = seed % CARD_MOST_SEED, .split = SPLIT_TEST, .difficulty = DIFFICULTY_MIXED};
    struct card card, other;
    if (card_make(&card, canvas, &order, 2 * (index % (CARD_MOST_INDEX / 2)), error)) return -1;
    int result = card_make(&other, canvas, &order, 2 * (index % (CARD_MOST_INDEX / 2)) + 1, error);
    if (result == 0) result = image_new(image, card.image.width, card.image.height, error);
    if (result == 0) switch (pick_one(random, 7)) {
        case 0:
        case 1:
            turn(image, &card.image, 1 + pick_one(random, 4));
            break;
        case 2:
            shuffle(image, &card.image, random);
            break;
        case 3:
        case 4:
            join(image, &card.image, &other.image, random);
            break;
        case 5:
            recolour(image, &card.image, random);
            break;
        default:
            bend(image, &card.image, random);
        }
    card_free(&card);
    if (result == 0 || other.image.rgb) card_free(&other);
    return result;
}

// ---- pictures ----

static int draw(struct image *image, struct canvas *canvas, enum stranger kind, struct random *random,
                struct error *error) {
    static void (*const painters[STRANGERS])(struct canvas *, struct random *) = {
        [STRANGER_SCENE] = stranger_draw_scene,   [STRANGER_OBJECT] = stranger_draw_object,
        [STRANGER_SHAPES] = stranger_draw_shapes, [STRANGER_PAGE] = stranger_draw_page,
        [STRANGER_CHART] = stranger_draw_chart,   [STRANGER_MAP] = stranger_draw_map,
        [STRANGER_SCREEN] = stranger_draw_screen, [STRANGER_PATTERN] = stranger_draw_pattern};
    static const double lights[4][3] = {{1, 1, 1}, {0.86, 0.88, 0.9}, {1, 0.84, 0.7}, {0.5, 0.53, 0.68}};
    canvas_clear(canvas);
    if (kind == STRANGER_SCENE && pick_chance(random, 0.5)) { // the light of a card
        const double *light = lights[pick_one(random, 4)];
        canvas_light(canvas, light[0], light[1], light[2]);
        canvas_haze(canvas, stranger_colour(random), pick_between(random, 0, 0.25));
    }
    if (painters[kind]) painters[kind](canvas, random);
    if (canvas_copy(canvas, image, error)) return -1;
    return kind == STRANGER_FIELD ? stranger_fill_field(image, random, error) : 0;
}

int stranger_make(struct image *image, struct canvas *canvas, uint64_t seed, uint64_t index,
                  struct error *error) {
    enum stranger kind = stranger_kind(seed, index);
    struct random random;
    *image = (struct image){0};
    stream(&random, seed, index, PURPOSE_PICTURE);
    int result = kind == STRANGER_CARD ? alter_card(image, canvas, seed, index, &random, error)
                                       : draw(image, canvas, kind, &random, error);
    if (result == 0 && kind != STRANGER_CARD && pick_chance(&random, 0.75))
        film_expose(image, (enum difficulty)pick_one(&random, DIFFICULTIES), &random);
    if (result) image_free(image);
    return result;
}
