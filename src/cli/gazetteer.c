// globe gazetteer: names of places to coordinates and back, and the building of the gazetteer itself.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/output.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "geo/gazetteer.h"
#include "geo/gazetteer_build.h"
#include "geo/gazetteer_schema.h"

static json_t *place_json(const struct gazetteer_place *place) {
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:I, s:f, s:s, s:b}", "id",
                     (json_int_t)place->id, "kind", place_kind_name(place->kind), "name", place->name,
                     "region", place->region, "country", place->country, "country_code", place->country_code,
                     "lat", place->at.lat, "lon", place->at.lon, "population", (json_int_t)place->population,
                     "radius_km", place->radius_km, "source", place->source, "disputed", place->disputed);
}

static int print_json(json_t *json) {
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(8));
    json_decref(json);
    if (!text) {
        struct error error;
        error_set(&error, ERROR_MEMORY, "gazetteer: out of memory");
        return command_fail(&error);
    }
    puts(text);
    free(text);
    return ERROR_NONE;
}

static void print_place(const struct gazetteer_place *place) {
    printf("%s", place->name);
    if (place->region[0] && strcmp(place->region, place->name)) printf(", %s", place->region);
    if (place->country[0] && strcmp(place->country, place->name)) printf(", %s", place->country);
    printf("  %.5f, %.5f  %s", place->at.lat, place->at.lon, place_kind_name(place->kind));
    if (place->population > 0) printf(", %" PRId64 " people", place->population);
    printf(", within %.0f km", place->radius_km);
    if (place->disputed) printf(", disputed");
}

// --- lookup ---

static json_t *answer_json(const struct gazetteer_answer *answer) {
    json_t *candidates = json_array();
    for (int i = 0; i < answer->count; i++) {
        const struct gazetteer_candidate *candidate = &answer->candidates[i];
        json_t *json = place_json(&candidate->place);
        json_object_set_new(json, "match", json_string(match_kind_name(candidate->match)));
        json_object_set_new(json, "edits", json_integer(candidate->edits));
        json_object_set_new(json, "country_agrees", json_boolean(candidate->country_agrees));
        json_object_set_new(json, "region_agrees", json_boolean(candidate->region_agrees));
        json_object_set_new(json, "score", json_real(candidate->score));
        json_array_append_new(candidates, json);
    }
    return json_pack("{s:s, s:s, s:b, s:b, s:s?, s:i, s:i, s:o}", "outcome",
                     lookup_outcome_name(answer->outcome), "country_code", answer->country_code,
                     "country_fuzzy", answer->country_fuzzy, "hedged", answer->hedged, "fallback",
                     lookup_fallback_name(answer->fallback), "same_name_places", answer->same_name_places,
                     "same_name_countries", answer->same_name_countries, "candidates", candidates);
}

static void print_answer(const struct gazetteer_answer *answer) {
    if (answer->fallback != FALLBACK_NONE && answer->outcome == LOOKUP_CONTAINER) {
        printf("not found; the %s named with it\n", lookup_fallback_name(answer->fallback));
    } else if (answer->outcome != LOOKUP_FOUND) {
        printf("%s\n", lookup_outcome_name(answer->outcome));
    }
    if (answer->hedged) printf("a guess or a choice: the first name that is known\n");
    if (answer->country_fuzzy) printf("the country is a similar name\n");
    for (int i = 0; i < answer->count; i++) {
        const struct gazetteer_candidate *candidate = &answer->candidates[i];
        print_place(&candidate->place);
        printf("  (%s, %.2f%s)\n", match_kind_name(candidate->match), candidate->score,
               !candidate->country_agrees  ? ", another country"
               : !candidate->region_agrees ? ", another region"
                                           : "");
    }
    if (answer->same_name_places > 1)
        printf("%d places of this name in %d countries\n", answer->same_name_places,
               answer->same_name_countries);
}

static int run_lookup(int argc, char **argv) {
    const char *path = NULL, *country = NULL, *region = NULL;
    bool json = false, exact = false;
    int64_t limit = 5;
    const struct option table[] = {
        option_string("country", 'c', "NAME", &country, "Country, by any of its names or its code"),
        option_string("region", 'r', "NAME", &region, "State or province"),
        option_integer("limit", 'n', "N", &limit, 1, GAZETTEER_CANDIDATES, "Candidates shown"),
        option_flag("exact", 0, &exact, "Only names as they are, no similar ones"),
        option_flag("json", 'j', &json, "Print JSON"),
        option_string("gazetteer", 0, "FILE", &path, "Gazetteer to use"),
        {0},
    };
    const struct usage usage = {
        .command = "gazetteer lookup",
        .arguments = "NAME",
        .at_least = 1,
        .at_most = 1,
        .options = table,
        .description =
            "Finds a place by its name. Without --country and --region, NAME may be a text such as\n"
            "\"Springfield, Illinois, USA\".",
        .examples = "globe gazetteer lookup Cologne --country Germany\nglobe gazetteer lookup 'Paris, Texas' "
                    "--json\n",
    };
    struct operands names;
    struct error error;
    int status;
    if (!options_parse(&usage, argc, argv, &names, &status)) return status;
    struct gazetteer *gazetteer = gazetteer_open(path, &error);
    if (!gazetteer) return command_fail(&error);
    struct gazetteer_answer answer;
    struct gazetteer_query query = {names.values[0], region, country, (int)limit, exact};
    int failed = country || region || exact
                     ? gazetteer_lookup(gazetteer, &query, &answer, &error)
                     : gazetteer_lookup_text(gazetteer, names.values[0], &answer, &error);
    gazetteer_close(gazetteer);
    if (failed) return command_fail(&error);
    if (answer.count > (int)limit) answer.count = (int)limit;
    if (json) return print_json(answer_json(&answer));
    print_answer(&answer);
    return ERROR_NONE;
}

// --- nearest ---

static int read_degrees(const char *text, double *value, struct error *error) {
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    if (end == text || *end || errno)
        return error_set(error, ERROR_USAGE, "\"%s\" is not a number of degrees", text);
    return 0;
}

static int run_nearest(int argc, char **argv) {
    const char *path = NULL;
    bool json = false;
    int64_t count = 1, population = 0;
    const struct option table[] = {
        option_integer("count", 'n', "N", &count, 1, GAZETTEER_NEAREST, "Places shown"),
        option_integer("population", 'p', "N", &population, 0, 1000000000, "Only places with so many people"),
        option_flag("json", 'j', &json, "Print JSON"),
        option_string("gazetteer", 0, "FILE", &path, "Gazetteer to use"),
        {0},
    };
    const struct usage usage = {
        .command = "gazetteer nearest",
        .arguments = "LATITUDE LONGITUDE",
        .at_least = 2,
        .at_most = 2,
        .options = table,
        .description = "Finds the places nearest to coordinates (degrees; \"--\" before a negative one).",
        .examples =
            "globe gazetteer nearest 48.8584 2.2945\nglobe gazetteer nearest -n 3 -- -33.857 151.215\n",
    };
    struct operands numbers;
    struct error error;
    struct point at;
    int status;
    if (!options_parse(&usage, argc, argv, &numbers, &status)) return status;
    if (read_degrees(numbers.values[0], &at.lat, &error) || read_degrees(numbers.values[1], &at.lon, &error))
        return command_fail(&error);
    struct gazetteer *gazetteer = gazetteer_open(path, &error);
    if (!gazetteer) return command_fail(&error);
    static struct gazetteer_neighbour neighbours[GAZETTEER_NEAREST];
    int found = gazetteer_nearest(gazetteer, at, (int)count, population, neighbours, &error);
    gazetteer_close(gazetteer);
    if (found < 0) return command_fail(&error);
    json_t *list = json ? json_array() : NULL;
    for (int i = 0; i < found; i++) {
        if (json) {
            json_t *place = place_json(&neighbours[i].place);
            json_object_set_new(place, "distance_km", json_real(neighbours[i].distance_km));
            json_array_append_new(list, place);
        } else {
            print_place(&neighbours[i].place);
            printf("  %.1f km away\n", neighbours[i].distance_km);
        }
    }
    return json ? print_json(list) : ERROR_NONE;
}

// --- info ---

static int run_info(int argc, char **argv) {
    const char *path = NULL;
    bool json = false, check = false;
    const struct option table[] = {
        option_flag("check", 0, &check, "Read the whole file and check it"),
        option_flag("json", 'j', &json, "Print JSON"),
        option_string("gazetteer", 0, "FILE", &path, "Gazetteer to use"),
        {0},
    };
    const struct usage usage = {
        .command = "gazetteer info",
        .options = table,
        .description = "Shows what the gazetteer holds, and where its data is from.",
    };
    struct operands none;
    struct error error;
    struct gazetteer_info info;
    int status;
    if (!options_parse(&usage, argc, argv, &none, &status)) return status;
    struct gazetteer *gazetteer = gazetteer_open(path, &error);
    if (!gazetteer) return command_fail(&error);
    int failed = gazetteer_get_info(gazetteer, &info, &error);
    if (!failed && check) failed = gazetteer_check(gazetteer, &error);
    json_t *object = NULL;
    if (!failed && json) {
        object =
            json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s}", "file", gazetteer_path(gazetteer),
                      "version", info.version, "places", (json_int_t)info.places, "districts",
                      (json_int_t)info.districts, "regions", (json_int_t)info.regions, "countries",
                      (json_int_t)info.countries, "areas", (json_int_t)info.areas, "names",
                      (json_int_t)info.names, "source", info.source, "licence", info.licence);
    } else if (!failed) {
        printf("file:      %s\nversion:   %d\nplaces:    %" PRId64 "\ndistricts: %" PRId64
               "\nregions:   %" PRId64 "\ncountries: %" PRId64 "\nareas:     %" PRId64 "\nnames:     %" PRId64
               "\nsource:    %s\nlicence:   %s\n",
               gazetteer_path(gazetteer), info.version, info.places, info.districts, info.regions,
               info.countries, info.areas, info.names, info.source, info.licence);
    }
    gazetteer_close(gazetteer);
    if (failed) return command_fail(&error);
    return json ? print_json(object) : ERROR_NONE;
}

// --- build ---

// SQLite's header holds the application's number at byte 68 (sqlite.org/fileformat2.html, 1.3).
static bool is_gazetteer(const char *start, size_t length) {
    const unsigned char *id = (const unsigned char *)start + 68;
    if (length < 100 || memcmp(start, "SQLite format 3", 16) != 0) return false;
    return ((uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3]) ==
           GAZETTEER_APPLICATION_ID;
}
static const struct output_kind gazetteer_kind = {"a gazetteer", is_gazetteer};

static int run_build(int argc, char **argv) {
    struct gazetteer_build_options options = {0};
    const char *output = "gazetteer.sqlite";
    bool force = false;
    const struct option table[] = {
        option_string("output", 'o', "FILE", &output, "File to write"),
        option_string("curated", 0, "FILE", &options.curated,
                      "More names, such as data/gazetteer-curated.tsv"),
        option_integer("population", 'p', "N", &options.min_population, 0, 1000000000,
                       "Leave out smaller places"),
        option_string("source", 0, "TEXT", &options.source, "Says where the data is from, for `info`"),
        option_flag("force", 0, &force, "Replace a file that is no gazetteer"),
        {0},
    };
    const struct usage usage = {
        .command = "gazetteer build",
        .arguments = "FOLDER",
        .at_least = 1,
        .at_most = 1,
        .options = table,
        .description =
            "Builds a gazetteer from a folder with GeoNames dumps: countryInfo.txt, admin1CodesASCII.txt,\n"
            "alternateNamesV2.txt, and allCountries.txt or one of cities500.txt, cities1000.txt ...",
        .examples = "globe gazetteer build geonames -o gazetteer.sqlite --population 500\n",
    };
    struct operands folder;
    struct error error;
    struct gazetteer_build_report report;
    int status;
    if (!options_parse(&usage, argc, argv, &folder, &status)) return status;
    options.folder = folder.values[0];
    struct outputs outputs = {.command = "globe gazetteer build", .force = force};
    int failed = outputs_add(&outputs, "--output", output, &gazetteer_kind, false, &error) ||
                 outputs_spare_folder(&outputs, "a file of the source", options.folder, &error) ||
                 (options.curated && outputs_spare(&outputs, "the curated list", options.curated, &error)) ||
                 gazetteer_build(&options, output, &report, &error);
    outputs_release(&outputs);
    if (failed) return command_fail(&error);
    if (report.curated_unresolved > 0)
        log_warning("%s: %" PRId64 " lines name a place that the source lacks; the first is %s",
                    options.curated, report.curated_unresolved, report.first_unresolved);
    printf("%s: %" PRId64 " places, %" PRId64 " districts, %" PRId64 " regions, %" PRId64
           " countries, %" PRId64 " areas and sights, %" PRId64 " names\n",
           output, report.places, report.districts, report.regions, report.countries, report.areas,
           report.names);
    return ERROR_NONE;
}

int command_gazetteer(int argc, char **argv) {
    static const struct command subcommands[] = {
        {"lookup", "Find a place by its name", run_lookup},
        {"nearest", "Find the places nearest to coordinates", run_nearest},
        {"info", "Show what the gazetteer holds", run_info},
        {"build", "Build a gazetteer from GeoNames dumps", run_build},
    };
    const size_t count = sizeof subcommands / sizeof *subcommands;
    for (size_t i = 0; argc > 1 && i < count; i++)
        if (!strcmp(argv[1], subcommands[i].name)) return subcommands[i].run(argc - 1, argv + 1);
    if (argc > 1 && argv[1][0] != '-') {
        struct error error;
        error_set(&error, ERROR_USAGE,
                  "gazetteer: unknown action \"%s\"; there are lookup, nearest, info and build", argv[1]);
        return command_fail(&error);
    }
    const struct usage usage = {
        .command = "gazetteer",
        .arguments = "ACTION ...",
        .at_least = 1,
        .at_most = -1,
        .description =
            "Names of places to coordinates and back, offline. The actions, each with its own --help:\n"
            "  lookup    Find a place by its name\n"
            "  nearest   Find the places nearest to coordinates\n"
            "  info      Show what the gazetteer holds\n"
            "  build     Build a gazetteer from GeoNames dumps",
        .examples = "globe gazetteer lookup 'Kyoto, Japan'\n",
    };
    struct operands operands;
    int status;
    if (!options_parse(&usage, argc, argv, &operands, &status)) return status;
    return ERROR_USAGE;
}
