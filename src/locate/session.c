#include "locate/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/installed.h"
#include "base/log.h"
#include "model/hub.h"
#include "reward/locatability_model.h"

const char *session_prompt(const struct session_options *options) {
    return options->prompt ? options->prompt : options->compat ? "compat-eval" : "globe";
}

struct session_options session_options_default(void) {
    return (struct session_options){
        .samples = 1,
        .max_tokens = 1024,
        .sequences = 16,
        .temperature = -1,
        .repetition_penalty = -1,
        .sampling = sampling_default(),
        .local = {.max_pixels = 1003520}, // what GLOBE was trained with
        .cluster_km = 50,
        .locatability_below = SESSION_LOCATABILITY_BELOW,
        .alternatives = 5,
        .endpoint = {.concurrency = 16,
                     .retries = 4,
                     .patience = 30,
                     .timeout = 300,
                     .jpeg_quality = 92,
                     .log_probs = true},
    };
}

// The request of the released eval.py (rewards_and_eval.md section 5).
static void set_compat(struct session_options *options) {
    options->sampling.frequency_penalty = 0.7;
    options->sampling.presence_penalty = 0.7;
    if (options->temperature < 0) options->temperature = 0.1;
    if (options->max_tokens > 512) options->max_tokens = 512;
}

static void settle_sampling(const struct session *session, struct session_options *options) {
    struct sampling *sampling = &options->sampling;
    if (options->compat) set_compat(options);
    sampling->temperature = options->temperature >= 0 ? options->temperature
                            : options->samples > 1    ? 1.0
                                                      : 0.0;
    if (options->repetition_penalty >= 0) {
        sampling->repetition_penalty = options->repetition_penalty;
    } else if (session->model) {
        const struct generation_defaults *defaults = model_facts(session->model)->generation;
        if (defaults->has_repetition_penalty) sampling->repetition_penalty = defaults->repetition_penalty;
    }
}

static void open_gazetteer(struct session *session, const struct session_options *options) {
    struct error error = {0};
    session->gazetteer = gazetteer_open(options->gazetteer, &error);
    if (!session->gazetteer) warnings_add(&session->warnings, "no coordinates: %s", error.message);
}

static int open_engine(struct session *session, const struct session_options *options, struct error *error) {
    if (options->endpoint.url) {
        session->engine = engine_open_endpoint(&options->endpoint, error);
    } else {
        session->model = model_open(options->model, &options->local, error);
        if (session->model)
            session->engine = engine_open_local(
                session->model, &(struct local_options){.sequences = options->sequences}, error);
    }
    return session->engine ? 0 : -1;
}

// What works with no download: it knows a drawn world only (docs/postcards.md).
static int find_embedded(struct session *session, struct session_options *options, struct error *error) {
    char *config = installed_find("models/postcards/config.json", error);
    if (!config) return error_prefix(error, "no --model is given, and the embedded one is not there");
    session->embedded = file_folder(config, error);
    free(config);
    options->model = session->embedded;
    return session->embedded ? 0 : -1;
}

static int open_parts(struct session *session, struct session_options *options, struct error *error) {
    if (options->endpoint.url && options->model)
        return error_set(error, ERROR_USAGE, "one of --model and --endpoint, not both");
    if (options->endpoint.url && !options->endpoint.model)
        return error_set(error, ERROR_USAGE,
                         "an endpoint needs the name by which it knows the model (--model NAME)");
    if (options->endpoint.url && options->explain)
        return error_set(error, ERROR_USAGE,
                         "--explain needs a local model: a server does not tell where it looked");
    const char *prompt = session_prompt(options);
    if (locate_prompt_open(&session->prompt, prompt, options->hint, error)) return -1;
    if (options->hint_file && (strchr(options->hint_file, '/') || !*options->hint_file))
        return error_set(error, ERROR_USAGE,
                         "--hint-file %s: a file's name, which is looked for in folders of photos",
                         options->hint_file);
    session->hints =
        (struct folder_hints){.file = options->hint_file, .prompt = prompt, .hint = options->hint};
    if (options->gazetteer) { // named explicitly: it must be there
        session->gazetteer = gazetteer_open(options->gazetteer, error);
        if (!session->gazetteer) return -1;
    } else if (!options->no_gazetteer) {
        open_gazetteer(session, options);
    }
    if (!options->endpoint.url && !options->model && find_embedded(session, options, error)) return -1;
    if (open_engine(session, options, error)) return -1;
    settle_sampling(session, options);
    return sampling_check(&options->sampling, error);
}

// A model may say by itself which pictures it was made for. An adapter changes what the tower sees, so the
// scope is not that of the two together; that of other weights says nothing of these.
static int open_scope(struct session *session, const struct session_options *options, struct error *error) {
    if (!session->model || options->no_scope || options->local.adapter) return 0;
    struct buffer path = {0};
    buffer_format(&path, "%s/" SCOPE_FILE, options->model);
    int result = path.failed ? error_set(error, ERROR_MEMORY, "out of memory") : 0;
    if (result == 0 && access(path.data, F_OK) == 0) result = scope_open(&session->scope, path.data, error);
    if (result == 0 && session->scope.count && session->scope.model != model_identity(session->model)) {
        warnings_add(&session->warnings,
                     "%s is the scope of other weights and is not used: globe eval --scope finds it anew",
                     path.data);
        scope_free(&session->scope);
    }
    buffer_free(&path);
    return result;
}

// What votes are worth holds for the run it was measured on: with an adapter, a system message, a hint or the
// released evaluation's rules it is another.
static int open_calibration(struct session *session, const struct session_options *options,
                            struct error *error) {
    struct buffer path = {0};
    size_t pixels = session->model ? model_facts(session->model)->max_pixels : options->endpoint.max_pixels;
    calibration_describe(&session->run, session->prompt.text, &options->sampling, options->cluster_km,
                         pixels);
    if (options->calibration) return calibration_read(&session->calibration, options->calibration, error);
    if (!session->model || options->local.adapter) return 0;
    buffer_format(&path, "%s/" CALIBRATION_FILE, options->model);
    int result = path.failed ? error_set(error, ERROR_MEMORY, "out of memory") : 0;
    if (result == 0 && access(path.data, F_OK) == 0)
        result = calibration_read(&session->calibration, path.data, error);
    buffer_free(&path);
    return result;
}

static const struct calibration_run *find_calibration(struct session *session,
                                                      const struct session_options *options) {
    if (session->calibration.count == 0 || options->compat || options->system || options->hint_file)
        return NULL;
    return calibration_find(&session->calibration, &session->run, options->samples);
}

static int open_reward(struct session *session, const struct session_options *options, struct error *error) {
    if (options->locatability_endpoint.url) {
        session->reward = locatability_model_open_endpoint(&options->locatability_endpoint, false, error);
    } else if (options->locatability) {
        if (!session->model)
            return error_set(
                error, ERROR_USAGE,
                "--locatability %s: an adapter works over a local model (--model); for a server name "
                "its address",
                options->locatability);
        session->reward = locatability_model_open(session->model, options->locatability, false, error);
    } else {
        return 0;
    }
    return session->reward ? 0 : error_prefix(error, "--locatability");
}

int session_open(struct session *session, const struct session_options *wanted, struct error *error) {
    struct session_options options = *wanted;
    *session = (struct session){0};
    if (open_parts(session, &options, error) || open_scope(session, &options, error) ||
        open_calibration(session, &options, error) || open_reward(session, &options, error)) {
        session_close(session);
        return -1;
    }
    enum answer_rules rules = !options.compat             ? ANSWER_LENIENT
                              : session->prompt.reasoning ? ANSWER_COMPAT_EVAL
                                                          : ANSWER_COMPAT_DIRECT;
    session->locator =
        (struct locator_options){.prompt = &session->prompt,
                                 .hints = options.hint_file ? &session->hints : NULL,
                                 .system = options.system,
                                 .sampling = options.sampling,
                                 .samples = options.samples,
                                 .max_tokens = options.max_tokens,
                                 .ignore_orientation = options.compat,
                                 .allow_truncated = options.allow_truncated,
                                 .explain = options.explain,
                                 .replace_evidence = options.replace_evidence,
                                 .scope = session->scope.count ? &session->scope : NULL,
                                 .reward = session->reward,
                                 .locatability_below = options.locatability_below,
                                 .model = session->model,
                                 .judge = {.gazetteer = session->gazetteer,
                                           .rules = rules,
                                           .cluster_km = options.cluster_km,
                                           .abstain_below = options.abstain_below,
                                           .finest = options.finest,
                                           .alternatives = options.alternatives,
                                           .calibration = find_calibration(session, &options)}};
    return 0;
}

void session_log(const struct session *session) {
    warnings_log(&session->warnings);
    if (session->model) warnings_log(model_facts(session->model)->warnings);
    if (session->calibration.count && !session->locator.judge.calibration)
        log_info(
            "not calibrated: the model's calibration is of other samples, temperature, prompt or options");
    if (session->embedded)
        log_info("no --model: the embedded one answers. It knows drawn postcards of 48 cities and nothing of "
                 "real photos");
}

void session_close(struct session *session) {
    engine_close(session->engine);
    locatability_model_close(session->reward);
    scope_free(&session->scope);
    calibration_free(&session->calibration);
    model_close(session->model);
    gazetteer_close(session->gazetteer);
    locate_prompt_free(&session->prompt);
    folder_hints_free(&session->hints);
    free(session->embedded);
    *session = (struct session){0};
}

// ---- what an output must not replace --------------------------------------------------------------------

static int spare_folder(const struct outputs *outputs, const char *what, const char *option, const char *name,
                        struct error *error) {
    if (!name) return 0;
    struct error ignored = {0};
    char *folder = hub_find(name, option, NULL, &ignored); // what is not there is told when it is opened
    int result = outputs_spare_folder(outputs, what, folder ? folder : name, error);
    free(folder);
    return result;
}

int session_spare_inputs(const struct session_options *options, const struct outputs *outputs,
                         struct error *error) {
    const struct {
        const char *what, *path;
    } files[] = {{"the gazetteer", options->gazetteer},
                 {"the prompt", options->prompt},
                 {"the calibration", options->calibration},
                 {"the endpoint's certificates", options->endpoint.ca_file},
                 {"the endpoint's key", options->endpoint.key_file}};
    if (outputs->count == 0) return 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i].path && outputs_spare(outputs, files[i].what, files[i].path, error)) return -1;
    if (spare_folder(outputs, "a file of the model", "--model", options->model, error)) return -1;
    if (spare_folder(outputs, "a file of the adapter", "--adapter", options->local.adapter, error)) return -1;
    return spare_folder(outputs, "a file of the reward model", "--locatability", options->locatability,
                        error);
}
