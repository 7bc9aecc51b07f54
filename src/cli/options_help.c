// The common options, and --help: generated from the table, so it cannot differ from what is parsed.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "cli/options_table.h"

bool options_quiet, options_verbose;
static bool help_asked; // only so that --help has a target like every flag

static const struct option common[] = {
    {.name = "quiet",
     .letter = 'q',
     .flag = &options_quiet,
     .help = "No progress and no messages but errors"},
    {.name = "verbose", .letter = 'v', .flag = &options_verbose, .help = "Say more about what is done"},
    {.name = "help", .letter = 'h', .flag = &help_asked, .help = "Show this help"},
    {0},
};
const struct option *const options_help = &common[2];

const struct option *options_first(const struct usage *usage) {
    return usage->options && usage->options->name ? usage->options : common;
}

const struct option *options_next(const struct usage *usage, const struct option *option) {
    (void)usage;
    if (option[1].name) return option + 1;
    return option == options_help ? NULL : common;
}

enum { MARGIN = 80, HELP_COLUMN = 26 };

// Words of `text` from `column` on, broken before MARGIN and continued at `indent`. Line breaks of the text stay before
// and after lines that are empty or begin with a space; others are only where the source was broken.
static void print_wrapped(const char *text, int column, int indent) {
    int spaces = 0;
    bool kept = *text == ' '; // this line was written as it is to stand
    while (*text) {
        int length = (int)strcspn(text, " \n");
        if (column > indent && column + spaces + length > MARGIN) {
            printf("\n%*s", indent, "");
            column = indent;
            spaces = 0;
        }
        if (length) printf("%*s%.*s", spaces, "", length, text);
        column += spaces + length;
        text += length;
        spaces = *text == ' ';
        if (*text == '\n') {
            bool next = text[1] == ' ' || text[1] == '\n';
            spaces = !kept && !next;
            kept = next;
        }
        if (*text == '\n' && !spaces) {
            printf("\n%*s", indent, "");
            column = indent;
        }
        if (*text) text++;
    }
    putchar('\n');
}

static void add_default(struct buffer *text, const struct option *option) {
    switch (option->kind) {
    case OPTION_STRING:
        if (*option->string) buffer_format(text, " (default: %s)", *option->string);
        break;
    case OPTION_INTEGER:
        buffer_format(text, " (%" PRId64 " to %" PRId64 ", default: %" PRId64 ")", option->low, option->high,
                      *option->integer);
        break;
    case OPTION_NUMBER:
        buffer_format(text, " (%g to %g, default: %g)", option->least, option->most, *option->number);
        break;
    case OPTION_CHOICE:
        buffer_add_text(text, " (");
        for (int i = 0; option->choices[i]; i++)
            buffer_format(text, "%s%s", i ? ", " : "", option->choices[i]);
        buffer_format(text, "; default: %s)", option->choices[*option->choice]);
        break;
    case OPTION_LIST:
        buffer_add_text(text, " (may be repeated)");
        break;
    case OPTION_FLAG:
        if (*option->flag) buffer_format(text, " (on; --no-%s turns it off)", option->name);
        break;
    }
}

static void print_option(const struct option *option) {
    char letter[8] = "    ";
    if (option->letter) snprintf(letter, sizeof letter, "-%c, ", option->letter);
    int column = printf("  %s--%s%s%s", letter, option->name, option->argument ? " " : "",
                        option->argument ? option->argument : "");
    if (column > HELP_COLUMN - 2) {
        putchar('\n');
        column = 0;
    }
    printf("%*s", HELP_COLUMN - column, "");
    struct buffer text = {0};
    buffer_add_text(&text, option->help);
    add_default(&text, option);
    print_wrapped(text.failed ? option->help : text.data, HELP_COLUMN, HELP_COLUMN);
    buffer_free(&text);
}

void options_print_help(const struct usage *usage) {
    printf("Usage: globe %s [options]%s%s\n\n", usage->command, usage->arguments ? " " : "",
           usage->arguments ? usage->arguments : "");
    print_wrapped(usage->description, 0, 0);
    printf("\nOptions:\n");
    for (const struct option *option = options_first(usage); option; option = options_next(usage, option))
        print_option(option);
    if (!usage->examples) return;
    printf("\nExamples:\n");
    for (const char *line = usage->examples; *line;) {
        int length = (int)strcspn(line, "\n");
        printf("  %.*s\n", length, line);
        line += length + (line[length] == '\n');
    }
}
