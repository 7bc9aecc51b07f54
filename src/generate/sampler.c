#include "generate/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "generate/logits.h"

static const double GREEDY_BELOW = 1e-5; // vLLM's limit
enum { MAX_VOCAB = 1 << 22 };            // so that token and step fit one 64-bit counter

struct sampler {
    struct sampling sampling;
    size_t vocab;
    uint64_t stream, step; // step: tokens drawn so far
    int32_t *forbidden;
    size_t forbidden_count;

    uint32_t *emitted; // [vocab] times drawn
    bool *seen;        // [vocab] in the prompt or drawn
    int32_t *distinct; // the ids seen, each once
    size_t distinct_count;

    float *work;     // [vocab] logits after penalties and masks
    float *weights;  // [vocab] not normalised probabilities; also scratch
    int32_t *kept;   // [vocab] ids that may be drawn
    double kept_sum; // of their weights
};

struct sampling sampling_default(void) {
    return (struct sampling){.top_p = 1, .repetition_penalty = 1};
}

double sampling_temperature(const struct sampling *sampling) {
    return sampling->temperature < GREEDY_BELOW ? 1 : sampling->temperature;
}

bool sampling_penalises(const struct sampling *s) {
    return s->repetition_penalty != 1 || s->frequency_penalty != 0 || s->presence_penalty != 0;
}

static int check_range(const char *name, double value, double low, double high, struct error *error) {
    if (value >= low && value <= high) return 0; // NaN is not
    return error_set(error, ERROR_USAGE, "%s is %g, expected %g to %g", name, value, low, high);
}

int sampling_check(const struct sampling *s, struct error *error) {
    if (check_range("temperature", s->temperature, 0, 100, error) ||
        check_range("top_k", s->top_k, 0, INT32_MAX, error) || check_range("top_p", s->top_p, 0, 1, error) ||
        check_range("min_p", s->min_p, 0, 1, error) ||
        check_range("repetition_penalty", s->repetition_penalty, 0.01, 100, error) ||
        check_range("frequency_penalty", s->frequency_penalty, -2, 2, error) ||
        check_range("presence_penalty", s->presence_penalty, -2, 2, error))
        return -1;
    if (s->top_p == 0) return error_set(error, ERROR_USAGE, "top_p is 0, expected more than 0, up to 1");
    return check_range("top_logprobs", s->top_logprobs, 0, SAMPLER_MAX_TOP, error);
}

// ---- the state of a sequence ---------------------------------------------------------------------------

static void note_seen(struct sampler *sampler, int32_t id) {
    if (sampler->seen[id]) return;
    sampler->seen[id] = true;
    sampler->distinct[sampler->distinct_count++] = id;
}

static int allocate(struct sampler *sampler, size_t forbidden_count, struct error *error) {
    size_t vocab = sampler->vocab;
    sampler->forbidden = memory_new(forbidden_count, sizeof *sampler->forbidden, "sampler", error);
    sampler->emitted = memory_new(vocab, sizeof *sampler->emitted, "sampler", error);
    sampler->seen = memory_new(vocab, sizeof *sampler->seen, "sampler", error);
    sampler->distinct = memory_new(vocab, sizeof *sampler->distinct, "sampler", error);
    sampler->work = memory_new(vocab, sizeof *sampler->work, "sampler", error);
    sampler->weights = memory_new(vocab, sizeof *sampler->weights, "sampler", error);
    sampler->kept = memory_new(vocab, sizeof *sampler->kept, "sampler", error);
    bool complete = sampler->forbidden && sampler->emitted && sampler->seen && sampler->distinct &&
                    sampler->work && sampler->weights && sampler->kept;
    return complete ? 0 : -1;
}

static int start(struct sampler *sampler, const int32_t *prompt, size_t prompt_count,
                 const int32_t *forbidden, size_t forbidden_count, struct error *error) {
    if (allocate(sampler, forbidden_count, error)) return -1;
    for (size_t i = 0; i < prompt_count; i++) {
        if (prompt[i] < 0 || (size_t)prompt[i] >= sampler->vocab)
            return error_set(error, ERROR_INTERNAL,
                             "token id %d of the prompt is not in the vocabulary of %zu", (int)prompt[i],
                             sampler->vocab);
        note_seen(sampler, prompt[i]);
    }
    if (forbidden_count) memcpy(sampler->forbidden, forbidden, forbidden_count * sizeof *forbidden);
    sampler->forbidden_count = forbidden_count;
    return 0;
}

struct sampler *sampler_new(const struct sampling *sampling, size_t vocab, uint64_t stream,
                            const int32_t *prompt, size_t prompt_count, const int32_t *forbidden,
                            size_t forbidden_count, struct error *error) {
    if (sampling_check(sampling, error)) return NULL;
    if (vocab < 1 || vocab > MAX_VOCAB) {
        error_set(error, ERROR_INTERNAL, "a vocabulary of %zu, expected 1 to %d", vocab, MAX_VOCAB);
        return NULL;
    }
    struct sampler *sampler = memory_new(1, sizeof *sampler, "sampler", error);
    if (!sampler) return NULL;
    sampler->sampling = *sampling;
    sampler->vocab = vocab;
    sampler->stream = stream;
    if (start(sampler, prompt, prompt_count, forbidden, forbidden_count, error)) {
        sampler_free(sampler);
        return NULL;
    }
    return sampler;
}

void sampler_free(struct sampler *sampler) {
    if (!sampler) return;
    free(sampler->forbidden);
    free(sampler->emitted);
    free(sampler->seen);
    free(sampler->distinct);
    free(sampler->work);
    free(sampler->weights);
    free(sampler->kept);
    free(sampler);
}

// ---- masks and penalties -------------------------------------------------------------------------------

// Ids outside the vocabulary cannot be drawn anyway.
static void mask(struct sampler *sampler, const int32_t *ids, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (ids[i] >= 0 && (size_t)ids[i] < sampler->vocab) sampler->work[ids[i]] = -INFINITY;
}

// Repetition first, over prompt and output; then frequency and presence, over the output alone. false: there are
// none.
static bool penalise(struct sampler *sampler) {
    const struct sampling *s = &sampler->sampling;
    if (!sampling_penalises(s)) return false;
    float repetition = (float)s->repetition_penalty;
    for (size_t i = 0; i < sampler->distinct_count; i++) {
        int32_t id = sampler->distinct[i];
        float logit = sampler->work[id];
        logit = logit > 0 ? logit / repetition : logit * repetition;
        if (sampler->emitted[id]) {
            logit -= (float)s->frequency_penalty * (float)sampler->emitted[id];
            logit -= (float)s->presence_penalty;
        }
        sampler->work[id] = logit;
    }
    return true;
}

// ---- truncation ----------------------------------------------------------------------------------------

// The logit that min_p and top_k ask for at least. min_p's cut is p < min_p * max p, written in logits.
static float lower_limit(struct sampler *sampler, float best) {
    const struct sampling *s = &sampler->sampling;
    float limit = -INFINITY;
    if (s->min_p > 0) limit = (float)(best + log(s->min_p) * s->temperature);
    if (s->top_k > 0 && (size_t)s->top_k < sampler->vocab) {
        float kth = logits_kth_largest(sampler->work, sampler->vocab, (size_t)s->top_k, sampler->weights);
        if (kth > limit) limit = kth;
    }
    return limit;
}

// A strict order: equal logits by id.
static bool more_likely(const struct sampler *sampler, int32_t a, int32_t b) {
    float x = sampler->work[a], y = sampler->work[b];
    return x > y || (x == y && a < b);
}

static void swap_ids(int32_t *ids, size_t a, size_t b) {
    int32_t kept = ids[a];
    ids[a] = ids[b];
    ids[b] = kept;
}

// Moves the middle one of three to the end of the range as its pivot.
static void place_pivot(const struct sampler *sampler, int32_t *ids, size_t low, size_t high) {
    size_t mid = low + (high - low) / 2, last = high - 1;
    if (more_likely(sampler, ids[mid], ids[low])) swap_ids(ids, mid, low);
    if (more_likely(sampler, ids[last], ids[low])) swap_ids(ids, last, low);
    if (more_likely(sampler, ids[mid], ids[last])) swap_ids(ids, mid, last);
}

// Splits ids[low, high) around a pivot: the more likely before it, the others after. Returns the pivot's
// place, and the weight of what stands after it.
static size_t partition(const struct sampler *sampler, int32_t *ids, size_t low, size_t high, double *after) {
    place_pivot(sampler, ids, low, high);
    int32_t pivot = ids[high - 1];
    size_t place = low;
    *after = 0;
    for (size_t i = low; i + 1 < high; i++) {
        if (more_likely(sampler, ids[i], pivot))
            swap_ids(ids, i, place++);
        else
            *after += sampler->weights[ids[i]];
    }
    swap_ids(ids, place, high - 1);
    return place;
}

// top_p: going up from the least likely, tokens are dropped while their weights add up to at most `budget`;
// `below` has been dropped already. The most likely one always stays. Finds the border by selection rather
// than by sorting; returns how many of ids[0, count) are kept, now in front.
static size_t cut_nucleus(const struct sampler *sampler, int32_t *ids, size_t count, double below,
                          double budget) {
    size_t low = 0, high = count; // the border lies in this range; what stands before it is kept
    while (low < high) {
        double after;
        size_t pivot = partition(sampler, ids, low, high, &after);
        if (below + after > budget) {
            low = pivot + 1;
            continue;
        }
        below += after + sampler->weights[ids[pivot]];
        if (below > budget) return pivot + 1;
        high = pivot;
    }
    return low ? low : 1;
}

static double sum_weights(const struct sampler *sampler, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += sampler->weights[sampler->kept[i]];
    return sum;
}

// Fills kept[] with the ids that may be drawn, weights[] with their weights, and kept_sum.
static size_t keep_candidates(struct sampler *sampler, float best) {
    const struct sampling *s = &sampler->sampling;
    size_t vocab = sampler->vocab;
    float limit = lower_limit(sampler, best);
    double total =
        logits_weigh(sampler->work, vocab, best, (float)(1 / s->temperature), limit, sampler->weights);
    sampler->kept_sum = total;
    if (s->top_p >= 1) return logits_collect(sampler->weights, vocab, 0, sampler->kept);
    // Weights up to budget / vocab add up to no more than the budget: all of them are dropped, without a
    // closer look.
    double budget = (1 - s->top_p) * total;
    size_t count =
        logits_collect(sampler->weights, vocab, (float)(budget / (double)vocab) * 0.999f, sampler->kept);
    count = cut_nucleus(sampler, sampler->kept, count, total - sum_weights(sampler, count), budget);
    sampler->kept_sum = sum_weights(sampler, count);
    return count;
}

// ---- the draw ------------------------------------------------------------------------------------------

// The random words of a token at a step: word id % 4 of a block that is a function of seed, stream, step and
// id / 4.
static uint64_t block_number(const struct sampler *sampler, int32_t id) {
    return sampler->step << 20 | (uint64_t)(id >> 2);
}

static const uint64_t LOW_WORDS = (uint64_t)1 << 63; // a second block for the lower half of each number

// weight / e with e ~ Exp(1), from 64 random bits.
static double race_score(const struct sampler *sampler, int32_t id, uint32_t high) {
    uint32_t low[4];
    random_block(sampler->sampling.seed, sampler->stream, block_number(sampler, id) | LOW_WORDS, low);
    double unit = ((double)high + ((double)low[id & 3] + 0.5) * 0x1p-32) * 0x1p-32; // in (0, 1]
    return sampler->weights[id] / -log1p(-unit);
}

// argmax of weight / e over the candidates. As e is at least its uniform number, most candidates can be seen
// to lose from the upper half of that number alone.
static int32_t run_race(const struct sampler *sampler, size_t count) {
    int32_t winner = sampler->kept[0];
    double best = -1;
    uint64_t block = UINT64_MAX;
    uint32_t words[4];
    for (size_t i = 0; i < count; i++) {
        int32_t id = sampler->kept[i];
        if (block_number(sampler, id) != block) {
            block = block_number(sampler, id);
            random_block(sampler->sampling.seed, sampler->stream, block, words);
        }
        uint32_t high = words[id & 3];
        if (sampler->weights[id] < best * (double)high * 0x1p-32) continue;
        double score = race_score(sampler, id, high);
        if (score > best || (score == best && id < winner)) {
            best = score;
            winner = id;
        }
    }
    return winner;
}

static bool is_greedy(const struct sampler *sampler) {
    return sampler->sampling.temperature < GREEDY_BELOW;
}

// The id, or -1; *log_prob: of the distribution that it comes from.
static int32_t choose(struct sampler *sampler, float *log_prob, struct error *error) {
    float best = logits_max(sampler->work, sampler->vocab);
    if (best == -INFINITY)
        return error_set(error, ERROR_INTERNAL, "every token of the vocabulary is forbidden");
    if (!isfinite(best)) return error_set(error, ERROR_INTERNAL, "a logit is infinite after the penalties");
    *log_prob = 0;
    if (is_greedy(sampler)) return (int32_t)logits_find(sampler->work, sampler->vocab, best);
    int32_t id = run_race(sampler, keep_candidates(sampler, best));
    double scaled = ((double)sampler->work[id] - best) / sampler->sampling.temperature;
    double result = scaled - log(sampler->kept_sum);
    *log_prob = result < 0 ? (float)result : 0; // a rounding above
    return id;
}

// ---- what is reported ----------------------------------------------------------------------------------

// log softmax(logits / temperature)[id] is (logits[id] - max) / temperature - log_sum.
struct normaliser {
    double max, temperature, log_sum;
};

static double log_prob(const struct normaliser *n, double logit) {
    return (logit - n->max) / n->temperature - n->log_sum;
}

static struct normaliser normalise(struct sampler *sampler, const float *logits, double temperature) {
    size_t vocab = sampler->vocab;
    float max = logits_max(logits, vocab);
    double sum = temperature == 1 ? logits_sum_exp(logits, vocab, max)
                                  : logits_weigh(logits, vocab, max, (float)(1 / temperature), -INFINITY,
                                                 sampler->weights);
    return (struct normaliser){max, temperature, log(sum)};
}

// From the raw logits, as vLLM does by default.
static void report(const struct sampler *sampler, const float *logits, const struct normaliser *raw,
                   int32_t id, struct sampled *sampled) {
    size_t vocab = sampler->vocab;
    int wanted = sampler->sampling.top_logprobs;
    int32_t top[SAMPLER_MAX_TOP];
    sampled->id = id;
    sampled->logprob = (float)log_prob(raw, logits[id]);
    sampled->rank = (int)logits_count_above(logits, vocab, logits[id]) + 1;
    sampled->top_count = (size_t)wanted < vocab ? wanted : (int)vocab;
    logits_top(logits, vocab, sampled->top_count, top);
    for (int i = 0; i < sampled->top_count; i++) {
        sampled->top[i].id = top[i];
        sampled->top[i].logprob = (float)log_prob(raw, logits[top[i]]);
    }
}

int sampler_draw(struct sampler *sampler, const float *logits, const int32_t *suppressed,
                 size_t suppressed_count, struct sampled *sampled, struct error *error) {
    if (!logits_are_finite(logits, sampler->vocab))
        return error_set(error, ERROR_MODEL,
                         "the model produced NaN or infinite logits (token %llu of the output)",
                         (unsigned long long)sampler->step + 1);
    double temperature = sampling_temperature(&sampler->sampling);
    memcpy(sampler->work, logits, sampler->vocab * sizeof *logits);
    bool penalised = penalise(sampler);
    const struct normaliser raw = normalise(sampler, logits, 1);
    const struct normaliser full =
        penalised || temperature != 1 ? normalise(sampler, sampler->work, temperature) : raw;
    mask(sampler, sampler->forbidden, sampler->forbidden_count);
    mask(sampler, suppressed, suppressed_count);
    int32_t id = choose(sampler, &sampled->processed_logprob, error);
    if (id < 0) return -1;
    report(sampler, logits, &raw, id, sampled);
    sampled->full_logprob = (float)log_prob(&full, sampler->work[id]);
    note_seen(sampler, id);
    sampler->emitted[id]++;
    sampler->step++;
    return 0;
}
