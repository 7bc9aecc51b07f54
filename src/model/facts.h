// What the rooms above may know of a model that is open.
#ifndef GLOBE_MODEL_FACTS_H
#define GLOBE_MODEL_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/warnings.h"
#include "model/config.h"
#include "photo/patches.h"
#include "tensor/device.h"
#include "text/tokenizer.h"

struct model;

struct model_facts {
    const char *folder;     // of the checkpoint
    const char *short_name; // of the model: the last part of the folder
    // The language model.
    size_t hidden, layers, vocab;
    size_t context; // tokens of prompt and answer together
    bool tied;      // the head is the embedding
    // Pictures.
    size_t token_side;             // pixels of the resized picture, in each direction, that become one token
    size_t patches_per_token;      // rows of prompt.patches
    size_t min_pixels, max_pixels; // of a resized picture, where a message asks for nothing else
    int32_t image_id, video_id;    // placeholders, which no answer has
    // Tokens that end an answer.
    const int32_t *stops;
    size_t stop_count;
    const struct generation_defaults *generation;
    // Weights and computing.
    size_t weight_bytes;
    size_t cache_bytes; // of keys and values of one token
    size_t step_bytes;  // of the weights that one decoding step reads
    enum dtype dtype;   // of the weights
    enum dtype type;    // of the computing
    int threads;        // 0: the device has none
    const char *device; // its description
    bool exact;         // model_options.exact
    const struct warnings
        *warnings; // odd but harmless, or not honoured, about the files of model and adapters
};

// Valid as long as the model is open.
const struct model_facts *model_facts(const struct model *model);
const struct tokenizer *model_tokenizer(const struct model *model);
const struct photo_preprocessor *model_preprocessor(const struct model *model);
struct device *model_device(const struct model *model);
// A number that tells the checkpoint's weights from others in no time: names, shapes, a little of every tensor.
uint64_t model_identity(const struct model *model);

// Products with weights of one shape [out, in] that a pass makes: `times` of them over `rows` rows.
struct model_product {
    size_t rows, out, in, times;
};
enum { MODEL_MAX_PRODUCTS = 32 };
// Of the tower, and what joins it to the language model, over that many patches. Returns how many; 0 with an error.
size_t model_vision_products(const struct model *model, size_t patches,
                             struct model_product products[MODEL_MAX_PRODUCTS], struct error *error);
// Of the language model's layers, without the head.
size_t model_text_products(const struct model *model, size_t tokens,
                           struct model_product products[MODEL_MAX_PRODUCTS], struct error *error);

#endif
