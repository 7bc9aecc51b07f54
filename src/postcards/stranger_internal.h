// What the files of strangers share.
#ifndef GLOBE_POSTCARDS_STRANGER_INTERNAL_H
#define GLOBE_POSTCARDS_STRANGER_INTERNAL_H

#include "postcards/stranger.h"

uint32_t stranger_colour(struct random *random);                      // any, the muted ones more often
uint32_t stranger_near(struct random *random, uint32_t colour);       // much the same
void stranger_words(struct random *random, char *words, size_t size); // letters that mean nothing

// stranger_scene.c
void stranger_draw_scene(struct canvas *canvas, struct random *random);
void stranger_draw_object(struct canvas *canvas, struct random *random);
void stranger_draw_shapes(struct canvas *canvas, struct random *random);

// stranger_page.c
void stranger_draw_page(struct canvas *canvas, struct random *random);
void stranger_draw_chart(struct canvas *canvas, struct random *random);
void stranger_draw_map(struct canvas *canvas, struct random *random);
void stranger_draw_screen(struct canvas *canvas, struct random *random);
void stranger_draw_pattern(struct canvas *canvas, struct random *random);

// stranger_field.c: pixels of their own, [height, width, 3]
int stranger_fill_field(struct image *image, struct random *random, struct error *error);

#endif
