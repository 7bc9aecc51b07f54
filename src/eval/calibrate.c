#include "eval/calibrate.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/random.h"
#include "locate/record.h"

enum { FEWEST_ANSWERS = 200, BINS = 10 };
static const double same_city_km = 25;

// ---- answers ----

static int copy_text(char **target, const char *text, struct error *error) {
    *target = memory_copy_string(text ? text : "", text ? strlen(text) : 0, error);
    return *target ? 0 : -1;
}

// The record's static texts go with it, so what is kept is copied.
static int copy_verdict(struct verdict *target, const struct verdict *verdict, struct error *error) {
    *target = (struct verdict){.samples = verdict->samples,
                               .declined = verdict->declined,
                               .unread = verdict->unread,
                               .probability = verdict->probability,
                               .place = {.match = ""}};
    target->votes = memory_new(verdict->vote_count + 1, sizeof *target->votes, "votes", error);
    if (!target->votes) return -1;
    for (size_t i = 0; i < verdict->vote_count; i++) {
        struct verdict_place *place = &target->votes[i].place;
        target->votes[i] = verdict->votes[i];
        place->match = strcmp(place->match, "container") == 0 ? "container" : "";
        place->country = place->region = place->city = NULL;
        target->vote_count++;
        if (copy_text(&place->country, verdict->votes[i].place.country, error) ||
            copy_text(&place->region, verdict->votes[i].place.region, error) ||
            copy_text(&place->city, verdict->votes[i].place.city, error))
            return -1;
    }
    return 0;
}

static int take_record(struct calibrate_answers *answers, const struct record *record,
                       const struct truth_list *rows, const char *name, struct error *error) {
    const struct verdict *verdict = &record->verdict;
    size_t row, votes = verdict->declined + verdict->unread;
    if (verdict->outcome == VERDICT_FAILED || !name_map_find(&rows->by_photo, verdict->photo, &row)) return 0;
    for (size_t i = 0; i < verdict->vote_count; i++) votes += verdict->votes[i].count;
    if (votes != verdict->samples)
        return error_set(error, ERROR_INPUT, "%s: %zu samples, but %zu votes: of an earlier version?", name,
                         verdict->samples, votes);
    struct calibrate_answer *answer = &answers->items[answers->count];
    if (answers->count && answers->items[0].verdict.samples != verdict->samples)
        return error_set(error, ERROR_INPUT, "%s: %zu samples, the first has %zu", name, verdict->samples,
                         answers->items[0].verdict.samples);
    answer->truth = &rows->rows[row];
    answers->count++;
    return copy_verdict(&answer->verdict, verdict, error);
}

int calibrate_read(struct calibrate_answers *answers, const char *path, const struct truth_list *rows,
                   struct error *error) {
    FILE *file = fopen(path, "r");
    *answers = (struct calibrate_answers){0};
    if (!file) return error_set_errno(error, path, "cannot open");
    answers->items = memory_new(rows->count + 1, sizeof *answers->items, "answers", error);
    char *line = NULL;
    size_t capacity = 0, number = 0;
    ssize_t length;
    int result = answers->items ? 0 : -1;
    while (result == 0 && answers->count < rows->count && (length = getline(&line, &capacity, file)) > 0) {
        char name[480];
        struct record record;
        snprintf(name, sizeof name, "%s:%zu", path, ++number);
        result = record_read(&record, line, (size_t)length, name, error);
        if (result) break;
        result = take_record(answers, &record, rows, name, error);
        record_free(&record);
    }
    if (result == 0 && ferror(file)) result = error_set_errno(error, path, "cannot read");
    free(line);
    fclose(file);
    if (result) calibrate_free(answers);
    return result;
}

void calibrate_free(struct calibrate_answers *answers) {
    for (size_t i = 0; answers->items && i < answers->count; i++) verdict_free(&answers->items[i].verdict);
    free(answers->items);
    *answers = (struct calibrate_answers){0};
}

// ---- the truth ----

static bool same_text(const char *a, const char *b) {
    return a && b && *a && *b && strcasecmp(a, b) == 0;
}

static bool is_country(const struct verdict_place *place, const struct truth *truth) {
    return place->country_code[0] && truth->country_code[0]
               ? gazetteer_same_country(truth->country_code, place->country_code)
               : same_text(truth->country, place->country);
}

static bool is_city(const struct verdict_place *place, const struct truth *truth) {
    if (!place->city || !*place->city || !*truth->city) return false;
    if (same_text(place->city, truth->city)) return true;
    return truth->has_position && place->has_position &&
           sphere_distance(truth->position, place->position) <= same_city_km;
}

// The truth's region is that of its city.
static int is_region(const struct verdict_place *place, const struct truth *truth,
                     struct gazetteer *gazetteer, bool *right, struct error *error) {
    *right = is_city(place, truth);
    if (*right || !gazetteer || !*truth->city || !is_country(place, truth)) return 0;
    struct gazetteer_answer *found = memory_new(1, sizeof *found, "gazetteer", error);
    if (!found) return -1;
    const struct gazetteer_query query = {.city = truth->city, .country = truth->country, .limit = 1};
    int result = gazetteer_lookup(gazetteer, &query, found, error);
    if (result == 0 && found->count > 0) *right = same_text(found->candidates[0].place.region, place->region);
    free(found);
    return result;
}

// A picture that could be anywhere has no right place.
static int is_right(const struct verdict_place *place, const struct truth *truth, enum verdict_level level,
                    struct gazetteer *gazetteer, bool *right, struct error *error) {
    *right = false;
    if (!truth->locatable) return 0;
    if (level == LEVEL_REGION) return is_region(place, truth, gazetteer, right, error);
    *right = level == LEVEL_CITY ? is_city(place, truth) : is_country(place, truth);
    return 0;
}

// ---- fitting: votes ----

struct count {
    double right, all;
};

// Rising estimates: neighbours that fall are taken together (pool adjacent violators).
static void rise(const struct count *counts, size_t n, double *values) {
    double right[CALIBRATION_SAMPLES], all[CALIBRATION_SAMPLES];
    size_t width[CALIBRATION_SAMPLES], blocks = 0;
    for (size_t i = 0; i < n; i++) {
        right[blocks] = counts[i].right + 1; // one right and one wrong answer more
        all[blocks] = counts[i].all + 2;
        width[blocks++] = 1;
        while (blocks > 1 && right[blocks - 2] / all[blocks - 2] >= right[blocks - 1] / all[blocks - 1]) {
            right[blocks - 2] += right[blocks - 1];
            all[blocks - 2] += all[blocks - 1];
            width[blocks - 2] += width[blocks - 1];
            blocks--;
        }
    }
    for (size_t b = 0, i = 0; b < blocks; b++)
        for (size_t k = 0; k < width[b]; k++) values[i++] = right[b] / all[b];
}

// n of the answer's samples, drawn without replacement; the same for the same row and n.
static int draw(struct verdict *drawn, const struct verdict *verdict, size_t n, uint64_t row,
                struct error *error) {
    size_t *ballot = memory_new(verdict->samples + 1, sizeof *ballot, "votes", error), count = 0;
    struct random random;
    if (!ballot || copy_verdict(drawn, verdict, error)) {
        free(ballot);
        return -1;
    }
    if (n < verdict->samples) {
        for (size_t i = 0; i < verdict->vote_count; i++)
            for (size_t k = 0; k < verdict->votes[i].count; k++) ballot[count++] = i;
        for (size_t k = 0; k < verdict->declined; k++) ballot[count++] = SIZE_MAX;
        for (size_t k = 0; k < verdict->unread; k++) ballot[count++] = SIZE_MAX - 1;
        for (size_t i = 0; i < drawn->vote_count; i++) drawn->votes[i].count = 0;
        drawn->declined = drawn->unread = 0;
        drawn->samples = n;
        random_start(&random, row, n);
        for (size_t k = 0; k < n; k++) {
            size_t at = k + (size_t)random_below(&random, count - k), taken = ballot[at];
            ballot[at] = ballot[k];
            if (taken == SIZE_MAX)
                drawn->declined++;
            else if (taken == SIZE_MAX - 1)
                drawn->unread++;
            else
                drawn->votes[taken].count++;
        }
        size_t kept = 0;
        for (size_t i = 0; i < drawn->vote_count; i++) {
            if (drawn->votes[i].count)
                drawn->votes[kept++] = drawn->votes[i];
            else
                verdict_place_free(&drawn->votes[i].place);
        }
        drawn->vote_count = kept;
    }
    free(ballot);
    return 0;
}

// The place at a level that most votes of a judged verdict are for.
static int best_at(const struct verdict *verdict, enum verdict_level level, double cluster_km,
                   const struct verdict_place **place, size_t *votes, struct error *error) {
    struct ballot ballot;
    *place = NULL;
    if (ballot_count(&ballot, verdict->votes, verdict->vote_count, cluster_km, error)) return -1;
    if (ballot.levels[level].count) {
        *votes = ballot.levels[level].groups[0].count;
        *place = &verdict->votes[ballot.levels[level].groups[0].chosen].place;
    }
    ballot_free(&ballot);
    return 0;
}

static bool has_place(const struct verdict *verdict) {
    return verdict->outcome == VERDICT_PLACED || verdict->outcome == VERDICT_ABSTAINED;
}

// All answers drawn to n samples and judged.
static int draw_all(struct calibrate_answers *drawn, const struct calibrate_answers *answers, size_t n,
                    const struct judge_options *options, struct error *error) {
    *drawn = (struct calibrate_answers){0};
    drawn->items = memory_new(answers->count + 1, sizeof *drawn->items, "answers", error);
    int result = drawn->items ? 0 : -1;
    for (size_t i = 0; result == 0 && i < answers->count; i++) {
        drawn->items[i].truth = answers->items[i].truth;
        drawn->count++;
        result = draw(&drawn->items[i].verdict, &answers->items[i].verdict, n, i, error);
        if (result == 0) result = judge_again(&drawn->items[i].verdict, options, error);
    }
    return result;
}

static int fit_votes(struct calibration_run *run, const struct calibrate_answers *drawn, size_t n,
                     const struct judge_options *options, struct error *error) {
    for (enum verdict_level level = LEVEL_COUNTRY; level < VERDICT_LEVELS; level++) {
        struct count counts[CALIBRATION_SAMPLES] = {{0, 0}};
        for (size_t i = 0; i < drawn->count; i++) {
            const struct verdict *verdict = &drawn->items[i].verdict;
            const struct verdict_place *place;
            size_t votes;
            bool right;
            if (!has_place(verdict)) continue;
            if (best_at(verdict, level, options->cluster_km, &place, &votes, error)) return -1;
            if (!place) continue;
            if (is_right(place, drawn->items[i].truth, level, options->gazetteer, &right, error)) return -1;
            counts[votes - 1].all += 1;
            counts[votes - 1].right += right;
        }
        rise(counts, n, run->maps[n].right[level]);
    }
    return 0;
}

struct judged {
    double probability;
    bool right[VERDICT_LEVELS];
};

static int compare_judged(const void *a, const void *b) {
    double x = ((const struct judged *)a)->probability, y = ((const struct judged *)b)->probability;
    return (x > y) - (x < y);
}

// One sample: answers in the order of their words' probability, in ten parts of equal size.
static int fit_probability(struct calibration_run *run, const struct calibrate_answers *drawn,
                           const struct judge_options *options, struct error *error) {
    struct judged *list = memory_new(drawn->count + 1, sizeof *list, "answers", error);
    size_t count = 0;
    if (!list) return -1;
    for (size_t i = 0; i < drawn->count; i++) {
        const struct verdict *verdict = &drawn->items[i].verdict;
        if (!has_place(verdict) || verdict->probability <= 0) continue;
        list[count].probability = verdict->probability;
        for (enum verdict_level level = LEVEL_COUNTRY; level < VERDICT_LEVELS; level++)
            if (is_right(&verdict->votes[0].place, drawn->items[i].truth, level, options->gazetteer,
                         &list[count].right[level], error)) {
                free(list);
                return -1;
            }
        count++;
    }
    qsort(list, count, sizeof *list, compare_judged);
    run->point_count = count >= FEWEST_ANSWERS ? CALIBRATION_POINTS : 0;
    for (size_t p = 0; p < run->point_count; p++) {
        size_t first = count * p / CALIBRATION_POINTS, end = count * (p + 1) / CALIBRATION_POINTS;
        double sum = 0;
        for (size_t i = first; i < end; i++) sum += list[i].probability;
        run->points[p] = sum / (double)(end - first);
    }
    for (enum verdict_level level = LEVEL_COUNTRY; level < VERDICT_LEVELS; level++) {
        struct count counts[CALIBRATION_POINTS] = {{0, 0}};
        for (size_t p = 0; p < run->point_count; p++)
            for (size_t i = count * p / CALIBRATION_POINTS; i < count * (p + 1) / CALIBRATION_POINTS; i++) {
                counts[p].all += 1;
                counts[p].right += list[i].right[level];
            }
        rise(counts, run->point_count, run->worth[level]);
    }
    free(list);
    return 0;
}

// ---- fitting: radii ----

static int compare_numbers(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The split-conformal quantile: of count + 1 equally likely places for a fresh value.
static double quantile(const double *sorted, size_t count, double share) {
    size_t rank = (size_t)ceil(share * (double)(count + 1));
    return rank > count ? 1 : sorted[rank ? rank - 1 : 0];
}

// How far wrong answers are from the truth.
static int fit_prior(struct calibration_run *run, const struct calibrate_answers *drawn,
                     struct error *error) {
    double *list = memory_new(drawn->count + 2, sizeof *list, "answers", error);
    size_t count = 0;
    if (!list) return -1;
    for (size_t i = 0; i < drawn->count; i++) {
        const struct verdict *verdict = &drawn->items[i].verdict;
        const struct truth *truth = drawn->items[i].truth;
        if (!has_place(verdict) || !verdict->place.has_position || !truth->has_position) continue;
        double distance = sphere_distance(verdict->place.position, truth->position);
        if (distance > fmax(same_city_km, verdict->place.radius_km)) list[count++] = distance;
    }
    if (count == 0) list[count++] = 1000;
    qsort(list, count, sizeof *list, compare_numbers);
    for (size_t q = 0; q < CALIBRATION_QUANTILES; q++)
        run->distances[q] = list[(count - 1) * q / (CALIBRATION_QUANTILES - 1)];
    free(list);
    return 0;
}

static int fit_radii(struct calibration_run *run, const struct calibrate_answers *drawn, size_t n,
                     struct error *error) {
    double *list = memory_new(drawn->count + 1, sizeof *list, "answers", error);
    if (!list) return -1;
    for (enum verdict_level level = LEVEL_COUNTRY; level < VERDICT_LEVELS; level++) {
        size_t count = 0;
        // Too few answers at a level: all of them.
        for (int all = 0; all < 2 && count < FEWEST_ANSWERS / 4; all++) {
            count = 0;
            for (size_t i = 0; i < drawn->count; i++) {
                const struct verdict *verdict = &drawn->items[i].verdict;
                const struct truth *truth = drawn->items[i].truth;
                if (!has_place(verdict) || !verdict->place.has_position || !truth->has_position) continue;
                if (!all && verdict->level != level) continue;
                list[count++] =
                    calibration_mass(run, verdict, sphere_distance(verdict->place.position, truth->position));
            }
        }
        qsort(list, count, sizeof *list, compare_numbers);
        run->maps[n].mass[level][0] = quantile(list, count, 0.5);
        run->maps[n].mass[level][1] = quantile(list, count, 0.9);
    }
    free(list);
    return 0;
}

int calibrate_fit(struct calibration_run *run, const struct calibrate_answers *answers,
                  const struct judge_options *options, struct error *error) {
    size_t named = 0, most = answers->count ? answers->items[0].verdict.samples : 0;
    for (size_t i = 0; i < answers->count; i++) named += answers->items[i].verdict.vote_count > 0;
    if (named < FEWEST_ANSWERS)
        return error_set(error, ERROR_INPUT, "--calibrate: %zu answers name a place, at least %d are needed",
                         named, (int)FEWEST_ANSWERS);
    if (most > CALIBRATION_SAMPLES)
        return error_set(error, ERROR_INPUT, "--calibrate: %zu samples a picture, at most %d", most,
                         (int)CALIBRATION_SAMPLES);
    run->samples = most;
    run->pictures = answers->count;
    int result = 0;
    // The most samples first: the prior is of their answers.
    for (size_t n = most; result == 0 && n >= (most == 1 ? 1 : 2); n--) {
        struct judge_options raw = *options, judged = *options;
        struct calibrate_answers drawn = {0};
        raw.calibration = NULL;
        raw.abstain_below = judged.abstain_below = 0;
        raw.finest = true;
        judged.finest = false;
        judged.calibration = run;
        result = draw_all(&drawn, answers, n, &raw, error);
        if (result == 0 && n > 1) result = fit_votes(run, &drawn, n, options, error);
        if (result == 0 && n == 1) result = fit_probability(run, &drawn, options, error);
        if (result == 0 && n == most) result = fit_prior(run, &drawn, error);
        calibrate_free(&drawn);
        // With what the votes are worth, the answers have their level.
        if (result == 0) result = draw_all(&drawn, answers, n, &judged, error);
        if (result == 0) result = fit_radii(run, &drawn, n, error);
        calibrate_free(&drawn);
    }
    return result;
}

// ---- measuring ----

struct bin {
    double sure, right, all;
};

static void add(struct bin *bins, double sure, bool right) {
    int b = (int)(sure * BINS);
    if (b < 0 || sure < 0) return;
    if (b >= BINS) b = BINS - 1;
    bins[b].sure += sure;
    bins[b].right += right;
    bins[b].all += 1;
}

static void sum_up(const struct bin *bins, double *off, double *sure, double *right) {
    double all = 0;
    *off = *sure = *right = 0;
    for (int b = 0; b < BINS; b++) {
        *off += fabs(bins[b].sure - bins[b].right);
        *sure += bins[b].sure;
        *right += bins[b].right;
        all += bins[b].all;
    }
    *off = all > 0 ? *off / all : NAN;
    *sure = all > 0 ? *sure / all : NAN;
    *right = all > 0 ? *right / all : NAN;
}

static int measure_one(struct calibrate_measures *m, struct bin bins[VERDICT_LEVELS + 1][BINS],
                       const struct calibrate_answer *answer, const struct judge_options *options,
                       double *radii, struct error *error) {
    const struct verdict *verdict = &answer->verdict;
    const struct truth *truth = answer->truth;
    if (!has_place(verdict)) return 0;
    m->answers++;
    m->at_level[verdict->level]++;
    m->calibrated = m->calibrated || verdict->calibrated;
    for (enum verdict_level level = LEVEL_COUNTRY; level < VERDICT_LEVELS; level++) {
        const struct verdict_place *place;
        size_t votes;
        bool right;
        if (best_at(verdict, level, options->cluster_km, &place, &votes, error)) return -1;
        if (!place) continue;
        if (is_right(place, truth, level, options->gazetteer, &right, error)) return -1;
        add(bins[level], verdict->standings[level].confidence, right);
        if (level == verdict->level) add(bins[VERDICT_LEVELS], verdict->confidence, right);
    }
    if (!truth->has_position || !verdict->place.has_position || verdict->radius_90_km < 0) return 0;
    double distance = sphere_distance(verdict->place.position, truth->position);
    m->held_50 += distance <= fmax(verdict->radius_50_km, verdict->calibrated ? 0 : same_city_km);
    m->held_90 += distance <= fmax(verdict->radius_90_km, verdict->calibrated ? 0 : same_city_km);
    radii[m->placed++] = verdict->radius_90_km;
    return 0;
}

int calibrate_measure(struct calibrate_measures *m, const struct calibrate_answers *answers,
                      const struct judge_options *options, struct error *error) {
    struct bin bins[VERDICT_LEVELS + 1][BINS] = {{{0, 0, 0}}};
    struct calibrate_answers judged = {0};
    size_t n = answers->count ? answers->items[0].verdict.samples : 0;
    double *radii = memory_new(answers->count + 1, sizeof *radii, "answers", error);
    *m = (struct calibrate_measures){0};
    int result = radii ? draw_all(&judged, answers, n, options, error) : -1;
    for (size_t i = 0; result == 0 && i < judged.count; i++)
        result = measure_one(m, bins, &judged.items[i], options, radii, error);
    calibrate_free(&judged);
    for (int level = 0; level <= VERDICT_LEVELS; level++)
        sum_up(bins[level], &m->error[level], &m->sure[level], &m->right[level]);
    if (result == 0 && m->placed) {
        qsort(radii, m->placed, sizeof *radii, compare_numbers);
        m->median_90_km = radii[m->placed / 2];
        m->held_50 /= (double)m->placed;
        m->held_90 /= (double)m->placed;
    }
    free(radii);
    return result;
}

void calibrate_report(struct buffer *out, const struct calibrate_measures *m) {
    static const char *const names[VERDICT_LEVELS + 1] = {"country", "region", "city", "as answered"};
    buffer_format(out, "\n%s: %zu answers with a place: %zu cities, %zu regions, %zu countries\n",
                  m->calibrated ? "Calibrated" : "Not calibrated", m->answers, m->at_level[LEVEL_CITY],
                  m->at_level[LEVEL_REGION], m->at_level[LEVEL_COUNTRY]);
    for (int level = 0; level <= VERDICT_LEVELS; level++)
        if (!isnan(m->error[level]))
            buffer_format(out, "  %-12s confidence %5.1f %%, right %5.1f %%, calibration error %.3f\n",
                          names[level], 100 * m->sure[level], 100 * m->right[level], m->error[level]);
    if (m->placed)
        buffer_format(
            out,
            "  radii hold %.1f %% (of 50) and %.1f %% (of 90) of %zu true places; the median of the "
            "larger is %.0f km\n",
            100 * m->held_50, 100 * m->held_90, m->placed, m->median_90_km);
}
