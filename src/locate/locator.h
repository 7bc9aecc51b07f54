// A batch of photos through an engine: decode, ask, judge, hand over. Several photos are in flight at once;
// one that fails becomes a verdict that says so and never stops the rest.
#ifndef GLOBE_LOCATE_LOCATOR_H
#define GLOBE_LOCATE_LOCATOR_H

#include <stdatomic.h>

#include "engine/engine.h"
#include "locate/folder_hints.h"
#include "locate/judge.h"
#include "locate/verdict.h"
#include "photo/source.h"
#include "text/prompts.h"

struct locatability_model;
struct model;
struct scope;

// Where photos are that are no paths.
struct locator_pictures {
    int (*open)(void *context, const char *photo, struct photo_source *source, struct error *error);
    void *context;
};

struct locator_options {
    const struct locate_prompt *prompt;
    struct folder_hints *hints; // instead of `prompt` one for each photo's folder; NULL: not so
    const char *system;         // NULL: the model's default
    struct sampling sampling;
    size_t samples;          // completions per photo
    size_t max_tokens;       // per completion
    bool ignore_orientation; // --compat: photos are read as the reference reads them
    bool allow_truncated;    // files that were cut short: what is there of them (photo/decode.h)
    const char *explain;     // folder for attention maps, made when missing; NULL: none
    bool replace_evidence;   // also pictures there that globe did not make
    struct judge_options judge;
    const atomic_int *cancelled; // not 0: stop, as after Ctrl-C; NULL: never
    // Pictures out of scope are not asked about (VERDICT_OUT_OF_SCOPE); NULL: all are in scope.
    const struct scope *scope;
    // Asked of every photo and the completion that its verdict quotes; NULL: nobody is. A place with less than that is
    // not given. When it cannot be asked the photo fails.
    struct locatability_model *reward;
    double locatability_below;
    struct model *model;                     // whose scope it is, when there is one
    const struct locator_pictures *pictures; // NULL: photos are what photo_decode_file takes
};

struct locator_events {
    // Part of a completion as it comes (first sample only). May be NULL.
    void (*on_text)(void *context, const char *photo, const char *text, size_t length);
    // A photo is done; the verdict is freed afterwards. -1 (with *error set) stops the batch.
    int (*on_verdict)(void *context, const struct verdict *verdict, struct error *error);
    void *context;
};

struct locator_counts {
    size_t done, failed; // failed ones are among those done
};

// 0 when every photo was handed over (some may have failed: see counts), -1 with ERROR_INTERRUPTED after
// Ctrl-C (what was handed over stands) or when the engine itself failed.
int locator_run(struct engine *engine, const struct locator_options *options, const char *const *photos,
                size_t count, const struct locator_events *events, struct locator_counts *counts,
                struct error *error);

// One picture that is decoded already. The verdict is the caller's to free. Of the events, which may be NULL,
// only on_text is used.
int locator_image(struct engine *engine, const struct locator_options *options, const struct image *image,
                  const char *name, const struct locator_events *events, struct verdict *verdict,
                  struct error *error);

#endif
