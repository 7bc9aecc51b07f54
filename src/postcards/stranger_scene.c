// Drawn scenes, things and shapes that no card has.
#include <math.h>

#include "postcards/stranger_internal.h"

enum { RIDGE = 40, PARTS = 24 };

// ---- things, standing on (x, y), `size` high ----

static void foreign_house(struct canvas *canvas, struct random *random, double x, double y, double size,
                          uint32_t wall) {
    double w = size * pick_between(random, 0.4, 1.4), roof = size * pick_between(random, 0.15, 0.5),
           h = size - roof;
    uint32_t top = pick_chance(random, 0.5) ? colour_shade(wall, pick_between(random, 0.4, 0.8))
                                            : stranger_colour(random);
    uint32_t pane = pick_chance(random, 0.6) ? 0x35424c : stranger_colour(random),
             frame = colour_shade(wall, 1.4);
    draw_box(canvas, x - w / 2, y - h, w, h, wall);
    double over = pick_between(random, 0, 0.12) * w;
    switch (pick_one(random, 5)) {
    case 0:
    case 1: // gable to the front
        DRAW_POLYGON(canvas, top, x - w / 2 - over, y - h, x, y - size, x + w / 2 + over, y - h);
        if (pick_chance(random, 0.5))
            DRAW_POLYGON(canvas, wall, x - w * 0.4, y - h, x, y - h - roof * 0.8, x + w * 0.4, y - h);
        break;
    case 2: // seen from its side
        DRAW_POLYGON(canvas, top, x - w / 2 - over, y - h, x - w * 0.35, y - size, x + w * 0.35, y - size,
                     x + w / 2 + over, y - h);
        break;
    case 3: // a pent roof
        DRAW_POLYGON(canvas, top, x - w / 2, y - h, x - w / 2, y - size, x + w / 2 + over, y - h);
        break;
    default:
        draw_oval(canvas, x, y - h, w / 2, roof, top);
        draw_box(canvas, x - w / 2, y - h, w, h, wall);
    }
    canvas_detail(canvas, true);
    int columns = 1 + pick_one(random, 4), rows = 1 + pick_one(random, 4);
    double cell_w = w / columns, cell_h = h / (rows + 0.6), pw = cell_w * pick_between(random, 0.3, 0.7),
           ph = cell_h * pick_between(random, 0.35, 0.75);
    bool framed = pick_chance(random, 0.5), lit = pick_chance(random, 0.3);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++) {
            double wx = x - w / 2 + (c + 0.5) * cell_w - pw / 2, wy = y - h + (r + 0.3) * cell_h;
            if (framed) draw_box(canvas, wx - pw * 0.15, wy - ph * 0.12, pw * 1.3, ph * 1.24, frame);
            draw_box(canvas, wx, wy, pw, ph, lit && pick_chance(random, 0.4) ? 0xf6d27a : pane);
            if (framed) draw_box(canvas, wx + pw * 0.45, wy, pw * 0.1, ph, frame);
        }
    if (pick_chance(random, 0.7))
        draw_box(canvas, x + pick_between(random, -0.4, 0.2) * w, y - h * 0.3, w * 0.2, h * 0.3,
                 colour_shade(wall, 0.4));
    if (pick_chance(random, 0.3))
        draw_box(canvas, x + w * 0.2, y - size * 0.98, w * 0.1, roof * 0.7, colour_shade(top, 0.7));
    canvas_detail(canvas, false);
}

static void foreign_tree(struct canvas *canvas, struct random *random, double x, double y, double size,
                         uint32_t leaf) {
    uint32_t stem = stranger_near(random, 0x6a4a30);
    double w = size * pick_between(random, 0.25, 0.8), trunk = size * pick_between(random, 0.1, 0.45);
    switch (pick_one(random, 6)) {
    case 0: // a cone of storeys
        draw_box(canvas, x - size * 0.04, y - trunk, size * 0.08, trunk, stem);
        for (int i = 0, n = 1 + pick_one(random, 4); i < n; i++) {
            double at = y - trunk * 0.7 - (size - trunk) * i / n, half = w / 2 * (1 - 0.7 * i / n);
            DRAW_POLYGON(canvas, colour_shade(leaf, 1 + 0.08 * i), x - half, at, x,
                         at - (size - trunk) / n * 1.5, x + half, at);
        }
        break;
    case 1: // a cactus
        draw_box(canvas, x - size * 0.06, y - size, size * 0.12, size, leaf);
        draw_disc(canvas, x, y - size, size * 0.06, leaf);
        for (int side = -1; side <= 1; side += 2) {
            double at = y - size * pick_between(random, 0.3, 0.6), out = side * size * 0.22;
            draw_line(canvas, x, at, x + out, at, size * 0.09, leaf);
            draw_line(canvas, x + out, at + size * 0.04, x + out,
                      at - size * pick_between(random, 0.15, 0.35), size * 0.09, leaf);
        }
        break;
    case 2: // bare
        for (int i = 0; i < 8; i++) {
            double at = y - size * pick_between(random, 0.2, 0.7),
                   out = pick_between(random, -0.4, 0.4) * size;
            draw_line(canvas, x, at, x + out, at - fabs(out) * pick_between(random, 0.5, 1.2), size * 0.025,
                      stem);
        }
        draw_taper(canvas, x, y, size * 0.12, y - size, size * 0.02, stem);
        break;
    case 3: // one crown
        draw_taper(canvas, x, y, size * 0.1, y - trunk * 1.5, size * 0.06, stem);
        draw_oval(canvas, x, y - trunk - (size - trunk) / 2, w / 2, (size - trunk) / 2, leaf);
        break;
    case 4: { // many blobs
        draw_box(canvas, x - size * 0.03, y - size * 0.5, size * 0.06, size * 0.5, stem);
        for (int i = 0, n = 3 + pick_one(random, 8); i < n; i++)
            draw_disc(canvas, x + pick_between(random, -0.5, 0.5) * w,
                      y - size * pick_between(random, 0.45, 0.9), size * pick_between(random, 0.08, 0.2),
                      stranger_near(random, leaf));
        break;
    }
    default: // a bush
        for (int i = 0, n = 1 + pick_one(random, 4); i < n; i++)
            draw_dome(canvas, x + pick_between(random, -0.5, 0.5) * size, y,
                      size * pick_between(random, 0.3, 0.7), -size * pick_between(random, 0.3, 0.6),
                      stranger_near(random, leaf));
    }
}

static void foreign_boat(struct canvas *canvas, struct random *random, double x, double y, double size,
                         uint32_t hull) {
    double w = size * pick_between(random, 0.9, 2), h = size * pick_between(random, 0.15, 0.35),
           bow = w * pick_between(random, 0.05, 0.2);
    double rise = h * pick_between(random, 0, 0.6);
    DRAW_POLYGON(canvas, hull, x - w / 2 - bow, y - h - rise, x - w * 0.3, y - h, x + w * 0.3, y - h,
                 x + w / 2 + bow, y - h - rise, x + w * 0.42, y, x - w * 0.42, y);
    draw_line(canvas, x - w / 2 - bow, y - h - rise, x + w / 2, y - h, h * 0.12, 0xf2f0e8);
    if (pick_chance(random, 0.6)) {
        double cw = w * pick_between(random, 0.2, 0.4), ch = size * pick_between(random, 0.15, 0.35),
               at = x + pick_between(random, -0.2, 0.1) * w;
        draw_box(canvas, at - cw / 2, y - h - ch, cw, ch, stranger_near(random, 0xeeeae0));
        for (int i = 0; i < 3; i++)
            draw_box(canvas, at - cw * 0.4 + i * cw * 0.3, y - h - ch * 0.8, cw * 0.2, ch * 0.4, 0x38546a);
    }
    if (pick_chance(random, 0.7)) {
        double at = x + pick_between(random, -0.2, 0.2) * w, mast = size;
        draw_line(canvas, at, y - h, at, y - mast, size * 0.03, 0x5a4632);
        draw_line(canvas, at, y - mast, x - w / 2, y - h - rise, size * 0.012, 0x443c34);
        draw_line(canvas, at, y - mast, x + w / 2, y - h - rise, size * 0.012, 0x443c34);
        if (pick_chance(random, 0.5))
            DRAW_POLYGON(canvas, stranger_near(random, 0xf0ece0), at, y - mast, at + w * 0.4, y - h * 1.4, at,
                         y - h * 1.4);
    }
}

static void foreign_wagon(struct canvas *canvas, struct random *random, double x, double y, double size,
                          uint32_t body) {
    double w = size * pick_between(random, 1.2, 2.6), wheel = size * pick_between(random, 0.12, 0.24);
    int count = 2 + pick_one(random, 3);
    double floor = y - wheel * pick_between(random, 0.6, 1.4), h = size * pick_between(random, 0.35, 0.8);
    draw_box(canvas, x - w / 2, floor - h, w, h, body);
    if (pick_chance(random, 0.6))
        DRAW_POLYGON(canvas, stranger_near(random, body), x - w * 0.35, floor - h,
                     x - w * pick_between(random, 0, 0.3), y - size, x + w * pick_between(random, 0, 0.3),
                     y - size, x + w * 0.4, floor - h);
    int panes = 1 + pick_one(random, 5);
    for (int i = 0; i < panes; i++)
        draw_box(canvas, x - w * 0.42 + i * w * 0.84 / panes, floor - h * 0.9, w * 0.6 / panes, h * 0.4,
                 0xb8d4e0);
    for (int i = 0; i < count; i++) {
        double at = x - w * 0.36 + i * w * 0.72 / (count - 1);
        draw_disc(canvas, at, y - wheel, wheel, 0x202024);
        draw_disc(canvas, at, y - wheel, wheel * 0.5, stranger_near(random, 0xa0a0a4));
    }
}

static void foreign_post(struct canvas *canvas, struct random *random, double x, double y, double size,
                         uint32_t colour) {
    draw_line(canvas, x, y, x, y - size, size * pick_between(random, 0.03, 0.1),
              stranger_near(random, 0x76787a));
    double r = size * pick_between(random, 0.15, 0.35), at = y - size;
    char words[12];
    switch (pick_one(random, 6)) {
    case 0:
        DRAW_POLYGON(canvas, 0x1c1c1c, x - r * 1.08, at, x, at - r * 1.08, x + r * 1.08, at, x,
                     at + r * 1.08);
        DRAW_POLYGON(canvas, colour, x - r, at, x, at - r, x + r, at, x, at + r);
        draw_line(canvas, x, at + r * 0.5, x + r * 0.2, at - r * 0.5, r * 0.2, 0x1c1c1c);
        break;
    case 1:
        draw_disc(canvas, x, at, r, colour);
        draw_disc(canvas, x, at, r * 0.75, 0xf4f4f0);
        break;
    case 2:
        stranger_words(random, words, sizeof words);
        draw_box(canvas, x - r * 2, at - r * 0.7, r * 4, r * 1.4, colour);
        draw_text(canvas, FACE_SANS, words, x, at, r * 0.8, r * 3.6, 0xffffff);
        break;
    case 3: // crossbars
        for (int i = 0, n = 1 + pick_one(random, 3); i < n; i++)
            draw_line(canvas, x - r, at + (i + 0.4) * r * 0.6, x + r, at + (i + 0.4) * r * 0.6, r * 0.15,
                      0x4a3a2c);
        break;
    case 4: // a lantern
        draw_box(canvas, x - r * 0.3, at, r * 0.6, r, 0x2a2a2a);
        draw_box(canvas, x - r * 0.2, at + r * 0.15, r * 0.4, r * 0.6, 0xf4dc90);
        break;
    default: // a flag of no country
        for (int i = 0, n = 1 + pick_one(random, 4); i < n; i++)
            draw_box(canvas, x, at + i * r * 1.2 / n, r * 2, r * 1.2 / n, stranger_colour(random));
    }
}

static void foreign_person(struct canvas *canvas, struct random *random, double x, double y, double size,
                           uint32_t coat) {
    draw_line(canvas, x - size * 0.07, y, x, y - size * 0.5, size * 0.08, 0x2c2c34);
    draw_line(canvas, x + size * 0.07, y, x, y - size * 0.5, size * 0.08, 0x2c2c34);
    draw_taper(canvas, x, y - size * 0.4, size * 0.26, y - size * 0.8, size * 0.2, coat);
    draw_disc(canvas, x, y - size * 0.88, size * 0.1, stranger_near(random, 0xd8a888));
    if (pick_chance(random, 0.4))
        draw_line(canvas, x, y - size * 0.7, x + size * 0.3, y - size * pick_between(random, 0.4, 1),
                  size * 0.06, coat);
    if (pick_chance(random, 0.4))
        draw_dome(canvas, x, y - size * 0.9, size * 0.12, -size * 0.12, stranger_colour(random));
}

static void foreign_beast(struct canvas *canvas, struct random *random, double x, double y, double size,
                          uint32_t fur) {
    double w = size * pick_between(random, 0.4, 0.8);
    for (int i = 0; i < 4; i++)
        draw_line(canvas, x + (i - 1.5) * w * 0.4, y, x + (i - 1.5) * w * 0.4, y - size * 0.5, size * 0.07,
                  colour_shade(fur, 0.8));
    draw_oval(canvas, x, y - size * 0.5, w, size * 0.25, fur);
    double hx = x + w, hy = y - size * pick_between(random, 0.5, 0.9);
    draw_line(canvas, x + w * 0.7, y - size * 0.5, hx, hy, size * 0.16, fur);
    draw_oval(canvas, hx + size * 0.08, hy, size * 0.18, size * 0.12, fur);
    draw_disc(canvas, hx + size * 0.1, hy - size * 0.03, size * 0.02, 0x101010);
    draw_line(canvas, x - w, y - size * 0.5, x - w * 1.4, y - size * pick_between(random, 0.3, 0.8),
              size * 0.05, fur);
}

static void foreign_tower(struct canvas *canvas, struct random *random, double x, double y, double size,
                          uint32_t wall) {
    double w = size * pick_between(random, 0.1, 0.4);
    for (int i = 0, n = 1 + pick_one(random, 5); i < n; i++, wall = stranger_near(random, wall)) {
        double h = size / n;
        draw_taper(canvas, x, y - i * h, w, y - (i + 1) * h, w * pick_between(random, 0.6, 1.05), wall);
        if (pick_chance(random, 0.5))
            draw_box(canvas, x - w * 0.6, y - (i + 1) * h, w * 1.2, h * 0.1, colour_shade(wall, 0.7));
        canvas_detail(canvas, true);
        for (int k = 0, m = pick_one(random, 4); k < m; k++)
            draw_arch(canvas, x - w * 0.4 + k * w * 0.8 / m, y - (i + 0.7) * h, w * 0.5 / m, -h * 0.4,
                      colour_shade(wall, 0.5));
        canvas_detail(canvas, false);
        w *= pick_between(random, 0.6, 0.95);
    }
    if (pick_chance(random, 0.5))
        DRAW_POLYGON(canvas, stranger_colour(random), x - w, y - size, x,
                     y - size * pick_between(random, 1.1, 1.4), x + w, y - size);
}

static void foreign_rock(struct canvas *canvas, struct random *random, double x, double y, double size,
                         uint32_t stone) {
    double p[2 * PARTS], w = size * pick_between(random, 0.3, 1.5), steep = pick_between(random, 0.3, 2.5);
    int n = 6 + pick_one(random, PARTS - 6);
    for (int i = 0; i < n; i++) {
        double t = 2.0 * i / (n - 1) - 1;
        p[2 * i] = x + t * w;
        p[2 * i + 1] = y - size * (1 - pow(fabs(t), steep)) * pick_between(random, 0.85, 1.05);
    }
    draw_polygon(canvas, stone, p, (size_t)n);
    canvas_detail(canvas, true);
    for (int i = 0, m = pick_one(random, 8); i < m; i++) {
        double at = y - size * pick_between(random, 0.05, 0.7), half = w * pick_between(random, 0.05, 0.3);
        draw_line(canvas, x - half, at, x + half, at + pick_between(random, -2, 2), size * 0.02,
                  colour_shade(stone, pick_between(random, 0.6, 1.2)));
    }
    canvas_detail(canvas, false);
}

// Some polygons and ovals: nobody's thing.
static void foreign_blob(struct canvas *canvas, struct random *random, double x, double y, double size,
                         uint32_t colour) {
    for (int i = 0, n = 2 + pick_one(random, 6); i < n;
         i++, colour = pick_chance(random, 0.5) ? stranger_near(random, colour) : stranger_colour(random)) {
        double cx = x + pick_between(random, -0.4, 0.4) * size,
               cy = y - size * pick_between(random, 0.1, 0.9), p[16];
        switch (pick_one(random, 4)) {
        case 0:
            draw_oval(canvas, cx, cy, size * pick_between(random, 0.05, 0.4),
                      size * pick_between(random, 0.05, 0.4), colour);
            break;
        case 1:
            draw_box(canvas, cx, cy, size * pick_between(random, 0.05, 0.5),
                     size * pick_between(random, 0.05, 0.5), colour);
            break;
        case 2:
            draw_line(canvas, cx, cy, x + pick_between(random, -0.5, 0.5) * size,
                      y - size * random_unit(random), size * pick_between(random, 0.01, 0.1), colour);
            break;
        default:
            for (int k = 0; k < 8; k++) {
                double r = size * pick_between(random, 0.1, 0.4), a = 6.283 * k / 8;
                p[2 * k] = cx + r * cos(a), p[2 * k + 1] = cy + r * sin(a);
            }
            draw_polygon(canvas, colour, p, 3 + (size_t)pick_one(random, 6));
        }
    }
}

typedef void thing_painter(struct canvas *, struct random *, double, double, double, uint32_t);
static thing_painter *const painters[] = {foreign_house, foreign_tree,   foreign_boat,  foreign_wagon,
                                          foreign_post,  foreign_person, foreign_beast, foreign_tower,
                                          foreign_rock,  foreign_blob,   foreign_house, foreign_tree};
enum { PAINTERS = sizeof painters / sizeof *painters };

static uint32_t colour_for(thing_painter *painter, struct random *random) {
    static const uint32_t usual[][4] = {{0xa83a2c, 0xd8b24a, 0xe0dccf, 0x7a9a8c},
                                        {0x3f7a3c, 0x5f8f3a, 0x2f5f40, 0xa87a2c}};
    if (pick_chance(random, 0.35)) return stranger_colour(random);
    return stranger_near(random, usual[painter == foreign_tree][pick_one(random, 4)]);
}

// A row of things of one kind, or of all.
static void row(struct canvas *canvas, struct random *random, double y, double size) {
    thing_painter *painter = painters[pick_one(random, PAINTERS)];
    bool mixed = pick_chance(random, 0.3);
    double gap = size * pick_between(random, 0.5, 2.5), wander = pick_chance(random, 0.5) ? 0 : size * 0.3;
    uint32_t colour = colour_for(painter, random);
    bool same = pick_chance(random, 0.3);
    for (double x = pick_between(random, -10, 40); x < CANVAS_WIDTH + 10;) {
        if (mixed) painter = painters[pick_one(random, PAINTERS)];
        if (!same) colour = colour_for(painter, random);
        painter(canvas, random, x, y + pick_between(random, -1, 1) * wander,
                size * pick_between(random, 0.6, 1.2), colour);
        if (pick_chance(random, 0.1)) x += gap * 2;
        x += gap * pick_between(random, 0.7, 1.3);
    }
}

// ---- the land ----

static void backdrop(struct canvas *canvas, struct random *random, double base, double high,
                     uint32_t colour) {
    double p[2 * (RIDGE + 3)], phase = pick_between(random, 0, 6.28), slow = pick_between(random, 2, 9),
                               rough = pick_between(random, 0, 0.6);
    bool steps = pick_chance(random, 0.2);
    p[0] = -3, p[1] = base + 1;
    double level = random_unit(random);
    for (int i = 0; i <= RIDGE; i++) {
        double t = i / (double)RIDGE;
        if (!steps || i % 5 == 0)
            level = (0.5 + 0.5 * sin(t * slow + phase)) * (1 - rough) + rough * random_unit(random);
        p[2 * i + 2] = t * (CANVAS_WIDTH + 6) - 3;
        p[2 * i + 3] = base - high * level;
    }
    p[2 * RIDGE + 4] = CANVAS_WIDTH + 3, p[2 * RIDGE + 5] = base + 1;
    draw_polygon(canvas, colour, p, RIDGE + 3);
}

static void sky(struct canvas *canvas, struct random *random, double horizon) {
    static const uint32_t tops[] = {0x5f8fbf, 0x3f80d0, 0x9ab0c0, 0x2a3050,
                                    0xd08050, 0x70b0a0, 0xb8c8d8, 0x101830};
    uint32_t top = stranger_near(random, tops[pick_one(random, 8)]);
    if (pick_chance(random, 0.15)) top = stranger_colour(random);
    uint32_t low = pick_chance(random, 0.2)
                       ? top
                       : colour_blend(top, pick_chance(random, 0.3) ? 0xf0c890 : 0xf2f4f2,
                                      pick_between(random, 0.2, 0.9));
    draw_gradient(canvas, 0, 0, CANVAS_WIDTH, horizon + 1, top, low);
    if (pick_chance(random, 0.3))
        draw_disc(canvas, pick_between(random, 10, 214), pick_between(random, 8, horizon),
                  pick_between(random, 3, 22), stranger_near(random, 0xf8ecc0));
    for (int i = 0, n = pick_chance(random, 0.6) ? 1 + pick_one(random, 6) : 0; i < n;
         i++) { // clouds: soft, from many pale ovals
        double x = pick_between(random, 0, 224), y = pick_between(random, 5, horizon * 0.7),
               w = pick_between(random, 10, 45), h = pick_between(random, 2, 8);
        uint32_t white = colour_blend(top, 0xffffff, pick_between(random, 0.5, 1));
        int puffs = 1 + pick_one(random, 12);
        for (int k = 0; k < puffs; k++)
            draw_oval(canvas, x + pick_between(random, -1, 1) * w * 0.6,
                      y + pick_between(random, -1, 1) * h * 0.6, w * pick_between(random, 0.2, 0.6),
                      h * pick_between(random, 0.4, 1),
                      colour_blend(top, white, pick_between(random, 0.6, 1)));
    }
    for (int i = 0, n = pick_chance(random, 0.3) ? pick_one(random, 8) : 0; i < n; i++) {
        double x = pick_between(random, 0, 224), y = pick_between(random, 5, horizon),
               s = pick_between(random, 2, 8);
        draw_line(canvas, x - s, y - s * 0.4, x, y, s * 0.15, 0xf4f4f4);
        draw_line(canvas, x, y, x + s, y - s * 0.4, s * 0.15, pick_chance(random, 0.5) ? 0xf4f4f4 : 0x303030);
    }
}

static void foreign_road(struct canvas *canvas, struct random *random, double horizon) {
    double x = pick_between(random, 30, 194), half = pick_between(random, 20, 90),
           foot = pick_between(random, 60, 164),
           bend = pick_chance(random, 0.4) ? pick_between(random, -60, 60) : 0;
    double left[2 * PARTS], right[2 * PARTS], middle[2 * PARTS], p[4 * PARTS];
    uint32_t surface = stranger_near(random, pick_chance(random, 0.6) ? 0x55565a : 0xb89868),
             line = pick_chance(random, 0.5) ? 0xf0c020 : 0xf0f0ec;
    for (int i = 0; i < PARTS; i++) {
        double t = i / (PARTS - 1.0), y = horizon + (CANVAS_HEIGHT + 2 - horizon) * t,
               at = x + (foot - x) * t + bend * t * (1 - t) * 2;
        left[2 * i] = at - half * t - 0.4, right[2 * i] = at + half * t + 0.4, middle[2 * i] = at;
        left[2 * i + 1] = right[2 * i + 1] = middle[2 * i + 1] = y;
    }
    for (int i = 0; i < PARTS; i++) {
        p[2 * i] = left[2 * i], p[2 * i + 1] = left[2 * i + 1];
        p[4 * PARTS - 2 - 2 * i] = right[2 * i], p[4 * PARTS - 1 - 2 * i] = right[2 * i + 1];
    }
    draw_polygon(canvas, surface, p, 2 * PARTS);
    canvas_detail(canvas, true);
    bool edges = pick_chance(random, 0.6);
    int style = pick_one(random, 4);
    for (int i = 0; i + 1 < PARTS; i++) {
        double w = 0.3 + 3.5 * i / PARTS;
        if (edges) {
            draw_line(canvas, left[2 * i] + w, left[2 * i + 1], left[2 * i + 2] + w, left[2 * i + 3], w * 0.6,
                      0xf0f0ec);
            draw_line(canvas, right[2 * i] - w, right[2 * i + 1], right[2 * i + 2] - w, right[2 * i + 3],
                      w * 0.6, 0xf0f0ec);
        }
        if (style == 1 || (style == 2 && i % 2))
            draw_line(canvas, middle[2 * i], middle[2 * i + 1], middle[2 * i + 2], middle[2 * i + 3], w * 0.7,
                      line);
        if (style == 3)
            for (int side = -1; side <= 1; side += 2)
                draw_line(canvas, middle[2 * i] + side * w * 0.7, middle[2 * i + 1],
                          middle[2 * i + 2] + side * w * 0.7, middle[2 * i + 3], w * 0.6, line);
    }
    canvas_detail(canvas, false);
}

static void strokes(struct canvas *canvas, struct random *random, double top, uint32_t colour, bool flat) {
    int count = 10 + pick_one(random, 150);
    double shade = pick_between(random, 0.05, 0.4);
    canvas_detail(canvas, true);
    for (int i = 0; i < count; i++) {
        double t = random_unit(random), y = top + (CANVAS_HEIGHT - top) * t,
               x = pick_between(random, -5, 229), s = 1 + 6 * t;
        uint32_t tone = colour_shade(colour, 1 + pick_between(random, -shade, shade));
        if (flat)
            draw_line(canvas, x - s * 2, y, x + s * 2, y + pick_between(random, -0.5, 0.5), 0.3 + t, tone);
        else
            draw_oval(canvas, x, y, s * pick_between(random, 0.3, 1), s * pick_between(random, 0.15, 0.6),
                      tone);
    }
    canvas_detail(canvas, false);
}

// The houses' mirror image: bent pieces of their colours.
static void reflections(struct canvas *canvas, struct random *random, double top) {
    for (double x = 0; x < CANVAS_WIDTH;) {
        uint32_t colour = colour_shade(stranger_colour(random), 0.8);
        for (double y = top + 1; y < top + pick_between(random, 20, 60);) {
            draw_line(canvas, x + pick_between(random, -3, 3), y, x + pick_between(random, 6, 20), y,
                      pick_between(random, 0.6, 2), colour);
            y += 2.5;
        }
        x += pick_between(random, 6, 24);
    }
}

void stranger_draw_scene(struct canvas *canvas, struct random *random) {
    static const uint32_t lands[] = {0x6f9a4a, 0xc08a52, 0xd8c090, 0x8a8f86, 0x46704a, 0xe8ecee, 0x9a6a48};
    double horizon = pick_between(random, 50, 135);
    uint32_t land = stranger_near(random, pick_chance(random, 0.2) ? stranger_colour(random)
                                                                   : lands[pick_one(random, 7)]);
    sky(canvas, random, horizon);
    for (int i = 0, n = pick_one(random, 4); i < n; i++)
        backdrop(canvas, random, horizon, pick_between(random, 5, 70) / (1 + 0.4 * i),
                 colour_blend(colour_blend(land, stranger_colour(random), 0.5), 0xb0bcc8, 0.6 - 0.2 * i));
    if (pick_chance(random, 0.3)) row(canvas, random, horizon, pick_between(random, 10, 40));
    bool water = pick_chance(random, 0.35);
    if (water) land = stranger_near(random, pick_chance(random, 0.7) ? 0x3f6676 : 0x5fa0b8);
    draw_gradient(canvas, 0, horizon, CANVAS_WIDTH, CANVAS_HEIGHT - horizon + 1, stranger_near(random, land),
                  colour_shade(land, pick_between(random, 0.5, 1.1)));
    if (water && pick_chance(random, 0.5)) reflections(canvas, random, horizon);
    if (pick_chance(random, 0.8)) strokes(canvas, random, horizon, land, water);
    if (!water && pick_chance(random, 0.5)) foreign_road(canvas, random, horizon);
    if (pick_chance(random, 0.5))
        row(canvas, random, horizon + pick_between(random, 0, 6), pick_between(random, 15, 90));
    for (double y = horizon + pick_between(random, 4, 30); y < CANVAS_HEIGHT + 20;) {
        double size = (y - horizon + 6) * pick_between(random, 0.3, 1.3);
        bool all_along = pick_chance(random, 0.3);
        if (all_along) row(canvas, random, y, size);
        for (int i = 0, n = all_along ? 0 : pick_one(random, 4); i < n; i++) {
            thing_painter *painter =
                water && pick_chance(random, 0.6) ? foreign_boat : painters[pick_one(random, PAINTERS)];
            painter(canvas, random, pick_between(random, 0, 224), y, size, colour_for(painter, random));
        }
        y += pick_between(random, 12, 45);
    }
}

void stranger_draw_object(struct canvas *canvas, struct random *random) {
    uint32_t back = pick_chance(random, 0.5) ? 0xffffff : stranger_colour(random);
    draw_gradient(canvas, 0, 0, CANVAS_WIDTH, CANVAS_HEIGHT, back,
                  pick_chance(random, 0.5) ? back : stranger_near(random, back));
    thing_painter *painter = painters[pick_one(random, PAINTERS)];
    double size = pick_between(random, 70, 160);
    for (int i = 0, n = pick_chance(random, 0.7) ? 1 : 1 + pick_one(random, 4); i < n;
         i++, painter = painters[pick_one(random, PAINTERS)])
        painter(canvas, random, n == 1 ? 112 + pick_between(random, -30, 30) : pick_between(random, 20, 204),
                84 + size / 2, size / (n > 1 ? 2 : 1), colour_for(painter, random));
}

void stranger_draw_shapes(struct canvas *canvas, struct random *random) {
    uint32_t back = stranger_colour(random);
    draw_gradient(canvas, 0, 0, CANVAS_WIDTH, CANVAS_HEIGHT, back, stranger_near(random, back));
    double size = pick_between(random, 8, 90);
    for (int i = 0, n = 3 + pick_one(random, 60); i < n; i++)
        foreign_blob(canvas, random, pick_between(random, 0, 224), pick_between(random, 0, 190),
                     size * pick_between(random, 0.3, 1.5), stranger_colour(random));
}
