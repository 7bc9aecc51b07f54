// What the cards are made of. Each function paints one thing into the canvas's current element; (x, y) is
// where it stands on the ground (its base, in the middle) and `size` its height, in canvas units, unless said
// otherwise. `random` is only for variety: nothing that tells the place is drawn by chance here.
#ifndef GLOBE_POSTCARDS_DRAW_H
#define GLOBE_POSTCARDS_DRAW_H

#include "postcards/canvas.h"
#include "postcards/things.h"
#include "postcards/world.h"

enum light { LIGHT_DAY, LIGHT_GREY, LIGHT_EVENING, LIGHT_NIGHT, LIGHTS };

// draw_sky.c: the sky down to the horizon; returns its colour there (the air of the haze).
uint32_t draw_sky(struct canvas *canvas, enum light light, double horizon, struct random *random);
void draw_clouds(struct canvas *canvas, double horizon, int count, struct random *random);
void draw_birds(struct canvas *canvas, double x, double y, int count, struct random *random);
void draw_balloon(struct canvas *canvas, double x, double y, double size, struct random *random);

// draw_terrain.c: backdrops that stand on the horizon, and water and ground below it.
void draw_backdrop(struct canvas *canvas, enum thing thing, double horizon, struct random *random);
void draw_water(struct canvas *canvas, enum thing thing, double top, double bottom, struct random *random);
void draw_ground(struct canvas *canvas, double top, uint32_t colour, struct random *random);

// draw_road.c: a road towards the horizon, or (across) along the foot of the picture.
struct road {
    double horizon; // y of its vanishing point
    double x;       // of its vanishing point
    double half;    // half its width at the lower edge
    bool across;    // runs from left to right between top and bottom
    double top, bottom;
};
void draw_road(struct canvas *canvas, const struct road *road, bool snow);
void draw_road_lines(struct canvas *canvas, const struct road *road, enum thing lines, struct random *random);

// draw_buildings.c: one house of a style from x to x + w, standing on y.
void draw_building(struct canvas *canvas, enum thing style, double x, double y, double w, double h,
                   enum light light, bool snow, struct random *random);

// draw_vehicles.c
enum side { SIDE_REAR, SIDE_FRONT, SIDE_FLANK };
struct plate {
    enum thing style; // THING_NONE: too small to tell
    int element;      // number of the canvas element that its pixels belong to
};
double vehicle_width(enum thing vehicle, enum side side); // for a height of 1
void draw_vehicle(struct canvas *canvas, enum thing vehicle, enum side side, bool to_left, double x, double y,
                  double size, const struct plate *plate, enum light light, struct random *random);
void draw_boat(struct canvas *canvas, enum thing boat, double x, double y, double size,
               struct random *random);

// draw_plants.c: a group of plants around x, `width` wide.
void draw_plants(struct canvas *canvas, enum thing plants, double x, double y, double size, double width,
                 bool snow, struct random *random);

// draw_furniture.c: what stands in streets and behind roofs.
void draw_furniture(struct canvas *canvas, enum thing thing, double x, double y, double size,
                    struct random *random);
void draw_skyline(struct canvas *canvas, enum thing thing, double x, double y, double size);

// draw_signs.c
void draw_sign(struct canvas *canvas, const struct word *word, const struct country *country, double x,
               double y, double width, bool on_pole, double ground);
void draw_stop_sign(struct canvas *canvas, const struct word *word, bool triangle, double x, double y,
                    double radius, double ground);

// draw_flags.c: w wide, two thirds as high, its upper left corner at (x, y).
void draw_flag(struct canvas *canvas, int country, double x, double y, double w);
void draw_flag_pole(struct canvas *canvas, double x, double top, double ground);
const char *flag_words(int country); // "with vertical blue, white and red bands"

// draw_landmarks_europe.c, draw_landmarks_world.c. The width is for a height of 1.
double landmark_width(enum thing landmark);
void draw_landmark(struct canvas *canvas, enum thing landmark, double x, double y, double size);
bool draw_landmark_europe(struct canvas *canvas,
                          enum thing landmark); // in a frame of height 1; false: not there
bool draw_landmark_world(struct canvas *canvas, enum thing landmark);

// draw_indoor.c: scenes that are nowhere.
void draw_indoor(struct canvas *canvas, enum thing thing, double x, double y, double size,
                 struct random *random);

#endif
