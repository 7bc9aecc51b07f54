// The small files of a random checkpoint: configuration, preprocessor, tokenizer. Internal to
// random_checkpoint.
#ifndef GLOBE_MODEL_RANDOM_CHECKPOINT_FILES_H
#define GLOBE_MODEL_RANDOM_CHECKPOINT_FILES_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "model/config.h"

// config.json, generation_config.json, preprocessor_config.json and tokenizer.json into FOLDER. The added
// tokens begin at `first_added` (<|endoftext|>); every id below it gets a token.
int random_checkpoint_write_files(const char *folder, const struct qwen_config *config, int32_t first_added,
                                  struct error *error);
// FOLDER/NAME. Takes the value over; NULL (memory ran out while it was made) is an error.
int random_checkpoint_write_json(const char *folder, const char *name, json_t *value, struct error *error);

#endif
