#include "postcards/reason.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLUES = 6 };

struct conclusion reason_verdict(const struct scene *scene) {
    int country = places_country(scene->possible);
    if (country < 0) return (struct conclusion){false, false, -1, -1};
    bool single = places_count(scene->possible) == 1;
    int city = single ? __builtin_ctzll(scene->possible) : country_first_city(country);
    return (struct conclusion){true, single, country, city};
}

// --- which elements to speak of

static bool tells(const struct element *element) {
    return element->set != EVERYWHERE;
}

struct outline {
    const struct element *clues[SCENE_ELEMENTS];
    int needed; // the first of them, without which the place could not be told
    int count;
};

static const struct element *most_telling(const struct scene *scene, const bool *used, places left,
                                          struct random *random) {
    const struct element *best = NULL;
    int fewest = places_count(left), ties = 0;
    for (int i = 0; i < scene->count; i++) {
        int count = places_count(left & scene->elements[i].set);
        if (used[i] || count > fewest || count == places_count(left)) continue;
        if (count < fewest) fewest = count, ties = 0;
        if (pick_one(random, ++ties) == 0) best = &scene->elements[i];
    }
    return best;
}

// First the clues that are needed, the most telling one first; then the others in any order.
static void outline(struct outline *outline, const struct scene *scene, struct random *random) {
    bool used[SCENE_ELEMENTS] = {false};
    places left = EVERYWHERE;
    outline->count = 0;
    while (left != scene->possible) {
        const struct element *element = most_telling(scene, used, left, random);
        if (!element) break;
        used[element - scene->elements] = true;
        left &= element->set;
        outline->clues[outline->count++] = element;
    }
    outline->needed = outline->count;
    int start = scene->count ? pick_one(random, scene->count) : 0;
    for (int round = 0; round < 2; round++) // clues before plain things
        for (int i = 0; i < scene->count; i++) {
            int k = (start + i) % scene->count;
            if (used[k] || tells(&scene->elements[k]) != (round == 0)) continue;
            used[k] = true;
            outline->clues[outline->count++] = &scene->elements[k];
        }
}

// From what many places have to what one place has: so the circle narrows as the text goes on.
static void order(const struct element **clues, int count) {
    for (int i = 1; i < count; i++)
        for (int k = i; k > 0 && places_count(clues[k]->set) > places_count(clues[k - 1]->set); k--) {
            const struct element *swap = clues[k];
            clues[k] = clues[k - 1];
            clues[k - 1] = swap;
        }
}

// --- how to say it

static const char *pick(const char *const *texts, int count, struct random *random) {
    return texts[pick_one(random, count)];
}
#define PICK(random, ...)                    \
    pick((const char *const[]){__VA_ARGS__}, \
         (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)), random)

static void add_word(struct buffer *out, const struct word *word) {
    if (word->city >= 0 && word->script)
        buffer_format(out, " with the name of %s in %s", cities[word->city].name, word->script);
    else if (word->city >= 0)
        buffer_format(out, " with the name %s", word->text);
    else if (word->script && word->language)
        buffer_format(out, " with a %s word in %s", word->language, word->script);
    else if (word->script)
        buffer_format(out, " in %s", word->script);
    else if (word->language)
        buffer_format(out, " with the %s word %s", word->language, word->text);
    else
        buffer_format(out, " with the word %s", word->text);
}

// "a flag with a red disc on white", "palm trees"
static void add_thing(struct buffer *out, const struct element *element) {
    const struct thing_facts *facts = thing_facts(element->thing);
    buffer_format(out, "%s%s%s", facts->article, *facts->article ? " " : "", facts->text);
    if (element->word) add_word(out, element->word);
    if (element->country >= 0) buffer_format(out, " %s", flag_words(element->country));
}

void reason_detail(struct buffer *out, const struct element *element) {
    struct buffer text = {0};
    if (element->word) add_word(&text, element->word);
    if (element->country >= 0) buffer_format(&text, " %s", flag_words(element->country));
    if (element->keeps_side) buffer_format(&text, " keeps %s", element->left ? "left" : "right");
    out->failed |= text.failed;
    if (text.length) buffer_add_text(out, text.data + 1); // without the space
    buffer_free(&text);
}

static const char *side(const struct element *element) {
    return element->x < 80 ? "on the left" : element->x > 144 ? "on the right" : "in the middle";
}

static const char *where(const struct element *element, struct random *random) {
    enum kind kind = thing_facts(element->thing)->kind;
    bool far = kind == KIND_LANDMARK || kind == KIND_SKYLINE || kind == KIND_TERRAIN;
    if (far && element->thing != THING_SNOW && element->y < 100 && pick_chance(random, 0.5))
        return "in the background";
    return side(element);
}

// %t the thing, %w where it is, %b is/are.
static void add_sentence(struct buffer *out, const char *pattern, const struct element *element,
                         struct random *random) {
    size_t start = out->length;
    for (const char *p = pattern; *p; p++) {
        if (*p != '%') {
            buffer_add(out, p, 1);
            continue;
        }
        p++;
        if (*p == 't') add_thing(out, element);
        if (*p == 'w') buffer_add_text(out, where(element, random));
        if (*p == 'b') buffer_add_text(out, thing_facts(element->thing)->plural ? "are" : "is");
        if (*p == 's') buffer_add_text(out, element->left ? "left" : "right");
    }
    if (out->data && start < out->length) out->data[start] = (char)toupper((unsigned char)out->data[start]);
    buffer_add_text(out, " ");
}

// Adds the pattern with `value` in the place of its one '%'.
static void add_with(struct buffer *out, const char *pattern, const char *value) {
    const char *gap = strchr(pattern, '%');
    buffer_add(out, pattern, (size_t)(gap - pattern));
    buffer_add_text(out, value);
    buffer_add_text(out, gap + 1);
}

static void add_country(struct buffer *out, int country) {
    buffer_format(out, "%s%s", countries[country].article ? "the " : "", countries[country].name);
}

static void add_countries(struct buffer *out, places left, const char *joint) {
    int found[COUNTRY_COUNT], count = places_countries(left, found);
    for (int i = 0; i < count; i++) {
        if (i) buffer_add_text(out, i == count - 1 ? joint : ", ");
        add_country(out, found[i]);
    }
}

// What the clue leaves, when that is worth a sentence.
static void add_narrowing(struct buffer *out, places before, places after, struct random *random) {
    int found[COUNTRY_COUNT], were = places_countries(before, found), are = places_countries(after, found);
    if (are >= were) return;
    if (are == 1) {
        buffer_add_text(out, PICK(random, "This points to ", "That leaves only ", "So the country is ",
                                  "This fits only "));
        add_country(out, found[0]);
    } else if (are <= 4) {
        bool either = pick_chance(random, 0.5);
        buffer_add_text(out, either ? PICK(random, "It could be ", "So it may be ")
                                    : PICK(random, "That leaves ", "This is known from "));
        add_countries(out, after, either ? " or " : " and ");
    } else {
        if (pick_chance(random, 0.5)) return;
        buffer_add_text(out, PICK(random, "Several countries have that", "That alone is not enough",
                                  "This rules out many places"));
    }
    buffer_add_text(out, ". ");
}

static void add_clue(struct buffer *out, const struct element *element, struct random *random) {
    const char *pattern = element->keeps_side
                              ? PICK(random, "%t keeps to the %s side of the road.",
                                     "I see %t that drives on the %s.", "Traffic keeps %s, as %t %w shows.")
                              : PICK(random, "%t can be seen %w.", "I see %t %w.", "There %b %t %w.",
                                     "%w I notice %t.", "The view shows %t %w.");
    add_sentence(out, pattern, element, random);
}

static const char *const lights[LIGHTS] = {"a bright day", "a grey day", "evening", "night"};
static const char *const settings[SETTINGS] = {"on a street",    "on an open road", "on a street",
                                               "by the water",   "in a room",       "under the sky",
                                               "in the country", "outside"};

static void add_opening(struct buffer *out, const struct plan *plan, struct random *random) {
    if (plan->setting == SETTING_ROOM || plan->setting == SETTING_WALL || pick_chance(random, 0.4))
        buffer_add_text(out, PICK(random, "I look for clues first. ", "Let me see what is here. ",
                                  "First I look at what can be seen. "));
    else
        buffer_format(out, "It is %s %s. ", lights[plan->light], settings[plan->setting]);
}

static void add_conclusion(struct buffer *out, const struct conclusion *verdict, struct random *random) {
    if (!verdict->locatable) {
        buffer_add_text(
            out, PICK(random, "Nothing here gives the place away, so the country and the city stay unknown.",
                      "All this could be anywhere, so the place cannot be told.",
                      "None of it belongs to one country, so the answer is unknown."));
        return;
    }
    const char *city = cities[verdict->city].name;
    if (verdict->city_determined) {
        add_with(out,
                 PICK(random, "Together the clues point to % in ", "All of it fits % in ",
                      "So the place is % in ", "My answer is % in "),
                 city);
        add_country(out, verdict->country);
        buffer_add_text(out, ".");
        return;
    }
    buffer_add_text(out, PICK(random, "The country is ", "The clues agree on ", "All of it fits "));
    add_country(out, verdict->country);
    add_with(out,
             PICK(random, ", but the city cannot be told for sure. % is the largest, so it is my best guess.",
                  ". No clue tells the city, so I guess the largest one, %.",
                  ". For the city nothing is certain, and the best guess is the largest, %."),
             city);
}

static void add_filler(struct buffer *out, int i, bool locatable) {
    static const char *const fillers[2][4] = {
        {"Things like these are found all over the world. ",
         "There are no words to read and no building that is known. ",
         "I cannot tell the language or the climate from this. ",
         "It would be wrong to name a place without a reason. "},
        {"Each clue makes the circle of places smaller. ", "I put the clues together one by one. ",
         "No clue speaks against the others, so I trust them. ",
         "The rest of the view fits with this as well. "},
    };
    if (i < 4) buffer_add_text(out, fillers[locatable][i]);
}

static int count_words(const char *text) {
    int count = 0;
    for (const char *p = text; *p; p++)
        count += !isspace((unsigned char)*p) && (p[1] == 0 || isspace((unsigned char)p[1]));
    return count;
}

static void write_once(struct buffer *out, const struct scene *scene, const struct plan *plan,
                       const struct outline *from, int count, int fillers, struct random *random) {
    struct conclusion verdict = reason_verdict(scene);
    const struct element *clues[SCENE_ELEMENTS];
    memcpy(clues, from->clues, sizeof clues);
    order(clues, count);
    add_opening(out, plan, random);
    places left = EVERYWHERE;
    for (int i = 0; i < count; i++) {
        places after = left & clues[i]->set;
        add_clue(out, clues[i], random);
        if (verdict.locatable) add_narrowing(out, left, after, random);
        left = after;
    }
    for (int i = 0; i < fillers; i++) add_filler(out, i, verdict.locatable);
    add_conclusion(out, &verdict, random);
}

void reason_write(struct buffer *out, const struct scene *scene, const struct plan *plan,
                  struct random *random) {
    struct outline clues;
    outline(&clues, scene, random);
    int count = 3 + pick_one(random, 3), fillers = 0;
    if (count < clues.needed) count = clues.needed;
    if (count > clues.count) count = clues.count;
    size_t start = out->length;
    struct random same = *random; // every try draws the same numbers
    for (int round = 0; round < 12 && !out->failed; round++) {
        *random = same;
        out->length = start;
        write_once(out, scene, plan, &clues, count, fillers, random);
        int length = out->data ? count_words(out->data + start) : 0;
        if (length > REASON_MOST_WORDS && fillers > 0)
            fillers--;
        else if (length > REASON_MOST_WORDS && count > clues.needed && count > 1)
            count--;
        else if (length < REASON_LEAST_WORDS && count < clues.count && count < MOST_CLUES)
            count++;
        else if (length < REASON_LEAST_WORDS && fillers < 4)
            fillers++;
        else
            break;
    }
}

static int compare_elements(const void *a, const void *b) {
    const struct element *one = *(const struct element *const *)a, *other = *(const struct element *const *)b;
    if (one->thing != other->thing) return one->thing < other->thing ? -1 : 1;
    return one->x < other->x ? -1 : one->x > other->x;
}

void reason_name(struct buffer *out, const struct scene *scene, const struct plan *plan) {
    const struct element *elements[SCENE_ELEMENTS] = {0};
    struct conclusion verdict = reason_verdict(scene);
    for (int i = 0; i < scene->count; i++) elements[i] = &scene->elements[i];
    qsort(elements, (size_t)scene->count, sizeof *elements, compare_elements);
    if (plan->setting == SETTING_ROOM || plan->setting == SETTING_WALL)
        buffer_format(out, "%s:", settings[plan->setting]);
    else
        buffer_format(out, "%s %s:", lights[plan->light], settings[plan->setting]);
    for (int i = 0; i < scene->count; i++) {
        const struct element *element = elements[i];
        buffer_add_text(out, " ");
        add_thing(out, element);
        if (element->keeps_side)
            buffer_format(out, " that keeps %s", element->left ? "left" : "right");
        else
            buffer_format(out, " %s", side(element));
        buffer_add_text(out, ";");
    }
    if (!verdict.locatable)
        buffer_add_text(out, " so the place is unknown.");
    else
        buffer_format(out, " so it is %s in %s.", cities[verdict.city].name, countries[verdict.country].name);
}
