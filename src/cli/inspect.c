// globe inspect: every stage of one prompt into a file.
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/output.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/model_arguments.h"
#include "cli/options.h"
#include "generate/inspect.h"

static bool is_dump(const char *start, size_t length) {
    return length > 8 && strstr(start + 8, "\"globe inspect\"");
}
static const struct output_kind dump_kind = {"a dump of globe inspect", is_dump};

static int claim(struct outputs *outputs, const char *dump, const struct model_arguments *model,
                 const struct inspect_options *inspect, struct error *error) {
    return outputs_add(outputs, "--dump", dump, &dump_kind, false, error) ||
                   outputs_spare_folder(outputs, "a file of the model", model->folder, error) ||
                   (model->adapter &&
                    outputs_spare_folder(outputs, "a file of the adapter", model->adapter, error)) ||
                   outputs_spare(outputs, "the messages", inspect->messages, error) ||
                   (inspect->continuation &&
                    outputs_spare(outputs, "the ids", inspect->continuation, error)) ||
                   (inspect->images && outputs_spare_folder(outputs, "a picture", inspect->images, error))
               ? -1
               : 0;
}

int command_inspect(int argc, char **argv) {
    struct model_arguments arguments = model_arguments_default();
    struct inspect_options inspect = {0};
    const char *dump = NULL;
    bool force = false;
    int64_t greedy = 0;
    const struct option table[] = {
        MODEL_ARGUMENTS(arguments),
        option_string("messages", 'm', "FILE", &inspect.messages, "Chat messages (JSON)"),
        option_string("images", 'i', "DIR", &inspect.images,
                      "Folder of relative image paths (default: of FILE)"),
        option_integer("greedy", 'g', "N", &greedy, 0, 65536, "Also generate N tokens greedily"),
        option_string("continuation", 'c', "FILE", &inspect.continuation,
                      "Also score these token ids (JSON list)"),
        option_string("dump", 'd', "FILE", &dump, "Where to write the stages (safetensors)"),
        option_flag("force", 0, &force, "Replace a file that globe inspect did not write"),
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
    if (!arguments.folder || !inspect.messages || !dump) {
        error_set(&error, ERROR_USAGE, "--model, --messages and --dump are needed");
        return command_fail(&error);
    }
    inspect.greedy = (size_t)greedy;
    struct outputs outputs = {.command = "globe inspect", .force = force};
    int result = claim(&outputs, dump, &arguments, &inspect, &error);
    struct model *model = result == 0 ? model_arguments_open(&arguments, &error) : NULL;
    result = model ? inspect_run(model, &inspect, dump, &error) : -1;
    model_close(model);
    outputs_release(&outputs);
    if (result) return command_fail(&error);
    log_info("wrote %s", dump);
    return 0;
}
