#include "locate/calibration.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "geo/sphere.h"

static const char format[] = "globe calibration 1";
static const double half_way_round_km = 20037.51;
enum { LARGEST_FILE = 4 << 20, DIGITS = 6 };

// ---- which run ----

void calibration_describe(struct calibration_run *run, const char *prompt, const struct sampling *sampling,
                          double cluster_km, size_t max_pixels) {
    uint64_t hash = 0xcbf29ce484222325;
    for (const char *c = prompt; *c; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
    *run = (struct calibration_run){.temperature = sampling->temperature < 1e-5 ? 0 : sampling->temperature,
                                    .repetition_penalty = sampling->repetition_penalty,
                                    .frequency_penalty = sampling->frequency_penalty,
                                    .presence_penalty = sampling->presence_penalty,
                                    .top_p = 1,
                                    .cluster_km = cluster_km,
                                    .max_pixels = max_pixels};
    snprintf(run->prompt, sizeof run->prompt, "%016llx", (unsigned long long)hash);
    if (run->temperature == 0) return; // nothing is drawn
    run->top_p = sampling->top_p;
    run->top_k = sampling->top_k;
    run->min_p = sampling->min_p;
}

static bool near(double a, double b) {
    return fabs(a - b) < 1e-6;
}

static bool same_run(const struct calibration_run *a, const struct calibration_run *b) {
    return strcmp(a->prompt, b->prompt) == 0 && near(a->temperature, b->temperature) &&
           near(a->top_p, b->top_p) && near(a->min_p, b->min_p) && a->top_k == b->top_k &&
           near(a->repetition_penalty, b->repetition_penalty) &&
           near(a->frequency_penalty, b->frequency_penalty) &&
           near(a->presence_penalty, b->presence_penalty) && near(a->cluster_km, b->cluster_km) &&
           a->max_pixels == b->max_pixels;
}

static bool same_kind(const struct calibration_run *run, size_t samples) {
    return (run->samples == 1) == (samples == 1);
}

const struct calibration_run *calibration_find(const struct calibration *calibration,
                                               const struct calibration_run *like, size_t samples) {
    for (size_t i = 0; i < calibration->count; i++)
        if (same_run(&calibration->runs[i], like) && same_kind(&calibration->runs[i], samples))
            return &calibration->runs[i];
    return NULL;
}

int calibration_put(struct calibration *calibration, const struct calibration_run *run, struct error *error) {
    for (size_t i = 0; i < calibration->count; i++)
        if (same_run(&calibration->runs[i], run) && same_kind(&calibration->runs[i], run->samples)) {
            calibration->runs[i] = *run;
            return 0;
        }
    if (calibration->count == CALIBRATION_RUNS)
        return error_set(error, ERROR_LIMIT, "a calibration holds %d runs at most", (int)CALIBRATION_RUNS);
    struct calibration_run *grown =
        memory_grow(calibration->runs, calibration->count + 1, sizeof *grown, "calibration", error);
    if (!grown) return -1;
    calibration->runs = grown;
    grown[calibration->count++] = *run;
    return 0;
}

void calibration_free(struct calibration *calibration) {
    free(calibration->runs);
    *calibration = (struct calibration){0};
}

// ---- what it says ----

// Between points with rising x; beyond the ends their values.
static double interpolate(const double *x, const double *y, size_t count, double at) {
    if (at <= x[0]) return y[0];
    for (size_t i = 1; i < count; i++)
        if (at <= x[i])
            return x[i] > x[i - 1] ? y[i - 1] + (y[i] - y[i - 1]) * (at - x[i - 1]) / (x[i] - x[i - 1])
                                   : y[i];
    return y[count - 1];
}

double calibration_confidence(const struct calibration_run *run, enum verdict_level level, size_t votes,
                              size_t samples, double probability) {
    if (samples == 1)
        return probability < 0 || run->point_count == 0
                   ? -1
                   : interpolate(run->points, run->worth[level], run->point_count, probability);
    size_t n = samples < run->samples ? samples : run->samples;
    double place = (double)votes / (double)samples * (double)n; // one of 1 .. n, or between two of them
    size_t below = (size_t)place;
    if (below < 1) return run->maps[n].right[level][0] * place;
    if (below >= n) return run->maps[n].right[level][n - 1];
    double low = run->maps[n].right[level][below - 1], high = run->maps[n].right[level][below];
    return low + (high - low) * (place - (double)below);
}

// The mass of the prior within `distance`.
static double prior_mass(const struct calibration_run *run, double distance) {
    enum { LAST = CALIBRATION_QUANTILES - 1 };
    for (int i = 1; i <= LAST; i++)
        if (distance <= run->distances[i]) {
            double width = run->distances[i] - run->distances[i - 1];
            double part = width > 0 ? (distance - run->distances[i - 1]) / width : 1;
            return (i - 1 + fmax(part, 0)) / LAST;
        }
    return 1;
}

static double prior_distance(const struct calibration_run *run, double mass) {
    enum { LAST = CALIBRATION_QUANTILES - 1 };
    if (mass >= 1) return run->distances[LAST];
    int i = (int)(mass * LAST);
    return run->distances[i] + (mass * LAST - i) * (run->distances[i + 1] - run->distances[i]);
}

// How far the place that a vote names reaches from the answer.
static double reach(const struct verdict *verdict, const struct verdict_vote *vote) {
    if (!vote->place.has_position) return (double)INFINITY;
    double size = vote->place.radius_km > 0 ? vote->place.radius_km : 0;
    return sphere_distance(verdict->place.position, vote->place.position) + size;
}

double calibration_mass(const struct calibration_run *run, const struct verdict *verdict, double distance) {
    double mass = prior_mass(run, distance);
    for (size_t i = 0; i < verdict->vote_count; i++)
        if (reach(verdict, &verdict->votes[i]) < distance) mass += (double)verdict->votes[i].count;
    return mass / (double)(verdict->samples + 1);
}

double calibration_radius(const struct calibration_run *run, const struct verdict *verdict, int which) {
    size_t n = verdict->samples < run->samples ? verdict->samples : run->samples;
    if (!verdict->place.has_position || n == 0) return -1;
    double wanted = run->maps[n].mass[verdict->level][which] * (double)(verdict->samples + 1), held = 0;
    // Never smaller than the place itself: cards, and most rows, know no more than their city.
    double radius = verdict->place.radius_km > 0 ? verdict->place.radius_km : 0;
    for (;;) {
        // The next vote to reach, and what the prior alone would have to be until then.
        double next = (double)INFINITY;
        held = 0;
        for (size_t i = 0; i < verdict->vote_count; i++) {
            double far = reach(verdict, &verdict->votes[i]);
            if (far <= radius)
                held += (double)verdict->votes[i].count;
            else if (far < next)
                next = far;
        }
        double rest = wanted - held;
        if (rest <= prior_mass(run, radius)) return radius;
        double enough = rest <= 1 ? prior_distance(run, rest) : half_way_round_km;
        if (enough < next || !isfinite(next)) return fmin(fmax(enough, radius), half_way_round_km);
        radius = next;
    }
}

// ---- the file ----

static json_t *numbers(const double *values, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++) {
        if (json_array_append_new(list, json_real(values[i])) == 0) continue;
        json_decref(list);
        list = NULL;
    }
    return list;
}

static int set(json_t *object, const char *key, json_t *value) {
    return object && value ? json_object_set_new(object, key, value) : (json_decref(value), -1);
}

static json_t *map_to_json(const struct calibration_run *run, size_t n) {
    json_t *object = json_object();
    const struct calibration_map *map = &run->maps[n];
    int failed = set(object, "samples", json_integer((json_int_t)n));
    for (enum verdict_level level = LEVEL_COUNTRY; level < VERDICT_LEVELS; level++) {
        json_t *one = json_object();
        if (n > 1) failed |= set(one, "right", numbers(map->right[level], n));
        failed |= set(one, "mass", numbers(map->mass[level], 2));
        failed |= set(object, verdict_level_name(level), one);
    }
    if (!failed) return object;
    json_decref(object);
    return NULL;
}

static json_t *run_to_json(const struct calibration_run *run) {
    json_t *object = json_object(), *maps = json_array();
    int failed = set(object, "prompt", json_string(run->prompt)) ||
                 set(object, "temperature", json_real(run->temperature)) ||
                 set(object, "top_p", json_real(run->top_p)) ||
                 set(object, "top_k", json_integer(run->top_k)) ||
                 set(object, "min_p", json_real(run->min_p)) ||
                 set(object, "repetition_penalty", json_real(run->repetition_penalty)) ||
                 set(object, "frequency_penalty", json_real(run->frequency_penalty)) ||
                 set(object, "presence_penalty", json_real(run->presence_penalty)) ||
                 set(object, "cluster_km", json_real(run->cluster_km)) ||
                 set(object, "max_pixels", json_integer((json_int_t)run->max_pixels)) ||
                 set(object, "samples", json_integer((json_int_t)run->samples)) ||
                 set(object, "pictures", json_integer((json_int_t)run->pictures)) ||
                 set(object, "distances_km", numbers(run->distances, CALIBRATION_QUANTILES)) ||
                 set(object, "probability", numbers(run->points, run->point_count));
    for (enum verdict_level level = LEVEL_COUNTRY; !failed && level < VERDICT_LEVELS; level++)
        failed = set(object, verdict_level_name(level), numbers(run->worth[level], run->point_count));
    for (size_t n = run->samples == 1 ? 1 : 2; !failed && n <= run->samples; n++)
        failed = json_array_append_new(maps, map_to_json(run, n));
    if (!failed && set(object, "maps", json_incref(maps)) == 0) {
        json_decref(maps);
        return object;
    }
    json_decref(maps);
    json_decref(object);
    return NULL;
}

static bool is_own(const char *start, size_t length) {
    (void)length;
    return *start == '{' && strstr(start, format);
}

const struct output_kind calibration_kind = {"a calibration of globe eval", is_own};

int calibration_write(const struct calibration *calibration, const char *path, struct error *error) {
    json_t *object = json_object(), *runs = json_array();
    int failed = set(object, "format", json_string(format));
    for (size_t i = 0; !failed && i < calibration->count; i++)
        failed = json_array_append_new(runs, run_to_json(&calibration->runs[i]));
    failed = failed || set(object, "runs", json_incref(runs));
    json_decref(runs);
    char *text = failed ? NULL : json_dumps(object, JSON_REAL_PRECISION(DIGITS) | JSON_INDENT(1));
    json_decref(object);
    if (!text) return error_set(error, ERROR_MEMORY, "%s: not enough memory", path);
    int result = file_write(path, text, strlen(text), error);
    free(text);
    return result;
}

static int read_numbers(const json_t *object, const char *key, double low, double high, double *values,
                        size_t count, const char *name, struct error *error) {
    const json_t *list = json_object_get(object, key);
    bool right = json_is_array(list) && json_array_size(list) == count;
    for (size_t i = 0; right && i < count; i++) {
        const json_t *value = json_array_get(list, i);
        values[i] = json_number_value(value);
        right = json_is_number(value) && values[i] >= low && values[i] <= high &&
                (i == 0 || strcmp(key, "mass") == 0 || values[i] >= values[i - 1]);
    }
    if (right) return 0;
    return error_set(error, ERROR_MODEL, "%s: \"%s\" must be %zu rising numbers from %g to %g", name, key,
                     count, low, high);
}

static int read_map(struct calibration_run *run, const json_t *object, size_t n, const char *name,
                    struct error *error) {
    int64_t samples = 0;
    if (json_get_integer(object, "samples", 1, CALIBRATION_SAMPLES, &samples, name, error)) return -1;
    if ((size_t)samples != n)
        return error_set(error, ERROR_MODEL, "%s: a map for %lld samples where that for %zu is due", name,
                         (long long)samples, n);
    for (enum verdict_level level = LEVEL_COUNTRY; level < VERDICT_LEVELS; level++) {
        const json_t *one = json_object_get(object, verdict_level_name(level));
        if ((n > 1 && read_numbers(one, "right", 0, 1, run->maps[n].right[level], n, name, error)) ||
            read_numbers(one, "mass", 0, 1, run->maps[n].mass[level], 2, name, error))
            return -1;
    }
    return 0;
}

static int read_run(struct calibration_run *run, const json_t *object, const char *name,
                    struct error *error) {
    const char *prompt = NULL;
    int64_t top_k = 0, max_pixels = 0, samples = 0, pictures = 0;
    *run = (struct calibration_run){0};
    if (!json_is_object(object)) return error_set(error, ERROR_MODEL, "%s: a run is no object", name);
    if (json_get_string(object, "prompt", &prompt, name, error) ||
        json_get_number(object, "temperature", 0, 100, &run->temperature, name, error) ||
        json_get_number(object, "top_p", 0, 1, &run->top_p, name, error) ||
        json_get_integer(object, "top_k", 0, INT32_MAX, &top_k, name, error) ||
        json_get_number(object, "min_p", 0, 1, &run->min_p, name, error) ||
        json_get_number(object, "repetition_penalty", 0, 10, &run->repetition_penalty, name, error) ||
        json_get_number(object, "frequency_penalty", -2, 2, &run->frequency_penalty, name, error) ||
        json_get_number(object, "presence_penalty", -2, 2, &run->presence_penalty, name, error) ||
        json_get_number(object, "cluster_km", 0, 20000, &run->cluster_km, name, error) ||
        json_get_integer(object, "max_pixels", 1, INT64_MAX, &max_pixels, name, error) ||
        json_get_integer(object, "samples", 1, CALIBRATION_SAMPLES, &samples, name, error) ||
        json_get_integer(object, "pictures", 0, INT64_MAX, &pictures, name, error) ||
        read_numbers(object, "distances_km", 0, half_way_round_km, run->distances, CALIBRATION_QUANTILES,
                     name, error))
        return -1;
    const json_t *maps = json_object_get(object, "maps"), *points = json_object_get(object, "probability");
    size_t first = samples == 1 ? 1 : 2;
    run->point_count = json_array_size(points);
    if (!prompt || strlen(prompt) + 1 != sizeof run->prompt || samples < 1 ||
        json_array_size(maps) != (size_t)samples - first + 1 || run->point_count > CALIBRATION_POINTS)
        return error_set(error, ERROR_MODEL,
                         "%s: \"prompt\", \"samples\", \"maps\" or \"probability\" is not as "
                         "globe eval --calibrate writes it",
                         name);
    memcpy(run->prompt, prompt, sizeof run->prompt);
    run->top_k = (int)top_k;
    run->max_pixels = (size_t)max_pixels;
    run->samples = (size_t)samples;
    run->pictures = (size_t)pictures;
    int result = read_numbers(object, "probability", 0, 1, run->points, run->point_count, name, error);
    for (enum verdict_level level = LEVEL_COUNTRY; result == 0 && level < VERDICT_LEVELS; level++)
        result = read_numbers(object, verdict_level_name(level), 0, 1, run->worth[level], run->point_count,
                              name, error);
    for (size_t n = first; result == 0 && n <= run->samples; n++)
        result = read_map(run, json_array_get(maps, n - first), n, name, error);
    return result;
}

int calibration_read(struct calibration *calibration, const char *path, struct error *error) {
    *calibration = (struct calibration){0};
    json_t *object = json_read_file(path, LARGEST_FILE, error);
    if (!object) {
        if (error->code == ERROR_INPUT) error->code = ERROR_MODEL;
        return -1;
    }
    const char *found = json_string_value(json_object_get(object, "format"));
    const json_t *runs = json_object_get(object, "runs");
    int result =
        found && strcmp(found, format) == 0 && json_array_size(runs) <= CALIBRATION_RUNS
            ? 0
            : error_set(error, ERROR_MODEL, "%s: no calibration of a model (globe eval --calibrate)", path);
    for (size_t i = 0; result == 0 && i < json_array_size(runs); i++) {
        struct calibration_run *run = memory_new(1, sizeof *run, "calibration", error);
        result = run ? read_run(run, json_array_get(runs, i), path, error) : -1;
        if (result == 0) result = calibration_put(calibration, run, error);
        free(run);
    }
    if (result && error->code == ERROR_INPUT) error->code = ERROR_MODEL;
    json_decref(object);
    if (result) calibration_free(calibration);
    return result;
}
