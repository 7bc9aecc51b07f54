// Whether a picture is of the kind that a model was made for. A score is made of two kinds of features of the picture as
// the model sees it, and above a threshold the picture is out of scope. Weights and threshold come from pictures that
// the model was made for and from others (eval/scope_fit.h, `globe eval --scope`).
//
// The features are statistics of pixels, which tell how a picture was made (grain, edges, colours):
//   steps in brightness to the right, down and by second differences, shares by their size,
//     at full, half, quarter and eighth size                                    [4 * 24]
//   the same of blue and red less brightness, at full size                      [2 * 24]
//   deviation inside blocks of 8 x 8: nine quantiles over the blocks            [9]
//   shares of 4 x 4 x 4 colours                                                 [64]
//   mean and deviation of red, green and blue                                   [6]
//   brightness, the two colours and roughness in 4 x 3 parts of the picture     [48]
// and what the model's own tower makes of it, which tells what it shows: for each stage (patch embedding, every block,
// the tokens for the language model) mean and deviation of each column over the picture.
//
// A feature x counts as z = (x - mean) / scale over the model's own pictures, within 6, and as |z|: that it is unusual
// at all. The score is base + sum(slope * z + bend * (|z| - 0.8)), 0.8 being about the mean of |z|.
#ifndef GLOBE_LOCATE_SCOPE_H
#define GLOBE_LOCATE_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/output.h"
#include "model/model.h"
#include "photo/image.h"

enum { SCOPE_PIXEL_FEATURES = 6 * 24 + 9 + 64 + 6 + 48 }; // the first ones; those of the tower follow
#define SCOPE_FILE "globe_scope.safetensors"              // in the model's folder

struct scope {
    size_t count;                       // of features; 0: there is no scope
    float *mean, *scale, *slope, *bend; // [count]
    double base;
    double threshold;    // scores above it are out of scope
    double false_alarms; // share of held-out pictures above the threshold
    uint64_t model;      // model_identity() of the weights whose tower it listens to
};

// Room for so many features, all zero.
int scope_new(struct scope *scope, size_t count, struct error *error);
void scope_free(struct scope *scope);
// ERROR_MODEL when the file is missing, broken or no scope.
int scope_open(struct scope *scope, const char *path, struct error *error);
extern const struct output_kind scope_kind; // what may be replaced
int scope_save(const struct scope *scope, const char *path, struct error *error);

// Features of a picture: *features is new, and has *count values, the same number for all pictures of a model. One
// pass of the tower: no other may be under way.
int scope_look(const struct image *image, struct model *model, float **features, size_t *count,
               struct error *error);
// features [scope->count]
double scope_score(const struct scope *scope, const float *features);
// z and what counts of |z| of feature k.
void scope_terms(const struct scope *scope, size_t k, float value, float *straight, float *bent);
// What a feature is allowed to differ by without telling anything, in its own unit: what a model's own pictures share
// exactly must not decide alone.
double scope_least_scale(size_t feature);

// Looks and compares. ERROR_MODEL when the scope is one of another tower.
int scope_judge(const struct scope *scope, const struct image *image, struct model *model, double *score,
                struct error *error);

#endif
