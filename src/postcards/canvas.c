#include "postcards/canvas.h"

#include <math.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const struct {
    const char *family, *package;
} faces[FACES] = {
    [FACE_SANS] = {"DejaVu Sans", "fonts-dejavu-core"},
    [FACE_SERIF] = {"DejaVu Serif", "fonts-dejavu-core"},
    [FACE_EAST_ASIA] = {"WenQuanYi Micro Hei", "fonts-wqy-microhei"},
    [FACE_THAI] = {"Garuda", "fonts-tlwg-garuda-ttf"},
    [FACE_DEVANAGARI] = {"Lohit Devanagari", "fonts-lohit-deva"},
};

enum { FONT_SIZE = 24, FRAMES = 8 }; // text is laid out once at this size and scaled

struct canvas {
    cairo_surface_t *picture, *numbers;
    cairo_t *ink, *marks;
    size_t width, height;
    int count, current;
    struct extent painted[CANVAS_ELEMENTS];
    double light[3], haze[3], haze_amount;
    bool glow, detail;
    PangoFontMap *fonts_found; // its own: pango's default one belongs to the thread that asked first
    PangoContext *context;
    PangoLayout *layout;
    PangoFontDescription *fonts[FACES];
    double capital[FACES]; // height of a capital at FONT_SIZE
};

static void prepare_fonts(struct canvas *canvas) {
    canvas->fonts_found = pango_cairo_font_map_new();
    canvas->context = pango_font_map_create_context(canvas->fonts_found);
    // No hinting and no subpixel order: the same letters on every machine.
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(canvas->context, options);
    cairo_font_options_destroy(options);
    pango_cairo_context_set_resolution(canvas->context, 72);
    canvas->layout = pango_layout_new(canvas->context);
    for (int i = 0; i < FACES; i++) {
        canvas->fonts[i] = pango_font_description_new();
        pango_font_description_set_family_static(canvas->fonts[i], faces[i].family);
        pango_font_description_set_weight(canvas->fonts[i], PANGO_WEIGHT_BOLD);
        pango_font_description_set_absolute_size(canvas->fonts[i], FONT_SIZE * PANGO_SCALE);
        canvas->capital[i] = FONT_SIZE * 0.73;
    }
}

struct canvas *canvas_new(size_t width, struct error *error) {
    if (width < 224 || width > 1120 || width % 112) {
        error_set(error, ERROR_USAGE, "postcard width %zu is not a multiple of 112 between 224 and 1120",
                  width);
        return NULL;
    }
    struct canvas *canvas = memory_new(1, sizeof *canvas, "canvas", error);
    if (!canvas) return NULL;
    canvas->width = width;
    canvas->height = width * 3 / 4;
    canvas->picture = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)canvas->height);
    canvas->numbers = cairo_image_surface_create(CAIRO_FORMAT_A8, (int)width, (int)canvas->height);
    canvas->ink = cairo_create(canvas->picture);
    canvas->marks = cairo_create(canvas->numbers);
    if (cairo_status(canvas->ink) || cairo_status(canvas->marks)) {
        canvas_free(canvas);
        error_set(error, ERROR_MEMORY, "no memory for a picture of %zux%zu pixels", width, width * 3 / 4);
        return NULL;
    }
    cairo_set_antialias(canvas->marks, CAIRO_ANTIALIAS_NONE);
    cairo_set_operator(canvas->marks, CAIRO_OPERATOR_SOURCE);
    prepare_fonts(canvas);
    canvas_clear(canvas);
    return canvas;
}

void canvas_free(struct canvas *canvas) {
    if (!canvas) return;
    for (int i = 0; i < FACES; i++)
        if (canvas->fonts[i]) pango_font_description_free(canvas->fonts[i]);
    if (canvas->layout) g_object_unref(canvas->layout);
    if (canvas->context) g_object_unref(canvas->context);
    if (canvas->fonts_found) g_object_unref(canvas->fonts_found);
    cairo_destroy(canvas->ink);
    cairo_destroy(canvas->marks);
    cairo_surface_destroy(canvas->picture);
    cairo_surface_destroy(canvas->numbers);
    free(canvas);
}

static size_t stride_of(const struct canvas *canvas) {
    return (size_t)cairo_image_surface_get_stride(canvas->numbers);
}

void canvas_clear(struct canvas *canvas) {
    cairo_surface_flush(canvas->numbers);
    memset(cairo_image_surface_get_data(canvas->numbers), 0, stride_of(canvas) * canvas->height);
    cairo_surface_mark_dirty(canvas->numbers);
    cairo_surface_flush(canvas->picture); // or an edge that covers half a pixel would show the card before
    size_t bytes = (size_t)cairo_image_surface_get_stride(canvas->picture) * canvas->height;
    memset(cairo_image_surface_get_data(canvas->picture), 0x80, bytes);
    cairo_surface_mark_dirty(canvas->picture);
    double scale = (double)canvas->width / CANVAS_WIDTH;
    cairo_matrix_t matrix;
    cairo_matrix_init_scale(&matrix, scale, scale);
    cairo_set_matrix(canvas->ink, &matrix);
    canvas->count = canvas->current = 0;
    canvas->glow = canvas->detail = false;
    canvas->haze_amount = 0;
    canvas_light(canvas, 1, 1, 1);
}

// --- elements

int canvas_begin(struct canvas *canvas) {
    if (canvas->count + 1 >= CANVAS_ELEMENTS) return canvas->current = 0;
    canvas->detail = false;
    return canvas->current = ++canvas->count;
}

static size_t count_pixels(struct canvas *canvas, int number) {
    cairo_surface_flush(canvas->numbers);
    const uint8_t *row = cairo_image_surface_get_data(canvas->numbers);
    size_t stride = stride_of(canvas), count = 0;
    for (size_t y = 0; y < canvas->height; y++, row += stride)
        for (size_t x = 0; x < canvas->width; x++) count += row[x] == number;
    return count;
}

void canvas_end(struct canvas *canvas) {
    if (canvas->current) canvas->painted[canvas->current].painted = count_pixels(canvas, canvas->current);
    canvas->current = 0;
    canvas->detail = false;
}

int canvas_resume(struct canvas *canvas, int number) {
    int before = canvas->current;
    canvas->current = number;
    canvas->detail = false;
    return before;
}

size_t canvas_pixels(const struct canvas *canvas) {
    return canvas->width * canvas->height;
}

void canvas_measure(struct canvas *canvas, struct extent extents[CANVAS_ELEMENTS]) {
    size_t count[CANVAS_ELEMENTS] = {0}, sum_x[CANVAS_ELEMENTS] = {0}, sum_y[CANVAS_ELEMENTS] = {0};
    size_t first[CANVAS_ELEMENTS] = {0}, last[CANVAS_ELEMENTS] = {0};
    cairo_surface_flush(canvas->numbers);
    const uint8_t *row = cairo_image_surface_get_data(canvas->numbers);
    size_t stride = stride_of(canvas);
    for (size_t y = 0; y < canvas->height; y++, row += stride)
        for (size_t x = 0; x < canvas->width; x++) {
            uint8_t n = row[x];
            if (!n || n >= CANVAS_ELEMENTS) continue;
            if (!count[n]) first[n] = y;
            last[n] = y;
            count[n]++, sum_x[n] += x, sum_y[n] += y;
        }
    double unit = (double)CANVAS_WIDTH / (double)canvas->width;
    for (int n = 0; n < CANVAS_ELEMENTS; n++) {
        struct extent *extent = &extents[n];
        *extent = (struct extent){.visible = count[n]};
        if (n >= 1 && n <= canvas->count) extent->painted = canvas->painted[n].painted;
        if (!count[n]) continue;
        extent->x = ((double)sum_x[n] / (double)count[n] + 0.5) * unit;
        extent->y = ((double)sum_y[n] / (double)count[n] + 0.5) * unit;
        extent->top = (double)first[n] * unit;
        extent->bottom = (double)(last[n] + 1) * unit;
    }
}

// --- colours

void canvas_light(struct canvas *canvas, double red, double green, double blue) {
    canvas->light[0] = red, canvas->light[1] = green, canvas->light[2] = blue;
}

static void split(uint32_t colour, double rgb[3]) {
    rgb[0] = (double)(colour >> 16 & 255) / 255;
    rgb[1] = (double)(colour >> 8 & 255) / 255;
    rgb[2] = (double)(colour & 255) / 255;
}

static uint32_t join(const double rgb[3]) {
    uint32_t colour = 0;
    for (int i = 0; i < 3; i++) colour = colour << 8 | (uint32_t)(fmin(fmax(rgb[i], 0), 1) * 255 + 0.5);
    return colour;
}

void canvas_haze(struct canvas *canvas, uint32_t air, double amount) {
    split(air, canvas->haze);
    canvas->haze_amount = amount;
}

void canvas_glow(struct canvas *canvas, bool on) {
    canvas->glow = on;
}

void canvas_detail(struct canvas *canvas, bool on) {
    canvas->detail = on;
}

static void lit(const struct canvas *canvas, uint32_t colour, double rgb[3]) {
    split(colour, rgb);
    if (canvas->glow) return;
    for (int i = 0; i < 3; i++) {
        rgb[i] *= canvas->light[i];
        rgb[i] += (canvas->haze[i] - rgb[i]) * canvas->haze_amount;
    }
}

uint32_t colour_shade(uint32_t colour, double factor) {
    double rgb[3];
    split(colour, rgb);
    for (int i = 0; i < 3; i++) rgb[i] *= factor;
    return join(rgb);
}

uint32_t colour_blend(uint32_t from, uint32_t to, double amount) {
    double a[3], b[3];
    split(from, a);
    split(to, b);
    for (int i = 0; i < 3; i++) a[i] += (b[i] - a[i]) * amount;
    return join(a);
}

double pick_between(struct random *random, double low, double high) {
    return low + (high - low) * random_unit(random);
}

bool pick_chance(struct random *random, double probability) {
    return random_unit(random) < probability;
}

int pick_one(struct random *random, int count) {
    return (int)random_below(random, (uint64_t)count);
}

// --- shapes

void canvas_enter(struct canvas *canvas, double x, double y, double scale) {
    canvas_enter_wide(canvas, x, y, scale, scale);
}

void canvas_enter_wide(struct canvas *canvas, double x, double y, double scale_x, double scale_y) {
    cairo_save(canvas->ink);
    cairo_translate(canvas->ink, x, y);
    cairo_scale(canvas->ink, scale_x, -scale_y);
}

void canvas_leave(struct canvas *canvas) {
    cairo_restore(canvas->ink);
}

// Repeats the path in the buffer of numbers, with the same frame.
static void mark(struct canvas *canvas, double stroke) {
    if (canvas->detail) return;
    cairo_matrix_t matrix;
    cairo_get_matrix(canvas->ink, &matrix);
    cairo_set_matrix(canvas->marks, &matrix);
    cairo_path_t *path = cairo_copy_path(canvas->ink);
    cairo_new_path(canvas->marks);
    cairo_append_path(canvas->marks, path);
    cairo_path_destroy(path);
    cairo_set_source_rgba(canvas->marks, 0, 0, 0, canvas->current / 255.0);
    if (stroke > 0) {
        cairo_set_line_width(canvas->marks, stroke);
        cairo_stroke(canvas->marks);
    } else {
        cairo_fill(canvas->marks);
    }
}

static void fill(struct canvas *canvas, uint32_t colour) {
    double rgb[3];
    lit(canvas, colour, rgb);
    mark(canvas, 0);
    cairo_set_source_rgb(canvas->ink, rgb[0], rgb[1], rgb[2]);
    cairo_fill(canvas->ink);
}

static void stroke(struct canvas *canvas, double width, uint32_t colour) {
    double rgb[3];
    lit(canvas, colour, rgb);
    mark(canvas, width);
    cairo_set_source_rgb(canvas->ink, rgb[0], rgb[1], rgb[2]);
    cairo_set_line_width(canvas->ink, width);
    cairo_stroke(canvas->ink);
}

void draw_box(struct canvas *canvas, double x, double y, double w, double h, uint32_t colour) {
    cairo_rectangle(canvas->ink, x, y, w, h);
    fill(canvas, colour);
}

void draw_disc(struct canvas *canvas, double x, double y, double radius, uint32_t colour) {
    draw_oval(canvas, x, y, radius, radius, colour);
}

static const double quarter = 0.5522847498; // of a circle, as a cubic

void draw_oval(struct canvas *canvas, double x, double y, double rx, double ry, uint32_t colour) {
    double kx = rx * quarter, ky = ry * quarter;
    cairo_move_to(canvas->ink, x - rx, y);
    cairo_curve_to(canvas->ink, x - rx, y + ky, x - kx, y + ry, x, y + ry);
    cairo_curve_to(canvas->ink, x + kx, y + ry, x + rx, y + ky, x + rx, y);
    cairo_curve_to(canvas->ink, x + rx, y - ky, x + kx, y - ry, x, y - ry);
    cairo_curve_to(canvas->ink, x - kx, y - ry, x - rx, y - ky, x - rx, y);
    cairo_close_path(canvas->ink);
    fill(canvas, colour);
}

static void dome_path(struct canvas *canvas, double x, double y, double rx, double height) {
    double kx = rx * quarter, ky = height * quarter;
    cairo_curve_to(canvas->ink, x - rx, y + ky, x - kx, y + height, x, y + height);
    cairo_curve_to(canvas->ink, x + kx, y + height, x + rx, y + ky, x + rx, y);
}

void draw_dome(struct canvas *canvas, double x, double y, double rx, double height, uint32_t colour) {
    cairo_move_to(canvas->ink, x - rx, y);
    dome_path(canvas, x, y, rx, height);
    cairo_close_path(canvas->ink);
    fill(canvas, colour);
}

void draw_onion(struct canvas *canvas, double x, double y, double rx, double height, uint32_t colour) {
    cairo_move_to(canvas->ink, x - rx * 0.7, y);
    cairo_curve_to(canvas->ink, x - rx * 1.7, y + height * 0.45, x - rx * 0.2, y + height * 0.55, x,
                   y + height);
    cairo_curve_to(canvas->ink, x + rx * 0.2, y + height * 0.55, x + rx * 1.7, y + height * 0.45,
                   x + rx * 0.7, y);
    cairo_close_path(canvas->ink);
    fill(canvas, colour);
}

void draw_arch(struct canvas *canvas, double x, double y, double w, double h, uint32_t colour) {
    double round = fmin(w / 2, h);
    cairo_move_to(canvas->ink, x, y);
    cairo_line_to(canvas->ink, x, y + h - round);
    dome_path(canvas, x + w / 2, y + h - round, w / 2, round);
    cairo_line_to(canvas->ink, x + w, y);
    cairo_close_path(canvas->ink);
    fill(canvas, colour);
}

void draw_taper(struct canvas *canvas, double x, double y0, double w0, double y1, double w1,
                uint32_t colour) {
    DRAW_POLYGON(canvas, colour, x - w0 / 2, y0, x - w1 / 2, y1, x + w1 / 2, y1, x + w0 / 2, y0);
}

void draw_polygon(struct canvas *canvas, uint32_t colour, const double *points, size_t count) {
    for (size_t i = 0; i < count; i++) cairo_line_to(canvas->ink, points[2 * i], points[2 * i + 1]);
    cairo_close_path(canvas->ink);
    fill(canvas, colour);
}

void draw_line(struct canvas *canvas, double x0, double y0, double x1, double y1, double width,
               uint32_t colour) {
    cairo_move_to(canvas->ink, x0, y0);
    cairo_line_to(canvas->ink, x1, y1);
    stroke(canvas, width, colour);
}

void draw_curve(struct canvas *canvas, const double p[8], double width, uint32_t colour) {
    cairo_move_to(canvas->ink, p[0], p[1]);
    cairo_curve_to(canvas->ink, p[2], p[3], p[4], p[5], p[6], p[7]);
    stroke(canvas, width, colour);
}

// Row by row into the pixels, with edges on whole pixels: several times as fast as cairo's gradients.
void draw_gradient(struct canvas *canvas, double x, double y, double w, double h, uint32_t top,
                   uint32_t bottom) {
    double from[3], to[3], scale = (double)canvas->width / CANVAS_WIDTH;
    lit(canvas, top, from);
    lit(canvas, bottom, to);
    cairo_rectangle(canvas->ink, x, y, w, h);
    mark(canvas, 0);
    cairo_new_path(canvas->ink);
    size_t left = (size_t)fmax(round(x * scale), 0), first = (size_t)fmax(round(y * scale), 0);
    size_t right = (size_t)fmin(fmax(round((x + w) * scale), 0), (double)canvas->width);
    size_t last = (size_t)fmin(fmax(round((y + h) * scale), 0), (double)canvas->height);
    cairo_surface_flush(canvas->picture);
    uint8_t *pixels = cairo_image_surface_get_data(canvas->picture);
    size_t stride = (size_t)cairo_image_surface_get_stride(canvas->picture);
    for (size_t row = first; row < last; row++) {
        double mix = ((double)row + 0.5 - y * scale) / (h * scale), rgb[3];
        for (int i = 0; i < 3; i++) rgb[i] = from[i] + (to[i] - from[i]) * mix;
        uint32_t colour = join(rgb), *at = (uint32_t *)(void *)(pixels + row * stride);
        for (size_t column = left; column < right; column++) at[column] = colour;
    }
    cairo_surface_mark_dirty(canvas->picture);
}

// --- text

static void lay_out(struct canvas *canvas, enum face face, const char *words, PangoRectangle *ink) {
    pango_layout_set_font_description(canvas->layout, canvas->fonts[face]);
    pango_layout_set_text(canvas->layout, words, -1);
    pango_layout_get_extents(canvas->layout, ink, NULL);
}

double draw_text(struct canvas *canvas, enum face face, const char *words, double x, double y, double height,
                 double width, uint32_t colour) {
    PangoRectangle ink;
    lay_out(canvas, face, words, &ink);
    double w = (double)ink.width / PANGO_SCALE, h = (double)ink.height / PANGO_SCALE;
    double left = (double)ink.x / PANGO_SCALE, top = (double)ink.y / PANGO_SCALE;
    if (w <= 0 || h <= 0) return 0;
    double scale_y = height / fmax(h, canvas->capital[face]);
    double scale_x = fmin(scale_y, width / w);
    double rgb[3];
    lit(canvas, colour, rgb);
    cairo_save(canvas->ink);
    cairo_translate(canvas->ink, x, y);
    cairo_scale(canvas->ink, scale_x, scale_y);
    cairo_translate(canvas->ink, -left - w / 2, -top - h / 2);
    cairo_set_source_rgb(canvas->ink, rgb[0], rgb[1], rgb[2]);
    cairo_move_to(canvas->ink, 0, 0);
    pango_cairo_show_layout(canvas->ink, canvas->layout);
    cairo_restore(canvas->ink);
    cairo_new_path(canvas->ink);
    return w * scale_x;
}

// Pango silently takes another font when a family is missing; the fonts that the layout really uses tell.
static bool uses_family(PangoLayout *layout, const char *family) {
    bool same = true;
    PangoLayoutIter *iter = pango_layout_get_iter(layout);
    do {
        PangoLayoutRun *run = pango_layout_iter_get_run_readonly(iter);
        if (!run) continue;
        PangoFontDescription *found = pango_font_describe(run->item->analysis.font);
        const char *name = pango_font_description_get_family(found);
        same = same && name && !strcmp(name, family);
        pango_font_description_free(found);
    } while (pango_layout_iter_next_run(iter));
    pango_layout_iter_free(iter);
    return same;
}

int canvas_check_text(struct canvas *canvas, enum face face, const char *words, struct error *error) {
    PangoRectangle ink;
    lay_out(canvas, face, words, &ink);
    if (pango_layout_get_unknown_glyphs_count(canvas->layout) == 0 &&
        uses_family(canvas->layout, faces[face].family))
        return 0;
    return error_set(error, ERROR_INPUT,
                     "the font \"%s\" is missing or cannot write \"%s\": install the Debian package %s",
                     faces[face].family, words, faces[face].package);
}

int canvas_copy(struct canvas *canvas, struct image *image, struct error *error) {
    if (image_new(image, canvas->width, canvas->height, error)) return -1;
    cairo_surface_flush(canvas->picture);
    const uint8_t *row = cairo_image_surface_get_data(canvas->picture);
    size_t stride = (size_t)cairo_image_surface_get_stride(canvas->picture);
    uint8_t *out = image->rgb;
    for (size_t y = 0; y < canvas->height; y++, row += stride) {
        const uint32_t *pixels = (const uint32_t *)(const void *)row;
        for (size_t x = 0; x < canvas->width; x++, out += 3) {
            out[0] = (uint8_t)(pixels[x] >> 16);
            out[1] = (uint8_t)(pixels[x] >> 8);
            out[2] = (uint8_t)pixels[x];
        }
    }
    return 0;
}
