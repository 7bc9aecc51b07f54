// globe score: what rewards say of completions, without training.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/installed.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/signals.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/endpoint_options.h"
#include "cli/locatability_options.h"
#include "cli/model_arguments.h"
#include "cli/options.h"
#include "reward/consistency.h"
#include "reward/judgement.h"
#include "reward/locatability_rows.h"
#include "reward/samples.h"

enum { BATCH_ROWS = 64 };

struct settings {
    struct option_list rewards;
    struct reward_options options;
    bool json, each, consistency, mask, report;
    size_t limit;
    struct model_arguments model; // of the reward model, when it is an adapter
    struct endpoint_settings endpoint;
    struct locatability_settings reward;
};

// What has been scored so far.
struct tally {
    double *values; // [completions, functions]
    bool *masked;   // [completions]
    size_t completions, capacity, rows, functions;
    size_t group; // completions of each row; 0: not always the same
    struct consistency_totals consistency;
    struct judged *judged; // [capacity], of --report
    size_t judged_count;
};

// Rows that are scored together.
struct batch {
    struct samples rows[BATCH_ROWS];
    size_t numbers[BATCH_ROWS], count, completions;
};

struct scorer {
    const struct settings *settings;
    struct row_files *files;
    struct reward_set *set;
    struct atlas *atlas; // for --consistency
    struct model *model; // NULL: the reward model is a server, or there is none
    struct locatability_model *judge;
    struct tally tally;
    struct batch batch;
};

static int grow(struct tally *tally, size_t more, struct error *error) {
    size_t wanted = tally->completions + more;
    if (wanted <= tally->capacity) return 0;
    size_t capacity = 2 * wanted;
    double *values =
        memory_grow(tally->values, capacity * tally->functions, sizeof *values, "rewards", error);
    if (!values) return -1;
    tally->values = values;
    bool *masked = memory_grow(tally->masked, capacity, sizeof *masked, "rewards", error);
    if (!masked) return -1;
    tally->masked = masked;
    struct judged *judged = memory_grow(tally->judged, capacity, sizeof *judged, "rewards", error);
    if (!judged) return -1;
    tally->judged = judged;
    tally->capacity = capacity;
    return 0;
}

// The weighted sum of what applies; NaN: nothing does, or it is masked.
static double total_of(const struct scorer *scorer, size_t completion) {
    const double *values = scorer->tally.values + completion * scorer->tally.functions,
                 *weights = reward_set_weights(scorer->set);
    double sum = 0;
    bool any = false;
    for (size_t k = 0; k < scorer->tally.functions; k++)
        if (!isnan(values[k])) sum += weights[k] * values[k], any = true;
    return any && !scorer->tally.masked[completion] ? sum : NAN;
}

static json_t *number_or_null(double value) {
    return isnan(value) ? json_null() : json_real(value);
}

static int print_json(json_t *object, struct error *error) {
    char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(object);
    if (!line) return error_set(error, ERROR_MEMORY, "out of memory");
    int result = puts(line) == EOF ? error_set_errno(error, "standard output", "cannot write") : 0;
    free(line);
    return result;
}

static int print_each(const struct scorer *scorer, size_t first, struct error *error) {
    const struct batch *batch = &scorer->batch;
    size_t at = first;
    for (size_t r = 0; r < batch->count; r++)
        for (size_t i = 0; i < batch->rows[r].count; i++, at++) {
            char name[512];
            json_t *line = json_object(), *rewards = json_object();
            row_files_describe(scorer->files, batch->numbers[r], name, sizeof name);
            for (size_t k = 0; k < scorer->tally.functions; k++)
                json_object_set_new(rewards, reward_set_name(scorer->set, k),
                                    number_or_null(scorer->tally.values[at * scorer->tally.functions + k]));
            json_object_set_new(line, "row", json_string(name));
            json_object_set_new(line, "completion", json_integer((json_int_t)i));
            json_object_set_new(line, "rewards", rewards);
            json_object_set_new(line, "reward", number_or_null(total_of(scorer, at)));
            json_object_set_new(line, "masked", json_boolean(scorer->tally.masked[at]));
            if (print_json(line, error)) return -1;
        }
    return 0;
}

static int measure(struct scorer *scorer, const struct reward_completion *completion, struct error *error) {
    struct consistency found;
    if (!scorer->atlas) return 0;
    if (consistency_measure(scorer->atlas, completion, &found, error)) return -1;
    consistency_add(&scorer->tally.consistency, &found);
    return 0;
}

// What the reward model said of a picture of which it is known whether it can be placed.
static void judge(struct tally *tally, const struct reward_completion *completion) {
    const json_t *locatable = json_object_get(completion->row, "locatable");
    if (!json_is_boolean(locatable) || isnan(completion->locatability)) return;
    tally->judged[tally->judged_count++] =
        (struct judged){.score = completion->locatability, .yes = json_is_true(locatable)};
}

// Says which row it is: completions are numbered within a call.
static int name_failure(const struct scorer *scorer, struct error *error) {
    char name[256];
    row_files_describe(scorer->files, scorer->batch.numbers[0], name, sizeof name);
    return error_prefix(error, scorer->batch.count > 1 ? "%s and the rows after it" : "%s", name);
}

static int score_batch(struct scorer *scorer, struct error *error) {
    struct batch *batch = &scorer->batch;
    struct tally *tally = &scorer->tally;
    if (batch->count == 0) return 0;
    struct reward_completion *all = memory_new(batch->completions + 1, sizeof *all, "completions", error);
    if (!all) return -1;
    size_t count = 0, first = tally->completions;
    if (scorer->judge && locatability_rows_score(scorer->judge, scorer->files, batch->numbers, batch->rows,
                                                 batch->count, error)) {
        free(all);
        return -1;
    }
    for (size_t r = 0; r < batch->count; r++)
        for (size_t i = 0; i < batch->rows[r].count; i++) all[count++] = batch->rows[r].completions[i];
    const struct reward_batch asked = {.completions = all, .count = count};
    int result = grow(tally, count, error);
    if (result == 0 && reward_set_score(scorer->set, &asked, tally->values + first * tally->functions,
                                        tally->masked + first, error))
        result = name_failure(scorer, error);
    for (size_t i = 0; i < count && result == 0; i++) {
        result = measure(scorer, &all[i], error);
        judge(tally, &all[i]);
    }
    tally->completions += count;
    if (result == 0 && scorer->settings->each) result = print_each(scorer, first, error);
    free(all);
    for (size_t r = 0; r < batch->count; r++) samples_free(&batch->rows[r]);
    batch->count = batch->completions = 0;
    return result;
}

static int score_rows(struct scorer *scorer, struct error *error) {
    struct tally *tally = &scorer->tally;
    struct batch *batch = &scorer->batch;
    struct row_unknown unknown = {.count = 0};
    size_t rows = row_files_count(scorer->files);
    int result = 0;
    if (scorer->settings->limit && scorer->settings->limit < rows) rows = scorer->settings->limit;
    for (size_t i = 0; i < rows && result == 0; i++) {
        struct row_notes notes = {.count = 0};
        struct samples *samples = &batch->rows[batch->count];
        if (samples_read(samples, scorer->files, i, &notes, error)) {
            char name[256];
            row_files_describe(scorer->files, i, name, sizeof name);
            result = error_prefix(error, "%s", name);
            break;
        }
        for (size_t n = 0; n < notes.count; n++) // which are read here
            if (strcmp(notes.keys[n], "completions") == 0)
                memmove(notes.keys[n], notes.keys[notes.count-- - 1], ROW_NOTE_SIZE);
        row_unknown_add(&unknown, &notes, i);
        tally->group = tally->rows == 0 || tally->group == samples->count ? samples->count : 0;
        tally->rows++;
        batch->completions += samples->count;
        batch->numbers[batch->count++] = i;
        if (batch->count == BATCH_ROWS) result = score_batch(scorer, error);
        if (result == 0) result = signals_check(error);
    }
    if (result == 0) result = score_batch(scorer, error);
    if (result == 0) row_unknown_report(&unknown, scorer->files);
    for (size_t r = 0; r < batch->count; r++) samples_free(&batch->rows[r]);
    return result;
}

// ---- what is printed ------------------------------------------------------------------------------------

static struct reward_statistics statistics_of(const struct tally *tally, const double *values,
                                              size_t functions, size_t k) {
    struct reward_statistics statistics;
    bool groups = tally->group > 1;
    reward_statistics(values, tally->completions, functions,
                      groups ? tally->group : tally->completions + !tally->completions, k, &statistics);
    if (!groups) statistics.frac_zero_std = NAN; // there are no groups to have one
    return statistics;
}

static json_t *statistics_json(const struct reward_statistics *statistics) {
    json_t *object = json_object();
    json_object_set_new(object, "mean", number_or_null(statistics->mean));
    json_object_set_new(object, "std", number_or_null(statistics->std));
    json_object_set_new(object, "least", number_or_null(statistics->least));
    json_object_set_new(object, "most", number_or_null(statistics->most));
    json_object_set_new(object, "frac_zero_std", number_or_null(statistics->frac_zero_std));
    json_object_set_new(object, "applies", json_integer((json_int_t)statistics->applies));
    return object;
}

static json_t *consistency_json(const struct consistency_totals *totals) {
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "answers",
                     (json_int_t)totals->answers, "reasonings", (json_int_t)totals->reasonings,
                     "contradictions", (json_int_t)totals->contradictions, "with_clues",
                     (json_int_t)totals->with_clues, "with_invalid", (json_int_t)totals->with_invalid,
                     "with_unsupported", (json_int_t)totals->with_unsupported, "inferences",
                     (json_int_t)totals->inferences, "invalid", (json_int_t)totals->invalid, "unsupported",
                     (json_int_t)totals->unsupported, "signs", (json_int_t)totals->signs, "signs_right",
                     (json_int_t)totals->signs_right);
}

static void print_line(const char *name, double weight, const struct reward_statistics *s, size_t failures) {
    printf("%-20s%8.3g%10.4f%10.4f%10.4f%10.4f%9zu%9zu", name, weight, s->mean, s->std, s->least, s->most,
           s->applies, failures);
    if (!isnan(s->frac_zero_std)) printf("%8.1f %%", 100 * s->frac_zero_std);
    puts("");
}

static double percent(size_t part, size_t whole) {
    return whole ? 100 * (double)part / (double)whole : NAN;
}

static void print_consistency(const struct consistency_totals *t) {
    printf("\nreasonings that contradict their answer  %6.1f %% of %zu\n",
           percent(t->contradictions, t->reasonings), t->reasonings);
    if (t->with_clues == 0) return;
    printf("reasonings with an invalid inference     %6.1f %% of %zu (%zu of %zu inferences)\n",
           percent(t->with_invalid, t->with_clues), t->with_clues, t->invalid, t->inferences);
    printf("reasonings with an unsupported one       %6.1f %% of %zu (%zu of %zu inferences)\n",
           percent(t->with_unsupported, t->with_clues), t->with_clues, t->unsupported, t->inferences);
    printf("quoted signs that are read right         %6.1f %% of %zu\n", percent(t->signs_right, t->signs),
           t->signs);
}

static int print_table(const struct scorer *scorer, const struct reward_statistics *total,
                       struct error *error) {
    const struct tally *tally = &scorer->tally;
    printf("%zu rows, %zu completions\n\n%-20s%8s%10s%10s%10s%10s%9s%9s%s\n", tally->rows, tally->completions,
           "reward", "weight", "mean", "std", "least", "most", "applies", "failed",
           tally->group > 1 ? "  no spread" : "");
    for (size_t k = 0; k < tally->functions; k++) {
        struct reward_statistics statistics = statistics_of(tally, tally->values, tally->functions, k);
        print_line(reward_set_name(scorer->set, k), reward_set_weights(scorer->set)[k], &statistics,
                   reward_set_failures(scorer->set, k));
    }
    size_t masked = 0;
    for (size_t i = 0; i < tally->completions; i++) masked += tally->masked[i];
    print_line("total", 1, total, masked);
    if (scorer->atlas) print_consistency(&tally->consistency);
    return fflush(stdout) ? error_set_errno(error, "standard output", "cannot write") : 0;
}

static int print_summary(const struct scorer *scorer, const struct reward_statistics *total,
                         struct error *error) {
    const struct tally *tally = &scorer->tally;
    json_t *summary = json_object(), *rewards = json_object();
    for (size_t k = 0; k < tally->functions; k++) {
        struct reward_statistics statistics = statistics_of(tally, tally->values, tally->functions, k);
        json_t *one = statistics_json(&statistics);
        json_object_set_new(one, "weight", json_real(reward_set_weights(scorer->set)[k]));
        json_object_set_new(one, "failed", json_integer((json_int_t)reward_set_failures(scorer->set, k)));
        json_object_set_new(rewards, reward_set_name(scorer->set, k), one);
    }
    json_object_set_new(summary, "rows", json_integer((json_int_t)tally->rows));
    json_object_set_new(summary, "completions", json_integer((json_int_t)tally->completions));
    json_object_set_new(summary, "rewards", rewards);
    json_object_set_new(summary, "reward", statistics_json(total));
    if (scorer->atlas) json_object_set_new(summary, "consistency", consistency_json(&tally->consistency));
    return print_json(summary, error);
}

static int print_judgement(const struct scorer *scorer, struct error *error) {
    const struct tally *tally = &scorer->tally;
    struct judgement judgement;
    struct buffer text = {0};
    if (judgement_measure(&judgement, tally->judged, tally->judged_count, error)) return -1;
    if (scorer->settings->json) {
        json_t *object = judgement_json(&judgement);
        return object ? print_json(object, error) : error_set(error, ERROR_MEMORY, "out of memory");
    }
    judgement_print(&text, &judgement);
    int result = text.failed ? error_set(error, ERROR_MEMORY, "out of memory")
                 : fputs(text.data, stdout) == EOF || fflush(stdout)
                     ? error_set_errno(error, "standard output", "cannot write")
                     : 0;
    buffer_free(&text);
    return result;
}

static int report(const struct scorer *scorer, struct error *error) {
    const struct tally *tally = &scorer->tally;
    if (scorer->settings->report) return print_judgement(scorer, error);
    double *totals = memory_new(tally->completions + 1, sizeof *totals, "totals", error);
    if (!totals) return -1;
    for (size_t i = 0; i < tally->completions; i++) totals[i] = total_of(scorer, i);
    struct reward_statistics total = statistics_of(tally, totals, 1, 0);
    int result = scorer->settings->each   ? 0
                 : scorer->settings->json ? print_summary(scorer, &total, error)
                                          : print_table(scorer, &total, error);
    free(totals);
    return result;
}

// The reward model: over the model of --model, the embedded one without it, or a server.
static int open_judge(struct scorer *scorer, const struct settings *settings, struct error *error) {
    struct endpoint_options like = {.jpeg_quality = 92}, remote;
    const char *adapter;
    struct endpoint_settings endpoint = settings->endpoint;
    bool compat = reward_set_locatability_is_compat(scorer->set);
    if (endpoint_settings_apply(&endpoint, &like, error) ||
        locatability_settings_apply(&settings->reward, "--reward", &like, &adapter, &remote, error))
        return -1;
    if (remote.url) {
        scorer->judge = locatability_model_open_endpoint(&remote, compat, error);
        return scorer->judge ? 0 : -1;
    }
    struct model_arguments model = settings->model;
    char *config = model.folder ? NULL : installed_find("models/postcards/config.json", error);
    char *embedded = config ? file_folder(config, error) : NULL;
    if (!model.folder) model.folder = embedded;
    scorer->model = model.folder ? model_arguments_open(&model, error) : NULL;
    scorer->judge = scorer->model ? locatability_model_open(scorer->model, adapter, compat, error) : NULL;
    free(config);
    free(embedded);
    return scorer->judge ? 0 : -1;
}

static int score_files(const struct settings *settings, const struct operands *files, struct error *error) {
    struct scorer *scorer = memory_new(1, sizeof *scorer, "scores", error);
    int result = scorer ? 0 : -1;
    if (scorer) {
        scorer->settings = settings;
        static const char *const alone[] = {"locatability:shape=probability"};
        bool none = settings->rewards.count == 0; // the reward model's own number
        scorer->set = reward_set_open(none ? alone : settings->rewards.values,
                                      none ? 1 : settings->rewards.count, &settings->options, error);
        scorer->files = scorer->set ? row_files_open(files->values, (size_t)files->count, error) : NULL;
        if (!scorer->files) result = -1;
    }
    if (result == 0 && settings->consistency) {
        scorer->atlas = atlas_open(settings->options.gazetteer, error);
        if (!scorer->atlas) result = -1;
    }
    if (result == 0 && settings->reward.where) result = open_judge(scorer, settings, error);
    if (result == 0) {
        scorer->tally.functions = reward_set_count(scorer->set);
        result = score_rows(scorer, error);
    }
    if (result == 0) result = report(scorer, error);
    if (scorer) {
        free(scorer->tally.values);
        free(scorer->tally.masked);
        free(scorer->tally.judged);
        locatability_model_close(scorer->judge);
        model_close(scorer->model);
        atlas_close(scorer->atlas);
        row_files_close(scorer->files);
        reward_set_close(scorer->set);
    }
    free(scorer);
    return result;
}

static int list_rewards(void) {
    struct buffer text = {0};
    struct error error = {0};
    reward_print_kinds(&text);
    int result = text.failed ? error_set(&error, ERROR_MEMORY, "out of memory") : 0;
    if (result == 0 && (fputs(text.data, stdout) == EOF || fflush(stdout)))
        result = error_set_errno(&error, "standard output", "cannot write");
    buffer_free(&text);
    return result ? command_fail(&error) : ERROR_NONE;
}

static const char description[] =
    "Scores completions with rewards, as `globe train grpo` would. FILE holds rows of a\n"
    "data set as JSON lines; each has \"completions\" (a list of texts, or of objects with\n"
    "\"text\" and \"completion_ids\"), a \"completion\", or a conversation that ends with one.";

static const char examples[] = "globe score cards/postcards.jsonl --rewards 'format;accuracy:weight=2'\n"
                               "globe score sampled.jsonl --rewards accuracy:shape=exp --each\n"
                               "globe score cards/postcards.jsonl --rewards consistency --consistency\n"
                               "globe score cards/postcards.jsonl --reward ADAPTER --report\n"
                               "globe score --list\n";

int command_score(int argc, char **argv) {
    struct settings s = {.model = model_arguments_default(), .endpoint = endpoint_settings_default()};
    bool list = false;
    int64_t max_completion_length = 0, limit = 0;
    const struct option table[] = {
        option_repeated("rewards", 'r', "SPEC", &s.rewards,
                        "KIND[:KEY=VALUE,...], several with ; between or one after the other"),
        option_string(
            "reward", 'R', "DIR", &s.reward.where,
            "Ask this reward model of locatability, an adapter or a server's URL, about every picture"),
        option_flag(
            "report", 0, &s.report,
            "How well it tells pictures that can be placed from others, and how far it is to be believed"),
        option_string("reward-model", 0, "NAME", &s.reward.model, "The server's name for it"),
        MODEL_ARGUMENTS(s.model),
        option_flag("list", 0, &list, "Say which rewards there are, with their options"),
        option_flag("json", 'j', &s.json, "Print the summary as JSON"),
        option_flag("each", 'e', &s.each, "Print every completion's rewards as JSON lines instead"),
        option_flag("consistency", 0, &s.consistency,
                    "Also count contradictions, invalid inferences and misread signs"),
        option_flag("mask", 0, &s.mask, "Leave out completions on which a reward fails, and go on"),
        option_integer("max-completion-length", 'n', "N", &max_completion_length, 0, INT32_MAX,
                       "The run's limit of tokens, for rewards of length"),
        option_integer("limit", 'l', "N", &limit, 0, INT64_MAX, "The first N rows only (0: all)"),
        option_string("gazetteer", 'g', "FILE", &s.options.gazetteer,
                      "Another gazetteer than the built-in one"),
        {0},
    };
    const struct usage usage = {.command = "score",
                                .arguments = "FILE...",
                                .at_least = 0,
                                .at_most = -1,
                                .options = table,
                                .description = description,
                                .examples = examples};
    struct operands files;
    struct error error = {0};
    int status;
    if (!options_parse(&usage, argc, argv, &files, &status)) {
        option_list_free(&s.rewards);
        return status;
    }
    s.options.max_completion_length = (size_t)max_completion_length;
    s.options.mask_failed = s.mask;
    s.limit = (size_t)limit;
    if (list) {
        status = list_rewards();
    } else if (s.report && !s.reward.where) {
        error_set(&error, ERROR_USAGE,
                  "--report goes with --reward DIR: the reward model that is reported on");
        status = command_fail(&error);
    } else if (files.count == 0 || (s.rewards.count == 0 && !s.reward.where)) {
        error_set(&error, ERROR_USAGE, "%s",
                  files.count ? "--rewards SPEC says what to score with (--list: what there is)"
                              : "no FILE of rows is given");
        status = command_fail(&error);
    } else {
        signals_catch();
        status = score_files(&s, &files, &error) ? command_fail(&error) : ERROR_NONE;
    }
    option_list_free(&s.rewards);
    return status;
}
