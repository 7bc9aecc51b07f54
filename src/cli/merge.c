// globe merge: an adapter and its base become one checkpoint.
#include "base/log.h"
#include "base/output.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "model/lora.h"
#include "model/model.h"

struct settings {
    const char *model, *adapter, *out;
    int type; // of `types`
};

static const char *const types[] = {"auto", "f32", "bf16", "f16", NULL};

static int merge(const struct settings *settings, struct error *error) {
    static const enum dtype written[] = {DTYPE_F32, DTYPE_F32, DTYPE_BF16, DTYPE_F16};
    const struct model_options options = {.type = MODEL_TYPE_F32, .builtin_template = true};
    if (lora_check_merge(settings->out, error)) return -1; // before a large model is opened
    struct model *model = model_open(settings->model, &options, error);
    if (!model) return -1;
    struct lora *lora = lora_open(model, settings->adapter, error);
    warnings_log(model_facts(model)->warnings);
    int result =
        lora ? lora_merge_new(lora, model, settings->out, settings->type != 0, written[settings->type], error)
             : -1;
    if (result == 0)
        log_info("wrote %s: %zu layers of %s are merged", settings->out, lora_count(lora), settings->adapter);
    lora_free(lora);
    model_close(model);
    return result;
}

int command_merge(int argc, char **argv) {
    struct settings s = {.type = 0};
    const struct option table[] = {
        option_string("model", 'm', "DIR", &s.model, "The checkpoint that the adapter was trained over"),
        option_string("adapter", 'a', "DIR", &s.adapter, "The adapter, a PEFT folder"),
        option_string("out", 'o', "DIR", &s.out, "The checkpoint to write; it must not exist"),
        option_choice("dtype", 0, "TYPE", &s.type, types, "What weights are written in (auto: as they are)"),
        {0},
    };
    const struct usage usage = {
        .command = "merge",
        .options = table,
        .description =
            "Adds a LoRA adapter to the weights of its base and writes one checkpoint, which every\n"
            "program loads without knowing of adapters. Sums are made in F32 and rounded once.",
        .examples = "globe merge --model DIR --adapter runs/sft/best --out merged\n"
                    "globe merge --model DIR --adapter runs/sft/best --out merged --dtype f32\n",
    };
    struct operands none;
    struct error error = {0};
    int status;
    if (!options_parse(&usage, argc, argv, &none, &status)) return status;
    if (!s.model || !s.adapter || !s.out) {
        error_set(&error, ERROR_USAGE, "--model, --adapter and --out are needed");
        return command_fail(&error);
    }
    struct outputs outputs = {.command = "globe merge"};
    int failed = outputs_add(&outputs, "--out", s.out, NULL, true, &error) || merge(&s, &error);
    outputs_release(&outputs);
    return failed ? command_fail(&error) : ERROR_NONE;
}
