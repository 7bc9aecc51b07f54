#include "cli/model_arguments.h"

const char *const model_option_templates[] = {"model", "builtin", NULL};
const char *const model_option_types[] = {"auto", "f32", "bf16", NULL};

struct model_arguments model_arguments_default(void) {
    return (struct model_arguments){.max_pixels = 1003520}; // what GLOBE was trained with
}

struct model_options model_arguments_resolve(const struct model_arguments *options) {
    return (struct model_options){.type = (enum model_type)options->type,
                                  .threads = (int)options->threads,
                                  .isa = options->isa,
                                  .adapter = options->adapter,
                                  .exact = options->exact,
                                  .builtin_template = options->chat_template == 1,
                                  .min_pixels = (size_t)options->min_pixels,
                                  .max_pixels = (size_t)options->max_pixels};
}

struct model *model_arguments_open(const struct model_arguments *options, struct error *error) {
    const struct model_options open = model_arguments_resolve(options);
    struct model *model = model_open(options->folder, &open, error);
    if (model) warnings_log(model_facts(model)->warnings);
    return model;
}
