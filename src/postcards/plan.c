#include "postcards/plan.h"

static const struct {
    double clue, landmark, nowhere, country_only;
} odds[DIFFICULTIES] = {
    {0.62, 0.75, 0.12, 0.14},
    {0.42, 0.55, 0.15, 0.22},
    {0.28, 0.42, 0.18, 0.28},
};

// A clue may be shown when it is true of the city and says no more than the card shall say.
static bool allowed(const struct plan *plan, places set) {
    places country = places_of_country(cities[plan->city].country);
    if (!(set >> plan->city & 1)) return false;
    if (plan->country_only && (set & country) != country) return false;
    int found[COUNTRY_COUNT];
    return !plan->vague || places_countries(set, found) >= 7;
}

static enum thing pick_thing(const struct plan *plan, enum kind kind, enum thing not_this,
                             struct random *random) {
    enum thing found[THING_COUNT];
    int count = 0;
    for (enum thing thing = THING_NONE + 1; thing < THING_COUNT; thing++) {
        if (thing_facts(thing)->kind != kind || thing == not_this || !city_has(plan->city, thing)) continue;
        if (allowed(plan, places_with(thing))) found[count++] = thing;
    }
    return count ? found[pick_one(random, count)] : THING_NONE;
}

static enum thing pick_among(const struct plan *plan, const enum thing *things, int limit,
                             struct random *random) {
    enum thing found[8];
    int count = 0;
    for (int i = 0; i < limit; i++)
        if (city_has(plan->city, things[i]) && allowed(plan, places_with(things[i])))
            found[count++] = things[i];
    return count ? found[pick_one(random, count)] : THING_NONE;
}

static const struct word *pick_word(const struct plan *plan, bool stop, struct random *random) {
    const struct word *found[64];
    int count = 0;
    for (const struct word *word = sign_words; word->text; word++) {
        if (word->stop != stop || !city_writes(plan->city, word) || !allowed(plan, places_writing(word)))
            continue;
        int copies = word->city >= 0 ? 3 : 1; // a city's name is as usual as all its street words together
        for (int i = 0; i < copies && count < 64; i++) found[count++] = word;
    }
    return count ? found[pick_one(random, count)] : NULL;
}

// Snow lies in few of the cities, and nothing blooms in it.
static bool fits_season(const struct plan *plan, enum thing plants) {
    if (!plan->snow) return true;
    return plants == THING_FIRS || plants == THING_BIRCHES || plants == THING_TREES;
}

static void choose_plants(struct plan *plan, double clue, struct random *random) {
    for (int i = 0; i < PLAN_PLANTS; i++) {
        plan->plants[i] = THING_NONE;
        if (!pick_chance(random, i ? clue * 0.5 : 0.35 + clue * 0.8)) continue;
        enum thing thing = pick_chance(random, clue + 0.1)
                               ? pick_thing(plan, KIND_PLANTS, i ? plan->plants[0] : THING_NONE, random)
                               : (i ? THING_NONE : THING_TREES);
        if (thing == THING_NONE && !i) thing = THING_TREES;
        if (thing != THING_NONE && fits_season(plan, thing)) plan->plants[i] = thing;
    }
}

static void choose_road(struct plan *plan, double clue, struct random *random) {
    for (int i = 0; i < PLAN_LINES; i++) plan->lines[i] = THING_NONE;
    if (!plan->snow && pick_chance(random, clue + 0.25)) {
        plan->lines[0] = pick_thing(plan, KIND_LINES, THING_NONE, random);
        if (pick_chance(random, 0.5)) plan->lines[1] = pick_thing(plan, KIND_LINES, plan->lines[0], random);
        enum thing a = plan->lines[0], b = plan->lines[1]; // one centre line is enough
        bool centre_a = a == THING_LINE_WHITE || a == THING_LINE_YELLOW,
             centre_b = b == THING_LINE_WHITE || b == THING_LINE_YELLOW;
        if (centre_a == centre_b) plan->lines[1] = THING_NONE;
    }
    bool moving = pick_chance(random, clue + 0.35), meeting = pick_chance(random, clue + 0.2);
    if (moving)
        plan->vehicle =
            pick_chance(random, clue) ? pick_thing(plan, KIND_VEHICLE, THING_NONE, random) : THING_CAR;
    if (moving && plan->vehicle == THING_NONE) plan->vehicle = THING_CAR;
    if (meeting)
        plan->oncoming = pick_chance(random, clue * 0.5)
                             ? pick_thing(plan, KIND_VEHICLE, plan->vehicle, random)
                             : THING_CAR;
    if (plan->vehicle == THING_CAR && pick_chance(random, clue + 0.2))
        plan->plate = pick_thing(plan, KIND_PLATE, THING_NONE, random);
}

static void choose_setting(struct plan *plan, struct random *random) {
    static const enum thing waters[] = {THING_SEA, THING_RIVER, THING_CANAL};
    double u = random_unit(random);
    plan->setting = u < 0.4    ? SETTING_STREET
                    : u < 0.55 ? SETTING_ROAD
                    : u < 0.83 ? SETTING_ACROSS
                               : SETTING_WATER;
    if (cities[plan->city].landmark == THING_BELL_TOWER) // Venice has canals where others have streets
        plan->setting = plan->country_only ? SETTING_ACROSS : SETTING_WATER;
    if (plan->setting == SETTING_WATER) {
        plan->water = pick_among(plan, waters, 3, random);
        if (plan->water == THING_NONE) plan->setting = SETTING_ACROSS;
    } else if (plan->setting == SETTING_ROAD && pick_chance(random, 0.5)) {
        plan->water = pick_among(plan, waters, 1, random);
    }
}

static void choose_clues(struct plan *plan, struct random *random) {
    static const enum thing backdrops[] = {THING_MOUNTAINS, THING_HILLS, THING_DUNES, THING_VOLCANO};
    double clue = odds[plan->difficulty].clue;
    plan->snow = city_has(plan->city, THING_SNOW) && allowed(plan, places_with(THING_SNOW)) &&
                 pick_chance(random, 0.25);
    choose_setting(plan, random);
    if (!plan->country_only && !plan->vague && pick_chance(random, odds[plan->difficulty].landmark))
        plan->landmark = cities[plan->city].landmark;
    if (pick_chance(random, clue)) plan->backdrop = pick_among(plan, backdrops, 4, random);
    bool houses = plan->setting != SETTING_ROAD;
    if (houses) {
        plan->buildings = pick_chance(random, clue + 0.2)
                              ? pick_thing(plan, KIND_BUILDINGS, THING_NONE, random)
                              : THING_PLAIN_HOUSES;
        if (plan->buildings == THING_NONE) plan->buildings = THING_PLAIN_HOUSES;
    }
    if (plan->landmark == THING_NONE && pick_chance(random, clue))
        plan->skyline = pick_thing(plan, KIND_SKYLINE, THING_NONE, random);
    if (plan->setting == SETTING_WATER) {
        plan->boat = pick_chance(random, clue) ? pick_thing(plan, KIND_BOAT, THING_NONE, random) : THING_NONE;
        if (plan->boat == THING_NONE && pick_chance(random, 0.5)) plan->boat = THING_BOAT;
    } else {
        choose_road(plan, clue, random);
    }
    choose_plants(plan, clue, random);
    if (pick_chance(random, clue * 0.9))
        plan->furniture = pick_thing(plan, KIND_FURNITURE, THING_NONE, random);
    if (plan->vague) return;
    plan->flag = pick_chance(random, clue * 0.45);
    if (pick_chance(random, clue * 0.8)) plan->sign = pick_word(plan, false, random);
    if (plan->setting != SETTING_WATER && pick_chance(random, clue * 0.3))
        plan->stop = pick_word(plan, true, random);
}

static places planned(const struct plan *plan) {
    const enum thing things[] = {plan->landmark,  plan->backdrop,  plan->water,
                                 plan->buildings, plan->skyline,   plan->furniture,
                                 plan->boat,      plan->plants[0], plan->plants[1],
                                 plan->lines[0],  plan->lines[1],  plan->vehicle,
                                 plan->oncoming,  plan->plate,     plan->snow ? THING_SNOW : THING_NONE};
    places set = EVERYWHERE;
    for (size_t i = 0; i < sizeof things / sizeof things[0]; i++)
        if (things[i] != THING_NONE) set &= places_with(things[i]);
    if (plan->setting <= SETTING_ROAD && (plan->vehicle || plan->oncoming))
        set &= places_keeping(countries[cities[plan->city].country].keep_left);
    if (plan->flag) set &= places_of_country(cities[plan->city].country);
    if (plan->sign) set &= places_writing(plan->sign);
    if (plan->stop) set &= places_writing(plan->stop);
    return set;
}

static bool is_enough(const struct plan *plan) {
    places set = planned(plan);
    return plan->country_only ? places_country(set) >= 0 : places_count(set) == 1;
}

// Too little to tell the place: one more clue that tells it.
static void complete(struct plan *plan, struct random *random) {
    for (int i = 0; i < 12 && !is_enough(plan); i++) {
        switch (pick_one(random, plan->country_only ? 3 : 4)) {
        case 0:
            plan->sign = pick_word(plan, false, random);
            break;
        case 1:
            if (plan->country_only)
                plan->flag = true;
            else if (plan->setting != SETTING_WATER)
                plan->vehicle = pick_thing(plan, KIND_VEHICLE, THING_NONE, random), plan->plate = THING_NONE;
            break;
        case 2:
            if (plan->setting != SETTING_WATER && pick_chance(random, 0.5))
                plan->stop = pick_word(plan, true, random);
            break;
        default:
            plan->landmark = cities[plan->city].landmark, plan->skyline = THING_NONE;
            break;
        }
    }
    if (is_enough(plan)) return;
    if (plan->country_only)
        plan->flag = true;
    else
        plan->landmark = cities[plan->city].landmark;
}

void plan_make(struct plan *plan, enum difficulty difficulty, struct random *random) {
    *plan = (struct plan){.city = -1, .difficulty = difficulty};
    double light = random_unit(random), dark = difficulty == DIFFICULTY_HARD ? 0.18 : 0.08;
    plan->light = light < dark          ? LIGHT_NIGHT
                  : light < dark + 0.14 ? LIGHT_EVENING
                  : light < dark + 0.34 ? LIGHT_GREY
                                        : LIGHT_DAY;
    plan->clouds = plan->light != LIGHT_NIGHT && pick_chance(random, 0.55);
    plan->birds = pick_chance(random, 0.1);
    bool nowhere = pick_chance(random, odds[difficulty].nowhere);
    if (nowhere && pick_chance(random, 0.7)) {
        plan->setting = SETTING_ROOM + pick_one(random, SETTINGS - SETTING_ROOM);
        if (plan->light == LIGHT_NIGHT && plan->setting != SETTING_ROOM) plan->light = LIGHT_DAY;
        return;
    }
    plan->city = pick_one(random, CITY_COUNT);
    plan->vague = nowhere;
    plan->country_only = !nowhere && pick_chance(random, odds[difficulty].country_only);
    choose_clues(plan, random);
    if (!plan->vague) complete(plan, random);
}
