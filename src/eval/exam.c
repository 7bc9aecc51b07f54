#include "eval/exam.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/journal.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/output.h"
#include "base/progress.h"
#include "eval/blind.h"
#include "locate/provenance.h"
#include "locate/resume.h"
#include "locate/writer.h"

enum { MOST_GROUPS = 1000 };

struct run {
    struct exam *exam;
    struct session session;
    struct atlas *atlas;  // NULL without a gazetteer
    struct engine *blind; // in front of the session's engine, or NULL
    struct writer_options writer;
    const struct exam_options *options;
    struct journal journal; // of answers, when they are kept
    struct resume resume;   // the answers of an earlier run
    size_t *group_of;       // per row
    bool *done;             // per row
    size_t done_count;
    struct progress *progress;
    struct buffer line;
    struct outputs outputs;
    struct provenance provenance;
};

int exam_open(struct exam *exam, const char *const *files, size_t count, const struct exam_options *options,
              struct error *error) {
    size_t limit = options->limit ? options->limit : SIZE_MAX;
    for (size_t i = 0; i < count; i++)
        if (truth_read(&exam->rows, files[i], options->group_by, limit, error)) return -1;
    if (exam->rows.count == 0) return error_set(error, ERROR_INPUT, "%s: no rows", files[0]);
    return score_chance(&exam->chance, &exam->rows, error);
}

void exam_close(struct exam *exam) {
    for (size_t i = 0; i < exam->group_count; i++) free(exam->groups[i].name);
    free(exam->groups);
    truth_free(&exam->rows);
    *exam = (struct exam){0};
}

static int add_group(struct exam *exam, const char *name, struct error *error) {
    if (exam->group_count == MOST_GROUPS)
        return error_set(error, ERROR_LIMIT, "more than %d groups: group by a key with fewer values",
                         (int)MOST_GROUPS);
    struct exam_group *grown =
        memory_grow(exam->groups, exam->group_count + 1, sizeof *grown, "groups", error);
    if (!grown) return -1;
    exam->groups = grown;
    grown[exam->group_count] = (struct exam_group){.name = memory_copy_string(name, strlen(name), error)};
    return grown[exam->group_count].name ? (int)exam->group_count++ : -1;
}

static int group_rows(struct run *run, struct error *error) {
    struct exam *exam = run->exam;
    struct name_map groups = {0};
    int result = 0;
    for (size_t i = 0; result == 0 && i < exam->rows.count; i++) {
        const char *name = exam->rows.rows[i].group;
        if (name_map_find(&groups, name, &run->group_of[i])) continue;
        int added = add_group(exam, name, error);
        result = added < 0 ? -1 : name_map_add(&groups, exam->groups[added].name, (size_t)added, error);
        run->group_of[i] = added < 0 ? 0 : (size_t)added;
    }
    name_map_free(&groups);
    return result;
}

static int take_answer(struct run *run, size_t row, const json_t *answer, struct error *error) {
    struct exam_group *group = &run->exam->groups[run->group_of[row]];
    if (score_add(&group->score, &run->exam->rows.rows[row], answer, run->session.gazetteer, error))
        return -1;
    if (run->atlas &&
        score_add_consistency(&group->score, &run->exam->rows.rows[row], answer, run->atlas, error))
        return -1;
    run->done[row] = true;
    run->done_count++;
    return 0;
}

// ---- answers of an earlier run ----

static int take_record(void *context, const struct record *record, struct error *error) {
    struct run *run = context;
    const char *path = run->options->answers, *photo = record->verdict.photo, *model = run->exam->model;
    size_t row;
    if (strcmp(record->model, model) != 0)
        return error_set(error, ERROR_INPUT, "%s:%zu: an answer of %s, not of %s", path, record->line,
                         record->model, model);
    if (name_map_find(&run->exam->rows.by_photo, photo, &row)) {
        if (take_answer(run, row, record->json, error) == 0) return 0;
        return error_prefix(error, "%s:%zu", path, record->line);
    }
    if (run->options->limit) return 0;
    return error_set(error, ERROR_INPUT, "%s:%zu: %s is not among the rows", path, record->line, photo);
}

static int open_file(struct run *run, struct error *error) {
    const struct exam_options *options = run->options;
    if (!options->answers) return 0;
    if (options->resume && resume_each(&run->resume, NULL, take_record, run, error)) return -1;
    return journal_open(&run->journal, options->answers, options->resume ? &run->resume.mark : NULL, error);
}

// Failures that were mended since leave the file, as in globe locate.
static int close_file(struct run *run, bool whole, struct error *error) {
    bool opened = run->journal.stream != NULL;
    if (journal_close(&run->journal, error)) return -1;
    return opened && whole && run->options->resume ? resume_tidy(run->options->answers, error) : 0;
}

// ---- asking ----

static int keep_line(struct run *run, struct error *error) {
    if (!run->journal.stream) return 0;
    if (run->line.failed) return error_set(error, ERROR_MEMORY, "answers: out of memory");
    return journal_add(&run->journal, run->line.data, run->line.length, error);
}

static int on_verdict(void *context, const struct verdict *verdict, struct error *error) {
    struct run *run = context;
    size_t row;
    buffer_clear(&run->line);
    if (!name_map_find(&run->exam->rows.by_photo, verdict->photo, &row))
        return error_set(error, ERROR_INTERNAL, "%s: nobody asked for it", verdict->photo);
    if (verdict_to_json(verdict, &run->writer, &run->line, error)) return -1;
    if (verdict->outcome == VERDICT_FAILED) log_error("%s", verdict->error.message);
    json_t *answer = json_read_buffer(run->line.data, run->line.length, verdict->photo, error);
    int result = answer ? take_answer(run, row, answer, error) : -1;
    json_decref(answer);
    progress_add(run->progress, 1);
    return result ? -1 : keep_line(run, error);
}

static int open_picture(void *context, const char *photo, struct photo_source *source, struct error *error) {
    const struct truth_list *rows = context;
    size_t row;
    if (!name_map_find(&rows->by_photo, photo, &row))
        return error_set(error, ERROR_INTERNAL, "%s: nobody asked for it", photo);
    return truth_picture(&rows->rows[row], source, error);
}

static int ask(struct run *run, struct error *error) {
    const struct truth_list *rows = &run->exam->rows;
    size_t count = 0;
    if (run->done_count == rows->count) return 0;
    const char **photos = memory_new(rows->count, sizeof *photos, "photos", error);
    if (!photos) return -1;
    for (size_t i = 0; i < rows->count; i++)
        if (!run->done[i]) photos[count++] = rows->rows[i].photo;
    const struct locator_events events = {.on_verdict = on_verdict, .context = run};
    struct locator_counts counts;
    struct engine *engine = run->blind ? run->blind : run->session.engine;
    const struct locator_pictures pictures = {open_picture, &run->exam->rows};
    if (rows->shard_count) run->session.locator.pictures = &pictures;
    run->progress = progress_start("examining", "pictures", count);
    int result = locator_run(engine, &run->session.locator, photos, count, &events, &counts, error);
    progress_finish(run->progress);
    run->session.locator.pictures = NULL;
    free(photos);
    return result;
}

static int compare_groups(const void *a, const void *b) {
    const struct exam_group *one = a, *other = b;
    const struct score *s = &one->score, *t = &other->score;
    double left = s->rows ? (double)s->all_country_right / (double)s->rows : -1;
    double right = t->rows ? (double)t->all_country_right / (double)t->rows : -1;
    return left > right ? -1 : left < right ? 1 : strcmp(one->name, other->name);
}

static void add_up(struct exam *exam) {
    for (size_t i = 0; i < exam->group_count; i++) score_sum(&exam->total, &exam->groups[i].score);
    qsort(exam->groups, exam->group_count, sizeof *exam->groups, compare_groups);
}

static int open_run(struct run *run, const struct session_options *session, struct error *error) {
    struct exam *exam = run->exam;
    run->group_of = memory_new(exam->rows.count, sizeof *run->group_of, "groups", error);
    run->done = memory_new(exam->rows.count, sizeof *run->done, "rows", error);
    if (!run->group_of || !run->done || group_rows(run, error)) return -1;
    if (session_open(&run->session, session, error)) return -1;
    session_log(&run->session);
    exam->no_distances = !run->session.gazetteer;
    run->atlas = run->session.gazetteer ? atlas_over(run->session.gazetteer, error) : NULL;
    if (run->session.gazetteer && !run->atlas) return -1;
    const struct engine *engine = run->session.engine;
    exam->blind = run->options->blind;
    snprintf(exam->model, sizeof exam->model, "%s%s", engine_model(engine), exam->blind ? " (blind)" : "");
    run->writer =
        (struct writer_options){.format = WRITER_JSONL, .model = exam->model, .provenance = &run->provenance};
    if (!exam->blind) return 0;
    run->blind = engine_open_blind(run->session.engine, error);
    return run->blind ? 0 : -1;
}

// Pictures that are other files by now are asked about again.
static int drop_changed(struct run *run, struct error *error) {
    const struct truth_list *rows = &run->exam->rows;
    char **photos = memory_new(rows->count + 1, sizeof *photos, "photos", error);
    if (!photos) return -1;
    for (size_t i = 0; i < rows->count; i++) photos[i] = rows->rows[i].photo;
    const struct photo_list list = {.paths = photos, .count = rows->count};
    size_t changed = 0;
    int result = resume_drop_changed(&run->resume, &list, &changed, error);
    free(photos);
    if (changed)
        log_warning("%s: %zu picture%s changed since the answers, and will be asked about again",
                    run->options->answers, changed, changed == 1 ? " has" : "s have");
    return result;
}

// The answers are this run's alone, and those that are there are of the same model and settings.
static int claim(struct run *run, const struct session_options *session, struct error *error) {
    const struct exam_options *options = run->options;
    const char *path = options->answers;
    if (provenance_make(&run->provenance, session, PRECISION_FULL, error)) return -1;
    run->outputs = (struct outputs){.command = "globe eval", .force = options->force};
    if (!path) return 0;
    const struct output_kind *kind = options->resume ? NULL : &resume_kind; // all of it is looked at
    if (outputs_add(&run->outputs, "--answers", path, kind, false, error)) return -1;
    for (size_t i = 0; i < options->file_count; i++)
        if (outputs_spare(&run->outputs, "a file of rows", options->files[i], error)) return -1;
    for (size_t i = 0; i < run->exam->rows.count; i++)
        if (outputs_spare(&run->outputs, "a picture of the rows", run->exam->rows.rows[i].photo, error))
            return -1;
    if (session_spare_inputs(session, &run->outputs, error)) return -1;
    if (!options->resume) return 0;
    const struct resume_options rules = {.provenance = &run->provenance, .mix = options->force};
    if (resume_read(&run->resume, path, &rules, error)) return -1;
    if (run->resume.unsigned_records)
        log_warning("%s: %zu records do not say with which model and settings they were made", path,
                    run->resume.unsigned_records);
    return drop_changed(run, error);
}

int exam_run(struct exam *exam, const struct session_options *session, const struct exam_options *options,
             struct error *error) {
    struct run run = {.exam = exam, .options = options};
    int result = claim(&run, session, error); // before a large model is opened
    if (result == 0) result = open_run(&run, session, error);
    if (result == 0) result = open_file(&run, error);
    if (result == 0) result = ask(&run, error);
    struct error later = {0}; // the first error is the one to tell
    if (close_file(&run, result == 0, result ? &later : error)) result = -1;
    if (result == 0) add_up(exam);
    engine_close(run.blind);
    atlas_close(run.atlas);
    session_close(&run.session);
    buffer_free(&run.line);
    resume_free(&run.resume);
    outputs_release(&run.outputs);
    provenance_free(&run.provenance);
    free(run.group_of);
    free(run.done);
    return result;
}
