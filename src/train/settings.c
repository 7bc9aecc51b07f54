#include "train/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/suggest.h"
#include "base/utf8.h"

// What a key was set to: scalars as they were written.
struct values {
    bool given;
    char **texts; // one, or the items of a list
    size_t count;
};

struct merger {
    const struct setting *table;
    const struct settings_reader *reader;
    size_t count;
    struct values *values; // [count]
    char place[256];       // "FILE:LINE" or "--set", of what is being read
    enum error_code code;
    struct error *error;
};

__attribute__((format(printf, 2, 3))) static int complain(struct merger *merger, const char *format, ...) {
    char text[sizeof merger->error->message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(merger->error, merger->code, "%s: %s", merger->place, text);
}

bool settings_is_for(const struct setting *setting, unsigned use) {
    return !setting->uses || !use || (setting->uses & use);
}

static bool is_for_reader(const struct merger *merger, size_t i) {
    return settings_is_for(&merger->table[i], merger->reader->use);
}

// ---- names ----------------------------------------------------------------------------------------------

static size_t section_length(const char *key) {
    return strcspn(key, ".");
}

static bool same_section(const char *full, const char *section, size_t length) {
    return section_length(full) == length && strncmp(full, section, length) == 0;
}

static bool section_exists(const struct merger *merger, const char *section, size_t length) {
    for (size_t i = 0; i < merger->count; i++)
        if (same_section(merger->table[i].key, section, length)) return true;
    return false;
}

// "learning_rat" is not a key ...; did you mean optimizer.learning_rate? Allowed: ...
static int complain_of_key(struct merger *merger, const char *key) {
    size_t length = section_length(key);
    bool known_section = section_exists(merger, key, length);
    const char *best = NULL, *previous = NULL;
    size_t least = strlen(key) / 3 + 1;
    struct buffer allowed = {0};
    for (size_t i = 0; i < merger->count; i++) {
        if (!is_for_reader(merger, i)) continue;
        const char *candidate = merger->table[i].key;
        const char *name = candidate + section_length(candidate) + 1;
        size_t whole = suggest_distance(key, candidate), alone = suggest_distance(key, name);
        size_t near = whole < alone ? whole : alone;
        if (near < least) least = near, best = candidate;
        bool first = !previous || !same_section(candidate, previous, section_length(previous));
        previous = candidate;
        if (known_section && same_section(candidate, key, length))
            buffer_format(&allowed, "%s%s", allowed.length ? ", " : "", name);
        else if (!known_section && first)
            buffer_format(&allowed, "%s%.*s", allowed.length ? ", " : "", (int)section_length(candidate),
                          candidate);
    }
    int result =
        complain(merger, "there is no key \"%.80s\"%s%s%s; %s %s", key, best ? " (did you mean " : "",
                 best ? best : "", best ? "?)" : "", known_section ? "this section has" : "the sections are",
                 allowed.data ? allowed.data : "");
    buffer_free(&allowed);
    return result;
}

// ---- values ---------------------------------------------------------------------------------------------

static bool is_choice(const char *choices, const char *text) {
    size_t length = strlen(text);
    for (const char *at = choices; *at; at += strspn(at, ", ")) {
        size_t size = strcspn(at, ",");
        if (size == length && strncmp(at, text, size) == 0) return true;
        at += size;
    }
    return false;
}

static bool is_flag(const char *text) {
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0) return true;
    return false;
}

static bool flag_value(const char *text) {
    return strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 || strcasecmp(text, "on") == 0;
}

static bool is_number(const struct setting *setting, const char *text) {
    char *end;
    errno = 0;
    double number = strtod(text, &end);
    if (end == text || *end || errno == ERANGE || !isfinite(number) || strpbrk(text, "xX \t\n")) return false;
    if (setting->kind == SETTING_INTEGER && strspn(text, "-+0123456789") != strlen(text)) return false;
    return number >= setting->low && number <= setting->high;
}

static void describe_allowed(const struct setting *setting, char *text, size_t size) {
    if (setting->kind == SETTING_FLAG)
        snprintf(text, size, "true or false");
    else if (setting->kind == SETTING_CHOICE)
        snprintf(text, size, "one of %s", setting->choices);
    else if (setting->kind == SETTING_INTEGER)
        snprintf(text, size, "a whole number from %.0f to %.0f", setting->low, setting->high);
    else if (setting->kind == SETTING_NUMBER)
        snprintf(text, size, "a number from %g to %g", setting->low, setting->high);
    else
        snprintf(text, size, "%s", setting->kind == SETTING_LIST ? "a text or a list of texts" : "one text");
}

static int complain_of_value(struct merger *merger, const struct setting *setting, const char *found) {
    char allowed[300];
    describe_allowed(setting, allowed, sizeof allowed);
    return complain(merger, "%s is %.100s, expected %s", setting->key, found, allowed);
}

static int check_value(struct merger *merger, const struct setting *setting, const char *text) {
    bool fine = setting->kind == SETTING_FLAG     ? is_flag(text)
                : setting->kind == SETTING_CHOICE ? is_choice(setting->choices, text)
                : setting->kind == SETTING_INTEGER || setting->kind == SETTING_NUMBER
                    ? is_number(setting, text)
                    : utf8_is_valid(text, strlen(text));
    if (fine) return 0;
    char quoted[120];
    snprintf(quoted, sizeof quoted, "\"%.100s\"", text);
    return complain_of_value(merger, setting, quoted);
}

static void clear_values(struct values *values) {
    for (size_t i = 0; i < values->count; i++) free(values->texts[i]);
    free(values->texts);
    *values = (struct values){0};
}

static int find_key(struct merger *merger, const char *key, size_t *index) {
    for (size_t i = 0; i < merger->count; i++)
        if (strcmp(merger->table[i].key, key) == 0) {
            *index = i;
            if (is_for_reader(merger, i)) return 0;
            return complain(merger, "%s is nothing that %s reads", key, merger->reader->name);
        }
    return complain_of_key(merger, key);
}

// ---- YAML -----------------------------------------------------------------------------------------------

static int copy_scalar(struct merger *merger, const struct setting *setting, const yaml_node_t *node,
                       char **copy) {
    if (node->type != YAML_SCALAR_NODE) return complain_of_value(merger, setting, "not a single value");
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length)
        return complain_of_value(merger, setting, "a text with a NUL character");
    if (check_value(merger, setting, text)) return -1;
    *copy = memory_copy_string(text, node->data.scalar.length, merger->error);
    return *copy ? 0 : -1;
}

static int set_value(struct merger *merger, yaml_document_t *document, size_t index,
                     const yaml_node_t *node) {
    const struct setting *setting = &merger->table[index];
    struct values *values = &merger->values[index];
    clear_values(values);
    values->given = true;
    bool list = node->type == YAML_SEQUENCE_NODE;
    if (list && setting->kind != SETTING_LIST) return complain_of_value(merger, setting, "a list");
    const yaml_node_item_t *items = list ? node->data.sequence.items.start : NULL;
    size_t count = list ? (size_t)(node->data.sequence.items.top - items) : 1;
    values->texts = memory_new(count + 1, sizeof *values->texts, "recipe", merger->error);
    if (!values->texts) return -1;
    for (; values->count < count; values->count++) {
        const yaml_node_t *item = list ? yaml_document_get_node(document, items[values->count]) : node;
        if (copy_scalar(merger, setting, item, &values->texts[values->count])) return -1;
    }
    return 0;
}

// The text of a mapping's key, or NULL.
static const char *key_text(yaml_document_t *document, int node) {
    const yaml_node_t *key = yaml_document_get_node(document, node);
    return key && key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : NULL;
}

static void set_place(struct merger *merger, const char *path, const yaml_node_t *node) {
    snprintf(merger->place, sizeof merger->place, "%.200s:%zu", path, node->start_mark.line + 1);
}

static int read_section(struct merger *merger, const char *path, yaml_document_t *document,
                        const char *section, const yaml_node_t *mapping) {
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *value = yaml_document_get_node(document, pair->value);
        set_place(merger, path, yaml_document_get_node(document, pair->key));
        const char *name = key_text(document, pair->key);
        if (!name) return complain(merger, "a key of %.40s is not a word", section);
        char key[160];
        size_t index = 0;
        snprintf(key, sizeof key, "%.60s.%.90s", section, name);
        if (find_key(merger, key, &index)) return -1;
        if (merger->values[index].given) return complain(merger, "%s is given twice", key);
        if (set_value(merger, document, index, value)) return -1;
    }
    return 0;
}

static int read_document(struct merger *merger, const char *path, yaml_document_t *document) {
    const yaml_node_t *root = yaml_document_get_root_node(document);
    if (!root) return 0; // an empty file: all defaults
    set_place(merger, path, root);
    if (root->type != YAML_MAPPING_NODE) return complain(merger, "a recipe is a mapping of sections");
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top;
         pair++) {
        const yaml_node_t *value = yaml_document_get_node(document, pair->value);
        set_place(merger, path, yaml_document_get_node(document, pair->key));
        const char *section = key_text(document, pair->key);
        if (!section) return complain(merger, "the name of a section is not a word");
        if (strchr(section, '.') || !section_exists(merger, section, strlen(section)))
            return complain_of_key(merger, section);
        if (value->type == YAML_SCALAR_NODE && value->data.scalar.length == 0) continue; // an empty section
        if (value->type != YAML_MAPPING_NODE)
            return complain(merger, "the section %s holds no keys", section);
        if (read_section(merger, path, document, section, value)) return -1;
    }
    return 0;
}

static int complain_of_syntax(struct merger *merger, const char *path, const yaml_parser_t *parser) {
    size_t line = parser->problem_mark.line + 1;
    snprintf(merger->place, sizeof merger->place, "%.200s:%zu", path, line);
    return complain(merger, "not YAML: %s%s%s", parser->context ? parser->context : "",
                    parser->context ? ", " : "", parser->problem ? parser->problem : "unreadable");
}

static int read_text(struct merger *merger, const char *path, const char *text, size_t length) {
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser))
        return error_set(merger->error, ERROR_MEMORY, "%s: out of memory", path);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    int result = yaml_parser_load(&parser, &document) ? 0 : complain_of_syntax(merger, path, &parser);
    if (result == 0) {
        result = read_document(merger, path, &document);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return result;
}

static int read_file(struct merger *merger, const char *path) {
    size_t length;
    char *text = file_read(path, SETTINGS_MAX_FILE, &length, merger->error);
    if (!text) return -1;
    merger->code = ERROR_INPUT;
    int result = read_text(merger, path, text, length);
    free(text);
    return result;
}

// "section.name=value": the value is YAML, so that lists can be given as [a, b].
static int read_override(struct merger *merger, const char *override) {
    const char *equals = strchr(override, '=');
    merger->code = ERROR_USAGE;
    snprintf(merger->place, sizeof merger->place, "--set %.200s", override);
    if (!equals) return complain(merger, "expected section.key=value");
    char key[160];
    size_t index = 0;
    snprintf(key, sizeof key, "%.*s", (int)(equals - override < 159 ? equals - override : 159), override);
    if (find_key(merger, key, &index)) return -1;
    if (merger->table[index].kind != SETTING_LIST || equals[1] != '[') { // a plain scalar needs no quoting
        yaml_node_t node = {.type = YAML_SCALAR_NODE};
        node.data.scalar.value = (yaml_char_t *)(equals + 1);
        node.data.scalar.length = strlen(equals + 1);
        return set_value(merger, NULL, index, &node);
    }
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser))
        return error_set(merger->error, ERROR_MEMORY, "recipe: out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)equals + 1, strlen(equals + 1));
    int result = -1;
    if (yaml_parser_load(&parser, &document)) {
        result = set_value(merger, &document, index, yaml_document_get_root_node(&document));
        yaml_document_delete(&document);
    } else {
        complain(merger, "the list is not YAML");
    }
    yaml_parser_delete(&parser);
    return result;
}

// ---- the complete text ----------------------------------------------------------------------------------

// Double-quoted, as YAML and JSON agree on it.
static void add_quoted(struct buffer *text, const char *value) {
    buffer_add_text(text, "\"");
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        if (c == '"' || c == '\\')
            buffer_format(text, "\\%c", c);
        else if (c < 0x20 || c == 0x7F)
            buffer_format(text, "\\x%02x", c);
        else
            buffer_add(text, value, 1);
    }
    buffer_add_text(text, "\"");
}

static void add_value(struct buffer *text, const struct setting *setting, const struct values *values) {
    if (!values->given) {
        buffer_add_text(text, setting->value);
    } else if (setting->kind == SETTING_LIST) {
        buffer_add_text(text, "[");
        for (size_t i = 0; i < values->count; i++) {
            if (i) buffer_add_text(text, ", ");
            add_quoted(text, values->texts[i]);
        }
        buffer_add_text(text, "]");
    } else if (setting->kind == SETTING_TEXT) {
        add_quoted(text, values->texts[0]);
    } else if (setting->kind == SETTING_FLAG) {
        buffer_add_text(text, flag_value(values->texts[0]) ? "true" : "false");
    } else {
        buffer_add_text(text, values->texts[0]);
    }
}

static int add_all(struct buffer *text, struct merger *merger, const char *path) {
    const char *previous = NULL;
    for (size_t i = 0; i < merger->count; i++) {
        const struct setting *setting = &merger->table[i];
        size_t length = section_length(setting->key);
        if (!is_for_reader(merger, i)) continue;
        if (!merger->values[i].given && !setting->value)
            return error_set(merger->error, ERROR_INPUT, "%s: %s is missing (%s)", path, setting->key,
                             setting->help);
        if (!previous || !same_section(previous, setting->key, length))
            buffer_format(text, "%s%.*s:\n", previous ? "\n" : "", (int)length, setting->key);
        previous = setting->key;
        buffer_format(text, "  # %s\n  %s: ", setting->help, setting->key + length + 1);
        add_value(text, setting, &merger->values[i]);
        buffer_add_text(text, "\n");
    }
    return text->failed ? error_set(merger->error, ERROR_MEMORY, "%s: out of memory", path) : 0;
}

// ---- the values -----------------------------------------------------------------------------------------

static void *member_of(void *values, const struct setting *setting) {
    return (char *)values + setting->offset;
}

static int choice_number(const char *choices, const char *text) {
    size_t length = strlen(text);
    int number = 0;
    for (const char *at = choices; *at; at += strspn(at, ", "), number++) {
        size_t size = strcspn(at, ",");
        if (size == length && strncmp(at, text, size) == 0) break;
        at += size;
    }
    return number;
}

// What a default says that is not given: [] and "" are empty.
static const char *default_text(const struct setting *setting) {
    return strcmp(setting->value, "\"\"") == 0 ? "" : setting->value;
}

static int fill_list(struct setting_list *list, const struct values *values, struct error *error) {
    list->items = memory_new(values->count + 1, sizeof *list->items, "recipe", error);
    if (!list->items) return -1;
    for (; list->count < values->count; list->count++) {
        const char *text = values->texts[list->count];
        list->items[list->count] = memory_copy_string(text, strlen(text), error);
        if (!list->items[list->count]) return -1;
    }
    return 0;
}

// The texts have been checked.
static int fill(void *target, const struct setting *setting, const struct values *values,
                struct error *error) {
    void *member = member_of(target, setting);
    const char *text = values->given && values->count ? values->texts[0] : "";
    if (setting->kind == SETTING_LIST) return fill_list(member, values, error);
    if (!values->given) text = default_text(setting);
    if (setting->kind == SETTING_FLAG) {
        *(bool *)member = flag_value(text);
    } else if (setting->kind == SETTING_NUMBER) {
        *(double *)member = strtod(text, NULL);
    } else if (setting->kind == SETTING_CHOICE) {
        *(int *)member = choice_number(setting->choices, text);
    } else if (setting->kind == SETTING_TEXT) {
        *(char **)member = memory_copy_string(text, strlen(text), error);
        return *(char **)member ? 0 : -1;
    } else if (setting->size == sizeof(int)) {
        *(int *)member = (int)strtol(text, NULL, 10);
    } else {
        *(uint64_t *)member = strtoull(text, NULL, 10);
    }
    return 0;
}

void settings_free(void *values, const struct setting *table) {
    for (const struct setting *setting = table; setting->key; setting++) {
        if (setting->kind == SETTING_TEXT) {
            char **text = member_of(values, setting);
            free(*text);
            *text = NULL;
        } else if (setting->kind == SETTING_LIST) {
            struct setting_list *list = member_of(values, setting);
            for (size_t i = 0; i < list->count; i++) free(list->items[i]);
            free(list->items);
            *list = (struct setting_list){0};
        }
    }
}

static void describe_choice(struct buffer *text, const char *choices, int number) {
    for (const char *at = choices; *at; at += strspn(at, ", "), number--) {
        size_t size = strcspn(at, ",");
        if (number == 0) buffer_add(text, at, size);
        at += size;
    }
}

void settings_describe(struct buffer *text, const struct setting *setting, const void *values) {
    const void *member = (const char *)values + setting->offset;
    if (setting->kind == SETTING_FLAG)
        buffer_add_text(text, *(const bool *)member ? "true" : "false");
    else if (setting->kind == SETTING_NUMBER)
        buffer_format(text, "%.17g", *(const double *)member);
    else if (setting->kind == SETTING_CHOICE)
        describe_choice(text, setting->choices, *(const int *)member);
    else if (setting->kind == SETTING_TEXT)
        buffer_add_text(text, *(char *const *)member);
    else if (setting->kind == SETTING_LIST)
        buffer_add_text(text, ((const struct setting_list *)member)->count ? "given" : "empty");
    else if (setting->size == sizeof(int))
        buffer_format(text, "%d", *(const int *)member);
    else
        buffer_format(text, "%" PRIu64, *(const uint64_t *)member);
}

int settings_read(void *values, struct buffer *text, const struct setting *table,
                  const struct settings_reader *reader, const char *path, const char *const *overrides,
                  size_t override_count, struct error *error) {
    struct merger merger = {.table = table, .reader = reader, .error = error};
    struct error ignored;
    if (!error) merger.error = &ignored;
    while (table[merger.count].key) merger.count++;
    merger.values = memory_new(merger.count, sizeof *merger.values, "recipe", merger.error);
    if (!merger.values) return -1;
    int result = read_file(&merger, path);
    for (size_t i = 0; i < override_count && result == 0; i++) result = read_override(&merger, overrides[i]);
    if (result == 0) result = add_all(text, &merger, path);
    for (size_t i = 0; i < merger.count && result == 0; i++)
        result = fill(values, &table[i], &merger.values[i], merger.error);
    for (size_t i = 0; i < merger.count; i++) clear_values(&merger.values[i]);
    free(merger.values);
    return result;
}
