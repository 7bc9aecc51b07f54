#include "train/policy_loss.h"

#include <math.h>
#include <stdlib.h>

const struct policy_loss_options policy_loss_defaults = {.epsilon = 0.2,
                                                         .epsilon_high = 0.2,
                                                         .top_entropy_quantile = 1,
                                                         .off_policy_threshold = NAN,
                                                         .correction_max = 3,
                                                         .sapo_temperature_pos = 1,
                                                         .sapo_temperature_neg = 1.05,
                                                         .vespo_k_pos = 2,
                                                         .vespo_lambda_pos = 3,
                                                         .vespo_k_neg = 3,
                                                         .vespo_lambda_neg = 2};

// One sequence on its way through the formulas.
struct sequence {
    size_t first, length;
    double advantage;
    double mean_log_ratio; // sequence level
    double weight;         // vespo's, detached
    double correction;     // of the sampler, when it is one for the sequence
    bool left_out;         // by the off-policy mask
};

struct pass {
    const struct policy_batch *batch;
    const struct policy_loss_options *options;
    double sequences, tokens;                  // divisors
    double counted;                            // tokens of this pass
    double entropy_tokens;                     // divisor of the entropy bonus
    double low, high, kl, ratios, corrections; // sums of the report
};

static double clamp(double value, double low, double high) {
    return value < low ? low : value > high ? high : value;
}

static double old_of(const struct pass *pass, size_t t) {
    return pass->batch->old ? pass->batch->old[t] : pass->batch->log_probs[t];
}

// ---- what a token's loss is, and its derivative by the ratio or, for detached ratios, by the log-prob ----

struct term {
    double value;
    double by_ratio;    // d value / d ratio
    double by_log_prob; // d value / d log-prob where the ratio is detached
    bool low, high;     // clipped
};

static struct term clipped_term(const struct policy_loss_options *o, double ratio, double advantage) {
    double raw = o->delta > 0 && ratio > o->delta ? o->delta : ratio;
    double bounded = clamp(ratio, 1 - o->epsilon, 1 + o->epsilon_high);
    double raw_slope = o->delta > 0 && ratio > o->delta ? 0 : 1, bounded_slope = bounded == ratio ? 1 : 0;
    struct term term = {.low = raw < 1 - o->epsilon && advantage<0, .high = raw> 1 + o->epsilon_high &&
                               advantage > 0};
    bool takes_raw = raw * advantage <= bounded * advantage;
    term.value = -(takes_raw ? raw : bounded) * advantage;
    term.by_ratio = -(takes_raw ? raw_slope : bounded_slope) * advantage;
    return term;
}

static struct term sapo_term(const struct policy_loss_options *o, double ratio, double advantage) {
    double tau = advantage > 0 ? o->sapo_temperature_pos : o->sapo_temperature_neg;
    double sigmoid = 1 / (1 + exp(-tau * (ratio - 1)));
    return (struct term){.value = -sigmoid * 4 / tau * advantage,
                         .by_ratio = -4 * sigmoid * (1 - sigmoid) * advantage};
}

static struct term token_term(const struct pass *pass, const struct sequence *s, double ratio,
                              double log_prob) {
    const struct policy_loss_options *o = pass->options;
    if (o->loss_type == POLICY_LOSS_SAPO) return sapo_term(o, ratio, s->advantage);
    if (o->loss_type != POLICY_LOSS_CISPO && o->loss_type != POLICY_LOSS_VESPO)
        return clipped_term(o, ratio, s->advantage);
    double factor = s->weight;
    struct term term = {0};
    if (o->loss_type == POLICY_LOSS_CISPO) {
        factor = ratio < o->epsilon_high ? ratio : o->epsilon_high;
        term.high = ratio > o->epsilon_high && s->advantage > 0;
    }
    term.value = -factor * s->advantage * log_prob;
    term.by_log_prob = -factor * s->advantage;
    return term;
}

// ---- factors of a sequence ----

static double bounded_correction(const struct policy_loss_options *o, double ratio) {
    bool mask = o->correction == SAMPLER_TOKEN_MASK || o->correction == SAMPLER_SEQUENCE_MASK;
    bool outside = ratio > o->correction_max || ratio < o->correction_min;
    return !outside ? ratio : mask ? 0 : clamp(ratio, o->correction_min, o->correction_max);
}

static bool corrects_sequences(const struct policy_loss_options *o) {
    return o->correction == SAMPLER_SEQUENCE_TRUNCATE || o->correction == SAMPLER_SEQUENCE_MASK;
}

static double correction_of(const struct pass *pass, const struct sequence *s, size_t t) {
    const struct policy_loss_options *o = pass->options;
    if (o->correction == SAMPLER_CORRECTION_NONE) return 1;
    if (corrects_sequences(o)) return s->correction;
    return bounded_correction(o, exp(old_of(pass, t) - pass->batch->sampler[t]));
}

static double vespo_weight(const struct policy_loss_options *o, double advantage, double log_w) {
    double k = advantage >= 0 ? o->vespo_k_pos : o->vespo_k_neg,
           lambda = advantage >= 0 ? o->vespo_lambda_pos : o->vespo_lambda_neg;
    log_w = clamp(log_w, log(1e-8), 20);
    return exp(lambda + k * log_w - lambda * exp(log_w));
}

static void prepare_sequence(const struct pass *pass, struct sequence *s) {
    const struct policy_batch *b = pass->batch;
    const struct policy_loss_options *o = pass->options;
    double sum = 0, bounded = 0, sampler = 0, drift = 0, n = s->length ? (double)s->length : 1;
    for (size_t t = s->first; t < s->first + s->length; t++) {
        double d = b->log_probs[t] - old_of(pass, t);
        sum += d;
        bounded += clamp(d, -20, 20);
        if (b->sampler) sampler += old_of(pass, t) - b->sampler[t], drift += b->sampler[t] - b->log_probs[t];
    }
    s->mean_log_ratio = sum / n;
    if (o->correction != SAMPLER_CORRECTION_NONE) s->correction = bounded_correction(o, exp(sampler));
    s->weight = vespo_weight(o, s->advantage, bounded);
    s->left_out = !isnan(o->off_policy_threshold) && s->advantage < 0 && drift / n > o->off_policy_threshold;
}

// ---- sums ----

// What one token's loss counts in the whole.
static double token_share(const struct pass *pass, const struct sequence *s) {
    switch (pass->options->loss_type) {
    case POLICY_LOSS_GRPO:
    case POLICY_LOSS_SAPO:
        return 1 / ((double)s->length * pass->sequences);
    case POLICY_LOSS_DR_GRPO:
        return 1 / (pass->sequences * (double)pass->options->max_completion_length);
    case POLICY_LOSS_LUSPO:
        return 1 / pass->sequences;
    default:
        return 1 / pass->tokens;
    }
}

static bool is_entropic(const struct pass *pass, size_t t) {
    const struct policy_loss_options *o = pass->options;
    return o->top_entropy_quantile >= 1 || pass->batch->entropies[t] >= o->entropy_cut;
}

// The loss of a sequence; its derivatives by each log-prob are added to d.
static double add_sequence(struct pass *pass, const struct sequence *s, double *d) {
    const struct policy_batch *b = pass->batch;
    const struct policy_loss_options *o = pass->options;
    double share = token_share(pass, s), loss = 0, through_mean = 0;
    for (size_t t = s->first; t < s->first + s->length; t++) {
        double log_ratio = o->sequence_level ? s->mean_log_ratio : b->log_probs[t] - old_of(pass, t);
        double ratio = exp(log_ratio), correction = correction_of(pass, s, t);
        struct term term = token_term(pass, s, ratio, b->log_probs[t]);
        double factor = s->left_out || !is_entropic(pass, t) ? 0 : correction;
        double value = factor * term.value, by_ratio = factor * term.by_ratio,
               by_log_prob = factor * term.by_log_prob;
        if (o->beta != 0) {
            double e = b->reference[t] - b->log_probs[t];
            double kl = o->kl == KL_K1 ? -e : o->kl == KL_K2 ? e * e / 2 : exp(e) - e - 1;
            double slope = o->kl == KL_K1 ? 1 : o->kl == KL_K2 ? -e : 1 - exp(e);
            double scale = o->use_bias_correction_kl ? ratio : 1;
            value += o->beta * kl * scale;
            by_log_prob += o->beta * slope * scale;
            if (o->use_bias_correction_kl) by_ratio += o->beta * kl;
            pass->kl += kl * scale;
        }
        loss += share * value;
        d[t] += share * by_log_prob;
        if (o->sequence_level)
            through_mean += share * by_ratio * ratio;
        else
            d[t] += share * by_ratio * ratio;
        pass->low += term.low;
        pass->high += term.high;
        pass->ratios += ratio;
        pass->corrections += correction;
    }
    if (o->sequence_level)
        for (size_t t = s->first; t < s->first + s->length; t++) d[t] += through_mean / (double)s->length;
    return loss;
}

static bool counts(const struct policy_batch *batch, size_t i) {
    return batch->lengths[i] > 0 && !(batch->masked && batch->masked[i]);
}

static void count(struct pass *pass) {
    const struct policy_batch *b = pass->batch;
    size_t t = 0;
    for (size_t i = 0; i < b->count; t += b->lengths[i++]) {
        if (!counts(b, i)) continue;
        pass->counted += (double)b->lengths[i];
        for (size_t k = t; pass->options->entropy_coef != 0 && k < t + b->lengths[i]; k++)
            pass->entropy_tokens += is_entropic(pass, k);
    }
    enum policy_loss_type type = pass->options->loss_type;
    pass->sequences = pass->options->sequences > 0 ? pass->options->sequences : (double)b->count;
    pass->tokens = pass->options->tokens > 0 ? pass->options->tokens : pass->counted;
    if (type == POLICY_LOSS_DAPO || type == POLICY_LOSS_CISPO || type == POLICY_LOSS_VESPO)
        pass->entropy_tokens = pass->tokens;
}

static double add_entropy(const struct pass *pass, size_t first, size_t length, double *d, double *sum) {
    double bonus = 0,
           share = pass->options->entropy_coef / (pass->entropy_tokens > 1 ? pass->entropy_tokens : 1);
    for (size_t t = first; t < first + length; t++) {
        *sum += pass->batch->entropies[t];
        if (pass->options->entropy_coef == 0 || !is_entropic(pass, t)) continue;
        bonus += share * pass->batch->entropies[t];
        if (d) d[t] = -share;
    }
    return bonus;
}

void policy_loss(const struct policy_batch *batch, const struct policy_loss_options *options,
                 double *d_log_probs, double *d_entropies, struct policy_report *report) {
    struct pass pass = {.batch = batch, .options = options};
    size_t total = 0, first = 0, left_out = 0;
    *report = (struct policy_report){0};
    for (size_t i = 0; i < batch->count; i++) total += batch->lengths[i];
    for (size_t t = 0; t < total; t++) {
        d_log_probs[t] = 0;
        if (d_entropies) d_entropies[t] = 0;
    }
    count(&pass);
    for (size_t i = 0; i < batch->count; first += batch->lengths[i++]) {
        struct sequence s = {.first = first, .length = batch->lengths[i], .advantage = batch->advantages[i]};
        if (!counts(batch, i)) continue;
        prepare_sequence(&pass, &s);
        left_out += s.left_out;
        report->loss += add_sequence(&pass, &s, d_log_probs);
        for (size_t t = first; t < first + s.length; t++)
            report->ratio_max = fmax(report->ratio_max, exp(batch->log_probs[t] - old_of(&pass, t)));
        if (batch->entropies)
            report->loss -= add_entropy(&pass, first, s.length, d_entropies, &report->entropy);
    }
    if (pass.counted == 0) return;
    report->kl = pass.kl / pass.counted;
    report->entropy /= pass.counted;
    report->clip_low = pass.low / pass.counted;
    report->clip_high = pass.high / pass.counted;
    report->ratio_mean = pass.ratios / pass.counted;
    report->correction_mean = pass.corrections / pass.counted;
    report->left_out = (double)left_out / (double)batch->count;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double policy_entropy_cut(double *entropies, size_t count, double top_entropy_quantile) {
    if (count == 0) return NAN;
    qsort(entropies, count, sizeof *entropies, by_value);
    double at = (1 - top_entropy_quantile) * (double)(count - 1), below = floor(at);
    size_t i = (size_t)below;
    double next = i + 1 < count ? entropies[i + 1] : entropies[i];
    return entropies[i] + (at - below) * (next - entropies[i]);
}
