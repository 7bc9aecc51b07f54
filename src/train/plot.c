#include "train/plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "photo/encode.h"
#include "train/chart.h"

enum { MAX_FILE = 1 << 30, MAX_RUNS = 64 };
enum column { LOSS, SMOOTH, EVAL, RATE, NORM, COLUMNS };

static const char *const keys[COLUMNS] = {"loss", NULL, "eval_loss", "learning_rate", "grad_norm"};
// What is watched of a run that is rewarded.
static const char *const rewarded[COLUMNS] = {"reward", NULL, "eval_reward"};

struct series {
    double *x, *y;
    size_t count, capacity;
};

struct run {
    const char *name;
    bool rewarded;
    struct series columns[COLUMNS];
};

static int add_point(struct series *series, double x, double y, struct error *error) {
    if (series->count == series->capacity) {
        size_t capacity = series->capacity ? series->capacity * 2 : 256;
        double *xs = memory_grow(series->x, capacity, sizeof *xs, "curve", error);
        if (xs) series->x = xs;
        double *ys = memory_grow(series->y, capacity, sizeof *ys, "curve", error);
        if (ys) series->y = ys;
        if (!xs || !ys) return -1;
        series->capacity = capacity;
    }
    series->x[series->count] = x;
    series->y[series->count++] = y;
    return 0;
}

static int read_line(struct run *run, const char *line, size_t length, struct error *error) {
    json_t *object = json_loadb(line, length, 0, NULL);
    const json_t *step = json_object_get(object, "step");
    int result = 0;
    if (json_is_number(step)) // a broken line (a run that is being written) is passed over
        for (int c = 0; c < COLUMNS && result == 0; c++) {
            const json_t *value = rewarded[c] ? json_object_get(object, rewarded[c]) : NULL;
            if (value) run->rewarded = true;
            if (!value && keys[c]) value = json_object_get(object, keys[c]);
            if (value)
                result = add_point(&run->columns[c], json_number_value(step),
                                   json_is_number(value) ? json_number_value(value) : NAN, error);
        }
    json_decref(object);
    return result;
}

// The running mean, corrected for its start as Adam corrects its moments.
static int add_smooth(struct run *run, double smooth, struct error *error) {
    const struct series *loss = &run->columns[LOSS];
    double mean = 0, weight = 0;
    for (size_t i = 0; i < loss->count; i++) {
        if (isfinite(loss->y[i])) {
            mean = smooth * mean + (1 - smooth) * loss->y[i];
            weight = smooth * weight + (1 - smooth);
        }
        if (add_point(&run->columns[SMOOTH], loss->x[i], weight > 0 ? mean / weight : NAN, error)) return -1;
    }
    return 0;
}

static int read_run(struct run *run, const char *path, double smooth, struct error *error) {
    size_t length;
    char *file = file_is_directory(path) ? file_join(path, "metrics.jsonl", error)
                                         : memory_copy_string(path, strlen(path), error);
    char *text = file ? file_read(file, MAX_FILE, &length, error) : NULL;
    int result = text ? 0 : -1;
    const char *line = text, *end;
    while (result == 0 && (end = memchr(line, '\n', (size_t)(text + length - line)))) {
        result = read_line(run, line, (size_t)(end - line), error);
        line = end + 1;
    }
    run->name = path;
    if (result == 0) result = add_smooth(run, smooth, error);
    if (result == 0 && run->columns[LOSS].count + run->columns[EVAL].count == 0)
        result = error_set(error, ERROR_INPUT, "%s: no steps with a loss", file);
    free(text);
    free(file);
    return result;
}

// ---- names ----------------------------------------------------------------------------------------------

// A path without "/metrics.jsonl" and slashes at its end, and how much of its end is its name: from `start`.
struct label {
    const char *path;
    size_t start, length;
    char text[200];
};

static struct label label_of(const char *path) {
    static const char file[] = "/metrics.jsonl";
    size_t length = strlen(path), size = sizeof file - 1;
    if (length > size && strcmp(path + length - size, file) == 0) length -= size;
    while (length > 1 && path[length - 1] == '/') length--;
    struct label label = {.path = path, .start = length, .length = length};
    return label;
}

// One more component of the path.
static void lengthen(struct label *label) {
    while (label->start > 0 && label->path[label->start - 1] == '/') label->start--;
    while (label->start > 0 && label->path[label->start - 1] != '/') label->start--;
}

static bool same_label(const struct label *a, const struct label *b) {
    return a->length - a->start == b->length - b->start &&
           strncmp(a->path + a->start, b->path + b->start, a->length - a->start) == 0;
}

static bool same_path(const struct label *a, const struct label *b) {
    return a->length == b->length && strncmp(a->path, b->path, a->length) == 0;
}

// The shortest ends of the paths that tell the runs apart; a run that is given twice gets a number.
static void name_runs(struct label *labels, const struct run *runs, size_t count) {
    for (size_t i = 0; i < count; i++) labels[i] = label_of(runs[i].name), lengthen(&labels[i]);
    for (bool changed = true; changed;) {
        bool alike[MAX_RUNS] = {false};
        changed = false;
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < count; k++)
                alike[i] |= same_label(&labels[i], &labels[k]) && !same_path(&labels[i], &labels[k]);
        for (size_t i = 0; i < count; i++)
            if (alike[i] && labels[i].start > 0) lengthen(&labels[i]), changed = true;
    }
    for (size_t i = 0; i < count; i++) {
        size_t before = 0, all = 0;
        for (size_t k = 0; k < count; k++)
            if (same_label(&labels[i], &labels[k])) all++, before += k < i;
        int length = (int)(labels[i].length - labels[i].start);
        const char *text = labels[i].path + labels[i].start;
        if (all > 1)
            snprintf(labels[i].text, sizeof labels[i].text, "%.*s (%zu)", length, text, before + 1);
        else
            snprintf(labels[i].text, sizeof labels[i].text, "%.*s", length, text);
    }
}

// ---- drawing --------------------------------------------------------------------------------------------

static struct chart_line line_of(const struct run *run, enum column column, int colour, const char *name) {
    const struct series *series = &run->columns[column];
    return (struct chart_line){.name = series->count ? name : NULL,
                               .x = series->x,
                               .y = series->y,
                               .count = series->count,
                               .colour = colour,
                               .faint = column == LOSS,
                               .marks = column == EVAL};
}

// One run: its curves are told apart by colour. Several: a colour and a style of lines for each run.
static void draw_runs(struct buffer *svg, const struct run *runs, size_t count) {
    enum { COLOURS = 8 };
    struct chart_line loss[3 * MAX_RUNS], rate[MAX_RUNS], norm[MAX_RUNS];
    struct label labels[MAX_RUNS];
    bool single = count == 1;
    name_runs(labels, runs, count);
    for (size_t i = 0; i < count; i++) {
        const char *name = labels[i].text;
        int colour = (int)i;
        loss[3 * i] = line_of(&runs[i], LOSS, colour, single ? "training" : NULL);
        loss[3 * i + 1] = line_of(&runs[i], SMOOTH, colour, single ? "running mean" : name);
        loss[3 * i + 2] = line_of(&runs[i], EVAL, single ? 1 : colour, single ? "evaluation" : NULL);
        rate[i] = line_of(&runs[i], RATE, single ? 2 : colour, single ? NULL : name);
        norm[i] = line_of(&runs[i], NORM, single ? 4 : colour, single ? NULL : name);
        int style = single ? 0 : (int)(i + i / COLOURS);
        for (size_t k = 0; k < 3; k++) loss[3 * i + k].style = style;
        rate[i].style = norm[i].style = style;
        if (!runs[i].columns[SMOOTH].count && !single) loss[3 * i + 2].name = name;
    }
    size_t rewards = 0;
    for (size_t i = 0; i < count; i++) rewards += runs[i].rewarded;
    const char *watched = rewards == 0 ? "loss" : rewards == count ? "reward" : "loss or reward";
    char note[120];
    snprintf(note, sizeof note, "%s: thin at every step, thick its running mean, marks in evaluation",
             watched);
    const struct chart_panel panels[] = {
        {watched, loss, 3 * count, 300, false},
        {"learning rate", rate, count, 130, true},
        {"gradient norm", norm, count, 130, true},
    };
    chart_draw(svg, single ? labels[0].text : "training runs", single ? NULL : note, "optimiser step", panels,
               3);
}

int plot_runs(struct buffer *svg, char *const *paths, size_t count, double smooth, struct error *error) {
    if (count > MAX_RUNS)
        return error_set(error, ERROR_LIMIT, "%zu runs, at most %d fit into one chart", count, (int)MAX_RUNS);
    struct run *runs = memory_new(count, sizeof *runs, "curves", error);
    if (!runs) return -1;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) result = read_run(&runs[i], paths[i], smooth, error);
    if (result == 0) draw_runs(svg, runs, count);
    for (size_t i = 0; i < count; i++)
        for (int c = 0; c < COLUMNS; c++) free(runs[i].columns[c].x), free(runs[i].columns[c].y);
    free(runs);
    if (result == 0 && svg->failed) return error_set(error, ERROR_MEMORY, "chart: out of memory");
    return result;
}

static int write_marked(const char *path, const void *png, size_t length, struct error *error) {
    struct buffer marked = {0};
    photo_add_marked_png(&marked, png, length);
    int result = marked.failed ? error_set(error, ERROR_MEMORY, "%s: out of memory", path)
                               : file_write(path, marked.data, marked.length, error);
    buffer_free(&marked);
    return result;
}

static bool is_plot(const char *start, size_t length) {
    return strstr(start, "<!-- globe train plot -->") || photo_png_kind.is_own(start, length);
}

const struct output_kind plot_kind = {"a chart of globe train plot", is_plot};

static int save_png(const struct buffer *svg, const char *path, struct error *error) {
    struct buffer png = {0};
    int result = photo_draw_svg(&png, svg, 2, error);
    if (result)
        error_prefix(error, "%s", path);
    else
        result = write_marked(path, png.data, png.length, error);
    buffer_free(&png);
    return result;
}

int plot_save(const struct buffer *svg, const char *path, struct error *error) {
    size_t length = strlen(path);
    bool png = length >= 4 && strcasecmp(path + length - 4, ".png") == 0;
    return png ? save_png(svg, path, error) : file_write(path, svg->data, svg->length, error);
}
