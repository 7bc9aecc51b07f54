// What the small JSON files of a checkpoint say that nobody here understands or does: told by name, so that a result
// is never another one in silence.
#ifndef GLOBE_MODEL_CONFIG_KEYS_H
#define GLOBE_MODEL_CONFIG_KEYS_H

#include "base/warnings.h"

struct model_family;

// Looks at config.json, generation_config.json and tokenizer_config.json of a folder that has been read well.
void config_keys_check(const char *folder, const struct model_family *family, struct warnings *warnings);

#endif
