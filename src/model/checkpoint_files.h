// The small files of a checkpoint that is made here: config.json, generation_config.json,
// preprocessor_config.json, in the layout of the published ones.
#ifndef GLOBE_MODEL_CHECKPOINT_FILES_H
#define GLOBE_MODEL_CHECKPOINT_FILES_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "model/config.h"

enum { CHECKPOINT_MIN_PIXELS = 3136, CHECKPOINT_MAX_PIXELS = 12845056 }; // as published

// New references; NULL when memory runs out.
json_t *checkpoint_config_json(const struct model_config *config);
json_t *checkpoint_generation_json(const struct decoder_config *text);
json_t *checkpoint_preprocessor_json(const struct vision_config *vision, int64_t min_pixels,
                                     int64_t max_pixels);

// FOLDER/NAME. Takes the value over; NULL (memory ran out while it was made) is an error.
int checkpoint_write_json(const char *folder, const char *name, json_t *value, struct error *error);

#endif
