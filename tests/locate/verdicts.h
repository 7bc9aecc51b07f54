// Verdicts for the tests of the writers, and programs that read what was written.
#ifndef GLOBE_TESTS_LOCATE_VERDICTS_H
#define GLOBE_TESTS_LOCATE_VERDICTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "locate/verdict.h"

// Everything that is not text: control characters, a terminal escape, markup, quotes, a formula, a turned
// writing direction, C1, broken UTF-8.
#define HOSTILE                                                 \
    "=1+1,\"x\" ]]> <b>&amp;\x1b[31m\x01\r\nline\t\xE2\x80\xAE" \
    "evil \xC2\x9B \xFF\xC3( \xED\xA0\x80 \xEF\xBF\xBF'"

static inline struct verdict_place place_in(const char *city, const char *region, const char *country,
                                            const char *code, double share) {
    struct verdict_place place = {.country = strdup(country),
                                  .region = strdup(region),
                                  .city = strdup(city),
                                  .radius_km = -1,
                                  .share = share,
                                  .match = "exact"};
    snprintf(place.country_code, sizeof place.country_code, "%s", code);
    return place;
}

static inline struct verdict_place lisbon(void) {
    struct verdict_place place = place_in("Lisbon", "Lisbon District", "Portugal", "PT", 0.625);
    place.has_position = place.has_country_position = true;
    place.position = (struct point){38.716912, -9.139904};
    place.radius_km = 11.96;
    place.country_position = (struct point){39.6945, -8.1306};
    place.country_radius_km = 208.4;
    return place;
}

static inline struct verdict_clue clue_of(const char *kind, const char *text) {
    return (struct verdict_clue){.kind = kind, .text = strdup(text)};
}

// A verdict with every field set; verdict_free() it.
static inline struct verdict full_verdict(void) {
    struct verdict verdict = {.photo = strdup("photos/street.jpg"),
                              .outcome = VERDICT_PLACED,
                              .place = lisbon(),
                              .level = LEVEL_CITY,
                              .confidence = 0.625,
                              .radius_50_km = 12,
                              .radius_90_km = 274.24,
                              .same_name_countries = 5,
                              .samples = 8,
                              .tokens = 2210,
                              .seconds = 12.3456};
    verdict.alternatives = calloc(2, sizeof *verdict.alternatives);
    verdict.alternatives[0] = place_in("Porto", "Porto", "Portugal", "PT", 0.25);
    verdict.alternatives[0].has_position = true;
    verdict.alternatives[0].position = (struct point){41.14961, -8.61099};
    verdict.alternatives[0].radius_km = 9;
    verdict.alternatives[1] = place_in("Salvador", "Bahia", "Brazil", "BR", 0.125);
    verdict.alternative_count = 2;
    verdict.reasoning = strdup("The shop sign says \"Pastelaria\".\nThe tram is yellow, as in Lisbon.");
    verdict.clues = calloc(2, sizeof *verdict.clues);
    verdict.clues[0] = clue_of("sign", "The shop sign says \"Pastelaria\".");
    verdict.clues[1] = clue_of("vehicle", "The tram is yellow, as in Lisbon.");
    verdict.clue_count = 2;
    verdict.answer = strdup("<answer><country>Portugal</country><city>Lisbon</city></answer>");
    return verdict;
}

static inline struct verdict bare_verdict(const char *photo, enum verdict_outcome outcome) {
    return (struct verdict){.photo = strdup(photo),
                            .outcome = outcome,
                            .place = {.radius_km = -1, .share = -1, .match = ""},
                            .confidence = -1,
                            .radius_50_km = -1,
                            .radius_90_km = -1,
                            .samples = 1};
}

// A verdict whose every text is hostile.
static inline struct verdict hostile_verdict(const char *photo) {
    struct verdict verdict = bare_verdict(photo, VERDICT_PLACED);
    verdict.place = place_in(HOSTILE, HOSTILE "2", HOSTILE "3", "", 1);
    verdict.place.has_position = true;
    verdict.place.position = (struct point){-33.5, 190.25}; // 190 is -170
    verdict.alternatives = calloc(1, sizeof *verdict.alternatives);
    verdict.alternatives[0] = place_in(HOSTILE, "", HOSTILE, "", 0.1);
    verdict.alternative_count = 1;
    verdict.reasoning = strdup(HOSTILE "\n" HOSTILE);
    verdict.clues = calloc(1, sizeof *verdict.clues);
    verdict.clues[0] = clue_of("sign", HOSTILE);
    verdict.clue_count = 1;
    verdict.answer = strdup(HOSTILE);
    return verdict;
}

// Runs a shell command and returns what it prints, stderr included; fails the test unless it ends with 0.
// free() the result.
static inline char *run_command(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline char *run_command(const char *format, ...) {
    char command[4096] = "exec 2>&1; ";
    size_t length = strlen(command);
    va_list args;
    va_start(args, format);
    vsnprintf(command + length, sizeof command - length, format, args);
    va_end(args);
    FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c): the tests' own commands
    assert_non_null(pipe);
    size_t capacity = 1 << 20;
    char *output = malloc(capacity);
    assert_non_null(output);
    output[fread(output, 1, capacity - 1, pipe)] = 0;
    int status = pclose(pipe);
    if (status != 0) fail_msg("%s: status %d: %s", command, status, output);
    return output;
}

#define assert_contains(text, part)                                                                   \
    do {                                                                                              \
        if (!strstr(text, part)) fail_msg("%s:%d: no \"%s\" in: %s", __FILE__, __LINE__, part, text); \
    } while (0)
#define assert_lacks(text, part)                                                                     \
    do {                                                                                             \
        if (strstr(text, part)) fail_msg("%s:%d: \"%s\" is in: %s", __FILE__, __LINE__, part, text); \
    } while (0)

#endif
