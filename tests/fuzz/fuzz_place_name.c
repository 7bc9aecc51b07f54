// Any bytes as a place name: keys are valid, stable and within their size; lookups answer or refuse. Lookups
// need the gazetteer of the build folder and are left out where it was not unpacked.
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "geo/gazetteer.h"
#include "geo/place_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool condition) {
    if (!condition) abort();
}

static void try_key(const char *text, size_t size, bool expand) {
    char key[PLACE_KEY_SIZE], again[PLACE_KEY_SIZE], latin[PLACE_KEY_SIZE];
    static char variants[PLACE_KEY_VARIANTS][PLACE_KEY_SIZE];
    if (place_key(text, size, expand, key, NULL)) return;
    size_t length = strlen(key);
    expect(utf8_is_valid(key, length));
    if (length <= PLACE_NAME_LIMIT && !place_key(key, length, false, again, NULL))
        expect(strlen(again) <= length); // letters never come back
    int count = place_key_variants(key, variants);
    for (int i = 0; i < count; i++) expect(strcmp(variants[i], key) != 0);
    if (place_key_transliterate(key, latin)) expect(utf8_is_valid(latin, strlen(latin)));
    expect(place_key_edits(key, length, key, length, 2) == 0 || length >= PLACE_KEY_SIZE);
}

static void try_lookup(const char *text) {
    static struct gazetteer *gazetteer;
    static bool opened;
    static struct gazetteer_answer answer;
    if (!opened) gazetteer = gazetteer_open(NULL, NULL);
    opened = true;
    if (!gazetteer) return;
    char *country = strchr(text, '\n');
    struct gazetteer_query query = {.city = text, .country = country ? country + 1 : NULL};
    if (!gazetteer_lookup(gazetteer, &query, &answer, NULL))
        expect((answer.outcome == LOOKUP_NOT_FOUND) == (answer.count == 0));
    if (!gazetteer_lookup_text(gazetteer, text, &answer, NULL))
        expect((answer.outcome == LOOKUP_NOT_FOUND) == (answer.count == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = 0;
    try_key(text, size, false);
    try_key(text, size, true);
    try_lookup(text);
    free(text);
    return 0;
}
