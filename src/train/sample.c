#include "train/sample.h"

#include <stdlib.h>
#include <string.h>

size_t sample_first_answer(const struct chat *chat) {
    size_t first = 0;
    for (size_t i = 0; i < chat->count; i++)
        for (size_t j = 0; j < chat->messages[i].part_count; j++)
            if (chat->messages[i].parts[j].kind == CHAT_IMAGE) first = i + 1;
    while (first < chat->count && strcmp(chat->messages[first].role, "assistant")) first++;
    return first;
}

// ---- the completion -------------------------------------------------------------------------------------

static int add_text(struct sample *sample, const struct tokenizer *tokenizer, const char *text,
                    struct error *error) {
    return tokenizer_encode(tokenizer, text, strlen(text), false, &sample->completion, error);
}

static int add_marker(struct sample *sample, const struct tokenizer *tokenizer, const char *name,
                      struct error *error) {
    int32_t id = tokenizer_find(tokenizer, name);
    if (id < 0) return error_set(error, ERROR_MODEL, "the tokenizer has no token %s", name);
    return ids_add(&sample->completion, id, error);
}

// "role\n" and the content are split together, as the template's text is.
static int add_turn_text(struct sample *sample, const struct tokenizer *tokenizer,
                         const struct chat_message *message, bool answer, struct error *error) {
    struct buffer text = {0};
    if (!answer) buffer_format(&text, "%s\n", message->role);
    for (size_t i = 0; i < message->part_count; i++) buffer_add_text(&text, message->parts[i].text);
    int result = text.failed ? error_set(error, ERROR_MEMORY, "row: out of memory")
                             : add_text(sample, tokenizer, text.data ? text.data : "", error);
    buffer_free(&text);
    return result;
}

// Where the trained tokens are: [starts, ends) per answer, kept until the list of ids is complete.
struct spans {
    size_t starts[CHAT_MAX_MESSAGES], ends[CHAT_MAX_MESSAGES], count;
};

static int add_turns(struct sample *sample, struct spans *spans, const struct chat *chat,
                     const struct tokenizer *tokenizer, struct error *error) {
    for (size_t i = sample_first_answer(chat), first = i; i < chat->count; i++) {
        const struct chat_message *message = &chat->messages[i];
        bool answer = strcmp(message->role, "assistant") == 0;
        if (i > first && (add_text(sample, tokenizer, "\n", error) ||
                          add_marker(sample, tokenizer, "<|im_start|>", error) ||
                          (answer && add_text(sample, tokenizer, "assistant\n", error))))
            return -1;
        size_t start = sample->completion.count;
        if (add_turn_text(sample, tokenizer, message, answer, error)) return -1;
        if (answer && sample->completion.count == start)
            return error_set(error, ERROR_INPUT, "the answer has no tokens: nothing to learn");
        if (add_marker(sample, tokenizer, "<|im_end|>", error)) return -1;
        if (!answer || message->not_learnt) continue;
        spans->starts[spans->count] = start;
        spans->ends[spans->count++] = sample->completion.count;
    }
    return 0;
}

int sample_encode_completion(struct sample *sample, const struct chat *chat,
                             const struct tokenizer *tokenizer, size_t limit, struct error *error) {
    struct spans *spans = memory_new(1, sizeof *spans, "row", error);
    if (!spans) return -1;
    int result = add_turns(sample, spans, chat, tokenizer, error);
    if (result == 0) {
        if (sample->completion.count > limit) sample->completion.count = limit;
        sample->trained = memory_new(sample->completion.count + 1, sizeof *sample->trained, "row", error);
        if (!sample->trained) result = -1;
    }
    for (size_t s = 0; result == 0 && s < spans->count; s++)
        for (size_t i = spans->starts[s]; i < spans->ends[s] && i < sample->completion.count; i++) {
            sample->trained[i] = true;
            sample->labels++;
        }
    free(spans);
    return result;
}

// ---- the whole ------------------------------------------------------------------------------------------

static int check_learnt(const struct chat *chat, struct error *error) {
    for (size_t i = sample_first_answer(chat); i < chat->count; i++)
        if (strcmp(chat->messages[i].role, "assistant") == 0 && !chat->messages[i].not_learnt) return 0;
    return error_set(error, ERROR_INPUT, "no answer to be learnt follows the last image: nothing to learn");
}

static int build(struct sample *sample, const struct model *model, const struct chat *chat,
                 const struct image *images, size_t image_count, size_t max_length, struct error *error) {
    const struct chat question = {chat->messages, sample_first_answer(chat)};
    if (check_learnt(chat, error)) return -1;
    if (prompt_build(&sample->prompt, model, &question, images, image_count, error)) return -1;
    for (size_t i = 0; i < sample->prompt.grid_count; i++) image_free(&sample->prompt.resized[i]);
    size_t tokens = sample->prompt.ids.count;
    if (tokens >= max_length)
        return error_set(error, ERROR_LIMIT, "the prompt alone has %zu tokens, data.max_length is %zu",
                         tokens, max_length);
    if (sample_encode_completion(sample, chat, model_tokenizer(model), max_length - tokens, error)) return -1;
    if (sample->labels == 0)
        return error_set(error, ERROR_LIMIT, "nothing of the answer fits into %zu tokens", max_length);
    return 0;
}

int sample_build(struct sample *sample, const struct model *model, const struct chat *chat,
                 const struct image *images, size_t image_count, size_t max_length, struct error *error) {
    *sample = (struct sample){0};
    int result = build(sample, model, chat, images, image_count, max_length, error);
    if (result) sample_free(sample);
    return result;
}

int sample_build_question(struct sample *sample, const struct model *model, const struct chat *chat,
                          const struct image *images, size_t image_count, size_t max_length, size_t answer,
                          struct error *error) {
    *sample = (struct sample){0};
    if (prompt_build(&sample->prompt, model, chat, images, image_count, error)) return -1;
    for (size_t i = 0; i < sample->prompt.grid_count; i++) image_free(&sample->prompt.resized[i]);
    size_t tokens = sample->prompt.ids.count;
    if (tokens + answer <= max_length) return 0;
    sample_free(sample);
    return error_set(error, ERROR_LIMIT,
                     "%zu tokens of the prompt and %zu of an answer, data.max_length is %zu", tokens, answer,
                     max_length);
}

void asked_free(struct asked *asked) {
    if (!asked) return;
    row_free(&asked->row);
    json_decref(asked->json);
    free(asked->question);
    for (size_t i = 0; asked->pictures && asked->pictures[i]; i++) free(asked->pictures[i]);
    free(asked->pictures);
    free(asked);
}

void sample_free(struct sample *sample) {
    prompt_free(&sample->prompt);
    ids_free(&sample->completion);
    free(sample->trained);
    asked_free(sample->asked);
    *sample = (struct sample){0};
}

// ---- measuring ------------------------------------------------------------------------------------------

// The prompt's tokens go to `ids`.
static int measure_prompt(struct sample_size *size, const struct model *model, const struct chat *question,
                          const size_t *widths, const size_t *heights, size_t image_count, struct ids *ids,
                          struct error *error) {
    size_t *tokens = memory_new(image_count + 1, sizeof *tokens, "row", error);
    struct picture_size *sizes = memory_new(image_count + 1, sizeof *sizes, "row", error);
    int result = tokens && sizes ? prompt_measure(model, question, widths, heights, sizes, error) : -1;
    for (size_t i = 0; result == 0 && i < image_count; i++) {
        tokens[i] = sizes[i].tokens;
        size->patches += sizes[i].patches;
    }
    free(sizes);
    if (result == 0) result = chat_encode(question, model_tokenizer(model), tokens, true, false, ids, error);
    size->prompt = size->before_learnt = ids->count;
    free(tokens);
    return result;
}

int sample_measure(struct sample_size *size, const struct model *model, const struct chat *chat,
                   const size_t *widths, const size_t *heights, size_t image_count, struct error *error) {
    const struct chat question = {chat->messages, sample_first_answer(chat)};
    struct sample sample = {0};
    *size = (struct sample_size){0};
    if (check_learnt(chat, error)) return -1;
    int result =
        measure_prompt(size, model, &question, widths, heights, image_count, &sample.prompt.ids, error);
    if (result == 0)
        result = sample_encode_completion(&sample, chat, model_tokenizer(model), SIZE_MAX, error);
    size->completion = sample.completion.count;
    for (size_t i = 0; sample.trained && i < sample.completion.count && !sample.trained[i]; i++)
        size->before_learnt++;
    sample_free(&sample);
    return result;
}

int sample_measure_question(struct sample_size *size, const struct model *model, const struct chat *chat,
                            const size_t *widths, const size_t *heights, size_t image_count, size_t answer,
                            struct error *error) {
    struct ids ids = {0};
    *size = (struct sample_size){.completion = answer};
    int result = measure_prompt(size, model, chat, widths, heights, image_count, &ids, error);
    ids_free(&ids);
    return result;
}
