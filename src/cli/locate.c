// globe locate: where were these photos taken, and why.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/endpoint_options.h"
#include "cli/locate_internal.h"
#include "geo/gazetteer_density.h"

struct batch {
    const struct locate_settings *settings;
    struct writer *writer;
    struct locate_page page;
    struct progress *progress;
    bool streaming, streamed; // the answer is shown as it is written / some of it was
    size_t outcomes[VERDICT_FAILED + 1];
    size_t sidecars_failed, evidence_failed; // of photos that have their verdict
    enum error_code only_error;
};

// What happened before the first photo.
struct preparation {
    struct resume resume; // in use with --resume
    size_t dropped;       // photos that were done before
    size_t healed, sidecars_failed;
    size_t repeats;  // further names of photos that are in the list
    size_t problems; // folders and lists that could not be read
    enum error_code first_problem;
};

// Counts the places that the map's land is drawn from, when a page is to be written. free() it.
static struct gazetteer_density *find_land(const struct locate_settings *settings,
                                           struct gazetteer *gazetteer) {
    struct error error = {0};
    if ((!settings->html && settings->writer.format != WRITER_HTML) || !gazetteer) return NULL;
    struct gazetteer_density *land = memory_new(1, sizeof *land, "map", &error);
    if (land && gazetteer_count_places(gazetteer, land, &error) == 0) return land;
    log_warning("the map has no land: %s", error.message);
    free(land);
    return NULL;
}

static void on_text(void *context, const char *photo, const char *text, size_t length) {
    struct batch *batch = context;
    (void)photo;
    struct buffer shown = {0};
    writer_add_shown(&shown, text, length);
    if (shown.length) fwrite(shown.data, 1, shown.length, stdout);
    fflush(stdout);
    buffer_free(&shown);
    batch->streamed = true;
}

// The photo has its verdict; something beside it is missing. The batch goes on, and --resume mends it.
static void note_side_failure(struct batch *batch, size_t *count, const char *message, enum error_code code) {
    log_error("%s", message);
    batch->only_error = code;
    ++*count;
}

static void write_sidecar(struct batch *batch, const struct verdict *verdict) {
    const struct locate_settings *settings = batch->settings;
    struct error error = {0};
    // A run that was killed between sidecar and line left one that nobody has touched: it is made again.
    enum xmp_replace replace = settings->replace_xmp ? XMP_REPLACE
                               : settings->resume    ? XMP_UNTOUCHED
                                                     : XMP_KEEP;
    // And one of a photo that has no place this time says what nobody says any more.
    if (settings->write_xmp && settings->resume && verdict->outcome != VERDICT_PLACED &&
        verdict->outcome != VERDICT_FAILED) {
        if (writer_remove_xmp(verdict->photo, &settings->writer, &error))
            note_side_failure(batch, &batch->sidecars_failed, error.message, error.code);
    } else if (settings->write_xmp && locate_keeps_gps(settings, verdict))
        log_warning("%s: it has a measured GPS position, so no sidecar with an estimate is written beside it "
                    "(--over-gps writes one)",
                    verdict->photo);
    else if (settings->write_xmp && writer_write_xmp(verdict, &settings->writer, replace, &error))
        note_side_failure(batch, &batch->sidecars_failed, error.message, error.code);
}

// What stands beside the record comes first: a record says that all of it is there.
static int on_verdict(void *context, const struct verdict *verdict, struct error *error) {
    struct batch *batch = context;
    batch->outcomes[verdict->outcome]++;
    if (verdict->outcome == VERDICT_FAILED) {
        batch->only_error = verdict->error.code;
        log_error("%s", verdict->error.message);
    }
    if (verdict->evidence_error)
        note_side_failure(batch, &batch->evidence_failed, verdict->evidence_error, ERROR_INPUT);
    if (batch->streamed) fputs("\n\n", stdout);
    batch->streamed = false;
    write_sidecar(batch, verdict);
    if (batch->page.writer && writer_add(batch->page.writer, verdict, error)) return -1;
    if (writer_add(batch->writer, verdict, error)) return -1;
    progress_add(batch->progress, 1);
    return 0;
}

static void add_count(struct buffer *out, size_t count, const char *one, const char *many) {
    if (count) buffer_format(out, "; %zu %s", count, count == 1 ? one : many);
}

static void add_preparation(struct buffer *out, const struct preparation *before) {
    add_count(out, before->repeats, "was named again", "were named again");
    add_count(out, before->dropped, "was done before", "were done before");
    add_count(out, before->healed, "sidecar written from its record", "sidecars written from their records");
    add_count(out, before->problems, "folder or list not read", "folders or lists not read");
}

// The outcomes add up to the photos; what is said after them is counted besides.
static void summarise(const struct batch *batch, size_t count, size_t done, const struct preparation *before,
                      double seconds) {
    char outside[40] = "";
    if (batch->outcomes[VERDICT_OUT_OF_SCOPE])
        snprintf(outside, sizeof outside, ", %zu out of scope", batch->outcomes[VERDICT_OUT_OF_SCOPE]);
    struct buffer more = {0};
    add_preparation(&more, before);
    add_count(&more, count - done, "not done", "not done");
    add_count(&more, batch->sidecars_failed + before->sidecars_failed, "sidecar not written",
              "sidecars not written");
    add_count(&more, batch->evidence_failed, "without attention maps", "without attention maps");
    log_info(
        "%zu photo%s in %.1f s: %zu placed, %zu abstained, %zu not locatable, %zu without an answer, %zu "
        "failed%s%s",
        done, done == 1 ? "" : "s", seconds, batch->outcomes[VERDICT_PLACED],
        batch->outcomes[VERDICT_ABSTAINED], batch->outcomes[VERDICT_NOT_LOCATABLE],
        batch->outcomes[VERDICT_NO_ANSWER], batch->outcomes[VERDICT_FAILED], outside,
        more.data ? more.data : "");
    buffer_free(&more);
}

static const struct resume *resume_of(const struct locate_settings *settings,
                                      const struct preparation *before) {
    return settings->resume ? &before->resume : NULL;
}

static int open_outputs(struct batch *batch, struct locate_sink *sink, const struct photo_list *photos,
                        const struct preparation *before, struct error *error) {
    const struct locate_settings *settings = batch->settings;
    const struct resume *resume = resume_of(settings, before);
    if (locate_page_open(&batch->page, settings, resume, photos, error)) return -1;
    if (locate_sink_open(sink, settings, resume, error) == 0) {
        batch->writer = writer_new(sink->stream, &settings->writer, error);
        if (batch->writer) return 0;
        locate_sink_close(sink, settings, false, &(struct error){0});
    }
    locate_page_close(&batch->page, false, &(struct error){0});
    return -1;
}

static int status_of(const struct batch *batch, size_t photos, const struct preparation *before) {
    if (before->problems || before->sidecars_failed) return ERROR_PARTIAL;
    if (batch->outcomes[VERDICT_FAILED] + batch->sidecars_failed + batch->evidence_failed == 0)
        return ERROR_NONE;
    return photos == 1 ? (int)batch->only_error : ERROR_PARTIAL;
}

// Locates the photos of the list with an open session. Returns the exit status.
static int run_batch(struct session *session, struct locate_settings *settings,
                     const struct photo_list *photos, const struct preparation *before) {
    struct error error = {0}, ignored;
    struct locate_sink sink;
    settings->writer.model = engine_model(session->engine);
    settings->writer.expected = photos->count;
    struct batch batch = {.settings = settings};
    batch.streaming = settings->writer.format == WRITER_TEXT && !settings->output && photos->count == 1 &&
                      settings->session.samples == 1 && settings->writer.precision != PRECISION_COUNTRY;
    if (batch.streaming) settings->writer.show_reasoning = false; // it has been shown already
    if (open_outputs(&batch, &sink, photos, before, &error)) return command_fail(&error);
    if (photos->count > 1) batch.progress = progress_start("locating", "photos", photos->count);
    const struct locator_events events = {batch.streaming ? on_text : NULL, on_verdict, &batch};
    struct locator_counts counts;
    double start = clock_seconds();
    int failed = locator_run(session->engine, &session->locator, (const char *const *)photos->paths,
                             photos->count, &events, &counts, &error);
    progress_finish(batch.progress);
    // After Ctrl-C or a failure of the engine, what is finished is still kept, as a whole document.
    bool whole = error.code != ERROR_IO;
    int end = whole ? writer_end(batch.writer, failed ? &ignored : &error) : -1;
    writer_free(batch.writer);
    if (locate_sink_close(&sink, settings, end == 0, failed || end ? &ignored : &error) && !failed)
        failed = -1;
    if (locate_page_close(&batch.page, whole, failed || end ? &ignored : &error) && !failed) failed = -1;
    if (photos->count > 1 || before->repeats || before->dropped || before->problems)
        summarise(&batch, photos->count, counts.done, before, clock_seconds() - start);
    if (failed || end) return command_fail(&error);
    if (counts.done && batch.outcomes[VERDICT_OUT_OF_SCOPE] == counts.done) {
        log_error("%s: %s was not made for %s; nothing is said of where %s taken",
                  counts.done == 1 ? photos->paths[0] : "no photo is in scope", settings->writer.model,
                  counts.done == 1 ? "such a picture" : "such pictures",
                  counts.done == 1 ? "it was" : "they were");
        return ERROR_SCOPE;
    }
    return status_of(&batch, photos->count, before);
}

// ---- which photos ---------------------------------------------------------------------------------------

static void on_problem(void *context, const struct error *error) {
    struct preparation *before = context;
    if (!before->problems++) before->first_problem = error->code;
    log_error("%s", error->message);
}

// A folder or list that cannot be read does not keep the others from being done.
enum source { SOURCE_PATH, SOURCE_LIST, SOURCE_NULL_LIST };

static int add_source(struct photo_list *photos, const char *path, enum source kind, bool recursive,
                      struct preparation *before, struct error *error) {
    int result = kind == SOURCE_PATH
                     ? photo_list_expand(photos, path, recursive, error)
                     : photo_list_read(photos, path, kind == SOURCE_NULL_LIST, recursive, error);
    if (result == 0) return 0;
    if (error->code == ERROR_MEMORY) return -1;
    on_problem(before, error);
    return 0;
}

static int collect_photos(struct photo_list *photos, const struct locate_settings *settings,
                          const struct operands *operands, struct preparation *before, struct error *error) {
    photos->on_problem = on_problem;
    photos->context = before;
    enum source list = settings->writer.null_ends ? SOURCE_NULL_LIST : SOURCE_LIST;
    bool recursive = settings->recursive;
    for (int i = 0; i < operands->count; i++) {
        const char *path = operands->values[i];
        enum source kind = strcmp(path, "-") == 0 ? list : SOURCE_PATH;
        if (add_source(photos, path, kind, recursive, before, error)) return -1;
    }
    for (size_t i = 0; i < settings->lists.count; i++)
        if (add_source(photos, settings->lists.values[i], list, recursive, before, error)) return -1;
    for (size_t i = 0; i < settings->null_lists.count; i++)
        if (add_source(photos, settings->null_lists.values[i], SOURCE_NULL_LIST, recursive, before, error))
            return -1;
    return 0;
}

enum { MOST_REPEATS = 5 }; // that are told one by one

static void on_repeat(void *context, const char *photo, const char *first) {
    struct preparation *before = context;
    if (before->repeats++ >= MOST_REPEATS) return;
    if (strcmp(photo, first) == 0)
        log_warning("%s: is named twice, and located once", photo);
    else
        log_warning("%s: is the same file as %s, and located once, under that name", photo, first);
}

// Each photo once, however many names of it were given: its answer would be the same.
static int drop_repeats(struct photo_list *photos, struct preparation *before, struct error *error) {
    size_t dropped;
    if (photo_list_drop_repeats(photos, on_repeat, before, &dropped, error)) return -1;
    if (dropped > MOST_REPEATS)
        log_warning("%zu more names are of photos that are in the list", dropped - MOST_REPEATS);
    return 0;
}

// ---- from what is asked to what is done -----------------------------------------------------------------

static int prepare_resume(struct locate_settings *settings, struct photo_list *photos,
                          struct preparation *before, struct error *error) {
    const struct session_options *session = &settings->session;
    const struct resume_options options = {.provenance = settings->writer.provenance, .mix = settings->force};
    if (resume_read(&before->resume, settings->output, &options, error)) return -1;
    if (before->resume.unsigned_records)
        log_warning("%s: %zu records do not say with which model and settings they were made",
                    settings->output, before->resume.unsigned_records);
    if (resume_take_names(&before->resume, photos, error)) return -1;
    struct folder_hints hints = {
        .file = session->hint_file, .prompt = session_prompt(session), .hint = session->hint};
    int result = session->hint_file && !settings->force
                     ? resume_check_hints(&before->resume, photos, &hints, error)
                     : 0;
    folder_hints_free(&hints);
    if (result) return -1;
    size_t changed;
    if (resume_drop_changed(&before->resume, photos, &changed, error)) return -1;
    if (changed)
        log_warning("%s: %zu photo%s changed since %s located, so %s located again", settings->output,
                    changed, changed == 1 ? " has" : "s have", changed == 1 ? "it was" : "they were",
                    changed == 1 ? "it is" : "they are");
    if (locate_heal_sidecars(settings, &before->resume, photos, &before->healed, &before->sidecars_failed,
                             error))
        return -1;
    return resume_drop(&before->resume, photos, settings->session.explain != NULL, &before->dropped, error);
}

static int open_and_run(struct locate_settings *settings, const struct photo_list *photos,
                        const struct preparation *before) {
    struct error error = {0};
    struct session session;
    if (session_open(&session, &settings->session, &error)) return command_fail(&error);
    session_log(&session);
    struct gazetteer_density *land = find_land(settings, session.gazetteer);
    settings->writer.land = land;
    int status = run_batch(&session, settings, photos, before);
    free(land);
    session_close(&session);
    return status;
}

// Nothing is left to ask; the page and the order of the records may be.
static int finish_done(struct locate_settings *settings, const struct photo_list *photos,
                       const struct preparation *before) {
    struct error error = {0};
    struct locate_page page;
    struct gazetteer *gazetteer = settings->html && !settings->session.no_gazetteer
                                      ? gazetteer_open(settings->session.gazetteer, &error)
                                      : NULL;
    struct gazetteer_density *land = find_land(settings, gazetteer);
    settings->writer.land = land;
    int result = locate_page_open(&page, settings, &before->resume, photos, &error);
    if (result == 0) result = locate_page_close(&page, true, &error);
    if (result == 0) result = journal_heal(settings->output, &before->resume.mark, &error);
    if (result == 0) result = resume_tidy(settings->output, &error);
    free(land);
    gazetteer_close(gazetteer);
    if (result) return command_fail(&error);
    struct preparation rest = *before;
    struct buffer more = {0};
    rest.dropped = 0;
    add_preparation(&more, &rest);
    add_count(&more, before->sidecars_failed, "sidecar not written", "sidecars not written");
    log_info("%s done before%s", before->dropped == 1 ? "the photo was" : "all photos were",
             more.data ? more.data : "");
    buffer_free(&more);
    return before->problems || before->sidecars_failed ? ERROR_PARTIAL : ERROR_NONE;
}

// With the outputs claimed.
static int prepare_and_run(struct locate_settings *settings, struct photo_list *photos,
                           struct preparation *before) {
    struct error error = {0};
    struct provenance provenance;
    enum writer_format format = settings->writer.format;
    bool told = format == WRITER_JSON || format == WRITER_JSONL || settings->write_xmp;
    if (told && provenance_make(&provenance, &settings->session, settings->writer.precision, &error))
        return command_fail(&error);
    if (told) settings->writer.provenance = &provenance;
    int status;
    if (settings->resume && prepare_resume(settings, photos, before, &error))
        status = command_fail(&error);
    else
        status =
            photos->count ? open_and_run(settings, photos, before) : finish_done(settings, photos, before);
    resume_free(&before->resume);
    settings->writer.provenance = NULL;
    if (told) provenance_free(&provenance);
    return status;
}

static int run(struct locate_settings *settings, const struct operands *operands) {
    struct error error = {0};
    struct photo_list photos = {0};
    struct preparation before = {0};
    struct outputs outputs = {0};
    int failed;
    if (settings->resume && (settings->writer.format != WRITER_JSONL || !settings->output))
        failed = error_set(&error, ERROR_USAGE,
                           "--resume needs --jsonl --output FILE: the only format that can grow");
    else
        failed = collect_photos(&photos, settings, operands, &before, &error) ||
                 drop_repeats(&photos, &before, &error);
    if (!failed && !photos.count && !before.problems)
        failed = error_set(&error, ERROR_USAGE, "no photos given");
    bool none = !failed && photos.count == 0; // why has been told
    if (!failed && !none) failed = locate_claim(&outputs, settings, &photos, &error);
    int status = failed ? command_fail(&error)
                 : none ? (int)before.first_problem
                        : prepare_and_run(settings, &photos, &before);
    outputs_release(&outputs);
    photo_list_free(&photos);
    return status;
}

// --json is the short way to say --format json, and so on; the last one counts.
struct shortcuts {
    bool json, jsonl, csv, geojson, kml;
};

static int settle(struct locate_settings *settings, const struct shortcuts *s, struct error *error) {
    int chosen = s->json + s->jsonl + s->csv + s->geojson + s->kml;
    if (chosen > 1)
        return error_set(error, ERROR_USAGE, "only one of --json, --jsonl, --csv, --geojson and --kml");
    if (chosen == 1)
        settings->writer.format = s->json      ? WRITER_JSON
                                  : s->jsonl   ? WRITER_JSONL
                                  : s->csv     ? WRITER_CSV
                                  : s->geojson ? WRITER_GEOJSON
                                               : WRITER_KML;
    struct session_options *session = &settings->session;
    if (endpoint_settings_apply(&settings->endpoint, &session->endpoint, error)) return -1;
    if (locatability_settings_apply(&settings->locatability, "--locatability", &session->endpoint,
                                    &session->locatability, &session->locatability_endpoint, error))
        return -1;
    if (!settings->locatability.where && session->locatability_below != SESSION_LOCATABILITY_BELOW)
        return error_set(error, ERROR_USAGE, "--locatability-below goes with --locatability");
    session->model = session->endpoint.url ? NULL : settings->model.folder;
    if (session->endpoint.url && settings->model.folder && !session->endpoint.model)
        session->endpoint.model = settings->model.folder; // --endpoint URL --model NAME
    session->local = model_arguments_resolve(&settings->model);
    session->replace_evidence = settings->force;
    settings->writer.colour = !settings->output && isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    settings->writer.width = (size_t)log_columns();
    return 0;
}

static const char description[] =
    "Says where photos were taken: country, city, coordinates, how sure that is, and\n"
    "the reasoning. Photos are files, folders, or - for a list on standard input. One\n"
    "bad photo never stops the rest; exit status 1 says that some failed. Position\n"
    "and other metadata of a photo never reach the model. Without --model the\n"
    "embedded one answers, which knows drawn postcards and nothing of real photos.";

static const char examples[] =
    "globe locate street.jpg --model GLOBE-Qwen2.5VL-7B\n"
    "globe locate -r archive/ --model DIR --jsonl --output places.jsonl --resume\n"
    "globe locate trip/*.jpg --model DIR -k 8 --abstain-below 0.5 --geojson\n"
    "globe locate trip/*.jpg --model DIR --html trip.html\n"
    "globe locate a.jpg --endpoint http://127.0.0.1:8000/v1 --model globe\n"
    "globe locate a.jpg --model DIR --hint \"a trip to the Balkans\" --explain maps\n";

int command_locate(int argc, char **argv) {
    struct locate_settings s = {.session = session_options_default(),
                                .model = model_arguments_default(),
                                .endpoint = endpoint_settings_default(),
                                .writer = {.show_reasoning = true}};
    struct shortcuts shortcuts = {0};
    struct sampling *sampling = &s.session.sampling;
    int format = 0, precision = 0, xmp_name = 0;
    int64_t samples = 1, max_tokens = (int64_t)s.session.max_tokens, sequences = (int64_t)s.session.sequences,
            seed = 0, top_k = 0, alternatives = (int64_t)s.session.alternatives;
    const struct option table[] = {
        MODEL_ARGUMENTS(s.model),
        option_string("prompt", 'p', "NAME", &s.session.prompt, "globe, compat-eval, direct, or a file"),
        option_string("hint", 0, "TEXT", &s.session.hint, "What is known about the photo, for the model"),
        option_string("hint-file", 0, "NAME", &s.session.hint_file,
                      "The same for folders: files of that name in them, globe-hint.txt say"),
        option_integer("samples", 'k', "N", &samples, 1, 1024, "Answers per photo, put to the vote"),
        option_number("abstain-below", 0, "P", &s.session.abstain_below, 0, 1,
                      "As fine a place as is that sure, or none"),
        option_string("locatability", 0, "DIR", &s.locatability.where,
                      "Ask this reward model, an adapter or a server's URL, whether the photo can be placed"),
        option_string("reward-model", 0, "NAME", &s.locatability.model, "The server's name for it"),
        option_number("locatability-below", 0, "P", &s.session.locatability_below, 0, 1,
                      "No place where it is less sure than that"),
        option_string("calibration", 0, "FILE", &s.session.calibration,
                      "What votes are worth (globe eval --calibrate), instead of the model's own"),
        option_integer("alternatives", 0, "N", &alternatives, 0, 100, "Other places to list"),
        option_number("cluster-km", 0, "KM", &s.session.cluster_km, 0, 20000,
                      "Answers that close are one place"),
        option_integer("max-tokens", 'n', "N", &max_tokens, 1, 32768, "Longest answer"),
        option_number("temperature", 0, "T", &s.session.temperature, -1, 100,
                      "Sampling temperature (-1: 0 for one sample, 1 for several)"),
        option_number("top-p", 0, "P", &sampling->top_p, 0, 1, "Nucleus sampling"),
        option_integer("top-k", 0, "N", &top_k, 0, 1000000, "The N likeliest tokens only (0: all)"),
        option_number("min-p", 0, "P", &sampling->min_p, 0, 1,
                      "No token less likely than P times the likeliest"),
        option_number("repetition-penalty", 0, "R", &s.session.repetition_penalty, -1, 10,
                      "-1: the checkpoint's"),
        option_number("frequency-penalty", 0, "F", &sampling->frequency_penalty, -2, 2,
                      "Per token already said"),
        option_number("presence-penalty", 0, "F", &sampling->presence_penalty, -2, 2,
                      "For tokens already said"),
        option_integer("seed", 0, "N", &seed, 0, INT64_MAX, "Of the sampling"),
        option_flag("compat", 0, &s.session.compat,
                    "As the released eval.py: its request, its rules, no EXIF rotation"),
        option_integer("sequences", 0, "N", &sequences, 1, 1024,
                       "Samples that decode together, of all photos"),
        option_flag("allow-truncated", 0, &s.session.allow_truncated,
                    "Locate what is there of files that were cut short (JPEG, PNG, TIFF), and say so"),
        option_flag("recursive", 'r', &s.recursive, "Look into folders below folders"),
        option_repeated("list", 'l', "FILE", &s.lists,
                        "Photos and folders, a path per line (-: standard input)"),
        option_repeated("list0", 0, "FILE", &s.null_lists, "The same, each path ended by a NUL"),
        option_flag("null", '0', &s.writer.null_ends,
                    "Paths end with a NUL: in lists, and in --format paths"),
        option_choice("format", 'f', "NAME", &format, writer_format_names, "Output"),
        option_flag("json", 'j', &shortcuts.json, "--format json: one array"),
        option_flag("jsonl", 0, &shortcuts.jsonl, "--format jsonl: a line per photo, at once"),
        option_flag("csv", 0, &shortcuts.csv, "--format csv"),
        option_flag("geojson", 0, &shortcuts.geojson, "--format geojson"),
        option_flag("kml", 0, &shortcuts.kml, "--format kml"),
        option_flag("bom", 0, &s.writer.bom, "Begin CSV with a byte order mark, for Excel"),
        option_flag("uncertainty", 0, &s.writer.circles,
                    "GeoJSON, KML: also the circles of the 50 and 90 % radii"),
        option_string("output", 'o', "FILE", &s.output, "Write there instead of to standard output"),
        option_string("html", 0, "FILE", &s.html,
                      "Also write a page: a map, and a card with picture per photo"),
        option_flag("resume", 0, &s.resume, "Go on with --output FILE of an earlier run (--jsonl)"),
        option_flag("force", 0, &s.force,
                    "Replace files of others, and --resume what was made with other settings"),
        option_flag("write-xmp", 0, &s.write_xmp, "Also write PHOTO.xmp beside each photo"),
        option_flag("replace-xmp", 0, &s.replace_xmp, "--write-xmp may replace a sidecar"),
        option_choice("xmp-name", 0, "NAME", &xmp_name, writer_xmp_names,
                      "PHOTO.jpg.xmp (full), or PHOTO.xmp as Lightroom has it (base)"),
        option_flag("over-gps", 0, &s.over_gps, "--write-xmp also beside photos with a measured position"),
        option_choice("precision", 0, "UNIT", &precision, writer_precision_names, "Coarsen all output"),
        option_flag("reasoning", 0, &s.writer.show_reasoning, "Show the whole reasoning (text output)"),
        option_string("explain", 'x', "DIR", &s.session.explain,
                      "Save pictures of where the model looked, for the answer and each clue"),
        option_string("gazetteer", 'g', "FILE", &s.session.gazetteer,
                      "Another gazetteer than the built-in one"),
        option_flag("no-places", 0, &s.session.no_gazetteer, "Do without a gazetteer: names, no coordinates"),
        ENDPOINT_OPTIONS(s.endpoint),
        {0},
    };
    const struct usage usage = {.command = "locate",
                                .arguments = "PHOTO...",
                                .at_least = 0,
                                .at_most = -1,
                                .options = table,
                                .description = description,
                                .examples = examples};
    struct operands photos;
    struct error error = {0};
    int status;
    if (!options_parse(&usage, argc, argv, &photos, &status)) return status;
    s.session.samples = (size_t)samples;
    s.session.max_tokens = (size_t)max_tokens;
    s.session.sequences = (size_t)sequences;
    s.session.alternatives = (size_t)alternatives;
    s.session.endpoint.max_pixels = (size_t)s.model.max_pixels;
    sampling->seed = (uint64_t)seed;
    sampling->top_k = (int)top_k;
    s.writer.format = (enum writer_format)format;
    s.writer.precision = (enum writer_precision)precision;
    s.writer.xmp_name = (enum writer_xmp_name)xmp_name;
    signals_catch();
    status = settle(&s, &shortcuts, &error) ? command_fail(&error) : run(&s, &photos);
    option_list_free(&s.lists);
    option_list_free(&s.null_lists);
    endpoint_settings_free(&s.endpoint);
    return status;
}
