// globe inspect: every stage of one prompt into a file.
#include <stdio.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "generate/inspect.h"

int command_inspect(int argc, char **argv) {
    struct model_options model = model_options_default();
    struct inspect_options inspect = {0};
    const char *dump = NULL;
    int64_t greedy = 0;
    const struct option table[] = {
        MODEL_OPTIONS(model),
        option_string("messages", 'm', "FILE", &inspect.messages, "Chat messages (JSON)"),
        option_string("images", 'i', "DIR", &inspect.images,
                      "Folder of relative image paths (default: of FILE)"),
        option_integer("greedy", 'g', "N", &greedy, 0, 65536, "Also generate N tokens greedily"),
        option_string("continuation", 'c', "FILE", &inspect.continuation,
                      "Also score these token ids (JSON list)"),
        option_string("dump", 'd', "FILE", &dump, "Where to write the stages (safetensors)"),
        {0},
    };
    const struct usage usage = {
        .command = "inspect",
        .options = table,
        .description =
            "Runs one prompt and writes every stage of the model to a safetensors file: input_ids,\n"
            "position_ids, resized_rgb.i, pixel_values, vision.*, inputs_embeds, hidden.l, logits ...\n"
            "Images are read as the reference reads them (EXIF orientation ignored).",
        .examples = "globe inspect --model DIR --messages chat.json --dump out.safetensors\n",
    };
    struct operands none;
    int status;
    if (!options_parse(&usage, argc, argv, &none, &status)) return status;
    struct error error = {0};
    if (!model.folder || !inspect.messages || !dump) {
        error_set(&error, ERROR_USAGE, "--model, --messages and --dump are needed");
        return command_fail(&error);
    }
    inspect.greedy = (size_t)greedy;
    struct qwen *qwen = model_options_open(&model, &error);
    if (!qwen) return command_fail(&error);
    int result = inspect_run(qwen, &inspect, dump, &error);
    qwen_close(qwen);
    if (result) return command_fail(&error);
    log_info("wrote %s", dump);
    return 0;
}
