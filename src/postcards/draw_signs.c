#include "postcards/draw.h"

#include <math.h>

static void pole(struct canvas *canvas, double x, double top, double ground) {
    draw_box(canvas, x - 1.1, top, 2.2, ground - top, 0x8a8e92);
}

void draw_sign(struct canvas *canvas, const struct word *word, const struct country *country, double x,
               double y, double width, bool on_pole, double ground) {
    double letters = 12, lines = word->second ? 2 : 1, height = lines * (letters + 3) + 5;
    if (on_pole) {
        pole(canvas, x - width * 0.4, y, ground);
        pole(canvas, x + width * 0.4, y, ground);
    }
    draw_box(canvas, x - width / 2, y - height / 2, width, height, country->ink);
    draw_box(canvas, x - width / 2 + 1, y - height / 2 + 1, width - 2, height - 2, country->board);
    canvas_detail(canvas, true);
    double first = word->second ? y - letters / 2 - 2 : y;
    draw_text(canvas, word->face, word->text, x, first, letters, width - 6, country->ink);
    if (word->second)
        draw_text(canvas, FACE_SANS, word->second, x, y + letters / 2 + 2.5, letters, width - 6,
                  country->ink);
    canvas_detail(canvas, false);
}

void draw_stop_sign(struct canvas *canvas, const struct word *word, bool triangle, double x, double y,
                    double radius, double ground) {
    pole(canvas, x, y, ground);
    if (triangle) {
        double r = radius * 1.25;
        DRAW_POLYGON(canvas, 0xffffff, x - r, y - r * 0.62, x + r, y - r * 0.62, x, y + r * 1.05);
        DRAW_POLYGON(canvas, 0xd0222a, x - r * 0.9, y - r * 0.56, x + r * 0.9, y - r * 0.56, x, y + r * 0.94);
    } else {
        double outer[16], inner[16];
        for (int i = 0; i < 8; i++) {
            double a = 3.14159265 * (i / 4.0 + 0.125);
            outer[2 * i] = x + radius * cos(a), outer[2 * i + 1] = y + radius * sin(a);
            inner[2 * i] = x + radius * 0.9 * cos(a), inner[2 * i + 1] = y + radius * 0.9 * sin(a);
        }
        draw_polygon(canvas, 0xffffff, outer, 8);
        draw_polygon(canvas, 0xd0222a, inner, 8);
    }
    canvas_detail(canvas, true);
    draw_text(canvas, word->face, word->text, x, triangle ? y - radius * 0.22 : y, radius * 0.62,
              radius * 1.55, 0xffffff);
    canvas_detail(canvas, false);
}
