// Any bytes as adapter_config.json: refused with a message, or ranks and scales that can be used.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "model/lora_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char name[] = "model.layers.1.self_attn.q_proj";
    struct error error = {0};
    struct warnings warnings = {0};
    struct lora_config config;
    if (lora_config_parse(&config, (const char *)data, size, "fuzz", &warnings, &error)) {
        if (error.code != ERROR_MODEL) abort();
        return 0;
    }
    size_t rank = lora_config_rank(&config, name, name);
    if (rank < 1 || rank > 65536 || !isfinite(lora_config_alpha(&config, name, name))) abort();
    (void)lora_config_targets(&config, name);
    lora_config_free(&config);
    return 0;
}
