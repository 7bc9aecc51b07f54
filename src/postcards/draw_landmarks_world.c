// Famous silhouettes of Africa, Asia, Australia and the Americas, and the frame of all of them (base in the
// middle at (0, 0), height 1, y up).
#include "postcards/draw.h"

static void pyramids(struct canvas *c) {
    static const double at[] = {-0.75, 0.85, 0}, height[] = {0.7, 0.5, 1};
    for (int i = 0; i < 3; i++) {
        double x = at[i], h = height[i], w = h * 0.8;
        DRAW_POLYGON(c, 0xd8b878, x - w, 0, x, h, x + w, 0);
        DRAW_POLYGON(c, 0xb3935a, x + w * 0.2, 0, x, h, x + w, 0);
    }
    canvas_detail(c, true);
    for (int i = 1; i < 7; i++)
        draw_line(c, -0.8 + 0.114 * i, i / 7.0, 0.16 - 0.022 * i, i / 7.0, 0.008, 0xb8985e);
    DRAW_POLYGON(c, 0xeadbb4, -0.12, 0.85, 0, 1, 0.12, 0.85, 0.05, 0.87, 0, 0.84, -0.06, 0.87);
}

static void qaitbay(struct canvas *c) {
    draw_box(c, -1, 0, 2, 0.34, 0xdccaa0);
    for (int i = 0; i < 14; i++) draw_box(c, -1 + 0.148 * i, 0.34, 0.08, 0.06, 0xdccaa0);
    draw_box(c, -0.4, 0.3, 0.8, 0.55, 0xe8d8b2);
    draw_box(c, -0.5, 0.3, 0.16, 0.62, 0xd3c095);
    draw_box(c, 0.34, 0.3, 0.16, 0.62, 0xd3c095);
    for (int i = 0; i < 7; i++) draw_box(c, -0.5 + 0.148 * i, 0.9, 0.08, 0.1, 0xd3c095);
    canvas_detail(c, true);
    draw_arch(c, -0.08, 0.34, 0.16, 0.26, 0x5c4c30);
    for (int i = 0; i < 4; i++) draw_box(c, -0.28 + 0.165 * i, 0.68, 0.05, 0.08, 0x5c4c30);
    for (int i = 0; i < 6; i++) draw_box(c, -0.85 + 0.32 * i, 0.14, 0.06, 0.08, 0x6e5c3c);
}

static void burj_khalifa(struct canvas *c) {
    static const double left[] = {0.2, 0.15, 0.12, 0.085, 0.06, 0.035},
                        right[] = {0.18, 0.17, 0.105, 0.09, 0.05, 0.035};
    static const double top[] = {0.22, 0.36, 0.5, 0.63, 0.75, 0.85};
    for (int i = 0; i < 6; i++)
        draw_box(c, -left[i], 0, left[i] + right[i], top[i], i % 2 ? 0x9fb4c6 : 0x8ea5b9);
    draw_taper(c, 0, 0.85, 0.03, 1, 0.004, 0xb4c4d0);
    canvas_detail(c, true);
    for (int i = 0; i < 5; i++) draw_line(c, -0.14 + 0.07 * i, 0, -0.07 + 0.035 * i, 0.7, 0.008, 0xd6e2ea);
    for (int i = 0; i < 7; i++)
        draw_box(c, -0.15 + 0.018 * i, 0.08 + 0.1 * i, 0.3 - 0.036 * i, 0.012, 0x5b7288);
}

static void zayed_mosque(struct canvas *c) {
    uint32_t white = 0xfaf8f2;
    static const double at[] = {-1.1, -0.75, 0.75, 1.1};
    for (int i = 0; i < 4; i++) {
        draw_box(c, at[i] - 0.05, 0, 0.1, 0.55, white);
        draw_box(c, at[i] - 0.035, 0.55, 0.07, 0.25, colour_shade(white, 0.95));
        draw_box(c, at[i] - 0.06, 0.54, 0.12, 0.025, 0xd9d4c6);
        draw_onion(c, at[i], 0.8, 0.035, 0.12, white);
        draw_line(c, at[i], 0.9, at[i], 1, 0.015, 0xe2b93c);
    }
    draw_box(c, -0.95, 0, 1.9, 0.26, white);
    static const double dx[] = {-0.5, 0.5, 0}, r[] = {0.2, 0.2, 0.3};
    for (int i = 0; i < 3; i++) {
        draw_box(c, dx[i] - r[i] * 0.85, 0.24, r[i] * 1.7, 0.08, colour_shade(white, 0.93));
        draw_onion(c, dx[i], 0.3, r[i], r[i] * 1.7, white);
    }
    canvas_detail(c, true);
    for (int i = 0; i < 14; i++) draw_arch(c, -0.92 + 0.132 * i, 0, 0.08, 0.18, 0x9aa8b4);
    for (int i = 0; i < 3; i++)
        draw_line(c, dx[i], 0.3 + r[i] * 1.6, dx[i], 0.38 + r[i] * 1.7, 0.02, 0xe2b93c);
}

static void square_minaret(struct canvas *c, uint32_t wall, uint32_t trim) {
    draw_box(c, -0.14, 0, 0.28, 0.76, wall);
    for (int i = 0; i < 4; i++) draw_box(c, -0.14 + 0.076 * i, 0.76, 0.05, 0.03, wall);
    draw_box(c, -0.07, 0.76, 0.14, 0.15, colour_shade(wall, 1.08));
    draw_dome(c, 0, 0.91, 0.06, 0.05, trim);
    draw_line(c, 0, 0.95, 0, 1, 0.015, 0xd8b040);
    canvas_detail(c, true);
    draw_box(c, -0.14, 0.68, 0.28, 0.05, trim);
    draw_arch(c, -0.04, 0.8, 0.08, 0.08, 0x4c3a2a);
    for (int i = 0; i < 3; i++) draw_arch(c, -0.03, 0.1 + 0.2 * i, 0.06, 0.12, colour_shade(wall, 0.5));
    canvas_detail(c, false);
}

static void koutoubia(struct canvas *c) {
    draw_box(c, -0.7, 0, 1.4, 0.14, 0xc07a4e);
    square_minaret(c, 0xc98a58, 0x3f8f8a);
    for (int i = 0; i < 4; i++) draw_disc(c, -0.6 + 0.4 * i, 0.05, 0.09, 0x6a8348);
}

static void hassan_mosque(struct canvas *c) {
    draw_box(c, -1, 0, 0.8, 0.26, 0xe9e0cc);
    draw_box(c, -1, 0.26, 0.8, 0.05, 0x2f8f6c);
    square_minaret(c, 0xeee6d4, 0x2fa07a);
    draw_box(c, 0.2, 0, 0.4, 0.16, 0xe3d9c2);
    canvas_detail(c, true);
    for (int i = 0; i < 6; i++) draw_arch(c, -0.96 + 0.13 * i, 0, 0.08, 0.2, 0x8a7f68);
    DRAW_POLYGON(c, 0x2fa07a, -0.14, 0.5, 0, 0.62, 0.14, 0.5, 0.14, 0.55, 0, 0.67, -0.14, 0.55);
}

static void india_gate(struct canvas *c) {
    draw_box(c, -0.48, 0, 0.96, 0.1, 0xc2a06a);
    draw_box(c, -0.42, 0, 0.84, 0.82, 0xd9b982);
    draw_box(c, -0.46, 0.78, 0.92, 0.06, 0xc09b63);
    draw_box(c, -0.34, 0.84, 0.68, 0.1, 0xd3b27a);
    draw_dome(c, 0, 0.94, 0.14, 0.06, 0xc09b63);
    canvas_detail(c, true);
    draw_arch(c, -0.18, 0, 0.36, 0.66, 0x8fa7bd);
    draw_box(c, -0.36, 0.5, 0.12, 0.03, 0xa4824e);
    draw_box(c, 0.24, 0.5, 0.12, 0.03, 0xa4824e);
    draw_box(c, -0.18, 0.86, 0.36, 0.04, 0x8f7040);
}

static void gateway(struct canvas *c) {
    draw_box(c, -0.85, 0, 1.7, 0.62, 0xc9a257);
    for (int i = 0; i < 4; i++) {
        double x = (i - 1.5) * 0.38 + (i < 2 ? -0.07 : 0.07);
        draw_box(c, x - 0.07, 0.6, 0.14, 0.26, 0xb98f45);
        draw_onion(c, x, 0.86, 0.07, 0.14, 0xd5b067);
    }
    draw_dome(c, 0, 0.62, 0.3, 0.18, 0xd5b067);
    canvas_detail(c, true);
    draw_arch(c, -0.2, 0, 0.4, 0.52, 0x5c6f82);
    draw_arch(c, -0.68, 0, 0.22, 0.36, 0x5c6f82);
    draw_arch(c, 0.46, 0, 0.22, 0.36, 0x5c6f82);
    draw_box(c, -0.85, 0.56, 1.7, 0.03, 0x9a7634);
}

static void prang(struct canvas *c, double x, double h, double w) {
    DRAW_POLYGON(c, 0xd9cfbc, x - w, 0, x - w * 0.62, h * 0.25, x - w * 0.42, h * 0.42, x - w * 0.22,
                 h * 0.85, x, h, x + w * 0.22, h * 0.85, x + w * 0.42, h * 0.42, x + w * 0.62, h * 0.25,
                 x + w, 0);
}

static void wat_arun(struct canvas *c) {
    prang(c, -0.62, 0.5, 0.16);
    prang(c, 0.62, 0.5, 0.16);
    prang(c, 0, 0.95, 0.42);
    draw_box(c, -0.9, 0, 1.8, 0.08, 0xcfc4ae);
    draw_line(c, 0, 0.93, 0, 1, 0.025, 0xe8bf3a);
    canvas_detail(c, true);
    for (int i = 0; i < 7; i++) {
        double y = 0.1 + 0.1 * i, w = 0.34 * (1 - 0.115 * i) * (i > 3 ? 0.72 : 1);
        draw_box(c, -w, y, 2 * w, 0.03, i % 2 ? 0x8fa08c : 0xb0735f);
    }
    draw_arch(c, -0.05, 0.44, 0.1, 0.12, 0x5d5a44);
}

static void doi_suthep(struct canvas *c) {
    DRAW_POLYGON(c, 0x3f6b45, -1.2, 0, -0.85, 0.26, -0.45, 0.4, 0, 0.46, 0.5, 0.38, 0.9, 0.2, 1.2, 0);
    draw_box(c, -0.26, 0.42, 0.52, 0.05, 0xe9e2d2);
    DRAW_POLYGON(c, 0xf0b925, -0.2, 0.46, -0.14, 0.56, -0.12, 0.64, -0.04, 0.78, 0, 1, 0.04, 0.78, 0.12, 0.64,
                 0.14, 0.56, 0.2, 0.46);
    DRAW_POLYGON(c, 0xb5402f, -0.5, 0.44, -0.5, 0.5, -0.38, 0.62, -0.26, 0.5, -0.26, 0.44);
    canvas_detail(c, true);
    for (int i = 0; i < 4; i++)
        draw_box(c, -0.15 + 0.02 * i, 0.52 + 0.06 * i, 0.3 - 0.04 * i, 0.015, 0xc68d10);
    DRAW_POLYGON(c, 0xf6dc82, -0.03, 0.5, -0.02, 0.72, 0, 0.9, 0.01, 0.72, 0.02, 0.5);
    for (int i = 0; i < 9; i++) draw_disc(c, -0.9 + 0.22 * i, 0.1 + 0.06 * (i % 3), 0.08, 0x335a39);
}

static void tokyo_tower(struct canvas *c) {
    uint32_t red = 0xe5502c;
    DRAW_POLYGON(c, red, -0.27, 0, -0.2, 0, -0.12, 0.15, 0.12, 0.15, 0.2, 0, 0.27, 0, 0.1, 0.42, 0.035, 0.84,
                 -0.035, 0.84, -0.1, 0.42);
    draw_box(c, -0.13, 0.4, 0.26, 0.07, 0xf4f1ec);
    draw_box(c, -0.05, 0.72, 0.1, 0.04, 0xf4f1ec);
    for (int i = 0; i < 4; i++) draw_box(c, -0.012, 0.84 + 0.04 * i, 0.024, 0.04, i % 2 ? red : 0xf4f1ec);
    canvas_detail(c, true);
    draw_taper(c, 0, 0.5, 0.16, 0.58, 0.135, 0xf4f1ec);
    draw_taper(c, 0, 0.64, 0.11, 0.7, 0.1, 0xf4f1ec);
    draw_taper(c, 0, 0.24, 0.34, 0.32, 0.27, 0xf4f1ec);
    for (int i = 0; i < 3; i++) draw_line(c, -0.14, 0.18 + 0.08 * i, 0.14, 0.24 + 0.08 * i, 0.014, 0xb63a1c);
    draw_box(c, -0.12, 0.425, 0.24, 0.015, 0x5a6a78);
}

static void pagoda(struct canvas *c) {
    draw_box(c, -0.32, 0, 0.64, 0.05, 0x9a938a);
    for (int i = 0; i < 5; i++) {
        double y = 0.05 + 0.15 * i, w = 0.26 - 0.025 * i;
        draw_box(c, -w * 0.7, y, w * 1.4, 0.09, 0x6d3a26);
        DRAW_POLYGON(c, 0x3c4148, -w * 1.65, y + 0.08, -w * 1.3, y + 0.1, -w * 0.6, y + 0.16, w * 0.6,
                     y + 0.16, w * 1.3, y + 0.1, w * 1.65, y + 0.08);
    }
    draw_box(c, -0.015, 0.8, 0.03, 0.2, 0x8a6a2c);
    canvas_detail(c, true);
    for (int i = 0; i < 5; i++) {
        double y = 0.05 + 0.15 * i, w = 0.26 - 0.025 * i;
        for (int k = 0; k < 3; k++) draw_box(c, -w * 0.6 + w * 0.45 * k, y + 0.015, w * 0.3, 0.055, 0xe6d2ae);
    }
    for (int i = 0; i < 5; i++) draw_box(c, -0.035, 0.84 + 0.025 * i, 0.07, 0.01, 0x8a6a2c);
}

static void seoul_tower(struct canvas *c) {
    DRAW_POLYGON(c, 0x4f7a4c, -1.1, 0, -0.7, 0.2, -0.3, 0.36, 0, 0.42, 0.35, 0.34, 0.75, 0.16, 1.1, 0);
    draw_taper(c, 0, 0.38, 0.07, 0.62, 0.055, 0xe6e8ea);
    draw_taper(c, 0, 0.6, 0.09, 0.66, 0.2, 0x9aa4ac);
    draw_box(c, -0.1, 0.66, 0.2, 0.05, 0xd9dee2);
    draw_taper(c, 0, 0.71, 0.17, 0.76, 0.06, 0x8a959e);
    draw_taper(c, 0, 0.76, 0.045, 1, 0.008, 0xe2e6e8);
    canvas_detail(c, true);
    draw_box(c, -0.1, 0.675, 0.2, 0.018, 0x3f5f80);
    draw_box(c, -0.015, 0.84, 0.03, 0.04, 0xd2453c);
    for (int i = 0; i < 9; i++) draw_disc(c, -0.8 + 0.2 * i, 0.08 + 0.07 * (i % 3), 0.08, 0x41693f);
}

static void suspension(struct canvas *c, uint32_t colour, double tower, uint32_t rope, bool art_deco) {
    draw_box(c, -1.6, 0.26, 3.2, 0.07, colour);
    for (int side = -1; side <= 1; side += 2) {
        double x = side * 0.75;
        draw_box(c, x - 0.1, 0, 0.06, tower, colour);
        draw_box(c, x + 0.04, 0, 0.06, tower, colour);
        for (int i = 0; i < (art_deco ? 4 : 2); i++)
            draw_box(c, x - 0.1, tower - 0.06 - (art_deco ? 0.16 : 0.3) * i, 0.2, art_deco ? 0.06 : 0.04,
                     colour);
        draw_box(c, x - 0.15, 0, 0.3, 0.08, 0x9a9a94);
        draw_curve(c, (double[8]){x, tower, x * 0.7, 0.45, x * 0.35, 0.36, 0, 0.36}, 0.03, rope);
        draw_line(c, x, tower, side * 1.6, 0.36, 0.03, rope);
    }
    for (int i = 0; i < 13; i++) {
        double x = -0.66 + 0.11 * i, s = x / 0.75;
        draw_line(c, x, 0.3, x, 0.36 + (tower - 0.36) * s * s * s * s * 0.9, 0.012, rope);
    }
}

static void temple_of_heaven(struct canvas *c) {
    for (int i = 0; i < 3; i++)
        draw_box(c, -0.95 + 0.14 * i, 0.08 * i, 1.9 - 0.28 * i, 0.08, i % 2 ? 0xe2ddd2 : 0xf2eee4);
    static const double y[] = {0.24, 0.48, 0.68}, w[] = {0.42, 0.32, 0.22};
    for (int i = 0; i < 3; i++) {
        draw_box(c, -w[i], y[i], 2 * w[i], 0.12, 0xb03a2c);
        double roof = i == 2 ? 0.24 : 0.13;
        DRAW_POLYGON(c, 0x24518f, -w[i] * 1.35, y[i] + 0.1, -w[i] * 0.6, y[i] + 0.1 + roof * 0.7, 0,
                     y[i] + 0.1 + roof, w[i] * 0.6, y[i] + 0.1 + roof * 0.7, w[i] * 1.35, y[i] + 0.1);
    }
    draw_disc(c, 0, 0.97, 0.03, 0xe8b923);
    canvas_detail(c, true);
    for (int i = 0; i < 3; i++) {
        draw_box(c, -w[i] * 1.1, y[i] + 0.1, w[i] * 2.2, 0.018, 0x3f9a6a);
        for (int k = 0; k < 7; k++)
            draw_box(c, -w[i] * 0.9 + w[i] * 0.27 * k, y[i] + 0.01, w[i] * 0.14, 0.07, 0xe0a93a);
    }
}

static void pearl_tower(struct canvas *c) {
    uint32_t pink = 0xc8547c;
    draw_line(c, -0.28, 0, 0, 0.3, 0.05, 0xb7b2b8);
    draw_line(c, 0.28, 0, 0, 0.3, 0.05, 0xb7b2b8);
    for (int i = -1; i <= 1; i++) draw_box(c, i * 0.06 - 0.018, 0, 0.036, 0.62, 0xc9c4ca);
    draw_disc(c, 0, 0.24, 0.13, pink);
    draw_disc(c, 0, 0.62, 0.1, pink);
    draw_box(c, -0.03, 0.7, 0.06, 0.1, 0xc9c4ca);
    draw_disc(c, 0, 0.8, 0.04, pink);
    draw_taper(c, 0, 0.82, 0.03, 1, 0.004, 0xd8d4da);
    canvas_detail(c, true);
    draw_box(c, -0.125, 0.225, 0.25, 0.025, 0xf2c4d4);
    draw_box(c, -0.095, 0.61, 0.19, 0.02, 0xf2c4d4);
    draw_oval(c, -0.04, 0.29, 0.03, 0.025, 0xf4d8e2);
    draw_oval(c, -0.03, 0.66, 0.025, 0.02, 0xf4d8e2);
    for (int i = 0; i < 5; i++) draw_disc(c, 0, 0.4 + 0.03 * i, 0.018, pink);
}

static void shell(struct canvas *c, double x, double w, double h) {
    DRAW_POLYGON(c, 0xfbf9f2, x, 0.24, x + w * 0.05, 0.24 + h * 0.45, x + w * 0.3, 0.24 + h * 0.82,
                 x + w * 0.62, 0.24 + h, x + w * 0.7, 0.24 + h * 0.6, x + w, 0.24);
    DRAW_POLYGON(c, 0xcfcabc, x + w * 0.62, 0.24 + h, x + w * 0.55, 0.24 + h * 0.5, x + w * 0.72, 0.24, x + w,
                 0.24);
}

static void opera_house(struct canvas *c) {
    draw_box(c, -1.2, 0, 2.4, 0.26, 0xb98f74);
    shell(c, -1.05, 0.7, 0.45);
    shell(c, -0.62, 0.75, 0.76);
    shell(c, -0.1, 0.66, 0.6);
    shell(c, 0.36, 0.55, 0.45);
    shell(c, 0.72, 0.4, 0.3);
    canvas_detail(c, true);
    draw_box(c, -1.2, 0.2, 2.4, 0.02, 0x8e6a52);
    for (int i = 0; i < 16; i++) draw_box(c, -1.12 + 0.145 * i, 0.05, 0.07, 0.1, 0x7a5844);
}

static void flinders_station(struct canvas *c) {
    draw_box(c, -1.4, 0, 2.8, 0.42, 0xe2b356);
    draw_box(c, -0.32, 0, 0.64, 0.56, 0xd8a546);
    draw_box(c, -0.18, 0.54, 0.36, 0.12, 0xe8c478);
    draw_dome(c, 0, 0.66, 0.2, 0.22, 0x5d9a78);
    draw_box(c, -0.04, 0.86, 0.08, 0.07, 0x5d9a78);
    draw_line(c, 0, 0.92, 0, 1, 0.02, 0x4f8366);
    draw_box(c, -1.4, 0.4, 0.16, 0.2, 0xe2b356);
    draw_box(c, 1.24, 0.4, 0.16, 0.2, 0xe2b356);
    canvas_detail(c, true);
    draw_arch(c, -0.24, 0, 0.48, 0.42, 0x7a4a2c);
    for (int i = 0; i < 7; i++) draw_disc(c, -0.18 + 0.06 * i, 0.2, 0.025, 0xf6efdc);
    draw_box(c, -1.4, 0.2, 1.05, 0.04, 0xb24b34);
    draw_box(c, 0.35, 0.2, 1.05, 0.04, 0xb24b34);
    for (int i = 0; i < 6; i++) draw_arch(c, -1.32 + 0.16 * i, 0.26, 0.08, 0.1, 0x6d4526);
    for (int i = 0; i < 6; i++) draw_arch(c, 0.42 + 0.16 * i, 0.26, 0.08, 0.1, 0x6d4526);
}

static void table_mountain(struct canvas *c) {
    DRAW_POLYGON(c, 0x7d7f78, -1.9, 0, -1.6, 0.3, -1.35, 0.72, -1.2, 0.5, -1.0, 0.62, -0.86, 1, 0.9, 0.98,
                 1.02, 0.6, 1.25, 0.42, 1.42, 0.62, 1.6, 0.36, 1.9, 0);
    canvas_detail(c, true);
    for (int i = 0; i < 9; i++) {
        double x = -0.78 + 0.2 * i;
        DRAW_POLYGON(c, 0x62655f, x, 0.93, x + 0.05, 0.93, x + 0.11, 0.5, x - 0.02, 0.46);
    }
    DRAW_POLYGON(c, 0x6e8458, -1.9, 0, -1.5, 0.24, -0.9, 0.38, 0, 0.3, 0.9, 0.36, 1.5, 0.22, 1.9, 0);
    DRAW_POLYGON(c, 0xf4f6f8, -0.7, 1, -0.5, 0.93, -0.2, 0.96, 0.1, 0.91, 0.4, 0.96, 0.6, 1);
}

static void ponte_tower(struct canvas *c) {
    draw_box(c, -0.22, 0, 0.44, 0.88, 0xa7a196);
    draw_box(c, -0.24, 0.86, 0.48, 0.12, 0xd6322e);
    draw_box(c, -0.16, 0.98, 0.32, 0.02, 0x6c665c);
    canvas_detail(c, true);
    for (int i = 0; i < 16; i++) draw_box(c, -0.21, 0.03 + 0.052 * i, 0.42, 0.02, 0x5f6672);
    draw_box(c, -0.22, 0, 0.07, 0.86, 0x8d877c);
    draw_box(c, 0.12, 0, 0.1, 0.86, 0xbdb7ab);
    draw_box(c, -0.2, 0.9, 0.4, 0.035, 0xffffff);
}

static void statue_of_liberty(struct canvas *c) {
    uint32_t green = 0x7fb8a0;
    draw_box(c, -0.3, 0, 0.6, 0.08, 0xb8a98c);
    draw_taper(c, 0, 0.08, 0.34, 0.36, 0.24, 0xcdbd9c);
    draw_taper(c, 0, 0.36, 0.2, 0.72, 0.13, green);
    draw_disc(c, 0, 0.77, 0.05, green);
    for (int i = 0; i < 5; i++)
        draw_line(c, 0, 0.79, -0.08 + 0.04 * i, 0.87 - 0.012 * (i - 2) * (i - 2), 0.014, green);
    draw_line(c, 0.05, 0.68, 0.13, 0.92, 0.05, green);
    draw_box(c, 0.1, 0.9, 0.07, 0.025, 0x6aa48c);
    draw_onion(c, 0.135, 0.925, 0.025, 0.075, 0xf0c040);
    DRAW_POLYGON(c, green, -0.06, 0.7, -0.15, 0.6, -0.12, 0.5, -0.04, 0.58);
    canvas_detail(c, true);
    for (int i = 0; i < 4; i++)
        draw_line(c, -0.06 + 0.04 * i, 0.37, -0.03 + 0.025 * i, 0.68, 0.012, 0x5f9a84);
    draw_box(c, -0.08, 0.16, 0.16, 0.1, 0x9c8c6c);
}

static void christ(struct canvas *c) {
    DRAW_POLYGON(c, 0x3f6a4a, -1, 0, -0.75, 0.14, -0.4, 0.3, -0.15, 0.52, 0.12, 0.54, 0.32, 0.3, 0.6, 0.16, 1,
                 0);
    draw_box(c, -0.05, 0.5, 0.1, 0.08, 0xa7a59c);
    draw_taper(c, 0, 0.56, 0.11, 0.88, 0.1, 0xeeece4);
    DRAW_POLYGON(c, 0xeeece4, -0.3, 0.83, -0.3, 0.87, -0.05, 0.89, 0.05, 0.89, 0.3, 0.87, 0.3, 0.83, 0.05,
                 0.8, -0.05, 0.8);
    draw_disc(c, 0, 0.94, 0.045, 0xe6e4da);
    canvas_detail(c, true);
    draw_line(c, -0.02, 0.58, -0.02, 0.82, 0.012, 0xb9b7ac);
    draw_line(c, 0.025, 0.58, 0.025, 0.82, 0.012, 0xb9b7ac);
    DRAW_POLYGON(c, 0x345a3f, -0.15, 0.52, -0.3, 0.2, -0.1, 0, 0.1, 0, 0.05, 0.3);
}

static void crossed_bridge(struct canvas *c) {
    uint32_t grey = 0xb8bcc0;
    draw_line(c, -0.3, 0, 0.22, 1, 0.09, grey);
    draw_line(c, 0.3, 0, -0.22, 1, 0.09, colour_shade(grey, 0.88));
    draw_box(c, -1.4, 0.26, 2.8, 0.06, 0x8f9499);
    for (int i = 0; i < 8; i++) {
        double y = 0.97 - 0.06 * i, x = 0.18 - 0.03 * i;
        draw_line(c, x, y, 1.35 - 0.12 * i, 0.3, 0.018, 0xf2d23c);
        draw_line(c, -x, y, -1.35 + 0.12 * i, 0.3, 0.018, 0xf2d23c);
    }
}

static void angel(struct canvas *c) {
    for (int i = 0; i < 3; i++) draw_box(c, -0.4 + 0.08 * i, 0.04 * i, 0.8 - 0.16 * i, 0.04, 0xd6d0c4);
    draw_box(c, -0.13, 0.12, 0.26, 0.12, 0xc9c2b4);
    draw_box(c, -0.05, 0.24, 0.1, 0.46, 0xe2dccf);
    draw_box(c, -0.08, 0.7, 0.16, 0.04, 0xcfc7b6);
    uint32_t gold = 0xf0b82a;
    draw_taper(c, 0, 0.74, 0.07, 0.9, 0.05, gold);
    draw_disc(c, 0, 0.92, 0.025, gold);
    DRAW_POLYGON(c, gold, -0.02, 0.8, -0.2, 0.97, -0.15, 0.84, -0.04, 0.78);
    DRAW_POLYGON(c, gold, 0.02, 0.8, 0.2, 0.97, 0.15, 0.84, 0.04, 0.78);
    draw_line(c, 0.02, 0.88, 0.07, 1, 0.025, gold);
    canvas_detail(c, true);
    for (int i = 0; i < 3; i++) draw_box(c, -0.03 + 0.025 * i, 0.26, 0.01, 0.42, 0xb9b1a2);
}

static void yellow_spires(struct canvas *c) {
    draw_box(c, -0.6, 0, 1.2, 0.36, 0xe2d2b0);
    DRAW_POLYGON(c, 0xd8c6a0, -0.3, 0.36, 0, 0.46, 0.3, 0.36);
    draw_dome(c, 0, 0.4, 0.12, 0.12, 0xe0b23a);
    for (int side = -1; side <= 1; side += 2) {
        double x = side * 0.42;
        draw_box(c, x - 0.13, 0, 0.26, 0.56, 0xe9dbbc);
        draw_box(c, x - 0.15, 0.55, 0.3, 0.03, 0xcdb98e);
        draw_taper(c, x, 0.58, 0.26, 0.96, 0.01, 0xf0c232);
        draw_line(c, x, 0.94, x, 1, 0.016, 0x7c6a34);
    }
    canvas_detail(c, true);
    draw_arch(c, -0.1, 0, 0.2, 0.24, 0x5c4c34);
    for (int side = -1; side <= 1; side += 2) {
        draw_arch(c, side * 0.42 - 0.05, 0.4, 0.1, 0.12, 0x5c4c34);
        for (int i = 0; i < 3; i++)
            draw_box(c, side * 0.42 - 0.1 + 0.028 * i, 0.62 + 0.09 * i, 0.2 - 0.056 * i, 0.02, 0x4f86b8);
    }
}

static const struct {
    enum thing thing;
    double width;
} widths[] = {
    {THING_BIG_BEN, 1.1},
    {THING_CASTLE_ROCK, 1.9},
    {THING_EIFFEL_TOWER, 0.66},
    {THING_HILL_BASILICA, 2},
    {THING_BERLIN_TOWER, 0.5},
    {THING_ELBPHILHARMONIE, 1.2},
    {THING_COLOSSEUM, 1.8},
    {THING_BELL_TOWER, 1.5},
    {THING_SAGRADA_FAMILIA, 0.7},
    {THING_ALCALA_GATE, 1.84},
    {THING_DRAWBRIDGE, 2.2},
    {THING_ERASMUS_BRIDGE, 2.8},
    {THING_PARTHENON, 2.2},
    {THING_WHITE_TOWER, 0.66},
    {THING_SAINT_BASIL, 1.04},
    {THING_GOLDEN_SPIRE, 2.2},
    {THING_NEVSKY_CATHEDRAL, 1.4},
    {THING_ROMAN_THEATRE, 2.2},
    {THING_BRIDGE_OF_PEACE, 2.8},
    {THING_ALPHABET_TOWER, 0.44},
    {THING_BLUE_MOSQUE, 2.1},
    {THING_ANITKABIR, 2.2},
    {THING_PYRAMIDS, 2.6},
    {THING_QAITBAY, 2},
    {THING_BURJ_KHALIFA, 0.4},
    {THING_ZAYED_MOSQUE, 2.3},
    {THING_KOUTOUBIA, 1.4},
    {THING_HASSAN_MOSQUE, 1.6},
    {THING_INDIA_GATE, 0.96},
    {THING_GATEWAY, 1.7},
    {THING_WAT_ARUN, 1.8},
    {THING_DOI_SUTHEP, 2.4},
    {THING_TOKYO_TOWER, 0.54},
    {THING_PAGODA, 0.86},
    {THING_SEOUL_TOWER, 2.2},
    {THING_GWANGAN_BRIDGE, 3.2},
    {THING_TEMPLE_OF_HEAVEN, 1.9},
    {THING_PEARL_TOWER, 0.6},
    {THING_OPERA_HOUSE, 2.4},
    {THING_FLINDERS_STATION, 2.8},
    {THING_TABLE_MOUNTAIN, 3.8},
    {THING_PONTE_TOWER, 0.48},
    {THING_STATUE_OF_LIBERTY, 0.6},
    {THING_GOLDEN_GATE, 3.2},
    {THING_CHRIST, 2},
    {THING_CROSSED_BRIDGE, 2.8},
    {THING_ANGEL, 0.8},
    {THING_YELLOW_SPIRES, 1.2},
};

double landmark_width(enum thing landmark) {
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++)
        if (widths[i].thing == landmark) return widths[i].width;
    return 1;
}

bool draw_landmark_world(struct canvas *c, enum thing landmark) {
    switch ((int)landmark) {
    case THING_PYRAMIDS:
        pyramids(c);
        return true;
    case THING_QAITBAY:
        qaitbay(c);
        return true;
    case THING_BURJ_KHALIFA:
        burj_khalifa(c);
        return true;
    case THING_ZAYED_MOSQUE:
        zayed_mosque(c);
        return true;
    case THING_KOUTOUBIA:
        koutoubia(c);
        return true;
    case THING_HASSAN_MOSQUE:
        hassan_mosque(c);
        return true;
    case THING_INDIA_GATE:
        india_gate(c);
        return true;
    case THING_GATEWAY:
        gateway(c);
        return true;
    case THING_WAT_ARUN:
        wat_arun(c);
        return true;
    case THING_DOI_SUTHEP:
        doi_suthep(c);
        return true;
    case THING_TOKYO_TOWER:
        tokyo_tower(c);
        return true;
    case THING_PAGODA:
        pagoda(c);
        return true;
    case THING_SEOUL_TOWER:
        seoul_tower(c);
        return true;
    case THING_GWANGAN_BRIDGE:
        suspension(c, 0xe8eef2, 0.9, 0xf4f6f8, false);
        return true;
    case THING_TEMPLE_OF_HEAVEN:
        temple_of_heaven(c);
        return true;
    case THING_PEARL_TOWER:
        pearl_tower(c);
        return true;
    case THING_OPERA_HOUSE:
        opera_house(c);
        return true;
    case THING_FLINDERS_STATION:
        flinders_station(c);
        return true;
    case THING_TABLE_MOUNTAIN:
        table_mountain(c);
        return true;
    case THING_PONTE_TOWER:
        ponte_tower(c);
        return true;
    case THING_STATUE_OF_LIBERTY:
        statue_of_liberty(c);
        return true;
    case THING_GOLDEN_GATE:
        suspension(c, 0xc8402a, 1, 0xc8402a, true);
        return true;
    case THING_CHRIST:
        christ(c);
        return true;
    case THING_CROSSED_BRIDGE:
        crossed_bridge(c);
        return true;
    case THING_ANGEL:
        angel(c);
        return true;
    case THING_YELLOW_SPIRES:
        yellow_spires(c);
        return true;
    default:
        return false;
    }
}

void draw_landmark(struct canvas *canvas, enum thing landmark, double x, double y, double size) {
    canvas_enter(canvas, x, y, size);
    if (!draw_landmark_europe(canvas, landmark)) draw_landmark_world(canvas, landmark);
    canvas_leave(canvas);
    canvas_detail(canvas, false);
}
