// National flags, simple enough to be told apart at twenty pixels.
#include "postcards/draw.h"

#include <math.h>

struct frame {
    struct canvas *c;
    double x, y, w, h;
};

static void part(const struct frame *f, double x, double y, double w, double h, uint32_t colour) {
    draw_box(f->c, f->x + x * f->w, f->y + y * f->h, w * f->w, h * f->h, colour);
}

static void bands_down(const struct frame *f, uint32_t a, uint32_t b, uint32_t c) {
    part(f, 0, 0, 1, 1, b);
    part(f, 0, 0, 1 / 3.0, 1, a);
    part(f, 2 / 3.0, 0, 1 / 3.0, 1, c);
}

static void bands_across(const struct frame *f, uint32_t a, uint32_t b, uint32_t c) {
    part(f, 0, 0, 1, 1, b);
    part(f, 0, 0, 1, 1 / 3.0, a);
    part(f, 0, 2 / 3.0, 1, 1 / 3.0, c);
}

static void star(const struct frame *f, double x, double y, double r, uint32_t colour) {
    double p[20];
    for (int i = 0; i < 10; i++) {
        double a = 3.14159265 * (i / 5.0 - 0.5), q = i % 2 ? r * 0.4 : r;
        p[2 * i] = f->x + x * f->w + q * f->h * cos(a);
        p[2 * i + 1] = f->y + y * f->h + q * f->h * sin(a);
    }
    draw_polygon(f->c, colour, p, 10);
}

static void spot(const struct frame *f, double x, double y, double r, uint32_t colour) {
    draw_disc(f->c, f->x + x * f->w, f->y + y * f->h, r * f->h, colour);
}

static void stroke(const struct frame *f, double x0, double y0, double x1, double y1, double width,
                   uint32_t colour) {
    draw_line(f->c, f->x + x0 * f->w, f->y + y0 * f->h, f->x + x1 * f->w, f->y + y1 * f->h, width * f->h,
              colour);
}

static void union_jack(const struct frame *f) {
    part(f, 0, 0, 1, 1, 0x012169);
    static const double ends[4][4] = {{0.06, 0.09, 0.94, 0.91}, {0.06, 0.91, 0.94, 0.09}};
    for (int i = 0; i < 2; i++) stroke(f, ends[i][0], ends[i][1], ends[i][2], ends[i][3], 0.22, 0xffffff);
    for (int i = 0; i < 2; i++) stroke(f, ends[i][0], ends[i][1], ends[i][2], ends[i][3], 0.08, 0xc8102e);
    part(f, 0.4, 0, 0.2, 1, 0xffffff);
    part(f, 0, 0.34, 1, 0.32, 0xffffff);
    part(f, 0.44, 0, 0.12, 1, 0xc8102e);
    part(f, 0, 0.41, 1, 0.18, 0xc8102e);
}

static void stripes(const struct frame *f, int count, uint32_t a, uint32_t b) {
    for (int i = 0; i < count; i++) part(f, 0, (double)i / count, 1, 1.0 / count + 0.001, i % 2 ? b : a);
}

static void united_kingdom(const struct frame *f) {
    union_jack(f);
}
static void france(const struct frame *f) {
    bands_down(f, 0x0f2f8c, 0xffffff, 0xe1122d);
}
static void germany(const struct frame *f) {
    bands_across(f, 0x101010, 0xdd0000, 0xffce00);
}
static void italy(const struct frame *f) {
    bands_down(f, 0x008c45, 0xf8f8f4, 0xcd212a);
}
static void netherlands(const struct frame *f) {
    bands_across(f, 0xb01c2e, 0xffffff, 0x1e4785);
}
static void russia(const struct frame *f) {
    bands_across(f, 0xffffff, 0x0036a7, 0xd62718);
}
static void bulgaria(const struct frame *f) {
    bands_across(f, 0xffffff, 0x00966e, 0xd62612);
}

static void spain(const struct frame *f) {
    part(f, 0, 0, 1, 1, 0xaa151b);
    part(f, 0, 0.25, 1, 0.5, 0xf1bf00);
    part(f, 0.22, 0.36, 0.14, 0.28, 0xa3352a);
}

static void greece(const struct frame *f) {
    stripes(f, 9, 0x0d5eaf, 0xffffff);
    part(f, 0, 0, 0.37, 5 / 9.0, 0x0d5eaf);
    part(f, 0.148, 0, 0.074, 5 / 9.0, 0xffffff);
    part(f, 0, 2 / 9.0, 0.37, 1 / 9.0, 0xffffff);
}

static void georgia(const struct frame *f) {
    part(f, 0, 0, 1, 1, 0xffffff);
    part(f, 0.43, 0, 0.14, 1, 0xe4002b);
    part(f, 0, 0.4, 1, 0.2, 0xe4002b);
    for (int i = 0; i < 4; i++) {
        double x = i % 2 ? 0.785 : 0.215, y = i < 2 ? 0.2 : 0.8;
        part(f, x - 0.07, y - 0.035, 0.14, 0.07, 0xe4002b);
        part(f, x - 0.025, y - 0.105, 0.05, 0.21, 0xe4002b);
    }
}

static void turkey(const struct frame *f) {
    part(f, 0, 0, 1, 1, 0xe30a17);
    spot(f, 0.36, 0.5, 0.27, 0xffffff);
    spot(f, 0.41, 0.5, 0.215, 0xe30a17);
    star(f, 0.58, 0.5, 0.14, 0xffffff);
}

static void egypt(const struct frame *f) {
    bands_across(f, 0xce1126, 0xffffff, 0x101010);
    part(f, 0.43, 0.37, 0.14, 0.26, 0xc09300);
}

static void emirates(const struct frame *f) {
    bands_across(f, 0x00732f, 0xffffff, 0x101010);
    part(f, 0, 0, 0.25, 1, 0xff0000);
}

static void morocco(const struct frame *f) {
    part(f, 0, 0, 1, 1, 0xc1272d);
    star(f, 0.5, 0.52, 0.3, 0x006233);
    star(f, 0.5, 0.52, 0.13, 0xc1272d);
}

static void india(const struct frame *f) {
    bands_across(f, 0xff9933, 0xffffff, 0x138808);
    spot(f, 0.5, 0.5, 0.145, 0x000080);
    spot(f, 0.5, 0.5, 0.095, 0xffffff);
    spot(f, 0.5, 0.5, 0.035, 0x000080);
}

static void thailand(const struct frame *f) {
    part(f, 0, 0, 1, 1, 0xa51931);
    part(f, 0, 1 / 6.0, 1, 4 / 6.0, 0xf4f5f8);
    part(f, 0, 2 / 6.0, 1, 2 / 6.0, 0x2d2a4a);
}

static void japan(const struct frame *f) {
    part(f, 0, 0, 1, 1, 0xffffff);
    spot(f, 0.5, 0.5, 0.3, 0xbc002d);
}

static void korea(const struct frame *f) {
    part(f, 0, 0, 1, 1, 0xffffff);
    spot(f, 0.5, 0.5, 0.25, 0x0047a0);
    draw_dome(f->c, f->x + 0.5 * f->w, f->y + 0.5 * f->h, 0.25 * f->h, -0.25 * f->h, 0xcd2e3a);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 3; k++)
            part(f, (i % 2 ? 0.78 : 0.1), (i < 2 ? 0.14 : 0.7) + 0.065 * k, 0.13, 0.035, 0x101010);
}

static void china(const struct frame *f) {
    part(f, 0, 0, 1, 1, 0xee1c25);
    star(f, 0.18, 0.27, 0.2, 0xffff00);
    static const double at[4][2] = {{0.36, 0.12}, {0.42, 0.24}, {0.42, 0.4}, {0.36, 0.52}};
    for (int i = 0; i < 4; i++) star(f, at[i][0], at[i][1], 0.07, 0xffff00);
}

static void australia(const struct frame *f) {
    part(f, 0, 0, 1, 1, 0x00247d);
    struct frame canton = {f->c, f->x, f->y, f->w * 0.5, f->h * 0.5};
    union_jack(&canton);
    star(f, 0.25, 0.76, 0.16, 0xffffff);
    static const double at[4][2] = {{0.75, 0.18}, {0.62, 0.46}, {0.88, 0.4}, {0.75, 0.82}};
    for (int i = 0; i < 4; i++) star(f, at[i][0], at[i][1], 0.09, 0xffffff);
}

static void south_africa(const struct frame *f) {
    struct canvas *c = f->c;
    double x = f->x, y = f->y, w = f->w, h = f->h;
    part(f, 0, 0, 1, 0.5, 0xde3831);
    part(f, 0, 0.5, 1, 0.5, 0x002395);
    part(f, 0.3, 0.33, 0.7, 0.34, 0xffffff);
    DRAW_POLYGON(c, 0xffffff, x, y, x + 0.14 * w, y, x + 0.58 * w, y + 0.5 * h, x + 0.14 * w, y + h, x,
                 y + h);
    DRAW_POLYGON(c, 0x007a4d, x, y, x + 0.08 * w, y, x + 0.5 * w, y + 0.5 * h, x + 0.08 * w, y + h, x, y + h);
    part(f, 0.3, 0.4, 0.7, 0.2, 0x007a4d);
    DRAW_POLYGON(c, 0xffb612, x, y + 0.16 * h, x + 0.32 * w, y + 0.5 * h, x, y + 0.84 * h);
    DRAW_POLYGON(c, 0x101010, x, y + 0.24 * h, x + 0.25 * w, y + 0.5 * h, x, y + 0.76 * h);
}

static void united_states(const struct frame *f) {
    stripes(f, 13, 0xb22234, 0xffffff);
    part(f, 0, 0, 0.42, 7 / 13.0, 0x3c3b6e);
    for (int r = 0; r < 3; r++)
        for (int i = 0; i < 4; i++) spot(f, 0.06 + 0.1 * i, 0.09 + 0.18 * r, 0.035, 0xffffff);
}

static void brazil(const struct frame *f) {
    part(f, 0, 0, 1, 1, 0x009739);
    DRAW_POLYGON(f->c, 0xfedd00, f->x + 0.08 * f->w, f->y + 0.5 * f->h, f->x + 0.5 * f->w, f->y + 0.1 * f->h,
                 f->x + 0.92 * f->w, f->y + 0.5 * f->h, f->x + 0.5 * f->w, f->y + 0.9 * f->h);
    spot(f, 0.5, 0.5, 0.22, 0x012169);
    stroke(f, 0.37, 0.46, 0.63, 0.53, 0.06, 0xffffff);
}

static void mexico(const struct frame *f) {
    bands_down(f, 0x006341, 0xffffff, 0xce1126);
    spot(f, 0.5, 0.48, 0.15, 0x8a5a2b);
    part(f, 0.43, 0.62, 0.14, 0.06, 0x4f8f3a);
}

// In the order of countries[].
static const struct {
    void (*draw)(const struct frame *frame);
    const char *words;
} flags[COUNTRY_COUNT] = {
    {united_kingdom, "with red and white crosses on blue"},
    {france, "with blue, white and red upright bands"},
    {germany, "in black, red and gold"},
    {italy, "with green, white and red upright bands"},
    {spain, "in red and yellow"},
    {netherlands, "with red, white and blue level bands"},
    {greece, "with blue and white stripes and a cross"},
    {russia, "with white, blue and red level bands"},
    {bulgaria, "with white, green and red level bands"},
    {georgia, "with five red crosses on white"},
    {turkey, "with a white moon and star on red"},
    {egypt, "in red, white and black"},
    {emirates, "in green, white and black beside red"},
    {morocco, "with a green star on red"},
    {india, "in orange, white and green"},
    {thailand, "with red, white and dark blue bands"},
    {japan, "with a red disc on white"},
    {korea, "with a red and blue disc on white"},
    {china, "with yellow stars on red"},
    {australia, "with white stars on blue"},
    {south_africa, "with a green fork in many colours"},
    {united_states, "with red and white stripes and stars"},
    {brazil, "with a yellow diamond on green"},
    {mexico, "in green, white and red with an eagle"},
};

void draw_flag(struct canvas *canvas, int country, double x, double y, double w) {
    struct frame frame = {canvas, x, y, w, w * 2 / 3};
    draw_box(canvas, x, y, w, w * 2 / 3, 0xffffff);
    canvas_detail(canvas, true);
    flags[country].draw(&frame);
    draw_box(canvas, x, y, w, w * 0.015, 0x9a9a9a);
    draw_box(canvas, x, y + w * 2 / 3, w, w * 0.015, 0x707070);
    canvas_detail(canvas, false);
}

void draw_flag_pole(struct canvas *canvas, double x, double top, double ground) {
    draw_box(canvas, x - 1, top, 1.6, ground - top, 0xb8bcc0);
    draw_disc(canvas, x - 0.2, top - 0.5, 1.5, 0xd8b040);
}

const char *flag_words(int country) {
    return flags[country].words;
}
