// What votes are worth, from the answers of an examination: fitted (`globe eval --calibrate`), or measured on
// other pictures.
#ifndef GLOBE_EVAL_CALIBRATE_H
#define GLOBE_EVAL_CALIBRATE_H

#include "base/buffer.h"
#include "locate/ballot.h"
#include "locate/judge.h"
#include "rows/truth.h"

// A verdict of a JSON-lines file of answers, with the row it is of.
struct calibrate_answer {
    struct verdict verdict;
    const struct truth *truth;
};
struct calibrate_answers {
    struct calibrate_answer *items;
    size_t count;
};
// ERROR_INPUT for a file that holds no records, or too few votes to count (records of an earlier version).
int calibrate_read(struct calibrate_answers *answers, const char *path, const struct truth_list *rows,
                   struct error *error);
void calibrate_free(struct calibrate_answers *answers);

// Fits all of *run but what describes it. With n samples, what fewer are worth is fitted as well, to samples
// drawn from the n. Votes: the share of right answers by the number of votes, rising (isotonic), with one right
// and one wrong answer added to each number. Radii: split conformal, by the level that the answer then has.
// ERROR_INPUT for fewer than 200 answers with a place.
int calibrate_fit(struct calibration_run *run, const struct calibrate_answers *answers,
                  const struct judge_options *options, struct error *error);

struct calibrate_measures {
    size_t answers, at_level[VERDICT_LEVELS]; // with a place; by the level that was given
    // Per level, of all answers that name one: expected calibration error (10 equal bins), mean confidence,
    // share that is right. And of the level that was given.
    double error[VERDICT_LEVELS + 1], sure[VERDICT_LEVELS + 1], right[VERDICT_LEVELS + 1];
    size_t placed;           // with a radius and a truth with a position
    double held_50, held_90; // shares of truths within the radii
    double median_90_km;
    bool calibrated;
};
// Judges every answer again, as `globe locate` would with these options.
int calibrate_measure(struct calibrate_measures *measures, const struct calibrate_answers *answers,
                      const struct judge_options *options, struct error *error);
void calibrate_report(struct buffer *out, const struct calibrate_measures *measures);

#endif
