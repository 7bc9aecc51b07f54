#include "text/prompts.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/utf8.h"

#define EXPERT "You are a geolocation expert. "
#define STEPS                                                                                          \
    "You are participating in a geolocation challenge. Based on the provided image:\n"                 \
    "1. Carefully analyze the image for clues about its location (architecture, signage, vegetation, " \
    "terrain, etc.)\n"                                                                                 \
    "2. Think step-by-step about what country, and city this is likely to be in and why\n"
#define LINES                                                                 \
    "Your final answer include these two lines somewhere in your response:\n" \
    "country: [country name]\n"                                               \
    "city: [city name]\n"
#define TAGS \
    "\nYou MUST output the thinking process in <think> </think> and give answer in <answer> </answer> tags."

static const struct {
    const char *name, *text;
    bool reasoning;
} official[] = {
    {"globe", EXPERT STEPS "\n" LINES TAGS, true},
    {"compat-eval", STEPS LINES TAGS, true}, // eval.py lacks the first sentence and a blank line
    {"direct",
     "Based on the provided image, please output its location (country and city) directly without any "
     "explanation.\n"
     "Your final answer include these two lines in your response:\n"
     "country: [country name]\n"
     "city: [city name]",
     false},
};

const char locatability_prompt[] =
    "Given input image and its location reasoning text, please determine if the image is visually locatable, "
    "then "
    "output \xE2\x80\x9Cyes\xE2\x80\x9D or \xE2\x80\x9Cno\xE2\x80\x9D directly.\n";

enum { PROMPT_LIMIT = 1 << 20 };

static int read_file(struct buffer *text, const char *path, struct error *error) {
    size_t length;
    char *data = file_read(path, PROMPT_LIMIT, &length, error);
    if (!data)
        return error_prefix(
            error, "prompt \"%s\" is neither globe, compat-eval or direct nor a readable file", path);
    bool binary = strlen(data) != length;
    while (length && !binary && strchr(" \t\r\n", data[length - 1])) length--; // the editor's last newline
    bool valid = utf8_is_valid(data, length);
    buffer_add(text, data, length);
    free(data);
    if (binary) return error_set(error, ERROR_INPUT, "%s: not a prompt: it holds a NUL byte", path);
    if (!valid) return error_set(error, ERROR_INPUT, "%s: the prompt file is not UTF-8", path);
    return length ? 0 : error_set(error, ERROR_INPUT, "%s: the prompt file is empty", path);
}

int locate_prompt_open(struct locate_prompt *prompt, const char *name, const char *hint,
                       struct error *error) {
    struct buffer text = {0};
    *prompt = (struct locate_prompt){.reasoning = true};
    bool known = false;
    for (size_t i = 0; i < sizeof official / sizeof *official; i++)
        if (strcmp(official[i].name, name) == 0) {
            buffer_add_text(&text, official[i].text);
            prompt->reasoning = official[i].reasoning;
            known = true;
        }
    if (!known && read_file(&text, name, error)) {
        buffer_free(&text);
        return -1;
    }
    if (hint && *hint) buffer_format(&text, "\n\nWhat is known about the photo: %s", hint);
    prompt->text = buffer_take(&text);
    return prompt->text ? 0 : error_set(error, ERROR_MEMORY, "prompt: out of memory");
}

void locate_prompt_free(struct locate_prompt *prompt) {
    free(prompt->text);
    *prompt = (struct locate_prompt){0};
}
