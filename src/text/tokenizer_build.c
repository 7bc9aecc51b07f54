// tokenizer.json, parsed, to a tokenizer. Whatever would make us tokenize otherwise than the reference is an
// error.
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "text/nfc.h"
#include "text/tokenizer_internal.h"

// The expression of a ByteLevel pre-tokenizer with "use_regex": true (GPT-2).
static const char gpt2_regex[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

// The file, while it is read.
struct build {
    struct tokenizer *tokenizer;
    const char *name;
    struct buffer scratch; // a token's or a merge's bytes
    struct error *error;
};

#define FAIL(build, ...) error_set((build)->error, ERROR_MODEL, __VA_ARGS__)

static const char *type_of(const json_t *object) {
    const char *type = json_string_value(json_object_get(object, "type"));
    return type ? type : "(none)";
}

// False for what is absent or says no: null, false, 0, "".
static bool is_set(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value)) return json_string_length(value) > 0;
    if (json_is_number(value)) return json_number_value(value) != 0;
    return value && !json_is_null(value) && !json_is_false(value);
}

// ---- the model's options --------------------------------------------------------------------------------

static int check_model(struct build *build, const json_t *model) {
    if (!json_is_object(model)) return FAIL(build, "%s: \"model\" is not an object", build->name);
    if (json_object_get(model, "type") && strcmp(type_of(model), "BPE"))
        return FAIL(build, "%s: the model type is \"%s\", only BPE is supported", build->name,
                    type_of(model));
    static const char *const unsupported[] = {"byte_fallback", "ignore_merges", "dropout",
                                              "continuing_subword_prefix", "end_of_word_suffix"};
    for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
        if (is_set(model, unsupported[i]))
            return FAIL(build, "%s: the model sets \"%s\", which is not supported", build->name,
                        unsupported[i]);
    return 0;
}

static int read_normalizer(struct build *build, const json_t *normalizer) {
    if (!normalizer || json_is_null(normalizer)) return 0;
    if (!strcmp(type_of(normalizer), "Sequence")) {
        const json_t *list = json_object_get(normalizer, "normalizers");
        if (!json_is_array(list)) return FAIL(build, "%s: \"normalizers\" is not a list", build->name);
        size_t i;
        json_t *item;
        json_array_foreach(list, i, item) {
            // Sequences do not nest in practice, and a hostile file must not make us recurse.
            if (strcmp(type_of(item), "NFC"))
                return FAIL(build, "%s: the normalizer \"%s\" is not supported (only NFC is)", build->name,
                            type_of(item));
            build->tokenizer->nfc = true;
        }
        return 0;
    }
    if (strcmp(type_of(normalizer), "NFC"))
        return FAIL(build, "%s: the normalizer \"%s\" is not supported (only NFC is)", build->name,
                    type_of(normalizer));
    build->tokenizer->nfc = true;
    return 0;
}

// ---- the pre-tokenizer ----------------------------------------------------------------------------------

static int set_split(struct build *build, const char *regex, size_t length) {
    if (build->tokenizer->split)
        return FAIL(build, "%s: more than one Split in the pre-tokenizer is not supported", build->name);
    build->tokenizer->split = split_rule_new(regex, length, build->name, build->error);
    return build->tokenizer->split ? 0 : -1;
}

static int read_split(struct build *build, const json_t *split) {
    const json_t *regex = json_object_get(json_object_get(split, "pattern"), "Regex");
    const char *behavior = json_string_value(json_object_get(split, "behavior"));
    if (!json_is_string(regex))
        return FAIL(build, "%s: the Split pre-tokenizer has no pattern {\"Regex\": ...}", build->name);
    if (!behavior || strcmp(behavior, "Isolated"))
        return FAIL(build, "%s: the Split behavior \"%s\" is not supported (only Isolated is)", build->name,
                    behavior ? behavior : "(none)");
    return set_split(build, json_string_value(regex), json_string_length(regex));
}

static int read_byte_level(struct build *build, const json_t *byte_level) {
    if (is_set(byte_level, "add_prefix_space"))
        return FAIL(build, "%s: ByteLevel with add_prefix_space is not supported", build->name);
    const json_t *use_regex = json_object_get(byte_level, "use_regex");
    if (use_regex && !json_is_true(use_regex)) return 0;
    return set_split(build, gpt2_regex, sizeof gpt2_regex - 1);
}

static int read_pre_tokenizer(struct build *build, const json_t *pre_tokenizer) {
    const char *type = type_of(pre_tokenizer);
    const json_t *list = json_object_get(pre_tokenizer, "pretokenizers");
    bool sequence = !strcmp(type, "Sequence") && json_is_array(list);
    size_t count = sequence ? json_array_size(list) : 1;
    bool byte_level = false;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = sequence ? json_array_get(list, i) : pre_tokenizer;
        type = type_of(item);
        if (!strcmp(type, "Split") && !byte_level) {
            if (read_split(build, item)) return -1;
        } else if (!strcmp(type, "ByteLevel") && !byte_level) {
            byte_level = true;
            if (read_byte_level(build, item)) return -1;
        } else {
            return FAIL(build, "%s: the pre-tokenizer \"%s\" is not supported here (Split, then ByteLevel)",
                        build->name, type);
        }
    }
    if (!byte_level) return FAIL(build, "%s: the pre-tokenizer has no ByteLevel step", build->name);
    if (!build->tokenizer->split)
        return FAIL(build, "%s: the pre-tokenizer has no regular expression to split by", build->name);
    return 0;
}

// ---- the vocabulary -------------------------------------------------------------------------------------

static int check_id(struct build *build, const char *token, const json_t *id) {
    if (!json_is_integer(id))
        return FAIL(build, "%s: the id of the token \"%s\" is not an integer", build->name, token);
    json_int_t value = json_integer_value(id);
    if (value < 0 || value > VOCABULARY_MAX_ID)
        return FAIL(build, "%s: the token \"%s\" has the id %lld, expected 0 to %d", build->name, token,
                    (long long)value, (int)VOCABULARY_MAX_ID);
    return 0;
}

// The bytes that a spelling stands for, in build->scratch; false when it is not byte-level.
static bool unspell(struct build *build, const char *spelling, size_t length, size_t *made) {
    buffer_clear(&build->scratch);
    buffer_add(&build->scratch, spelling, length); // makes room; the bytes are never more
    if (build->scratch.failed) return false;
    ptrdiff_t bytes = vocabulary_unspell(spelling, length, build->scratch.data);
    *made = bytes < 0 ? 0 : (size_t)bytes;
    return bytes >= 0;
}

// True when the id belongs to an added token of this text: then it is not part of the byte-level vocabulary.
static bool is_added(struct build *build, const char *text, json_int_t id) {
    return tokenizer_find(build->tokenizer, text) == id;
}

static int find_size(struct build *build, const json_t *vocab, const json_t *added, size_t *size) {
    json_int_t highest = -1;
    const char *key;
    json_t *id;
    json_object_foreach((json_t *)vocab, key, id) {
        if (check_id(build, key, id)) return -1;
        if (json_integer_value(id) > highest) highest = json_integer_value(id);
    }
    size_t i;
    json_t *item;
    json_array_foreach(added, i, item) {
        const char *content = json_string_value(json_object_get(item, "content"));
        if (!content) return FAIL(build, "%s: added token %zu has no \"content\"", build->name, i);
        id = json_object_get(item, "id");
        if (check_id(build, content, id)) return -1;
        if (json_integer_value(id) > highest) highest = json_integer_value(id);
    }
    *size = (size_t)(highest + 1);
    return 0;
}

static int read_vocabulary(struct build *build, const json_t *vocab, size_t size) {
    struct vocabulary *vocabulary = &build->tokenizer->vocabulary;
    if (vocabulary_start(vocabulary, size, json_object_size(vocab), build->error)) return -1;

    const char *key;
    json_t *id;
    json_object_foreach((json_t *)vocab, key, id) {
        size_t length;
        if (!unspell(build, key, strlen(key), &length)) {
            if (is_added(build, key, json_integer_value(id))) continue;
            return FAIL(build, "%s: the token \"%s\" is not in the byte-level alphabet", build->name, key);
        }
        if (length == 0) return FAIL(build, "%s: the vocabulary has an empty token", build->name);
        if (vocabulary_add(vocabulary, (int32_t)json_integer_value(id), build->scratch.data, length,
                           TOKEN_REGULAR, build->name, build->error))
            return -1;
    }
    for (int byte = 0; byte < 256; byte++)
        if (vocabulary->byte_ids[byte] < 0)
            return FAIL(build, "%s: no token for the byte 0x%02X, so this is not a byte-level vocabulary",
                        build->name, byte);
    return 0;
}

// ---- merges ---------------------------------------------------------------------------------------------

// A merge is "left right" or ["left", "right"].
static int merge_sides(struct build *build, size_t number, const json_t *merge, const char *sides[2],
                       size_t lengths[2]) {
    if (json_is_array(merge) && json_array_size(merge) == 2) {
        for (size_t side = 0; side < 2; side++) {
            const json_t *text = json_array_get(merge, side);
            sides[side] = json_string_value(text);
            lengths[side] = json_string_length(text);
        }
    } else if (json_is_string(merge)) {
        const char *text = json_string_value(merge), *space = strchr(text, ' ');
        sides[0] = text;
        sides[1] = space ? space + 1 : NULL;
        lengths[0] = space ? (size_t)(space - text) : 0;
        lengths[1] = space ? json_string_length(merge) - lengths[0] - 1 : 0;
    }
    if (!sides[0] || !sides[1])
        return FAIL(build, "%s: merge %zu is not \"left right\" or [\"left\", \"right\"]", build->name,
                    number);
    return 0;
}

static int read_merge(struct build *build, size_t number, const json_t *merge) {
    const struct vocabulary *vocabulary = &build->tokenizer->vocabulary;
    const char *sides[2] = {NULL, NULL};
    size_t lengths[2] = {0, 0}, made[2];
    int32_t ids[2], merged;
    if (merge_sides(build, number, merge, sides, lengths)) return -1;
    // Left, right and their concatenation are looked up in one buffer that holds "left" "right".
    buffer_clear(&build->scratch);
    buffer_add(&build->scratch, sides[0], lengths[0]);
    buffer_add(&build->scratch, sides[1], lengths[1]);
    if (build->scratch.failed) return error_set(build->error, ERROR_MEMORY, "%s: out of memory", build->name);
    char *bytes = build->scratch.data;
    for (int side = 0; side < 2; side++) {
        ptrdiff_t length = vocabulary_unspell(sides[side], lengths[side], bytes);
        ids[side] = length > 0 ? vocabulary_find(vocabulary, bytes, (size_t)length) : -1;
        if (ids[side] < 0)
            return FAIL(build, "%s: merge %zu uses \"%.*s\", which is not in the vocabulary", build->name,
                        number, (int)(lengths[side] < 200 ? lengths[side] : 200), sides[side]);
        made[side] = (size_t)length;
        bytes += length;
    }
    merged = vocabulary_find(vocabulary, build->scratch.data, made[0] + made[1]);
    if (merged < 0)
        return FAIL(build, "%s: the result of merge %zu (\"%.*s\" and \"%.*s\") is not in the vocabulary",
                    build->name, number, (int)(lengths[0] < 80 ? lengths[0] : 80), sides[0],
                    (int)(lengths[1] < 80 ? lengths[1] : 80), sides[1]);
    bpe_add(&build->tokenizer->bpe, ids[0], ids[1], (uint32_t)number, merged);
    return 0;
}

static int read_merges(struct build *build, const json_t *merges) {
    struct tokenizer *tokenizer = build->tokenizer;
    if (!json_is_array(merges)) return FAIL(build, "%s: \"model.merges\" is not a list", build->name);
    if (bpe_start(&tokenizer->bpe, json_array_size(merges), tokenizer->vocabulary.byte_ids, build->error))
        return -1;
    size_t i;
    json_t *merge;
    json_array_foreach(merges, i, merge) {
        if (read_merge(build, i, merge)) return -1;
    }
    bpe_finish(&tokenizer->bpe);
    return 0;
}

// ---- added tokens ---------------------------------------------------------------------------------------

// Normalized tokens are looked for in normalised text, so their own text is normalised too.
static int insert_added(struct build *build, const char *text, size_t length, int32_t id, bool normalized) {
    struct tokenizer *tokenizer = build->tokenizer;
    if (!normalized) return added_insert(&tokenizer->raw, text, length, id, build->name, build->error);
    if (!tokenizer->nfc)
        return added_insert(&tokenizer->normalized, text, length, id, build->name, build->error);
    buffer_clear(&build->scratch);
    if (nfc_add(&build->scratch, text, length, build->error)) return -1;
    return added_insert(&tokenizer->normalized, build->scratch.data, build->scratch.length, id, build->name,
                        build->error);
}

// Before the vocabulary is read: what to look for in texts.
static int read_added(struct build *build, const json_t *item) {
    static const char *const unsupported[] = {"single_word", "lstrip", "rstrip"};
    const json_t *content = json_object_get(item, "content");
    const char *text = json_string_value(content);
    size_t length = json_string_length(content);
    int32_t id = (int32_t)json_integer_value(json_object_get(item, "id"));
    for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
        if (is_set(item, unsupported[i]))
            return FAIL(build, "%s: the added token \"%s\" has \"%s\", which is not supported", build->name,
                        text, unsupported[i]);
    if (length == 0 || strlen(text) != length)
        return FAIL(build, "%s: the added token with the id %d is empty or holds a NUL", build->name,
                    (int)id);
    return insert_added(build, text, length, id, json_is_true(json_object_get(item, "normalized")));
}

// After the merges: what its id decodes to.
static int keep_added(struct build *build, const json_t *item) {
    struct vocabulary *vocabulary = &build->tokenizer->vocabulary;
    const json_t *content = json_object_get(item, "content");
    const char *text = json_string_value(content);
    size_t length = json_string_length(content), made;
    int32_t id = (int32_t)json_integer_value(json_object_get(item, "id"));
    // Some files list added tokens in the vocabulary as well, spelt the same.
    struct token *token = &vocabulary->tokens[id];
    if (token->kind == TOKEN_REGULAR && unspell(build, text, length, &made) && made == token->length &&
        !memcmp(build->scratch.data, vocabulary->bytes.data + token->start, made))
        token->kind = TOKEN_ABSENT;
    return vocabulary_add(vocabulary, id, text, length,
                          json_is_true(json_object_get(item, "special")) ? TOKEN_SPECIAL : TOKEN_ADDED,
                          build->name, build->error);
}

static int for_each(struct build *build, const json_t *list, int (*read)(struct build *, const json_t *)) {
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        if (read(build, item)) return -1;
    }
    return 0;
}

// ---- all together ---------------------------------------------------------------------------------------

static int check_decoder(struct build *build, const json_t *decoder) {
    if (!decoder || json_is_null(decoder) || !strcmp(type_of(decoder), "ByteLevel")) return 0;
    return FAIL(build, "%s: the decoder \"%s\" is not supported (only ByteLevel is)", build->name,
                type_of(decoder));
}

static int read_tokens(struct build *build, const json_t *vocab, const json_t *merges, const json_t *added) {
    size_t size = 0;
    if (!json_is_object(vocab)) return FAIL(build, "%s: \"model.vocab\" is not an object", build->name);
    if (added && !json_is_null(added) && !json_is_array(added))
        return FAIL(build, "%s: \"added_tokens\" is not a list", build->name);
    if (find_size(build, vocab, added, &size) || for_each(build, added, read_added) ||
        read_vocabulary(build, vocab, size) || read_merges(build, merges) ||
        for_each(build, added, keep_added))
        return -1;
    vocabulary_finish(&build->tokenizer->vocabulary);
    return 0;
}

static int read_all(struct build *build, const json_t *root) {
    if (!json_is_object(root))
        return FAIL(build, "%s: not an object, expected a tokenizer.json", build->name);
    const json_t *model = json_object_get(root, "model");
    if (check_model(build, model) || read_normalizer(build, json_object_get(root, "normalizer")) ||
        read_pre_tokenizer(build, json_object_get(root, "pre_tokenizer")) ||
        check_decoder(build, json_object_get(root, "decoder")))
        return -1;
    return read_tokens(build, json_object_get(model, "vocab"), json_object_get(model, "merges"),
                       json_object_get(root, "added_tokens"));
}

struct tokenizer *tokenizer_build(const json_t *root, const char *name, struct error *error) {
    struct build build = {.name = name, .error = error};
    build.tokenizer = memory_new(1, sizeof *build.tokenizer, "tokenizer", error);
    if (!build.tokenizer) return NULL;
    int result = read_all(&build, root);
    buffer_free(&build.scratch);
    if (result == 0) return build.tokenizer;
    tokenizer_free(build.tokenizer);
    return NULL;
}
