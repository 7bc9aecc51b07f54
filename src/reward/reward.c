#include "reward/reward.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/suggest.h"
#include "reward/reward_internal.h"

enum { MOST_REPORTS = 8 }; // of failures that mask, for each reward
static const double REWARD_LARGEST = 1e100;

struct function {
    const struct reward_kind *kind;
    void *self;
    char name[REWARD_NAME_SIZE];
    enum reward_mode mode;
    bool mask_failed;
    size_t failures, reports;
};

struct reward_set {
    struct reward_options options;
    struct atlas *atlas; // opened when the first reward needs it
    struct function functions[REWARD_MOST];
    double weights[REWARD_MOST];
    size_t count;
};

// ---- opening --------------------------------------------------------------------------------------------

static const char mode_names[] = "globe, paper, compat";

static const struct reward_kind *find_kind(const char *name, struct error *error) {
    const struct reward_kind *kind = reward_kind_find(name);
    if (kind) return kind;
    struct suggestion suggestion;
    struct buffer names = {0};
    suggest_start(&suggestion, name);
    for (size_t i = 0; reward_kinds[i]; i++) {
        suggest_offer(&suggestion, reward_kinds[i]->name);
        buffer_format(&names, "%s%s", i ? ", " : "", reward_kinds[i]->name);
    }
    error_set(error, ERROR_USAGE, "there is no reward \"%.60s\"%s%s%s; there are %s", name,
              suggestion.best ? " (did you mean " : "", suggestion.best ? suggestion.best : "",
              suggestion.best ? "?)" : "", names.data ? names.data : "");
    buffer_free(&names);
    return NULL;
}

static int read_weight(double *weight, const struct reward_spec *spec, struct error *error) {
    const char *text = reward_spec_get(spec, "weight");
    char *end;
    *weight = 1;
    if (!text) return 0;
    *weight = strtod(text, &end);
    if (end != text && !*end && isfinite(*weight)) return 0;
    return error_set(error, ERROR_USAGE, "the reward %s: weight is \"%.60s\", expected a number", spec->kind,
                     text);
}

static int read_mode(struct function *function, const struct reward_spec *spec, struct error *error) {
    const char *text = reward_spec_get(spec, "mode");
    int mode = REWARD_GLOBE;
    if (text && !reward_find_choice(mode_names, text, &mode))
        return error_set(error, ERROR_USAGE, "the reward %s: mode is \"%.60s\", expected one of %s",
                         spec->kind, text, mode_names);
    function->mode = (enum reward_mode)mode;
    if (function->kind->modes[mode]) return 0;
    return error_set(error, ERROR_USAGE,
                     "the reward %s has no mode %s: neither the paper nor its code has it", spec->kind, text);
}

static int read_failure(struct function *function, const struct reward_set *set,
                        const struct reward_spec *spec, struct error *error) {
    const char *text = reward_spec_get(spec, "failure");
    int choice = set->options.mask_failed;
    if (text && !reward_find_choice("stop, mask", text, &choice))
        return error_set(error, ERROR_USAGE, "the reward %s: failure is \"%.60s\", expected stop or mask",
                         spec->kind, text);
    function->mask_failed = choice == 1;
    return 0;
}

// Metrics are called "rewards/NAME/mean".
static int read_name(struct function *function, const struct reward_set *set, const struct reward_spec *spec,
                     struct error *error) {
    const char *text = reward_spec_get(spec, "name");
    if (!text) text = spec->kind;
    if (strlen(text) >= sizeof function->name || !*text)
        return error_set(error, ERROR_USAGE, "the reward %s: its name must have 1 to %d letters", spec->kind,
                         REWARD_NAME_SIZE - 1);
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_-.", *c))
            return error_set(error, ERROR_USAGE,
                             "the reward %s: the name \"%.60s\" may hold letters, digits, _ - and . only",
                             spec->kind, text);
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->functions[i].name, text) == 0)
            return error_set(error, ERROR_USAGE, "two rewards are called %s: give one of them name=...",
                             text);
    memcpy(function->name, text, strlen(text) + 1);
    return 0;
}

static int open_function(struct reward_set *set, struct function *function, const struct reward_spec *spec,
                         struct error *error) {
    const struct reward_kind *kind = function->kind;
    function->self = memory_new(1, kind->size ? kind->size : 1, kind->name, error);
    if (!function->self) return -1;
    int result = reward_set_options(function->self, kind, spec, error);
    if (result == 0 && kind->places[function->mode] && !set->atlas) {
        set->atlas = atlas_open(set->options.gazetteer, error);
        if (!set->atlas) result = error_prefix(error, "the reward %s", function->name);
    }
    const struct reward_opening opening = {
        .name = function->name, .mode = function->mode, .options = &set->options, .atlas = set->atlas};
    if (result == 0 && kind->open && kind->open(function->self, &opening, error))
        result = error_prefix(error, "the reward %s", function->name);
    if (result == 0) return 0;
    reward_free_options(function->self, kind); // `open` undoes what it did
    free(function->self);
    return -1;
}

static int add(struct reward_set *set, const struct reward_spec *spec, struct error *error) {
    struct function function = {.kind = find_kind(spec->kind, error)};
    double weight = 1;
    if (!function.kind) return -1;
    if (set->count == REWARD_MOST)
        return error_set(error, ERROR_USAGE, "more than %d rewards", (int)REWARD_MOST);
    if (read_mode(&function, spec, error) || read_weight(&weight, spec, error) ||
        read_failure(&function, set, spec, error) || read_name(&function, set, spec, error) ||
        open_function(set, &function, spec, error))
        return -1;
    set->weights[set->count] = weight;
    set->functions[set->count++] = function;
    return 0;
}

// One number is all that a completion has for both.
static int check_locatability(const struct reward_set *set, struct error *error) {
    bool compat = false, other = false;
    for (size_t i = 0; i < set->count; i++)
        if (set->functions[i].kind->locatability)
            *(set->functions[i].mode == REWARD_COMPAT ? &compat : &other) = true;
    if (!compat || !other) return 0;
    return error_set(error, ERROR_USAGE,
                     "locatability is asked for in mode compat and in another: they read the reward model "
                     "differently, choose one");
}

struct reward_set *reward_set_open(const char *const *specs, size_t count,
                                   const struct reward_options *options, struct error *error) {
    struct reward_set *set = memory_new(1, sizeof *set, "rewards", error);
    struct reward_spec *spec = memory_new(1, sizeof *spec, "rewards", error);
    int result = set && spec ? 0 : -1;
    if (set) set->options = *options;
    for (size_t i = 0; i < count && result == 0; i++) {
        const char *text = specs[i];
        bool found = true;
        while (result == 0 && found) {
            result = reward_spec_read(spec, &text, &found, error);
            if (result == 0 && found) result = add(set, spec, error);
        }
    }
    if (result == 0 && set->count == 0) result = error_set(error, ERROR_USAGE, "no reward is asked for");
    if (result == 0) result = check_locatability(set, error);
    free(spec);
    if (result == 0) return set;
    reward_set_close(set);
    return NULL;
}

void reward_set_close(struct reward_set *set) {
    if (!set) return;
    for (size_t i = 0; i < set->count; i++) {
        struct function *function = &set->functions[i];
        if (function->kind->close) function->kind->close(function->self);
        reward_free_options(function->self, function->kind);
        free(function->self);
    }
    atlas_close(set->atlas);
    free(set);
}

// ---- what it is -----------------------------------------------------------------------------------------

size_t reward_set_count(const struct reward_set *set) {
    return set->count;
}

const char *reward_set_name(const struct reward_set *set, size_t function) {
    return set->functions[function].name;
}

const double *reward_set_weights(const struct reward_set *set) {
    return set->weights;
}

int reward_set_reweigh(struct reward_set *set, const double *weights, size_t count, struct error *error) {
    if (count != set->count)
        return error_set(error, ERROR_USAGE, "%zu weights for %zu rewards", count, set->count);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(weights[i]))
            return error_set(error, ERROR_USAGE, "the weight of the reward %s is not a number",
                             set->functions[i].name);
    memcpy(set->weights, weights, count * sizeof *weights);
    return 0;
}

bool reward_set_needs_locatability(const struct reward_set *set) {
    for (size_t i = 0; i < set->count; i++)
        if (set->functions[i].kind->locatability) return true;
    return false;
}

bool reward_set_locatability_is_compat(const struct reward_set *set) {
    for (size_t i = 0; i < set->count; i++)
        if (set->functions[i].kind->locatability && set->functions[i].mode == REWARD_COMPAT) return true;
    return false;
}

size_t reward_set_failures(const struct reward_set *set, size_t function) {
    return set->functions[function].failures;
}

// ---- scoring --------------------------------------------------------------------------------------------

static bool always_stops(const struct error *error) {
    return error->code == ERROR_MEMORY || error->code == ERROR_INTERRUPTED || error->code == ERROR_INTERNAL;
}

// Says what is masked, but not for ever.
static void report(struct function *function, size_t count, const char *message) {
    function->failures += count;
    if (function->reports == MOST_REPORTS) return;
    function->reports++;
    log_warning("the reward %s failed on %zu completion%s, left out of the step: %s%s", function->name, count,
                count == 1 ? "" : "s", message,
                function->reports == MOST_REPORTS ? " (no more of these warnings)" : "");
}

// One by one. What fails is either the end, or noted.
static int score_each(struct function *function, const struct reward_batch *batch, double *values,
                      struct reward_failures *failures, struct error *error) {
    for (size_t i = 0; i < batch->count; i++) {
        struct error own = {0};
        values[i] = NAN;
        if (function->kind->score(function->self, &batch->completions[i], &values[i], &own) == 0) continue;
        if (!function->mask_failed || always_stops(&own)) {
            *error = own;
            return error_prefix(error, "completion %zu", i);
        }
        if (!failures->first.code) failures->first = own;
        failures->failed[i] = true;
    }
    return 0;
}

static int score_together(struct function *function, const struct reward_batch *batch, double *values,
                          struct reward_failures *failures, struct error *error) {
    struct error own = {0};
    for (size_t i = 0; i < batch->count; i++) values[i] = NAN;
    if (function->kind->score_all(function->self, batch, values, failures, &own)) {
        if (!function->mask_failed || always_stops(&own)) {
            *error = own;
            return -1;
        }
        failures->first = own;
        for (size_t i = 0; i < batch->count; i++) failures->failed[i] = true;
    }
    if (failures->first.code && !function->mask_failed) {
        *error = failures->first;
        return -1;
    }
    return 0;
}

// A reward that is infinite, or whose square is, would make every advantage of its group one that is no number, or none.
static void check_finite(const struct function *function, const struct reward_batch *batch, double *values,
                         struct reward_failures *failures) {
    for (size_t i = 0; i < batch->count; i++) {
        if (isnan(values[i]) || fabs(values[i]) <= REWARD_LARGEST) continue;
        if (!failures->first.code)
            error_set(&failures->first, ERROR_INPUT, "the reward %s of completion %zu is %g, beyond %g",
                      function->name, i, values[i], REWARD_LARGEST);
        failures->failed[i] = true;
    }
}

static int score_function(struct function *function, const struct reward_batch *batch, double *values,
                          struct reward_failures *failures, bool *masked, struct error *error) {
    memset(failures->failed, 0, batch->count * sizeof *failures->failed);
    failures->first = (struct error){0};
    int result = function->kind->score ? score_each(function, batch, values, failures, error)
                                       : score_together(function, batch, values, failures, error);
    if (result) return error_prefix(error, "the reward %s", function->name);
    check_finite(function, batch, values, failures);
    size_t failed = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (!failures->failed[i]) continue;
        values[i] = NAN;
        if (masked) masked[i] = true;
        failed++;
    }
    if (failed && !(function->mask_failed && masked)) {
        *error = failures->first;
        return -1;
    }
    if (failed) report(function, failed, failures->first.message);
    return 0;
}

int reward_set_score(struct reward_set *set, const struct reward_batch *batch, double *values, bool *masked,
                     struct error *error) {
    struct reward_failures failures = {.failed =
                                           memory_new(batch->count + 1, sizeof(bool), "rewards", error)};
    double *column = memory_new(batch->count + 1, sizeof *column, "rewards", error);
    int result = failures.failed && column ? 0 : -1;
    if (masked) memset(masked, 0, batch->count * sizeof *masked);
    for (size_t k = 0; k < set->count && result == 0 && batch->count; k++) {
        result = score_function(&set->functions[k], batch, column, &failures, masked, error);
        for (size_t i = 0; i < batch->count && result == 0; i++) values[i * set->count + k] = column[i];
    }
    free(failures.failed);
    free(column);
    return result;
}

int reward_need_truth(const struct reward_completion *completion, struct error *error) {
    if (completion->truth) return 0;
    return error_set(error, ERROR_INPUT, "its row says nothing of the picture's place");
}

int reward_need_length(const struct reward_completion *completion, double *length, struct error *error) {
    *length = (double)completion->id_count;
    if (completion->ids || completion->length == 0) return 0;
    return error_set(error, ERROR_INPUT, "its tokens are not known, only its text");
}

void reward_statistics(const double *values, size_t count, size_t functions, size_t group, size_t function,
                       struct reward_statistics *statistics) {
    double sum = 0, squares = 0;
    size_t groups = 0, flat = 0;
    *statistics =
        (struct reward_statistics){.mean = NAN, .std = NAN, .frac_zero_std = NAN, .least = NAN, .most = NAN};
    for (size_t first = 0; first < count; first += group) {
        size_t applies = 0;
        double least = INFINITY, most = -INFINITY;
        for (size_t i = first; i < first + group && i < count; i++) {
            double value = values[i * functions + function];
            if (isnan(value)) continue;
            sum += value;
            applies++;
            least = fmin(least, value), most = fmax(most, value);
        }
        statistics->applies += applies;
        if (!applies) continue;
        groups++;
        flat += least == most;
        statistics->least = fmin(statistics->least, least), statistics->most = fmax(statistics->most, most);
    }
    if (groups) statistics->frac_zero_std = (double)flat / (double)groups;
    if (statistics->applies == 0) return;
    statistics->mean = sum / (double)statistics->applies;
    for (size_t i = 0; i < count; i++) {
        double value = values[i * functions + function];
        if (!isnan(value)) squares += (value - statistics->mean) * (value - statistics->mean);
    }
    if (statistics->applies > 1) statistics->std = sqrt(squares / (double)(statistics->applies - 1));
}
