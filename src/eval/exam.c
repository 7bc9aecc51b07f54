#include "eval/exam.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
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
    struct engine *blind; // in front of the session's engine, or NULL
    struct writer_options writer;
    const struct exam_options *options;
    FILE *file;       // of answers, or NULL
    size_t *group_of; // per row
    bool *done;       // per row
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
    run->done[row] = true;
    run->done_count++;
    return 0;
}

// ---- answers of an earlier run ----

static int take_line(struct run *run, const char *line, size_t length, size_t number, struct error *error) {
    char name[sizeof error->message];
    const char *photo = NULL, *outcome = NULL, *model = NULL;
    size_t row;
    snprintf(name, sizeof name, "%s:%zu", run->options->answers, number);
    json_t *answer = json_read_buffer(line, length, name, error);
    int result = answer ? 0 : -1;
    if (result == 0) result = json_get_string(answer, "photo", &photo, name, error);
    if (result == 0) result = json_get_string(answer, "outcome", &outcome, name, error);
    if (result == 0) result = json_get_string(answer, "model", &model, name, error);
    if (result == 0 && (!photo || !outcome || !model))
        result = error_set(error, ERROR_INPUT, "%s: not a verdict of globe locate --jsonl", name);
    if (result == 0 && strcmp(model, run->exam->model) != 0)
        result =
            error_set(error, ERROR_INPUT, "%s: an answer of %s, not of %s", name, model, run->exam->model);
    if (result == 0 && !name_map_find(&run->exam->rows.by_photo, photo, &row)) {
        if (!run->options->limit)
            result = error_set(error, ERROR_INPUT, "%s: %s is not among the rows", name, photo);
    } else if (result == 0 && strcmp(outcome, "failed") != 0 && !run->done[row]) {
        result = take_answer(run, row, answer, error);
        if (result) error_prefix(error, "%s", name);
    }
    json_decref(answer);
    return result;
}

// *keep: the length of what is whole.
static int take_file(struct run *run, size_t *keep, struct error *error) {
    const char *path = run->options->answers;
    FILE *file = fopen(path, "r");
    *keep = 0;
    if (!file) return errno == ENOENT ? 0 : error_set_errno(error, path, "cannot open");
    char *line = NULL;
    size_t capacity = 0, number = 0;
    ssize_t length;
    int result = 0;
    while (result == 0 && (length = getline(&line, &capacity, file)) > 0 && line[length - 1] == '\n') {
        result = take_line(run, line, (size_t)length, ++number, error);
        *keep += (size_t)length;
    }
    if (result == 0 && ferror(file)) result = error_set_errno(error, path, "cannot read");
    free(line);
    fclose(file);
    return result;
}

static int open_file(struct run *run, struct error *error) {
    const char *path = run->options->answers;
    size_t keep = 0;
    if (!path) return 0;
    if (run->options->resume && take_file(run, &keep, error)) return -1;
    run->file = fopen(path, run->options->resume ? "a" : "w");
    if (!run->file || (run->options->resume && ftruncate(fileno(run->file), (off_t)keep)))
        return error_set_errno(error, path, "cannot write");
    return 0;
}

static int close_file(struct run *run, struct error *error) {
    if (!run->file) return 0;
    int failed = fflush(run->file) || ferror(run->file);
    if (!failed && fsync(fileno(run->file)) && errno != EINVAL && errno != ENOTSUP) failed = 1;
    if (fclose(run->file)) failed = 1;
    run->file = NULL;
    return failed ? error_set_errno(error, run->options->answers, "cannot write") : 0;
}

// ---- asking ----

static int keep_line(struct run *run, struct error *error) {
    if (!run->file) return 0;
    buffer_add_text(&run->line, "\n");
    if (run->line.failed) return error_set(error, ERROR_MEMORY, "answers: out of memory");
    if (fwrite(run->line.data, 1, run->line.length, run->file) != run->line.length || fflush(run->file))
        return error_set_errno(error, run->options->answers, "cannot write");
    return 0;
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
    run->progress = progress_start("examining", "pictures", count);
    int result = locator_run(engine, &run->session.locator, photos, count, &events, &counts, error);
    progress_finish(run->progress);
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
    const struct engine *engine = run->session.engine;
    exam->blind = run->options->blind;
    snprintf(exam->model, sizeof exam->model, "%s%s", engine_model(engine), exam->blind ? " (blind)" : "");
    run->writer =
        (struct writer_options){.format = WRITER_JSONL, .model = exam->model, .provenance = &run->provenance};
    if (!exam->blind) return 0;
    run->blind = engine_open_blind(run->session.engine, error);
    return run->blind ? 0 : -1;
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
    struct resume resume;
    const struct resume_options rules = {.provenance = &run->provenance, .mix = options->force};
    if (resume_read(&resume, path, &rules, error)) return -1;
    resume_free(&resume);
    return 0;
}

int exam_run(struct exam *exam, const struct session_options *session, const struct exam_options *options,
             struct error *error) {
    struct run run = {.exam = exam, .options = options};
    int result = claim(&run, session, error); // before a large model is opened
    if (result == 0) result = open_run(&run, session, error);
    if (result == 0) result = open_file(&run, error);
    if (result == 0) result = ask(&run, error);
    struct error later = {0}; // the first error is the one to tell
    if (close_file(&run, result ? &later : error)) result = -1;
    if (result == 0) add_up(exam);
    engine_close(run.blind);
    session_close(&run.session);
    buffer_free(&run.line);
    outputs_release(&run.outputs);
    provenance_free(&run.provenance);
    free(run.group_of);
    free(run.done);
    return result;
}
