// A command's own options followed by the common ones, as one list. For options.c and options_help.c only.
#ifndef GLOBE_CLI_OPTIONS_TABLE_H
#define GLOBE_CLI_OPTIONS_TABLE_H

#include "cli/options.h"

extern bool options_quiet, options_verbose;
extern const struct option *const options_help; // the entry of --help

const struct option *options_first(const struct usage *usage);
const struct option *options_next(const struct usage *usage, const struct option *option); // NULL at the end

#endif
