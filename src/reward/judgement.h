// How well scores between 0 and 1 tell two classes apart, and how far they are to be believed: for reward models, on rows
// whose class is known.
#ifndef GLOBE_REWARD_JUDGEMENT_H
#define GLOBE_REWARD_JUDGEMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

struct judged {
    double score; // 0..1
    bool yes;     // the class that high scores are to mean
};

enum { JUDGEMENT_BINS = 10, JUDGEMENT_THRESHOLDS = 9 };

struct judgement {
    size_t count, yes;
    double auc;      // area under the ROC curve, equal scores count half; NaN with one class alone
    double accuracy; // at 0.5
    double brier;    // mean squared difference of score and class
    double
        ece; // expected calibration error: |mean score - share of yes| over the bins, weighed by their rows
    struct {
        size_t count;
        double score, yes;  // mean, share; NaN in an empty bin
    } bins[JUDGEMENT_BINS]; // of equal width
    struct {
        double threshold;
        size_t above;             // rows whose score is not below it
        double precision, recall; // of yes; NaN without such rows
        double false_positives;   // share of the no that is above
        double accuracy;
    } thresholds[JUDGEMENT_THRESHOLDS]; // 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99
};

// ERROR_INPUT without rows. The order of `rows` changes.
int judgement_measure(struct judgement *judgement, struct judged *rows, size_t count, struct error *error);

void judgement_print(struct buffer *out, const struct judgement *judgement);
json_t *judgement_json(const struct judgement *judgement); // NULL for want of memory

#endif
