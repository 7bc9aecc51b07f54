#include "support.h"

#include <string.h>

#include "geo/place_name.h"

static void assert_key(const char *name, const char *expected) {
    struct error error;
    char key[PLACE_KEY_SIZE];
    assert_ok(place_key(name, strlen(name), false, key, &error), error);
    assert_string_equal(key, expected);
}

static void test_keys(void **state) {
    (void)state;
    const char *const cases[][2] = {
        {"Saint-Étienne", "st etienne"},
        {"  ST.  ETIENNE ", "st etienne"},
        {"St.Louis", "st louis"},
        {"U.S.A.", "usa"},
        {"U.K.", "uk"},
        {"Washington, D.C.", "washington dc"},
        {"Xi’an", "xian"},
        {"Coeur d'Alene", "coeur dalene"},
        {"Trinidad & Tobago", "trinidad and tobago"},
        {"São Paulo", "sao paulo"},
        {"Sa\u0303o Paulo", "sao paulo"},
        {"İstanbul", "istanbul"},
        {"Diyarbakır", "diyarbakir"},
        {"Łódź", "lodz"},
        {"Tromsø", "tromso"},
        {"Straße", "strasse"},
        {"Ｔｏｋｙｏ", "tokyo"},
        {"東京", "東京"},
        {"パリ", "パリ"},
        {"서울", "서울"},
        {"Толстой", "толстой"},
        {"Αθήνα", "αθηνα"},
        {"القَاهِرة", "القاهره"},
        {"Mount Fort Saint Sainte", "mt ft st ste"},
        {"--- ... ,,, ", ""},
        {"", ""},
        {"A\u200Bb", "ab"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_key(cases[i][0], cases[i][1]);
}

static void test_expanded(void **state) {
    (void)state;
    struct error error;
    char key[PLACE_KEY_SIZE];
    const char *const cases[][2] = {
        {"München", "muenchen"}, {"Århus", "aarhus"}, {"Tromsø", "tromsoe"}, {"Paris", "paris"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(place_key(cases[i][0], strlen(cases[i][0]), true, key, &error), error);
        assert_string_equal(key, cases[i][1]);
    }
}

static void test_bad_names(void **state) {
    (void)state;
    struct error error;
    char key[PLACE_KEY_SIZE], name[PLACE_NAME_LIMIT + 2];
    assert_error(place_key("a\xff", 2, false, key, &error), error, ERROR_INPUT, "invalid UTF-8 at byte 1");
    assert_error(place_key("\xed\xa0\x80", 3, false, key, &error), error, ERROR_INPUT,
                 "invalid UTF-8 at byte 0");
    assert_error(place_key("a\0b", 3, false, key, &error), error, ERROR_INPUT, "NUL byte at byte 1");
    assert_error(place_key("\xe2\x82", 2, false, key, &error), error, ERROR_INPUT, "invalid UTF-8");
    memset(name, 'x', sizeof name);
    assert_ok(place_key(name, PLACE_NAME_LIMIT, false, key, &error), error);
    assert_int_equal(strlen(key), PLACE_NAME_LIMIT);
    assert_error(place_key(name, PLACE_NAME_LIMIT + 1, false, key, &error), error, ERROR_LIMIT, "513 bytes");
    // The character with the longest decomposition, over and over: too long for a key, and said so.
    for (size_t i = 0; i + 3 <= PLACE_NAME_LIMIT; i += 3) memcpy(name + i, "\uFDFA", 3);
    assert_error(place_key(name, 510, false, key, &error), error, ERROR_LIMIT, "its key");
    memset(name, '&', sizeof name);
    assert_error(place_key(name, PLACE_NAME_LIMIT, true, key, &error), error, ERROR_LIMIT, "its key");
}

static bool has_variant(const char *key, const char *expected) {
    char variants[PLACE_KEY_VARIANTS][PLACE_KEY_SIZE];
    int count = place_key_variants(key, variants);
    assert_true(count <= PLACE_KEY_VARIANTS);
    for (int i = 0; i < count; i++) {
        assert_string_not_equal(variants[i], key);
        if (!strcmp(variants[i], expected)) return true;
    }
    return false;
}

static void test_variants(void **state) {
    (void)state;
    assert_true(has_variant("city of london", "london"));
    assert_true(has_variant("greater boston metropolitan area", "boston"));
    assert_true(has_variant("quebec city", "quebec"));
    assert_true(has_variant("ho chi minh", "ho chi minh city"));
    assert_true(has_variant("東京都", "東京"));
    assert_true(has_variant("札幌", "札幌市"));
    assert_false(has_variant("city", ""));
    assert_false(has_variant("the city", ""));
    char longest[PLACE_KEY_SIZE];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_false(has_variant(longest, "x"));
}

static void test_transliteration(void **state) {
    (void)state;
    char latin[PLACE_KEY_SIZE];
    assert_true(place_key_transliterate("суздаль", latin));
    assert_string_equal(latin, "suzdal");
    assert_true(place_key_transliterate("ναυπλιο", latin));
    assert_string_equal(latin, "nayplio");
    assert_false(place_key_transliterate("paris", latin));
    assert_false(place_key_transliterate("東京", latin));
    assert_false(place_key_transliterate("", latin));
}

static int edits(const char *a, const char *b, int limit) {
    return place_key_edits(a, strlen(a), b, strlen(b), limit);
}

static void test_edits(void **state) {
    (void)state;
    assert_int_equal(edits("", "", 2), 0);
    assert_int_equal(edits("paris", "paris", 2), 0);
    assert_int_equal(edits("paris", "pariss", 2), 1);
    assert_int_equal(edits("paris", "pars", 2), 1);
    assert_int_equal(edits("paris", "baris", 2), 1);
    assert_int_equal(edits("tuscon", "tucson", 2), 1); // a swap is one edit
    assert_int_equal(edits("ca", "abc", 3), 3); // optimal string alignment, not the unrestricted distance
    assert_int_equal(edits("paris", "london", 2), 3); // limit + 1
    assert_int_equal(edits("a", "abcdefgh", 2), 3);
    assert_int_equal(edits("kitten", "sitting", 3), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_expanded),
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_transliteration),
        cmocka_unit_test(test_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
