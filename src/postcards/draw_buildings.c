// Houses, one front at a time. A style is a row of numbers: walls, roof, windows and what it is known for.
#include "postcards/draw.h"

#include <math.h>

enum roof { ROOF_FLAT, ROOF_GABLE, ROOF_MANSARD, ROOF_STEPS, ROOF_TILES, ROOF_CURVED, ROOF_PARAPET };
enum window {
    WINDOW_PLAIN,
    WINDOW_SHUTTERS,
    WINDOW_GRID,
    WINDOW_BALCONY,
    WINDOW_BAY,
    WINDOW_ARCH,
    WINDOW_SLATS
};
enum extra {
    EXTRA_NONE,
    EXTRA_ESCAPE,
    EXTRA_LACE,
    EXTRA_TANKS,
    EXTRA_COLUMNS,
    EXTRA_CARVED,
    EXTRA_NUMBER,
    EXTRA_SHOP
};

struct style {
    enum thing thing;
    uint32_t walls[4], roof_colour, window_colour, trim;
    enum roof roof;
    enum window window;
    enum extra extra;
    double floor; // height of a floor
};

static const struct style styles[] = {
    {THING_BRICK_TERRACES,
     {0xa4452f, 0xb0523a, 0x973f2c, 0xa84a35},
     0x4a4a4e,
     0x39444e,
     0xf4f0e6,
     ROOF_GABLE,
     WINDOW_PLAIN,
     EXTRA_NONE,
     13},
    {THING_GREY_TENEMENTS,
     {0x8a8578, 0x7d796e, 0x958f80, 0x86806f},
     0x4d4f55,
     0x2f353c,
     0xb0aa9a,
     ROOF_GABLE,
     WINDOW_PLAIN,
     EXTRA_NONE,
     14},
    {THING_MANSARDS,
     {0xeadfc4, 0xe6d8b8, 0xefe6d0, 0xe2d4b2},
     0x77838e,
     0x4a525a,
     0xc9b98e,
     ROOF_MANSARD,
     WINDOW_BALCONY,
     EXTRA_NONE,
     12},
    {THING_TILED_HOUSES,
     {0xe2a860, 0xdb9a6c, 0xe8bc80, 0xd98f5a},
     0xbc5a36,
     0x4c3a30,
     0x4f7a5c,
     ROOF_TILES,
     WINDOW_SHUTTERS,
     EXTRA_NONE,
     14},
    {THING_CANAL_GABLES,
     {0x8a3f30, 0x6a3a32, 0x9a5240, 0x54342e},
     0x6a3a32,
     0xf4f4f0,
     0xf6f4ee,
     ROOF_STEPS,
     WINDOW_PLAIN,
     EXTRA_NONE,
     13},
    {THING_PANEL_BLOCKS,
     {0xb4b4ae, 0xa6a8a6, 0xbfbcb2, 0xaeb2b4},
     0x8f8f8a,
     0x4f5a64,
     0x94948e,
     ROOF_FLAT,
     WINDOW_GRID,
     EXTRA_NONE,
     9},
    {THING_GLASS_TOWERS,
     {0x6f9fc4, 0x86aeca, 0x5a86ae, 0x7aa8b8},
     0x46607a,
     0xb4d4e6,
     0x3f5f80,
     ROOF_FLAT,
     WINDOW_GRID,
     EXTRA_NONE,
     6},
    {THING_WHITE_BLOCKS,
     {0xf4f2ec, 0xece8de, 0xf8f6f2, 0xefece4},
     0xd8d4ca,
     0x6a7a86,
     0xc8c2b4,
     ROOF_FLAT,
     WINDOW_SLATS,
     EXTRA_NONE,
     11},
    {THING_MUD_HOUSES,
     {0xd4b483, 0xc9a874, 0xdec294, 0xcdb088},
     0xb8945e,
     0x5f4a30,
     0xb8945e,
     ROOF_FLAT,
     WINDOW_ARCH,
     EXTRA_NONE,
     14},
    {THING_RED_WALLS,
     {0xc8704a, 0xbe6642, 0xd07d58, 0xc26a48},
     0xa85636,
     0x4c2c20,
     0xa85636,
     ROOF_PARAPET,
     WINDOW_ARCH,
     EXTRA_NONE,
     16},
    {THING_WOODEN_HOUSES,
     {0x5a3a26, 0x4c3222, 0x66442e, 0x523626},
     0x4f565e,
     0xe0cfa6,
     0x33221a,
     ROOF_CURVED,
     WINDOW_SLATS,
     EXTRA_NONE,
     17},
    {THING_CURVED_ROOFS,
     {0x8e8c86, 0x989690, 0x84827e, 0x8a8882},
     0x55585c,
     0xb03a2c,
     0xb03a2c,
     ROOF_CURVED,
     WINDOW_PLAIN,
     EXTRA_NONE,
     18},
    {THING_BAY_WINDOWS,
     {0xa8c8d8, 0xf0c8b0, 0xb8d0a0, 0xd8b8d0},
     0x6a6064,
     0x4a5866,
     0xfaf8f2,
     ROOF_GABLE,
     WINDOW_BAY,
     EXTRA_NONE,
     15},
    {THING_FIRE_ESCAPES,
     {0x8e4a38, 0x9c5844, 0x7e4032, 0xa06a50},
     0x5a3a30,
     0x2f3a44,
     0xc8b8a0,
     ROOF_FLAT,
     WINDOW_PLAIN,
     EXTRA_ESCAPE,
     13},
    {THING_IRON_LACE,
     {0xd8cbb0, 0xb88a6a, 0xe0d8c8, 0xa87a60},
     0x7a8288,
     0x3a4048,
     0xf4f6f4,
     ROOF_PARAPET,
     WINDOW_PLAIN,
     EXTRA_LACE,
     17},
    {THING_BRIGHT_HOUSES,
     {0xe84f7a, 0xf2b020, 0x2f9fc8, 0x6abf4a},
     0xffffff,
     0x4a3a30,
     0xffffff,
     ROOF_PARAPET,
     WINDOW_PLAIN,
     EXTRA_NONE,
     18},
    {THING_HILL_BRICKS,
     {0xc06a42, 0xb25e3a, 0xcc7a50, 0xd8a070},
     0x9a9a94,
     0x3a3028,
     0x8a4a2e,
     ROOF_FLAT,
     WINDOW_PLAIN,
     EXTRA_TANKS,
     14},
    {THING_SHOPHOUSES,
     {0xd8d4c4, 0xc8d8d0, 0xe4d0b0, 0xc8c4bc},
     0xa8a498,
     0x4a5a5a,
     0x9a9688,
     ROOF_FLAT,
     WINDOW_SLATS,
     EXTRA_SHOP,
     13},
    {THING_WATER_TANKS,
     {0xe0c8a0, 0xc8d4c8, 0xe8b8a0, 0xd4d0c4},
     0xb8b0a0,
     0x4a4a44,
     0xa09888,
     ROOF_FLAT,
     WINDOW_BALCONY,
     EXTRA_TANKS,
     13},
    {THING_PASTEL_PALACES,
     {0xf0cf7a, 0x9cc8b4, 0xb0c8e4, 0xf0b8a8},
     0xa8b0b0,
     0x5a6a7a,
     0xfcfaf6,
     ROOF_FLAT,
     WINDOW_ARCH,
     EXTRA_COLUMNS,
     16},
    {THING_CARVED_BALCONIES,
     {0xd8a088, 0xc8b090, 0xe0b8a0, 0xb8a898},
     0x9a4a3a,
     0x4a3a34,
     0x6a3f2a,
     ROOF_TILES,
     WINDOW_PLAIN,
     EXTRA_CARVED,
     17},
    {THING_TILED_BLOCKS,
     {0xf0eeea, 0xe8e4dc, 0xf4f2f0, 0xeceae4},
     0xd0ccc4,
     0x5f7488,
     0xb8c4cc,
     ROOF_FLAT,
     WINDOW_GRID,
     EXTRA_NUMBER,
     8},
    {THING_PLAIN_HOUSES,
     {0xd4d0c8, 0xc4c0b4, 0xdcd4c4, 0xb8b8b4},
     0x7a6a60,
     0x50585e,
     0xb0aca4,
     ROOF_GABLE,
     WINDOW_PLAIN,
     EXTRA_NONE,
     15},
};

struct house {
    struct canvas *c;
    const struct style *style;
    double w, h; // of the wall
    uint32_t wall;
    bool night, snow;
    struct random *random;
};

static void roof(const struct house *b) {
    struct canvas *c = b->c;
    double w = b->w, h = b->h, x = -w / 2;
    uint32_t colour = b->snow ? 0xf6f8fa : b->style->roof_colour;
    switch (b->style->roof) {
    case ROOF_FLAT:
        draw_box(c, x - 0.5, h, w + 1, 2, colour);
        break;
    case ROOF_GABLE:
        draw_taper(c, 0, h, w + 2, h + 7, w - 4, colour);
        draw_box(c, x + w * 0.7, h + 3, 4, 8, colour_shade(b->wall, 0.8));
        break;
    case ROOF_MANSARD:
        draw_taper(c, 0, h, w + 1, h + 11, w - 5, colour);
        canvas_detail(c, true);
        for (int i = 0; i < 3; i++) draw_arch(c, x + w * (0.18 + 0.27 * i), h + 2, 4, 6, 0xe9dfc8);
        for (int i = 0; i < 3; i++) draw_box(c, x + w * (0.18 + 0.27 * i) + 1, h + 2.5, 2, 4, 0x3f474f);
        canvas_detail(c, false);
        break;
    case ROOF_STEPS:
        for (int i = 0; i < 4; i++)
            draw_box(c, x + w * 0.11 * i, h + 4 * i, w * (1 - 0.22 * i), 4.2, b->wall);
        for (int i = 0; i < 4; i++)
            draw_box(c, x + w * 0.11 * i, h + 4 * i + 3.2, w * (1 - 0.22 * i), 1,
                     b->snow ? colour : b->style->trim);
        break;
    case ROOF_TILES:
        draw_taper(c, 0, h - 1, w + 6, h + 6, w - 5, colour);
        break;
    case ROOF_CURVED:
        DRAW_POLYGON(c, colour, x - 6, h + 1.5, x - 2, h + 1, x + w * 0.2, h + 6, x + w * 0.32, h + 11,
                     x + w * 0.68, h + 11, x + w * 0.8, h + 6, x + w + 2, h + 1, x + w + 6, h + 1.5,
                     x + w + 4, h - 2, x - 4, h - 2);
        break;
    case ROOF_PARAPET:
        draw_box(c, x, h, w, 3, b->snow ? colour : b->style->roof_colour);
        if (b->style->thing == THING_RED_WALLS)
            for (int i = 0; 5 * i < w - 2; i++) draw_box(c, x + 5 * i, h + 3, 3, 3, b->wall);
        break;
    }
}

static void window(const struct house *b, double x, double y, double w, double h) {
    struct canvas *c = b->c;
    bool lit = b->night && pick_chance(b->random, 0.45);
    uint32_t pane = lit ? 0xffdf8a : b->style->window_colour, trim = b->style->trim;
    switch (b->style->window) {
    case WINDOW_SHUTTERS:
        draw_box(c, x - w * 0.35, y, w * 0.4, h, trim);
        draw_box(c, x + w * 0.95, y, w * 0.4, h, trim);
        break;
    case WINDOW_BAY:
        draw_box(c, x - w * 0.3, y - h * 0.3, w * 1.6, h * 1.5, trim);
        break;
    case WINDOW_BALCONY:
        draw_box(c, x - w * 0.3, y - 0.8, w * 1.6, 1.4, 0x2c2c30);
        break;
    case WINDOW_PLAIN:
        draw_box(c, x - 0.8, y - 0.8, w + 1.6, h + 1.6, trim);
        break;
    case WINDOW_GRID:
    case WINDOW_ARCH:
    case WINDOW_SLATS:
        break;
    }
    canvas_glow(c, lit);
    if (b->style->window == WINDOW_ARCH)
        draw_arch(c, x, y, w, h * 1.1, pane);
    else
        draw_box(c, x, y, w, h, pane);
    canvas_glow(c, false);
    if (b->style->window == WINDOW_SLATS) {
        draw_box(c, x - w * 0.3, y - h * 0.2, w * 1.6, h * 0.4, trim);
        for (int i = 0; i < 2; i++) draw_box(c, x + w * (0.25 + 0.35 * i), y, 0.6, h, trim);
    }
    if (b->style->window == WINDOW_PLAIN && w > 3) draw_box(c, x + w / 2 - 0.3, y, 0.6, h, trim);
}

static void window_rows(const struct house *b) {
    bool grid = b->style->window == WINDOW_GRID;
    double floor = b->style->floor, pitch = grid ? 6 : 11;
    int rows = (int)fmax(1, (b->h - 2) / floor), columns = (int)fmax(1, b->w / pitch);
    double step = b->w / columns, ww = step * (grid ? 0.68 : 0.36), wh = floor * (grid ? 0.55 : 0.5);
    int first = grid ? 0 : 1; // the ground floor has a door instead
    for (int r = first; r < rows; r++)
        for (int i = 0; i < columns; i++)
            window(b, -b->w / 2 + step * (i + 0.5) - ww / 2, floor * (r + 0.3), ww, wh);
    if (grid) return;
    draw_box(b->c, -b->w * 0.12, 0, fmin(6, b->w * 0.24), floor * 0.75,
             colour_shade(b->style->window_colour, 0.7));
    for (int i = 0; i < columns; i++) {
        double x = -b->w / 2 + step * (i + 0.5) - ww / 2;
        if (fabs(x) > b->w * 0.16) window(b, x, floor * 0.25, ww, wh);
    }
}

static void lace(const struct house *b, double y) {
    draw_box(b->c, -b->w / 2, y + 9, b->w, 2.4, b->style->trim);
    draw_box(b->c, -b->w / 2, y - 1, b->w, 4, b->style->trim);
    double x = -b->w / 2;
    for (int i = 0; 2.4 * i < b->w - 1; i++) draw_box(b->c, x + 2.4 * i + 0.6, y, 1, 2.2, 0x6a7278);
    for (int i = 0; 3 * i < b->w; i++) draw_disc(b->c, x + 3 * i + 1.5, y + 8.6, 1.2, b->style->trim);
    for (int i = 0; i < 3; i++) draw_box(b->c, x + (b->w - 1) * i / 2, 0, 1, y + 10, b->style->trim);
}

static void extras(const struct house *b) {
    struct canvas *c = b->c;
    double w = b->w, h = b->h, floor = b->style->floor;
    switch (b->style->extra) {
    case EXTRA_ESCAPE:
        for (int row = 1; row * floor + 4 < h; row++) {
            double y = row * floor;
            draw_box(c, -w * 0.3, y, w * 0.6, 1.6, 0x16181a);
            for (int i = 0; i < 6; i++) draw_box(c, -w * 0.3 + w * 0.117 * i, y, 0.7, 5, 0x16181a);
            draw_box(c, -w * 0.3, y + 4.5, w * 0.6, 0.8, 0x16181a);
            draw_line(c, -w * 0.22, y, w * 0.2, y - floor, 1.3, 0x16181a);
        }
        break;
    case EXTRA_LACE:
        for (int row = 1; row * floor + 6 < h; row++) lace(b, row * floor);
        break;
    case EXTRA_COLUMNS:
        for (int i = 0; i < 5; i++)
            draw_box(c, w * (0.21 * i - 0.42) - 1.2, floor * 0.9, 2.6, h - floor * 0.9, b->style->trim);
        draw_box(c, -w / 2, h - 3, w, 3, b->style->trim);
        draw_box(c, -w / 2, floor * 0.85, w, 1.6, b->style->trim);
        break;
    case EXTRA_CARVED:
        for (int row = 1; row * floor + 8 < h; row++) {
            double y = row * floor;
            draw_box(c, -w * 0.4, y - 1, w * 0.8, 6, b->style->trim);
            draw_box(c, -w * 0.4, y + 12, w * 0.8, 2.4, b->style->trim);
            for (int i = 0; i < 5; i++)
                draw_box(c, -w * 0.4 + (w * 0.8 - 1.4) * i / 4, y, 1.4, 13, b->style->trim);
            for (int i = 0; i < 8; i++) draw_box(c, -w * 0.38 + w * 0.096 * i, y, w * 0.04, 3.6, 0xc89a6a);
        }
        break;
    case EXTRA_SHOP:
        for (int i = 0; i < 6; i++)
            draw_box(c, -w / 2 + w / 6 * i, floor * 0.72, w / 6, 4, i % 2 ? 0xf4f4f0 : 0xd04a3a);
        draw_box(c, -w * 0.42, 0, w * 0.84, floor * 0.68, 0x3a3c40);
        break;
    case EXTRA_NONE:
    case EXTRA_TANKS:
    case EXTRA_NUMBER:
        break;
    }
}

static void on_the_roof(const struct house *b) {
    if (b->style->extra != EXTRA_TANKS) return;
    uint32_t tank = b->style->thing == THING_HILL_BRICKS ? 0x2f6fb8 : 0x1c1e22;
    for (int i = 0; i < 2; i++) {
        double x = b->w * (i ? 0.18 : -0.32);
        draw_box(b->c, x, b->h + 2, b->w * 0.2, 6.5, tank);
        draw_dome(b->c, x + b->w * 0.1, b->h + 8.5, b->w * 0.1, 2, tank);
    }
}

void draw_building(struct canvas *canvas, enum thing style, double x, double y, double w, double h,
                   enum light light, bool snow, struct random *random) {
    const struct style *found = &styles[sizeof styles / sizeof styles[0] - 1];
    for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++)
        if (styles[i].thing == style) found = &styles[i];
    struct house b = {canvas,
                      found,
                      w,
                      h,
                      found->walls[pick_one(random, 4)],
                      light == LIGHT_NIGHT || light == LIGHT_EVENING,
                      snow,
                      random};
    b.wall = colour_shade(b.wall, pick_between(random, 0.92, 1.06));
    canvas_detail(canvas, false);
    canvas_enter(canvas, x + w / 2, y, 1);
    if (found->roof != ROOF_TILES) roof(&b);
    draw_box(canvas, -w / 2, 0, w, h, b.wall);
    if (found->roof == ROOF_TILES) roof(&b);
    on_the_roof(&b);
    canvas_detail(canvas, true);
    draw_box(canvas, w / 2 - 1, 0, 1, h, colour_shade(b.wall, 0.8));
    window_rows(&b);
    extras(&b);
    if (found->extra == EXTRA_NUMBER) {
        static const char digits[] = "0123456789";
        char number[4] = {digits[1 + pick_one(random, 3)], digits[pick_one(random, 10)],
                          digits[1 + pick_one(random, 9)], 0};
        draw_box(canvas, -w * 0.36, h - 15, w * 0.72, 12, b.wall);
        canvas_leave(canvas);
        draw_text(canvas, FACE_SANS, number, x + w / 2, y - h + 9, 9, w * 0.66, 0x2f5f9a);
    } else {
        canvas_leave(canvas);
    }
    canvas_detail(canvas, false);
}
