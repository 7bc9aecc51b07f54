#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "locate/provenance.h"
#include "locate/writer_internal.h"

enum {
    SIGNIFICANT_DIGITS = 12
}; // hides that 38.7169 is 38.71690000000000253; more than any of our numbers has

// A JSON object in the making. What could not be had is noticed once, at the end.
struct object {
    json_t *json;
    bool failed;
};

static struct object object_new(void) {
    json_t *json = json_object();
    return (struct object){json, !json};
}

static void set(struct object *object, const char *key, json_t *value) {
    if (json_object_set_new(object->json, key, value)) object->failed = true;
}

// Every key is always there, in the same order; what is not known is null.
static void set_text(struct object *object, const char *key, const char *text) {
    if (writer_is_empty(text)) {
        set(object, key, json_null());
        return;
    }
    struct buffer clean = {0};
    writer_add_clean(&clean, text, CLEAN_ESCAPED);
    set(object, key, clean.failed ? NULL : json_stringn(clean.data, clean.length));
    buffer_free(&clean);
}

// The name as it is, control characters and writing directions included (add_dump escapes them). What is not
// UTF-8 comes out with U+FFFD, and "photo_bytes" has the bytes.
static void set_photo(struct object *object, const char *photo) {
    if (photo && utf8_is_valid(photo, strlen(photo)))
        set(object, "photo", json_string(photo));
    else
        set_text(object, "photo", photo);
}

static void set_photo_bytes(struct object *object, const char *photo) {
    if (!photo || utf8_is_valid(photo, strlen(photo))) return;
    struct buffer text = {0};
    base64_add(&text, photo, strlen(photo));
    set(object, "photo_bytes", text.failed ? NULL : json_stringn(text.data, text.length));
    buffer_free(&text);
}

static void set_number(struct object *object, const char *key, double value, int decimals) {
    set(object, key, writer_is_known(value) ? json_real(writer_round(value, decimals)) : json_null());
}

static void set_count(struct object *object, const char *key, size_t count) {
    set(object, key, json_integer((json_int_t)count));
}

static json_t *finish(struct object *object) {
    if (!object->failed) return object->json;
    json_decref(object->json);
    return NULL;
}

static void set_names(struct object *object, const struct verdict_place *place) {
    set_text(object, "country", place->country);
    set_text(object, "country_code", place->country_code);
    set_text(object, "region", place->region);
    set_text(object, "city", place->city);
}

static void set_position(struct object *object, const struct verdict_place *place) {
    struct point position;
    bool known = writer_get_position(place, &position);
    set(object, "latitude", known ? json_real(writer_round(position.lat, 5)) : json_null());
    set(object, "longitude", known ? json_real(writer_round(position.lon, 5)) : json_null());
}

// Keys that only an answer has which is not quite what it seems.
static void set_doubt(struct object *object, const struct verdict_place *place) {
    if (place->fallback) set_text(object, "fallback", place->fallback);
    if (place->hedged) set(object, "hedged", json_true());
    if (place->disagrees) set(object, "disagrees", json_true());
}

static json_t *place_to_json(const struct verdict_place *place) {
    if (!place) return json_null();
    struct object object = object_new();
    set_names(&object, place);
    set_position(&object, place);
    set_number(&object, "radius_km", place->radius_km, 1);
    set_number(&object, "share", place->share, 4);
    set_text(&object, "match", place->match);
    set_doubt(&object, place);
    return finish(&object);
}

static json_t *alternatives_to_json(const struct verdict *view) {
    json_t *list = json_array();
    for (size_t i = 0; i < view->alternative_count; i++)
        if (json_array_append_new(list, place_to_json(&view->alternatives[i]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *clue_to_json(const struct verdict_clue *clue) {
    struct object object = object_new();
    set_text(&object, "kind", clue->kind);
    set_text(&object, "text", clue->text);
    set_text(&object, "evidence", clue->evidence);
    return finish(&object);
}

static json_t *clues_to_json(const struct verdict *view) {
    json_t *list = json_array();
    for (size_t i = 0; i < view->clue_count; i++)
        if (json_array_append_new(list, clue_to_json(&view->clues[i]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *vote_to_json(const struct verdict_vote *vote) {
    struct object object = object_new();
    set_names(&object, &vote->place);
    set_position(&object, &vote->place);
    set_number(&object, "radius_km", vote->place.radius_km, 1);
    set_text(&object, "match", vote->place.match);
    set_doubt(&object, &vote->place);
    set_count(&object, "count", vote->count);
    return finish(&object);
}

// All samples, so that they can be counted again.
static json_t *votes_to_json(const struct verdict *view) {
    json_t *list = json_array();
    for (size_t i = 0; i < view->vote_count; i++)
        if (json_array_append_new(list, vote_to_json(&view->votes[i]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *standing_to_json(const struct verdict_standing *standing) {
    if (writer_is_empty(standing->name)) return json_null();
    struct object object = object_new();
    set_text(&object, "name", standing->name);
    set_number(&object, "share", standing->share, 4);
    set_number(&object, "confidence", standing->confidence, 4);
    return finish(&object);
}

static json_t *standings_to_json(const struct verdict *view) {
    struct object object = object_new();
    for (enum verdict_level level = LEVEL_COUNTRY; level < VERDICT_LEVELS; level++)
        set(&object, verdict_level_name(level), standing_to_json(&view->standings[level]));
    return finish(&object);
}

static json_t *gps_to_json(const struct verdict *view) {
    if (!view->has_gps) return json_null();
    return json_pack("{s:f, s:f}", "latitude", writer_round(view->gps.lat, 6), "longitude",
                     writer_round(view->gps.lon, 6));
}

static json_t *flags_to_json(const struct verdict *view) {
    json_t *list = json_array();
    for (unsigned i = 0; i < VERDICT_FLAGS; i++)
        if (view->flags & 1U << i &&
            json_array_append_new(list, json_string(verdict_flag_name((enum verdict_flag)(1U << i))))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static void set_measured(struct object *object, const struct verdict *view) {
    set(object, "gps", gps_to_json(view));
    set_number(object, "gps_distance_km", view->has_gps ? view->gps_distance_km : -1, 1);
    set(object, "contradicts_gps", view->has_gps ? json_boolean(view->contradicts_gps) : json_null());
    set(object, "flags", flags_to_json(view));
}

// How the verdict came about, and what speaks against it.
static void set_trust(struct object *object, const struct verdict *view) {
    bool named = view->outcome == VERDICT_PLACED || view->outcome == VERDICT_ABSTAINED;
    set_text(object, "level", named ? verdict_level_name(view->level) : NULL);
    set(object, "estimated", json_true());
    set(object, "calibrated", json_boolean(view->calibrated));
    set_number(object, "probability", view->probability > 0 ? view->probability : -1, 4);
    if (view->has_locatability) set_number(object, "locatability", view->locatability, 4);
    set(object, "levels", standings_to_json(view));
    set(object, "most_likely", place_to_json(view->outcome == VERDICT_ABSTAINED ? &view->place : NULL));
    set(object, "votes", votes_to_json(view));
    set_count(object, "declined", view->declined);
    set_count(object, "unread", view->unread);
    set_measured(object, view);
}

static json_t *error_to_json(const struct verdict *view) {
    if (view->outcome != VERDICT_FAILED) return json_null();
    struct object object = object_new();
    set(&object, "status", json_integer(view->error.code));
    set_text(&object, "message", view->error.message);
    return finish(&object);
}

static void set_work(struct object *object, const struct verdict *view,
                     const struct writer_options *options) {
    set_count(object, "samples", view->samples);
    set_count(object, "tokens", view->tokens);
    set(object, "truncated", json_boolean(view->truncated));
    set_number(object, "seconds", view->seconds, 3);
    set_text(object, "model", options->model);
    set_text(object, "precision", writer_precision_names[options->precision]);
    if (view->server_changes && *view->server_changes)
        set_text(object, "server_changes", view->server_changes);
}

// How the record was made, and which bytes its photo's name has: last, because it is for programs.
static void set_origin(struct object *object, const struct verdict *view,
                       const struct writer_options *options) {
    set(object, "provenance",
        options->provenance ? provenance_to_json(options->provenance, options->model, view) : json_null());
    set_text(object, "evidence_error", view->evidence_error);
    set_photo_bytes(object, view->photo);
}

static json_t *verdict_object(const struct verdict *view, const struct writer_options *options) {
    struct object object = object_new();
    set_photo(&object, view->photo);
    set_text(&object, "outcome", verdict_outcome_name(view->outcome));
    set(&object, "error", error_to_json(view));
    set(&object, "place", place_to_json(writer_shown_place(view)));
    set(&object, "withheld", place_to_json(view->outcome == VERDICT_ABSTAINED ? &view->place : NULL));
    set_number(&object, "confidence", view->confidence, 4);
    set_number(&object, "radius_50_km", view->radius_50_km, 1);
    set_number(&object, "radius_90_km", view->radius_90_km, 1);
    set(&object, "alternatives", alternatives_to_json(view));
    set_count(&object, "same_name_countries",
              (size_t)(view->same_name_countries > 0 ? view->same_name_countries : 0));
    set(&object, "clues", clues_to_json(view));
    set_text(&object, "reasoning", view->reasoning);
    set_text(&object, "answer", view->answer);
    set_text(&object, "evidence", view->evidence);
    set_trust(&object, view);
    set_work(&object, view, options);
    set_origin(&object, view, options);
    return finish(&object);
}

// Properties are flat, because that is what a table of attributes shows.
static json_t *feature_properties(const struct verdict *view, const struct writer_options *options) {
    const struct verdict_place *shown = writer_shown_place(view);
    const struct verdict_place nothing = {.radius_km = -1};
    const struct verdict_place *place = shown ? shown : &nothing;
    struct object object = object_new();
    struct buffer name = {0};
    writer_add_place(&name, place);
    set_text(&object, "name", name.data);
    object.failed = object.failed || name.failed;
    buffer_free(&name);
    set_photo(&object, view->photo);
    set_text(&object, "outcome", verdict_outcome_name(view->outcome));
    set(&object, "estimated", json_true());
    set_text(&object, "error", view->outcome == VERDICT_FAILED ? view->error.message : NULL);
    set_names(&object, place);
    set_number(&object, "radius_km", place->radius_km, 1);
    set_number(&object, "confidence", view->confidence, 4);
    set_number(&object, "radius_50_km", view->radius_50_km, 1);
    set_number(&object, "radius_90_km", view->radius_90_km, 1);
    set_text(&object, "match", place->match);
    set_text(&object, "level", shown ? verdict_level_name(view->level) : NULL);
    set(&object, "most_likely", place_to_json(view->outcome == VERDICT_ABSTAINED ? &view->place : NULL));
    set_measured(&object, view);
    set(&object, "alternatives", alternatives_to_json(view));
    set(&object, "clues", clues_to_json(view));
    set_text(&object, "reasoning", view->reasoning);
    set_work(&object, view, options);
    return finish(&object);
}

static json_t *feature_geometry(const struct verdict *view) {
    const struct verdict_place *place = writer_shown_place(view);
    struct point position;
    if (!place || !writer_get_position(place, &position)) return json_null();
    return json_pack("{s:s, s:[f, f]}", "type", "Point", "coordinates", writer_round(position.lon, 6),
                     writer_round(position.lat, 6));
}

static json_t *feature_object(json_t *geometry, json_t *properties) {
    struct object object = object_new();
    set_text(&object, "type", "Feature");
    set(&object, "geometry", geometry);
    set(&object, "properties", properties);
    return finish(&object);
}

static json_t *polygon_to_json(const struct writer_polygon *polygon) {
    json_t *ring = json_array();
    for (size_t i = 0; i < polygon->count; i++)
        if (json_array_append_new(ring, json_pack("[f, f]", writer_round(polygon->points[i].lon, 6),
                                                  writer_round(polygon->points[i].lat, 6)))) {
            json_decref(ring);
            return NULL;
        }
    return json_pack("[o]", ring);
}

static json_t *circle_geometry(struct point center, double radius_km) {
    struct writer_polygon polygons[2];
    size_t count = writer_circle(center, radius_km, polygons);
    json_t *first = polygon_to_json(&polygons[0]);
    if (count == 1) return json_pack("{s:s, s:o}", "type", "Polygon", "coordinates", first);
    return json_pack("{s:s, s:[o, o]}", "type", "MultiPolygon", "coordinates", first,
                     polygon_to_json(&polygons[1]));
}

static json_t *circle_feature(const struct verdict *view, const struct writer_ring *ring) {
    struct object object = object_new();
    set_text(&object, "photo", view->photo);
    set(&object, "estimated", json_true());
    set_text(&object, "circle",
             ring->share < 0     ? "place"
             : ring->share < 0.7 ? "radius_50_km"
                                 : "radius_90_km");
    set_number(&object, "share", ring->share, 2);
    set_number(&object, "radius_km", ring->radius_km, 1);
    return feature_object(circle_geometry(view->place.position, ring->radius_km), finish(&object));
}

static int add_dump(struct buffer *out, json_t *json, struct error *error) {
    char *text = json ? json_dumps(json, JSON_REAL_PRECISION(SIGNIFICANT_DIGITS)) : NULL;
    json_decref(json);
    if (!text) return error_set(error, ERROR_MEMORY, "not enough memory for the JSON output");
    writer_add_json(out, text);
    free(text);
    return 0;
}

int writer_json_add(struct buffer *out, const struct verdict *view, const struct writer_options *options,
                    struct error *error) {
    return add_dump(out, verdict_object(view, options), error);
}

int writer_geojson_add(struct buffer *out, const struct verdict *view, const struct writer_options *options,
                       struct error *error) {
    struct writer_ring rings[2];
    size_t count = options->circles ? writer_circles(view, rings) : 0;
    if (add_dump(out, feature_object(feature_geometry(view), feature_properties(view, options)), error))
        return -1;
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(out, ",\n");
        if (add_dump(out, circle_feature(view, &rings[i]), error)) return -1;
    }
    return 0;
}

int verdict_to_json(const struct verdict *verdict, const struct writer_options *options, struct buffer *out,
                    struct error *error) {
    struct verdict view;
    if (writer_coarsen(&view, verdict, options->precision, error)) return -1;
    int result = writer_json_add(out, &view, options, error);
    writer_release_view(&view);
    if (result == 0 && out->failed)
        return error_set(error, ERROR_MEMORY, "not enough memory for the JSON output");
    return result;
}
