#include "cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/suggest.h"
#include "cli/options_table.h"

// ---- Walking over argv: one option with its value, or one operand, at a time ----

struct walk {
    const struct usage *usage;
    int argc;
    char **argv;
    int next;
    const char *letters; // what is left of "-abc"; NULL outside of one
    bool operands_only;  // after "--"
};

struct match {
    const struct option *option; // NULL: an operand
    const char *value;           // the option's value or the operand
    bool negated;                // --no-name
};

static const struct option *find_name(const struct usage *usage, const char *name, size_t length) {
    for (const struct option *option = options_first(usage); option; option = options_next(usage, option))
        if (strlen(option->name) == length && strncmp(option->name, name, length) == 0) return option;
    return NULL;
}

static const struct option *find_letter(const struct usage *usage, char letter) {
    for (const struct option *option = options_first(usage); option; option = options_next(usage, option))
        if (option->letter && option->letter == letter) return option;
    return NULL;
}

static int report_unknown(const struct usage *usage, const char *name, size_t length, struct error *error) {
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), name);
    struct suggestion suggestion;
    suggest_start(&suggestion, word);
    for (const struct option *option = options_first(usage); option; option = options_next(usage, option))
        suggest_offer(&suggestion, option->name);
    if (suggestion.best)
        return error_set(error, ERROR_USAGE, "there is no option '--%s'; did you mean '--%s'?", word,
                         suggestion.best);
    return error_set(error, ERROR_USAGE, "there is no option '--%s'; 'globe %s --help' lists them", word,
                     usage->command);
}

// Gives the match its value: what stands after '=' or in the same word, else the next word.
static int take_value(struct walk *walk, struct match *match, const char *attached, struct error *error) {
    const struct option *option = match->option;
    if (option->kind == OPTION_FLAG) {
        if (attached)
            return error_set(error, ERROR_USAGE, "--%s takes no value, but got '%s'", option->name, attached);
        return 0;
    }
    if (!attached && walk->next >= walk->argc)
        return error_set(error, ERROR_USAGE, "--%s needs a value: --%s %s", option->name, option->name,
                         option->argument);
    match->value = attached ? attached : walk->argv[walk->next++];
    return 0;
}

static int walk_long(struct walk *walk, const char *word, struct match *match, struct error *error) {
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    match->option = find_name(walk->usage, word, length);
    if (!match->option && length > 3 && strncmp(word, "no-", 3) == 0) {
        match->option = find_name(walk->usage, word + 3, length - 3);
        match->negated = match->option != NULL;
        if (match->negated && match->option->kind != OPTION_FLAG) match->option = NULL;
    }
    if (!match->option) return report_unknown(walk->usage, word, length, error);
    return take_value(walk, match, equals ? equals + 1 : NULL, error);
}

static int walk_letter(struct walk *walk, struct match *match, struct error *error) {
    char letter = *walk->letters++;
    match->option = find_letter(walk->usage, letter);
    if (!match->option)
        return error_set(error, ERROR_USAGE, "there is no option '-%c'; 'globe %s --help' lists them", letter,
                         walk->usage->command);
    const char *rest = walk->letters[0] ? walk->letters : NULL;
    bool flag = match->option->kind == OPTION_FLAG;
    walk->letters = flag ? rest : NULL; // -jn5: flags share the dash, a value takes what is left
    return take_value(walk, match, flag ? NULL : rest, error);
}

// 1 with the next match, 0 at the end, -1 with an error.
static int walk_next(struct walk *walk, struct match *match, struct error *error) {
    *match = (struct match){0};
    if (walk->letters) return walk_letter(walk, match, error) ? -1 : 1;
    if (walk->next >= walk->argc) return 0;
    const char *word = walk->argv[walk->next++];
    if (!walk->operands_only && strcmp(word, "--") == 0) {
        walk->operands_only = true;
        return walk_next(walk, match, error);
    }
    if (walk->operands_only || word[0] != '-' || !word[1]) {
        match->value = word;
        return 1;
    }
    if (word[1] == '-') return walk_long(walk, word + 2, match, error) ? -1 : 1;
    walk->letters = word + 1;
    return walk_letter(walk, match, error) ? -1 : 1;
}

// ---- Values ----

static int store_integer(const struct option *option, const char *text, struct error *error) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (!text[0] || *end || text[strspn(text, "+-0123456789")])
        return error_set(error, ERROR_USAGE, "--%s: '%s' is not a whole number (%lld to %lld)", option->name,
                         text, (long long)option->low, (long long)option->high);
    if (errno || value < option->low || value > option->high)
        return error_set(error, ERROR_USAGE, "--%s: %s is not within %lld to %lld", option->name, text,
                         (long long)option->low, (long long)option->high);
    *option->integer = value;
    return 0;
}

static int store_number(const struct option *option, const char *text, struct error *error) {
    char *end;
    double value = strtod(text, &end);
    if (!text[0] || *end || text[strspn(text, "+-.eE0123456789")])
        return error_set(error, ERROR_USAGE, "--%s: '%s' is not a number (%g to %g)", option->name, text,
                         option->least, option->most);
    if (!(value >= option->least && value <= option->most))
        return error_set(error, ERROR_USAGE, "--%s: %s is not within %g to %g", option->name, text,
                         option->least, option->most);
    *option->number = value;
    return 0;
}

static int store_choice(const struct option *option, const char *text, struct error *error) {
    struct suggestion suggestion;
    suggest_start(&suggestion, text);
    char known[256] = "";
    size_t used = 0;
    for (int i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], text) == 0) {
            *option->choice = i;
            return 0;
        }
        suggest_offer(&suggestion, option->choices[i]);
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                     option->choices[i]);
    }
    if (suggestion.best)
        return error_set(error, ERROR_USAGE, "--%s: '%s' is not one of %s; did you mean '%s'?", option->name,
                         text, known, suggestion.best);
    return error_set(error, ERROR_USAGE, "--%s: '%s' is not one of %s", option->name, text, known);
}

static int store_list(const struct option *option, const char *text, struct error *error) {
    struct option_list *list = option->list;
    const char **grown = memory_grow(list->values, list->count + 1, sizeof *grown, option->name, error);
    if (!grown) return -1;
    list->values = grown;
    list->values[list->count++] = text;
    return 0;
}

void option_list_free(struct option_list *list) {
    free(list->values);
    *list = (struct option_list){0};
}

static int store(const struct match *match, struct error *error) {
    const struct option *option = match->option;
    switch (option->kind) {
    case OPTION_FLAG:
        *option->flag = !match->negated;
        return 0;
    case OPTION_STRING:
        *option->string = match->value;
        return 0;
    case OPTION_INTEGER:
        return store_integer(option, match->value, error);
    case OPTION_NUMBER:
        return store_number(option, match->value, error);
    case OPTION_CHOICE:
        return store_choice(option, match->value, error);
    case OPTION_LIST:
        return store_list(option, match->value, error);
    }
    return error_set(error, ERROR_INTERNAL, "--%s: no such kind of option", option->name);
}

// ---- The whole ----

static int check_operands(const struct usage *usage, const struct operands *operands, struct error *error) {
    if (operands->count < usage->at_least)
        return error_set(error, ERROR_USAGE, "%s is missing; 'globe %s --help' says more",
                         usage->arguments ? usage->arguments : "an argument", usage->command);
    if (usage->at_most >= 0 && operands->count > usage->at_most)
        return error_set(error, ERROR_USAGE, "one argument too many: '%s'", operands->values[usage->at_most]);
    return 0;
}

// Help comes first and changes nothing, so that the defaults it shows are the defaults.
static int look_for_help(const struct usage *usage, int argc, char **argv, struct error *error) {
    struct walk walk = {.usage = usage, .argc = argc, .argv = argv, .next = 1};
    struct match match;
    int more;
    while ((more = walk_next(&walk, &match, error)) > 0)
        if (match.option == options_help && !match.negated) return 1;
    return more;
}

int options_read(const struct usage *usage, int argc, char **argv, struct operands *operands,
                 struct error *error) {
    int help = look_for_help(usage, argc, argv, error);
    if (help) return help;
    *operands = (struct operands){.values = argv + 1};
    struct walk walk = {.usage = usage, .argc = argc, .argv = argv, .next = 1};
    struct match match;
    while (walk_next(&walk, &match, error) > 0) {
        if (!match.option)
            operands->values[operands->count++] = (char *)match.value; // never overtakes walk.next
        else if (store(&match, error))
            return -1;
    }
    return check_operands(usage, operands, error);
}

bool options_parse(const struct usage *usage, int argc, char **argv, struct operands *operands, int *status) {
    struct error error;
    int result = options_read(usage, argc, argv, operands, &error);
    if (result) {
        *status = result < 0 ? (int)error.code : ERROR_NONE;
        if (result < 0)
            log_error("%s", error.message);
        else
            options_print_help(usage);
        return false;
    }
    if (options_verbose) log_set_level(LOG_DEBUG);
    if (options_quiet) {
        log_set_level(LOG_ERROR);
        progress_configure(PROGRESS_QUIET, 0);
    }
    return true;
}
