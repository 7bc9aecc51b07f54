// What benchmarks ask a model.
#ifndef GLOBE_BENCH_PROMPT_H
#define GLOBE_BENCH_PROMPT_H

#include "model/model.h"

// A picture with structure everywhere, so that no stage finds an easy case. Free it with image_free.
int bench_draw(struct image *image, size_t width, size_t height, struct error *error);
// A picture and roughly so many tokens of text. Free it with prompt_free.
int bench_prompt(const struct model *model, size_t text_tokens, const struct image *image,
                 struct prompt *prompt, struct error *error);

#endif
