// Boxes, poles and bicycles of the street, and what rises behind its roofs. Frames of height 1, y up.
#include "postcards/draw.h"

static void phone_box(struct canvas *c) {
    draw_box(c, -0.2, 0, 0.4, 0.9, 0xc81e24);
    draw_dome(c, 0, 0.9, 0.2, 0.1, 0xc81e24);
    canvas_detail(c, true);
    draw_box(c, -0.14, 0.08, 0.28, 0.68, 0xd8e4e8);
    for (int i = 1; i < 6; i++) draw_box(c, -0.14, 0.06 + 0.115 * i, 0.28, 0.03, 0xc81e24);
    for (int i = 0; i < 2; i++) draw_box(c, -0.065 + 0.1 * i, 0.08, 0.025, 0.68, 0xc81e24);
    draw_box(c, -0.16, 0.8, 0.32, 0.07, 0xfaf6ea);
}

static void post_box(struct canvas *c, uint32_t colour, bool round) {
    if (round) {
        draw_box(c, -0.22, 0, 0.44, 0.06, 0x202226);
        draw_box(c, -0.19, 0.06, 0.38, 0.76, colour);
        draw_dome(c, 0, 0.86, 0.23, 0.14, colour);
        draw_box(c, -0.24, 0.8, 0.48, 0.07, colour_shade(colour, 0.85));
    } else {
        draw_box(c, -0.2, 0, 0.08, 0.3, 0x404448);
        draw_box(c, 0.12, 0, 0.08, 0.3, 0x404448);
        draw_box(c, -0.28, 0.26, 0.56, 0.56, colour);
        draw_dome(c, 0, 0.82, 0.28, 0.18, colour);
    }
    canvas_detail(c, true);
    draw_box(c, -0.13, 0.68, 0.26, 0.05, 0x14161a);
    draw_box(c, -0.11, 0.42, 0.22, 0.18, 0xf6f4ec);
}

static void hydrant(struct canvas *c) {
    uint32_t red = 0xd8301e;
    draw_box(c, -0.26, 0, 0.52, 0.1, red);
    draw_box(c, -0.18, 0.1, 0.36, 0.62, red);
    draw_dome(c, 0, 0.72, 0.22, 0.2, red);
    draw_box(c, -0.06, 0.9, 0.12, 0.1, red);
    draw_box(c, -0.34, 0.42, 0.68, 0.18, red);
    canvas_detail(c, true);
    draw_disc(c, 0, 0.5, 0.1, 0xf0d060);
    draw_box(c, -0.22, 0.68, 0.44, 0.05, 0xf0d060);
}

static void vending(struct canvas *c) {
    draw_box(c, -0.28, 0, 0.56, 1, 0xe6e8ea);
    canvas_detail(c, true);
    draw_box(c, -0.28, 0.86, 0.56, 0.14, 0xd0242c);
    static const uint32_t cans[] = {0xe03a3a, 0x2f7fd0, 0x3fae5a, 0xf2b020, 0x6a4a30};
    canvas_glow(c, true);
    draw_box(c, -0.23, 0.36, 0.46, 0.47, 0xf6fafc);
    for (int r = 0; r < 3; r++)
        for (int i = 0; i < 5; i++)
            draw_box(c, -0.21 + 0.088 * i, 0.39 + 0.15 * r, 0.06, 0.1, cans[(i + 2 * r) % 5]);
    canvas_glow(c, false);
    draw_box(c, -0.2, 0.08, 0.4, 0.12, 0x26282c);
}

static void wire_poles(struct canvas *c) {
    draw_box(c, -0.022, 0, 0.044, 1, 0x75706a);
    for (int i = 0; i < 3; i++) draw_box(c, -0.2, 0.72 + 0.1 * i, 0.4, 0.025, 0x55504a);
    draw_box(c, 0.03, 0.58, 0.09, 0.14, 0x8a8e92);
    for (int i = 0; i < 5; i++) {
        double x = -0.18 + 0.09 * i, y = 0.75 + 0.1 * (i % 3);
        draw_curve(c, (double[8]){x, y, x + 0.5, y - 0.12, x + 1.2, y - 0.12, x + 2.4, y + 0.1}, 0.014,
                   0x1c1e20);
        draw_curve(c, (double[8]){x, y, x - 0.5, y - 0.12, x - 1.2, y - 0.12, x - 2.4, y + 0.1}, 0.014,
                   0x1c1e20);
    }
}

static void ring(struct canvas *c, double x, double y, double r) {
    for (int i = 0; i < 4; i++) { // a circle of four cubics
        static const double s[5] = {1, 0, -1, 0, 1}, t[5] = {0, 1, 0, -1, 0};
        double k = 0.5523;
        draw_curve(c,
                   (double[8]){x + r * s[i], y + r * t[i], x + r * (s[i] + k * s[i + 1]),
                               y + r * (t[i] + k * t[i + 1]), x + r * (s[i + 1] + k * s[i]),
                               y + r * (t[i + 1] + k * t[i]), x + r * s[i + 1], y + r * t[i + 1]},
                   r * 0.2, 0x16181a);
    }
}

static void bicycles(struct canvas *c, struct random *random) {
    static const uint32_t colours[] = {0x1c1e22, 0x1f5f9a, 0xb02a2a, 0x2f7a4a};
    for (int n = 0; n < 3; n++) {
        double x = -1.5 + 1.5 * n;
        uint32_t frame = colours[pick_one(random, 4)];
        ring(c, x - 0.45, 0.34, 0.32);
        ring(c, x + 0.45, 0.34, 0.32);
        draw_line(c, x - 0.45, 0.34, x - 0.12, 0.8, 0.07, frame);
        draw_line(c, x - 0.15, 0.72, x + 0.32, 0.78, 0.07, frame);
        draw_line(c, x - 0.05, 0.32, x + 0.3, 0.76, 0.07, frame);
        draw_line(c, x + 0.45, 0.34, x + 0.3, 0.98, 0.07, frame);
        draw_line(c, x - 0.45, 0.34, x - 0.02, 0.32, 0.07, frame);
        draw_box(c, x - 0.24, 0.8, 0.26, 0.07, 0x16181a);
        draw_box(c, x + 0.18, 0.93, 0.26, 0.06, 0x16181a);
    }
}

void draw_furniture(struct canvas *canvas, enum thing thing, double x, double y, double size,
                    struct random *random) {
    canvas_enter(canvas, x, y, size);
    switch ((int)thing) {
    case THING_PHONE_BOX:
        phone_box(canvas);
        break;
    case THING_POST_RED:
        post_box(canvas, 0xd02028, true);
        break;
    case THING_POST_YELLOW:
        post_box(canvas, 0xf8c818, false);
        break;
    case THING_POST_BLUE:
        post_box(canvas, 0x1f4fa8, false);
        break;
    case THING_POST_GREEN:
        post_box(canvas, 0x1f7a44, true);
        break;
    case THING_POST_ORANGE:
        post_box(canvas, 0xf07818, false);
        break;
    case THING_HYDRANT:
        hydrant(canvas);
        break;
    case THING_VENDING:
        vending(canvas);
        break;
    case THING_WIRE_POLES:
        wire_poles(canvas);
        break;
    default:
        bicycles(canvas, random);
        break;
    }
    canvas_leave(canvas);
    canvas_detail(canvas, false);
}

static void minaret(struct canvas *c) {
    draw_box(c, -0.06, 0, 0.12, 0.62, 0xe4dcc8);
    draw_box(c, -0.1, 0.6, 0.2, 0.05, 0xc8bda4);
    draw_box(c, -0.045, 0.64, 0.09, 0.16, 0xe4dcc8);
    draw_box(c, -0.07, 0.78, 0.14, 0.03, 0xc8bda4);
    draw_taper(c, 0, 0.81, 0.09, 0.97, 0.005, 0x6f8088);
    draw_disc(c, 0, 0.98, 0.02, 0xe0b83a);
    draw_box(c, 0.06, 0, 0.4, 0.2, 0xd8cfba);
    draw_dome(c, 0.27, 0.2, 0.17, 0.19, 0xa8b4b8);
}

static void torii(struct canvas *c) {
    uint32_t red = 0xdf4a26;
    draw_taper(c, -0.36, 0, 0.11, 0.85, 0.09, red);
    draw_taper(c, 0.36, 0, 0.11, 0.85, 0.09, red);
    draw_box(c, -0.5, 0.62, 1, 0.08, red);
    DRAW_POLYGON(c, red, -0.62, 0.92, -0.55, 0.82, 0.55, 0.82, 0.62, 0.92);
    DRAW_POLYGON(c, 0x1c1e22, -0.66, 0.98, -0.62, 0.9, 0, 0.88, 0.62, 0.9, 0.66, 0.98, 0, 0.94);
    draw_box(c, -0.05, 0.68, 0.1, 0.15, 0x1c1e22);
}

static void onions(struct canvas *c) {
    static const double x[] = {-0.34, 0.34, 0}, top[] = {0.42, 0.42, 0.56};
    draw_box(c, -0.48, 0, 0.96, 0.3, 0xf6f4ee);
    for (int i = 0; i < 3; i++) {
        double r = i == 2 ? 0.17 : 0.12;
        draw_box(c, x[i] - r * 0.7, 0.25, r * 1.4, top[i] - 0.25, 0xf2f0ea);
        draw_onion(c, x[i], top[i], r, r * 2.2, i == 2 ? 0xe8b82a : 0x2f6fb8);
    }
    draw_line(c, 0, 0.9, 0, 1, 0.025, 0xe8b82a);
    canvas_detail(c, true);
    for (int i = 0; i < 4; i++) draw_arch(c, -0.4 + 0.22 * i, 0.04, 0.1, 0.18, 0x6a7480);
}

static void windmill(struct canvas *c) {
    draw_taper(c, 0, 0, 0.44, 0.55, 0.26, 0x6a4632);
    draw_box(c, -0.28, 0.22, 0.56, 0.04, 0xe8e4da);
    draw_dome(c, 0, 0.55, 0.15, 0.16, 0x3a3430);
    static const double tips[4][2] = {{0.36, 0.92}, {-0.36, 0.36}, {-0.28, 0.98}, {0.28, 0.3}};
    for (int i = 0; i < 4; i++) {
        draw_line(c, 0, 0.64, tips[i][0], tips[i][1], 0.075, 0xf4f0e4);
        draw_line(c, 0, 0.64, tips[i][0], tips[i][1], 0.02, 0x8a3a2c);
    }
}

static void steeple(struct canvas *c) {
    draw_box(c, -0.1, 0, 0.2, 0.5, 0xb0a894);
    draw_taper(c, 0, 0.5, 0.22, 0.96, 0.005, 0x5a6a6a);
    draw_box(c, 0.1, 0, 0.42, 0.24, 0xb8b09c);
    draw_taper(c, 0.31, 0.24, 0.46, 0.36, 0.3, 0x5a5a60);
    draw_line(c, 0, 0.94, 0, 1, 0.02, 0xd8b040);
    canvas_detail(c, true);
    draw_arch(c, -0.04, 0.3, 0.08, 0.14, 0x3a3a38);
    for (int i = 0; i < 3; i++) draw_arch(c, 0.15 + 0.12 * i, 0.04, 0.06, 0.14, 0x3a3a38);
}

static void temple_roof(struct canvas *c) {
    draw_box(c, -0.4, 0, 0.8, 0.34, 0xf6f2ea);
    for (int i = 0; i < 3; i++) {
        double y = 0.3 + 0.18 * i, w = 0.56 - 0.13 * i;
        DRAW_POLYGON(c, 0xf0b822, -w - 0.06, y - 0.02, 0, y + 0.36, w + 0.06, y - 0.02);
        DRAW_POLYGON(c, i % 2 ? 0x2f7a4a : 0xc04a2c, -w, y, 0, y + 0.3, w, y);
    }
    draw_line(c, 0, 0.95, 0, 1, 0.03, 0xf0b822);
    canvas_detail(c, true);
    for (int i = 0; i < 4; i++) draw_box(c, -0.33 + 0.19 * i, 0, 0.09, 0.26, 0xa8342c);
}

static void round_church(struct canvas *c) {
    draw_box(c, -0.36, 0, 0.72, 0.4, 0xcdb48c);
    draw_taper(c, 0, 0.4, 0.76, 0.5, 0.4, 0x8a7f78);
    draw_box(c, -0.16, 0.46, 0.32, 0.24, 0xd6be98);
    draw_taper(c, 0, 0.68, 0.38, 0.96, 0.01, 0x7f8a90);
    draw_line(c, 0, 0.94, 0, 1, 0.02, 0xe0c060);
    canvas_detail(c, true);
    for (int i = 0; i < 3; i++) draw_arch(c, -0.11 + 0.09 * i, 0.5, 0.04, 0.15, 0x4a3e30);
    draw_arch(c, -0.06, 0, 0.12, 0.22, 0x4a3e30);
}

void draw_skyline(struct canvas *canvas, enum thing thing, double x, double y, double size) {
    canvas_enter(canvas, x, y, size);
    switch ((int)thing) {
    case THING_MINARET:
        minaret(canvas);
        break;
    case THING_TORII:
        torii(canvas);
        break;
    case THING_ONIONS:
        onions(canvas);
        break;
    case THING_WINDMILL:
        windmill(canvas);
        break;
    case THING_STEEPLE:
        steeple(canvas);
        break;
    case THING_TEMPLE_ROOF:
        temple_roof(canvas);
        break;
    default:
        round_church(canvas);
        break;
    }
    canvas_leave(canvas);
    canvas_detail(canvas, false);
}
