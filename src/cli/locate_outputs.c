// globe locate: the files that it writes.
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/name_map.h"
#include "cli/locate_internal.h"

// ---- claims ---------------------------------------------------------------------------------------------

static int spare_photos(const struct outputs *outputs, const struct locate_settings *settings,
                        const struct photo_list *photos, struct error *error) {
    for (size_t i = 0; i < photos->count; i++) {
        const char *photo = photos->paths[i];
        if (outputs_spare(outputs, "a photo to be located", photo, error)) return -1;
        const char *hints = settings->session.hint_file;
        if (hints && folder_hints_spare(hints, photo, outputs, error)) return -1;
        if (!settings->write_xmp) continue;
        char *sidecar = writer_xmp_path(photo, &settings->writer, error);
        int result = sidecar ? outputs_spare(outputs, "the sidecar of a photo", sidecar, error) : -1;
        free(sidecar);
        if (result) return -1;
    }
    return 0;
}

static int spare_inputs(const struct outputs *outputs, const struct locate_settings *settings,
                        struct error *error) {
    const struct session_options *session = &settings->session;
    for (size_t i = 0; i < settings->lists.count; i++)
        if (outputs_spare(outputs, "a list of photos", settings->lists.values[i], error)) return -1;
    for (size_t i = 0; i < settings->null_lists.count; i++)
        if (outputs_spare(outputs, "a list of photos", settings->null_lists.values[i], error)) return -1;
    return session_spare_inputs(session, outputs, error);
}

int locate_claim(struct outputs *outputs, const struct locate_settings *settings,
                 const struct photo_list *photos, struct error *error) {
    *outputs = (struct outputs){.command = "globe locate", .force = settings->force};
    const struct output_kind *kind = writer_kind(settings->writer.format);
    if (settings->resume) kind = NULL; // all of the file is looked at
    int result = 0;
    if (settings->output) result = outputs_add(outputs, "--output", settings->output, kind, false, error);
    if (result == 0 && settings->html)
        result = outputs_add(outputs, "--html", settings->html, writer_kind(WRITER_HTML), false, error);
    if (result == 0 && !settings->output) result = outputs_add_standard(outputs, error);
    if (result == 0 && outputs->count)
        result = spare_photos(outputs, settings, photos, error) || spare_inputs(outputs, settings, error);
    if (result) outputs_release(outputs);
    return result ? -1 : 0;
}

// ---- the output -----------------------------------------------------------------------------------------

int locate_sink_open(struct locate_sink *sink, const struct locate_settings *settings,
                     const struct resume *resume, struct error *error) {
    *sink = (struct locate_sink){.stream = stdout};
    if (!settings->output) return 0;
    if (settings->writer.format != WRITER_JSONL) {
        if (file_writer_open(&sink->file, settings->output, error)) return -1;
        sink->stream = sink->file.stream;
        return 0;
    }
    if (journal_open(&sink->journal, settings->output, resume ? &resume->mark : NULL, error)) return -1;
    sink->stream = sink->journal.stream;
    return 0;
}

int locate_sink_close(struct locate_sink *sink, const struct locate_settings *settings, bool whole,
                      struct error *error) {
    if (sink->journal.stream) {
        if (journal_close(&sink->journal, error)) return -1;
        return settings->resume && whole ? resume_tidy(settings->output, error) : 0;
    }
    if (!sink->file.stream) return 0;
    if (whole) return file_writer_commit(&sink->file, error);
    file_writer_abandon(&sink->file);
    return 0;
}

// ---- the page -------------------------------------------------------------------------------------------

struct filling {
    struct writer *writer;
    struct name_map anew; // photos that the run itself will bring
};

static int add_record(void *context, const struct record *record, struct error *error) {
    struct filling *filling = context;
    if (name_map_find(&filling->anew, record->verdict.photo, NULL)) return 0;
    const struct writer_origin origin = {record->model, record->precision};
    return writer_add_from(filling->writer, &record->verdict, &origin, error);
}

static int fill_page(struct writer *writer, const struct resume *resume, const struct photo_list *photos,
                     struct error *error) {
    struct filling filling = {.writer = writer};
    int result = 0;
    for (size_t i = 0; result == 0 && i < photos->count; i++)
        if (!name_map_find(&filling.anew, photos->paths[i], NULL))
            result = name_map_add(&filling.anew, photos->paths[i], i, error);
    if (result == 0) result = resume_each(resume, NULL, add_record, &filling, error);
    name_map_free(&filling.anew);
    return result;
}

int locate_page_open(struct locate_page *page, const struct locate_settings *settings,
                     const struct resume *resume, const struct photo_list *photos, struct error *error) {
    *page = (struct locate_page){0};
    if (!settings->html) return 0;
    struct writer_options options = settings->writer;
    options.format = WRITER_HTML;
    options.expected = photos->count + (resume ? resume->count : 0);
    if (file_writer_open(&page->file, settings->html, error)) return -1;
    page->writer = writer_new(page->file.stream, &options, error);
    if (page->writer && (!resume || fill_page(page->writer, resume, photos, error) == 0)) return 0;
    writer_free(page->writer);
    page->writer = NULL;
    file_writer_abandon(&page->file);
    return -1;
}

int locate_page_close(struct locate_page *page, bool whole, struct error *error) {
    if (!page->writer) return 0;
    int result = whole ? writer_end(page->writer, error) : -1;
    writer_free(page->writer);
    if (result == 0) return file_writer_commit(&page->file, error);
    file_writer_abandon(&page->file);
    return whole ? -1 : 0;
}

// ---- sidecars of an earlier run -------------------------------------------------------------------------

bool locate_keeps_gps(const struct locate_settings *settings, const struct verdict *verdict) {
    return verdict->has_gps && verdict->outcome == VERDICT_PLACED && !settings->over_gps;
}

struct healing {
    const struct locate_settings *settings;
    size_t *written, *failed;
};

static int heal(void *context, const struct record *record, struct error *error) {
    struct healing *healing = context;
    const struct locate_settings *settings = healing->settings;
    if (record->verdict.outcome != VERDICT_PLACED || locate_keeps_gps(settings, &record->verdict)) return 0;
    struct writer_options options = settings->writer;
    options.model = record->model;
    options.precision = record->precision;
    char *path = writer_xmp_path(record->verdict.photo, &options, error);
    if (!path) return -1;
    enum xmp_state state = writer_xmp_look(path, record->verdict.photo);
    free(path);
    if (state == XMP_OWN) return 0;
    struct error mine = {0};
    if (writer_write_xmp(&record->verdict, &options, settings->replace_xmp ? XMP_REPLACE : XMP_KEEP, &mine)) {
        log_error("%s", mine.message);
        ++*healing->failed;
    } else {
        ++*healing->written;
    }
    return 0;
}

// A killed run may have been in the middle of one. Photos come folder by folder.
static int remove_sidecars_left_over(const struct photo_list *photos, struct error *error) {
    char *last = NULL;
    int result = 0;
    for (size_t i = 0; result == 0 && i < photos->count; i++) {
        char *folder = file_folder(photos->paths[i], error);
        if (folder && (!last || strcmp(folder, last) != 0)) output_remove_left_overs(folder, ".xmp");
        result = folder ? 0 : -1;
        free(last);
        last = folder;
    }
    free(last);
    return result;
}

int locate_heal_sidecars(const struct locate_settings *settings, const struct resume *resume,
                         const struct photo_list *photos, size_t *written, size_t *failed,
                         struct error *error) {
    struct healing healing = {settings, written, failed};
    if (settings->session.explain) output_remove_left_overs(settings->session.explain, ".png");
    if (settings->write_xmp && remove_sidecars_left_over(photos, error)) return -1;
    return settings->write_xmp ? resume_each(resume, photos, heal, &healing, error) : 0;
}
