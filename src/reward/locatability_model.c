#include "reward/locatability_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/score.h"
#include "reward/compat.h"
#include "reward/locatability_model_internal.h"
#include "text/prompts.h"

// Of one pass: enough to keep products busy, little enough to fit.
enum { MOST_ROWS = 8192, MOST_TEXTS = 64, LIKELIEST = 5 };

int locatability_chat(struct chat *chat, const char *name, const char *text, struct error *error) {
    *chat = (struct chat){0};
    if (chat_add_message(chat, "system", error) == 0 &&
        chat_add_part(chat, CHAT_TEXT, locatability_prompt, error) == 0 &&
        chat_add_message(chat, "user", error) == 0 && chat_add_part(chat, CHAT_IMAGE, name, error) == 0 &&
        chat_add_part(chat, CHAT_TEXT, text, error) == 0)
        return 0;
    chat_free(chat);
    return -1;
}

// ---- yes and no -----------------------------------------------------------------------------------------

// The first token of a form.
static int first_token(const struct tokenizer *tokenizer, const char *form, int32_t *id,
                       struct error *error) {
    struct ids ids = {0};
    int result = tokenizer_encode(tokenizer, form, strlen(form), false, &ids, error);
    if (result == 0 && ids.count == 0)
        result = error_set(error, ERROR_MODEL, "the tokenizer has no token for \"%s\"", form);
    if (result == 0) *id = ids.data[0];
    ids_free(&ids);
    return result;
}

static bool holds(const struct locatability_side *side, int32_t id) {
    for (size_t i = 0; i < side->count; i++)
        if (side->ids[i] == id) return true;
    return false;
}

// Each token once, and none that begins forms of both sides.
int locatability_find_tokens(struct locatability_side sides[2], const struct model *model,
                             struct error *error) {
    static const char *const forms[2][LOCATABILITY_FORMS] = {{"no", "No", "NO", " no", " No", " NO"},
                                                             {"yes", "Yes", "YES", " yes", " Yes", " YES"}};
    const struct tokenizer *tokenizer = model_tokenizer(model);
    struct locatability_side found[2] = {0};
    sides[0].count = sides[1].count = 0;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < LOCATABILITY_FORMS; i++) {
            int32_t id;
            if (first_token(tokenizer, forms[side][i], &id, error)) return -1;
            if (!holds(&found[side], id)) found[side].ids[found[side].count++] = id;
        }
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < found[side].count; i++)
            if (!holds(&found[!side], found[side].ids[i]))
                sides[side].ids[sides[side].count++] = found[side].ids[i];
    if (sides[0].count && sides[1].count) return 0;
    return error_set(error, ERROR_MODEL, "%s: the tokenizer begins \"yes\" and \"no\" with the same token",
                     model_facts(model)->folder);
}

// The sum of e^(logit - top) over a side's tokens.
static double mass_of(const struct locatability_side *side, const float *logits, double top) {
    double sum = 0;
    for (size_t i = 0; i < side->count; i++) sum += exp((double)logits[side->ids[i]] - top);
    return sum;
}

static double score_of_all(const struct locatability_model *judge, const float *logits) {
    double top = -INFINITY;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < judge->sides[side].count; i++)
            top = fmax(top, (double)logits[judge->sides[side].ids[i]]);
    double no = mass_of(&judge->sides[0], logits, top), yes = mass_of(&judge->sides[1], logits, top);
    return yes / (yes + no); // one of them is 1 at least
}

// As the released function sees it: the likeliest tokens and their log-probs.
static double score_of_likeliest(const struct locatability_model *judge, const float *logits) {
    const struct tokenizer *tokenizer = model_tokenizer(judge->model);
    size_t vocab = model_facts(judge->model)->vocab, best[LIKELIEST], count = 0;
    double sum = 0, log_probs[LIKELIEST];
    char texts[LIKELIEST][16];
    const char *tokens[LIKELIEST];
    for (size_t i = 0; i < vocab; i++) {
        size_t at = count < LIKELIEST ? count++ : LIKELIEST;
        for (; at > 0 && logits[best[at - 1]] < logits[i]; at--)
            if (at < LIKELIEST) best[at] = best[at - 1];
        if (at < LIKELIEST) best[at] = i;
    }
    for (size_t i = 0; i < vocab; i++) sum += exp((double)logits[i] - (double)logits[best[0]]);
    for (size_t i = 0; i < count; i++) {
        size_t length;
        const char *bytes = tokenizer_bytes(tokenizer, (int32_t)best[i], &length);
        bool fits = bytes && length < sizeof *texts;
        if (fits) memcpy(texts[i], bytes, length);
        texts[i][fits ? length : 0] = 0;
        tokens[i] = texts[i];
        log_probs[i] = (double)logits[best[i]] - (double)logits[best[0]] - log(sum);
    }
    return reward_compat_locatability(tokens, log_probs, count);
}

// ---- a pass ---------------------------------------------------------------------------------------------

// Texts about one picture that go through a pass together.
struct piece {
    struct prompt prompt;
    struct ids rests[MOST_TEXTS];
    struct prompt_completion completions[MOST_TEXTS];
    double *scores[MOST_TEXTS];
    size_t count, rows;
    struct matrix embeds;
};

struct pass {
    struct locatability_model *judge;
    struct training *training;
    struct piece *pieces; // [MOST_TEXTS]
    size_t count, texts, rows;
};

static void empty_piece(struct piece *piece) {
    for (size_t i = 0; i < piece->count; i++) ids_free(&piece->rests[i]);
    prompt_free(&piece->prompt);
    *piece = (struct piece){0};
}

static void empty_pass(struct pass *pass) {
    for (size_t i = 0; i < pass->count; i++) empty_piece(&pass->pieces[i]);
    pass->count = pass->texts = pass->rows = 0;
}

static int take_logits(const struct pass *pass, float *logits, struct error *error) {
    struct prompt_group groups[MOST_TEXTS];
    struct model *model = pass->judge->model;
    for (size_t i = 0; i < pass->count; i++) {
        struct piece *piece = &pass->pieces[i];
        for (size_t k = 0; k < piece->count; k++)
            piece->completions[k] = (struct prompt_completion){piece->rests[k].data, piece->rests[k].count};
        groups[i] = (struct prompt_group){.prompt = &piece->prompt,
                                          .completions = piece->completions,
                                          .completion_count = piece->count,
                                          .image_embeds = piece->embeds,
                                          .adapter = pass->judge->adapter};
    }
    return pass->training ? training_next_logits(pass->training, groups, pass->count, true, logits, error)
                          : model_next_logits(model, groups, pass->count, logits, error);
}

static int run_pass(struct pass *pass, struct error *error) {
    const struct locatability_model *judge = pass->judge;
    size_t vocab = model_facts(judge->model)->vocab, row = 0;
    if (pass->count == 0) return 0;
    float *logits = memory_new(pass->texts, vocab * sizeof *logits, "scores", error);
    int result = logits ? take_logits(pass, logits, error) : -1;
    for (size_t i = 0; result == 0 && i < pass->count; i++)
        for (size_t k = 0; result == 0 && k < pass->pieces[i].count; k++) {
            const float *own = logits + vocab * row++;
            double score = judge->compat ? score_of_likeliest(judge, own) : score_of_all(judge, own);
            if (!isfinite(score))
                result = error_set(error, ERROR_MODEL, "%s: the score is not a number", judge->name);
            *pass->pieces[i].scores[k] = score;
        }
    free(logits);
    empty_pass(pass);
    return result;
}

// ---- prompts --------------------------------------------------------------------------------------------

static int build(const struct locatability_model *judge, const struct locatability_case *one,
                 const char *text, struct prompt *prompt, struct ids *rest, struct error *error) {
    struct chat chat;
    if (locatability_chat(&chat, one->name ? one->name : "the picture", text, error)) return -1;
    int result = one->image ? prompt_build(prompt, judge->model, &chat, one->image, 1, error)
                            : prompt_build_again(prompt, judge->model, &chat, one->shown, error);
    chat_free(&chat);
    if (result == 0 && prompt_split(prompt, judge->model, rest, error)) {
        prompt_free(prompt);
        ids_free(rest);
        result = -1;
    }
    return result;
}

// What follows the picture. Only the first text of a piece has its picture cut.
static int read_text(const struct locatability_model *judge, const struct locatability_case *one,
                     const char *text, struct piece *piece, struct ids *rest, struct error *error) {
    struct chat chat;
    struct ids ids = {0};
    const struct prompt *prompt = &piece->prompt;
    size_t tokens = 0;
    if (piece->count == 0) return build(judge, one, text, &piece->prompt, rest, error);
    for (size_t i = 0; i < prompt->ids.count; i++)
        tokens += prompt->ids.data[i] == model_facts(judge->model)->image_id;
    if (locatability_chat(&chat, "the picture", text, error)) return -1;
    int result = chat_encode(&chat, model_tokenizer(judge->model), &tokens, true, false, &ids, error);
    chat_free(&chat);
    for (size_t i = prompt->ids.count; result == 0 && i < ids.count; i++)
        result = ids_add(rest, ids.data[i], error);
    ids_free(&ids);
    size_t whole = prompt->ids.count + rest->count, context = model_facts(judge->model)->context;
    if (result == 0 && whole >= context)
        result =
            error_set(error, ERROR_LIMIT,
                      "the text and its picture have %zu tokens, the model's context is %zu", whole, context);
    if (result) ids_free(rest);
    return result;
}

// Fatal: nothing more can be had.
static bool is_of_the_text(const struct error *error) {
    return error->code == ERROR_LIMIT || error->code == ERROR_INPUT;
}

static bool is_full(const struct pass *pass) {
    return pass->texts >= MOST_TEXTS || pass->rows >= MOST_ROWS;
}

static int add_text(struct pass *pass, struct piece **piece, const struct locatability_case *one,
                    const char *text, double *score, struct error *error) {
    struct ids rest = {0};
    if (!*piece) *piece = &pass->pieces[pass->count];
    if (read_text(pass->judge, one, text, *piece, &rest, error))
        return error_prefix(error, "%s", one->name ? one->name : "a picture");
    if ((*piece)->count == 0) {
        (*piece)->embeds = one->embeds;
        pass->rows += (*piece)->prompt.ids.count;
        pass->count++;
    }
    (*piece)->scores[(*piece)->count] = score;
    (*piece)->rests[(*piece)->count++] = rest;
    pass->rows += rest.count;
    pass->texts++;
    if (!is_full(pass)) return 0;
    *piece = NULL;
    return run_pass(pass, error);
}

static int score_case(struct pass *pass, const struct locatability_case *one, double *scores,
                      struct error *first, struct error *error) {
    struct piece *piece = NULL;
    for (size_t i = 0; i < one->count; i++) {
        struct error own = {0};
        scores[i] = NAN;
        if (add_text(pass, &piece, one, one->texts[i], &scores[i], &own) == 0) continue;
        if (!is_of_the_text(&own)) {
            *error = own;
            return -1;
        }
        if (!first->code) *first = own;
    }
    return 0;
}

static int score_here(struct locatability_model *judge, struct training *training,
                      const struct locatability_case *cases, size_t count, double *scores,
                      struct error *error) {
    struct error first = {0};
    struct pass pass = {.judge = judge,
                        .training = training,
                        .pieces = memory_new(MOST_TEXTS, sizeof *pass.pieces, "scores", error)};
    int result = pass.pieces ? 0 : -1;
    for (size_t i = 0, text = 0; result == 0 && i < count; text += cases[i++].count)
        result = score_case(&pass, &cases[i], scores + text, &first, error);
    if (result == 0) result = run_pass(&pass, error);
    if (pass.pieces) empty_pass(&pass);
    free(pass.pieces);
    if (result || !first.code) return result;
    *error = first;
    return -1;
}

// ---- the model ------------------------------------------------------------------------------------------

struct locatability_model *locatability_model_open(struct model *model, const char *adapter, bool compat,
                                                   struct error *error) {
    struct locatability_model *judge = memory_new(1, sizeof *judge, "reward model", error);
    if (!judge) return NULL;
    judge->model = model;
    judge->compat = compat;
    judge->name = memory_copy_string(adapter, strlen(adapter), error);
    judge->adapter = judge->name ? lora_open(model, adapter, error) : NULL;
    if (judge->adapter && lora_check_base(judge->adapter, error) == 0 &&
        locatability_find_tokens(judge->sides, model, error) == 0)
        return judge;
    locatability_model_close(judge);
    return NULL;
}

void locatability_model_close(struct locatability_model *judge) {
    if (!judge) return;
    if (judge->adapter) lora_free(judge->adapter);
    engine_close(judge->engine);
    free(judge->name);
    free(judge);
}

bool locatability_model_is_remote(const struct locatability_model *judge) {
    return judge->engine != NULL;
}

const char *locatability_model_name(const struct locatability_model *judge) {
    return judge->name;
}

int locatability_model_score(struct locatability_model *judge, struct training *training,
                             const struct locatability_case *cases, size_t count, double *scores,
                             struct error *error) {
    return judge->engine ? locatability_ask_endpoint(judge, cases, count, scores, error)
                         : score_here(judge, training, cases, count, scores, error);
}
