// Famous silhouettes of European cities. Frame: base in the middle at (0, 0), height 1, y up.
#include "postcards/draw.h"

static void clock_face(struct canvas *c, double x, double y, double r) {
    draw_disc(c, x, y, r, 0x3a2c18);
    draw_disc(c, x, y, r * 0.85, 0xfaf6e0);
    draw_line(c, x, y, x, y + r * 0.65, r * 0.18, 0x202020);
    draw_line(c, x, y, x + r * 0.5, y, r * 0.18, 0x202020);
}

// A row of `count` arches from x to x + w.
static void arcade(struct canvas *c, double x, double y, double w, double h, int count, uint32_t colour) {
    double step = w / count;
    for (int i = 0; i < count; i++) draw_arch(c, x + step * (i + 0.2), y, step * 0.6, h, colour);
}

static void columns(struct canvas *c, double x, double y, double w, double h, int count, uint32_t colour) {
    double step = w / (count - 1);
    for (int i = 0; i < count; i++) draw_box(c, x + step * i - step * 0.18, y, step * 0.36, h, colour);
}

static void big_ben(struct canvas *c) {
    draw_box(c, -0.55, 0, 1.1, 0.2, 0xb99a5c);
    draw_box(c, -0.1, 0, 0.2, 0.72, 0xc9a961);
    draw_taper(c, 0, 0.72, 0.24, 0.8, 0.2, 0x5d6b62);
    draw_box(c, -0.07, 0.78, 0.14, 0.06, 0xd8b35a);
    draw_taper(c, 0, 0.84, 0.16, 1, 0.005, 0x4f6158);
    canvas_detail(c, true);
    for (int i = 0; i < 3; i++) draw_box(c, -0.07 + 0.055 * i, 0.03, 0.02, 0.5, 0x8f743c);
    for (int i = 0; i < 18; i++) draw_box(c, -0.53 + 0.06 * i, 0.03, 0.025, 0.13, 0x7d6636);
    draw_box(c, -0.1, 0.54, 0.2, 0.17, 0xa98842);
    clock_face(c, 0, 0.625, 0.08);
}

static void castle_rock(struct canvas *c) {
    DRAW_POLYGON(c, 0x4c4a44, -0.9, 0, -0.7, 0.3, -0.5, 0.42, -0.45, 0.6, 0.4, 0.62, 0.55, 0.35, 0.8, 0.2,
                 0.95, 0);
    draw_box(c, -0.42, 0.58, 0.78, 0.16, 0x8b8474);
    draw_box(c, -0.3, 0.7, 0.22, 0.18, 0x979080);
    draw_box(c, 0.02, 0.7, 0.14, 0.26, 0x89826f);
    draw_dome(c, -0.32, 0.58, 0.12, 0.25, 0x7f7868);
    for (int i = 0; i < 6; i++) draw_box(c, -0.41 + 0.13 * i, 0.74, 0.05, 0.04, 0x8b8474);
    for (int i = 0; i < 3; i++) draw_box(c, 0.025 + 0.05 * i, 0.96, 0.03, 0.04, 0x89826f);
    canvas_detail(c, true);
    for (int i = 0; i < 5; i++) draw_box(c, -0.27 + 0.12 * i, 0.64, 0.025, 0.05, 0x3a3832);
    DRAW_POLYGON(c, 0x3d3b36, -0.2, 0, -0.3, 0.5, -0.1, 0.55, 0.05, 0);
    DRAW_POLYGON(c, 0x5d6a45, -0.9, 0, -0.6, 0.12, 0, 0.05, 0.6, 0.14, 0.95, 0);
}

static void eiffel_tower(struct canvas *c) {
    uint32_t iron = 0x6d5238;
    DRAW_POLYGON(c, iron, -0.33, 0, -0.2, 0, -0.13, 0.16, 0.13, 0.16, 0.2, 0, 0.33, 0, 0.17, 0.3, 0.07, 0.6,
                 0.025, 0.92, -0.025, 0.92, -0.07, 0.6, -0.17, 0.3);
    draw_box(c, -0.21, 0.22, 0.42, 0.035, colour_shade(iron, 0.8));
    draw_box(c, -0.12, 0.42, 0.24, 0.03, colour_shade(iron, 0.8));
    draw_box(c, -0.035, 0.88, 0.07, 0.03, iron);
    draw_box(c, -0.008, 0.9, 0.016, 0.1, iron);
    canvas_detail(c, true);
    DRAW_POLYGON(c, colour_shade(iron, 1.5), -0.05, 0.27, -0.08, 0.4, 0.08, 0.4, 0.05, 0.27);
    for (int i = 0; i < 5; i++) {
        double y = 0.47 + 0.08 * i, w = 0.09 - 0.015 * i;
        draw_line(c, -w, y, w, y + 0.08, 0.012, colour_shade(iron, 1.5));
        draw_line(c, w, y, -w, y + 0.08, 0.012, colour_shade(iron, 1.5));
    }
}

static void hill_basilica(struct canvas *c) {
    DRAW_POLYGON(c, 0xb9ad93, -1, 0, -0.6, 0.25, -0.3, 0.42, 0.35, 0.42, 0.6, 0.28, 1, 0);
    draw_box(c, -0.25, 0.4, 0.55, 0.2, 0xefe6d0);
    draw_dome(c, 0.18, 0.6, 0.1, 0.12, 0xd9cfb8);
    draw_box(c, -0.22, 0.4, 0.16, 0.42, 0xefe6d0);
    draw_box(c, -0.18, 0.82, 0.08, 0.06, 0xe2d6ba);
    draw_taper(c, -0.14, 0.88, 0.05, 1, 0.02, 0xe8b923);
    canvas_detail(c, true);
    for (int i = 0; i < 4; i++) draw_box(c, -0.25, 0.42 + 0.05 * i, 0.55, 0.02, 0x6c6a64);
    for (int i = 0; i < 8; i++) draw_box(c, -0.22, 0.42 + 0.05 * i, 0.16, 0.02, 0x6c6a64);
    draw_arch(c, -0.18, 0.66, 0.08, 0.12, 0x4a4437);
    for (int i = 0; i < 7; i++) draw_disc(c, -0.8 + 0.27 * i, 0.06 + 0.05 * (i % 3), 0.06, 0x6f8352);
}

static void berlin_tower(struct canvas *c) {
    draw_taper(c, 0, 0, 0.1, 0.66, 0.05, 0xb9bdc2);
    draw_disc(c, 0, 0.68, 0.09, 0xc3c9d0);
    draw_box(c, -0.025, 0.76, 0.05, 0.06, 0x9aa0a8);
    for (int i = 0; i < 4; i++)
        draw_box(c, -0.014, 0.82 + 0.045 * i, 0.028, 0.045, i % 2 ? 0xf2f2f2 : 0xd8322c);
    draw_box(c, -0.006, 0.98, 0.012, 0.02, 0xd8322c);
    draw_box(c, -0.25, 0, 0.5, 0.05, 0x8c9096);
    canvas_detail(c, true);
    draw_box(c, -0.088, 0.665, 0.176, 0.025, 0x5b646e);
    draw_oval(c, -0.03, 0.71, 0.025, 0.02, 0xf4f7fa);
}

static void elbphilharmonie(struct canvas *c) {
    draw_box(c, -0.6, 0, 1.2, 0.38, 0x8c4a35);
    DRAW_POLYGON(c, 0x9fc4d8, -0.6, 0.42, -0.6, 1, -0.45, 0.86, -0.3, 0.8, -0.12, 0.92, 0.02, 0.76, 0.2, 0.7,
                 0.35, 0.84, 0.5, 0.66, 0.6, 0.74, 0.6, 0.42);
    draw_box(c, -0.57, 0.38, 1.14, 0.04, 0x3e4a52);
    canvas_detail(c, true);
    for (int r = 0; r < 4; r++)
        for (int i = 0; i < 14; i++) draw_box(c, -0.56 + 0.082 * i, 0.05 + 0.08 * r, 0.03, 0.04, 0x4d251b);
    for (int r = 0; r < 4; r++)
        for (int i = 0; i < 12; i++)
            draw_box(c, -0.57 + 0.097 * i, 0.46 + 0.065 * r, 0.06, 0.04, (i + r) % 3 ? 0xd5e8f0 : 0x6f9bb4);
}

static void colosseum(struct canvas *c) {
    DRAW_POLYGON(c, 0xcdb083, -0.85, 0, -0.85, 0.95, -0.1, 1, 0.15, 0.98, 0.2, 0.74, 0.55, 0.7, 0.85, 0.62,
                 0.9, 0);
    canvas_detail(c, true);
    draw_box(c, -0.85, 0.72, 1.03, 0.02, 0xa98b5c);
    for (int row = 0; row < 3; row++) {
        arcade(c, -0.84, 0.05 + 0.23 * row, row == 2 ? 1.5 : 1.7, 0.17, 13, 0x5f4a30);
        draw_box(c, -0.85, 0.02 + 0.23 * row, 1.73, 0.02, 0xe3cda2);
    }
    for (int i = 0; i < 8; i++) draw_box(c, -0.8 + 0.125 * i, 0.81, 0.05, 0.06, 0x5f4a30);
}

static void bell_tower(struct canvas *c) {
    draw_box(c, -0.12, 0, 0.24, 0.66, 0xb4573c);
    draw_box(c, -0.14, 0.66, 0.28, 0.12, 0xf1e8da);
    draw_box(c, -0.12, 0.78, 0.24, 0.05, 0xb4573c);
    draw_taper(c, 0, 0.83, 0.24, 1, 0.005, 0x5f9a82);
    draw_box(c, -0.75, 0, 0.55, 0.26, 0xefdcd0);
    for (int i = 0; i < 3; i++) draw_dome(c, -0.62 + 0.15 * i, 0.26, 0.075, 0.12, 0xa8a8a4);
    draw_box(c, 0.18, 0, 0.5, 0.2, 0xf0ccb8);
    canvas_detail(c, true);
    for (int i = 0; i < 4; i++) draw_box(c, -0.1 + 0.055 * i, 0.02, 0.012, 0.62, 0x8a3f2b);
    arcade(c, -0.12, 0.67, 0.24, 0.1, 4, 0x4a3a34);
    arcade(c, -0.75, 0, 0.55, 0.16, 5, 0x7a6250);
    arcade(c, 0.18, 0, 0.5, 0.1, 8, 0x7a5a4c);
}

static void sagrada_familia(struct canvas *c) {
    draw_box(c, -0.34, 0, 0.68, 0.32, 0xb79468);
    DRAW_POLYGON(c, 0xc4a273, -0.2, 0.3, 0, 0.55, 0.2, 0.3);
    static const double at[] = {-0.27, -0.12, 0.12, 0.27}, top[] = {0.82, 0.96, 0.96, 0.82};
    for (int i = 0; i < 4; i++) {
        DRAW_POLYGON(c, 0xb08c5e, at[i] - 0.065, 0, at[i] - 0.055, top[i] - 0.3, at[i] - 0.012, top[i] - 0.03,
                     at[i] + 0.012, top[i] - 0.03, at[i] + 0.055, top[i] - 0.3, at[i] + 0.065, 0);
        draw_disc(c, at[i], top[i] - 0.01, 0.025, 0xe2b54a);
    }
    draw_taper(c, 0, 0.3, 0.1, 1, 0.02, 0xc9ab80);
    canvas_detail(c, true);
    for (int i = 0; i < 4; i++)
        for (int r = 0; r < 6; r++) draw_box(c, at[i] - 0.02, 0.34 + 0.06 * r, 0.04, 0.025, 0x6b5030);
    arcade(c, -0.2, 0, 0.4, 0.22, 3, 0x4e3a22);
}

static void alcala_gate(struct canvas *c) {
    draw_box(c, -0.9, 0, 1.8, 0.62, 0xd9d2c4);
    draw_box(c, -0.45, 0.6, 0.9, 0.14, 0xe6e0d2);
    DRAW_POLYGON(c, 0xdcd5c6, -0.4, 0.74, -0.25, 0.9, 0.25, 0.9, 0.4, 0.74);
    draw_box(c, -0.08, 0.88, 0.16, 0.12, 0xcfc7b6);
    draw_box(c, -0.92, 0.6, 1.84, 0.05, 0xc4bba8);
    canvas_detail(c, true);
    for (int i = 0; i < 3; i++) draw_arch(c, -0.4 + 0.3 * i, 0, 0.2, 0.48, 0x6d7f96);
    draw_box(c, -0.76, 0, 0.16, 0.32, 0x6d7f96);
    draw_box(c, 0.6, 0, 0.16, 0.32, 0x6d7f96);
    columns(c, -0.48, 0, 0.96, 0.6, 4, 0xf1ece0);
    draw_box(c, -0.22, 0.66, 0.44, 0.06, 0xa59c88);
}

static void drawbridge(struct canvas *c) {
    uint32_t white = 0xf7f7f2;
    draw_box(c, -1.1, 0.12, 2.2, 0.1, 0x8d6a52);
    draw_box(c, -0.45, 0.2, 0.07, 0.72, white);
    draw_box(c, -0.32, 0.2, 0.07, 0.72, white);
    draw_box(c, 0.25, 0.2, 0.07, 0.72, white);
    draw_box(c, 0.38, 0.2, 0.07, 0.72, white);
    DRAW_POLYGON(c, white, -0.9, 0.86, -0.9, 0.94, -0.1, 1, -0.1, 0.93);
    DRAW_POLYGON(c, white, 0.9, 0.86, 0.9, 0.94, 0.1, 1, 0.1, 0.93);
    draw_box(c, -0.5, 0.82, 0.3, 0.07, white);
    draw_box(c, 0.2, 0.82, 0.3, 0.07, white);
    draw_line(c, -0.12, 0.96, -0.05, 0.2, 0.025, white);
    draw_line(c, 0.12, 0.96, 0.05, 0.2, 0.025, white);
    draw_line(c, -0.85, 0.88, -0.95, 0.2, 0.025, white);
    draw_line(c, 0.85, 0.88, 0.95, 0.2, 0.025, white);
    for (int i = 0; i < 4; i++) draw_box(c, -0.98 + 0.6 * i, 0, 0.14, 0.14, 0x6f4d3a);
    draw_box(c, -1.1, 0.2, 2.2, 0.035, white);
}

static void erasmus_bridge(struct canvas *c) {
    uint32_t white = 0xdfe9f0;
    draw_box(c, -1.4, 0.1, 2.8, 0.06, 0xb8c6d0);
    DRAW_POLYGON(c, white, -0.12, 0.1, 0.12, 0.1, -0.05, 0.5, -0.24, 1, -0.32, 1, -0.16, 0.5);
    for (int i = 0; i < 8; i++)
        draw_line(c, -0.26 + 0.02 * i, 0.97 - 0.05 * i, 1.3 - 0.14 * i, 0.14, 0.016, white);
    draw_line(c, -0.3, 0.97, -0.95, 0.14, 0.03, white);
    draw_line(c, -0.27, 0.9, -0.85, 0.14, 0.02, white);
    draw_box(c, -0.18, 0, 0.36, 0.12, 0x8796a2);
}

static void parthenon(struct canvas *c) {
    DRAW_POLYGON(c, 0xa9987a, -1.1, 0, -0.8, 0.36, -0.6, 0.45, 0.65, 0.45, 0.85, 0.3, 1.1, 0);
    draw_box(c, -0.5, 0.43, 1.05, 0.05, 0xe6dcc4);
    draw_box(c, -0.47, 0.48, 0.98, 0.28, 0x7c6f58);
    draw_box(c, -0.5, 0.76, 1.05, 0.07, 0xe9dfc8);
    DRAW_POLYGON(c, 0xe2d6bb, -0.52, 0.83, 0.02, 1, 0.25, 0.93, 0.3, 0.86, 0.57, 0.83);
    canvas_detail(c, true);
    columns(c, -0.44, 0.48, 0.92, 0.28, 8, 0xf3ead6);
    for (int i = 0; i < 6; i++) draw_disc(c, -0.85 + 0.32 * i, 0.07 + 0.04 * (i % 2), 0.08, 0x66794d);
}

static void white_tower(struct canvas *c) {
    draw_box(c, -0.3, 0, 0.6, 0.8, 0xefe9dc);
    for (int i = 0; i < 6; i++) draw_box(c, -0.32 + 0.114 * i, 0.8, 0.07, 0.05, 0xefe9dc);
    draw_box(c, -0.16, 0.8, 0.32, 0.14, 0xe4dccb);
    for (int i = 0; i < 4; i++) draw_box(c, -0.17 + 0.095 * i, 0.94, 0.055, 0.05, 0xe4dccb);
    draw_line(c, 0, 0.95, 0, 1, 0.012, 0x555555);
    canvas_detail(c, true);
    draw_box(c, 0.08, 0, 0.22, 0.8, 0xd8d0be);
    for (int r = 0; r < 4; r++)
        for (int i = 0; i < 3; i++) draw_box(c, -0.2 + 0.17 * i, 0.14 + 0.16 * r, 0.035, 0.06, 0x5a5346);
    draw_arch(c, -0.06, 0, 0.12, 0.12, 0x4a4336);
}

static void saint_basil(struct canvas *c) {
    draw_box(c, -0.52, 0, 1.04, 0.2, 0xa5472f);
    static const struct {
        double x, base, top, r;
        uint32_t tower, dome, stripe;
    } t[] = {{-0.4, 0.1, 0.48, 0.1, 0xb4553a, 0x2f6fb5, 0xf2f2ee},
             {0.4, 0.1, 0.46, 0.1, 0xb4553a, 0xcf3b34, 0xf2d55a},
             {-0.2, 0.1, 0.56, 0.11, 0xc2603f, 0x2f9a57, 0xf2d55a},
             {0.21, 0.1, 0.55, 0.11, 0xc2603f, 0x3a8fbf, 0xffffff}};
    draw_taper(c, 0, 0, 0.2, 0.6, 0.17, 0xb94c33);
    draw_taper(c, 0, 0.6, 0.2, 0.85, 0.05, 0xd0714f);
    draw_onion(c, 0, 0.84, 0.05, 0.13, 0xe6b830);
    for (int i = 0; i < 4; i++) {
        draw_box(c, t[i].x - t[i].r * 0.75, t[i].base, t[i].r * 1.5, t[i].top - t[i].base, t[i].tower);
        draw_onion(c, t[i].x, t[i].top, t[i].r, 0.26, t[i].dome);
    }
    draw_line(c, 0, 0.96, 0, 1, 0.015, 0xe6b830);
    canvas_detail(c, true);
    for (int i = 0; i < 4; i++) {
        draw_line(c, t[i].x - t[i].r * 0.8, t[i].top + 0.04, t[i].x + t[i].r * 0.5, t[i].top + 0.14, 0.022,
                  t[i].stripe);
        draw_line(c, t[i].x - t[i].r * 0.4, t[i].top + 0.01, t[i].x + t[i].r * 0.9, t[i].top + 0.1, 0.022,
                  t[i].stripe);
        draw_box(c, t[i].x - t[i].r * 0.75, t[i].top - 0.05, t[i].r * 1.5, 0.025, 0xf3ebdd);
        draw_arch(c, t[i].x - 0.03, t[i].top - 0.2, 0.06, 0.12, 0xf0e6d4);
    }
    arcade(c, -0.5, 0, 1, 0.12, 7, 0xf0e6d4);
}

static void golden_spire(struct canvas *c) {
    draw_box(c, -1.1, 0, 2.2, 0.14, 0xa8776a);
    draw_box(c, -0.4, 0.12, 0.6, 0.2, 0xf0d58a);
    draw_box(c, -0.4, 0.12, 0.2, 0.34, 0xf2da96);
    draw_box(c, -0.37, 0.46, 0.14, 0.08, 0xf6e6b8);
    draw_taper(c, -0.3, 0.54, 0.12, 0.6, 0.05, 0xd9a21c);
    draw_taper(c, -0.3, 0.6, 0.045, 1, 0.006, 0xf0be28);
    draw_dome(c, 0.08, 0.32, 0.07, 0.1, 0xd9a21c);
    canvas_detail(c, true);
    for (int i = 0; i < 5; i++) draw_arch(c, -0.17 + 0.075 * i, 0.16, 0.035, 0.1, 0x7d95a8);
    draw_arch(c, -0.34, 0.2, 0.08, 0.16, 0x7d95a8);
    for (int i = 0; i < 9; i++) draw_box(c, -1.05 + 0.24 * i, 0, 0.1, 0.06, 0x86594e);
}

static void nevsky_cathedral(struct canvas *c) {
    draw_box(c, -0.7, 0, 1.4, 0.34, 0xece3d0);
    draw_dome(c, -0.45, 0.34, 0.16, 0.13, 0x6f9f86);
    draw_dome(c, 0.45, 0.34, 0.16, 0.13, 0x6f9f86);
    draw_box(c, -0.26, 0.3, 0.52, 0.22, 0xf0e8d8);
    draw_dome(c, 0, 0.52, 0.28, 0.22, 0xe0b033);
    draw_box(c, -0.06, 0.72, 0.12, 0.07, 0xf0e8d8);
    draw_dome(c, 0, 0.79, 0.08, 0.1, 0xe8bd40);
    draw_box(c, -0.1, 0.3, 0.2, 0.45, 0xf2ebdd);
    draw_dome(c, 0, 0.75, 0.13, 0.14, 0xe8bd40);
    draw_line(c, 0, 0.86, 0, 1, 0.02, 0xe8bd40);
    canvas_detail(c, true);
    arcade(c, -0.68, 0.03, 1.36, 0.22, 7, 0x6d6250);
    arcade(c, -0.24, 0.38, 0.12, 0.1, 2, 0x6d6250);
    arcade(c, 0.12, 0.38, 0.12, 0.1, 2, 0x6d6250);
    draw_arch(c, -0.05, 0.5, 0.1, 0.18, 0x5b5142);
}

static void roman_theatre(struct canvas *c) {
    DRAW_POLYGON(c, 0xb8ab92, -1.1, 0, -0.9, 0.2, 0.9, 0.2, 1.1, 0);
    draw_box(c, -0.85, 0.2, 1.7, 0.06, 0xe8e2d4);
    columns(c, -0.78, 0.26, 1.0, 0.34, 6, 0xf4efe4);
    draw_box(c, -0.86, 0.6, 1.14, 0.07, 0xe4dccb);
    columns(c, -0.7, 0.67, 0.5, 0.2, 3, 0xf4efe4);
    draw_box(c, -0.76, 0.87, 0.62, 0.06, 0xe4dccb);
    DRAW_POLYGON(c, 0xe9e2d2, -0.76, 0.93, -0.45, 1, -0.14, 0.93);
    columns(c, 0.45, 0.26, 0.35, 0.34, 3, 0xf4efe4);
    draw_box(c, 0.38, 0.6, 0.5, 0.06, 0xe4dccb);
    canvas_detail(c, true);
    for (int i = 0; i < 3; i++) draw_box(c, -1.05 + 0.05 * i, 0.03 + 0.06 * i, 2.1 - 0.1 * i, 0.02, 0x877a62);
}

static void bridge_of_peace(struct canvas *c) {
    DRAW_POLYGON(c, 0x8aa0a8, -1.4, 0.05, -1.4, 0.18, -0.7, 0.34, 0, 0.4, 0.7, 0.34, 1.4, 0.18, 1.4, 0.05,
                 0.7, 0.22, 0, 0.28, -0.7, 0.22);
    DRAW_POLYGON(c, 0x9fe0da, -1.25, 0.3, -0.9, 0.66, -0.5, 0.9, 0, 1, 0.5, 0.9, 0.9, 0.66, 1.25, 0.3, 0.7,
                 0.42, 0, 0.5, -0.7, 0.42);
    canvas_detail(c, true);
    for (int i = 0; i < 13; i++) {
        double x = -1.1 + 0.18 * i;
        draw_line(c, x, 0.38, x * 0.8, 0.95 - 0.4 * x * x, 0.018, 0xeefaf8);
    }
    for (int i = 0; i < 4; i++)
        draw_line(c, -1.2 + 0.1 * i, 0.36 + 0.14 * i, 1.2 - 0.1 * i, 0.36 + 0.14 * i, 0.016, 0xeefaf8);
}

static void alphabet_tower(struct canvas *c) {
    uint32_t steel = 0xc7d0d6;
    draw_box(c, -0.06, 0, 0.12, 0.75, 0x9fb0bb);
    for (int i = 0; i < 4; i++) {
        double y = 0.06 + 0.19 * i;
        draw_line(c, -0.16, y, 0.16, y + 0.19, 0.045, steel);
        draw_line(c, 0.16, y, -0.16, y + 0.19, 0.045, colour_shade(steel, 0.8));
    }
    draw_disc(c, 0, 0.87, 0.12, 0x8fb9cf);
    draw_box(c, -0.008, 0.97, 0.016, 0.03, 0x888888);
    draw_box(c, -0.22, 0, 0.44, 0.06, 0xb0b8bd);
    canvas_detail(c, true);
    draw_box(c, -0.118, 0.85, 0.236, 0.03, 0xe8f2f8);
    for (int i = 0; i < 5; i++) draw_line(c, -0.1 + 0.05 * i, 0.78, -0.1 + 0.05 * i, 0.96, 0.01, 0xd8e8f0);
}

static void minaret(struct canvas *c, double x, double height, double w, uint32_t colour) {
    draw_box(c, x - w / 2, 0, w, height * 0.86, colour);
    draw_taper(c, x, height * 0.86, w, height, 0.002, 0x77848c);
    draw_box(c, x - w * 0.85, height * 0.5, w * 1.7, 0.02, colour_shade(colour, 0.8));
    draw_box(c, x - w * 0.85, height * 0.7, w * 1.7, 0.02, colour_shade(colour, 0.8));
}

static void blue_mosque(struct canvas *c) {
    static const double at[] = {-1.0, -0.72, -0.5, 0.5, 0.72, 1.0};
    for (int i = 0; i < 6; i++) minaret(c, at[i], i % 5 == 0 ? 0.85 : 1, 0.055, 0xd7d8d4);
    draw_box(c, -0.62, 0, 1.24, 0.28, 0xc6c8c4);
    draw_dome(c, -0.36, 0.28, 0.2, 0.17, 0x8ea6b8);
    draw_dome(c, 0.36, 0.28, 0.2, 0.17, 0x8ea6b8);
    draw_dome(c, 0, 0.28, 0.42, 0.24, 0x9db2c0);
    draw_box(c, -0.3, 0.42, 0.6, 0.06, 0xc6c8c4);
    draw_dome(c, 0, 0.48, 0.32, 0.26, 0x86a0b4);
    draw_line(c, 0, 0.72, 0, 0.82, 0.02, 0xd8b040);
    canvas_detail(c, true);
    arcade(c, -0.6, 0.03, 1.2, 0.16, 10, 0x5d6a72);
    arcade(c, -0.28, 0.42, 0.56, 0.05, 9, 0x5d6a72);
}

static void anitkabir(struct canvas *c) {
    DRAW_POLYGON(c, 0xc9b996, -1.1, 0, -0.8, 0.25, 0.8, 0.25, 1.1, 0);
    draw_box(c, -0.75, 0.22, 1.5, 0.6, 0xd9c79c);
    draw_box(c, -0.78, 0.8, 1.56, 0.08, 0xcab98c);
    draw_box(c, -0.45, 0.86, 0.9, 0.14, 0xd4c294);
    canvas_detail(c, true);
    draw_box(c, -0.66, 0.26, 1.32, 0.5, 0x5e5440);
    for (int i = 0; i < 9; i++) draw_box(c, -0.66 + 0.15 * i, 0.26, 0.08, 0.5, 0xe6d8b4);
    for (int i = 0; i < 4; i++)
        draw_box(c, -0.98 + 0.06 * i, 0.04 + 0.05 * i, 1.96 - 0.12 * i, 0.012, 0x9d8e6c);
}

bool draw_landmark_europe(struct canvas *c, enum thing landmark) {
    switch ((int)landmark) {
    case THING_BIG_BEN:
        big_ben(c);
        return true;
    case THING_CASTLE_ROCK:
        castle_rock(c);
        return true;
    case THING_EIFFEL_TOWER:
        eiffel_tower(c);
        return true;
    case THING_HILL_BASILICA:
        hill_basilica(c);
        return true;
    case THING_BERLIN_TOWER:
        berlin_tower(c);
        return true;
    case THING_ELBPHILHARMONIE:
        elbphilharmonie(c);
        return true;
    case THING_COLOSSEUM:
        colosseum(c);
        return true;
    case THING_BELL_TOWER:
        bell_tower(c);
        return true;
    case THING_SAGRADA_FAMILIA:
        sagrada_familia(c);
        return true;
    case THING_ALCALA_GATE:
        alcala_gate(c);
        return true;
    case THING_DRAWBRIDGE:
        drawbridge(c);
        return true;
    case THING_ERASMUS_BRIDGE:
        erasmus_bridge(c);
        return true;
    case THING_PARTHENON:
        parthenon(c);
        return true;
    case THING_WHITE_TOWER:
        white_tower(c);
        return true;
    case THING_SAINT_BASIL:
        saint_basil(c);
        return true;
    case THING_GOLDEN_SPIRE:
        golden_spire(c);
        return true;
    case THING_NEVSKY_CATHEDRAL:
        nevsky_cathedral(c);
        return true;
    case THING_ROMAN_THEATRE:
        roman_theatre(c);
        return true;
    case THING_BRIDGE_OF_PEACE:
        bridge_of_peace(c);
        return true;
    case THING_ALPHABET_TOWER:
        alphabet_tower(c);
        return true;
    case THING_BLUE_MOSQUE:
        blue_mosque(c);
        return true;
    case THING_ANITKABIR:
        anitkabir(c);
        return true;
    default:
        return false;
    }
}
