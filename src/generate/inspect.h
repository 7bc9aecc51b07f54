// One prompt through the model with every stage written down, under the names that the golden data has. For
// porting, for bug reports, and for our own tests.
#ifndef GLOBE_GENERATE_INSPECT_H
#define GLOBE_GENERATE_INSPECT_H

#include "base/error.h"
#include "model/model.h"

struct inspect_options {
    const char *messages;     // a JSON file with a chat
    const char *images;       // folder of relative image paths; NULL: the messages' own
    const char *continuation; // a JSON file with a list of token ids, or NULL
    size_t greedy;            // tokens of plain argmax to follow the prompt
};

// Writes input_ids, position_ids, image_grid_thw, resized_rgb.i, pixel_values, vision.*, inputs_embeds,
// hidden.l, final_norm, logits, and where asked for greedy.ids, greedy.logprobs, fixed.ids, fixed.logprobs to
// the safetensors file `path`. The file is written at the end, whole or not at all.
int inspect_run(struct model *model, const struct inspect_options *options, const char *path,
                struct error *error);

#endif
