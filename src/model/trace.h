// Looking into a forward pass: whoever wants to see the stages (globe inspect, tests) passes a trace; NULL
// costs nothing. Names are those of the golden data: vision.patch_embed, vision.block.0, hidden.0,
// final_norm, logits ...
#ifndef GLOBE_MODEL_TRACE_H
#define GLOBE_MODEL_TRACE_H

#include <stdbool.h>

#include "tensor/tensor.h"

struct trace {
    // `index` < 0: the name stands alone, else "name.index". The values are on the device, and valid only
    // during the call: what is to be kept has to be downloaded or copied.
    void (*record)(void *context, const char *name, int index, struct matrix values);
    void *context;
    bool queries; // also record "queries.layer", when that layer's keys are in the caches
};

static inline void trace_record(const struct trace *trace, const char *name, int index,
                                struct matrix values) {
    if (trace) trace->record(trace->context, name, index, values);
}

#endif
