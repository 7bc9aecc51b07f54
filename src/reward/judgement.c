#include "reward/judgement.h"

#include <math.h>
#include <stdlib.h>

static const double thresholds[JUDGEMENT_THRESHOLDS] = {0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99};

static int compare(const void *a, const void *b) {
    double x = ((const struct judged *)a)->score, y = ((const struct judged *)b)->score;
    return (x > y) - (x < y);
}

static double ratio(double part, double whole) {
    return whole > 0 ? part / whole : (double)NAN;
}

// Pairs of a yes and a no in the right order. Rows are sorted.
static double area(const struct judged *rows, size_t count, size_t yes) {
    double ordered = 0, below = 0;
    for (size_t i = 0; i < count;) {
        double own[2] = {0, 0};
        size_t end = i;
        for (; end < count && rows[end].score == rows[i].score; end++) own[rows[end].yes]++;
        ordered += own[1] * (below + own[0] / 2);
        below += own[0];
        i = end;
    }
    return ratio(ordered, (double)yes * (double)(count - yes));
}

static void fill_bins(struct judgement *j, const struct judged *rows) {
    for (size_t i = 0; i < j->count; i++) {
        size_t bin = (size_t)(rows[i].score * JUDGEMENT_BINS);
        if (bin >= JUDGEMENT_BINS) bin = JUDGEMENT_BINS - 1;
        j->bins[bin].count++;
        j->bins[bin].score += rows[i].score;
        j->bins[bin].yes += rows[i].yes;
        double off = rows[i].score - (rows[i].yes ? 1 : 0);
        j->brier += off * off / (double)j->count;
    }
    for (size_t b = 0; b < JUDGEMENT_BINS; b++) {
        double count = (double)j->bins[b].count;
        j->bins[b].score = ratio(j->bins[b].score, count);
        j->bins[b].yes = ratio(j->bins[b].yes, count);
        if (j->bins[b].count) j->ece += count / (double)j->count * fabs(j->bins[b].score - j->bins[b].yes);
    }
}

static void fill_threshold(struct judgement *j, size_t t, const struct judged *rows) {
    double above[2] = {0, 0}, no = (double)(j->count - j->yes);
    for (size_t i = 0; i < j->count; i++)
        if (rows[i].score >= thresholds[t]) above[rows[i].yes]++;
    j->thresholds[t].threshold = thresholds[t];
    j->thresholds[t].above = (size_t)(above[0] + above[1]);
    j->thresholds[t].precision = ratio(above[1], above[0] + above[1]);
    j->thresholds[t].recall = ratio(above[1], (double)j->yes);
    j->thresholds[t].false_positives = ratio(above[0], no);
    j->thresholds[t].accuracy = ratio(above[1] + no - above[0], (double)j->count);
    if (thresholds[t] == 0.5) j->accuracy = j->thresholds[t].accuracy;
}

int judgement_measure(struct judgement *judgement, struct judged *rows, size_t count, struct error *error) {
    *judgement = (struct judgement){.count = count};
    if (count == 0) return error_set(error, ERROR_INPUT, "no row says whether its picture can be placed");
    for (size_t i = 0; i < count; i++) judgement->yes += rows[i].yes;
    qsort(rows, count, sizeof *rows, compare);
    judgement->auc = area(rows, count, judgement->yes);
    fill_bins(judgement, rows);
    for (size_t t = 0; t < JUDGEMENT_THRESHOLDS; t++) fill_threshold(judgement, t, rows);
    return 0;
}

// ---- telling --------------------------------------------------------------------------------------------

static void add_share(struct buffer *out, double share) {
    if (isnan(share))
        buffer_add_text(out, "         -");
    else
        buffer_format(out, "%8.1f %%", 100 * share);
}

void judgement_print(struct buffer *out, const struct judgement *j) {
    buffer_format(out, "%zu completions, %zu about pictures that can be placed\n", j->count, j->yes);
    buffer_format(out, "area under the ROC curve     %.4f\n", j->auc);
    buffer_format(out, "right at 0.5                 %.1f %%\n", 100 * j->accuracy);
    buffer_format(out, "calibration error (ECE)      %.4f\n", j->ece);
    buffer_format(out, "Brier score                  %.4f\n", j->brier);
    buffer_format(out, "\n%-14s%8s%12s%10s\n", "score", "rows", "mean", "yes");
    for (size_t b = 0; b < JUDGEMENT_BINS; b++) {
        buffer_format(out, "%.1f to %.1f    %8zu", (double)b / JUDGEMENT_BINS,
                      (double)(b + 1) / JUDGEMENT_BINS, j->bins[b].count);
        if (j->bins[b].count) {
            buffer_format(out, "%12.4f", j->bins[b].score);
            add_share(out, j->bins[b].yes);
        }
        buffer_add_text(out, "\n");
    }
    buffer_format(out, "\n%-14s%8s%10s%10s%10s%10s\n", "threshold", "above", "precision", "recall",
                  "false yes", "right");
    for (size_t t = 0; t < JUDGEMENT_THRESHOLDS; t++) {
        buffer_format(out, "%-14.2f%8zu", j->thresholds[t].threshold, j->thresholds[t].above);
        add_share(out, j->thresholds[t].precision);
        add_share(out, j->thresholds[t].recall);
        add_share(out, j->thresholds[t].false_positives);
        add_share(out, j->thresholds[t].accuracy);
        buffer_add_text(out, "\n");
    }
}

static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *judgement_json(const struct judgement *j) {
    json_t *bins = json_array(), *table = json_array();
    for (size_t b = 0; b < JUDGEMENT_BINS; b++)
        json_array_append_new(bins, json_pack("{s:f, s:f, s:I, s:o, s:o}", "from", (double)b / JUDGEMENT_BINS,
                                              "to", (double)(b + 1) / JUDGEMENT_BINS, "rows",
                                              (json_int_t)j->bins[b].count, "mean", number(j->bins[b].score),
                                              "yes", number(j->bins[b].yes)));
    for (size_t t = 0; t < JUDGEMENT_THRESHOLDS; t++)
        json_array_append_new(
            table, json_pack("{s:f, s:I, s:o, s:o, s:o, s:o}", "threshold", j->thresholds[t].threshold,
                             "above", (json_int_t)j->thresholds[t].above, "precision",
                             number(j->thresholds[t].precision), "recall", number(j->thresholds[t].recall),
                             "false_yes", number(j->thresholds[t].false_positives), "accuracy",
                             number(j->thresholds[t].accuracy)));
    return json_pack("{s:I, s:I, s:o, s:f, s:f, s:f, s:o, s:o}", "completions", (json_int_t)j->count, "yes",
                     (json_int_t)j->yes, "auc", number(j->auc), "accuracy", j->accuracy, "ece", j->ece,
                     "brier", j->brier, "bins", bins, "thresholds", table);
}
