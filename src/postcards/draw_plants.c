#include "postcards/draw.h"

#include <math.h>

// All in a frame of height 1, y up, standing on (0, 0).
static void trunk(struct canvas *c, double w, double h, uint32_t colour) {
    draw_taper(c, 0, 0, w * 1.3, h, w * 0.8, colour);
}

static void crown(struct canvas *c, double y, double r, uint32_t colour, struct random *random) {
    for (int i = 0; i < 6; i++) {
        double a = i * 1.047 + random_unit(random);
        draw_disc(c, cos(a) * r * 0.55, y + sin(a) * r * 0.5, r * pick_between(random, 0.45, 0.62),
                  colour_shade(colour, pick_between(random, 0.85, 1.15)));
    }
}

static void palm(struct canvas *c, bool snow, struct random *random) {
    double lean = pick_between(random, -0.12, 0.12);
    DRAW_POLYGON(c, 0x8a6a48, -0.035, 0, lean - 0.022, 0.74, lean + 0.022, 0.74, 0.035, 0);
    for (int i = 0; i < 8; i++) {
        double a = 3.14159 * (i / 7.0), dx = cos(a) * 0.34, dy = sin(a) * 0.22;
        double tip_y = 0.76 + dy - 0.12;
        DRAW_POLYGON(c, colour_shade(snow ? 0xb8c8b8 : 0x3f8a3c, 0.85 + 0.04 * i), lean, 0.73,
                     lean + dx * 0.5, 0.8 + dy, lean + dx, tip_y, lean + dx * 0.55, 0.74 + dy * 0.9);
    }
}

static void fir(struct canvas *c, bool snow) {
    trunk(c, 0.06, 0.2, 0x5a4230);
    for (int i = 0; i < 4; i++)
        draw_taper(c, 0, 0.12 + 0.19 * i, 0.5 - 0.1 * i, 0.42 + 0.19 * i, 0.01,
                   snow && i % 2 ? 0xeef4f6 : 0x2c5a3c);
}

static void birch(struct canvas *c, bool snow, struct random *random) {
    draw_taper(c, 0, 0, 0.075, 0.85, 0.04, 0xf6f6f2);
    if (snow) {
        for (int i = 0; i < 6; i++)
            draw_line(c, 0, 0.4 + 0.08 * i, (i % 2 ? 0.2 : -0.2), 0.6 + 0.07 * i, 0.018, 0xd8d8d4);
    } else {
        for (int i = 0; i < 7; i++)
            draw_oval(c, pick_between(random, -0.17, 0.17), 0.5 + 0.07 * i, 0.12, 0.09,
                      colour_shade(0x9fc04a, pick_between(random, 0.85, 1.1)));
    }
    canvas_detail(c, true);
    for (int i = 0; i < 6; i++) draw_box(c, -0.03, 0.06 + 0.075 * i, 0.035, 0.022, 0x26282a);
    canvas_detail(c, false);
}

static void umbrella(struct canvas *c, struct random *random) {
    trunk(c, 0.06, 0.7, 0x7a5a40);
    draw_line(c, 0, 0.5, -0.2, 0.72, 0.03, 0x7a5a40);
    draw_line(c, 0, 0.5, 0.2, 0.72, 0.03, 0x7a5a40);
    for (int i = 0; i < 5; i++)
        draw_oval(c, -0.3 + 0.15 * i, 0.8 + (i % 2) * 0.04, 0.2, 0.12,
                  colour_shade(0x3f6f3a, pick_between(random, 0.9, 1.1)));
}

static void gum(struct canvas *c, struct random *random) {
    draw_line(c, 0, 0, -0.05, 0.55, 0.06, 0xe0d6c8);
    draw_line(c, -0.04, 0.4, 0.2, 0.75, 0.04, 0xe0d6c8);
    draw_line(c, -0.05, 0.5, -0.2, 0.8, 0.04, 0xd0c4b4);
    static const double at[5][2] = {{-0.25, 0.82}, {0.22, 0.8}, {0, 0.9}, {-0.1, 0.66}, {0.3, 0.64}};
    for (int i = 0; i < 5; i++)
        draw_oval(c, at[i][0], at[i][1], 0.17, 0.09, colour_shade(0x8aa088, pick_between(random, 0.9, 1.1)));
}

static void bamboo(struct canvas *c, struct random *random) {
    for (int i = 0; i < 5; i++) {
        double x = -0.2 + 0.1 * i, top = pick_between(random, 0.8, 1);
        draw_box(c, x, 0, 0.04, top, 0x86b04a);
        for (int k = 0; k < 5; k++) {
            double y = 0.3 + 0.14 * k, dx = k % 2 ? 0.14 : -0.12;
            DRAW_POLYGON(c, 0x5f9a3c, x + 0.02, y, x + dx, y + 0.05, x + dx * 1.3, y - 0.03);
        }
        for (int k = 0; k < 4; k++) draw_box(c, x - 0.005, 0.2 * (k + 0.7), 0.05, 0.015, 0x5a7a30);
    }
}

static void cactus(struct canvas *c) {
    uint32_t green = 0x4f8a4a;
    draw_box(c, -0.08, 0, 0.16, 0.9, green);
    draw_dome(c, 0, 0.9, 0.08, 0.08, green);
    draw_box(c, -0.32, 0.4, 0.26, 0.11, green);
    draw_box(c, -0.34, 0.4, 0.11, 0.34, green);
    draw_box(c, 0.06, 0.3, 0.26, 0.11, green);
    draw_box(c, 0.22, 0.3, 0.11, 0.4, green);
    canvas_detail(c, true);
    for (int i = 0; i < 3; i++) draw_box(c, -0.05 + 0.045 * i, 0.05, 0.012, 0.85, 0x2f6030);
    canvas_detail(c, false);
}

static void tulips(struct canvas *c, struct random *random) {
    static const uint32_t colours[] = {0xe0303a, 0xf2c020, 0xe86aa0, 0xf08030};
    for (int i = 0; i < 9; i++) {
        double x = -0.8 + 0.2 * i, h = pick_between(random, 0.5, 0.7);
        draw_box(c, x - 0.03, 0, 0.06, h, 0x3f8a3c);
        DRAW_POLYGON(c, colours[pick_one(random, 4)], x - 0.09, h, x - 0.1, h + 0.28, x - 0.04, h + 0.2, x,
                     h + 0.3, x + 0.04, h + 0.2, x + 0.1, h + 0.28, x + 0.09, h);
    }
}

static void one_plant(struct canvas *c, enum thing plants, bool snow, struct random *random) {
    switch ((int)plants) {
    case THING_PALMS:
        palm(c, snow, random);
        break;
    case THING_FIRS:
        fir(c, snow);
        break;
    case THING_BIRCHES:
        birch(c, snow, random);
        break;
    case THING_CYPRESSES:
        trunk(c, 0.04, 0.15, 0x5a4230);
        draw_oval(c, 0, 0.53, 0.1, 0.47, 0x2f5a38);
        break;
    case THING_UMBRELLA_PINES:
        umbrella(c, random);
        break;
    case THING_GUM_TREES:
        gum(c, random);
        break;
    case THING_CHERRIES:
        trunk(c, 0.08, 0.5, 0x4f3a34), crown(c, 0.66, 0.36, 0xf6b8cc, random);
        break;
    case THING_JACARANDAS:
        trunk(c, 0.07, 0.5, 0x5f4a40), crown(c, 0.68, 0.36, 0x8a5fc4, random);
        break;
    case THING_GINKGOS:
        trunk(c, 0.06, 0.4, 0x5a4a3a), crown(c, 0.64, 0.36, 0xf2c628, random);
        break;
    case THING_BAMBOO:
        bamboo(c, random);
        break;
    case THING_CACTI:
        cactus(c);
        break;
    case THING_TULIPS:
        tulips(c, random);
        break;
    default:
        trunk(c, 0.08, 0.45, 0x6a5038), crown(c, 0.66, 0.36, snow ? 0xdde4e4 : 0x5a9a48, random);
        break;
    }
}

void draw_plants(struct canvas *canvas, enum thing plants, double x, double y, double size, double width,
                 bool snow, struct random *random) {
    double pitch = size * (plants == THING_CYPRESSES ? 0.3 : plants == THING_TULIPS ? 1.7 : 0.62);
    int count = (int)fmax(1, width / pitch);
    for (int i = 0; i < count; i++) {
        double at = x + (i - (count - 1) / 2.0) * pitch;
        canvas_enter(canvas, at, y + pick_between(random, -1, 1), size * pick_between(random, 0.85, 1.05));
        one_plant(canvas, plants, snow, random);
        canvas_leave(canvas);
    }
}
