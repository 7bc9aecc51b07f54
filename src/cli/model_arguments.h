// The options that every command with a model has.
#ifndef GLOBE_CLI_MODEL_ARGUMENTS_H
#define GLOBE_CLI_MODEL_ARGUMENTS_H

#include "cli/options.h"
#include "model/model.h"

struct model_arguments {
    const char *folder;
    int type;                                // enum model_type
    int64_t threads, min_pixels, max_pixels; // 0: automatic, the checkpoint's
    const char *isa;
    const char *adapter; // PEFT folder, or NULL
    bool exact;          // model_options.exact; no option of the command line
    int chat_template;   // 0: the checkpoint's, which must be the built-in one; 1: the built-in one
};

struct model_arguments model_arguments_default(void);
extern const char *const model_option_types[], *const model_option_templates[];

// Entries for an option table.
#define MODEL_ARGUMENTS(m)                                                                                 \
    option_string("model", 'M', "DIR", &(m).folder,                                                        \
                  "Checkpoint folder, or its name in the Hugging Face cache"),                             \
        option_string("adapter", 'A', "DIR", &(m).adapter, "LoRA adapter over it (PEFT folder)"),          \
        option_choice("dtype", 0, "TYPE", &(m).type, model_option_types, "Arithmetic: auto, f32 or bf16"), \
        option_integer("max-pixels", 0, "N", &(m).max_pixels, 0, 16777216,                                 \
                       "Largest picture the model sees, at most its own (0: its own)"),                    \
        option_integer("min-pixels", 0, "N", &(m).min_pixels, 0, 16777216,                                 \
                       "Smallest (0: the checkpoint's)"),                                                  \
        option_choice("chat-template", 0, "WHICH", &(m).chat_template, model_option_templates,             \
                      "The model's, refused if it is not built in, or builtin"),                           \
        option_integer("threads", 't', "N", &(m).threads, 0, 1024, "Threads (0: all processors)"),         \
        option_string("isa", 0, "SET", &(m).isa,                                                           \
                      "Instruction set: portable, avx2, avx512, amx (default: the best)")

// As the model room wants them.
struct model_options model_arguments_resolve(const struct model_arguments *options);
// Opens the model and says on stderr what is odd about it.
struct model *model_arguments_open(const struct model_arguments *options, struct error *error);

#endif
