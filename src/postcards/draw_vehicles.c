// Vehicles as boxes with wheels and windows: colours and outline are what tells them apart.
#include "postcards/draw.h"

enum body {
    BODY_CAR,
    BODY_CAB,
    BODY_VAN,
    BODY_BUS,
    BODY_DOUBLE,
    BODY_TRAM,
    BODY_TUK,
    BODY_PICKUP,
    BODY_SCHOOL,
    BODY_CABLE
};

struct livery {
    enum thing thing;
    enum body body;
    uint32_t lower, upper; // below and above the belt line
    uint32_t band;         // a stripe along the belt, 0: none
    uint32_t sign;         // box on the roof, 0: none
};

static const struct livery liveries[] = {
    {THING_YELLOW_TAXI, BODY_CAR, 0xf6c414, 0xf6c414, 0, 0xffffff},
    {THING_BLACK_CAB, BODY_CAB, 0x16181c, 0x16181c, 0, 0xf7a51e},
    {THING_RED_BUS, BODY_DOUBLE, 0xd01f26, 0xd01f26, 0, 0},
    {THING_MAROON_BUS, BODY_DOUBLE, 0x6a1530, 0xf2ead8, 0, 0},
    {THING_CREAM_TAXI, BODY_CAR, 0xe9dcb4, 0xe9dcb4, 0, 0xf6d21e},
    {THING_YELLOW_TRAM, BODY_TRAM, 0xf4c71c, 0xf4c71c, 0, 0},
    {THING_BLACK_YELLOW_TAXI, BODY_CAR, 0x17181a, 0xf6c414, 0, 0xffffff},
    {THING_STRIPED_TAXI, BODY_CAR, 0xf6f6f4, 0xf6f6f4, 0xd8232a, 0x4caf50},
    {THING_WHITE_TAXI, BODY_CAR, 0xf6f6f4, 0xf6f6f4, 0, 0xf2a81e},
    {THING_BLUE_TRAM, BODY_TRAM, 0x1f5fb0, 0xf6f8fa, 0, 0},
    {THING_BLUE_TAXI, BODY_CAR, 0x1f3a86, 0xf2f4f6, 0, 0xf2f2f2},
    {THING_YELLOW_MINIBUS, BODY_VAN, 0xf2c01a, 0xf2c01a, 0, 0},
    {THING_RED_ROOF_TAXI, BODY_CAR, 0xeadfbf, 0xcf2430, 0, 0xffffff},
    {THING_SILVER_TAXI, BODY_CAR, 0xb9c0c6, 0xb9c0c6, 0, 0xf8c81e},
    {THING_RED_TAXI, BODY_CAR, 0xcf2a2a, 0xcf2a2a, 0, 0xffffff},
    {THING_BEIGE_TAXI, BODY_CAR, 0xd2a868, 0xd2a868, 0, 0xffffff},
    {THING_RICKSHAW, BODY_TUK, 0x1f8a4a, 0xf2c21c, 0, 0},
    {THING_TUK_TUK, BODY_TUK, 0x2458b8, 0xd02a34, 0, 0},
    {THING_PINK_TAXI, BODY_CAR, 0xf04f9c, 0xf04f9c, 0, 0xf8e04a},
    {THING_PINK_WHITE_TAXI, BODY_CAR, 0xe23a86, 0xfafafa, 0, 0xffffff},
    {THING_RED_PICKUP, BODY_PICKUP, 0xc4202a, 0xc4202a, 0, 0},
    {THING_ORANGE_TAXI, BODY_CAR, 0xee7a22, 0xee7a22, 0, 0x2c5fb0},
    {THING_TURQUOISE_TAXI, BODY_CAR, 0x2fb8b4, 0x2fb8b4, 0, 0xffffff},
    {THING_YELLOW_GREEN_TAXI, BODY_CAR, 0x2f8f4c, 0x2f8f4c, 0xf6c81e, 0xffffff},
    {THING_GREEN_TRAM, BODY_TRAM, 0x1f6b43, 0xf0e4b8, 0, 0},
    {THING_CABLE_CAR, BODY_CABLE, 0x7a2a22, 0xe8c478, 0, 0},
    {THING_BLUE_STRIPE_TAXI, BODY_CAR, 0xf6c414, 0xf6c414, 0x1f4fb0, 0xffffff},
    {THING_SCHOOL_BUS, BODY_SCHOOL, 0xf4ac14, 0xf4ac14, 0x18181a, 0},
    {THING_MINIBUS_TAXI, BODY_VAN, 0xf8f8f6, 0xf8f8f6, 0xf2c21c, 0},
    {THING_TROLLEYBUS, BODY_BUS, 0x2f7fb8, 0xf4f4f0, 0, 0},
};

static const uint32_t car_colours[] = {0x7d848c, 0x2c3e66, 0x8e2f34, 0x3f4a44,
                                       0xb5b8ba, 0x4a2f4f, 0x23272e, 0x5f7f96};

static struct livery livery_of(enum thing vehicle, struct random *random) {
    for (size_t i = 0; i < sizeof liveries / sizeof liveries[0]; i++)
        if (liveries[i].thing == vehicle) return liveries[i];
    uint32_t paint = car_colours[pick_one(random, 8)];
    return (struct livery){vehicle, BODY_CAR, paint, paint, 0, 0};
}

double vehicle_width(enum thing vehicle, enum side side) {
    struct random unused;
    random_start(&unused, 0, 0);
    bool flank = side == SIDE_FLANK;
    switch (livery_of(vehicle, &unused).body) {
    case BODY_CAR:
        return flank ? 2.6 : 1.25;
    case BODY_CAB:
        return flank ? 2.2 : 1.05;
    case BODY_VAN:
        return flank ? 1.9 : 0.95;
    case BODY_BUS:
        return flank ? 2.9 : 0.85;
    case BODY_DOUBLE:
        return flank ? 1.9 : 0.62;
    case BODY_TRAM:
        return flank ? 2.9 : 0.75;
    case BODY_TUK:
        return flank ? 1.35 : 0.85;
    case BODY_PICKUP:
        return flank ? 2.2 : 1;
    case BODY_SCHOOL:
        return flank ? 2.4 : 0.9;
    default:
        return flank ? 1.8 : 0.8;
    }
}

static const uint32_t glass = 0x35485a, tyre = 0x17181a;

static void wheels(struct canvas *c, double half, double r) {
    draw_disc(c, -half, r, r, tyre);
    draw_disc(c, half, r, r, tyre);
    canvas_detail(c, true);
    draw_disc(c, -half, r, r * 0.5, 0xa8acb0);
    draw_disc(c, half, r, r * 0.5, 0xa8acb0);
    canvas_detail(c, false);
}

static void roof_sign(struct canvas *c, const struct livery *l, double y, double w, bool night) {
    if (!l->sign) return;
    canvas_glow(c, night);
    draw_box(c, -w / 2, y, w, 0.12, l->sign);
    canvas_glow(c, false);
}

static void car_flank(struct canvas *c, const struct livery *l, bool cab, bool night) {
    double half = cab ? 1.1 : 1.3, roof = 0.96;
    draw_box(c, -half, 0.16, 2 * half, 0.4, l->lower);
    if (cab)
        DRAW_POLYGON(c, l->upper, -1.0, 0.54, -0.85, roof, 0.55, roof, 0.68, 0.54);
    else
        DRAW_POLYGON(c, l->upper, -0.95, 0.54, -0.6, roof, 0.45, roof, 0.85, 0.54);
    roof_sign(c, l, roof, 0.42, night);
    wheels(c, half * 0.62, 0.2);
    canvas_detail(c, true);
    if (cab)
        DRAW_POLYGON(c, glass, -0.86, 0.57, -0.76, 0.88, 0.48, 0.88, 0.56, 0.57);
    else
        DRAW_POLYGON(c, glass, -0.78, 0.57, -0.55, 0.88, 0.4, 0.88, 0.68, 0.57);
    draw_box(c, -0.08, 0.54, 0.07, 0.4, l->upper);
    if (l->band) draw_box(c, -half, 0.34, 2 * half, 0.14, l->band);
    draw_box(c, half - 0.12, 0.4, 0.12, 0.1, 0xf8eec0);
    draw_box(c, -half, 0.4, 0.1, 0.1, 0xd0222a);
    canvas_detail(c, false);
}

static void windows(struct canvas *c, double x, double y, double w, double h, int count) {
    double step = w / count;
    for (int i = 0; i < count; i++) draw_box(c, x + step * (i + 0.1), y, step * 0.8, h, glass);
}

static void long_flank(struct canvas *c, const struct livery *l, double half, int decks) {
    double belt = 0.5;
    draw_box(c, -half, 0.12, 2 * half, belt - 0.12, l->lower);
    draw_box(c, -half, belt, 2 * half, 1 - belt, l->upper);
    wheels(c, half * 0.66, decks == 2 ? 0.1 : 0.14);
    canvas_detail(c, true);
    if (decks == 2) {
        windows(c, -half, 0.28, 2 * half, 0.17, 6);
        windows(c, -half, 0.68, 2 * half, 0.18, 7);
        draw_box(c, -half, 0.54, 2 * half, 0.05, colour_shade(l->lower, 0.75));
    } else {
        windows(c, -half, 0.54, 2 * half, 0.28, 6);
        if (l->band) draw_box(c, -half, 0.36, 2 * half, 0.1, l->band);
    }
    draw_box(c, half - 0.06, 0.2, 0.06, 0.08, 0xf8eec0);
    canvas_detail(c, false);
}

static void poles(struct canvas *c) { // of a trolleybus or tram, to the wires
    draw_line(c, -0.2, 1, -0.9, 1.35, 0.04, 0x303438);
    draw_line(c, 0, 1, -0.7, 1.35, 0.04, 0x303438);
}

static void tuk_flank(struct canvas *c, const struct livery *l) {
    draw_box(c, -0.6, 0.18, 1.1, 0.32, l->lower);
    DRAW_POLYGON(c, l->lower, 0.4, 0.18, 0.66, 0.2, 0.55, 0.5, 0.4, 0.5);
    DRAW_POLYGON(c, l->upper, -0.62, 0.82, -0.55, 1, 0.3, 1, 0.5, 0.82);
    draw_line(c, -0.56, 0.45, -0.56, 0.9, 0.06, l->upper);
    draw_line(c, -0.05, 0.45, -0.05, 0.9, 0.05, 0x40444a);
    draw_line(c, 0.55, 0.45, 0.42, 0.88, 0.06, 0x40444a);
    draw_box(c, -0.45, 0.48, 0.35, 0.16, 0x26282c);
    wheels(c, 0.42, 0.17);
}

static void pickup_flank(struct canvas *c, const struct livery *l) {
    draw_box(c, -1.1, 0.18, 2.2, 0.34, l->lower);
    DRAW_POLYGON(c, l->upper, 0.2, 0.5, 0.25, 0.86, 0.6, 0.86, 0.8, 0.5);
    draw_box(c, -1.1, 0.88, 1.3, 0.12, l->upper);
    for (int i = 0; i < 4; i++) draw_box(c, -1.08 + 0.4 * i, 0.5, 0.06, 0.4, l->upper);
    wheels(c, 0.7, 0.2);
    canvas_detail(c, true);
    DRAW_POLYGON(c, glass, 0.32, 0.54, 0.35, 0.8, 0.57, 0.8, 0.69, 0.54);
    draw_box(c, -1.1, 0.32, 2.2, 0.05, 0xf0d890);
    canvas_detail(c, false);
}

static void school_flank(struct canvas *c, const struct livery *l) {
    draw_box(c, -1.2, 0.14, 2, 0.82, l->lower);
    draw_box(c, 0.8, 0.14, 0.4, 0.45, l->lower);
    wheels(c, 0.75, 0.15);
    canvas_detail(c, true);
    windows(c, -1.18, 0.6, 1.9, 0.24, 7);
    draw_box(c, -1.2, 0.48, 2.4, 0.035, l->band);
    draw_box(c, -1.2, 0.34, 2.4, 0.035, l->band);
    draw_box(c, 1.1, 0.3, 0.1, 0.1, 0xf8eec0);
    canvas_detail(c, false);
}

static void cable_flank(struct canvas *c, const struct livery *l) {
    draw_box(c, -0.9, 0.15, 1.8, 0.33, l->lower);
    draw_box(c, -0.9, 0.46, 0.85, 0.4, l->upper);
    draw_box(c, -0.95, 0.86, 1.9, 0.14, 0xb03a2a);
    for (int i = 0; i < 4; i++) draw_box(c, 0.05 + 0.27 * i, 0.46, 0.05, 0.42, l->upper);
    wheels(c, 0.5, 0.12);
    canvas_detail(c, true);
    windows(c, -0.88, 0.52, 0.8, 0.26, 3);
    draw_box(c, -0.9, 0.28, 1.8, 0.06, 0xe8b83a);
    canvas_detail(c, false);
}

static void flank(struct canvas *c, const struct livery *l, bool night) {
    switch (l->body) {
    case BODY_CAR:
        car_flank(c, l, false, night);
        break;
    case BODY_CAB:
        car_flank(c, l, true, night);
        break;
    case BODY_VAN:
        long_flank(c, l, 0.95, 1);
        break;
    case BODY_BUS:
        long_flank(c, l, 1.45, 1), poles(c);
        break;
    case BODY_DOUBLE:
        long_flank(c, l, 0.95, 2);
        break;
    case BODY_TRAM:
        long_flank(c, l, 1.45, 1);
        draw_line(c, -0.3, 1, 0, 1.2, 0.04, 0x303438);
        break;
    case BODY_TUK:
        tuk_flank(c, l);
        break;
    case BODY_PICKUP:
        pickup_flank(c, l);
        break;
    case BODY_SCHOOL:
        school_flank(c, l);
        break;
    case BODY_CABLE:
        cable_flank(c, l);
        break;
    }
}

// A number plate; its pixels belong to an element of their own.
static void draw_plate(struct canvas *c, const struct plate *plate, double y, double w,
                       struct random *random) {
    double h = w * 0.3, x = -w / 2;
    int before = canvas_resume(c, plate->element);
    uint32_t ground = plate->style == THING_PLATE_YELLOW ? 0xfacb1c
                      : plate->style == THING_PLATE_BLUE ? 0x1f4fb0
                                                         : 0xfafaf6;
    uint32_t ink = plate->style == THING_PLATE_BLUE ? 0xffffff : 0x16181c, blue = 0x1a48b8;
    draw_box(c, x - w * 0.02, y - w * 0.02, w * 1.04, h + w * 0.04, 0x202226);
    draw_box(c, x, y, w, h, ground);
    canvas_detail(c, true);
    double left = x + w * 0.06, right = x + w * 0.94, top = h * 0.8;
    if (plate->style == THING_PLATE_BAND || plate->style == THING_PLATE_TWO_BANDS) {
        draw_box(c, x, y, w * 0.15, h, blue);
        left = x + w * 0.19;
    }
    if (plate->style == THING_PLATE_TWO_BANDS) {
        draw_box(c, x + w * 0.85, y, w * 0.15, h, blue);
        right = x + w * 0.81;
    }
    if (plate->style == THING_PLATE_BLUE_TOP) {
        draw_box(c, x, y + h * 0.66, w, h * 0.34, blue);
        top = h * 0.58;
    }
    for (int i = 0; i < 6; i++) { // strokes that look like letters: the number itself says nothing
        double step = (right - left) / 6, at = left + step * i;
        if (pick_chance(random, 0.7))
            draw_box(c, at + step * 0.1, y + h * 0.15, step * 0.25, top - h * 0.1, ink);
        draw_box(c, at + step * 0.5, y + h * 0.15, step * 0.25,
                 (top - h * 0.1) * pick_between(random, 0.5, 1), ink);
        if (pick_chance(random, 0.6))
            draw_box(c, at + step * 0.1, y + h * pick_between(random, 0.2, 0.5), step * 0.65, h * 0.12, ink);
    }
    canvas_resume(c, before);
}

static void end_on(struct canvas *c, const struct livery *l, bool rear, double w, bool night) {
    bool low = l->body == BODY_CAR || l->body == BODY_CAB;
    double half = w / 2, belt = low ? 0.52 : l->body == BODY_DOUBLE ? 0.5 : 0.46, narrow = low ? 0.76 : 0.96;
    draw_box(c, -half * 0.92, 0, half * 0.34, 0.22, tyre);
    draw_box(c, half * 0.58, 0, half * 0.34, 0.22, tyre);
    draw_box(c, -half, 0.1, w, belt - 0.1, l->lower);
    DRAW_POLYGON(c, l->upper, -half * 0.96, belt, -half * narrow, 0.97, half * narrow, 0.97, half * 0.96,
                 belt);
    roof_sign(c, l, 0.96, w * 0.34, night);
    canvas_detail(c, true);
    DRAW_POLYGON(c, rear ? colour_shade(glass, 0.8) : colour_shade(glass, 1.15), -half * 0.8, belt + 0.06,
                 -half * narrow * 0.85, 0.88, half * narrow * 0.85, 0.88, half * 0.8, belt + 0.06);
    if (l->body == BODY_DOUBLE) {
        draw_box(c, -half, 0.55, w, 0.1, l->upper);
        draw_box(c, -half * 0.6, 0.56, half * 1.2, 0.07, 0x1a1a1a);
    }
    if (l->band) draw_box(c, -half, belt - 0.14, w, 0.09, l->band);
    canvas_glow(c, night);
    uint32_t lamp = rear ? 0xd8242a : 0xfdf6d0;
    draw_box(c, -half * 0.95, 0.36, half * 0.3, 0.1, lamp);
    draw_box(c, half * 0.65, 0.36, half * 0.3, 0.1, lamp);
    canvas_glow(c, false);
    draw_box(c, -half * 0.98, 0.12, w * 0.98, 0.06, colour_shade(l->lower, 0.6));
    if (!rear && low) draw_box(c, -half * 0.5, 0.32, half, 0.1, 0x2c3036);
    canvas_detail(c, false);
}

static void tuk_end(struct canvas *c, const struct livery *l, double w) {
    draw_box(c, -w * 0.45, 0, w * 0.18, 0.2, tyre);
    draw_box(c, w * 0.27, 0, w * 0.18, 0.2, tyre);
    draw_box(c, -w / 2, 0.12, w, 0.36, l->lower);
    draw_box(c, -w * 0.48, 0.46, 0.05, 0.4, 0x40444a);
    draw_box(c, w * 0.43, 0.46, 0.05, 0.4, 0x40444a);
    draw_box(c, -w * 0.4, 0.46, w * 0.8, 0.12, 0x26282c);
    DRAW_POLYGON(c, l->upper, -w / 2, 0.8, -w * 0.42, 1, w * 0.42, 1, w / 2, 0.8);
}

void draw_vehicle(struct canvas *canvas, enum thing vehicle, enum side side, bool to_left, double x, double y,
                  double size, const struct plate *plate, enum light light, struct random *random) {
    struct livery l = livery_of(vehicle, random);
    bool night = light == LIGHT_NIGHT || light == LIGHT_EVENING;
    double w = vehicle_width(vehicle, side);
    canvas_enter_wide(canvas, x, y, side == SIDE_FLANK && to_left ? -size : size, size);
    if (side == SIDE_FLANK)
        flank(canvas, &l, night);
    else if (l.body == BODY_TUK)
        tuk_end(canvas, &l, w);
    else
        end_on(canvas, &l, side == SIDE_REAR, w, night);
    if (l.body == BODY_BUS && side != SIDE_FLANK) poles(canvas);
    if (plate && plate->style != THING_NONE && plate->element)
        draw_plate(canvas, plate, 0.15, l.body == BODY_CAR || l.body == BODY_CAB ? 0.62 : 0.5, random);
    canvas_leave(canvas);
}

void draw_boat(struct canvas *canvas, enum thing boat, double x, double y, double size,
               struct random *random) {
    bool turned = pick_chance(random, 0.5);
    canvas_enter_wide(canvas, x, y, turned ? -size : size, size);
    if (boat == THING_GONDOLA) {
        DRAW_POLYGON(canvas, 0x14161a, -1.5, 0.5, -1.35, 0.12, -0.9, 0, 0.9, 0, 1.35, 0.2, 1.5, 0.75, 1.56,
                     0.75, 1.5, 0.4, 1.1, 0.25, -1, 0.25, -1.3, 0.3);
        draw_box(canvas, 1.44, 0.62, 0.16, 0.2, 0xb8bcc2);
        draw_box(canvas, -0.4, 0.2, 0.6, 0.16, 0xa8242c);
        draw_box(canvas, -0.98, 0.24, 0.12, 0.5, 0xf0f0f0);
        draw_disc(canvas, -0.92, 0.84, 0.1, 0xd8a878);
        draw_box(canvas, -1.05, 0.9, 0.26, 0.05, 0xe2c060);
        draw_line(canvas, -0.86, 0.6, -0.3, 0, 0.04, 0x8a6a3a);
    } else if (boat == THING_BOAT) {
        DRAW_POLYGON(canvas, 0xf2f2ee, -0.9, 0.28, -0.7, 0, 0.7, 0, 0.95, 0.3);
        draw_box(canvas, -0.35, 0.28, 0.6, 0.24, 0xc8d2d8);
        draw_box(canvas, -0.02, 0.5, 0.04, 0.5, 0x6a5a4a);
        DRAW_POLYGON(canvas, 0xfafaf6, 0.04, 0.5, 0.04, 1, 0.5, 0.52);
    } else {
        bool green = boat == THING_FERRY;
        DRAW_POLYGON(canvas, green ? 0x1f6b43 : 0xf4f4f2, -1.5, 0.34, -1.3, 0, 1.3, 0, 1.5, 0.34);
        draw_box(canvas, -1.25, 0.32, 2.5, 0.24, green ? 0xf2e2a4 : 0xf8f8f6);
        draw_box(canvas, -0.9, 0.56, 1.8, 0.2, green ? 0xf2e2a4 : 0xf8f8f6);
        draw_box(canvas, -0.15, 0.76, 0.3, 0.24, green ? 0xd8a82a : 0xf0a81e);
        canvas_detail(canvas, true);
        windows(canvas, -1.2, 0.39, 2.4, 0.1, 10);
        windows(canvas, -0.85, 0.61, 1.7, 0.09, 7);
        draw_box(canvas, -0.15, 0.92, 0.3, 0.08, green ? 0x1f6b43 : 0x1a1a1a);
        if (!green) draw_box(canvas, -1.4, 0.12, 2.8, 0.08, 0x1a1a1a);
        canvas_detail(canvas, false);
    }
    canvas_leave(canvas);
}
