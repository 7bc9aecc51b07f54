// globe report: every output, from the records of a batch that is over or still runs.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/output.h"
#include "base/progress.h"
#include "base/signals.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "geo/gazetteer_density.h"
#include "locate/record_set.h"
#include "locate/writer.h"

enum { MOST_COMPLAINTS = 20 };

struct settings {
    struct writer_options writer;
    struct option_list only; // outcomes
    const char *output;      // NULL: stdout
    const char *html;        // NULL: no page
    const char *gazetteer;
    bool main; // the format of `writer` is wanted, not only a page or sidecars
    bool write_xmp, replace_xmp, over_gps, force;
};

// One document in the making: on stdout, or in a file that appears whole at the end.
struct document {
    struct file_writer file; // stream NULL: stdout
    struct writer *writer;   // NULL: this document is not wanted
    FILE *stream;
    size_t count;
};

struct job {
    const struct settings *settings;
    const struct outputs *outputs;
    struct document main, page;
    struct gazetteer *gazetteer; // for the countries' positions and the map's land; may be NULL
    struct progress *progress;
    size_t complaints, sidecars, failed_sidecars, measured, shown;
};

// ---- documents ------------------------------------------------------------------------------------------

static int open_document(struct document *document, const char *path, const struct writer_options *options,
                         struct error *error) {
    document->stream = stdout;
    if (path) {
        if (file_writer_open(&document->file, path, error)) return -1;
        document->stream = document->file.stream;
    }
    document->writer = writer_new(document->stream, options, error);
    if (document->writer) return 0;
    if (path) file_writer_abandon(&document->file);
    document->file.stream = NULL;
    return -1;
}

static bool is_json(enum writer_format format) {
    return format == WRITER_JSON || format == WRITER_JSONL;
}

static int end_copies(const struct document *document, bool array, struct error *error) {
    bool failed = false;
    if (array) failed = fputs(document->count ? "\n]\n" : "[]\n", document->stream) == EOF;
    failed = fflush(document->stream) || failed;
    return failed ? error_set_errno(error, "the results", "cannot write") : 0;
}

static int close_document(struct document *document, enum writer_format format, bool whole,
                          struct error *error) {
    if (!document->writer) return 0;
    int result = !whole            ? -1
                 : is_json(format) ? end_copies(document, format == WRITER_JSON, error)
                                   : writer_end(document->writer, error);
    writer_free(document->writer);
    document->writer = NULL;
    if (!document->file.stream) return result;
    if (result == 0) return file_writer_commit(&document->file, error);
    file_writer_abandon(&document->file);
    return -1;
}

// One object of JSON.
static int add_object(struct document *document, const char *text, bool array, struct error *error) {
    const char *before = !array ? "" : document->count ? ",\n" : "[\n";
    document->count++;
    if (fprintf(document->stream, "%s%s%s", before, text, array ? "" : "\n") >= 0) return 0;
    return error_set_errno(error, "the results", "cannot write");
}

// The record as it is, with what this version does not know of, unless it has to be coarsened.
static int copy_record(struct document *document, const struct record *record, const struct verdict *verdict,
                       const struct writer_options *wanted, struct error *error) {
    struct buffer line = {0};
    int result = 0;
    if (record->precision >= wanted->precision) {
        char *text = json_dumps(record->json, JSON_REAL_PRECISION(12));
        if (text) writer_add_json(&line, text);
        line.failed = line.failed || !text;
        free(text);
    } else {
        struct writer_options options = *wanted;
        options.model = record->model;
        result = verdict_to_json(verdict, &options, &line, error);
    }
    if (result == 0 && line.failed)
        result = error_set(error, ERROR_MEMORY, "not enough memory for the JSON output");
    if (result == 0) result = add_object(document, line.data, wanted->format == WRITER_JSON, error);
    buffer_free(&line);
    return result;
}

// ---- records --------------------------------------------------------------------------------------------

static bool is_wanted(const struct settings *settings, enum verdict_outcome outcome) {
    for (size_t i = 0; i < settings->only.count; i++)
        if (strcmp(settings->only.values[i], verdict_outcome_name(outcome)) == 0) return true;
    return settings->only.count == 0;
}

static void find_country(struct gazetteer *gazetteer, struct verdict_place *place) {
    struct error ignored = {0};
    struct gazetteer_answer *found = memory_new(1, sizeof *found, "gazetteer", &ignored);
    const struct gazetteer_query query = {.country = place->country_code, .limit = 1};
    if (found && place->country_code[0] && gazetteer_lookup(gazetteer, &query, found, &ignored) == 0 &&
        found->count > 0 && found->candidates[0].place.kind == PLACE_COUNTRY) {
        place->has_country_position = true;
        place->country_position = found->candidates[0].place.at;
        place->country_radius_km = found->candidates[0].place.radius_km;
    }
    free(found);
}

// Where countries lie is not in the records; only what is coarsened to them needs it.
static void find_countries(const struct job *job, struct verdict *verdict) {
    if (!job->gazetteer || job->settings->writer.precision != PRECISION_COUNTRY) return;
    find_country(job->gazetteer, &verdict->place);
    for (size_t i = 0; i < verdict->alternative_count; i++)
        find_country(job->gazetteer, &verdict->alternatives[i]);
}

static int write_sidecar(struct job *job, const struct record *record, const struct verdict *verdict) {
    struct error error = {0};
    struct writer_options options = job->settings->writer;
    options.model = record->model;
    if (record->precision > options.precision) options.precision = record->precision;
    if (verdict->outcome != VERDICT_PLACED) return 0;
    // Programs take a sidecar's position before the photo's own, which was measured. At country precision the
    // record no longer tells it, only that it is contradicted.
    if ((verdict->has_gps || verdict->flags & FLAG_GPS) && !job->settings->over_gps) {
        job->measured++;
        return 0;
    }
    if (writer_write_xmp(verdict, &options, job->settings->replace_xmp ? XMP_REPLACE : XMP_KEEP, &error) ==
        0) {
        job->sidecars++;
        return 0;
    }
    log_error("%s", error.message);
    job->failed_sidecars++;
    return error.code == ERROR_MEMORY ? -1 : 0;
}

static int on_record(void *context, const struct record *record, struct error *error) {
    struct job *job = context;
    const struct settings *settings = job->settings;
    progress_add(job->progress, 1);
    if (!is_wanted(settings, record->verdict.outcome)) return 0;
    job->shown++;
    struct verdict verdict = record->verdict;
    find_countries(job, &verdict);
    const struct writer_origin origin = {record->model, record->precision};
    if (job->main.writer && (is_json(settings->writer.format)
                                 ? copy_record(&job->main, record, &verdict, &settings->writer, error)
                                 : writer_add_from(job->main.writer, &verdict, &origin, error)))
        return -1;
    if (job->page.writer && writer_add_from(job->page.writer, &verdict, &origin, error)) return -1;
    return settings->write_xmp && write_sidecar(job, record, &verdict)
               ? error_set(error, ERROR_MEMORY, "not enough memory for a sidecar")
               : 0;
}

static void on_broken(void *context, const char *message) {
    struct job *job = context;
    if (job->complaints++ < MOST_COMPLAINTS)
        log_error("%s", message);
    else if (job->complaints == MOST_COMPLAINTS + 1)
        log_error("and more lines like these");
}

static void on_notice(void *context, const char *message) {
    (void)context;
    log_warning("%s", message);
}

// ---- all together ---------------------------------------------------------------------------------------

static const char *plural(size_t count) {
    return count == 1 ? "" : "s";
}

static void summarise(const struct job *job, const struct record_set_counts *counts) {
    struct buffer text = {0};
    buffer_format(&text, "%zu photo%s", counts->records, plural(counts->records));
    if (job->settings->only.count) buffer_format(&text, ", %zu of them shown", job->shown);
    if (counts->repeats)
        buffer_format(&text, "; %zu earlier record%s of the same photos left out", counts->repeats,
                      plural(counts->repeats));
    if (counts->broken)
        buffer_format(&text, "; %zu broken line%s left out", counts->broken, plural(counts->broken));
    if (job->settings->write_xmp)
        buffer_format(&text, "; %zu sidecar%s written", job->sidecars, plural(job->sidecars));
    if (job->measured)
        buffer_format(&text, ", none beside %zu photo%s with a measured position (--over-gps)", job->measured,
                      plural(job->measured));
    if (job->failed_sidecars) buffer_format(&text, ", %zu not", job->failed_sidecars);
    if (!text.failed) log_info("%s", text.data);
    buffer_free(&text);
}

// The gazetteer is needed for the map's land and for positions of countries; without it there are none.
static struct gazetteer *open_gazetteer(const struct settings *settings, struct gazetteer_density **land,
                                        struct error *error) {
    bool page = settings->html || settings->writer.format == WRITER_HTML;
    *land = NULL;
    if (!page && settings->writer.precision != PRECISION_COUNTRY) return NULL;
    struct gazetteer *gazetteer = gazetteer_open(settings->gazetteer, error);
    if (gazetteer && page) {
        *land = memory_new(1, sizeof **land, "map", error);
        if (*land && gazetteer_count_places(gazetteer, *land, error)) {
            free(*land);
            *land = NULL;
        }
    }
    return gazetteer;
}

static int write_all(struct job *job, struct record_set *set, struct error *error) {
    const struct settings *settings = job->settings;
    struct writer_options page = settings->writer;
    size_t records = record_set_count(set).records;
    page.format = WRITER_HTML;
    int result = 0;
    if (settings->main) result = open_document(&job->main, settings->output, &settings->writer, error);
    if (result == 0 && settings->html) result = open_document(&job->page, settings->html, &page, error);
    if (settings->html || settings->writer.format == WRITER_HTML || settings->write_xmp)
        job->progress = progress_start("reporting", "photos", records);
    if (result == 0) result = record_set_each(set, on_record, job, error);
    progress_finish(job->progress);
    struct error ignored;
    bool whole = result == 0;
    if (close_document(&job->main, settings->writer.format, whole, whole ? error : &ignored)) result = -1;
    whole = result == 0;
    return close_document(&job->page, WRITER_HTML, whole, whole ? error : &ignored) ? -1 : result;
}

// The records are the work of hours: no output takes their place, nor that of a file that is not ours.
static int claim(struct outputs *outputs, const struct settings *settings, const struct operands *files,
                 struct error *error) {
    *outputs = (struct outputs){.command = "globe report", .force = settings->force};
    const struct output_kind *kind = writer_kind(settings->writer.format);
    int result = 0;
    if (settings->output) result = outputs_add(outputs, "--output", settings->output, kind, false, error);
    if (result == 0 && settings->html)
        result = outputs_add(outputs, "--html", settings->html, writer_kind(WRITER_HTML), false, error);
    if (result == 0 && settings->main && !settings->output) result = outputs_add_standard(outputs, error);
    for (int i = 0; result == 0 && i < files->count; i++)
        if (strcmp(files->values[i], "-") != 0)
            result = outputs_spare(outputs, "a file of records", files->values[i], error);
    if (result == 0 && settings->gazetteer)
        result = outputs_spare(outputs, "the gazetteer", settings->gazetteer, error);
    if (result) outputs_release(outputs);
    return result;
}

// Nor that of a photo or of a sidecar.
static int spare_photo(void *context, const struct record *record, struct error *error) {
    const struct job *job = context;
    const struct writer_options *options = &job->settings->writer;
    char *photo = options->photos
                      ? file_join(options->photos, record->verdict.photo, error)
                      : memory_copy_string(record->verdict.photo, strlen(record->verdict.photo), error);
    char *sidecar = writer_xmp_path(record->verdict.photo, options, error);
    int result = photo && sidecar ? 0 : -1;
    if (result == 0) result = outputs_spare(job->outputs, "a photo", photo, error);
    if (result == 0) result = outputs_spare(job->outputs, "the sidecar of a photo", sidecar, error);
    free(photo);
    free(sidecar);
    return result;
}

static int report(struct settings *settings, const struct operands *files, const struct outputs *outputs) {
    struct error error = {0};
    struct job job = {.settings = settings, .outputs = outputs};
    const struct record_set_events events = {on_broken, on_notice, &job};
    struct record_set *set =
        record_set_open((const char *const *)files->values, (size_t)files->count, &events, &error);
    if (!set) return command_fail(&error);
    struct record_set_counts counts = record_set_count(set);
    int status = ERROR_NONE;
    if (counts.lines > 0 && counts.broken == counts.lines) {
        error_set(&error, ERROR_INPUT, "no line is a record of globe locate --jsonl; nothing was written");
        status = command_fail(&error);
    } else if (outputs->count && record_set_each(set, spare_photo, &job, &error)) {
        status = command_fail(&error);
    } else {
        struct gazetteer_density *land = NULL;
        job.gazetteer = open_gazetteer(settings, &land, &error);
        if (!job.gazetteer && settings->gazetteer) {
            status = command_fail(&error);
        } else {
            if (error.code)
                log_warning("no land on the map and no positions of countries: %s", error.message);
            error = (struct error){0};
            settings->writer.land = land;
            settings->writer.expected = counts.records;
            if (write_all(&job, set, &error)) status = command_fail(&error);
            if (status == 0) summarise(&job, &counts);
            if (status == 0 && (counts.broken || job.failed_sidecars)) status = ERROR_PARTIAL;
        }
        free(land);
        gazetteer_close(job.gazetteer);
    }
    record_set_free(set);
    return status;
}

// ---- the command line -----------------------------------------------------------------------------------

struct shortcuts {
    bool json, jsonl, csv, geojson, kml;
};

static int check_outcomes(const struct option_list *only, struct error *error) {
    enum verdict_outcome ignored;
    for (size_t i = 0; i < only->count; i++)
        if (verdict_outcome_find(only->values[i], &ignored))
            return error_set(error, ERROR_USAGE,
                             "--only %s: there is no such outcome; one of placed, abstained, not_locatable, "
                             "no_answer, failed (docs/output-formats.md)",
                             only->values[i]);
    return 0;
}

static int settle(struct settings *settings, const struct shortcuts *s, int format, struct error *error) {
    int chosen = s->json + s->jsonl + s->csv + s->geojson + s->kml;
    if (chosen + (format != WRITER_TEXT) > 1)
        return error_set(error, ERROR_USAGE, "only one format; --html FILE and --write-xmp go with any");
    settings->main =
        chosen || format != WRITER_TEXT || settings->output || !(settings->html || settings->write_xmp);
    settings->writer.format = s->json      ? WRITER_JSON
                              : s->jsonl   ? WRITER_JSONL
                              : s->csv     ? WRITER_CSV
                              : s->geojson ? WRITER_GEOJSON
                              : s->kml     ? WRITER_KML
                                           : (enum writer_format)format;
    settings->writer.colour = isatty(STDOUT_FILENO) && !settings->output && !getenv("NO_COLOR");
    settings->writer.width = (size_t)log_columns();
    return check_outcomes(&settings->only, error);
}

static const char description[] =
    "Makes every output from the records that globe locate --jsonl wrote: of a long\n"
    "batch that was resumed, of several parts, or of one that still runs. Of a photo\n"
    "with several records the last one counts. Broken lines are named and left out,\n"
    "with exit status 1. FILE may be - for standard input. No model is needed.";

static const char examples[] =
    "globe report places.jsonl --html places.html\n"
    "globe report monday.jsonl tuesday.jsonl --csv --bom -o week.csv\n"
    "globe report places.jsonl --geojson --uncertainty -o places.geojson\n"
    "globe report places.jsonl --write-xmp --xmp-name base\n"
    "globe report places.jsonl --only abstained --format paths -0 | xargs -0 ls -l\n";

int command_report(int argc, char **argv) {
    struct settings s = {.writer = {.show_reasoning = true}};
    struct shortcuts shortcuts = {0};
    int format = WRITER_TEXT, precision = 0, xmp_name = 0;
    const struct option table[] = {
        option_choice("format", 'f', "NAME", &format, writer_format_names, "Output"),
        option_flag("json", 'j', &shortcuts.json, "--format json: one array"),
        option_flag("jsonl", 0, &shortcuts.jsonl, "--format jsonl: the records again, merged"),
        option_flag("csv", 0, &shortcuts.csv, "--format csv"),
        option_flag("geojson", 0, &shortcuts.geojson, "--format geojson"),
        option_flag("kml", 0, &shortcuts.kml, "--format kml"),
        option_string("output", 'o', "FILE", &s.output, "Write there instead of to standard output"),
        option_string("html", 0, "FILE", &s.html, "Write a page: a map, and a card with picture per photo"),
        option_flag("force", 0, &s.force, "Replace files of others"),
        option_flag("write-xmp", 0, &s.write_xmp, "Write a sidecar beside each photo that was placed"),
        option_flag("replace-xmp", 0, &s.replace_xmp, "--write-xmp may replace a sidecar"),
        option_flag("over-gps", 0, &s.over_gps, "--write-xmp also beside photos with a measured position"),
        option_choice("xmp-name", 0, "NAME", &xmp_name, writer_xmp_names,
                      "PHOTO.jpg.xmp (full), or PHOTO.xmp as Lightroom has it (base)"),
        option_repeated("only", 0, "OUTCOME", &s.only, "Only photos of this outcome: placed, abstained, ..."),
        option_string("photos", 0, "DIR", &s.writer.photos, "Where relative names of photos begin"),
        option_flag("bom", 0, &s.writer.bom, "Begin CSV with a byte order mark, for Excel"),
        option_flag("uncertainty", 0, &s.writer.circles,
                    "GeoJSON, KML: also the circles of the 50 and 90 % radii"),
        option_flag("null", '0', &s.writer.null_ends, "--format paths: end each with a NUL"),
        option_choice("precision", 0, "UNIT", &precision, writer_precision_names, "Coarsen all output"),
        option_flag("reasoning", 0, &s.writer.show_reasoning, "Show the whole reasoning (text output)"),
        option_string("gazetteer", 'g', "FILE", &s.gazetteer, "Another gazetteer than the built-in one"),
        {0},
    };
    const struct usage usage = {.command = "report",
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
    s.writer.precision = (enum writer_precision)precision;
    s.writer.xmp_name = (enum writer_xmp_name)xmp_name;
    signals_catch();
    struct outputs outputs = {0};
    if (settle(&s, &shortcuts, format, &error) || claim(&outputs, &s, &files, &error))
        status = command_fail(&error);
    else
        status = report(&s, &files, &outputs);
    outputs_release(&outputs);
    option_list_free(&s.only);
    return status;
}
