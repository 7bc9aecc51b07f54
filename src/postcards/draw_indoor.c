// Things of rooms, meadows and walls: cards that could be anywhere.
#include "postcards/draw.h"

static void cup(struct canvas *c, uint32_t colour) {
    draw_oval(c, 0, 0.04, 0.75, 0.1, 0xf4f2ee);
    draw_taper(c, 0, 0.08, 0.6, 0.95, 0.95, colour);
    draw_oval(c, 0.55, 0.55, 0.22, 0.26, colour);
    draw_oval(c, 0, 0.95, 0.475, 0.09, 0x5a3a24);
    canvas_detail(c, true);
    draw_oval(c, 0.56, 0.55, 0.12, 0.15, 0xe8e0d4);
}

static void lamp(struct canvas *c, uint32_t colour) {
    draw_oval(c, 0, 0.03, 0.22, 0.05, 0x5a5048);
    draw_box(c, -0.03, 0.03, 0.06, 0.6, 0x6a6058);
    canvas_glow(c, true);
    draw_taper(c, 0, 0.56, 0.7, 1, 0.36, colour_blend(colour, 0xfff0c0, 0.6));
    canvas_glow(c, false);
}

static void bowl(struct canvas *c, uint32_t colour) {
    static const uint32_t fruit[] = {0xd8382c, 0xf2a020, 0x8ab83a, 0xf2d040};
    for (int i = 0; i < 5; i++) draw_disc(c, -0.4 + 0.2 * i, 0.6 + 0.12 * (i % 2), 0.2, fruit[i % 4]);
    DRAW_POLYGON(c, colour, -0.8, 0.58, -0.4, 0, 0.4, 0, 0.8, 0.58);
}

static void vase(struct canvas *c, uint32_t colour) {
    static const uint32_t petals[] = {0xe86a8a, 0xf2c040, 0xf4f0f0, 0xb070d0};
    for (int i = 0; i < 5; i++) {
        double x = -0.3 + 0.15 * i, y = 0.78 + 0.1 * (i % 2);
        draw_line(c, 0, 0.4, x, y, 0.03, 0x4f8a3c);
        draw_disc(c, x, y, 0.1, petals[i % 4]);
    }
    draw_oval(c, 0, 0.22, 0.24, 0.22, colour);
    draw_box(c, -0.1, 0.38, 0.2, 0.14, colour);
}

static void sofa(struct canvas *c, uint32_t colour) {
    draw_box(c, -1.2, 0.1, 2.4, 0.9, colour);
    draw_box(c, -1.4, 0.1, 0.3, 0.66, colour_shade(colour, 0.85));
    draw_box(c, 1.1, 0.1, 0.3, 0.66, colour_shade(colour, 0.85));
    draw_box(c, -1.25, 0, 0.12, 0.12, 0x3a2c20);
    draw_box(c, 1.13, 0, 0.12, 0.12, 0x3a2c20);
    canvas_detail(c, true);
    draw_box(c, -1.1, 0.1, 1.08, 0.4, colour_shade(colour, 1.12));
    draw_box(c, 0.02, 0.1, 1.08, 0.4, colour_shade(colour, 1.12));
}

static void cat(struct canvas *c, uint32_t colour) {
    draw_oval(c, 0, 0.3, 0.62, 0.3, colour);
    draw_disc(c, 0.55, 0.55, 0.25, colour);
    DRAW_POLYGON(c, colour, 0.34, 0.68, 0.38, 0.98, 0.54, 0.76);
    DRAW_POLYGON(c, colour, 0.58, 0.76, 0.74, 0.98, 0.78, 0.66);
    draw_curve(c, (double[8]){-0.55, 0.3, -1, 0.2, -0.9, 0.7, -0.65, 0.75}, 0.14, colour);
    canvas_detail(c, true);
    draw_disc(c, 0.48, 0.57, 0.035, 0x1c2a1c);
    draw_disc(c, 0.66, 0.57, 0.035, 0x1c2a1c);
    draw_disc(c, 0.57, 0.49, 0.03, 0xe08a8a);
}

static void curtain(struct canvas *c, uint32_t colour) {
    draw_box(c, -0.35, 0, 0.7, 1, colour);
    draw_box(c, -0.4, 0.98, 0.8, 0.03, 0x6a5040);
    canvas_detail(c, true);
    for (int i = 0; i < 6; i++) draw_box(c, -0.3 + 0.12 * i, 0, 0.04, 0.98, colour_shade(colour, 0.85));
}

static void picture(struct canvas *c, uint32_t colour) {
    draw_box(c, -0.65, 0, 1.3, 1, 0x7a5a34);
    canvas_detail(c, true);
    draw_box(c, -0.55, 0.1, 1.1, 0.8, 0xf4f0e4);
    draw_disc(c, 0.1, 0.5, 0.25, colour);
    draw_disc(c, -0.15, 0.42, 0.2, colour_shade(colour, 0.7));
}

static void door(struct canvas *c, uint32_t colour) {
    draw_box(c, -0.26, 0, 0.52, 1, colour_shade(colour, 0.6));
    draw_box(c, -0.22, 0, 0.44, 0.96, colour);
    canvas_detail(c, true);
    for (int i = 0; i < 4; i++)
        draw_box(c, i % 2 ? 0.03 : -0.17, i < 2 ? 0.1 : 0.55, 0.14, 0.33, colour_shade(colour, 0.8));
    draw_disc(c, 0.17, 0.48, 0.02, 0xe0c060);
}

static void fence(struct canvas *c) {
    for (int i = 0; i < 15; i++) {
        double x = -3.6 + 0.5 * i;
        draw_box(c, x, 0, 0.16, 0.85, 0x9a7a54);
        draw_taper(c, x + 0.08, 0.85, 0.16, 1, 0.02, 0x9a7a54);
    }
    draw_box(c, -4, 0.25, 8, 0.12, 0x8a6a46);
    draw_box(c, -4, 0.62, 8, 0.12, 0x8a6a46);
}

static void sheep(struct canvas *c) {
    for (int i = 0; i < 3; i++) {
        double x = -1.6 + 1.5 * i, y = i == 1 ? 0.25 : 0;
        draw_box(c, x - 0.3, y, 0.09, 0.3, 0x26282a);
        draw_box(c, x + 0.2, y, 0.09, 0.3, 0x26282a);
        draw_oval(c, x, y + 0.45, 0.5, 0.3, 0xf4f2ea);
        draw_oval(c, x + 0.5, y + 0.58, 0.16, 0.14, 0x26282a);
    }
}

static void book(struct canvas *c, uint32_t colour) {
    DRAW_POLYGON(c, colour, -0.9, 0, -0.7, 0.5, 0.7, 0.5, 0.9, 0);
    canvas_detail(c, true);
    DRAW_POLYGON(c, 0xf8f4e8, -0.8, 0.05, -0.62, 0.47, -0.02, 0.45, 0, 0.03);
    DRAW_POLYGON(c, 0xf2eedf, 0.8, 0.05, 0.62, 0.47, 0.02, 0.45, 0, 0.03);
    for (int i = 0; i < 4; i++) {
        draw_line(c, -0.65 + 0.03 * i, 0.13 + 0.08 * i, -0.1, 0.12 + 0.08 * i, 0.02, 0x8a8a88);
        draw_line(c, 0.65 - 0.03 * i, 0.13 + 0.08 * i, 0.1, 0.12 + 0.08 * i, 0.02, 0x8a8a88);
    }
}

void draw_indoor(struct canvas *canvas, enum thing thing, double x, double y, double size,
                 struct random *random) {
    static const uint32_t colours[] = {0x3f6fa8, 0xb04a3a, 0x4f8a5a, 0x8a5fa0, 0xc88a30, 0xe8e0d0, 0x6a5a50};
    uint32_t colour = colours[pick_one(random, 7)];
    canvas_enter(canvas, x, y, size);
    switch ((int)thing) {
    case THING_CUP:
        cup(canvas, colour);
        break;
    case THING_LAMP:
        lamp(canvas, colour);
        break;
    case THING_BOWL:
        bowl(canvas, colour);
        break;
    case THING_VASE:
        vase(canvas, colour);
        break;
    case THING_SOFA:
        sofa(canvas, colour);
        break;
    case THING_CAT:
        cat(canvas, (uint32_t[]){0xd88a3a, 0x3a3a3e, 0xb8b0a4, 0x8a6a4a}[pick_one(random, 4)]);
        break;
    case THING_CURTAIN:
        curtain(canvas, colour);
        break;
    case THING_PICTURE:
        picture(canvas, colour);
        break;
    case THING_DOOR:
        door(canvas, colour);
        break;
    case THING_FENCE:
        fence(canvas);
        break;
    case THING_SHEEP:
        sheep(canvas);
        break;
    case THING_BOOK:
        book(canvas, colour);
        break;
    case THING_PATH:
        DRAW_POLYGON(canvas, 0xc8ae84, -0.9, 0, -0.3, 0.55, -0.08, 1, 0.02, 1, 0.05, 0.55, 0.7, 0);
        break;
    case THING_TABLE:
        draw_box(canvas, -5, 0, 10, 0.9, colour_blend(0x8a5a34, 0xc89a64, random_unit(random)));
        draw_box(canvas, -5, 0.9, 10, 0.1, 0xd8b07a);
        break;
    default:
        break;
    }
    canvas_leave(canvas);
    canvas_detail(canvas, false);
}
