// What a model's votes are worth: from the number of samples that agree to the probability that they are
// right, for city, region and country each, and from the spread of the samples to the radius that holds the
// true place. Measured on pictures with known places (`globe eval --calibrate`, eval/calibrate.h), kept in
// globe_calibration.json in the model's folder, and valid for runs like those it was measured on only.
#ifndef GLOBE_LOCATE_CALIBRATION_H
#define GLOBE_LOCATE_CALIBRATION_H

#include <stdbool.h>

#include "base/output.h"
#include "generate/sampler.h"
#include "locate/verdict.h"

#define CALIBRATION_FILE "globe_calibration.json" // in the model's folder

enum { CALIBRATION_SAMPLES = 64, CALIBRATION_QUANTILES = 21, CALIBRATION_POINTS = 10, CALIBRATION_RUNS = 16 };

// For one number of samples.
struct calibration_map {
    // [level][k]: probability that what k + 1 samples name is right; never falls with k. For one sample: by the
    // probability of its words, see points.
    double right[VERDICT_LEVELS][CALIBRATION_SAMPLES];
    // Of answers at that level: the mass of votes, and of the prior, that half and nine tenths of the truths
    // have nearer to the answer than themselves (calibration_radius).
    double mass[VERDICT_LEVELS][2];
};

struct calibration_run {
    char prompt[17]; // 64-bit FNV-1a of the text that was asked
    double temperature, top_p, min_p, repetition_penalty, frequency_penalty, presence_penalty, cluster_km;
    int top_k;
    size_t max_pixels;  // that the model sees
    size_t samples;     // 1 to CALIBRATION_SAMPLES: maps[1 .. samples]; with one only maps[1]
    size_t pictures;    // it was measured on
    size_t point_count; // one sample: probabilities of its words, rising, and what they are worth
    double points[CALIBRATION_POINTS], worth[VERDICT_LEVELS][CALIBRATION_POINTS];
    double distances[CALIBRATION_QUANTILES]; // km, of wrong answers from the truth: evenly spaced quantiles
    struct calibration_map maps[CALIBRATION_SAMPLES + 1];
};

struct calibration {
    struct calibration_run *runs;
    size_t count;
};

// ERROR_MODEL for a file that is broken or of another form.
int calibration_read(struct calibration *calibration, const char *path, struct error *error);
extern const struct output_kind calibration_kind; // what may be replaced
int calibration_write(const struct calibration *calibration, const char *path, struct error *error);
// Puts the run in, in the place of one for the same settings.
int calibration_put(struct calibration *calibration, const struct calibration_run *run, struct error *error);
void calibration_free(struct calibration *calibration);

// What says which run it is; no maps.
void calibration_describe(struct calibration_run *run, const char *prompt, const struct sampling *sampling,
                          double cluster_km, size_t max_pixels);
// The one for such a run with `samples`, or NULL. More samples than were measured use the most that were, by
// their share: more samples are surer than that, never less sure.
const struct calibration_run *calibration_find(const struct calibration *calibration,
                                               const struct calibration_run *like, size_t samples);

// Of `votes` among `samples` > 1 at a level, or of one sample by the probability of its words. -1 when a
// single sample's is not known.
double calibration_confidence(const struct calibration_run *run, enum verdict_level level, size_t votes,
                              size_t samples, double probability);
// The radius (km) around the verdict's place that holds half (0) or nine tenths (1) of the truths; -1 when
// there is no position. Every sample lies where it names, as large as that place is, and one more lies where
// wrong answers have been; the radius holds the mass that was measured.
double calibration_radius(const struct calibration_run *run, const struct verdict *verdict, int which);
// The mass nearer than `distance` km.
double calibration_mass(const struct calibration_run *run, const struct verdict *verdict, double distance);

#endif
