// Any bytes as config.json and as generation_config.json: refused with a message, or the values fit together.
#include <stdint.h>
#include <stdlib.h>

#include "model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_config(const struct model_config *config) {
    const struct decoder_config *text = &config->text;
    const struct vision_config *vision = &config->vision;
    if (text->heads % text->kv_heads || text->head_dim % 2 || text->head_dim < 1) abort();
    if (vision->hidden % vision->heads || vision->window % (vision->patch * vision->merge)) abort();
    if (vision->out_hidden != text->hidden || vision->in_channels != 3) abort();
    if (config->image_id < 0 || config->image_id >= text->vocab || text->eos >= text->vocab) abort();
    for (int i = 0; i < vision->full_count; i++)
        if (vision->full_blocks[i] < 0 || vision->full_blocks[i] >= vision->depth) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error error = {0};
    struct model_config config;
    if (model_config_parse(&config, (const char *)data, size, "fuzz", &error) == 0)
        check_config(&config);
    else if (error.code != ERROR_MODEL)
        abort();
    struct generation_defaults defaults;
    error = (struct error){0};
    if (generation_defaults_parse(&defaults, (const char *)data, size, "fuzz", &error) == 0) {
        if (defaults.eos_count < 0 || defaults.eos_count > GENERATION_MAX_EOS || defaults.top_k < 0) abort();
    } else if (error.code != ERROR_MODEL) {
        abort();
    }
    return 0;
}
