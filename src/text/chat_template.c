#include "text/chat_template.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "text/qwen2_rules.h"

enum { MAX_FILE = 16 << 20 };

// ---- one form for all -----------------------------------------------------------------------------------

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

static void add(struct buffer *out, char c) {
    buffer_add(out, &c, 1);
}

static char last(const struct buffer *out) {
    return out->length ? out->data[out->length - 1] : 0;
}

// Text up to `at` loses its last blanks, line feeds too if `all`; but never what stands before `from`.
static void trim(struct buffer *out, size_t from, bool all) {
    while (out->length > from && strchr(all ? " \t\r\n" : " \t", last(out)) && last(out)) out->length--;
}

// The words of a tag: single quotes, no blanks but between words, ['name'] for .name.
static void add_tag(struct buffer *out, const char *text, size_t length) {
    size_t from = out->length;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '\'' || c == '"') {
            add(out, '\'');
            for (i++; i < length && text[i] != c; i++) {
                add(out, text[i]);
                if (text[i] == '\\' && i + 1 < length) add(out, text[++i]);
            }
            add(out, '\'');
        } else if (isspace((unsigned char)c)) {
            size_t next = i;
            while (next < length && isspace((unsigned char)text[next])) next++;
            if (next < length && out->length > from && is_word(last(out)) && is_word(text[next]))
                add(out, ' ');
            i = next - 1;
        } else if (c == '.' && out->length > from && (is_word(last(out)) || last(out) == ']') &&
                   i + 1 < length && (isalpha((unsigned char)text[i + 1]) || text[i + 1] == '_')) {
            buffer_add(out, "['", 2);
            for (i++; i < length && is_word(text[i]); i++) add(out, text[i]);
            buffer_add(out, "']", 2);
            i--;
        } else {
            add(out, c);
        }
    }
}

// transformers' environment has trim_blocks and lstrip_blocks: a block takes the blanks before it on its line and the
// line feed after it.
void chat_template_canonical(const char *text, size_t length, struct buffer *out) {
    size_t text_from = out->length, at = 0;
    bool line_start = true;                                              // the tag before ended its line
    while (length && isspace((unsigned char)text[length - 1])) length--; // files end with a line feed
    while (at < length) {
        char kind = at + 1 < length && text[at] == '{' ? text[at + 1] : 0;
        if (kind != '%' && kind != '{' && kind != '#') {
            if (text[at] != '\r') add(out, text[at]);
            at++;
            continue;
        }
        char close[2] = {kind == '{' ? '}' : kind, '}'};
        size_t start = at + 2, end = start;
        while (end + 1 < length && memcmp(text + end, close, 2) != 0) end++;
        size_t inner_end = end + 1 < length ? end : length;
        bool before = start < inner_end && text[start] == '-', keep = start < inner_end && text[start] == '+';
        bool after = inner_end > start && text[inner_end - 1] == '-';
        if (before)
            trim(out, text_from, true);
        else if (kind != '{' && !keep) {
            size_t line = out->length;
            while (line > text_from && strchr(" \t", out->data[line - 1])) line--;
            if (line > text_from ? out->data[line - 1] == '\n' : line_start) out->length = line;
        }
        if (before || keep) start++;
        if (after && inner_end > start) inner_end--;
        if (kind != '#') {
            buffer_add(out, "\1", 1); // so that no text looks like a tag
            add(out, kind);
            add_tag(out, text + start, inner_end - start);
            buffer_add(out, "\2", 1);
        }
        at = end + 1 < length ? end + 2 : length;
        text_from = out->length;
        if (after)
            while (at < length && isspace((unsigned char)text[at])) at++;
        else if (kind != '{') {
            if (at < length && text[at] == '\r') at++;
            if (at < length && text[at] == '\n') at++;
        }
        line_start = text[at - 1] == '\n';
    }
}

// ---- the known ones -------------------------------------------------------------------------------------

// FNV-1a of the canonical form.
static uint64_t fingerprint(const struct buffer *text) {
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < text->length; i++)
        hash = (hash ^ (unsigned char)text->data[i]) * UINT64_C(0x100000001B3);
    return hash;
}

bool chat_template_is_builtin(const char *text, size_t length) {
    // As published with Qwen2-VL and Qwen2.5-VL.
    static const uint64_t published = UINT64_C(0x8ED915FDADE60DDC);
    struct buffer given = {0}, own = {0};
    chat_template_canonical(text, length, &given);
    chat_template_canonical(qwen2_chat_template, strlen(qwen2_chat_template), &own);
    bool same = !given.failed && !own.failed &&
                (fingerprint(&given) == published || (given.data && own.data && given.length == own.length &&
                                                      memcmp(given.data, own.data, own.length) == 0));
    buffer_free(&given);
    buffer_free(&own);
    return same;
}

// ---- files ----------------------------------------------------------------------------------------------

static int judge(const char *path, const char *text, size_t length, bool builtin, struct warnings *warnings,
                 struct error *error) {
    static const char what[] = "this chat template is not Qwen2.5-VL's, the only one that is built in";
    if (chat_template_is_builtin(text, length)) return 0;
    if (!builtin)
        return error_set(
            error, ERROR_MODEL,
            "%s: %s; --chat-template builtin takes that one all the same, but the model may have learnt "
            "otherwise",
            path, what);
    warnings_add(warnings, "%s: %s; the built-in one is used", path, what);
    return 0;
}

// A text, or a list of {"name", "template"} or an object of texts by name, of which the default one counts.
static const json_t *find_template(const json_t *value) {
    size_t i;
    json_t *item;
    if (json_is_object(value)) return json_object_get(value, "default");
    if (!json_is_array(value)) return value;
    json_array_foreach((json_t *)value, i, item) {
        const char *name = json_string_value(json_object_get(item, "name"));
        if (name && strcmp(name, "default") == 0) return json_object_get(item, "template");
    }
    return NULL;
}

// 1: there is a template, and it will do; 0: there is none.
static int check_json(const char *path, bool builtin, struct warnings *warnings, struct error *error) {
    if (!file_exists(path)) return 0;
    json_t *root = json_read_file(path, MAX_FILE, error);
    if (!root) return -1;
    const json_t *text = find_template(json_object_get(root, "chat_template"));
    int result = 0;
    if (json_is_string(text))
        result =
            judge(path, json_string_value(text), json_string_length(text), builtin, warnings, error) ? -1 : 1;
    json_decref(root);
    return result;
}

static int check_text(const char *path, bool builtin, struct warnings *warnings, struct error *error) {
    size_t length;
    if (!file_exists(path)) return 0;
    char *text = file_read(path, MAX_FILE, &length, error);
    int result = text ? judge(path, text, length, builtin, warnings, error) ? -1 : 1 : -1;
    free(text);
    return result;
}

int chat_template_check(const char *folder, bool builtin, struct warnings *warnings, struct error *error) {
    static const char *const names[] = {"chat_template.jinja", "chat_template.json", "processor_config.json",
                                        "tokenizer_config.json"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (i == 3 && found) break; // the tokenizer's counts only when the processor has none
        char *path = file_join(folder, names[i], error);
        int result = !path    ? -1
                     : i == 0 ? check_text(path, builtin, warnings, error)
                              : check_json(path, builtin, warnings, error);
        free(path);
        if (result < 0) {
            if (error && error->code == ERROR_INPUT) error->code = ERROR_MODEL;
            return -1;
        }
        found = found || result > 0;
    }
    return 0;
}
