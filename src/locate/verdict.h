// What is said of one photo: where it was taken, how sure that is, and why.
//
// Every char * belongs to the verdict (free) or is NULL, which means the same as "". Texts that a model wrote
// are kept as they came: control characters and invalid UTF-8 are the writers' business (locate/writer.h).
#ifndef GLOBE_LOCATE_VERDICT_H
#define GLOBE_LOCATE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "geo/sphere.h"

enum verdict_outcome {
    VERDICT_PLACED,    // a place, and all that follows
    VERDICT_ABSTAINED, // a place, but less sure than was asked for (--abstain-below); it is not shown as the
                       // answer
    VERDICT_NOT_LOCATABLE, // the model says that nothing gives the place away
    VERDICT_NO_ANSWER,     // the completion names no place (malformed, cut off)
    VERDICT_OUT_OF_SCOPE,  // the model says by itself that it was not made for such a picture
                           // (locate/scope.h); nobody was asked
    VERDICT_FAILED         // no completion: broken photo, endpoint out of reach; see error
};
enum { VERDICT_OUTCOMES = VERDICT_FAILED + 1 };
const char *verdict_outcome_name(enum verdict_outcome outcome); // "placed", "abstained", "not_locatable", ...

// How fine an answer is. Votes are counted at each level by itself.
enum verdict_level { LEVEL_COUNTRY, LEVEL_REGION, LEVEL_CITY, VERDICT_LEVELS };
const char *verdict_level_name(enum verdict_level level); // "country", "region", "city"

// What may make a verdict less than it seems; bits of verdict.flags.
enum verdict_flag {
    FLAG_OTHER_PLACE = 1,   // "reasoning_names_other_place": it concludes on another place than the answer
    FLAG_CUT = 2,           // "answer_cut": the completion that is quoted was cut before its end
    FLAG_GPS = 4,           // "contradicts_gps": see verdict.gps_distance_km
    FLAG_NAMES = 8,         // "names_disagree": see verdict_place.disagrees
    FLAG_LOCATABILITY = 16, // "locatability_low": a place was named, but see verdict.locatability
    FLAG_PART = 32,         // "photo_truncated": the file was cut short, and the model saw what is there
    FLAG_PREVIEW = 64       // "photo_preview": of a camera raw file, the JPEG in it was located
};
enum { VERDICT_FLAGS = 7 };
const char *verdict_flag_name(enum verdict_flag flag);
// The outcome of that name; -1 when there is none.
int verdict_outcome_find(const char *name, enum verdict_outcome *outcome);

// One place that was named, by one or several samples.
struct verdict_place {
    char *country;        // as the gazetteer spells it, else as the model did; "" when not named
    char country_code[3]; // ISO 3166-1 alpha-2, "" when not known
    char *region;         // first-level division, "" when not known
    char *city;           // "" when not named or coarsened away
    bool has_position;
    struct point position; // degrees
    // Uncertainty of the place itself: a city's size, or where 90 % of a country's people live; < 0 when
    // unknown.
    double radius_km;
    double share;         // of the samples, 0..1; < 0 when unknown
    const char *match;    // how the gazetteer found it: "exact", "alternate", "simplified", "fuzzy",
                          // "container", "" (static)
    const char *fallback; // with "container": which of what the model named is meant, "city" ("Old Mill,
                          // Bergen"), "region" or "country"; NULL otherwise (static)
    bool hedged;          // the model named it as a guess or as one of several ("Tokyo or Osaka")
    bool disagrees; // the city named is not known in the country or region named ("Toronto, Germany"), but
                    // elsewhere: one of the two is wrong
    // The country's own position and radius, for --precision country. Without them a place that has a city or
    // region loses its position when it is coarsened to its country.
    bool has_country_position;
    struct point country_position;
    double country_radius_km;
};
void verdict_place_free(struct verdict_place *place); // what it holds; then all zero

// A clue of the reasoning: one line a person can check.
struct verdict_clue {
    const char
        *kind; // "sign", "language", "architecture", "vegetation", "terrain", "road", "vehicle", ... (static)
    char *text;           // the sentence, in one line, without list marks and markdown (locate/clues.h)
    size_t first, length; // where it stands in verdict.reasoning, in bytes; length 0 when it does not
    char *evidence;       // path of the attention map (--explain), or NULL
};
void verdict_clues_free(struct verdict_clue *clues, size_t count); // NULL is fine

// All samples that named one place.
struct verdict_vote {
    struct verdict_place place; // share is that of this place
    size_t count;
};

// The most likely place at one level.
struct verdict_standing {
    char *name;        // of the country, region or city; NULL when nothing was named at this level
    double share;      // of the samples; -1 when unknown
    double confidence; // calibrated, else the share (one sample: see verdict.confidence); -1 when unknown
};

// In the order in which a record tells them.
struct verdict {            // NOLINT(clang-analyzer-optin.performance.Padding)
    char *photo;            // as given on the command line
    char *photo_sha256;     // of the file as it was decoded, 64 hexadecimal digits; NULL when not known
    int64_t photo_modified; // when the file was last written to, nanoseconds since 1970; 0 when not known
    char *hint_sha256;      // with hints for folders: of what the model was told; NULL: nothing
    char
        *evidence_error; // why the attention maps that were asked for are not there; NULL: nothing is missing
    enum verdict_outcome outcome;
    struct error error;         // VERDICT_FAILED
    struct verdict_place place; // the answer (also when abstained)
    enum verdict_level level;   // of the place, when there is one
    // How sure that the place is right, at its level. Calibrated when the model has a calibration for such a
    // run (locate/calibration.h); else with several samples the share that agrees, and with one the
    // probability of the tokens that name it. 0..1, or -1 when unknown (an endpoint without log-probs).
    double confidence;
    bool calibrated;    // confidence, standings and radii
    double probability; // of the words that name the place, of one sample; -1 when unknown
    struct verdict_standing standings[VERDICT_LEVELS];
    struct verdict_vote *votes;          // every place that was named, most votes first
    size_t vote_count, declined, unread; // samples that say that nothing tells, and that name nothing
    unsigned flags;
    // What a reward model says (--locatability) of the photo and the completion that is quoted: how sure it is that the
    // photo can be placed, 0..1. A place whose number is below --locatability-below is not given (VERDICT_ABSTAINED).
    bool has_locatability;
    double locatability;
    // What the photo's own metadata say (EXIF, XMP): measured, never shown to a model.
    bool has_gps, contradicts_gps; // further from the answer than its 90 % radius and VERDICT_FAR_KM
    struct point gps;
    double gps_distance_km;             // to the answer; -1 when unknown
    double radius_50_km, radius_90_km;  // around the answer: holding 50 / 90 % of the truths when calibrated,
                                        // else of the samples; -1 when unknown
    struct verdict_place *alternatives; // other clusters, most likely first
    size_t alternative_count;
    int same_name_countries; // > 1: the city's name exists in so many countries
    char *reasoning;
    struct verdict_clue *clues;
    size_t clue_count;
    char *answer;   // the raw completion the verdict rests on
    char *evidence; // path of the attention map for the answer (--explain), or NULL
    size_t samples, tokens;
    bool truncated; // the completion ran into max_tokens
    // What the server did not take of the request (engine_changes), so that this is not quite the answer to
    // what the settings say; "" when it took all.
    char *server_changes;
    double seconds; // from decoding the file to the last token
};

// Nearer than that to where it was measured an answer contradicts nothing.
#define VERDICT_FAR_KM 50.0

void verdict_free(struct verdict *verdict); // what it holds; then all zero

#endif
