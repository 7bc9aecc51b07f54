// The reward model as a server has it: one request for each text, of which the likeliest first tokens are read.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "generate/sampler.h"
#include "reward/compat.h"
#include "reward/locatability_model_internal.h"

// As the released function asks (rewards_and_eval.md section 3.3). A token is enough for the log-probs of the first, and
// temperature 1 leaves them raw also where a server applies it to them.
enum { COMPAT_LIKELIEST = 5, COMPAT_TOKENS = 5 };
static const double COMPAT_TEMPERATURE = 0.6;

struct question {
    struct locatability_model *judge;
    const char *name;
    double *score; // NaN until it is answered
    bool done;
    struct error error;
};

struct locatability_model *locatability_model_open_endpoint(const struct endpoint_options *options,
                                                            bool compat, struct error *error) {
    struct endpoint_options wanted = *options;
    wanted.log_probs = true;
    struct locatability_model *judge = memory_new(1, sizeof *judge, "reward model", error);
    if (!judge) return NULL;
    judge->compat = compat;
    judge->name = memory_copy_string(options->model ? options->model : "",
                                     strlen(options->model ? options->model : ""), error);
    judge->engine = judge->name ? engine_open_endpoint(&wanted, error) : NULL;
    if (judge->engine) return judge;
    locatability_model_close(judge);
    return NULL;
}

// ---- answers --------------------------------------------------------------------------------------------

// "yes", "Yes", "YES", each with a space before it or not.
static bool is_form(const char *token, const char *form) {
    size_t length = strlen(form);
    if (*token == ' ') token++;
    if (strlen(token) != length || strcasecmp(token, form)) return false;
    for (size_t i = 2; i < length; i++) // all letters after the first alike
        if ((token[i] >= 'a') != (token[1] >= 'a')) return false;
    return token[0] < 'a' || token[1] >= 'a'; // no "yES"
}

static double score_of_all(const struct engine_answer *answer) {
    double yes = 0, no = 0;
    for (size_t i = 0; i < answer->likely_count; i++) {
        const struct engine_token *token = &answer->likely[i];
        if (is_form(token->text, "yes")) yes += exp(token->log_prob);
        if (is_form(token->text, "no")) no += exp(token->log_prob);
    }
    return yes + no > 0 ? yes / (yes + no) : NAN;
}

static double score_of_likeliest(const struct engine_answer *answer) {
    const char *tokens[COMPAT_LIKELIEST];
    double log_probs[COMPAT_LIKELIEST];
    size_t count = answer->likely_count < COMPAT_LIKELIEST ? answer->likely_count : COMPAT_LIKELIEST;
    for (size_t i = 0; i < count; i++) {
        tokens[i] = answer->likely[i].text;
        log_probs[i] = answer->likely[i].log_prob;
    }
    return reward_compat_locatability(tokens, log_probs, count);
}

static void on_answer(void *context, const struct engine_answer *answer) {
    struct question *question = context;
    const struct locatability_model *judge = question->judge;
    if (answer->likely_count == 0)
        error_set(&question->error, ERROR_NETWORK,
                  "%s: the server does not tell the likeliest tokens (top_logprobs), so there is no p(yes)",
                  question->name);
    else
        *question->score = judge->compat ? score_of_likeliest(answer) : score_of_all(answer);
    if (answer->likely_count && isnan(*question->score))
        error_set(&question->error, ERROR_NETWORK,
                  "%s: neither yes nor no is among the %zu likeliest first tokens (the first is \"%s\"): is "
                  "\"%s\" a reward model?",
                  question->name, answer->likely_count, answer->likely[0].text, judge->name);
}

static void on_failure(void *context, const struct error *error) {
    struct question *question = context;
    question->error = *error;
}

static void on_finished(void *context) {
    ((struct question *)context)->done = true;
}

// ---- questions ------------------------------------------------------------------------------------------

static int submit(struct question *question, const struct locatability_case *one, const char *text,
                  struct error *error) {
    const struct locatability_model *judge = question->judge;
    struct chat chat = {0};
    struct buffer valid = {0};
    if (!one->image) return error_set(error, ERROR_INTERNAL, "a server needs the picture itself");
    utf8_add_valid(&valid, text, strlen(text));
    buffer_add(&valid, "", 0);
    if (valid.failed) return error_set(error, ERROR_MEMORY, "out of memory");
    struct engine_request request = {.name = question->name,
                                     .chat = &chat,
                                     .images = one->image,
                                     .image_count = 1,
                                     .sampling = sampling_default(),
                                     .samples = 1,
                                     .max_tokens = judge->compat ? COMPAT_TOKENS : 1,
                                     .likely = judge->compat ? COMPAT_LIKELIEST : ENGINE_MOST_LIKELY,
                                     .events = {.on_answer = on_answer,
                                                .on_failure = on_failure,
                                                .on_finished = on_finished,
                                                .context = question}};
    request.sampling.temperature = judge->compat ? COMPAT_TEMPERATURE : 1;
    int result = locatability_chat(&chat, question->name, valid.data ? valid.data : "", error);
    if (result == 0) result = engine_submit(judge->engine, &request, NULL, error);
    chat_free(&chat);
    buffer_free(&valid);
    return result;
}

static int ask_all(struct locatability_model *judge, struct question *questions,
                   const struct locatability_case *cases, size_t count, struct error *error) {
    size_t next = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < cases[i].count; k++) {
            struct question *question = &questions[next++];
            question->name = cases[i].name ? cases[i].name : "a picture";
            if (submit(question, &cases[i], cases[i].texts[k], &question->error)) question->done = true;
            while (engine_room(judge->engine) == 0 && engine_flying(judge->engine))
                if (signals_check(error) || engine_step(judge->engine, error)) return -1;
        }
    while (engine_flying(judge->engine))
        if (signals_check(error) || engine_step(judge->engine, error)) return -1;
    return 0;
}

int locatability_ask_endpoint(struct locatability_model *judge, const struct locatability_case *cases,
                              size_t count, double *scores, struct error *error) {
    size_t texts = 0;
    for (size_t i = 0; i < count; i++) texts += cases[i].count;
    struct question *questions = memory_new(texts + 1, sizeof *questions, "scores", error);
    if (!questions) return -1;
    for (size_t i = 0; i < texts; i++) {
        scores[i] = NAN;
        questions[i] = (struct question){.judge = judge, .score = &scores[i]};
    }
    int result = ask_all(judge, questions, cases, count, error);
    for (size_t i = 0; result == 0 && i < texts; i++)
        if (questions[i].error.code) {
            *error = questions[i].error;
            result = -1;
        }
    free(questions);
    return result;
}
