// Benchmarks of a model given by folder, or of random weights of a published shape.
#ifndef GLOBE_CLI_BENCH_SHAPE_H
#define GLOBE_CLI_BENCH_SHAPE_H

#include "cli/model_arguments.h"

extern const char *const bench_shapes[]; // names of published shapes, ended by NULL

// The options that choose one, as a command's table lists them: an int and an int64_t.
#define BENCH_SHAPE_OPTIONS(shape, layers)                                    \
    option_choice("shape", 's', "NAME", &(shape), bench_shapes,               \
                  "Without --model: random weights of this published shape"), \
        option_integer("layers", 0, "N", &(layers), 0, 200,                   \
                       "Of the language model with --shape (0: as published)")

// Calls run with the model's folder set: the one that was given, or, without any, a temporary one with
// random weights of the shape (`layers` of the language model, 0: as published), which goes again
// afterwards.
int bench_on_shape(struct model_arguments *model, const char *shape, int layers,
                   int (*run)(void *context, const struct model_arguments *model, const char *name,
                              struct error *error),
                   void *context, struct error *error);

#endif
