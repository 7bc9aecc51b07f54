// Pages, charts, maps, screens and patterns.
#include <math.h>
#include <stdio.h>

#include "postcards/stranger_internal.h"

enum { SITES = 24, POINTS = 30 };

static double line_of_text(struct canvas *canvas, struct random *random, double x, double y, double height,
                           double width, uint32_t ink) {
    char words[12];
    for (double end = x + width; x < end - height;) {
        stranger_words(random, words, sizeof words);
        double w = fmin(height * pick_between(random, 2, 6), end - x);
        x += draw_text(canvas, pick_chance(random, 0.5) ? FACE_SANS : FACE_SERIF, words, x + w / 2, y, height,
                       w, ink) +
             height * 0.8;
    }
    return x;
}

void stranger_draw_page(struct canvas *canvas, struct random *random) {
    bool dark = pick_chance(random, 0.2);
    uint32_t paper = dark ? 0x181c22 : stranger_near(random, 0xf4f2ea),
             ink = dark ? 0xd8dce0 : stranger_near(random, 0x202024);
    draw_box(canvas, 0, 0, CANVAS_WIDTH, CANVAS_HEIGHT, paper);
    double height = pick_between(random, 1.5, 9), step = height * pick_between(random, 1.6, 2.6),
           margin = pick_between(random, 4, 30);
    int columns = pick_chance(random, 0.3) ? 2 : 1;
    double width = (CANVAS_WIDTH - margin * (columns + 1)) / columns;
    if (pick_chance(random, 0.5)) line_of_text(canvas, random, margin, margin, height * 2, width, ink);
    for (int c = 0; c < columns; c++)
        for (double y = margin + step * 2; y < CANVAS_HEIGHT - margin;) {
            double x = margin + c * (width + margin);
            if (pick_chance(random, 0.1))
                ; // an empty line
            else if (height < 3)
                draw_line(canvas, x, y, x + width * pick_between(random, 0.5, 1), y, height * 0.6,
                          colour_blend(ink, paper, 0.4));
            else
                line_of_text(canvas, random, x, y, height, width * (pick_chance(random, 0.2) ? 0.6 : 1), ink);
            y += step;
        }
    if (pick_chance(random, 0.3))
        draw_box(canvas, margin + width * 0.3, 60, width * 0.6, 50, stranger_colour(random));
}

void stranger_draw_chart(struct canvas *canvas, struct random *random) {
    uint32_t paper = pick_chance(random, 0.7) ? 0xffffff : stranger_colour(random), axis = 0x404040;
    draw_box(canvas, 0, 0, CANVAS_WIDTH, CANVAS_HEIGHT, paper);
    double left = pick_between(random, 10, 30), foot = pick_between(random, 140, 160), wide = 214 - left,
           high = foot - 20;
    int n = 2 + pick_one(random, 14), kind = pick_one(random, 4);
    char words[12];
    stranger_words(random, words, sizeof words);
    draw_text(canvas, FACE_SANS, words, 112, 9, 5, 100, axis);
    if (kind < 3) {
        for (int i = 1, grid = pick_one(random, 8); i <= grid; i++)
            draw_line(canvas, left, foot - high * i / grid, left + wide, foot - high * i / grid, 0.4,
                      0xc8c8c8);
        draw_line(canvas, left, foot, left + wide, foot, 0.8, axis);
        draw_line(canvas, left, foot, left, 20, 0.8, axis);
    }
    int series = 1 + pick_one(random, 3);
    for (int s = 0; s < series; s++) {
        uint32_t colour = stranger_colour(random);
        double y = foot - high * random_unit(random), drift = pick_between(random, -0.05, 0.05);
        for (int i = 0; i < n; i++) {
            double x = left + wide * (i + 0.5) / n, value = random_unit(random);
            if (kind == 0)
                draw_box(canvas, x - wide / n * 0.4 + s * wide / n * 0.8 / series, foot - high * value,
                         wide / n * 0.75 / series, high * value, colour);
            else if (kind == 1) {
                double next = fmin(fmax(y - high * (drift + pick_between(random, -0.2, 0.2)), 20), foot);
                draw_line(canvas, x - wide / n, y, x, next, 1.2, colour);
                if (series < 3) draw_disc(canvas, x, next, 1.6, colour);
                y = next;
            } else if (kind == 2)
                for (int k = 0; k < 4; k++)
                    draw_disc(canvas, left + wide * random_unit(random), foot - high * random_unit(random),
                              1.5, colour);
        }
    }
    if (kind < 3) return;
    double angle = 0, radius = pick_between(random, 35, 65);
    for (int i = 0; i < n && angle < 6.28; i++) {
        double p[2 * POINTS], turn = i == n - 1
                                         ? 6.2832 - angle
                                         : fmin(6.2832 - angle, pick_between(random, 0.1, 6.28 / n * 2));
        p[0] = 100, p[1] = 88;
        for (int k = 1; k < POINTS; k++) {
            double a = angle + turn * (k - 1) / (POINTS - 2);
            p[2 * k] = 100 + radius * cos(a), p[2 * k + 1] = 88 + radius * sin(a);
        }
        uint32_t colour = stranger_colour(random);
        draw_polygon(canvas, colour, p, POINTS);
        draw_box(canvas, 180, 30 + 9 * i, 5, 5, colour);
        angle += turn;
    }
    if (pick_chance(random, 0.4)) draw_disc(canvas, 100, 88, radius * 0.5, paper);
}

// Areas are bands between winding borders, cut by other borders.
static void winding(struct canvas *canvas, struct random *random, double x, double y, double dx, double dy,
                    double width, uint32_t colour) {
    for (int i = 0; i < 40; i++) {
        double nx = x + dx + pick_between(random, -3, 3), ny = y + dy + pick_between(random, -3, 3);
        draw_line(canvas, x, y, nx, ny, width, colour);
        x = nx, y = ny;
    }
}

void stranger_draw_map(struct canvas *canvas, struct random *random) {
    uint32_t sea =
        pick_chance(random, 0.6) ? stranger_near(random, 0xa8cce0) : stranger_near(random, 0xf0ece0);
    draw_box(canvas, 0, 0, CANVAS_WIDTH, CANVAS_HEIGHT, sea);
    bool streets = pick_chance(random, 0.4);
    char words[12];
    for (int i = 0, n = streets ? 4 : 3 + pick_one(random, SITES); i < n; i++) {
        double p[2 * POINTS], cx = pick_between(random, 0, 224), cy = pick_between(random, 0, 168),
                              r = pick_between(random, 10, 60), rough = pick_between(random, 0.05, 0.4);
        for (int k = 0; k < POINTS; k++) {
            double a = 6.2832 * k / POINTS, at = r * (1 + pick_between(random, -rough, rough));
            p[2 * k] = cx + at * cos(a) * 1.3, p[2 * k + 1] = cy + at * sin(a);
        }
        uint32_t land = colour_blend(stranger_colour(random), 0xf0eedc, pick_between(random, 0.2, 0.7));
        draw_polygon(canvas, land, p, POINTS);
        if (pick_chance(random, 0.6))
            for (int k = 0; k < POINTS; k++)
                draw_line(canvas, p[2 * k], p[2 * k + 1], p[2 * ((k + 1) % POINTS)],
                          p[2 * ((k + 1) % POINTS) + 1], 0.6, colour_shade(land, 0.6));
    }
    for (int i = 0, n = pick_one(random, streets ? 30 : 5); i < n; i++) {
        double x = pick_between(random, 0, 224), y = pick_between(random, 0, 168),
               a = streets ? pick_one(random, 2) * 1.571 + pick_between(random, -0.1, 0.1)
                           : pick_between(random, 0, 6.28);
        if (streets) {
            uint32_t road = pick_chance(random, 0.3) ? 0xf4c868 : 0xffffff;
            draw_line(canvas, x - 250 * cos(a), y - 250 * sin(a), x + 250 * cos(a), y + 250 * sin(a),
                      pick_between(random, 0.8, 4), road);
        } else
            winding(canvas, random, x, y, 4 * cos(a), 4 * sin(a), pick_between(random, 0.4, 1.6), 0x4f8fc0);
    }
    for (int i = 0, n = pick_one(random, 20); i < n; i++) {
        double x = pick_between(random, 15, 209), y = pick_between(random, 6, 162);
        stranger_words(random, words, sizeof words);
        draw_disc(canvas, x, y + 4, 0.9, 0x802020);
        draw_text(canvas, FACE_SANS, words, x, y, pick_between(random, 2, 5), 40, 0x303030);
    }
}

void stranger_draw_screen(struct canvas *canvas, struct random *random) {
    bool dark = pick_chance(random, 0.3);
    uint32_t desk = pick_chance(random, 0.4) ? stranger_colour(random)
                    : dark                   ? 0x202428
                                             : 0xe8eaec,
             ink = dark ? 0xe0e0e0 : 0x303030;
    draw_gradient(canvas, 0, 0, CANVAS_WIDTH, CANVAS_HEIGHT, desk, stranger_near(random, desk));
    for (int i = 0, n = 1 + pick_one(random, 4); i < n; i++) {
        double x = i ? pick_between(random, 0, 120) : 0,
               y = i ? pick_between(random, 5, 90) : pick_between(random, 0, 12),
               w = i ? pick_between(random, 50, 140) : CANVAS_WIDTH,
               h = i ? pick_between(random, 40, 110) : CANVAS_HEIGHT;
        uint32_t face = dark ? stranger_near(random, 0x2c3036) : stranger_near(random, 0xf6f6f6);
        draw_box(canvas, x - 0.7, y - 0.7, w + 1.4, h + 1.4, colour_shade(face, 0.6));
        draw_box(canvas, x, y, w, h, face);
        uint32_t bar = stranger_colour(random);
        draw_box(canvas, x, y, w, 8, bar);
        for (int k = 0; k < 3; k++) draw_disc(canvas, x + w - 5 - 6 * k, y + 4, 1.8, stranger_colour(random));
        line_of_text(canvas, random, x + 4, y + 4, 3, w * 0.3, 0xffffff);
        if (pick_chance(random, 0.5)) draw_box(canvas, x, y + 8, w * 0.22, h - 8, colour_shade(face, 0.92));
        for (double at = y + 15; at < y + h - 4;) {
            double from = x + w * pick_between(random, 0.05, 0.35);
            switch (pick_one(random, 4)) {
            case 0:
                draw_box(canvas, from, at - 3, w * pick_between(random, 0.1, 0.5), 6,
                         pick_chance(random, 0.4) ? bar : colour_shade(face, 0.85));
                break;
            case 1:
                draw_box(canvas, from, at - 3, 6, 6, stranger_colour(random));
                line_of_text(canvas, random, from + 9, at, 3, w * 0.3, ink);
                break;
            default:
                line_of_text(canvas, random, from, at, pick_between(random, 2, 4),
                             w * pick_between(random, 0.2, 0.6), ink);
            }
            at += pick_between(random, 6, 12);
        }
    }
}

enum tile { TILE_CHECK, TILE_DOT, TILE_BRICK };

static void tile(struct canvas *canvas, struct random *random, double step, enum tile kind, uint32_t colour) {
    double across = kind == TILE_DOT ? step : 2 * step, shift = kind == TILE_BRICK ? -2 * step : step;
    for (double y = kind == TILE_DOT ? step / 2 : 0; y < CANVAS_HEIGHT;) {
        double x = kind == TILE_DOT         ? step / 2
                   : fmod(y / step, 2) >= 1 ? shift
                   : kind == TILE_BRICK     ? -step
                                            : 0;
        while (x < CANVAS_WIDTH) {
            if (kind == TILE_CHECK) draw_box(canvas, x, y, step, step, colour);
            if (kind == TILE_DOT) draw_disc(canvas, x, y, step * 0.3, colour);
            if (kind == TILE_BRICK)
                draw_box(canvas, x + 0.5, y + 0.5, 2 * step - 1, step - 1, stranger_near(random, colour));
            x += across;
        }
        y += step;
    }
}

void stranger_draw_pattern(struct canvas *canvas, struct random *random) {
    uint32_t a = stranger_colour(random),
             b = pick_chance(random, 0.5) ? stranger_near(random, a) : stranger_colour(random);
    draw_gradient(canvas, 0, 0, CANVAS_WIDTH, CANVAS_HEIGHT, a, b);
    double step = pick_between(random, 2, 40), slant = pick_between(random, -100, 100);
    switch (pick_one(random, 6)) {
    case 0:
        for (double x = -150; x < 380;) {
            draw_line(canvas, x, -2, x + slant, 170, step, b);
            x += 2 * step;
        }
        break;
    case 1:
        tile(canvas, random, step, TILE_CHECK, b);
        break;
    case 2:
        for (double r = 200; r > 0;) {
            draw_oval(canvas, 112, 84, r, r * 0.75, fmod(r / step, 2) < 1 ? a : b);
            r -= step;
        }
        break;
    case 3:
        tile(canvas, random, step, TILE_DOT, b);
        break;
    case 4:
        tile(canvas, random, step, TILE_BRICK, b);
        break;
    default:
        break; // the gradient alone
    }
}
