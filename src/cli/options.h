// Options of a command, declared once: parsing, error messages and --help all come from the same table.
//
//     int64_t tokens = 768;
//     bool json = false;
//     const struct option table[] = {
//         option_integer("max-tokens", 'n', "N", &tokens, 1, 32768, "Longest answer"),
//         option_flag("json", 'j', &json, "Print JSON"),
//         {0},
//     };
//     const struct usage usage = {
//         .command = "locate", .arguments = "PHOTO...", .at_least = 1, .at_most = -1, .options = table,
//         .description = "Says where photos were taken.", .examples = "globe locate street.jpg\n",
//     };
//     struct operands photos;
//     int status;
//     if (!options_parse(&usage, argc, argv, &photos, &status)) return status;
//
// Understood: --name value, --name=value, -nvalue, -n value, -jn5 (flags may share a dash), --no-name for
// flags, options and operands in any order, "--" before operands that begin with a dash; "-" is an operand.
// Every command also has
// --help, --quiet and --verbose. The last of several equal options counts, except for lists.
#ifndef GLOBE_CLI_OPTIONS_H
#define GLOBE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// The values of an option that may be given several times, in order. They point into argv.
struct option_list {
    const char **values;
    size_t count;
};
void option_list_free(struct option_list *list);

enum option_kind { OPTION_FLAG, OPTION_STRING, OPTION_INTEGER, OPTION_NUMBER, OPTION_CHOICE, OPTION_LIST };

struct option {
    const char *name; // without dashes; NULL ends the table
    char letter;      // 0: none
    enum option_kind kind;
    const char *argument; // what --help calls the value: "N", "FILE"
    const char *help;
    union { // where the value goes; what it holds before parsing is the default that --help shows
        bool *flag;
        const char **string; // points into argv
        int64_t *integer;
        double *number;
        int *choice; // index into choices
        struct option_list *list;
    };
    int64_t low, high;          // OPTION_INTEGER
    double least, most;         // OPTION_NUMBER
    const char *const *choices; // OPTION_CHOICE, ended by NULL
};

static inline struct option option_flag(const char *name, char letter, bool *target, const char *help) {
    return (struct option){.name = name, .letter = letter, .kind = OPTION_FLAG, .flag = target, .help = help};
}

static inline struct option option_string(const char *name, char letter, const char *argument,
                                          const char **target, const char *help) {
    return (struct option){.name = name,
                           .letter = letter,
                           .kind = OPTION_STRING,
                           .argument = argument,
                           .string = target,
                           .help = help};
}

static inline struct option option_integer(const char *name, char letter, const char *argument,
                                           int64_t *target, int64_t low, int64_t high, const char *help) {
    return (struct option){.name = name,
                           .letter = letter,
                           .kind = OPTION_INTEGER,
                           .argument = argument,
                           .integer = target,
                           .low = low,
                           .high = high,
                           .help = help};
}

static inline struct option option_number(const char *name, char letter, const char *argument, double *target,
                                          double least, double most, const char *help) {
    return (struct option){.name = name,
                           .letter = letter,
                           .kind = OPTION_NUMBER,
                           .argument = argument,
                           .number = target,
                           .least = least,
                           .most = most,
                           .help = help};
}

static inline struct option option_choice(const char *name, char letter, const char *argument, int *target,
                                          const char *const *choices, const char *help) {
    return (struct option){.name = name,
                           .letter = letter,
                           .kind = OPTION_CHOICE,
                           .argument = argument,
                           .choice = target,
                           .choices = choices,
                           .help = help};
}

static inline struct option option_repeated(const char *name, char letter, const char *argument,
                                            struct option_list *target, const char *help) {
    return (struct option){.name = name,
                           .letter = letter,
                           .kind = OPTION_LIST,
                           .argument = argument,
                           .list = target,
                           .help = help};
}

struct usage {
    const char *command;   // "locate"
    const char *arguments; // operands in the usage line, "PHOTO..."; NULL: none
    int at_least, at_most; // number of operands; at_most -1: any
    const char *description;
    const struct option *options; // NULL: only the common ones
    const char *examples;         // lines; NULL: none
};

// What is left after the options: a part of argv.
struct operands {
    char **values;
    int count;
};

// True when the command should go on. Otherwise help was printed or the error reported, and *status is the
// exit status.
bool options_parse(const struct usage *usage, int argc, char **argv, struct operands *operands, int *status);

// The same without printing: 0, 1 when --help was asked for, or -1. What it parsed before an error stays in
// the targets.
int options_read(const struct usage *usage, int argc, char **argv, struct operands *operands,
                 struct error *error);
void options_print_help(const struct usage *usage); // on stdout

#endif
