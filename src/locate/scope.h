// Whether a picture is of the kind that a model was made for, told by its pixels. Statistics of the picture as
// the model sees it are compared with those of pictures that the model was made for: the distance is that to
// the nearest of them, and further than a threshold is out of scope. The threshold is a quantile of the
// distances of held-out pictures (eval/scope_fit.h, `globe eval --scope`).
//
// Statistics of pixels, not of the model's embeddings: a small tower that has seen one kind of picture only maps
// others among them, and pixels are the same in every arithmetic and on every processor. They are
//   steps in brightness to the right, down and by second differences, shares by their size,
//     at full, half, quarter and eighth size                                    [4 * 24]
//   the same of blue and red less brightness, at full size                      [2 * 24]
//   deviation inside blocks of 8 x 8: nine quantiles over the blocks            [9]
//   shares of 4 x 4 x 4 colours                                                 [64]
//   mean and deviation of red, green and blue                                   [6]
//   brightness, the two colours and roughness in 4 x 3 parts of the picture     [48]
// each less its mean, by its deviation over the examples (not less than a floor: what examples share exactly
// must not decide alone), within 5 deviations, in steps of 5/127.
#ifndef GLOBE_LOCATE_SCOPE_H
#define GLOBE_LOCATE_SCOPE_H

#include <stdint.h>

#include "base/error.h"
#include "base/output.h"
#include "photo/image.h"
#include "photo/patches.h"

enum { SCOPE_FEATURES = 6 * 24 + 9 + 64 + 6 + 48 };
#define SCOPE_FILE "globe_scope.safetensors" // in the model's folder

struct scope {
    float mean[SCOPE_FEATURES], scale[SCOPE_FEATURES];
    int8_t *examples;    // [count, SCOPE_FEATURES], scaled
    size_t count;        // 0: there is no scope
    double threshold;    // distances above it are out of scope
    double false_alarms; // share of held-out pictures above the threshold
};

// ERROR_MODEL when the file is missing, broken or no scope.
int scope_open(struct scope *scope, const char *path, struct error *error);
extern const struct output_kind scope_kind; // what may be replaced
int scope_save(const struct scope *scope, const char *path, struct error *error);
void scope_free(struct scope *scope);

// Of a picture, at the size at which a model with this preprocessor sees it.
int scope_look(const struct image *image, const struct photo_preprocessor *preprocessor,
               float features[SCOPE_FEATURES], struct error *error);
// To the nearest example: the root of the mean square over the features.
double scope_distance(const struct scope *scope, const float features[SCOPE_FEATURES]);

// Takes mean, scale and examples from features [count, SCOPE_FEATURES], count > 1; the threshold is the
// caller's.
int scope_fit(struct scope *scope, const float *features, size_t count, struct error *error);

#endif
