// Which clues a card is going to show, before anything is drawn.
#ifndef GLOBE_POSTCARDS_PLAN_H
#define GLOBE_POSTCARDS_PLAN_H

#include "base/random.h"
#include "postcards/draw.h"
#include "postcards/world.h"

enum difficulty {
    DIFFICULTY_EASY,
    DIFFICULTY_MEDIUM,
    DIFFICULTY_HARD,
    DIFFICULTIES,
    DIFFICULTY_MIXED = DIFFICULTIES
};

enum card_setting {
    SETTING_STREET, // a road towards the horizon, between houses
    SETTING_ROAD,   // the same in the open
    SETTING_ACROSS, // a street from left to right before a row of houses
    SETTING_WATER,  // houses behind water
    SETTING_ROOM,   // from here on: nowhere
    SETTING_SKY,
    SETTING_MEADOW,
    SETTING_WALL,
    SETTINGS
};

enum { PLAN_PLANTS = 2, PLAN_LINES = 2 };

struct plan {
    enum card_setting setting;
    enum difficulty difficulty;
    enum light light;
    bool snow;
    int city;          // -1: nowhere
    bool country_only; // no clue may tell the cities of the country apart
    bool vague;        // only clues of many countries
    // THING_NONE: not shown
    enum thing landmark, backdrop, water, buildings, skyline, furniture, boat;
    enum thing plants[PLAN_PLANTS], lines[PLAN_LINES];
    enum thing vehicle, oncoming, plate;
    bool flag, clouds, birds;
    const struct word *sign, *stop; // NULL: none
};

// random is the card's own stream: the plan is a function of it and the difficulty.
void plan_make(struct plan *plan, enum difficulty difficulty, struct random *random);

#endif
