#include "postcards/draw.h"

// x of a point of the road at height y; `across` is -1 at its left edge and +1 at its right one.
static double along(const struct road *road, double across, double y) {
    double depth = (y - road->horizon) / (CANVAS_HEIGHT - road->horizon);
    double foot = CANVAS_WIDTH / 2.0;
    return road->x + (foot + across * road->half - road->x) * depth;
}

// A strip of the road between two fractions of its width, from y0 down to y1.
static void strip(struct canvas *canvas, const struct road *road, double from, double to, double y0,
                  double y1, uint32_t colour) {
    DRAW_POLYGON(canvas, colour, along(road, from, y0), y0, along(road, to, y0), y0, along(road, to, y1), y1,
                 along(road, from, y1), y1);
}

void draw_road(struct canvas *canvas, const struct road *road, bool snow) {
    uint32_t asphalt = snow ? 0x8d9096 : 0x5d6064, pavement = snow ? 0xe8ebee : 0xb3afa6;
    if (road->across) {
        draw_box(canvas, 0, road->top - 7, CANVAS_WIDTH, 8, pavement);
        draw_gradient(canvas, 0, road->top, CANVAS_WIDTH, road->bottom - road->top,
                      colour_shade(asphalt, 1.1), asphalt);
        draw_box(canvas, 0, road->bottom, CANVAS_WIDTH, CANVAS_HEIGHT - road->bottom,
                 colour_shade(pavement, 0.95));
        return;
    }
    strip(canvas, road, -1.5, 1.5, road->horizon, CANVAS_HEIGHT, pavement);
    strip(canvas, road, -1, 1, road->horizon, CANVAS_HEIGHT, asphalt);
}

static void edges(struct canvas *canvas, const struct road *road, double inset, double width,
                  uint32_t colour) {
    if (road->across) {
        double h = (road->bottom - road->top) * width / 2;
        draw_box(canvas, 0, road->top + h * (1 + inset * 10), CANVAS_WIDTH, h, colour);
        draw_box(canvas, 0, road->bottom - h * (2 + inset * 10), CANVAS_WIDTH, h, colour);
        return;
    }
    strip(canvas, road, -1 + inset, -1 + inset + width, road->horizon + 2, CANVAS_HEIGHT, colour);
    strip(canvas, road, 1 - inset - width, 1 - inset, road->horizon + 2, CANVAS_HEIGHT, colour);
}

static void centre(struct canvas *canvas, const struct road *road, uint32_t colour, bool dashed) {
    if (road->across) {
        double y = (road->top + road->bottom) / 2 - 1.2;
        for (int i = 0; i < (dashed ? 8 : 1); i++)
            draw_box(canvas, dashed ? 4 + 28 * i : 0, y, dashed ? 16 : CANVAS_WIDTH, 2.6, colour);
        return;
    }
    if (!dashed) {
        strip(canvas, road, -0.05, -0.015, road->horizon + 3, CANVAS_HEIGHT, colour);
        strip(canvas, road, 0.015, 0.05, road->horizon + 3, CANVAS_HEIGHT, colour);
        return;
    }
    double depth = CANVAS_HEIGHT - road->horizon;
    double z = 1.05; // dashes of equal length on the ground shorten with distance
    for (int i = 0; i < 6; i++) {
        double near = road->horizon + depth / z, far = road->horizon + depth / (z * 1.25);
        strip(canvas, road, -0.04, 0.04, far, near, colour);
        z *= 1.45;
    }
}

static void kerb(struct canvas *canvas, const struct road *road, uint32_t colour) {
    if (road->across) {
        draw_box(canvas, 0, road->top - 4, CANVAS_WIDTH, 4, 0xf2f2ee);
        for (int i = 0; i < 12; i++) draw_box(canvas, 20 * i, road->top - 4, 10, 4, colour);
        return;
    }
    double depth = CANVAS_HEIGHT - road->horizon;
    strip(canvas, road, -1.1, -1, road->horizon + 4, CANVAS_HEIGHT, 0xf2f2ee);
    strip(canvas, road, 1, 1.1, road->horizon + 4, CANVAS_HEIGHT, 0xf2f2ee);
    double z = 1;
    for (int i = 0; i < 8; i++) {
        double near = road->horizon + depth / z, far = road->horizon + depth / (z * 1.14);
        strip(canvas, road, -1.1, -1, far, near, colour);
        strip(canvas, road, 1, 1.1, far, near, colour);
        z *= 1.3;
    }
}

void draw_road_lines(struct canvas *canvas, const struct road *road, enum thing lines,
                     struct random *random) {
    switch ((int)lines) {
    case THING_LINE_WHITE:
        centre(canvas, road, 0xf4f4f0, true);
        break;
    case THING_LINE_YELLOW:
        centre(canvas, road, 0xf2bd1e, pick_chance(random, 0.3));
        break;
    case THING_EDGE_YELLOW:
        edges(canvas, road, 0.03, 0.06, 0xf2bd1e);
        break;
    case THING_DOUBLE_YELLOW:
        edges(canvas, road, 0.03, 0.035, 0xf0c020);
        edges(canvas, road, 0.1, 0.035, 0xf0c020);
        break;
    case THING_KERB_BLACK:
        kerb(canvas, road, 0x1a1a1a);
        break;
    case THING_KERB_RED:
        kerb(canvas, road, 0xd2302a);
        break;
    default:
        break;
    }
}
