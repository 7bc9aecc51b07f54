#include "eval/scope_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "eval/scope_head.h"
#include "eval/scope_others.h"
#include "model/facts.h"
#include "photo/decode.h"

enum { FEWEST_ROWS = 500, PARTS = 5, OWN_VIEWS = 2 };

// Features of pictures, [count, features], and what comes of them.
struct views {
    float *values;
    double *scores; // [count], of weights that have not met the picture
    uint8_t *kinds; // [count]: what was done to the picture, or what it is
    size_t features, capacity, count;
    size_t each; // of the same picture, one behind the other: they are held out together
};

static int add_view(struct views *views, struct model *model, const struct image *image, int kind,
                    struct error *error) {
    float *features;
    size_t count;
    if (scope_look(image, model, &features, &count, error)) return -1;
    if (!views->values) {
        views->features = count;
        views->values = memory_new(views->capacity, count * sizeof *views->values, "scope", error);
        views->scores = memory_new(views->capacity, sizeof *views->scores, "scope", error);
        views->kinds = memory_new(views->capacity, 1, "scope", error);
    }
    int result = views->values && views->scores && views->kinds ? 0 : -1;
    if (result == 0) {
        memcpy(views->values + views->count * count, features, count * sizeof *features);
        views->kinds[views->count++] = (uint8_t)kind;
    }
    free(features);
    return result;
}

static void free_views(struct views *views) {
    free(views->values);
    free(views->scores);
    free(views->kinds);
}

static bool is_held_out(const struct views *views, size_t view, size_t part) {
    return view / views->each % PARTS == part;
}

// As it is and once varied, the variations in turn.
static int add_own(struct views *views, struct model *model, const char *path, size_t row,
                   struct error *error) {
    struct image picture = {0};
    int result = photo_decode_file(&picture, path, NULL, NULL, error);
    for (size_t view = 0; result == 0 && view < OWN_VIEWS; view++) {
        int variation = view ? 1 + (int)(row % (SCOPE_VARIATIONS - 1)) : VARIATION_NONE;
        struct image varied = {0};
        result = scope_vary(&varied, &picture, (enum scope_variation)variation, row, error);
        if (result == 0) result = add_view(views, model, &varied, variation, error);
        image_free(&varied);
    }
    image_free(&picture);
    return result;
}

static int add_other(struct views *views, struct model *model, struct scope_others *others, size_t index,
                     struct error *error) {
    struct image picture = {0};
    int result = scope_others_draw(others, index, &picture, error);
    if (result == 0) result = add_view(views, model, &picture, scope_others_kind(index), error);
    image_free(&picture);
    return result;
}

static int look_at_all(struct views *own, struct views *other, struct model *model,
                       struct scope_others *others, const struct truth_list *rows, struct error *error) {
    int result = 0;
    struct progress *progress = progress_start("looking at", "pictures", 2 * rows->count);
    for (size_t i = 0; result == 0 && i < rows->count; i++) {
        result = signals_check(error);
        if (result == 0) result = add_own(own, model, rows->rows[i].photo, i, error);
        if (result == 0) result = add_other(other, model, others, i, error);
        progress_add(progress, 2);
    }
    progress_finish(progress);
    return result;
}

// The rows of views that are not in that part (PARTS: all); returns how many.
static size_t list_rows(const struct views *views, size_t part, const float **list) {
    size_t count = 0;
    for (size_t i = 0; i < views->count; i++)
        if (!is_held_out(views, i, part)) list[count++] = views->values + i * views->features;
    return count;
}

static int fit_without(struct scope *scope, const struct views *own, const struct views *other, size_t part,
                       struct error *error) {
    const float **lists = memory_new(own->count + other->count, sizeof *lists, "scope", error);
    if (!lists) return -1;
    size_t own_count = list_rows(own, part, lists), other_count = list_rows(other, part, lists + own->count);
    int result =
        scope_head_fit(scope, lists, own_count, lists + own->count, other_count, own->features, error);
    free(lists);
    return result;
}

static void score_part(const struct scope *scope, struct views *views, size_t part) {
    for (size_t i = 0; i < views->count; i++)
        if (is_held_out(views, i, part))
            views->scores[i] = scope_score(scope, views->values + i * views->features);
}

static int fit_all(struct scope *scope, struct views *own, struct views *other, struct error *error) {
    int result = 0;
    struct progress *progress = progress_start("fitting", "parts", PARTS + 1);
    for (size_t part = 0; result == 0 && part < PARTS; part++) {
        struct scope some;
        result = fit_without(&some, own, other, part, error);
        if (result) break;
        score_part(&some, own, part);
        score_part(&some, other, part);
        scope_free(&some);
        progress_add(progress, 1);
    }
    if (result == 0) result = fit_without(scope, own, other, PARTS, error);
    progress_finish(progress);
    return result;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int find_threshold(struct scope *scope, const struct views *own, double alarms, struct error *error) {
    double *scores = memory_new(own->count, sizeof *scores, "scope", error);
    if (!scores) return -1;
    memcpy(scores, own->scores, own->count * sizeof *scores);
    qsort(scores, own->count, sizeof *scores, compare);
    scope->threshold = scores[own->count - 1 - (size_t)(alarms * (double)own->count)];
    free(scores);
    return 0;
}

// Shares of the views above the threshold, by kind; returns that of all.
static double count_above(const struct scope *scope, const struct views *views, double *shares,
                          size_t *totals, int kinds) {
    size_t above = 0;
    for (size_t i = 0; i < views->count; i++) {
        bool out = views->scores[i] > scope->threshold;
        shares[views->kinds[i]] += out;
        totals[views->kinds[i]]++;
        above += out;
    }
    for (int k = 0; k < kinds; k++) shares[k] /= totals[k] ? (double)totals[k] : 1;
    return (double)above / (double)views->count;
}

int scope_fit_rows(struct scope *scope, struct model *model, const struct truth_list *rows, double alarms,
                   struct scope_report *report, struct error *error) {
    struct views own = {.capacity = OWN_VIEWS * rows->count, .each = OWN_VIEWS},
                 other = {.capacity = rows->count, .each = 1};
    *report = (struct scope_report){.pictures = rows->count};
    *scope = (struct scope){0};
    if (rows->count < FEWEST_ROWS)
        return error_set(error, ERROR_INPUT, "--scope: %zu pictures, at least %d are needed", rows->count,
                         (int)FEWEST_ROWS);
    struct scope_others *others = scope_others_new(error);
    if (!others) return -1;
    int result = look_at_all(&own, &other, model, others, rows, error);
    if (result == 0) result = fit_all(scope, &own, &other, error);
    if (result == 0) result = find_threshold(scope, &own, alarms, error);
    if (result == 0) {
        size_t totals[SCOPE_VARIATIONS] = {0};
        scope->model = model_identity(model);
        scope->false_alarms = count_above(scope, &own, report->false_alarms, totals, SCOPE_VARIATIONS);
        count_above(scope, &other, report->found, report->others, SCOPE_OTHER_KINDS);
    }
    if (result) scope_free(scope);
    scope_others_free(others);
    free_views(&own);
    free_views(&other);
    return result;
}

void scope_report_write(struct buffer *text, const struct scope *scope, const struct scope_report *report) {
    buffer_format(
        text, "%zu pictures, %zu features, threshold %.3f; out of scope, by weights that had not met them:\n",
        report->pictures, scope->count, scope->threshold);
    for (int v = 0; v < SCOPE_VARIATIONS; v++)
        buffer_format(text, "  %-19s%6.2f %%\n", scope_variation_name((enum scope_variation)v),
                      100 * report->false_alarms[v]);
    buffer_add_text(text, "others:\n");
    for (int k = 0; k < scope_others_kinds() && k < SCOPE_OTHER_KINDS; k++)
        buffer_format(text, "  %-19s%6.1f %% of %zu\n", scope_others_name(k), 100 * report->found[k],
                      report->others[k]);
}
