// A drawing surface that knows what is visible. Everything is painted twice with the same path: into colours,
// and into a buffer of element numbers. What is painted later hides what was painted before, so at the end
// the second buffer says how much of the picture each element really holds. Units: the picture is 224 wide
// and 168 high whatever its size in pixels; x to the right, y down.
#ifndef GLOBE_POSTCARDS_CANVAS_H
#define GLOBE_POSTCARDS_CANVAS_H

#include <cairo.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/random.h"
#include "photo/image.h"

enum { CANVAS_WIDTH = 224, CANVAS_HEIGHT = 168, CANVAS_ELEMENTS = 64 };

// The faces of the signs; canvas.c says which Debian package has each.
enum face { FACE_SANS, FACE_SERIF, FACE_EAST_ASIA, FACE_THAI, FACE_DEVANAGARI, FACES };

// How much of an element there is to see, in pixels, and where (in canvas units).
struct extent {
    size_t painted; // when it had just been drawn
    size_t visible; // at the end
    double x, y;    // centre of what is visible
    double top, bottom;
};

struct canvas;

// width is a multiple of 112 in [224, 1120]; the height is three quarters of it. One canvas per thread.
struct canvas *canvas_new(size_t width, struct error *error);
void canvas_free(struct canvas *canvas);
void canvas_clear(struct canvas *canvas); // blank, no element, daylight

// Elements: what is filled between begin and end belongs to the element (0: to nothing, but it hides the
// rest). Returns its number, or 0 when there are CANVAS_ELEMENTS already.
int canvas_begin(struct canvas *canvas);
void canvas_end(struct canvas *canvas);
int canvas_resume(struct canvas *canvas, int number); // to paint more of an element; returns the one before
size_t canvas_pixels(const struct canvas *canvas);    // of the whole picture
void canvas_measure(struct canvas *canvas, struct extent extents[CANVAS_ELEMENTS]); // [number]

// Colours are 0xRRGGBB; light multiplies them, haze mixes them with the colour of the air.
void canvas_light(struct canvas *canvas, double red, double green, double blue);
void canvas_haze(struct canvas *canvas, uint32_t air, double amount);
void canvas_glow(struct canvas *canvas, bool on); // lamps and lit windows: no light, no haze
// Detail lies within what its element filled already: it is painted in colour only, which is faster.
void canvas_detail(struct canvas *canvas, bool on);

// A frame of its own: origin at (x, y), unit `scale`, y UP. Restored by canvas_leave.
void canvas_enter(struct canvas *canvas, double x, double y, double scale);
void canvas_enter_wide(struct canvas *canvas, double x, double y, double scale_x, double scale_y);
void canvas_leave(struct canvas *canvas);

// Filled shapes. In entered frames y grows upwards, and (x, y) of a box is its lower left corner.
void draw_box(struct canvas *canvas, double x, double y, double w, double h, uint32_t colour);
void draw_disc(struct canvas *canvas, double x, double y, double radius, uint32_t colour);
void draw_oval(struct canvas *canvas, double x, double y, double rx, double ry, uint32_t colour);
void draw_dome(struct canvas *canvas, double x, double y, double rx, double height,
               uint32_t colour); // half oval, up
void draw_onion(struct canvas *canvas, double x, double y, double rx, double height, uint32_t colour);
void draw_arch(struct canvas *canvas, double x, double y, double w, double h,
               uint32_t colour); // box, round top
void draw_taper(struct canvas *canvas, double x, double y0, double w0, double y1, double w1, uint32_t colour);
void draw_polygon(struct canvas *canvas, uint32_t colour, const double *points, size_t count);
void draw_line(struct canvas *canvas, double x0, double y0, double x1, double y1, double width,
               uint32_t colour);
void draw_curve(struct canvas *canvas, const double points[8], double width,
                uint32_t colour); // cubic, stroked
// A box in an unrotated frame whose colour changes from its top to its bottom.
void draw_gradient(struct canvas *canvas, double x, double y, double w, double h, uint32_t top,
                   uint32_t bottom);
#define DRAW_POLYGON(canvas, colour, ...)                       \
    draw_polygon(canvas, colour, (const double[]){__VA_ARGS__}, \
                 sizeof((const double[]){__VA_ARGS__}) / (2 * sizeof(double)))

uint32_t colour_shade(uint32_t colour, double factor);            // darker (< 1) or lighter (> 1)
uint32_t colour_blend(uint32_t from, uint32_t to, double amount); // 0: from, 1: to
double pick_between(struct random *random, double low, double high);
bool pick_chance(struct random *random, double probability);
int pick_one(struct random *random, int count); // in [0, count)

// One line of text centred at (x, y), its letters `height` high (the height of a capital), squeezed to fit
// `width`. Unrotated frames only. Returns the width it takes.
double draw_text(struct canvas *canvas, enum face face, const char *words, double x, double y, double height,
                 double width, uint32_t colour);

// ERROR_INPUT naming the Debian package when a face is not installed or lacks a letter of `words`.
int canvas_check_text(struct canvas *canvas, enum face face, const char *words, struct error *error);

// The colours, as they are, into an image of the canvas's size.
int canvas_copy(struct canvas *canvas, struct image *image, struct error *error);

#endif
