// From a row of logits to a token: penalties, temperature, truncation, draw, in the order of vLLM V1
// (qwen2_5_vl.md section 12).
#ifndef GLOBE_GENERATE_SAMPLER_H
#define GLOBE_GENERATE_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/random.h"

struct sampling {
    double temperature;        // below 1e-5: greedy
    int top_k;                 // 0: all
    int top_logprobs;          // alternatives reported per token, 0..20
    double top_p;              // 1: all
    double min_p;              // 0: all
    double repetition_penalty; // 1: none; over prompt and output
    double frequency_penalty;  // 0: none; output only
    double presence_penalty;   // 0: none; output only
    uint64_t seed;
};

struct sampling sampling_default(void);                       // greedy, nothing else
double sampling_temperature(const struct sampling *sampling); // 1 when greedy
bool sampling_penalises(const struct sampling *sampling);
// ERROR_USAGE naming the value that is out of range.
int sampling_check(const struct sampling *sampling, struct error *error);

enum { SAMPLER_MAX_TOP = 20 };

// Of a model that is open with model_options.exact, logprob and full_logprob (without penalties) are to the bit what
// model_score_groups and training_log_probs say at temperature 1 and at this one.

struct sampled {
    int32_t id;
    // Of the raw logits, before penalties and temperature.
    float logprob;
    // After penalties, at the temperature (greedy: at 1), over the whole vocabulary: what a trainer computes when there
    // are no penalties.
    float full_logprob;
    // Of the distribution that it was drawn from: after penalties, temperature, forbidden ids, top_k, top_p and min_p
    // (vLLM's processed_logprobs). Greedy: 0.
    float processed_logprob;
    int rank; // 1 + the tokens with a higher raw logit; 1 = most likely
    int top_count;
    struct {
        int32_t id;
        float logprob;
    } top[SAMPLER_MAX_TOP]; // the most likely tokens by raw log-prob, best first
};

// The state of one sequence: what it has emitted and its own random stream.
struct sampler;
// `stream` tells samples of one prompt apart: a draw depends on the logits, seed, stream and the number of
// tokens drawn before, and on nothing else. Ids in `forbidden` can never be drawn (image placeholders).
// vocab: up to 2^22. ERROR_USAGE as sampling_check, ERROR_INTERNAL for a prompt id outside the vocabulary.
struct sampler *sampler_new(const struct sampling *sampling, size_t vocab, uint64_t stream,
                            const int32_t *prompt, size_t prompt_count, const int32_t *forbidden,
                            size_t forbidden_count, struct error *error);
void sampler_free(struct sampler *sampler);
// Draws from logits [vocab] (not modified) and counts the token as emitted. Ids marked in `suppressed` (may
// be NULL) cannot be drawn this time (min_tokens: no stop token yet). ERROR_INTERNAL when a logit is NaN or
// infinite or when no token is left to draw.
int sampler_draw(struct sampler *sampler, const float *logits, const int32_t *suppressed,
                 size_t suppressed_count, struct sampled *sampled, struct error *error);

#endif
