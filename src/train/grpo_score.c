#include "train/grpo_score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "photo/decode.h"

// ---- rewards --------------------------------------------------------------------------------------------

static size_t count_completions(const struct grpo_group *groups, size_t count) {
    size_t all = 0;
    for (size_t g = 0; g < count; g++) all += groups[g].completions ? groups[g].count : 0;
    return all;
}

static void describe(struct reward_completion *to, const struct grpo_group *group, size_t i) {
    const struct grpo_completion *completion = &group->completions[i];
    const struct asked *asked = group->row.sample->asked;
    *to = (struct reward_completion){.text = completion->text,
                                     .length = completion->length,
                                     .ids = completion->ids,
                                     .id_count = completion->count,
                                     .cut = completion->cut,
                                     .truth = &asked->row.truth,
                                     .prompt = asked->question,
                                     .row = asked->json,
                                     .locatability = NAN};
}

static void take(struct grpo_group *groups, size_t count, size_t functions, const double *values,
                 const bool *masked) {
    size_t at = 0;
    for (size_t g = 0; g < count; g++) {
        struct grpo_group *group = &groups[g];
        for (size_t i = 0; group->completions && i < group->count; i++, at++) {
            group->completions[i].masked = masked[at];
            for (size_t f = 0; f < functions; f++)
                group->rewards[i * functions + f] = masked[at] ? NAN : values[at * functions + f];
        }
    }
}

// A server sees the picture itself.
static int load_picture(const struct asked *asked, struct image *image, struct error *error) {
    const char *path = asked->pictures ? asked->pictures[0] : NULL;
    if (path) return photo_decode_file(image, path, NULL, NULL, error);
    return error_set(
        error, ERROR_INPUT,
        "%s: the reward model's server is sent pictures that are files, and this one is part of a shard",
        asked->place);
}

// What the reward model says of some groups' completions, at `completions`.
static int judge_some(const struct grpo_rewards *rewards, const struct grpo_group *groups, size_t count,
                      struct reward_completion *completions, struct error *error) {
    size_t all = count_completions(groups, count), cases = 0, at = 0;
    struct locatability_case *asked = memory_new(count + 1, sizeof *asked, "locatability", error);
    const char **texts = memory_new(all + 1, sizeof *texts, "locatability", error);
    double *scores = memory_new(all + 1, sizeof *scores, "locatability", error);
    struct image *images = memory_new(count + 1, sizeof *images, "locatability", error);
    bool remote = locatability_model_is_remote(rewards->judge);
    int result = asked && texts && scores && images ? 0 : -1;
    for (size_t g = 0; result == 0 && g < count; g++) {
        const struct grpo_group *group = &groups[g];
        const struct prompt *prompt = group->completions ? &group->row.sample->prompt : NULL;
        if (!prompt) continue;
        if (prompt->grid_count != 1)
            result =
                error_set(error, ERROR_INPUT, "%s: locatability is of one picture, and the prompt has %zu",
                          group->row.sample->asked->place, prompt->grid_count);
        else if (remote)
            result = load_picture(group->row.sample->asked, &images[cases], error);
        asked[cases] = (struct locatability_case){.name = group->row.sample->asked->place,
                                                  .image = remote ? &images[cases] : NULL,
                                                  .shown = prompt,
                                                  .embeds = group->row.embeds,
                                                  .texts = texts + at,
                                                  .count = group->count};
        cases++;
        for (size_t i = 0; i < group->count; i++) texts[at++] = group->completions[i].text;
    }
    if (result == 0 && cases &&
        locatability_model_score(rewards->judge, rewards->training, asked, cases, scores, error)) {
        result = rewards->mask && error->code != ERROR_MEMORY && error->code != ERROR_INTERRUPTED ? 0 : -1;
        if (result == 0) log_warning("%s", error->message);
    }
    for (size_t i = 0; result == 0 && i < at; i++) completions[i].locatability = scores[i];
    for (size_t i = 0; images && i < cases; i++) image_free(&images[i]);
    free(asked);
    free(texts);
    free(scores);
    free(images);
    return result;
}

static int judge(const struct grpo_rewards *rewards, const struct grpo_group *groups, size_t count,
                 struct reward_completion *completions, struct error *error) {
    for (size_t first = 0; rewards->judge && first < count; first += rewards->together) {
        size_t some = count - first < rewards->together ? count - first : rewards->together;
        if (judge_some(rewards, groups + first, some, completions, error)) return -1;
        completions += count_completions(groups + first, some);
    }
    return 0;
}

int grpo_score_rewards(const struct grpo_rewards *rewards, struct grpo_group *groups, size_t count,
                       uint64_t step, struct error *error) {
    size_t all = count_completions(groups, count), functions = reward_set_count(rewards->set), at = 0;
    struct reward_completion *completions = memory_new(all + 1, sizeof *completions, "rewards", error);
    double *values = memory_new(all * functions + 1, sizeof *values, "rewards", error);
    bool *masked = memory_new(all + 1, sizeof *masked, "rewards", error);
    int result = completions && values && masked ? 0 : -1;
    for (size_t g = 0; result == 0 && g < count; g++)
        for (size_t i = 0; groups[g].completions && i < groups[g].count; i++)
            describe(&completions[at++], &groups[g], i);
    if (result == 0) result = judge(rewards, groups, count, completions, error);
    const struct reward_batch batch = {.completions = completions, .count = all, .step = step};
    if (result == 0 && all) result = reward_set_score(rewards->set, &batch, values, masked, error);
    if (result == 0) take(groups, count, functions, values, masked);
    free(completions);
    free(values);
    free(masked);
    return result;
}

bool grpo_group_is_flat(const struct grpo_group *group, const double *weights, size_t functions) {
    double first = NAN;
    for (size_t i = 0; i < group->count; i++) {
        double total = 0;
        bool any = false;
        for (size_t f = 0; f < functions; f++) {
            double value = group->rewards[i * functions + f];
            if (isnan(value)) continue;
            total += weights[f] * value;
            any = true;
        }
        if (!any) continue;
        if (isnan(first)) first = total;
        if (fabs(total - first) > 1e-8) return false;
    }
    return true;
}

// ---- all ranks ------------------------------------------------------------------------------------------

// What is known of each completion of all ranks: its rewards, and
enum { RECORD_LENGTH, RECORD_CUT, RECORD_MASKED, RECORD_THERE, RECORD_FACTS };

struct gathered {
    double *records; // [ranks * most, functions + RECORD_FACTS], those that are there first after `compact`
    size_t width, functions;
    size_t count;      // completions of all ranks
    size_t own, first; // of this rank, and where they start
};

static double log_ratio(const struct grpo_group *group, size_t i) {
    size_t first = 0;
    double sum = 0;
    for (size_t k = 0; k < i; k++) first += group->completions[k].count;
    for (size_t t = first; t < first + group->completions[i].count; t++)
        sum += group->old[t] - group->reference[t];
    return sum;
}

static void fill(const struct grpo_scoring *scoring, const struct grpo_group *groups, size_t count,
                 struct gathered *gathered, double *record) {
    size_t given = scoring->advantage.functions, functions = gathered->functions;
    for (size_t g = 0; g < count; g++)
        for (size_t i = 0; groups[g].completions && i < groups[g].count; i++, record += gathered->width) {
            const struct grpo_completion *completion = &groups[g].completions[i];
            memcpy(record, groups[g].rewards + i * given, given * sizeof *record);
            if (functions > given) record[given] = completion->masked ? NAN : log_ratio(&groups[g], i);
            record[functions + RECORD_LENGTH] = (double)completion->count;
            record[functions + RECORD_CUT] = completion->cut;
            record[functions + RECORD_MASKED] = completion->masked;
            record[functions + RECORD_THERE] = 1;
        }
}

static int gather(const struct grpo_scoring *scoring, const struct grpo_group *groups, size_t count,
                  struct gathered *gathered, struct error *error) {
    const struct parallel *parallel = scoring->parallel;
    size_t ranks = (size_t)parallel->ranks, rank = (size_t)parallel->rank;
    gathered->functions = scoring->advantage.functions + (scoring->kl_weight != 0);
    gathered->width = gathered->functions + RECORD_FACTS;
    gathered->own = count_completions(groups, count);
    double most = (double)gathered->own;
    if (parallel_max(parallel, &most, 1, error)) return -1;
    size_t each = (size_t)most, all = ranks * each, width = gathered->width;
    gathered->records = memory_new(all * width + 1, sizeof *gathered->records, "rewards", error);
    if (parallel_agree(parallel, gathered->records ? 0 : -1, error) || !gathered->records) return -1;
    fill(scoring, groups, count, gathered, gathered->records + rank * each * width);
    if (parallel_sum(parallel, gathered->records, all * width, error)) return -1;
    for (size_t i = 0; i < all; i++) {
        const double *record = gathered->records + i * width;
        if (i == rank * each) gathered->first = gathered->count;
        if (record[gathered->functions + RECORD_THERE] > 0)
            memmove(gathered->records + gathered->count++ * width, record, width * sizeof *record);
    }
    return 0;
}

// ---- the report -----------------------------------------------------------------------------------------

static double fact(const struct gathered *gathered, size_t i, size_t which) {
    return gathered->records[i * gathered->width + gathered->functions + which];
}

static void report_lengths(const struct gathered *gathered, struct grpo_report *report) {
    double all = 0, ended = 0, ended_sum = 0;
    for (size_t i = 0; i < gathered->count; i++) {
        double length = fact(gathered, i, RECORD_LENGTH);
        bool cut = fact(gathered, i, RECORD_CUT) > 0;
        if (i == 0 || length < report->min_length) report->min_length = length;
        if (length > report->max_length) report->max_length = length;
        all += length;
        report->clipped_ratio += cut;
        report->masked += fact(gathered, i, RECORD_MASKED);
        if (cut) continue;
        if (ended == 0 || length < report->min_terminated_length) report->min_terminated_length = length;
        if (length > report->max_terminated_length) report->max_terminated_length = length;
        ended_sum += length;
        ended++;
    }
    if (gathered->count == 0) return;
    report->mean_length = all / (double)gathered->count;
    report->clipped_ratio /= (double)gathered->count;
    report->mean_terminated_length = ended > 0 ? ended_sum / ended : 0;
}

static void report_totals(const double *totals, size_t count, size_t group, struct grpo_report *report) {
    double mean, std, sum = 0, spreads = 0, numbers = 0;
    for (size_t i = 0; i < count; i += group) {
        double low = INFINITY, high = -INFINITY;
        advantage_moments(totals + i, group, 1, &mean, &std);
        for (size_t k = i; k < i + group; k++) {
            if (isnan(totals[k])) continue;
            if (totals[k] < low) low = totals[k];
            if (totals[k] > high) high = totals[k];
            sum += totals[k];
            numbers++;
        }
        if (!(high - low > 1e-8)) report->flat_groups++;
        if (!isnan(std)) spreads += std;
        report->groups++;
    }
    report->reward = numbers > 0 ? sum / numbers : NAN;
    report->reward_std = report->groups > 0 ? spreads / report->groups : NAN;
    report->frac_zero_std = report->groups > 0 ? report->flat_groups / report->groups : NAN;
}

static void report_functions(const double *rewards, size_t count, size_t stride, size_t group, size_t shown,
                             struct grpo_report *report) {
    for (size_t f = 0; f < shown; f++) {
        struct reward_statistics of;
        reward_statistics(rewards, count, stride, group, f, &of);
        report->functions[f].mean = of.mean;
        report->functions[f].std = of.std;
        report->functions[f].frac_zero_std = of.frac_zero_std;
    }
}

// ---- advantages -----------------------------------------------------------------------------------------

struct work {
    double *rewards, *totals, *advantages;
    double weights[REWARD_MOST + 1];
};

static void give(struct grpo_group *groups, size_t count, const struct work *work, size_t first) {
    for (size_t g = 0; g < count; g++)
        for (size_t i = 0; groups[g].completions && i < groups[g].count; i++, first++) {
            groups[g].completions[i].total = work->totals[first];
            groups[g].completions[i].advantage = work->advantages[first];
        }
}

static int compute(const struct grpo_scoring *scoring, struct grpo_group *groups, size_t count,
                   const struct gathered *gathered, struct grpo_report *report, struct error *error) {
    size_t all = gathered->count, functions = gathered->functions, given = scoring->advantage.functions;
    struct work work = {.rewards = memory_new(all * functions + 1, sizeof(double), "rewards", error),
                        .totals = memory_new(all + 1, sizeof(double), "rewards", error),
                        .advantages = memory_new(all + 1, sizeof(double), "rewards", error)};
    int result = work.rewards && work.totals && work.advantages ? 0 : -1;
    if (result == 0) {
        struct advantage_options options = scoring->advantage;
        memcpy(work.weights, options.weights, given * sizeof *work.weights);
        work.weights[given] = -scoring->kl_weight;
        options.weights = work.weights;
        options.functions = functions;
        for (size_t i = 0; i < all; i++)
            memcpy(work.rewards + i * functions, gathered->records + i * gathered->width,
                   functions * sizeof *work.rewards);
        advantage_compute(work.rewards, all, &options, work.totals, work.advantages);
        give(groups, count, &work, gathered->first);
        *report = (struct grpo_report){.completions = (double)all};
        report_lengths(gathered, report);
        report_totals(work.totals, all, options.group, report);
        report_functions(work.rewards, all, functions, options.group, given, report);
    }
    free(work.rewards);
    free(work.totals);
    free(work.advantages);
    return result;
}

int grpo_score_advantages(const struct grpo_scoring *scoring, struct grpo_group *groups, size_t count,
                          struct grpo_report *report, struct error *error) {
    struct gathered gathered = {0};
    int result = gather(scoring, groups, count, &gathered, error);
    if (result == 0)
        result = parallel_agree(scoring->parallel, compute(scoring, groups, count, &gathered, report, error),
                                error);
    free(gathered.records);
    return result;
}
