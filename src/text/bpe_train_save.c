// The files of a tokenizer that was learnt.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/output.h"
#include "text/bpe_train_internal.h"
#include "text/qwen2_rules.h"
#include "text/vocabulary.h"

static void spell(const struct bpe_trainer *trainer, size_t id, struct buffer *spelling) {
    const struct trained_token *token = &trainer->tokens[id];
    vocabulary_spell(spelling, trainer->spelt.data + token->start, token->length);
}

// The token of merge n has the id 256 + n, in files as here.
static json_t *vocab_json(const struct bpe_trainer *trainer) {
    json_t *vocab = qwen2_byte_vocabulary();
    int failed = vocab == NULL;
    for (size_t id = 256; id < trainer->token_count && !failed; id++) {
        struct buffer spelling = {0};
        spell(trainer, id, &spelling);
        failed = spelling.failed || json_object_set_new(vocab, spelling.data, json_integer((json_int_t)id));
        buffer_free(&spelling);
    }
    if (!failed) return vocab;
    json_decref(vocab);
    return NULL;
}

static json_t *merges_json(const struct bpe_trainer *trainer) {
    json_t *merges = json_array();
    int failed = merges == NULL;
    for (size_t i = 0; i < trainer->merge_count && !failed; i++) {
        struct buffer text = {0};
        spell(trainer, (size_t)trainer->merges[i].left, &text);
        buffer_add_text(&text, " ");
        spell(trainer, (size_t)trainer->merges[i].right, &text);
        failed = text.failed || json_array_append_new(merges, json_string(text.data));
        buffer_free(&text);
    }
    if (!failed) return merges;
    json_decref(merges);
    return NULL;
}

// Takes the value over.
static int write_json(const char *folder, const char *name, json_t *value, struct error *error) {
    char *text = value ? json_dumps(value, JSON_INDENT(2)) : NULL;
    char *path = text ? file_join(folder, name, error) : NULL;
    int result = -1;
    if (!text) {
        error_set(error, ERROR_MEMORY, "%s: out of memory", name);
    } else if (path) {
        output_remove_left_over(path);
        result = file_write(path, text, strlen(text), error);
    }
    free(path);
    free(text);
    json_decref(value);
    return result;
}

int bpe_trainer_save(const struct bpe_trainer *trainer, const char *folder, struct error *error) {
    int32_t first_added = (int32_t)trainer->token_count;
    if (mkdir(folder, 0777) && errno != EEXIST)
        return error_set_errno(error, folder, "cannot make the folder");
    if (write_json(folder, "tokenizer_config.json", qwen2_tokenizer_config_json(first_added), error))
        return -1;
    json_t *chat = json_pack("{s:s}", "chat_template", qwen2_chat_template);
    if (write_json(folder, "chat_template.json", chat, error)) return -1;
    json_t *whole = qwen2_tokenizer_json(vocab_json(trainer), merges_json(trainer), first_added);
    return write_json(folder, "tokenizer.json", whole, error);
}
