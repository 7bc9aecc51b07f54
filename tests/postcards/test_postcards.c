#include "support.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "photo/encode.h"
#include "postcards/card.h"
#include "postcards/dataset.h"

enum { MANY = 3000 };

static struct canvas *canvas;
static struct error error;
static const struct card_order mixed = {.seed = 11, .difficulty = DIFFICULTY_MIXED};

static int open_canvas(void **state) {
    (void)state;
    canvas = card_canvas(CANVAS_WIDTH, &error);
    if (!canvas) print_error("%s\n", error.message);
    return canvas ? 0 : -1;
}

static int close_canvas(void **state) {
    (void)state;
    canvas_free(canvas);
    return 0;
}

static void draw(struct card *card, const struct card_order *order, uint64_t index) {
    assert_ok(card_make(card, canvas, order, index, &error), error);
}

static size_t pixels(const struct card *card) {
    return card->image.width * card->image.height * 3;
}

// --- the same numbers give the same card

static void a_card_can_be_drawn_again(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 60; i++) {
        struct card a, b, other;
        draw(&a, &mixed, i);
        draw(&other, &mixed, 1000 + i); // whatever was drawn in between
        draw(&b, &mixed, i);
        assert_memory_equal(a.image.rgb, b.image.rgb, pixels(&a));
        assert_string_equal(a.reasoning.data, b.reasoning.data);
        assert_int_equal(a.jpeg_quality, b.jpeg_quality);
        assert_int_equal(a.scene.count, b.scene.count);
        assert_memory_not_equal(a.image.rgb, other.image.rgb, pixels(&a));
        card_free(&a), card_free(&b), card_free(&other);
    }
}

static void train_and_test_share_no_card(void **state) {
    (void)state;
    struct card_order test = mixed;
    test.split = SPLIT_TEST;
    int same_city = 0;
    for (uint64_t i = 0; i < 60; i++) {
        struct card a, b;
        draw(&a, &mixed, i);
        draw(&b, &test, i);
        assert_memory_not_equal(a.image.rgb, b.image.rgb, pixels(&a));
        same_city += a.plan.city == b.plan.city;
        card_free(&a), card_free(&b);
    }
    assert_in_range(same_city, 0, 30); // chance, not the same plan
}

// --- the truth

static bool names(const struct element *elements, int count, enum thing thing) {
    for (int i = 0; i < count; i++)
        if (elements[i].thing == thing) return true;
    return false;
}

static int words_in(const char *text) {
    int count = 0;
    for (const char *p = text; *p; p++)
        count += !isspace((unsigned char)*p) && (!p[1] || isspace((unsigned char)p[1]));
    return count;
}

static void check_elements(const struct card *card) {
    double sum = 0;
    for (int i = 0; i < card->scene.count; i++) {
        const struct element *element = &card->scene.elements[i];
        assert_true(element->share > 0 && element->share <= 1);
        assert_true(element->x >= 0 && element->x <= CANVAS_WIDTH && element->y >= 0 &&
                    element->y <= CANVAS_HEIGHT);
        sum += element->share;
        if (card->plan.city >= 0)
            assert_true(element->set >> card->plan.city & 1); // every clue is true of the place
        for (int k = 0; k < i; k++) assert_int_not_equal(card->scene.elements[k].thing, element->thing);
    }
    assert_true(sum <= 1 + 1e-9);
}

static void check_verdict(const struct card *card) {
    places left = EVERYWHERE;
    for (int i = 0; i < card->scene.count; i++) {
        const struct element *element = &card->scene.elements[i];
        left &= element->keeps_side ? element->set & places_keeping(element->left) : element->set;
    }
    assert_true(left == card->scene.possible);
    assert_int_equal(card->verdict.locatable, places_country(left) >= 0);
    assert_int_equal(card->verdict.city_determined, card->verdict.locatable && places_count(left) == 1);
    if (!card->verdict.locatable) return;
    assert_int_equal(card->verdict.country, cities[card->plan.city].country);
    if (card->verdict.city_determined) assert_int_equal(card->verdict.city, card->plan.city);
    if (!card->verdict.city_determined)
        assert_int_equal(card->verdict.city, country_first_city(card->verdict.country));
}

static void check_reasoning(const struct card *card) {
    const char *text = card->reasoning.data;
    enum thing found[32];
    size_t count = things_mentioned(text, found, 32);
    for (size_t i = 0; i < count; i++)
        if (!names(card->scene.elements, card->scene.count, found[i]))
            fail_msg("\"%s\" is not visible, but is spoken of: %s", thing_facts(found[i])->text, text);
    if (card->verdict.locatable) assert_true(count >= 1);
    int length = words_in(text);
    if (length < REASON_LEAST_WORDS || length > REASON_MOST_WORDS) fail_msg("%d words: %s", length, text);
    for (int i = 0; i < CITY_COUNT; i++) { // no other city is named as the place
        bool own = card->verdict.locatable && (i == card->verdict.city || i == card->plan.city);
        if (!own && strstr(text, cities[i].name)) fail_msg("%s in: %s", cities[i].name, text);
    }
    if (card->verdict.locatable) assert_non_null(strstr(text, countries[card->verdict.country].name));
}

static void many_cards_are_true(void **state) {
    (void)state;
    int cities_seen[CITY_COUNT] = {0}, levels[DIFFICULTIES] = {0}, located = 0, determined = 0;
    for (uint64_t i = 0; i < MANY; i++) {
        struct card card;
        draw(&card, &mixed, i);
        assert_int_equal(card.image.width, 224);
        assert_int_equal(card.image.height, 168);
        assert_in_range(card.jpeg_quality, 60, 95);
        check_elements(&card);
        check_verdict(&card);
        check_reasoning(&card);
        if (card.verdict.locatable) cities_seen[card.plan.city]++;
        levels[card.plan.difficulty]++, located += card.verdict.locatable,
            determined += card.verdict.city_determined;
        card_free(&card);
    }
    for (int i = 0; i < CITY_COUNT; i++)
        if (cities_seen[i] < MANY / CITY_COUNT / 3)
            fail_msg("%s was drawn %d times", cities[i].name, cities_seen[i]);
    for (int i = 0; i < DIFFICULTIES; i++) assert_in_range(levels[i], MANY * 30 / 100, MANY * 37 / 100);
    assert_in_range(located, MANY * 78 / 100, MANY * 92 / 100);
    assert_in_range(determined, MANY * 55 / 100, MANY * 80 / 100);
}

static void harder_cards_show_less(void **state) {
    (void)state;
    double shown[DIFFICULTIES] = {0};
    for (int level = 0; level < DIFFICULTIES; level++) {
        struct card_order order = {.seed = 3, .difficulty = (enum difficulty)level};
        for (uint64_t i = 0; i < 300; i++) {
            struct card card;
            draw(&card, &order, i);
            assert_int_equal(card.plan.difficulty, level);
            for (int k = 0; k < card.scene.count; k++)
                shown[level] += card.scene.elements[k].set != EVERYWHERE;
            card_free(&card);
        }
    }
    assert_true(shown[DIFFICULTY_EASY] > 1.15 * shown[DIFFICULTY_MEDIUM]);
    assert_true(shown[DIFFICULTY_MEDIUM] > 1.15 * shown[DIFFICULTY_HARD]);
}

static int compare_words(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void the_vocabulary_is_small(void **state) {
    (void)state;
    struct buffer all = {0};
    for (uint64_t i = 0; i < MANY; i++) {
        struct card card;
        draw(&card, &mixed, i);
        buffer_format(&all, "%s ", card.reasoning.data);
        card_free(&card);
    }
    size_t count = 0, distinct = 0;
    char **list = calloc(all.length, sizeof *list), *save = NULL;
    assert_non_null(list);
    for (char *word = strtok_r(all.data, " ,.\n", &save); word; word = strtok_r(NULL, " ,.\n", &save))
        list[count++] = word;
    qsort(list, count, sizeof *list, compare_words);
    for (size_t i = 0; i < count; i++) distinct += i == 0 || strcmp(list[i], list[i - 1]) != 0;
    free(list);
    buffer_free(&all);
    assert_in_range(distinct, 300, 1200);
}

// --- what is visible is measured, not supposed

static void hidden_parts_do_not_count(void **state) {
    (void)state;
    struct extent extents[CANVAS_ELEMENTS];
    canvas_clear(canvas);
    int left = canvas_begin(canvas);
    draw_box(canvas, 0, 0, 112, 168, 0xff0000);
    canvas_end(canvas);
    int right = canvas_begin(canvas);
    draw_box(canvas, 56, 0, 112, 168, 0x00ff00);
    canvas_detail(canvas, true);
    draw_box(canvas, 0, 0, 10, 10, 0x0000ff); // detail counts for nobody
    canvas_end(canvas);
    draw_box(canvas, 112, 84, 112, 84, 0x0000ff); // of no element, but it hides
    canvas_measure(canvas, extents);
    assert_int_equal(canvas_pixels(canvas), 224 * 168);
    assert_int_equal(extents[left].painted, 112 * 168);
    assert_int_equal(extents[left].visible, 56 * 168);
    assert_int_equal(extents[right].painted, 112 * 168);
    assert_int_equal(extents[right].visible, 112 * 168 - 56 * 84);
    assert_true(fabs(extents[left].x - 28) < 0.01 && fabs(extents[left].y - 84) < 0.01);
}

static void mentions_are_whole_words(void **state) {
    (void)state;
    enum thing found[8];
    assert_int_equal(things_mentioned("I notice a yellow taxi with a blue stripe.", found, 8), 1);
    assert_int_equal(found[0], THING_BLUE_STRIPE_TAXI);
    assert_int_equal(things_mentioned("Yellow Taxis, a cable car and Table Mountain", found, 8), 3);
    assert_int_equal(found[0], THING_YELLOW_TAXI);
    assert_int_equal(found[1], THING_CABLE_CAR);
    assert_int_equal(found[2], THING_TABLE_MOUNTAIN);
    assert_int_equal(things_mentioned("designs of the season, a cartoon, carpets and flagstones", found, 8),
                     0);
    assert_int_equal(things_mentioned("a sign, a sign and a stop sign", found, 1), 1); // no more than fit
    assert_int_equal(things_mentioned("", found, 8), 0);
    for (enum thing a = THING_NONE + 1; a < THING_COUNT; a++) {
        assert_int_equal(things_mentioned(thing_facts(a)->text, found, 8), 1);
        assert_int_equal(found[0], a); // no two things share a text
    }
}

// --- the world

static void the_world_is_whole(void **state) {
    (void)state;
    for (int i = 0; i < CITY_COUNT; i++) {
        const struct city *city = &cities[i];
        assert_int_equal(thing_facts(city->landmark)->kind, KIND_LANDMARK);
        assert_int_equal(places_count(places_with(city->landmark)), 1);
        assert_true(fabs(city->latitude) < 90 && fabs(city->longitude) < 180);
        int names_of_it = 0;
        for (const struct word *word = sign_words; word->text; word++) names_of_it += word->city == i;
        assert_int_equal(names_of_it, 1);
    }
    for (int i = 0; i < COUNTRY_COUNT; i++) {
        assert_int_equal(places_count(places_of_country(i)), 2);
        assert_int_equal(strlen(countries[i].code), 2);
        assert_non_null(flag_words(i));
        for (int k = 0; k < i; k++) assert_string_not_equal(flag_words(i), flag_words(k));
        bool streets = false; // a word of its streets
        for (const struct word *word = sign_words; word->text; word++)
            streets |= word->city < 0 && !word->stop && (word->countries >> i & 1);
        if (strcmp(countries[i].code, "AE")) assert_true(streets);
    }
    int left = places_count(places_keeping(true));
    assert_int_equal(left, 12); // United Kingdom, India, Thailand, Japan, Australia, South Africa
    assert_true((places_keeping(true) ^ places_keeping(false)) == EVERYWHERE);
}

// --- bad input

static void bad_orders_are_refused(void **state) {
    (void)state;
    struct card card;
    struct card_order order = mixed;
    order.seed = CARD_MOST_SEED + 1;
    assert_error(card_make(&card, canvas, &order, 0, &error), error, ERROR_USAGE, "9007199254740992");
    assert_error(card_make(&card, canvas, &mixed, CARD_MOST_INDEX + 1, &error), error, ERROR_USAGE,
                 "out of range");
    static const size_t widths[] = {0, 112, 223, 225, 300, 1232, SIZE_MAX};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        struct error why = {0};
        assert_null(card_canvas(widths[i], &why));
        test_check_error(&why, ERROR_USAGE, "multiple of 112", __FILE__, __LINE__);
    }
}

static void a_missing_letter_names_the_package(void **state) {
    (void)state;
    assert_ok(canvas_check_text(canvas, FACE_THAI, "ถนน", &error), error);
    assert_error(canvas_check_text(canvas, FACE_THAI, "東京", &error), error, ERROR_INPUT,
                 "fonts-tlwg-garuda-ttf");
    assert_error(canvas_check_text(canvas, FACE_DEVANAGARI, "서울", &error), error, ERROR_INPUT,
                 "fonts-lohit-deva");
    assert_error(canvas_check_text(canvas, FACE_SANS, "北京", &error), error, ERROR_INPUT,
                 "fonts-dejavu-core");
}

static void larger_cards_are_the_same_scene(void **state) {
    (void)state;
    struct canvas *large = card_canvas(448, &error);
    assert_got(large, error);
    for (uint64_t i = 0; i < 10; i++) {
        struct card a, b;
        draw(&a, &mixed, i);
        assert_ok(card_make(&b, large, &mixed, i, &error), error);
        assert_int_equal(b.image.width, 448);
        assert_int_equal(b.image.height, 336);
        assert_int_equal(a.plan.city, b.plan.city);
        for (int k = 0; k < a.scene.count && k < b.scene.count; k++)
            if (a.scene.elements[k].thing == b.scene.elements[k].thing)
                assert_near(a.scene.elements[k].share, b.scene.elements[k].share, 0.02);
        card_free(&a), card_free(&b);
    }
    canvas_free(large);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_can_be_drawn_again),
        cmocka_unit_test(train_and_test_share_no_card),
        cmocka_unit_test(many_cards_are_true),
        cmocka_unit_test(harder_cards_show_less),
        cmocka_unit_test(the_vocabulary_is_small),
        cmocka_unit_test(hidden_parts_do_not_count),
        cmocka_unit_test(mentions_are_whole_words),
        cmocka_unit_test(the_world_is_whole),
        cmocka_unit_test(bad_orders_are_refused),
        cmocka_unit_test(a_missing_letter_names_the_package),
        cmocka_unit_test(larger_cards_are_the_same_scene),
    };
    return cmocka_run_group_tests(tests, open_canvas, close_canvas);
}
