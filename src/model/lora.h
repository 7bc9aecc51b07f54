// LoRA adapters: y = W x + b + scale * B(A(x)) with scale = alpha / rank, or alpha / sqrt(rank) for rsLoRA
// (grpo.md section 6). Any number of adapters may be open over one copy of the base weights, and a batch may use
// several: each sequence goes through that of its cache (kv_cache.adapter), each group of model/score.h through
// its own. The base's products are made once for all rows, the low-rank ones for the rows of each adapter. On
// disk they are PEFT folders: adapter_config.json, adapter_model.safetensors.
#ifndef GLOBE_MODEL_LORA_H
#define GLOBE_MODEL_LORA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "tensor/tensor.h"

struct model;
struct lora;

// One adapted layer. Values are F32, on the device; the model computes with copies of its own type
// (lora_refresh).
struct lora_module {
    char name[96]; // published, without ".weight": "model.layers.0.self_attn.q_proj"
    size_t number; // of the layer (model/linear.h)
    size_t rank, in, out;
    double alpha;
    float *a; // [rank, in]
    float *b; // [out, rank]
};

struct lora_options {
    int rank; // at least 1
    double alpha, dropout;
    bool rs;
    const char *targets; // PCRE2 that a whole published name without ".weight" must match; NULL: all linear
                         // layers of the language model
    uint64_t seed;       // A is uniform in +-1/sqrt(in), B is zero
};

struct lora *lora_new(struct model *model, const struct lora_options *options, struct error *error);
// A PEFT folder, or the hub's name of one in the cache (model/hub.h). ERROR_MODEL for what is missing, does not
// fit the model, or is more than LoRA of linear layers (model/lora_config.h). model->warnings gets what is odd:
// another base model, weights that the configuration does not target.
struct lora *lora_open(struct model *model, const char *name, struct error *error);
// ERROR_MODEL, naming both, when an opened adapter was made over other weights than the model's. globe writes into its
// adapters over which ones; of others' only the base's name is known. lora_open just warns of these.
int lora_check_base(const struct lora *lora, struct error *error);
void lora_free(struct lora *lora); // not while a model, a cache or a pass uses it

// The model's own adapter from now on: of caches that are opened, of pictures that are seen, of groups that name
// none. NULL: none.
void lora_use(struct model *model, struct lora *lora);
// The base alone, where a NULL would mean the model's own adapter.
const struct lora *lora_none(void);
// The modules' values have changed.
void lora_refresh(struct lora *lora);
// Dropout of the next passes, a mask of its own for every layer and `pass`. Off after lora_new and lora_open.
void lora_set_dropout(struct lora *lora, bool on, uint64_t seed, uint64_t pass);

// Multiply with the F32 values themselves instead of copies in the model's type, as PEFT does in training. While
// nothing uses it.
void lora_compute_in_f32(struct lora *lora);

size_t lora_count(const struct lora *lora); // modules, in the order of the checkpoint
struct lora_module *lora_module_at(struct lora *lora, size_t index);
// Rank, alpha, dropout and rs as the adapter has them; the rest is empty.
struct lora_options lora_settings(const struct lora *lora);
// How many values lora_new would make; 0 with an error.
size_t lora_planned_values(const struct model *model, const struct lora_options *options,
                           struct error *error);
double lora_scale(const struct lora *lora, const struct lora_module *module);

// What a saved adapter looks like. PEFT calls modules what transformers calls them: since 4.52
// "model.language_model.layers.0 ..." and "model.visual.blocks.0 ...", before that "model.layers.0 ..." and
// "visual.blocks.0 ...". lora_open reads both.
enum lora_names { LORA_NAMES_NEW, LORA_NAMES_OLD };
struct lora_form {
    enum lora_names names;
    enum dtype type; // F32, as PEFT trains and saves, BF16 or F16
};

// A PEFT folder; created if need be.
int lora_save(const struct lora *lora, const struct model *model, const char *folder,
              const struct lora_form *form, struct error *error);
// A whole checkpoint with W + scale B A in the place of W, computed in F32 and rounded to the checkpoint's
// types, or everything in `type` with `convert`.
int lora_merge(const struct lora *lora, const struct model *model, const char *folder, bool convert,
               enum dtype type, struct error *error);
// The same into a folder that must not exist: it is written under another name, then renamed.
int lora_merge_new(const struct lora *lora, const struct model *model, const char *folder, bool convert,
                   enum dtype type, struct error *error);
// ERROR_INPUT when lora_merge_new could not write there.
int lora_check_merge(const char *folder, struct error *error);

#endif
