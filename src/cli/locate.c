// globe locate: where were these photos taken, and why.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/endpoint_options.h"
#include "cli/model_options.h"
#include "geo/gazetteer_density.h"
#include "locate/photo_list.h"
#include "locate/session.h"
#include "locate/writer.h"

struct settings {
    struct session_options session;
    struct model_options model;
    struct endpoint_settings endpoint;
    struct writer_options writer;
    struct option_list lists;
    const char *output; // NULL: stdout
    const char *html;   // a page beside the other output; NULL: none
    bool recursive, resume, write_xmp, replace_xmp, over_gps;
};

// Where results go: stdout, a file that appears whole at the end, or a JSON-lines file that grows.
struct sink {
    FILE *stream;
    struct file_writer file; // in use when file.stream is set
    bool growing;
};

// The page of --html, which appears whole at the end.
struct page {
    struct file_writer file;
    struct writer *writer; // NULL: no page
};

struct batch {
    const struct settings *settings;
    struct writer *writer;
    struct page page;
    struct progress *progress;
    bool streaming, streamed; // the answer is shown as it is written / some of it was
    size_t outcomes[VERDICT_FAILED + 1];
    enum error_code only_error;
};

static int open_sink(struct sink *sink, const struct settings *settings, size_t keep, struct error *error) {
    *sink = (struct sink){.stream = stdout};
    if (!settings->output) return 0;
    if (settings->writer.format != WRITER_JSONL) {
        if (file_writer_open(&sink->file, settings->output, error)) return -1;
        sink->stream = sink->file.stream;
        return 0;
    }
    sink->growing = true;
    sink->stream = fopen(settings->output, settings->resume ? "a" : "w");
    if (!sink->stream) return error_set_errno(error, settings->output, "cannot write");
    if (settings->resume &&
        (ftruncate(fileno(sink->stream), (off_t)keep) || fseek(sink->stream, 0, SEEK_END))) {
        fclose(sink->stream);
        return error_set_errno(error, settings->output, "cannot continue");
    }
    return 0;
}

// To the disk, where the stream has one: pipes and devices cannot be synchronised.
static int flush_to_disk(FILE *stream) {
    if (fflush(stream) || ferror(stream)) return -1;
    return fsync(fileno(stream)) && errno != EINVAL && errno != ENOTSUP ? -1 : 0;
}

// `whole`: what was written is fit to be kept.
static int close_sink(struct sink *sink, const struct settings *settings, bool whole, struct error *error) {
    if (sink->growing) {
        int failed = flush_to_disk(sink->stream);
        if (fclose(sink->stream) || failed) return error_set_errno(error, settings->output, "cannot write");
    } else if (sink->file.stream) {
        if (whole) return file_writer_commit(&sink->file, error);
        file_writer_abandon(&sink->file);
    }
    return 0;
}

static int open_page(struct page *page, const struct settings *settings, struct error *error) {
    *page = (struct page){0};
    if (!settings->html) return 0;
    struct writer_options options = settings->writer;
    options.format = WRITER_HTML;
    if (file_writer_open(&page->file, settings->html, error)) return -1;
    page->writer = writer_new(page->file.stream, &options, error);
    if (page->writer) return 0;
    file_writer_abandon(&page->file);
    return -1;
}

static int close_page(struct page *page, bool whole, struct error *error) {
    if (!page->writer) return 0;
    int result = whole ? writer_end(page->writer, error) : -1;
    writer_free(page->writer);
    if (result == 0) return file_writer_commit(&page->file, error);
    file_writer_abandon(&page->file);
    return whole ? -1 : 0;
}

// Counts the places that the map's land is drawn from, when a page is to be written. free() it.
static struct gazetteer_density *find_land(const struct settings *settings, struct session *session) {
    struct error error = {0};
    if ((!settings->html && settings->writer.format != WRITER_HTML) || !session->gazetteer) return NULL;
    struct gazetteer_density *land = memory_new(1, sizeof *land, "map", &error);
    if (land && gazetteer_count_places(session->gazetteer, land, &error) == 0) return land;
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

// A photo that knows where it was taken keeps that: programs take a sidecar's position before its own.
static bool keeps_gps(const struct verdict *verdict, const struct settings *settings) {
    return verdict->has_gps && verdict->outcome == VERDICT_PLACED && !settings->over_gps;
}

static int on_verdict(void *context, const struct verdict *verdict, struct error *error) {
    struct batch *batch = context;
    const struct settings *settings = batch->settings;
    batch->outcomes[verdict->outcome]++;
    if (verdict->outcome == VERDICT_FAILED) {
        batch->only_error = verdict->error.code;
        log_error("%s", verdict->error.message);
    }
    if (batch->streamed) fputs("\n\n", stdout);
    batch->streamed = false;
    if (writer_add(batch->writer, verdict, error)) return -1;
    if (batch->page.writer && writer_add(batch->page.writer, verdict, error)) return -1;
    if (settings->write_xmp && keeps_gps(verdict, settings)) {
        log_warning("%s: it has a measured GPS position, so no sidecar with an estimate is written beside it "
                    "(--over-gps writes one)",
                    verdict->photo);
    } else if (settings->write_xmp &&
               writer_write_xmp(verdict, &settings->writer, settings->replace_xmp, error)) {
        log_error("%s", error->message); // the sidecar of one photo: the batch goes on
        batch->only_error = error->code;
        batch->outcomes[VERDICT_FAILED]++;
        *error = (struct error){0};
    }
    progress_add(batch->progress, 1);
    return 0;
}

static void summarise(const struct batch *batch, size_t done, size_t dropped, double seconds) {
    char outside[40] = "";
    if (batch->outcomes[VERDICT_OUT_OF_SCOPE])
        snprintf(outside, sizeof outside, ", %zu out of scope", batch->outcomes[VERDICT_OUT_OF_SCOPE]);
    log_info(
        "%zu photo%s in %.1f s: %zu placed, %zu abstained, %zu not locatable, %zu without an answer, %zu "
        "failed%s%s",
        done, done == 1 ? "" : "s", seconds, batch->outcomes[VERDICT_PLACED],
        batch->outcomes[VERDICT_ABSTAINED], batch->outcomes[VERDICT_NOT_LOCATABLE],
        batch->outcomes[VERDICT_NO_ANSWER], batch->outcomes[VERDICT_FAILED], outside,
        dropped ? " (others were done before)" : "");
}

static int open_outputs(struct batch *batch, struct sink *sink, size_t keep, struct error *error) {
    const struct settings *settings = batch->settings;
    if (open_sink(sink, settings, keep, error)) return -1;
    batch->writer = writer_new(sink->stream, &settings->writer, error);
    if (batch->writer && open_page(&batch->page, settings, error) == 0) return 0;
    writer_free(batch->writer);
    close_sink(sink, settings, false, &(struct error){0});
    return -1;
}

// Locates the photos of the list with an open session. Returns the exit status.
static int run_batch(struct session *session, struct settings *settings, const struct photo_list *photos,
                     size_t keep, size_t dropped) {
    struct error error = {0}, ignored;
    struct sink sink;
    settings->writer.model = session->engine->operations->model(session->engine);
    struct batch batch = {.settings = settings};
    batch.streaming = settings->writer.format == WRITER_TEXT && !settings->output && photos->count == 1 &&
                      settings->session.samples == 1 && settings->writer.precision != PRECISION_COUNTRY;
    if (batch.streaming) settings->writer.show_reasoning = false; // it has been shown already
    if (open_outputs(&batch, &sink, keep, &error)) return command_fail(&error);
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
    if (close_sink(&sink, settings, end == 0, failed || end ? &ignored : &error) && !failed) failed = -1;
    if (close_page(&batch.page, whole, failed || end ? &ignored : &error) && !failed) failed = -1;
    if (photos->count > 1 || dropped) summarise(&batch, counts.done, dropped, clock_seconds() - start);
    if (failed || end) return command_fail(&error);
    if (counts.done && batch.outcomes[VERDICT_OUT_OF_SCOPE] == counts.done) {
        log_error("%s: %s was not made for %s; nothing is said of where %s taken",
                  counts.done == 1 ? photos->paths[0] : "no photo is in scope", settings->writer.model,
                  counts.done == 1 ? "such a picture" : "such pictures",
                  counts.done == 1 ? "it was" : "they were");
        return ERROR_SCOPE;
    }
    if (batch.outcomes[VERDICT_FAILED] == 0) return 0;
    return photos->count == 1 ? (int)batch.only_error : ERROR_PARTIAL;
}

static int collect_photos(struct photo_list *photos, const struct settings *settings,
                          const struct operands *operands, size_t *keep, size_t *dropped,
                          struct error *error) {
    for (int i = 0; i < operands->count; i++) {
        const char *path = operands->values[i];
        int result = strcmp(path, "-") == 0 ? photo_list_read(photos, "-", error)
                                            : photo_list_expand(photos, path, settings->recursive, error);
        if (result) return -1;
    }
    for (size_t i = 0; i < settings->lists.count; i++)
        if (photo_list_read(photos, settings->lists.values[i], error)) return -1;
    if (photos->count == 0) return error_set(error, ERROR_USAGE, "no photos given");
    if (!settings->resume) return 0;
    if (settings->html)
        return error_set(error, ERROR_USAGE, "--html shows one run, so it does not go with --resume");
    if (settings->writer.format != WRITER_JSONL || !settings->output)
        return error_set(error, ERROR_USAGE,
                         "--resume needs --jsonl --output FILE: the only format that can grow");
    return photo_list_resume(photos, settings->output, keep, dropped, error);
}

static int open_and_run(struct settings *settings, const struct photo_list *photos, size_t keep,
                        size_t dropped) {
    struct error error = {0};
    struct session session;
    if (session_open(&session, &settings->session, &error)) return command_fail(&error);
    session_log(&session);
    struct gazetteer_density *land = find_land(settings, &session);
    settings->writer.land = land;
    int status = run_batch(&session, settings, photos, keep, dropped);
    free(land);
    session_close(&session);
    return status;
}

static int run(struct settings *settings, const struct operands *operands) {
    struct error error = {0};
    struct photo_list photos = {0};
    size_t keep = 0, dropped = 0;
    int status = 0;
    if (collect_photos(&photos, settings, operands, &keep, &dropped, &error)) {
        status = command_fail(&error);
    } else if (photos.count == 0) {
        log_info("%s done before", dropped == 1 ? "the photo was" : "all photos were");
    } else {
        status = open_and_run(settings, &photos, keep, dropped);
    }
    photo_list_free(&photos);
    return status;
}

// --json is the short way to say --format json, and so on; the last one counts.
struct shortcuts {
    bool json, jsonl, csv, geojson, kml;
};

static int settle(struct settings *settings, const struct shortcuts *s, struct error *error) {
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
    session->model = session->endpoint.url ? NULL : settings->model.folder;
    if (session->endpoint.url && settings->model.folder && !session->endpoint.model)
        session->endpoint.model = settings->model.folder; // --endpoint URL --model NAME
    session->qwen = model_options_qwen(&settings->model);
    settings->writer.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
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
    struct settings s = {.session = session_options_default(),
                         .model = model_options_default(),
                         .endpoint = endpoint_settings_default(),
                         .writer = {.show_reasoning = true}};
    struct shortcuts shortcuts = {0};
    struct sampling *sampling = &s.session.sampling;
    int format = 0, precision = 0;
    int64_t samples = 1, max_tokens = (int64_t)s.session.max_tokens, sequences = (int64_t)s.session.sequences,
            seed = 0, top_k = 0, alternatives = (int64_t)s.session.alternatives;
    const struct option table[] = {
        MODEL_OPTIONS(s.model),
        option_string("prompt", 'p', "NAME", &s.session.prompt, "globe, compat-eval, direct, or a file"),
        option_string("hint", 0, "TEXT", &s.session.hint, "What is known about the photo, for the model"),
        option_integer("samples", 'k', "N", &samples, 1, 1024, "Answers per photo, put to the vote"),
        option_number("abstain-below", 0, "P", &s.session.abstain_below, 0, 1,
                      "As fine a place as is that sure, or none"),
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
        option_flag("recursive", 'r', &s.recursive, "Look into folders below folders"),
        option_repeated("list", 'l', "FILE", &s.lists, "Photos, one path per line (- for standard input)"),
        option_choice("format", 'f', "NAME", &format, writer_format_names, "Output"),
        option_flag("json", 'j', &shortcuts.json, "--format json: one array"),
        option_flag("jsonl", 0, &shortcuts.jsonl, "--format jsonl: a line per photo, at once"),
        option_flag("csv", 0, &shortcuts.csv, "--format csv"),
        option_flag("geojson", 0, &shortcuts.geojson, "--format geojson"),
        option_flag("kml", 0, &shortcuts.kml, "--format kml"),
        option_string("output", 'o', "FILE", &s.output, "Write there instead of to standard output"),
        option_string("html", 0, "FILE", &s.html,
                      "Also write a page: a map, and a card with picture per photo"),
        option_flag("resume", 0, &s.resume, "Go on with --output FILE of an earlier run (--jsonl)"),
        option_flag("write-xmp", 0, &s.write_xmp, "Also write PHOTO.xmp beside each photo"),
        option_flag("replace-xmp", 0, &s.replace_xmp, "--write-xmp may replace a sidecar"),
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
    signals_catch();
    status = settle(&s, &shortcuts, &error) ? command_fail(&error) : run(&s, &photos);
    option_list_free(&s.lists);
    endpoint_settings_free(&s.endpoint);
    return status;
}
