// globe eval: how well a model locates pictures whose place is known.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/output.h"
#include "base/signals.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/endpoint_options.h"
#include "cli/model_arguments.h"
#include "eval/calibrate.h"
#include "eval/exam.h"
#include "eval/report.h"
#include "eval/scope_fit.h"

struct settings {
    struct session_options session;
    struct model_arguments model;
    struct endpoint_settings endpoint;
    struct exam_options exam;
    const char *calibrate; // write there what the votes are worth
    const char *scope;     // write the model's scope there, and nothing else
    bool json;
};

static int print_report(const struct exam *exam, bool json, struct error *error) {
    struct buffer text = {0};
    int result = 0;
    if (json)
        result = report_json(&text, exam, error);
    else
        report_text(&text, exam);
    if (result == 0 && text.failed) result = error_set(error, ERROR_MEMORY, "report: out of memory");
    if (result == 0 && (fwrite(text.data, 1, text.length, stdout) != text.length || fflush(stdout)))
        result = error_set_errno(error, "standard output", "cannot write");
    buffer_free(&text);
    return result;
}

// What is written besides the answers is claimed before any work. It usually belongs in the model's folder; what
// it replaces there is its own kind.
static int claim(struct outputs *outputs, const struct settings *settings, const struct exam *exam,
                 struct error *error) {
    const char *path = settings->scope ? settings->scope : settings->calibrate;
    const struct output_kind *kind = settings->scope ? &scope_kind : &calibration_kind;
    struct error not_own = {0};
    *outputs = (struct outputs){.command = "globe eval", .force = settings->exam.force};
    if (!path) return 0;
    if (settings->exam.answers) { // which exam_run claims
        struct outputs answers = {.command = "globe eval"};
        int result = outputs_add(&answers, "--answers", settings->exam.answers, NULL, false, error) ||
                     outputs_spare(&answers, "what another option writes", path, error);
        outputs_release(&answers);
        if (result) return -1;
    }
    if (outputs_add(outputs, settings->scope ? "--scope" : "--calibrate", path, kind, false, error))
        return -1;
    int result = 0;
    for (size_t i = 0; result == 0 && i < settings->exam.file_count; i++)
        result = outputs_spare(outputs, "a file of rows", settings->exam.files[i], error);
    for (size_t i = 0; result == 0 && i < exam->rows.count; i++)
        result = outputs_spare(outputs, "a picture of the rows", exam->rows.rows[i].photo, error);
    if (result == 0 && output_check(path, kind, &not_own))
        result = session_spare_inputs(&settings->session, outputs, error);
    if (result) outputs_release(outputs);
    return result;
}

// Not an examination: what pictures the model is made for.
static int find_scope(const struct settings *settings, const struct operands *files) {
    struct exam exam = {0};
    struct session session = {0};
    struct scope scope = {0};
    struct scope_report report;
    struct buffer text = {0};
    struct error error = {0};
    struct outputs outputs = {0};
    int result =
        exam_open(&exam, (const char *const *)files->values, (size_t)files->count, &settings->exam, &error);
    if (result == 0 && exam.rows.shard_count)
        result = error_set(&error, ERROR_USAGE, "--scope looks at picture files: unpack the shard");
    if (result == 0) result = claim(&outputs, settings, &exam, &error);
    if (result == 0) result = session_open(&session, &settings->session, &error);
    if (result == 0 && !session.model)
        result =
            error_set(&error, ERROR_USAGE, "--scope needs a local model: a server does not say how it sees");
    if (result == 0) result = scope_fit_rows(&scope, session.model, &exam.rows, 0.003, &report, &error);
    if (result == 0) result = scope_save(&scope, settings->scope, &error);
    if (result == 0) {
        scope_report_write(&text, &scope, &report);
        if (text.failed || fputs(text.data, stdout) == EOF)
            result = error_set(&error, ERROR_MEMORY, "no memory for the report");
        if (result == 0 && fflush(stdout))
            result = error_set_errno(&error, "standard output", "cannot write");
    }
    buffer_free(&text);
    scope_free(&scope);
    session_close(&session);
    exam_close(&exam);
    outputs_release(&outputs);
    return result ? command_fail(&error) : ERROR_NONE;
}

// Puts this run into the file, which may hold others.
static int write_calibration(const char *path, const struct calibrate_answers *answers,
                             const struct session *session, const struct judge_options *options,
                             struct error *error) {
    struct calibration calibration = {0};
    struct calibration_run *run = memory_new(1, sizeof *run, "calibration", error);
    int result = run ? 0 : -1;
    if (result == 0) *run = session->run;
    if (result == 0 && access(path, F_OK) == 0) result = calibration_read(&calibration, path, error);
    if (result == 0) result = calibrate_fit(run, answers, options, error);
    if (result == 0) result = calibration_put(&calibration, run, error);
    if (result == 0) result = calibration_write(&calibration, path, error);
    free(run);
    calibration_free(&calibration);
    return result;
}

// How far the confidences and radii of the answers that were kept are to be believed.
static int weigh_answers(const struct settings *settings, const struct exam *exam, struct error *error) {
    struct session session = {0};
    struct calibrate_answers answers = {0};
    struct calibrate_measures measures;
    struct buffer text = {0};
    if (session_open(&session, &settings->session, error)) return -1;
    struct judge_options options = session.locator.judge;
    options.finest = false;
    int result = calibrate_read(&answers, settings->exam.answers, &exam->rows, error);
    if (result == 0 && settings->calibrate)
        result = write_calibration(settings->calibrate, &answers, &session, &options, error);
    if (result == 0 && !settings->calibrate) result = calibrate_measure(&measures, &answers, &options, error);
    if (result == 0 && !settings->calibrate && !settings->json) {
        calibrate_report(&text, &measures);
        if (text.failed || fputs(text.data, stdout) == EOF || fflush(stdout))
            result = error_set_errno(error, "standard output", "cannot write");
    }
    buffer_free(&text);
    calibrate_free(&answers);
    session_close(&session);
    return result;
}

static int examine(struct settings *settings, const struct operands *files) {
    struct exam exam = {0};
    struct error error = {0};
    struct outputs outputs = {0};
    int result =
        exam_open(&exam, (const char *const *)files->values, (size_t)files->count, &settings->exam, &error);
    if (result == 0) result = claim(&outputs, settings, &exam, &error);
    if (result == 0) result = exam_run(&exam, &settings->session, &settings->exam, &error);
    if (result == 0) result = print_report(&exam, settings->json, &error);
    if (result == 0 && settings->exam.answers && !settings->exam.blind)
        result = weigh_answers(settings, &exam, &error);
    int status = result ? command_fail(&error) : exam.total.failed ? ERROR_PARTIAL : ERROR_NONE;
    outputs_release(&outputs);
    exam_close(&exam);
    return status;
}

// A server's model is named by --model, as in `globe locate`.
static int settle(struct settings *settings, struct error *error) {
    struct session_options *session = &settings->session;
    if (endpoint_settings_apply(&settings->endpoint, &session->endpoint, error)) return -1;
    session->model = session->endpoint.url ? NULL : settings->model.folder;
    if (session->endpoint.url) session->endpoint.model = settings->model.folder;
    session->endpoint.max_pixels = (size_t)settings->model.max_pixels;
    session->local = model_arguments_resolve(&settings->model);
    session->no_scope = true; // what the model says of every picture is the question
    session->finest = true;   // every picture's city and country are asked for
    return 0;
}

static const char description[] =
    "Locates pictures whose place is known and says how often the model is right:\n"
    "country, city, distance, whether a picture can be placed at all, and whether the\n"
    "reasoning names what is there. FILE holds JSON lines as `globe postcards` writes\n"
    "them. With --blind the model sees grey instead: what is right then was not seen.\n"
    "Without --model the embedded one is examined.";

static const char examples[] =
    "globe postcards --out exam --count 2000 --seed 7 --split test\n"
    "globe eval exam/postcards.jsonl\n"
    "globe eval exam/postcards.jsonl --blind\n"
    "globe eval exam/postcards.jsonl --model DIR --answers a.jsonl --resume --json\n";

int command_eval(int argc, char **argv) {
    struct settings s = {.session = session_options_default(),
                         .model = model_arguments_default(),
                         .endpoint = endpoint_settings_default(),
                         .exam = {.group_by = NULL}};
    const char *group_by = NULL;
    int64_t limit = 0, samples = 1, max_tokens = (int64_t)s.session.max_tokens, seed = 0,
            sequences = (int64_t)s.session.sequences;
    const struct option table[] = {
        MODEL_ARGUMENTS(s.model),
        option_string("by", 'b', "KEY", &group_by, "Also by the values of this key of the rows"),
        option_integer("limit", 'l', "N", &limit, 0, INT64_MAX, "The first N rows only (0: all)"),
        option_flag("blind", 0, &s.exam.blind, "Show the model grey instead of every picture"),
        option_string("answers", 'a', "FILE", &s.exam.answers, "Keep the answers there, as JSON lines"),
        option_flag("resume", 0, &s.exam.resume, "Go on with --answers FILE of an earlier run"),
        option_flag("force", 0, &s.exam.force,
                    "Replace a file of others, and --resume answers of other settings"),
        option_string("calibrate", 0, "FILE", &s.calibrate,
                      "Measure what votes are worth on these answers (--answers), and write that"),
        option_string("calibration", 0, "FILE", &s.session.calibration,
                      "Such a file, instead of the model's own"),
        option_string("scope", 0, "FILE", &s.scope,
                      "Find which pictures the model is made for, from these, and write that"),
        option_flag("json", 'j', &s.json, "Print JSON"),
        option_string("prompt", 'p', "NAME", &s.session.prompt, "globe, compat-eval, direct, or a file"),
        option_integer("samples", 'k', "N", &samples, 1, 1024, "Answers per picture, put to the vote"),
        option_number("temperature", 0, "T", &s.session.temperature, -1, 100,
                      "Sampling temperature (-1: 0 for one sample, 1 for several)"),
        option_integer("seed", 0, "N", &seed, 0, INT64_MAX, "Of the sampling"),
        option_integer("max-tokens", 'n', "N", &max_tokens, 1, 32768, "Longest answer"),
        option_number("abstain-below", 0, "P", &s.session.abstain_below, 0, 1,
                      "Give no place when less sure than that"),
        option_integer("sequences", 0, "N", &sequences, 1, 1024, "Answers that decode together"),
        option_flag("compat", 0, &s.session.compat, "As the released eval.py"),
        option_string("gazetteer", 'g', "FILE", &s.session.gazetteer,
                      "Another gazetteer than the built-in one"),
        ENDPOINT_OPTIONS(s.endpoint),
        {0},
    };
    const struct usage usage = {.command = "eval",
                                .arguments = "FILE...",
                                .at_least = 1,
                                .at_most = -1,
                                .options = table,
                                .description = description,
                                .examples = examples};
    struct operands files;
    struct error error = {0};
    int status;
    if (!options_parse(&usage, argc, argv, &files, &status)) return status;
    s.exam.group_by = group_by;
    s.exam.limit = (size_t)limit;
    s.session.samples = (size_t)samples;
    s.session.max_tokens = (size_t)max_tokens;
    s.session.sequences = (size_t)sequences;
    s.session.sampling.seed = (uint64_t)seed;
    if (s.exam.resume && !s.exam.answers) {
        error_set(&error, ERROR_USAGE, "--resume goes with --answers FILE");
        return command_fail(&error);
    }
    if (s.calibrate && !s.exam.answers) {
        error_set(&error, ERROR_USAGE, "--calibrate needs the answers kept: --answers FILE");
        return command_fail(&error);
    }
    signals_catch();
    s.exam.files = (const char *const *)files.values;
    s.exam.file_count = (size_t)files.count;
    status = settle(&s, &error) ? command_fail(&error)
             : s.scope          ? find_scope(&s, &files)
                                : examine(&s, &files);
    endpoint_settings_free(&s.endpoint);
    return status;
}
