#include "support.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "text/bpe_train.h"
#include "text/chat.h"
#include "text/qwen2_rules.h"
#include "text/tokenizer.h"

static struct bpe_trainer *learn(const char *const *texts, size_t count, size_t size) {
    struct error error = {0};
    struct bpe_trainer *trainer = bpe_trainer_new(&error);
    assert_got(trainer, error);
    for (size_t i = 0; i < count; i++)
        assert_ok(bpe_trainer_add(trainer, texts[i], strlen(texts[i]), &error), error);
    assert_ok(bpe_trainer_learn(trainer, size, &error), error);
    return trainer;
}

static struct tokenizer *save_and_open(const struct bpe_trainer *trainer, const char *folder) {
    struct error error = {0};
    assert_ok(bpe_trainer_save(trainer, folder, &error), error);
    struct tokenizer *tokenizer = tokenizer_open(folder, &error);
    assert_got(tokenizer, error);
    assert_int_equal(tokenizer_size(tokenizer), bpe_trainer_size(trainer));
    return tokenizer;
}

static json_t *read_json(const char *path) {
    struct error error = {0};
    json_t *root = json_read_file(path, 1 << 24, &error);
    assert_got(root, error);
    return root;
}

// --- the plain way: all pairs of all words are counted anew for every merge ------------------------------

enum { PLAIN_WORDS = 400, PLAIN_LETTERS = 12, PLAIN_TOKEN = 40 };

struct plain_word {
    char tokens[PLAIN_LETTERS][PLAIN_TOKEN];
    int length;
};

struct plain {
    struct plain_word words[PLAIN_WORDS];
    int count;
};

static int plain_occurrences(const struct plain *plain, const char *left, const char *right) {
    int found = 0;
    for (int w = 0; w < plain->count; w++) {
        const struct plain_word *word = &plain->words[w];
        for (int i = 0; i + 1 < word->length; i++)
            found += strcmp(word->tokens[i], left) == 0 && strcmp(word->tokens[i + 1], right) == 0;
    }
    return found;
}

static void plain_merge(struct plain *plain, const char *left, const char *right) {
    for (int w = 0; w < plain->count; w++) {
        struct plain_word *word = &plain->words[w];
        int kept = 0;
        for (int i = 0; i < word->length; i++, kept++) {
            bool merges = i + 1 < word->length && strcmp(word->tokens[i], left) == 0 &&
                          strcmp(word->tokens[i + 1], right) == 0;
            if (kept != i) memcpy(word->tokens[kept], word->tokens[i], PLAIN_TOKEN);
            if (merges) {
                size_t length = strlen(word->tokens[kept]), more = strlen(word->tokens[++i]);
                assert_true(length + more < PLAIN_TOKEN);
                memmove(word->tokens[kept] + length, word->tokens[i], more + 1);
            }
        }
        word->length = kept;
    }
}

static bool plain_is_listed(json_t *merges, const char *spelt) {
    size_t i;
    json_t *merge;
    json_array_foreach(merges, i, merge) {
        const char *text = json_string_value(merge), *space = strchr(text, ' ');
        size_t left = (size_t)(space - text);
        if (strlen(spelt) == strlen(text) - 1 && strncmp(spelt, text, left) == 0 &&
            strcmp(spelt + left, space + 1) == 0)
            return true;
    }
    return false;
}

// The next merge as "left right"; false when no pair occurs twice.
static bool plain_best(const struct plain *plain, json_t *merges, char best[2][PLAIN_TOKEN]) {
    int most = 1;
    for (int w = 0; w < plain->count; w++) {
        const struct plain_word *word = &plain->words[w];
        for (int i = 0; i + 1 < word->length; i++) {
            const char *left = word->tokens[i], *right = word->tokens[i + 1];
            char spelt[2 * PLAIN_TOKEN];
            snprintf(spelt, sizeof spelt, "%s%s", left, right);
            if (plain_is_listed(merges, spelt)) continue;
            int found = plain_occurrences(plain, left, right);
            int order = strcmp(left, best[0]) ? strcmp(left, best[0]) : strcmp(right, best[1]);
            if (found < most || (found == most && (most == 1 || order >= 0))) continue;
            most = found;
            memcpy(best[0], left, PLAIN_TOKEN);
            memcpy(best[1], right, PLAIN_TOKEN);
        }
    }
    return most > 1;
}

static json_t *plain_learn(struct plain *plain, size_t count) {
    json_t *merges = json_array();
    char best[2][PLAIN_TOKEN] = {"", ""};
    while (json_array_size(merges) < count && plain_best(plain, merges, best)) {
        char merge[2 * PLAIN_TOKEN + 2];
        snprintf(merge, sizeof merge, "%s %s", best[0], best[1]);
        json_array_append_new(merges, json_string(merge));
        plain_merge(plain, best[0], best[1]);
    }
    return merges;
}

// Words over few letters, so that counts are often equal and pairs overlap ("aaaa"). Every text is one word.
static void make_words(struct plain *plain, uint64_t seed, int letters, char texts[][PLAIN_LETTERS + 1]) {
    struct random random;
    random_start(&random, seed, 0);
    plain->count = PLAIN_WORDS;
    for (int w = 0; w < PLAIN_WORDS; w++) {
        struct plain_word *word = &plain->words[w];
        word->length = 1 + (int)random_below(&random, PLAIN_LETTERS);
        for (int i = 0; i < word->length; i++) {
            texts[w][i] = (char)('a' + random_below(&random, (uint64_t)letters));
            word->tokens[i][0] = texts[w][i];
            word->tokens[i][1] = 0;
        }
        texts[w][word->length] = 0;
    }
}

static void learns_what_the_plain_way_learns(void **state) {
    (void)state;
    static struct plain plain;
    static char texts[PLAIN_WORDS][PLAIN_LETTERS + 1];
    const char *list[PLAIN_WORDS];
    for (int w = 0; w < PLAIN_WORDS; w++) list[w] = texts[w];
    for (uint64_t seed = 1; seed <= 9; seed++) {
        make_words(&plain, seed, seed % 3 == 0 ? 1 : (int)seed, texts);
        size_t most = seed == 9 ? 1000 : 60; // 1000: until nothing is left to merge
        struct bpe_trainer *trainer = learn(list, PLAIN_WORDS, BPE_TRAINER_LEAST_SIZE + most);
        tokenizer_free(save_and_open(trainer, test_temporary("plain%d", (int)seed)));
        json_t *root = read_json(test_temporary("plain%d/tokenizer.json", (int)seed));
        json_t *expected = plain_learn(&plain, most);
        assert_true(json_array_size(expected) > 2);
        assert_true(json_equal(json_object_get(json_object_get(root, "model"), "merges"), expected));
        int tokens = 0;
        for (int w = 0; w < plain.count; w++) tokens += plain.words[w].length;
        assert_int_equal(bpe_trainer_encoded(trainer), tokens);
        json_decref(expected);
        json_decref(root);
        bpe_trainer_free(trainer);
    }
}

// --- files -----------------------------------------------------------------------------------------------

static const char *const corpus[] = {
    "The sign says \"Pastelaria\"; the tram is yellow, as in Lisbon. The sign again, the tram again.\n",
    "Les rues de Qu\xC3\xA9"
    "bec, les rues de Montr\xC3\xA9"
    "al; rue de l'\xC3\x89glise, 1234 rue Saint-Jean.\n\n",
    "\xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD\xE3\x81\xAE\xE6\x9D\xB1\xE4\xBA\xAC\xE9\xA7\x85 don't I'll "
    "we've\t\ttabs   ",
    "\xD0\x9C\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0, \xD0\x9C\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0 "
    "\xF0\x9F\x9A\x8B\xF0\x9F\x9A\x8B",
};
enum { TEXTS = sizeof corpus / sizeof *corpus };

static void check_round_trip(const struct tokenizer *tokenizer, const char *text) {
    struct error error = {0};
    struct ids ids = {0};
    struct buffer back = {0};
    assert_ok(tokenizer_encode(tokenizer, text, strlen(text), true, &ids, &error), error);
    tokenizer_decode(tokenizer, ids.data, ids.count, false, &back);
    assert_string_equal(back.data, text);
    ids_free(&ids);
    buffer_free(&back);
}

static size_t count_tokens(const struct tokenizer *tokenizer, const char *text) {
    struct error error = {0};
    struct ids ids = {0};
    assert_ok(tokenizer_encode(tokenizer, text, strlen(text), false, &ids, &error), error);
    size_t count = ids.count;
    ids_free(&ids);
    return count;
}

static void the_tokenizer_opens_and_encodes_as_counted(void **state) {
    (void)state;
    struct bpe_trainer *trainer = learn(corpus, TEXTS, 320);
    struct tokenizer *tokenizer = save_and_open(trainer, test_temporary("files"));
    assert_int_equal(tokenizer_size(tokenizer), 320);
    size_t tokens = 0, bytes = 0;
    for (int i = 0; i < TEXTS; i++) {
        check_round_trip(tokenizer, corpus[i]);
        tokens += count_tokens(tokenizer, corpus[i]);
        bytes += strlen(corpus[i]);
    }
    check_round_trip(tokenizer, "<|im_start|>user\nnever seen: \xE2\x82\xAC\x01<|im_end|>\n");
    assert_int_equal(bpe_trainer_encoded(trainer), tokens);
    assert_int_equal(bpe_trainer_bytes(trainer), bytes);
    assert_true(tokens < bytes);
    assert_int_equal(tokenizer_find(tokenizer, "<|endoftext|>"), 298);
    assert_int_equal(tokenizer_find(tokenizer, "<|file_sep|>"), 319);
    assert_true(tokenizer_is_special(tokenizer, tokenizer_find(tokenizer, "<|image_pad|>")));
    assert_false(tokenizer_is_special(tokenizer, tokenizer_find(tokenizer, "<tool_call>")));
    tokenizer_free(tokenizer);
    bpe_trainer_free(trainer);
}

// All but the vocabulary and the merges is what the published file has.
static void the_files_are_laid_out_as_the_published_ones(void **state) {
    (void)state;
    struct bpe_trainer *trainer = learn(corpus, TEXTS, 300);
    tokenizer_free(save_and_open(trainer, test_temporary("layout")));
    bpe_trainer_free(trainer);
    json_t *ours = read_json(test_temporary("layout/tokenizer.json"));
    json_t *golden = read_json(test_data("qwen2_5_vl_tiny/tokenizer.json"));
    static const char *const same[] = {"version",       "truncation",     "padding", "normalizer",
                                       "pre_tokenizer", "post_processor", "decoder"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (!json_equal(json_object_get(ours, same[i]), json_object_get(golden, same[i])))
            fail_msg("tokenizer.json: \"%s\" differs", same[i]);
    assert_int_equal(json_object_size(ours), json_object_size(golden));
    json_t *model = json_object_get(ours, "model"), *golden_model = json_object_get(golden, "model");
    const char *key;
    json_t *value;
    json_object_foreach(golden_model, key, value) {
        if (strcmp(key, "vocab") && strcmp(key, "merges"))
            assert_true(json_equal(json_object_get(model, key), value));
    }
    // The first 256 ids are the same bytes; the added tokens differ in their ids only.
    json_object_foreach(json_object_get(golden_model, "vocab"), key, value) {
        if (json_integer_value(value) < 256)
            assert_true(json_equal(json_object_get(json_object_get(model, "vocab"), key), value));
    }
    json_t *added = json_object_get(ours, "added_tokens");
    size_t i;
    json_array_foreach(added, i, value) {
        json_t *expected = json_array_get(json_object_get(golden, "added_tokens"), i);
        json_object_set_new(expected, "id", json_integer(278 + (json_int_t)i));
        assert_true(json_equal(value, expected));
    }
    json_decref(ours);
    json_decref(golden);

    ours = read_json(test_temporary("layout/tokenizer_config.json"));
    golden = read_json(test_data("qwen2_5_vl_tiny/tokenizer_config.json"));
    json_object_foreach(golden, key, value) {
        if (strcmp(key, "added_tokens_decoder") && strcmp(key, "chat_template") &&
            !json_equal(json_object_get(ours, key), value))
            fail_msg("tokenizer_config.json: \"%s\" differs", key);
    }
    assert_int_equal(json_object_size(ours), json_object_size(golden));
    json_t *last = json_object_get(json_object_get(ours, "added_tokens_decoder"), "299");
    assert_string_equal(json_string_value(json_object_get(last, "content")), "<|file_sep|>");
    json_decref(ours);
    json_decref(golden);
}

static void the_order_of_texts_does_not_matter(void **state) {
    (void)state;
    const char *turned[TEXTS];
    for (int i = 0; i < TEXTS; i++) turned[i] = corpus[TEXTS - 1 - i];
    struct bpe_trainer *one = learn(corpus, TEXTS, 400), *other = learn(turned, TEXTS, 400);
    tokenizer_free(save_and_open(one, test_temporary("one")));
    tokenizer_free(save_and_open(other, test_temporary("other")));
    struct error error = {0};
    size_t lengths[2];
    char *a = file_read(test_temporary("one/tokenizer.json"), 1 << 24, &lengths[0], &error);
    char *b = file_read(test_temporary("other/tokenizer.json"), 1 << 24, &lengths[1], &error);
    assert_true(a && b);
    assert_string_equal(a, b);
    free(a);
    free(b);
    bpe_trainer_free(one);
    bpe_trainer_free(other);
}

static void added_tokens_are_not_learnt(void **state) {
    (void)state;
    const char *const text[] = {"<|im_end|><|im_end|>ab<|im_end|>ab<|im_end|><|im_start|><tool_call>"};
    struct bpe_trainer *trainer = learn(text, 1, 300);
    assert_int_equal(bpe_trainer_words(trainer), 1);
    assert_int_equal(bpe_trainer_bytes(trainer), 4);
    assert_int_equal(bpe_trainer_size(trainer), 279); // "ab" is all there is to learn
    assert_int_equal(bpe_trainer_encoded(trainer), 2);
    bpe_trainer_free(trainer);
}

// As when encoding: other forms of a letter are one, broken bytes are U+FFFD.
static void texts_are_normalized_and_made_valid(void **state) {
    (void)state;
    struct error error = {0};
    struct bpe_trainer *trainer = bpe_trainer_new(&error);
    assert_got(trainer, error);
    assert_ok(bpe_trainer_add(trainer, "e\xCC\x81", 3, &error), error);
    assert_ok(bpe_trainer_add(trainer, "\xC3\xA9", 2, &error), error);
    assert_ok(bpe_trainer_add(trainer, "\xFF", 1, &error), error);
    assert_ok(bpe_trainer_add(trainer, "\xEF\xBF\xBD", 3, &error), error);
    assert_ok(bpe_trainer_add(trainer, "a\0b", 3, &error), error);
    assert_ok(bpe_trainer_add(trainer, "", 0, &error), error);
    assert_int_equal(bpe_trainer_words(trainer), 4); // é, U+FFFD, a, and NUL with b: as the expression cuts
    assert_ok(bpe_trainer_learn(trainer, 281, &error), error);
    tokenizer_free(save_and_open(trainer, test_temporary("broken")));
    bpe_trainer_free(trainer);
}

// A single word as long as a text: every merge must touch its own places only.
static void long_words_take_no_longer(void **state) {
    (void)state;
    struct error error = {0};
    size_t length = 1 << 19;
    char *text = malloc(length);
    struct random random;
    random_start(&random, 1, 0);
    for (size_t i = 0; i < length; i++) text[i] = (char)('a' + random_below(&random, 4));
    struct bpe_trainer *trainer = bpe_trainer_new(&error);
    assert_got(trainer, error);
    assert_ok(bpe_trainer_add(trainer, text, length, &error), error);
    assert_ok(bpe_trainer_learn(trainer, 5000, &error), error);
    assert_int_equal(bpe_trainer_words(trainer), 1);
    assert_int_equal(bpe_trainer_size(trainer), 5000);
    bpe_trainer_free(trainer);
    free(text);
}

static void refuses_what_will_not_do(void **state) {
    (void)state;
    struct error error = {0};
    struct bpe_trainer *trainer = bpe_trainer_new(&error);
    assert_got(trainer, error);
    assert_error(bpe_trainer_learn(trainer, 1000, &error), error, ERROR_INPUT, "no text to learn");
    assert_ok(bpe_trainer_add(trainer, "<|im_end|>", 10, &error), error);
    assert_error(bpe_trainer_learn(trainer, 1000, &error), error, ERROR_INPUT, "no text to learn");
    assert_ok(bpe_trainer_add(trainer, "word", 4, &error), error);
    assert_error(bpe_trainer_learn(trainer, 277, &error), error, ERROR_USAGE, "277 tokens, expected 278");
    assert_error(bpe_trainer_learn(trainer, 1000001, &error), error, ERROR_USAGE, "to 1000000");
    assert_ok(bpe_trainer_learn(trainer, 278, &error), error);
    assert_int_equal(bpe_trainer_size(trainer), 278);
    assert_error(bpe_trainer_save(trainer, test_temporary("no/such/folder"), &error), error, ERROR_INPUT,
                 "no/such/folder");
    test_write(test_temporary("file"), "", 0);
    assert_error(bpe_trainer_save(trainer, test_temporary("file"), &error), error, ERROR_INPUT, "file");
    bpe_trainer_free(trainer);
    bpe_trainer_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns_what_the_plain_way_learns),
        cmocka_unit_test(the_tokenizer_opens_and_encodes_as_counted),
        cmocka_unit_test(the_files_are_laid_out_as_the_published_ones),
        cmocka_unit_test(the_order_of_texts_does_not_matter),
        cmocka_unit_test(added_tokens_are_not_learnt),
        cmocka_unit_test(texts_are_normalized_and_made_valid),
        cmocka_unit_test(long_words_take_no_longer),
        cmocka_unit_test(refuses_what_will_not_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
