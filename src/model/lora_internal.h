// Private to lora*.c.
#ifndef GLOBE_MODEL_LORA_INTERNAL_H
#define GLOBE_MODEL_LORA_INTERNAL_H

#include "model/lora.h"
#include "model/model_internal.h"

#define LORA_PREFIX "base_model.model." // of every key in a file
#define LORA_BASE_KEY "globe_base"      // of the file's metadata: lora_describe_base
enum { LORA_BASE_SIZE = 17 };

struct lora {
    struct device *device;
    struct lora_module *modules;
    size_t count;
    struct low_rank *layers; // [tensors], by the layers' numbers: what the model computes with
    size_t tensors;          // of the model: how long its list is
    int rank;
    double alpha, dropout;
    bool rs;
    enum dtype type; // of the working copies
    size_t stray;    // modules of the file that its configuration does not target
    char first_stray[160];
    char recorded[LORA_BASE_SIZE]; // over which weights it was made, as its file says; "" when it does not
    bool other_base;               // not over the model's
    char base[600];                // what to say of that
};

// Which weights these are, as adapters record it.
void lora_describe_base(const struct model *model, char text[LORA_BASE_SIZE]);

// Room for every tensor of the list.
struct lora *lora_new_empty(const struct model *model, size_t tensors, struct error *error);
// Adds a module with zeroed values; there must be room.
struct lora_module *lora_add(struct lora *lora, const struct part *part, size_t rank, struct error *error);
// A module's matrices on the device.
struct matrix lora_a(const struct lora_module *module);
struct matrix lora_b(const struct lora_module *module);
// "model.layers.0.mlp.up_proj" of a part that is the weight of a linear layer.
void lora_name(const struct part *part, char *name, size_t size);

#endif
