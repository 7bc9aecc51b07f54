#include "geo/gazetteer_draft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "geo/place_name.h"

#define TEXT_BLOCK (1u << 20)

const char *draft_copy(struct gazetteer_draft *draft, const char *text, size_t length, struct error *error) {
    if (length + 1 > (size_t)(draft->text_end - draft->text)) {
        size_t size = length + 1 > TEXT_BLOCK ? length + 1 : TEXT_BLOCK;
        draft->text = arena_get(draft->arena, size, 1, error);
        if (!draft->text) {
            draft->text_end = NULL;
            return NULL;
        }
        draft->text_end = draft->text + size;
    }
    char *copy = draft->text;
    memcpy(copy, text, length);
    copy[length] = 0;
    draft->text += length + 1;
    return copy;
}

static int grow(void **items, size_t count, size_t *capacity, size_t size, struct error *error) {
    if (count < *capacity) return 0;
    size_t more = *capacity ? *capacity * 2 : 4096;
    void *grown = memory_grow(*items, more, size, "gazetteer", error);
    if (!grown) return -1;
    *items = grown;
    *capacity = more;
    return 0;
}

int draft_add_place(struct gazetteer_draft *draft, const struct draft_place *place, struct error *error) {
    void *items = draft->places;
    if (grow(&items, draft->place_count, &draft->place_capacity, sizeof *place, error)) return -1;
    draft->places = items;
    struct draft_place *copy = &draft->places[draft->place_count];
    *copy = *place;
    copy->name = draft_copy(draft, place->name, strlen(place->name), error);
    copy->admin1 = draft_copy(draft, place->admin1, strlen(place->admin1), error);
    if (!copy->name || !copy->admin1) return -1;
    draft->place_count++;
    return 0;
}

static int add_key(struct gazetteer_draft *draft, int64_t place, const char *key, enum name_source source,
                   struct error *error) {
    void *items = draft->names;
    if (grow(&items, draft->name_count, &draft->name_capacity, sizeof *draft->names, error)) return -1;
    draft->names = items;
    const char *copy = draft_copy(draft, key, strlen(key), error);
    if (!copy) return -1;
    draft->names[draft->name_count++] = (struct draft_name){copy, place, source};
    return 0;
}

int draft_add_name(struct gazetteer_draft *draft, int64_t place, const char *name, enum name_source source,
                   struct error *error) {
    char plain[PLACE_KEY_SIZE], expanded[PLACE_KEY_SIZE];
    size_t length = strlen(name);
    if (place_key(name, length, false, plain, error) || place_key(name, length, true, expanded, error))
        return -1;
    if (plain[0] && add_key(draft, place, plain, source, error)) return -1;
    if (!expanded[0] || !strcmp(plain, expanded)) return 0;
    return add_key(draft, place, expanded, source == NAME_MAIN ? NAME_ALTERNATE : source, error);
}

static int compare_ids(const void *left, const void *right) {
    const struct draft_place *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

int draft_index(struct gazetteer_draft *draft, struct error *error) {
    qsort(draft->places, draft->place_count, sizeof *draft->places, compare_ids);
    for (size_t i = 1; i < draft->place_count; i++)
        if (draft->places[i].id == draft->places[i - 1].id)
            return error_set(error, ERROR_INPUT, "gazetteer: id %lld stands for \"%s\" and \"%s\"",
                             (long long)draft->places[i].id, draft->places[i - 1].name,
                             draft->places[i].name);
    draft->indexed_count = draft->place_count;
    return 0;
}

struct draft_place *draft_find(struct gazetteer_draft *draft, int64_t id) {
    struct draft_place key = {.id = id};
    return bsearch(&key, draft->places, draft->indexed_count, sizeof key, compare_ids);
}

struct draft_place *draft_find_country(struct gazetteer_draft *draft, const char *code) {
    for (size_t i = 0; i < draft->place_count; i++)
        if (draft->places[i].kind == PLACE_COUNTRY && !strcmp(draft->places[i].country, code))
            return &draft->places[i];
    return NULL;
}

struct draft_place *draft_find_region(struct gazetteer_draft *draft, const char *country,
                                      const char *admin1) {
    for (size_t i = 0; i < draft->place_count; i++)
        if (draft->places[i].kind == PLACE_REGION && !strcmp(draft->places[i].country, country) &&
            !strcmp(draft->places[i].admin1, admin1))
            return &draft->places[i];
    return NULL;
}

// By country, then region code; in each group the country or region itself before its places.
static int compare_areas(const void *left, const void *right) {
    const struct draft_place *a = *(struct draft_place *const *)left,
                             *b = *(struct draft_place *const *)right;
    int order = strcmp(a->country, b->country);
    if (!order && (a->kind == PLACE_COUNTRY) != (b->kind == PLACE_COUNTRY))
        return a->kind == PLACE_COUNTRY ? -1 : 1;
    if (!order) order = strcmp(a->admin1, b->admin1);
    if (!order && (a->kind == PLACE_REGION) != (b->kind == PLACE_REGION))
        return a->kind == PLACE_REGION ? -1 : 1;
    return order ? order : compare_ids(a, b);
}

struct weighed {
    double distance, weight;
};

static int compare_distances(const void *left, const void *right) {
    const struct weighed *a = left, *b = right;
    return (a->distance > b->distance) - (a->distance < b->distance);
}

// Of the cities among `members`: their people, the city nearest to the mean of these, and the radius around
// it that holds 90 % of them. Districts are left out: their city counts them already.
static void settle_area(struct draft_place *area, struct draft_place *const *members, size_t count,
                        struct point *points, double *weights, struct weighed *weighed) {
    size_t n = 0;
    area->population = 0;
    for (size_t i = 0; i < count; i++) {
        if (members[i]->kind != PLACE_CITY) continue;
        area->population += members[i]->population;
        points[n] = members[i]->at;
        weights[n++] = (double)members[i]->population + 1;
    }
    if (n == 0 || area->fixed) return;
    struct point mean;
    if (sphere_mean(points, weights, n, &mean, NULL)) mean = points[0];
    area->at = points[0];
    for (size_t i = 1; i < n; i++)
        if (sphere_distance(mean, points[i]) < sphere_distance(mean, area->at)) area->at = points[i];
    area->located = true;
    double total = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        double edge = sphere_distance(area->at, points[i]) + built_up_radius((int64_t)weights[i]);
        weighed[i] = (struct weighed){edge, weights[i]};
        total += weights[i];
    }
    qsort(weighed, n, sizeof *weighed, compare_distances);
    for (size_t i = 0; i < n && sum < 0.9 * total; i++) {
        sum += weighed[i].weight;
        area->radius_km = weighed[i].distance;
    }
    if (area->radius_km < 5) area->radius_km = 5;
}

static void drop_unlocated(struct gazetteer_draft *draft) {
    size_t kept = 0;
    for (size_t i = 0; i < draft->place_count; i++)
        if (draft->places[i].located) draft->places[kept++] = draft->places[i];
    draft->place_count = draft->indexed_count = kept;
    size_t names = 0;
    for (size_t i = 0; i < draft->name_count; i++)
        if (draft_find(draft, draft->names[i].place)) draft->names[names++] = draft->names[i];
    draft->name_count = names;
}

int draft_settle_areas(struct gazetteer_draft *draft, struct error *error) {
    size_t count = draft->place_count;
    struct draft_place **order = memory_new(count, sizeof(*order), "gazetteer", error);
    struct point *points = memory_new(count, sizeof *points, "gazetteer", error);
    double *weights = memory_new(count, sizeof *weights, "gazetteer", error);
    struct weighed *weighed = memory_new(count, sizeof *weighed, "gazetteer", error);
    int result = order && points && weights && weighed ? 0 : -1;
    if (!result) {
        for (size_t i = 0; i < count; i++) order[i] = &draft->places[i];
        qsort(order, count, sizeof(*order), compare_areas);
        for (size_t i = 0; i < count; i++) {
            struct draft_place *area = order[i];
            size_t end = i + 1;
            if (area->kind == PLACE_COUNTRY) {
                while (end < count && !strcmp(order[end]->country, area->country)) end++;
            } else if (area->kind == PLACE_REGION) {
                while (end < count && !strcmp(order[end]->country, area->country) &&
                       !strcmp(order[end]->admin1, area->admin1))
                    order[end++]->region = area->id;
                area->region = area->id;
            } else {
                continue;
            }
            settle_area(area, order + i + 1, end - i - 1, points, weights, weighed);
        }
        drop_unlocated(draft);
        if (draft->place_count == 0)
            result = error_set(error, ERROR_INPUT, "gazetteer: the sources hold no place");
    }
    free(order);
    free(points);
    free(weights);
    free(weighed);
    return result;
}

static int compare_names(const void *left, const void *right) {
    const struct draft_name *a = left, *b = right;
    int order = strcmp(a->key, b->key);
    if (order) return order;
    if (a->place != b->place) return a->place < b->place ? -1 : 1;
    return (a->source > b->source) - (a->source < b->source);
}

void draft_sort_names(struct gazetteer_draft *draft) {
    if (draft->name_count == 0) return;
    qsort(draft->names, draft->name_count, sizeof *draft->names, compare_names);
    size_t kept = 1;
    for (size_t i = 1; i < draft->name_count; i++) {
        struct draft_name *last = &draft->names[kept - 1], *name = &draft->names[i];
        if (name->place != last->place || strcmp(name->key, last->key)) draft->names[kept++] = *name;
    }
    draft->name_count = kept;
}

void draft_free(struct gazetteer_draft *draft) {
    free(draft->places);
    free(draft->names);
    arena_free(draft->arena);
    *draft = (struct gazetteer_draft){0};
}
