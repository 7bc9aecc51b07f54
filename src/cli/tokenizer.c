// globe tokenizer: learns the vocabulary of a new model.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/log.h"
#include "base/output.h"
#include "base/signals.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "rows/row.h"
#include "text/bpe_train.h"
#include "text/chat.h"

enum { READ_SIZE = 1 << 16 };

struct corpus {
    struct bpe_trainer *trainer;
    bool rows, chat;
};

// ---- rows -----------------------------------------------------------------------------------------------

static int add_messages(const struct corpus *corpus, const struct chat *chat, struct error *error) {
    for (size_t m = 0; m < chat->count; m++)
        for (size_t p = 0; p < chat->messages[m].part_count; p++) {
            const struct chat_part *part = &chat->messages[m].parts[p];
            if (part->kind == CHAT_TEXT &&
                bpe_trainer_add(corpus->trainer, part->text, strlen(part->text), error))
                return -1;
        }
    return 0;
}

static int add_prompt(const struct corpus *corpus, const struct chat *chat, struct error *error) {
    struct buffer prompt = {0};
    chat_render(chat, false, false, &prompt);
    int result = prompt.failed ? error_set(error, ERROR_MEMORY, "out of memory")
                               : bpe_trainer_add(corpus->trainer, prompt.data, prompt.length, error);
    buffer_free(&prompt);
    return result;
}

static int add_row(const struct corpus *corpus, const char *line, size_t length, struct error *error) {
    struct chat chat = {0};
    if (length == 0) return 0;
    if (row_parse(&chat, line, length, ROW_OWN_IMAGES, NULL, error)) return -1;
    int result = corpus->chat ? add_prompt(corpus, &chat, error) : add_messages(corpus, &chat, error);
    chat_free(&chat);
    return result;
}

static int add_rows(const struct corpus *corpus, FILE *stream, const char *name, struct error *error) {
    char *line = NULL;
    size_t capacity = 0, number = 0;
    ssize_t length;
    int result = 0;
    while (result == 0 && (length = getline(&line, &capacity, stream)) >= 0) {
        number++;
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) length--;
        if (add_row(corpus, line, (size_t)length, error))
            result = error_prefix(error, "%s: line %zu", name, number);
        else
            result = signals_check(error);
    }
    if (result == 0 && ferror(stream)) result = error_set_errno(error, name, "cannot read");
    free(line);
    return result;
}

// ---- texts ----------------------------------------------------------------------------------------------

static int add_text(const struct corpus *corpus, FILE *stream, const char *name, struct error *error) {
    struct buffer text = {0};
    char piece[READ_SIZE];
    size_t got;
    while (!text.failed && (got = fread(piece, 1, sizeof piece, stream)) > 0) buffer_add(&text, piece, got);
    int result = 0;
    if (text.failed)
        result = error_set(error, ERROR_MEMORY, "%s: out of memory", name);
    else if (ferror(stream))
        result = error_set_errno(error, name, "cannot read");
    else if (text.length)
        result = bpe_trainer_add(corpus->trainer, text.data, text.length, error);
    buffer_free(&text);
    return result ? result : signals_check(error);
}

static bool is_rows(const struct corpus *corpus, const char *path) {
    size_t length = strlen(path);
    return corpus->rows || corpus->chat || (length > 6 && strcmp(path + length - 6, ".jsonl") == 0);
}

static int add_file(const struct corpus *corpus, const char *path, struct error *error) {
    bool standard = strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    if (!standard && file_is_directory(path))
        return error_set(error, ERROR_INPUT, "%s: is a folder, not a file", path);
    FILE *stream = standard ? stdin : fopen(path, "rbe");
    if (!stream) return error_set_errno(error, path, "cannot open");
    int result =
        is_rows(corpus, path) ? add_rows(corpus, stream, name, error) : add_text(corpus, stream, name, error);
    if (!standard) fclose(stream);
    return result;
}

// ---- the command ----------------------------------------------------------------------------------------

static void report(const struct bpe_trainer *trainer, size_t wanted, const char *folder) {
    size_t bytes = bpe_trainer_bytes(trainer), size = bpe_trainer_size(trainer);
    if (size < wanted) log_warning("only %zu tokens: no pair is left that occurs twice", size);
    log_info("%s: %zu tokens; %zu bytes, %zu different words, %.2f bytes per token", folder, size, bytes,
             bpe_trainer_words(trainer), (double)bytes / (double)bpe_trainer_encoded(trainer));
}

static int train(struct corpus *corpus, const struct operands *files, size_t size, const char *folder,
                 struct error *error) {
    corpus->trainer = bpe_trainer_new(error);
    int result = corpus->trainer ? 0 : -1;
    for (int i = 0; i < files->count && result == 0; i++) result = add_file(corpus, files->values[i], error);
    if (result == 0) result = bpe_trainer_learn(corpus->trainer, size, error);
    if (result == 0) result = bpe_trainer_save(corpus->trainer, folder, error);
    if (result == 0) report(corpus->trainer, size, folder);
    bpe_trainer_free(corpus->trainer);
    return result;
}

static const char *const written[] = {"tokenizer.json", "tokenizer_config.json", "chat_template.json"};

// Not even --force takes the place of what is learned from.
static int spare_corpus(const struct operands *files, const char *folder, struct error *error) {
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof written / sizeof *written; i++) {
        char *path = file_join(folder, written[i], error);
        struct stat output, input;
        if (!path) return -1;
        bool there = stat(path, &output) == 0;
        for (int k = 0; there && result == 0 && k < files->count; k++)
            if (stat(files->values[k], &input) == 0 && input.st_dev == output.st_dev &&
                input.st_ino == output.st_ino)
                result = error_set(error, ERROR_USAGE, "%s: is a corpus, and --out would replace it",
                                   files->values[k]);
        free(path);
    }
    return result;
}

// A tokenizer cannot be told from somebody else's, and a model beside it is worth nothing without its own.
static int check_folder(const char *folder, struct error *error) {
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof written / sizeof *written; i++) {
        char *path = file_join(folder, written[i], error);
        if (!path) return -1;
        if (file_exists(path))
            result = error_set(error, ERROR_INPUT, "%s: is there already; choose another folder, or --force",
                               path);
        free(path);
    }
    return result;
}

static int claim_and_train(struct corpus *corpus, const struct operands *files, size_t size,
                           const char *folder, bool force, struct error *error) {
    struct outputs outputs = {.command = "globe tokenizer train", .force = force};
    int result = outputs_add(&outputs, "--out", folder, NULL, true, error);
    if (result == 0) result = spare_corpus(files, folder, error);
    if (result == 0 && !force) result = check_folder(folder, error);
    if (result == 0) result = train(corpus, files, size, folder, error);
    outputs_release(&outputs);
    return result;
}

static int run_train(int argc, char **argv) {
    const char *folder = NULL;
    bool force = false;
    int64_t size = 0;
    struct corpus corpus = {0};
    const struct option table[] = {
        option_string("out", 'o', "DIR", &folder, "Folder for the tokenizer's files (needed)"),
        option_integer("size", 's', "N", &size, BPE_TRAINER_LEAST_SIZE, BPE_TRAINER_MOST_SIZE,
                       "Tokens, bytes and added ones included (needed)"),
        option_flag("rows", 0, &corpus.rows, "All of CORPUS is rows, whatever its name"),
        option_flag("chat", 0, &corpus.chat, "Rows, as a model sees them: with the template's words"),
        option_flag("force", 0, &force, "Replace the tokenizer that is in the folder"),
        {0},
    };
    const struct usage usage = {
        .command = "tokenizer train",
        .arguments = "CORPUS...",
        .at_least = 1,
        .at_most = -1,
        .options = table,
        .description =
            "Learns a byte-level BPE with the rules of Qwen2.5 from texts. CORPUS is text, or JSON\n"
            "lines of conversations when its name ends in .jsonl; - is standard input.",
        .examples = "globe tokenizer train --out words --size 3000 --chat cards/postcards.jsonl\n"
                    "zcat texts.gz | globe tokenizer train --out words --size 32000 -\n",
    };
    struct operands files;
    struct error error = {0};
    int status;
    if (!options_parse(&usage, argc, argv, &files, &status)) return status;
    signals_catch();
    int failed = !folder ? error_set(&error, ERROR_USAGE, "--out DIR is needed: the folder for the files")
                 : !size ? error_set(&error, ERROR_USAGE, "--size N is needed: how many tokens")
                         : claim_and_train(&corpus, &files, (size_t)size, folder, force, &error);
    return failed ? command_fail(&error) : ERROR_NONE;
}

int command_tokenizer(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "train") == 0) return run_train(argc - 1, argv + 1);
    if (argc > 1 && argv[1][0] != '-') {
        struct error error;
        error_set(&error, ERROR_USAGE, "there is no '%s'; there is train", argv[1]);
        return command_fail(&error);
    }
    const struct usage usage = {
        .command = "tokenizer",
        .arguments = "ACTION ...",
        .at_least = 1,
        .at_most = -1,
        .description = "Makes tokenizers for new models. The action has its own --help:\n"
                       "  train   Learn a vocabulary from texts",
        .examples = "globe tokenizer train --out words --size 3000 --chat cards/postcards.jsonl\n",
    };
    struct operands operands;
    int status;
    if (!options_parse(&usage, argc, argv, &operands, &status)) return status;
    return ERROR_USAGE;
}
