#include "postcards/draw.h"

uint32_t draw_sky(struct canvas *canvas, enum light light, double horizon, struct random *random) {
    static const uint32_t top[LIGHTS][2] = {
        {0x3f86d8, 0x6fb2ea}, {0x9aa4ad, 0xb8c0c6}, {0x4a4f8c, 0x7a5f9a}, {0x070b1e, 0x131a38}};
    static const uint32_t low[LIGHTS][2] = {
        {0xcfe6f6, 0xe9f1f4}, {0xc9ced2, 0xdcdfe0}, {0xf6a25c, 0xf7c98a}, {0x232c52, 0x33406a}};
    double mix = random_unit(random);
    uint32_t upper = colour_blend(top[light][0], top[light][1], mix);
    uint32_t lower = colour_blend(low[light][0], low[light][1], mix);
    canvas_glow(canvas, true); // the sky is where the light comes from
    draw_gradient(canvas, 0, 0, CANVAS_WIDTH, horizon + 1, upper, lower);
    if (light == LIGHT_NIGHT) {
        for (int i = 0; i < 25; i++)
            draw_disc(canvas, pick_between(random, 0, 224), pick_between(random, 0, horizon * 0.8),
                      pick_between(random, 0.3, 0.7), 0xd8def0);
        if (pick_chance(random, 0.5))
            draw_disc(canvas, pick_between(random, 20, 200), pick_between(random, 12, 40), 6, 0xf2efdc);
    } else if (light != LIGHT_GREY && pick_chance(random, 0.4)) {
        uint32_t sun = light == LIGHT_DAY ? 0xfff6cc : 0xffd27a;
        draw_disc(canvas, pick_between(random, 15, 210),
                  light == LIGHT_DAY ? pick_between(random, 10, 30) : horizon - 12, 8, sun);
    }
    canvas_glow(canvas, false);
    return lower;
}

void draw_clouds(struct canvas *canvas, double horizon, int count, struct random *random) {
    for (int i = 0; i < count; i++) {
        double x = pick_between(random, 0, 224), y = pick_between(random, 8, horizon * 0.6),
               s = pick_between(random, 5, 11);
        uint32_t colour = colour_blend(0xffffff, 0xcfd6dc, random_unit(random));
        for (int k = 0; k < 5; k++)
            draw_oval(canvas, x + (k - 2) * s * 0.8, y + (k % 2 ? -s * 0.3 : 0), s * 0.9,
                      s * (k == 2 ? 0.8 : 0.5), colour);
    }
}

void draw_birds(struct canvas *canvas, double x, double y, int count, struct random *random) {
    for (int i = 0; i < count; i++) {
        double bx = x + pick_between(random, -25, 25), by = y + pick_between(random, -12, 12),
               s = pick_between(random, 3, 5);
        draw_curve(
            canvas,
            (double[8]){bx - s, by - s * 0.3, bx - s * 0.6, by - s, bx - s * 0.2, by - s * 0.6, bx, by}, 1.1,
            0x22262c);
        draw_curve(
            canvas,
            (double[8]){bx + s, by - s * 0.3, bx + s * 0.6, by - s, bx + s * 0.2, by - s * 0.6, bx, by}, 1.1,
            0x22262c);
    }
}

void draw_balloon(struct canvas *canvas, double x, double y, double size, struct random *random) {
    static const uint32_t colours[] = {0xe0483c, 0xf0b030, 0x4a8fd8, 0x8a4fb0, 0x3fa86a};
    uint32_t a = colours[pick_one(random, 5)], b = colours[pick_one(random, 5)];
    canvas_enter(canvas, x, y, size);
    draw_box(canvas, -0.08, 0, 0.16, 0.12, 0x7a5230);
    draw_line(canvas, -0.07, 0.1, -0.25, 0.45, 0.02, 0x6a5a4a);
    draw_line(canvas, 0.07, 0.1, 0.25, 0.45, 0.02, 0x6a5a4a);
    draw_oval(canvas, 0, 0.66, 0.34, 0.36, a);
    canvas_detail(canvas, true);
    draw_oval(canvas, 0, 0.66, 0.14, 0.36, b);
    canvas_detail(canvas, false);
    canvas_leave(canvas);
}
