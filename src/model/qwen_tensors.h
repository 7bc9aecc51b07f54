// All tensors of a Qwen2.5-VL checkpoint by published name and shape (qwen2_5_vl.md section 2.1).
#ifndef GLOBE_MODEL_QWEN_TENSORS_H
#define GLOBE_MODEL_QWEN_TENSORS_H

#include <stddef.h>

#include "model/config.h"

// One visit per tensor, language model first, lm_head only when it is not tied; a result other than 0 ends
// the walk and is returned.
int qwen_tensors_visit(const struct qwen_config *config,
                       int (*visit)(void *context, const char *name, int dims, const size_t *shape),
                       void *context);

#endif
