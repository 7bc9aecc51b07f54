// The vision tower: patches of one or several images become embeddings of the language model (qwen2_5_vl.md
// section 4).
#ifndef GLOBE_MODEL_VISION_H
#define GLOBE_MODEL_VISION_H

#include "base/memory.h"
#include "model/checkpoint.h"
#include "model/mrope.h"
#include "model/trace.h"
#include "tensor/device.h"
#include "tensor/workspace.h"

struct linear_additions;
struct vision;

// Resolves and checks all `visual.*` tensors, which the device adopts. Both must outlive it.
struct vision *vision_new(const struct vision_config *config, struct error *error);
void vision_free(struct vision *vision);

// patches [P, 3 * temporal * patch^2] F32 of all images one after the other (P = sum of frames * height *
// width), host memory; embeds [P / merge^2, out_hidden], F32, raster order, on the device. Computes in
// `type`, with additions to the rows of patches. Temporaries come from the workspace.
int vision_encode(const struct vision *vision, const struct linear_additions *additions,
                  struct device *device, enum dtype type, struct matrix patches,
                  const struct image_grid *grids, size_t grid_count, struct matrix embeds,
                  struct workspace *workspace, const struct trace *trace, struct error *error);

// Order in which the tower works, exposed for tests: merge groups of all images sorted into windows.
// `windows` receives the length of each window in patches; both arrays have room for every group. Returns the
// number of windows.
size_t vision_window_order(const struct vision_config *config, const struct image_grid *grids,
                           size_t grid_count, size_t *group_index, size_t *windows);

#endif
