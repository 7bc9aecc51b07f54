// The vision tower in training; see decoder_backward.h.
#ifndef GLOBE_MODEL_VISION_BACKWARD_H
#define GLOBE_MODEL_VISION_BACKWARD_H

#include "model/decoder_backward.h"
#include "model/vision_internal.h"

struct vision_tape;

// As vision_encode, but with patches on the device, and keeps what the backward pass needs. `patches` and the
// spans of the additions must stay valid until then.
struct vision_tape *vision_tape_run(const struct vision *vision, const struct linear_additions *additions,
                                    struct device *device, enum dtype type, struct matrix patches,
                                    const struct image_grid *grids, size_t grid_count, struct matrix embeds,
                                    enum tape_keep keep, struct workspace *workspace, struct error *error);

// dembeds: as embeds. Stops below the merger unless `blocks_wanted`.
int vision_tape_backward(struct vision_tape *tape, const struct vision *gradients, struct matrix dembeds,
                         bool blocks_wanted, struct error *error);

#endif
