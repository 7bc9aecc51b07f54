#include "postcards/scene.h"

#include <math.h>
#include <string.h>

// What the painters share. Things in front stand in a grid: left or right, above, in the middle or below.
struct stage {
    struct scene *scene;
    struct canvas *canvas;
    const struct plan *plan;
    struct random *random;
    struct road road;
    double ground; // where the things in front stand
    bool taken[2][3];
    struct element spare; // taken when a scene has more elements than fit; never read
};

enum level { LEVEL_TOP, LEVEL_MIDDLE, LEVEL_FOOT };

// --- elements

static struct element *begin(struct stage *stage, enum thing thing) {
    int number = canvas_begin(stage->canvas);
    if (!number || stage->scene->count == SCENE_ELEMENTS) return &stage->spare;
    struct element *element = &stage->scene->elements[stage->scene->count++];
    *element = (struct element){.thing = thing, .country = -1, .number = number, .set = places_with(thing)};
    return element;
}

static void end(struct stage *stage) {
    canvas_end(stage->canvas);
}

static const struct country *country_of(const struct stage *stage) {
    return &countries[cities[stage->plan->city].country];
}

// --- behind

static void sky(struct stage *stage, double horizon) {
    const struct plan *plan = stage->plan;
    uint32_t air = draw_sky(stage->canvas, plan->light, horizon, stage->random);
    if (plan->clouds) {
        begin(stage, THING_CLOUDS);
        draw_clouds(stage->canvas, horizon, 2 + pick_one(stage->random, 4), stage->random);
        end(stage);
    }
    if (plan->birds) {
        begin(stage, THING_BIRDS);
        draw_birds(stage->canvas, pick_between(stage->random, 40, 180), 25, 4, stage->random);
        end(stage);
    }
    static const double lights[LIGHTS][3] = {{1, 1, 1}, {0.86, 0.88, 0.9}, {1, 0.84, 0.7}, {0.5, 0.53, 0.68}};
    const double *light = lights[plan->light];
    double level = pick_between(stage->random, 0.92, 1.04);
    canvas_light(stage->canvas, light[0] * level, light[1] * level, light[2] * level);
    canvas_haze(stage->canvas, air,
                pick_between(stage->random, 0.05, plan->light == LIGHT_GREY ? 0.3 : 0.18));
}

static void backdrop(struct stage *stage, double horizon) {
    enum thing thing = stage->plan->backdrop;
    if (thing != THING_NONE) begin(stage, thing);
    if (thing != THING_NONE || pick_chance(stage->random, 0.5))
        draw_backdrop(stage->canvas, thing, horizon, stage->random);
    if (thing != THING_NONE) end(stage);
}

static void landmark(struct stage *stage, double x, double y, double width, double height) {
    enum thing thing = stage->plan->landmark;
    if (thing == THING_NONE) return;
    double size = fmin(height, width / landmark_width(thing)) * pick_between(stage->random, 0.88, 1);
    begin(stage, thing);
    draw_landmark(stage->canvas, thing, x, y, size);
    end(stage);
}

static void skyline(struct stage *stage, double x, double y, double size) {
    if (stage->plan->skyline == THING_NONE) return;
    begin(stage, stage->plan->skyline);
    draw_skyline(stage->canvas, stage->plan->skyline, x, y, size);
    end(stage);
}

// --- houses

static double house_height(enum thing style, struct random *random) {
    if (style == THING_GLASS_TOWERS) return pick_between(random, 1.2, 2);
    if (style == THING_PANEL_BLOCKS || style == THING_TILED_BLOCKS) return pick_between(random, 1, 1.35);
    if (style == THING_WOODEN_HOUSES || style == THING_CURVED_ROOFS) return pick_between(random, 0.42, 0.6);
    if (style == THING_BRIGHT_HOUSES || style == THING_MUD_HOUSES || style == THING_IRON_LACE ||
        style == THING_RED_WALLS)
        return pick_between(random, 0.55, 0.8);
    return pick_between(random, 0.72, 1.05);
}

static double house_width(enum thing style, struct random *random) {
    if (style == THING_CANAL_GABLES || style == THING_BAY_WINDOWS) return pick_between(random, 0.36, 0.44);
    if (style == THING_PANEL_BLOCKS || style == THING_PASTEL_PALACES || style == THING_CURVED_ROOFS)
        return pick_between(random, 0.8, 1);
    return pick_between(random, 0.5, 0.7);
}

// A row from x0 to x1; stacked houses stand on a rising line.
static void house_row(struct stage *stage, double x0, double x1, double y, double unit) {
    const struct plan *plan = stage->plan;
    int rows = plan->buildings == THING_HILL_BRICKS ? 3 : 1;
    for (int row = rows - 1; row >= 0; row--)
        for (double x = x0 + row * 3; x < x1 - 4;) {
            double w = fmin(house_width(plan->buildings, stage->random) * unit, x1 - x);
            double h = house_height(plan->buildings, stage->random) * unit * (rows > 1 ? 0.55 : 1);
            draw_building(stage->canvas, plan->buildings, x, y - row * unit * 0.35, w, h, plan->light,
                          plan->snow, stage->random);
            x += w + (pick_chance(stage->random, 0.15) ? 3 : 0);
        }
}

static double road_x(const struct stage *stage, double across, double y) {
    const struct road *road = &stage->road;
    double depth = (y - road->horizon) / (CANVAS_HEIGHT - road->horizon);
    return road->x + (CANVAS_WIDTH / 2.0 + across * road->half - road->x) * depth;
}

// Both sides of the street from far to near; `open` is the side without houses (-1, 0 or 1).
static void street_houses(struct stage *stage, int open) {
    if (stage->plan->buildings == THING_NONE) return;
    begin(stage, stage->plan->buildings);
    double depth = CANVAS_HEIGHT - stage->road.horizon;
    static const double distance[] = {4.6, 3, 1.9};
    for (int i = 0; i < 3; i++) {
        double y = stage->road.horizon + depth / distance[i], unit = 150 / distance[i];
        if (open != -1) house_row(stage, -6, road_x(stage, -1.5, y), y, unit);
        if (open != 1) house_row(stage, road_x(stage, 1.5, y), CANVAS_WIDTH + 6, y, unit);
    }
    end(stage);
}

// --- the road

static void vehicle(struct stage *stage, enum thing thing, enum side side, bool to_left, double x, double y,
                    double size, enum thing plate_style) {
    struct plate plate = {THING_NONE, 0};
    if (plate_style != THING_NONE) {
        plate = (struct plate){plate_style, begin(stage, plate_style)->number};
        canvas_end(stage->canvas);
    }
    struct element *element = begin(stage, thing);
    element->keeps_side = side != SIDE_FLANK;
    element->left = country_of(stage)->keep_left;
    draw_vehicle(stage->canvas, thing, side, to_left, x, y, size, &plate, stage->plan->light, stage->random);
    end(stage);
    if (!plate.element) return;
    canvas_resume(stage->canvas, plate.element);
    end(stage); // only now has it been painted
}

static void lines(struct stage *stage) {
    for (int i = 0; i < PLAN_LINES; i++) {
        enum thing thing = stage->plan->lines[i];
        if (thing == THING_NONE) continue;
        begin(stage, thing);
        draw_road_lines(stage->canvas, &stage->road, thing, stage->random);
        end(stage);
    }
}

// What comes towards us first, then what drives before us, nearer and larger.
static void traffic_along(struct stage *stage) {
    const struct plan *plan = stage->plan;
    double own = country_of(stage)->keep_left ? -0.5 : 0.5, depth = CANVAS_HEIGHT - stage->road.horizon;
    for (int i = 0; i < 2; i++) {
        enum thing thing = i ? plan->vehicle : plan->oncoming;
        if (thing == THING_NONE) continue;
        enum side side = i ? SIDE_REAR : SIDE_FRONT;
        double y = stage->road.horizon + depth * (i ? pick_between(stage->random, 0.66, 0.95)
                                                    : pick_between(stage->random, 0.42, 0.7));
        double lane = stage->road.half * (y - stage->road.horizon) / depth;
        double size = lane * 0.8 / vehicle_width(thing, side);
        vehicle(stage, thing, side, false, road_x(stage, i ? own : -own, y), y, size,
                i ? plan->plate : THING_NONE);
    }
}

static void traffic_across(struct stage *stage) {
    const struct plan *plan = stage->plan;
    for (int i = 0; i < 2; i++) {
        enum thing thing = i ? plan->vehicle : plan->oncoming;
        if (thing == THING_NONE) continue;
        double y = i ? stage->road.bottom - 2 : stage->road.top + 8;
        double width = pick_between(stage->random, 62, 84) * (i ? 1 : 0.82);
        double size = fmin(width / vehicle_width(thing, SIDE_FLANK), 56);
        double x = i ? pick_between(stage->random, 60, 120) : pick_between(stage->random, 120, 190);
        vehicle(stage, thing, SIDE_FLANK, pick_chance(stage->random, 0.5), x, y, size, THING_NONE);
    }
}

// --- in front

// A free place of the grid at that level; returns its x, or -1 when both sides are taken.
static double place(struct stage *stage, enum level level) {
    int side = pick_one(stage->random, 2);
    if (stage->taken[side][level]) side = 1 - side;
    if (stage->taken[side][level]) return -1;
    stage->taken[side][level] = true;
    return side ? pick_between(stage->random, 172, 186) : pick_between(stage->random, 38, 52);
}

static void plants_in_front(struct stage *stage) {
    const struct plan *plan = stage->plan;
    for (int i = 0; i < PLAN_PLANTS; i++) {
        if (plan->plants[i] == THING_NONE) continue;
        double x = place(stage, LEVEL_FOOT);
        if (x < 0) return;
        bool low = plan->plants[i] == THING_TULIPS || plan->plants[i] == THING_CACTI;
        double size = low ? pick_between(stage->random, 20, 28) : pick_between(stage->random, 48, 76);
        begin(stage, plan->plants[i]);
        draw_plants(stage->canvas, plan->plants[i], x + (x < 112 ? -14 : 14), stage->ground - 4, size,
                    low ? 60 : 50, plan->snow, stage->random);
        end(stage);
    }
}

static void furniture_in_front(struct stage *stage) {
    enum thing thing = stage->plan->furniture;
    if (thing == THING_NONE) return;
    double x = place(stage, LEVEL_FOOT), size = pick_between(stage->random, 34, 46);
    if (x < 0) return;
    if (thing == THING_WIRE_POLES) size = pick_between(stage->random, 100, 120);
    if (thing == THING_PHONE_BOX || thing == THING_VENDING) size = pick_between(stage->random, 54, 66);
    if (thing == THING_BICYCLES) size = pick_between(stage->random, 22, 28);
    begin(stage, thing);
    draw_furniture(stage->canvas, thing, x, stage->ground + pick_between(stage->random, 0, 8), size,
                   stage->random);
    end(stage);
}

static double sign_width(const struct word *word) {
    size_t letters = 0;
    for (const char *p = word->text; *p; p++) letters += ((unsigned char)*p & 0xC0) != 0x80;
    double each = word->face == FACE_EAST_ASIA ? 14 : 10.5;
    return fmin(fmax(each * (double)letters + 10, word->second ? 72 : 44), 94);
}

static void signs_in_front(struct stage *stage) {
    const struct plan *plan = stage->plan;
    if (plan->stop) {
        double x = place(stage, LEVEL_MIDDLE);
        struct element *element = begin(stage, THING_STOP_SIGN);
        element->word = plan->stop;
        element->set = places_writing(plan->stop);
        bool triangle = plan->stop->script && !strcmp(plan->stop->script, "Japanese letters");
        draw_stop_sign(stage->canvas, plan->stop, triangle, x, pick_between(stage->random, 84, 104),
                       pick_between(stage->random, 19, 24), stage->ground + 6);
        end(stage);
    }
    if (plan->sign) {
        double x = place(stage, LEVEL_MIDDLE),
               width = sign_width(plan->sign) * pick_between(stage->random, 1, 1.12);
        x = x < 112 ? fmax(x, width / 2 + 3) : fmin(x, CANVAS_WIDTH - 3 - width / 2);
        struct element *element = begin(stage, THING_SIGN);
        element->word = plan->sign;
        element->set = places_writing(plan->sign);
        draw_sign(stage->canvas, plan->sign, country_of(stage), x, pick_between(stage->random, 74, 108),
                  width, true, stage->ground + 8);
        end(stage);
    }
}

static void flag_in_front(struct stage *stage) {
    if (!stage->plan->flag) return;
    double x = place(stage, LEVEL_TOP), width = pick_between(stage->random, 36, 52),
           top = pick_between(stage->random, 8, 26);
    x = x < 112 ? x - 30 : x - 14;
    struct element *element = begin(stage, THING_FLAG);
    element->country = cities[stage->plan->city].country;
    element->set = places_of_country(element->country);
    draw_flag(stage->canvas, element->country, x, top, width);
    end(stage);
    draw_flag_pole(stage->canvas, x, top - 2, stage->ground + 4); // the pole is not the flag
}

// Hard cards: somebody stands in the way.
static void obstacle(struct stage *stage) {
    if (stage->plan->difficulty != DIFFICULTY_HARD || !pick_chance(stage->random, 0.5)) return;
    double x = pick_between(stage->random, 20, 204);
    uint32_t dark = colour_shade(0x2c3038, pick_between(stage->random, 0.6, 1.4));
    canvas_resume(stage->canvas, 0);
    if (pick_chance(stage->random, 0.5)) {
        draw_box(stage->canvas, x, 0, pick_between(stage->random, 4, 8), CANVAS_HEIGHT, dark);
    } else {
        draw_oval(stage->canvas, x, 168, pick_between(stage->random, 16, 26), 52, dark);
        draw_disc(stage->canvas, x, 108, pick_between(stage->random, 9, 12), 0xc09878);
    }
}

static void in_front(struct stage *stage) {
    canvas_haze(stage->canvas, 0, 0);
    if (stage->plan->light == LIGHT_NIGHT) canvas_light(stage->canvas, 0.78, 0.78, 0.84); // street lamps
    furniture_in_front(stage);
    plants_in_front(stage);
    signs_in_front(stage);
    flag_in_front(stage);
    obstacle(stage);
}

static void ground_below(struct stage *stage, double top) {
    static const uint32_t grounds[] = {0x6f9a4c, 0x84a858, 0xa8a082, 0xb8b0a0};
    const struct plan *plan = stage->plan;
    uint32_t colour = grounds[pick_one(stage->random, 4)];
    if (plan->backdrop == THING_DUNES || (plan->city >= 0 && city_has(plan->city, THING_DUNES)))
        colour = 0xd8b884;
    if (plan->snow) {
        colour = 0xeef2f6;
        begin(stage, THING_SNOW);
    }
    draw_ground(stage->canvas, top, colour, stage->random);
    if (plan->snow) end(stage);
}

// --- settings

static void paint_along(struct stage *stage) {
    const struct plan *plan = stage->plan;
    struct random *random = stage->random;
    bool houses = plan->setting == SETTING_STREET;
    stage->road = (struct road){.horizon = pick_between(random, 76, 92),
                                .x = pick_between(random, 88, 136),
                                .half = pick_between(random, 66, 90)};
    stage->ground = pick_between(random, 142, 152);
    double horizon = stage->road.horizon;
    int open = plan->landmark != THING_NONE ? (pick_chance(random, 0.5) ? -1 : 1)
               : pick_chance(random, 0.25)  ? 1
                                            : 0;
    bool wide = landmark_width(plan->landmark) > 0.9;
    double centre = !houses    ? pick_between(random, 70, 154)
                    : open < 0 ? pick_between(random, 46, 62)
                               : pick_between(random, 162, 178);
    if (houses && !wide && pick_chance(random, 0.4)) open = 0, centre = stage->road.x;
    sky(stage, horizon);
    backdrop(stage, horizon);
    if (plan->water != THING_NONE) {
        begin(stage, plan->water);
        draw_water(stage->canvas, plan->water, horizon - 1, horizon + 15, random);
        end(stage);
    }
    bool above_water = plan->water != THING_NONE;
    landmark(stage, centre, horizon + (above_water ? 1 : 4), houses ? (open ? 116 : 60) : 150,
             pick_between(random, 62, 76));
    skyline(stage, open ? centre : stage->road.x + pick_between(random, -8, 8), horizon + 2,
            pick_between(random, 44, 58));
    ground_below(stage, above_water ? horizon + 13 : horizon);
    draw_road(stage->canvas, &stage->road, plan->snow);
    lines(stage);
    if (houses) street_houses(stage, open);
    traffic_along(stage);
    in_front(stage);
}

// A row of houses with a gap for what rises behind them.
static void row_with_gap(struct stage *stage, double y, double gap_centre, double gap) {
    if (stage->plan->buildings == THING_NONE) return;
    double unit = pick_between(stage->random, 52, 66);
    begin(stage, stage->plan->buildings);
    house_row(stage, -6, gap_centre - gap / 2, y, unit);
    house_row(stage, gap_centre + gap / 2, CANVAS_WIDTH + 6, y, unit);
    end(stage);
}

static void row_and_landmark(struct stage *stage, double y) {
    const struct plan *plan = stage->plan;
    double height = pick_between(stage->random, 66, 84);
    double width = fmin(landmark_width(plan->landmark) * height, 132);
    bool gap = plan->landmark != THING_NONE || plan->skyline != THING_NONE || plan->backdrop != THING_NONE;
    double opening = !gap ? 0 : plan->landmark != THING_NONE ? width * 0.92 : 64;
    double centre = pick_between(stage->random, 70, 154);
    landmark(stage, centre, y, width, fmin(height, y - 6));
    skyline(stage, centre, y, pick_between(stage->random, 50, 64));
    row_with_gap(stage, y, centre, opening);
}

static void paint_across(struct stage *stage) {
    struct random *random = stage->random;
    double y = pick_between(random, 98, 108);
    stage->road = (struct road){.across = true, .top = y + 7, .bottom = pick_between(random, 142, 150)};
    stage->ground = stage->road.bottom + 12;
    sky(stage, y);
    backdrop(stage, y - 6);
    ground_below(stage, y - 7);
    row_and_landmark(stage, y);
    draw_road(stage->canvas, &stage->road, stage->plan->snow);
    lines(stage);
    traffic_across(stage);
    in_front(stage);
}

static void paint_water(struct stage *stage) {
    const struct plan *plan = stage->plan;
    struct random *random = stage->random;
    double y = pick_between(random, 86, 100), quay = pick_between(random, 146, 154);
    stage->ground = quay + 6;
    sky(stage, y);
    backdrop(stage, y - 3);
    draw_box(stage->canvas, 0, y - 6, CANVAS_WIDTH, 8, plan->snow ? 0xe6eaee : 0xa89f8c);
    row_and_landmark(stage, y);
    begin(stage, plan->water);
    draw_water(stage->canvas, plan->water, y + 1, quay + 1, random);
    end(stage);
    if (plan->boat != THING_NONE) {
        begin(stage, plan->boat);
        draw_boat(stage->canvas, plan->boat, pick_between(random, 80, 144),
                  pick_between(random, y + 24, quay - 4), pick_between(random, 22, 30), random);
        end(stage);
    }
    if (plan->snow) begin(stage, THING_SNOW);
    draw_box(stage->canvas, 0, quay, CANVAS_WIDTH, CANVAS_HEIGHT - quay, plan->snow ? 0xeef2f6 : 0x9a9284);
    if (plan->snow) end(stage);
    in_front(stage);
}

// --- nowhere

static void put(struct stage *stage, enum thing thing, double x, double y, double size) {
    begin(stage, thing);
    draw_indoor(stage->canvas, thing, x, y, size, stage->random);
    end(stage);
}

static void paint_wallpaper(struct stage *stage, double bottom) {
    static const uint32_t walls[] = {0xe4dccb, 0xc8d4d8, 0xd8c4b8, 0xb8c4a8, 0xd0cadc};
    uint32_t wall = walls[pick_one(stage->random, 5)];
    draw_gradient(stage->canvas, 0, 0, CANVAS_WIDTH, bottom, colour_shade(wall, 0.95),
                  colour_shade(wall, 1.05));
    if (pick_chance(stage->random, 0.4))
        for (int i = 0; i < 14; i++) draw_box(stage->canvas, 16 * i, 0, 6, bottom, colour_shade(wall, 0.9));
}

static void paint_room(struct stage *stage) {
    struct random *random = stage->random;
    double level = stage->plan->light == LIGHT_NIGHT ? 0.65 : pick_between(random, 0.85, 1.05);
    canvas_light(stage->canvas, level, level * 0.97, level * 0.9);
    paint_wallpaper(stage, 130);
    draw_box(stage->canvas, 0, 128, CANVAS_WIDTH, 40, 0x8a6a4c);
    if (pick_chance(random, 0.5)) put(stage, THING_CURTAIN, pick_chance(random, 0.5) ? 26 : 198, 132, 120);
    if (pick_chance(random, 0.6))
        put(stage, THING_PICTURE, pick_between(random, 80, 140), 70, pick_between(random, 36, 50));
    bool sofa = pick_chance(random, 0.4);
    if (sofa) {
        put(stage, THING_SOFA, 112, 150, pick_between(random, 56, 66));
        if (pick_chance(random, 0.6)) put(stage, THING_CAT, pick_between(random, 80, 140), 128, 34);
        return;
    }
    static const enum thing on_table[] = {THING_CUP,  THING_BOOK, THING_LAMP,
                                          THING_BOWL, THING_VASE, THING_CAT};
    static const double sizes[] = {30, 34, 66, 40, 58, 44};
    put(stage, THING_TABLE, 112, 168, pick_between(random, 44, 56));
    int first = pick_one(random, 6), count = 1 + pick_one(random, 3);
    for (int i = 0; i < count; i++) {
        int k = (first + i) % 6;
        put(stage, on_table[k], 45 + 66 * i + pick_between(random, -8, 8), pick_between(random, 124, 134),
            sizes[k] * pick_between(random, 0.9, 1.15));
    }
}

static void paint_open_sky(struct stage *stage) {
    struct random *random = stage->random;
    sky(stage, CANVAS_HEIGHT);
    canvas_haze(stage->canvas, 0, 0);
    if (pick_chance(random, 0.3)) {
        begin(stage, THING_BALLOON);
        draw_balloon(stage->canvas, pick_between(random, 60, 160), pick_between(random, 110, 140),
                     pick_between(random, 60, 90), random);
        end(stage);
    }
    if (!stage->plan->clouds) {
        begin(stage, THING_CLOUDS);
        draw_clouds(stage->canvas, 150, 5, random);
        end(stage);
    }
}

static void paint_meadow(struct stage *stage) {
    struct random *random = stage->random;
    double horizon = pick_between(random, 76, 100);
    sky(stage, horizon);
    draw_backdrop(stage->canvas, THING_NONE, horizon, random);
    begin(stage, THING_MEADOW);
    draw_ground(stage->canvas, horizon, 0x7fae4a, random);
    end(stage);
    canvas_haze(stage->canvas, 0, 0);
    if (pick_chance(random, 0.5)) put(stage, THING_PATH, pick_between(random, 80, 140), 168, 168 - horizon);
    if (pick_chance(random, 0.7)) {
        begin(stage, THING_TREES);
        draw_plants(stage->canvas, THING_TREES, pick_between(random, 40, 180), horizon + 22,
                    pick_between(random, 50, 70), 80, false, random);
        end(stage);
    }
    if (pick_chance(random, 0.5)) put(stage, THING_FENCE, 112, pick_between(random, 142, 156), 34);
    if (pick_chance(random, 0.4)) put(stage, THING_SHEEP, pick_between(random, 80, 140), 136, 26);
}

static void paint_wall(struct stage *stage) {
    struct random *random = stage->random;
    double level = pick_between(random, 0.8, 1.05);
    canvas_light(stage->canvas, level, level, level);
    begin(stage, THING_BRICK_WALL);
    paint_wallpaper(stage, 146);
    canvas_detail(stage->canvas, true);
    for (int r = 0; r < 10; r++)
        for (int i = 0; i < 8; i++)
            if (pick_chance(random, 0.25))
                draw_box(stage->canvas, 30 * i - (r % 2) * 15, 15 * r, 28, 13,
                         colour_shade(0xb8a898, pick_between(random, 0.85, 1.1)));
    end(stage);
    draw_box(stage->canvas, 0, 146, CANVAS_WIDTH, 22, 0x8a8680);
    if (pick_chance(random, 0.6))
        put(stage, THING_DOOR, pick_between(random, 50, 170), 148, pick_between(random, 90, 110));
    if (pick_chance(random, 0.3)) put(stage, THING_VASE, pick_between(random, 20, 204), 156, 52);
}

// --- what is visible

static double least_share(enum kind kind) {
    switch (kind) {
    case KIND_PLATE:
    case KIND_LINES:
        return 0.004;
    case KIND_FLAG:
        return 0.01;
    case KIND_SIGN:
        return 0.012;
    case KIND_BUILDINGS:
        return 0.03;
    case KIND_TERRAIN:
        return 0.015;
    default:
        return 0.01;
    }
}

static double least_part(enum kind kind) { // of what was painted
    switch (kind) {
    case KIND_PLATE:
    case KIND_FLAG:
    case KIND_SIGN:
        return 0.75;
    case KIND_LANDMARK:
    case KIND_VEHICLE:
    case KIND_BOAT:
    case KIND_FURNITURE:
    case KIND_SKYLINE:
        return 0.5;
    default:
        return 0.2;
    }
}

// Elements of the same thing count as one; what is too small or too hidden is not there.
static void keep_visible(struct scene *scene, struct canvas *canvas) {
    struct extent extents[CANVAS_ELEMENTS];
    canvas_measure(canvas, extents);
    double pixels = (double)canvas_pixels(canvas);
    int kept = 0;
    scene->possible = EVERYWHERE;
    for (int i = 0; i < scene->count; i++) {
        struct element element = scene->elements[i];
        const struct extent *extent = &extents[element.number];
        enum kind kind = thing_facts(element.thing)->kind;
        element.share = (double)extent->visible / pixels;
        element.x = extent->x, element.y = extent->y;
        if (element.share < least_share(kind) ||
            (double)extent->visible < least_part(kind) * (double)extent->painted)
            continue;
        if (element.keeps_side) element.set &= places_keeping(element.left);
        scene->possible &= element.set;
        int same = 0;
        while (same < kept && scene->elements[same].thing != element.thing) same++;
        if (same == kept)
            scene->elements[kept++] = element;
        else
            scene->elements[same].share += element.share;
    }
    scene->count = kept;
}

void scene_paint(struct scene *scene, struct canvas *canvas, const struct plan *plan, struct random *random) {
    struct stage stage = {.scene = scene, .canvas = canvas, .plan = plan, .random = random};
    scene->count = 0;
    canvas_clear(canvas);
    switch (plan->setting) {
    case SETTING_STREET:
    case SETTING_ROAD:
        paint_along(&stage);
        break;
    case SETTING_ACROSS:
        paint_across(&stage);
        break;
    case SETTING_WATER:
        paint_water(&stage);
        break;
    case SETTING_ROOM:
        paint_room(&stage);
        break;
    case SETTING_SKY:
        paint_open_sky(&stage);
        break;
    case SETTING_MEADOW:
        paint_meadow(&stage);
        break;
    default:
        paint_wall(&stage);
        break;
    }
    canvas_light(canvas, 1, 1, 1);
    keep_visible(scene, canvas);
}
