// adapter_config.json of a PEFT folder: what of it plain LoRA needs, and a refusal of all that would make it
// compute something else (PEFT 0.18, src/peft/tuners/lora/config.py).
#ifndef GLOBE_MODEL_LORA_CONFIG_H
#define GLOBE_MODEL_LORA_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/warnings.h"

struct lora_config {
    int rank;              // "r"
    double alpha, dropout; // "lora_alpha", "lora_dropout"
    bool rs;               // "use_rslora"
    const char *base;      // "base_model_name_or_path", or NULL
    json_t *json;          // the whole
};

// FOLDER/adapter_config.json, or its text. ERROR_MODEL naming the file and the key for what is broken, and for what
// is more than LoRA of linear layers: other methods; starts that changed the base weights (PiSSA, OLoRA, CorDA, LoRA-GA,
// LoftQ); DoRA, QA-LoRA, activated LoRA, biases, saved modules, parameters, tokens, repeated layers; keys that nobody
// knows and that switch something on. Others that nobody knows become warnings. Free it with lora_config_free.
int lora_config_read(struct lora_config *config, const char *folder, struct warnings *warnings,
                     struct error *error);
int lora_config_parse(struct lora_config *config, const char *text, size_t length, const char *name,
                      struct warnings *warnings, struct error *error);
void lora_config_free(struct lora_config *config);

// Of the module that the weights call `name` (without "base_model.model." and ".lora_A.weight"), or by its published
// name: rank_pattern's or r, alpha_pattern's or lora_alpha.
size_t lora_config_rank(const struct lora_config *config, const char *name, const char *published);
double lora_config_alpha(const struct lora_config *config, const char *name, const char *published);
// Whether target_modules, exclude_modules, layers_to_transform and layers_pattern mean this module, as PEFT reads them;
// true when they cannot be understood.
bool lora_config_targets(const struct lora_config *config, const char *name);

#endif
