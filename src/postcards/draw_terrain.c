#include "postcards/draw.h"

#include <math.h>

enum { RIDGE = 30 };

// A ridge over the whole width: heights are a few sine waves, so that it looks neither flat nor regular.
static void ridge(struct canvas *canvas, double base, double low, double high, double sharp, uint32_t colour,
                  uint32_t caps, struct random *random) {
    double p[2 * (RIDGE + 3)], phase[3];
    for (int i = 0; i < 3; i++) phase[i] = pick_between(random, 0, 6.28);
    p[0] = -2, p[1] = base + 1;
    for (int i = 0; i <= RIDGE; i++) {
        double t = i / (double)RIDGE;
        double wave =
            sin(t * 5 + phase[0]) * 0.5 + sin(t * 13 + phase[1]) * 0.3 + sin(t * 29 + phase[2]) * 0.2;
        double jag = sharp > 0 ? (i % 2 ? sharp : -sharp) * random_unit(random) : 0;
        double height = low + (high - low) * fmin(fmax(0.5 + 0.5 * wave + jag, 0), 1);
        p[2 * (i + 1)] = t * (CANVAS_WIDTH + 4) - 2;
        p[2 * (i + 1) + 1] = base - height;
    }
    p[2 * (RIDGE + 2)] = CANVAS_WIDTH + 2, p[2 * (RIDGE + 2) + 1] = base + 1;
    draw_polygon(canvas, colour, p, RIDGE + 3);
    if (!caps) return;
    for (int i = 1; i < RIDGE; i++) {
        double *q = &p[2 * (i + 1)];
        if (q[1] > q[-1] || q[1] > q[3]) continue; // not a peak
        DRAW_POLYGON(canvas, caps, q[0], q[1], q[0] + (q[2] - q[0]) * 0.6, q[1] + (q[3] - q[1]) * 0.6,
                     q[0] + 1, q[1] + 5, q[0] - 2, q[1] + 4, q[0] + (q[-2] - q[0]) * 0.6,
                     q[1] + (q[-1] - q[1]) * 0.6);
    }
}

static void volcano(struct canvas *canvas, double base, struct random *random) {
    double x = pick_between(random, 60, 165), h = pick_between(random, 42, 58), w = h * 1.7;
    DRAW_POLYGON(canvas, 0x5c6f96, x - w, base + 1, x - w * 0.4, base - h * 0.45, x - w * 0.09, base - h,
                 x + w * 0.09, base - h, x + w * 0.4, base - h * 0.45, x + w, base + 1);
    canvas_detail(canvas, true);
    DRAW_POLYGON(canvas, 0xf6f8fc, x - w * 0.09, base - h, x + w * 0.09, base - h, x + w * 0.27,
                 base - h * 0.65, x + w * 0.16, base - h * 0.7, x + w * 0.06, base - h * 0.55, x - w * 0.05,
                 base - h * 0.7, x - w * 0.16, base - h * 0.56, x - w * 0.26, base - h * 0.66);
    canvas_detail(canvas, false);
}

void draw_backdrop(struct canvas *canvas, enum thing thing, double horizon, struct random *random) {
    switch ((int)thing) {
    case THING_MOUNTAINS:
        ridge(canvas, horizon, 20, pick_between(random, 38, 52), 0.5,
              colour_blend(0x5f6f86, 0x6f7668, random_unit(random)), 0xf2f5f8, random);
        break;
    case THING_HILLS:
        ridge(canvas, horizon, 10, pick_between(random, 22, 32), 0, 0x5f9150, 0, random);
        break;
    case THING_DUNES:
        ridge(canvas, horizon, 8, 24, 0, 0xe0b878, 0, random);
        ridge(canvas, horizon, 2, 14, 0, 0xd0a262, 0, random);
        break;
    case THING_VOLCANO:
        volcano(canvas, horizon, random);
        break;
    case THING_FIRS:
        ridge(canvas, horizon, 8, 16, 0.9, 0x2f5540, 0, random);
        break;
    default:
        ridge(canvas, horizon, 3, 9, 0.2, 0x74806e, 0, random);
        break; // a far town or wood: nothing
    }
}

void draw_water(struct canvas *canvas, enum thing thing, double top, double bottom, struct random *random) {
    uint32_t far = thing == THING_SEA ? 0x2f86c0 : thing == THING_CANAL ? 0x5d8f86 : 0x6f9fb4;
    uint32_t near = thing == THING_SEA ? 0x1f6aa6 : thing == THING_CANAL ? 0x3f6f68 : 0x4f8098;
    double mix = random_unit(random) * 0.4;
    draw_gradient(canvas, 0, top, CANVAS_WIDTH, bottom - top, colour_blend(far, 0xffffff, mix * 0.5),
                  colour_blend(near, 0x305060, mix));
    canvas_detail(canvas, true);
    int count = thing == THING_SEA ? 26 : 12;
    for (int i = 0; i < count; i++) {
        double t = random_unit(random), y = top + (bottom - top) * t * t, w = 4 + 14 * t,
               x = pick_between(random, -5, 220);
        draw_box(canvas, x, y, w, 0.6 + 0.7 * t,
                 colour_blend(near, 0xffffff, thing == THING_SEA ? 0.55 : 0.3));
    }
    canvas_detail(canvas, false);
}

void draw_ground(struct canvas *canvas, double top, uint32_t colour, struct random *random) {
    draw_gradient(canvas, 0, top, CANVAS_WIDTH, CANVAS_HEIGHT - top, colour_shade(colour, 1.12),
                  colour_shade(colour, 0.85));
    canvas_detail(canvas, true);
    for (int i = 0; i < 30; i++) {
        double y = pick_between(random, top, CANVAS_HEIGHT);
        draw_box(canvas, pick_between(random, -4, 222), y, pick_between(random, 2, 9), 0.8,
                 colour_shade(colour, pick_between(random, 0.8, 1.2)));
    }
    canvas_detail(canvas, false);
}
