// What the files of `globe locate` share. Only for src/cli/locate*.c.
#ifndef GLOBE_CLI_LOCATE_INTERNAL_H
#define GLOBE_CLI_LOCATE_INTERNAL_H

#include <stdbool.h>
#include <stdio.h>

#include "base/file.h"
#include "base/output.h"
#include "cli/endpoint_options.h"
#include "cli/locatability_options.h"
#include "cli/model_arguments.h"
#include "locate/photo_list.h"
#include "locate/resume.h"
#include "locate/session.h"
#include "locate/writer.h"

struct locate_settings {
    struct session_options session;
    struct model_arguments model;
    struct endpoint_settings endpoint;
    struct locatability_settings locatability;
    struct writer_options writer;
    struct option_list lists, null_lists;
    const char *output; // NULL: stdout
    const char *html;   // a page beside the other output; NULL: none
    bool recursive, resume, write_xmp, replace_xmp, over_gps, force;
};

// ---- outputs (locate_outputs.c) ----

// Claims --output and --html before anything is opened, and holds them against all that is read.
int locate_claim(struct outputs *outputs, const struct locate_settings *settings,
                 const struct photo_list *photos, struct error *error);

// Where results go: stdout, a file that appears whole at the end, or a JSON-lines file that grows.
struct locate_sink {
    FILE *stream;
    struct file_writer file; // in use when file.stream is set
    struct journal journal;  // of JSON lines in a file
};
// `resume`: what is in the file already, with --resume; else NULL.
int locate_sink_open(struct locate_sink *sink, const struct locate_settings *settings,
                     const struct resume *resume, struct error *error);
// `whole`: what was written is fit to be kept.
int locate_sink_close(struct locate_sink *sink, const struct locate_settings *settings, bool whole,
                      struct error *error);

// The page of --html, which appears whole at the end.
struct locate_page {
    struct file_writer file;
    struct writer *writer; // NULL: no page
};
// With `resume` it begins with the records of that file, but those of `photos`, which come anew.
int locate_page_open(struct locate_page *page, const struct locate_settings *settings,
                     const struct resume *resume, const struct photo_list *photos, struct error *error);
int locate_page_close(struct locate_page *page, bool whole, struct error *error);

// A photo that knows where it was taken keeps that: programs take a sidecar's position before its own.
bool locate_keeps_gps(const struct locate_settings *settings, const struct verdict *verdict);

// Sidecars that the records of an earlier run lack; what cannot be written is told, and counted in *failed.
int locate_heal_sidecars(const struct locate_settings *settings, const struct resume *resume,
                         const struct photo_list *photos, size_t *written, size_t *failed,
                         struct error *error);

#endif
