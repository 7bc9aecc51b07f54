// The text that asks for a reward: KIND:KEY=VALUE,KEY="VALUE, QUOTED"; KIND ...
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/suggest.h"
#include "reward/reward_internal.h"

static const char blanks[] = " \t\r\n";

static const char *const common_keys[] = {"mode", "weight", "name", "failure"};

static int complain(const char *text, const char *what, struct error *error) {
    return error_set(error, ERROR_USAGE, "the reward \"%.120s\" %s", text, what);
}

// A value up to "," or ";", or what stands in quotes; copied to *out, which is moved on.
static int read_value(const char **text, char **out, const char *whole, struct error *error) {
    const char *at = *text;
    if (*at != '"') {
        while (*at && *at != ',' && *at != ';') *(*out)++ = *at++;
        while ((*out)[-1] && strchr(blanks, (*out)[-1])) --*out;
    } else {
        for (at++; *at && *at != '"'; at++) {
            if (*at == '\\' && (at[1] == '"' || at[1] == '\\')) at++;
            *(*out)++ = *at;
        }
        if (!*at) return complain(whole, "has a quote that is not closed", error);
        at++;
        at += strspn(at, blanks);
        if (*at && *at != ',' && *at != ';')
            return complain(whole, "goes on after a quote: expected , or ;", error);
    }
    *(*out)++ = 0;
    *text = at;
    return 0;
}

static int read_pair(struct reward_spec *spec, const char **text, char **out, const char *whole,
                     struct error *error) {
    *text += strspn(*text, blanks);
    size_t length = strcspn(*text, "=,;\"");
    if ((*text)[length] != '=') return complain(whole, "is not KIND:KEY=VALUE,KEY=VALUE", error);
    size_t used = length;
    while (used && strchr(blanks, (*text)[used - 1])) used--;
    if (!used) return complain(whole, "has a value without a key", error);
    if (spec->count == REWARD_MOST_KEYS) return complain(whole, "has too many options", error);
    char *key = *out;
    memcpy(key, *text, used);
    key[used] = 0;
    *out += used + 1;
    *text += length + 1;
    *text += strspn(*text, blanks);
    if (reward_spec_get(spec, key)) return complain(whole, "gives an option twice", error);
    spec->pairs[spec->count].key = key;
    spec->pairs[spec->count++].value = *out;
    return read_value(text, out, whole, error);
}

int reward_spec_read(struct reward_spec *spec, const char **text, bool *found, struct error *error) {
    const char *start = *text + strspn(*text, " \t\r\n;"), *at = start;
    memset(spec, 0, offsetof(struct reward_spec, text));
    *found = *start != 0;
    *text = start;
    if (!*found) return 0;
    if (strlen(start) >= REWARD_SPEC_SIZE) return complain(start, "is too long", error);
    size_t length = strcspn(at, ":;"), used = length;
    while (used && strchr(blanks, at[used - 1])) used--;
    if (used >= sizeof spec->kind) return complain(start, "has a name that is too long", error);
    memcpy(spec->kind, at, used);
    at += length;
    spec->text[0] = 0; // so that a value may look at what stands before it
    char *out = spec->text + 1;
    if (*at == ':') {
        at++;
        do {
            if (read_pair(spec, &at, &out, start, error)) return -1;
        } while (*at == ',' && at++);
    }
    *text = at;
    return 0;
}

const char *reward_spec_get(const struct reward_spec *spec, const char *key) {
    for (size_t i = 0; i < spec->count; i++)
        if (strcmp(spec->pairs[i].key, key) == 0) return spec->pairs[i].value;
    return NULL;
}

bool reward_find_choice(const char *choices, const char *text, int *index) {
    size_t length = strlen(text);
    int number = 0;
    for (const char *at = choices; *at; number++) {
        size_t size = strcspn(at, ",");
        if (size == length && strncmp(at, text, size) == 0) {
            *index = number;
            return true;
        }
        at += size;
        at += strspn(at, ", ");
    }
    return false;
}

// ---- options --------------------------------------------------------------------------------------------

static int read_number(const struct reward_option *option, const char *text, double *number) {
    char *end;
    errno = 0;
    *number = strtod(text, &end);
    if (end == text || *end || errno == ERANGE || !isfinite(*number) || strpbrk(text, "xX \t")) return -1;
    if (option->type == REWARD_INTEGER && *number != floor(*number)) return -1;
    return *number >= option->low && *number <= option->high ? 0 : -1;
}

static int set_option(void *self, const struct reward_option *option, const char *value, const char *kind,
                      struct error *error) {
    char *member = (char *)self + option->offset;
    double number = 0;
    int choice = 0;
    switch (option->type) {
    case REWARD_NUMBER:
    case REWARD_INTEGER:
        if (read_number(option, value, &number))
            return error_set(error, ERROR_USAGE, "the reward %s: %s is \"%.60s\", expected %s from %g to %g",
                             kind, option->key, value,
                             option->type == REWARD_INTEGER ? "a whole number" : "a number", option->low,
                             option->high);
        if (option->type == REWARD_INTEGER)
            *(int64_t *)(void *)member = (int64_t)number;
        else
            *(double *)(void *)member = number;
        return 0;
    case REWARD_CHOICE:
        if (!reward_find_choice(option->choices, value, &choice))
            return error_set(error, ERROR_USAGE, "the reward %s: %s is \"%.60s\", expected one of %s", kind,
                             option->key, value, option->choices);
        *(int *)(void *)member = choice;
        return 0;
    case REWARD_FLAG:
        if (strcmp(value, "true") && strcmp(value, "false"))
            return error_set(error, ERROR_USAGE, "the reward %s: %s is \"%.60s\", expected true or false",
                             kind, option->key, value);
        *(bool *)(void *)member = strcmp(value, "true") == 0;
        return 0;
    case REWARD_TEXT:
        break;
    }
    char *copy = memory_copy_string(value, strlen(value), error);
    *(char **)(void *)member = copy;
    return copy ? 0 : -1;
}

// A key that nobody reads would be an option that does nothing.
static int check_keys(const struct reward_kind *kind, const struct reward_spec *spec, struct error *error) {
    for (size_t i = 0; i < spec->count; i++) {
        const char *key = spec->pairs[i].key;
        struct suggestion suggestion;
        bool known = false;
        suggest_start(&suggestion, key);
        for (size_t k = 0; k < sizeof common_keys / sizeof *common_keys; k++) {
            known = known || strcmp(key, common_keys[k]) == 0;
            suggest_offer(&suggestion, common_keys[k]);
        }
        for (const struct reward_option *option = kind->options; option && option->key; option++) {
            known = known || strcmp(key, option->key) == 0;
            suggest_offer(&suggestion, option->key);
        }
        if (!known)
            return error_set(error, ERROR_USAGE, "the reward %s has no option \"%.60s\"%s%s%s", kind->name,
                             key, suggestion.best ? "; did you mean " : "",
                             suggestion.best ? suggestion.best : "", suggestion.best ? "?" : "");
    }
    return 0;
}

int reward_set_options(void *self, const struct reward_kind *kind, const struct reward_spec *spec,
                       struct error *error) {
    if (check_keys(kind, spec, error)) return -1;
    for (const struct reward_option *option = kind->options; option && option->key; option++) {
        const char *value = reward_spec_get(spec, option->key);
        if (!value) value = option->value;
        if (!value)
            return error_set(error, ERROR_USAGE, "the reward %s needs %s=...: %s", kind->name, option->key,
                             option->help);
        if (set_option(self, option, value, kind->name, error)) return -1;
    }
    return 0;
}

void reward_free_options(void *self, const struct reward_kind *kind) {
    for (const struct reward_option *option = kind->options; self && option && option->key; option++)
        if (option->type == REWARD_TEXT) free(*(char **)(void *)((char *)self + option->offset));
}
