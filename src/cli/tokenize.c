// globe tokenize: text to token ids and back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "model/hub.h"
#include "text/tokenizer.h"

struct settings {
    bool decode, json, plain, skip_special;
};

// The text of a line: itself, or the string that it is in JSON.
static int line_text(const char *line, size_t length, bool json, struct buffer *text, struct error *error) {
    if (!json) {
        buffer_add(text, line, length);
        return 0;
    }
    json_t *value = json_read_buffer(line, length, "standard input", error);
    if (!value) return -1;
    int result = 0;
    if (json_is_string(value))
        buffer_add(text, json_string_value(value), json_string_length(value));
    else
        result = error_set(error, ERROR_INPUT, "standard input: expected a JSON string on every line");
    json_decref(value);
    return result;
}

static int encode_line(const struct tokenizer *tokenizer, const char *line, size_t length,
                       const struct settings *settings, struct error *error) {
    struct buffer text = {0};
    struct ids ids = {0};
    int result = line_text(line, length, settings->json, &text, error);
    if (result == 0 && text.failed) result = error_set(error, ERROR_MEMORY, "out of memory");
    if (result == 0)
        result = tokenizer_encode(tokenizer, text.data ? text.data : "", text.length, !settings->plain, &ids,
                                  error);
    if (result == 0) {
        if (settings->json) putchar('[');
        for (size_t i = 0; i < ids.count; i++)
            printf("%s%d", i == 0 ? "" : settings->json ? ", " : " ", ids.data[i]);
        puts(settings->json ? "]" : "");
    }
    buffer_free(&text);
    ids_free(&ids);
    return result;
}

// Ids of a line: numbers between blanks, commas and brackets.
static int read_ids(const struct tokenizer *tokenizer, const char *line, struct ids *ids,
                    struct error *error) {
    long size = (long)tokenizer_size(tokenizer);
    for (const char *p = line + strspn(line, " ,\t[]\r\n"); *p; p += strspn(p, " ,\t[]\r\n")) {
        char *end;
        long id = strtol(p, &end, 10);
        if (end == p || id < 0 || id >= size)
            return error_set(error, ERROR_INPUT,
                             "standard input: \"%.20s\" is not a token id of this tokenizer (0 to %ld)", p,
                             size - 1);
        if (ids_add(ids, (int32_t)id, error)) return -1;
        p = end;
    }
    return 0;
}

static int decode_line(const struct tokenizer *tokenizer, const char *line, const struct settings *settings,
                       struct error *error) {
    struct buffer text = {0};
    struct ids ids = {0};
    int result = read_ids(tokenizer, line, &ids, error);
    if (result == 0) {
        tokenizer_decode(tokenizer, ids.data, ids.count, settings->skip_special, &text);
        if (text.failed) result = error_set(error, ERROR_MEMORY, "out of memory");
    }
    if (result == 0 && settings->json) {
        json_t *string = json_stringn(text.data ? text.data : "", text.length);
        if (string) json_dumpf(string, stdout, JSON_ENCODE_ANY);
        json_decref(string);
        putchar('\n');
    } else if (result == 0) {
        if (text.length) fwrite(text.data, 1, text.length, stdout);
        putchar('\n');
    }
    buffer_free(&text);
    ids_free(&ids);
    return result;
}

static int run(const char *name, const struct settings *settings, struct error *error) {
    struct warnings warnings = {0};
    char *folder = hub_find(name, "--model", &warnings, error);
    struct tokenizer *tokenizer = folder ? tokenizer_open(folder, error) : NULL;
    free(folder);
    warnings_log(&warnings);
    if (!tokenizer) return -1;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    int result = 0;
    while (result == 0 && (length = getline(&line, &capacity, stdin)) >= 0) {
        if (length && line[length - 1] == '\n') line[--length] = 0;
        result = settings->decode ? decode_line(tokenizer, line, settings, error)
                                  : encode_line(tokenizer, line, (size_t)length, settings, error);
    }
    if (result == 0 && ferror(stdin)) result = error_set_errno(error, "standard input", "cannot read");
    free(line);
    tokenizer_free(tokenizer);
    return result;
}

int command_tokenize(int argc, char **argv) {
    const char *folder = NULL;
    struct settings settings = {0};
    const struct option table[] = {
        option_string("model", 'M', "DIR", &folder,
                      "Folder with tokenizer.json, or its name in the Hugging Face cache"),
        option_flag("decode", 'd', &settings.decode, "Ids to text instead of text to ids"),
        option_flag("json", 'j', &settings.json,
                    "Lines are JSON: strings in, lists out (decoding: the reverse)"),
        option_flag("plain", 0, &settings.plain, "Take \"<|im_end|>\" and the like as ordinary text"),
        option_flag("skip-special", 0, &settings.skip_special, "Leave special tokens out when decoding"),
        {0},
    };
    const struct usage usage = {
        .command = "tokenize",
        .options = table,
        .description =
            "Reads lines from standard input and prints the token ids of each, or the text of ids.",
        .examples = "echo 'Hello world' | globe tokenize --model DIR\n"
                    "echo '[9707, 1879]' | globe tokenize --model DIR --decode\n",
    };
    struct operands none;
    int status;
    if (!options_parse(&usage, argc, argv, &none, &status)) return status;
    struct error error = {0};
    int result =
        folder ? run(folder, &settings, &error) : error_set(&error, ERROR_USAGE, "--model is needed");
    return result ? command_fail(&error) : 0;
}
