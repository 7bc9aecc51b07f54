// Whether a picture is of the kind that a model was made for: what the vision tower says of it, and plain
// statistics of its pixels, against what they are for pictures that the model was made for. A Gaussian with
// full covariance over
//   the mean and the deviation of every embedding value over the picture's tokens,  [2 * hidden]
//   the shares of pixels by the size of their steps in brightness,                  [SCOPE_STEPS]
//   mean and deviation of red, green and blue                                       [6]
// gives a distance (Mahalanobis); further than the threshold is out of scope. The threshold is a quantile of
// the distances of held-out pictures (eval/scope_fit.h, `globe eval --scope`).
//
// A covariance is not trusted in directions in which the examples hardly differ: a share of the mean variance
// is added everywhere, so that the rounding of BF16 or of another instruction set moves a distance little.
#ifndef GLOBE_LOCATE_SCOPE_H
#define GLOBE_LOCATE_SCOPE_H

#include "base/error.h"
#include "model/qwen.h"
#include "photo/image.h"

enum { SCOPE_STEPS = 8, SCOPE_PIXEL_FEATURES = SCOPE_STEPS + 6 };
#define SCOPE_FILE "globe_scope.safetensors" // in the model's folder

struct scope {
    size_t size;         // of a feature vector
    float *mean;         // [size]
    float *scale;        // [size], of each feature
    float *factor;       // [size, size], lower triangle: Cholesky factor of the covariance of scaled features
    double threshold;    // distances above it are out of scope
    size_t pictures;     // it was fitted on
    double false_alarms; // share of held-out pictures above the threshold
};

// ERROR_MODEL when the file is missing, broken, or of another model than one with `hidden` values.
int scope_open(struct scope *scope, const char *path, size_t hidden, struct error *error);
int scope_save(const struct scope *scope, const char *path, struct error *error);
void scope_free(struct scope *scope);

size_t scope_size(const struct qwen *qwen);
// features [scope_size(qwen)].
int scope_look(struct qwen *qwen, const struct image *image, float *features, struct error *error);
// The distance, divided by the root of the number of features: about 1 for a typical picture.
double scope_distance(const struct scope *scope, const float *features);

// Fits mean, scale and factor to features [count, size], count > 1; the threshold is the caller's.
int scope_fit(struct scope *scope, const float *features, size_t count, size_t size, struct error *error);

#endif
