// Everything `globe locate`, the C API and the server need, opened in one go from one set of settings.
#ifndef GLOBE_LOCATE_SESSION_H
#define GLOBE_LOCATE_SESSION_H

#include "base/output.h"
#include "base/warnings.h"
#include "locate/locator.h"
#include "locate/scope.h"
#include "model/model.h"

#define SESSION_LOCATABILITY_BELOW 0.5 // unless it is set

struct session_options {
    const char *model;                // checkpoint folder; NULL: the embedded one, models/postcards; or
    struct endpoint_options endpoint; // url set: a server instead
    struct model_options local;       // of a local model
    const char *gazetteer;            // NULL: the default search (geo/gazetteer.h)
    bool no_gazetteer;                // names only, no coordinates
    const char *prompt;               // see locate_prompt_open; NULL: "globe", with compat "compat-eval"
    const char *hint;                 // NULL: none
    const char *hint_file; // name of the files with hints for folders (locate/folder_hints.h); NULL: none
    const char *system;    // NULL: the model's default
    bool compat; // exactly the released evaluation: its request, its reading of answers, no EXIF rotation
    size_t samples, max_tokens;
    size_t sequences;          // local model: samples that decode together at most
    double temperature;        // < 0: 0 for one sample, 1 for several
    double repetition_penalty; // < 0: generation_config.json's
    struct sampling sampling;  // the other settings
    double abstain_below, cluster_km;
    const char *calibration; // NULL: the model's own, if it has one
    bool finest;             // see judge_options
    bool no_scope;           // pictures are asked about that the model was not made for, too
    size_t alternatives;
    const char
        *locatability; // adapter of a reward model over the local model (reward/locatability_model.h); NULL:
                       // nobody is asked, or
    struct endpoint_options locatability_endpoint; // url set: a server
    double locatability_below;                     // a place with less is not given
    const char *explain;                           // folder for attention maps; NULL: none
    bool allow_truncated;                          // locate/locator.h
    bool replace_evidence;                         // also pictures there that globe did not make
};

struct session_options session_options_default(void);
const char *session_prompt(const struct session_options *options); // the name of the prompt that is meant

struct session {
    struct model *model; // NULL with an endpoint
    struct engine *engine;
    struct gazetteer *gazetteer; // NULL when there is none
    struct locate_prompt prompt;
    struct folder_hints hints;         // in use with hint_file
    struct calibration calibration;    // of the model, or named; no runs: it has none
    struct calibration_run run;        // what describes this one
    struct scope scope;                // of the model, from its folder; no features: it has none
    struct locatability_model *reward; // NULL: none
    struct locator_options locator;    // points into the session
    char *embedded;                    // folder of the embedded model, when that is the one; else NULL
    struct warnings warnings;          // about a missing gazetteer
};

// ERROR_USAGE for settings that do not go together, ERROR_MODEL, ERROR_INPUT ... from what is opened. The
// options' texts must outlive the session.
int session_open(struct session *session, const struct session_options *wanted, struct error *error);
// Tells people on the log what they should know: the warning, and that the embedded model answers.
void session_log(const struct session *session);
void session_close(struct session *session);

// Before it is opened: ERROR_USAGE when one of the outputs is a file that the session will read: of the model
// (also of one in the hub's cache) or the adapter, the gazetteer, the prompt, the calibration, the endpoint's
// certificates or its key.
int session_spare_inputs(const struct session_options *options, const struct outputs *outputs,
                         struct error *error);

#endif
