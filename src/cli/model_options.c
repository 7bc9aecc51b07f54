#include "cli/model_options.h"

const char *const model_option_templates[] = {"model", "builtin", NULL};
const char *const model_option_types[] = {"auto", "f32", "bf16", NULL};

struct model_options model_options_default(void) {
    return (struct model_options){.max_pixels = 1003520}; // what GLOBE was trained with
}

struct qwen_options model_options_qwen(const struct model_options *options) {
    return (struct qwen_options){.type = (enum qwen_type)options->type,
                                 .threads = (int)options->threads,
                                 .isa = options->isa,
                                 .adapter = options->adapter,
                                 .builtin_template = options->chat_template == 1,
                                 .min_pixels = (size_t)options->min_pixels,
                                 .max_pixels = (size_t)options->max_pixels};
}

struct qwen *model_options_open(const struct model_options *options, struct error *error) {
    const struct qwen_options open = model_options_qwen(options);
    struct qwen *qwen = qwen_open(options->folder, &open, error);
    if (qwen) warnings_log(&qwen->warnings);
    return qwen;
}
