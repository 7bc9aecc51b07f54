// Reading tokenizer files: small ones made here, whole and broken in every way we could think of.
#include "support.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

static struct error error;

// ---- a small tokenizer ----------------------------------------------------------------------------------

// GPT-2's byte-to-unicode table, spelt out as its definition says.
static void spell(int byte, char out[5]) {
    int32_t code = byte, other = 0;
    for (int i = 0; i <= byte; i++) {
        bool itself = (i >= '!' && i <= '~') || (i >= 0xA1 && i <= 0xAC) || i >= 0xAE;
        if (i == byte && !itself) code = 256 + other;
        if (!itself) other++;
    }
    out[utf8_encode(code, out)] = 0;
}

// Bytes are ids 0 to 255, then "he" 256, "hel" 257, "lo" 258, " w" 259; "<s>" 300 special, "<s>>" 301 plain.
static const char rest_of_small[] =
    "{\"added_tokens\":[{\"id\":300,\"content\":\"<s>\",\"special\":true,\"lstrip\":false,\"normalized\":"
    "false},"
    "{\"id\":301,\"content\":\"<s>>\",\"special\":false,\"normalized\":false}],"
    "\"normalizer\":{\"type\":\"NFC\"},\"decoder\":{\"type\":\"ByteLevel\"},"
    "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"
    "\"\\\\p{L}+| ?[^\\\\s\\\\p{L}]+|\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":\"Isolated\",\"invert\":false},"
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}]},"
    "\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,\"byte_fallback\":false,"
    "\"continuing_subword_prefix\":\"\",\"merges\":[\"h e\",[\"he\",\"l\"],\"l o\",\"\\u0120 w\"]}}";

static json_t *small_vocabulary(void) {
    json_t *vocab = json_object();
    for (int byte = 0; byte < 256; byte++) {
        char key[5];
        spell(byte, key);
        json_object_set_new(vocab, key, json_integer(byte));
    }
    const char *const more[] = {"he", "hel", "lo", "\xC4\xA0w"};
    for (int i = 0; i < 4; i++) json_object_set_new(vocab, more[i], json_integer(256 + i));
    assert_int_equal(json_object_size(vocab), 260);
    return vocab;
}

static json_t *small(void) {
    json_t *root = json_loads(rest_of_small, 0, NULL);
    assert_non_null(root);
    json_object_set_new(json_object_get(root, "model"), "vocab", small_vocabulary());
    return root;
}

static struct tokenizer *parse(json_t *root) {
    char *text = json_dumps(root, JSON_ENCODE_ANY);
    struct tokenizer *tokenizer = tokenizer_parse(text, strlen(text), "small.json", &error);
    free(text);
    return tokenizer;
}

// Replaces what a path like "model.vocab" or "pre_tokenizer.pretokenizers.0.behavior" names; "" removes it.
static void change(json_t *root, const char *path, const char *value) {
    char key[64];
    json_t *here = root;
    for (;;) {
        size_t length = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)length, path);
        if (!path[length]) break;
        here = json_is_array(here) ? json_array_get(here, (size_t)atoi(key)) : json_object_get(here, key);
        assert_non_null(here);
        path += length + 1;
    }
    json_t *new = *value ? json_loads(value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    if (*value) assert_non_null(new);
    if (json_is_array(here))
        assert_int_equal(json_array_set_new(here, (size_t)atoi(key), new), 0);
    else if (new)
        assert_int_equal(json_object_set_new(here, key, new), 0);
    else
        assert_int_equal(json_object_del(here, key), 0);
}

static void expect(const struct tokenizer *tokenizer, const char *text, size_t length, size_t count,
                   const int32_t *expected) {
    struct ids ids = {0};
    assert_ok(tokenizer_encode(tokenizer, text, length, true, &ids, &error), error);
    for (size_t i = 0; i < ids.count && (ids.count != count || ids.data[i] != expected[i]); i++)
        print_message("id %zu: %d\n", i, (int)ids.data[i]);
    assert_int_equal(ids.count, count);
    if (count) assert_memory_equal(ids.data, expected, count * sizeof *expected);
    ids_free(&ids);
}
#define EXPECT(tokenizer, text, ...)                                                              \
    expect(tokenizer, text, sizeof(text) - 1, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t), \
           (const int32_t[]){__VA_ARGS__})

static void a_small_tokenizer_works(void **state) {
    (void)state;
    json_t *root = small();
    struct tokenizer *tokenizer = parse(root);
    assert_got(tokenizer, error);
    EXPECT(tokenizer, "hello", 257, 258); // hel + lo
    EXPECT(tokenizer, "he", 256);
    EXPECT(tokenizer, "hlo he", 'h', 258, ' ', 256); // \p{L}+ takes no space
    EXPECT(tokenizer, "<s>", 300);
    EXPECT(tokenizer, "<s>>", 301); // the longest
    EXPECT(tokenizer, "<<s>he<s", '<', 300, 256, '<', 's');
    EXPECT(tokenizer, "e\xCC\x81", 0xC3, 0xA9); // NFC
    EXPECT(tokenizer, "\0", 0);
    assert_int_equal(tokenizer_size(tokenizer), 302);
    tokenizer_free(tokenizer);
    json_decref(root);
}

static void spaces_are_unicode_white_space(void **state) {
    (void)state;
    json_t *root = small();
    change(root, "pre_tokenizer.pretokenizers.0.pattern.Regex",
           "\"(?:\\\\s|h)(?:\\\\S|e)|[\\\\s]h|[^\\\\S]l|[\\\\S]o\"");
    struct tokenizer *tokenizer = parse(root);
    assert_got(tokenizer, error);
    // U+3000 and U+0085 are spaces and keep "h" from "e"; U+180E and U+200B are not.
    EXPECT(tokenizer, "\xE3\x80\x80he", 0xE3, 0x80, 0x80, 'h', 'e');
    EXPECT(tokenizer, "\xC2\x85he", 0xC2, 0x85, 'h', 'e');
    EXPECT(tokenizer, "\xE1\xA0\x8Ehe", 0xE1, 0xA0, 0x8E, 256);
    EXPECT(tokenizer, "\xE2\x80\x8Bhe", 0xE2, 0x80, 0x8B, 256);
    EXPECT(tokenizer, "lo", 258); // [\S]o
    tokenizer_free(tokenizer);
    json_decref(root);
}

static void variants_that_mean_the_same(void **state) {
    (void)state;
    static const struct {
        const char *path, *value;
    } variants[] = {
        {"normalizer", "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"}]}"},
        {"model.type", ""},
        {"model.dropout", "0.0"},
        {"model.continuing_subword_prefix", "null"},
        {"decoder", "null"},
        {"post_processor", "{\"type\":\"ByteLevel\"}"},
        {"model.merges", "[[\"h\",\"e\"],[\"he\",\"l\"],[\"l\",\"o\"],[\"\\u0120\",\"w\"]]"},
        {"added_tokens.0.normalized", "true"},
        {"pre_tokenizer", "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true}"},
    };
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        json_t *root = small();
        change(root, variants[i].path, variants[i].value);
        struct tokenizer *tokenizer = parse(root);
        if (!tokenizer) fail_msg("%s = %s: %s", variants[i].path, variants[i].value, error.message);
        EXPECT(tokenizer, "hello<s>e\xCC\x81", 257, 258, 300, 0xC3, 0xA9);
        tokenizer_free(tokenizer);
        json_decref(root);
    }
}

static void without_a_normalizer_text_stays_as_it_is(void **state) {
    (void)state;
    json_t *root = small();
    change(root, "normalizer", "null");
    change(root, "added_tokens", "null");
    struct tokenizer *tokenizer = parse(root);
    assert_got(tokenizer, error);
    EXPECT(tokenizer, "e\xCC\x81", 'e', 0xCC, 0x81);
    EXPECT(tokenizer, "<s>", '<', 's', '>');
    tokenizer_free(tokenizer);
    json_decref(root);
}

static void normalized_added_tokens_match_normalised_text(void **state) {
    (void)state;
    json_t *root = small();
    change(root, "added_tokens.0", "{\"id\":300,\"content\":\"<e\\u0301>\",\"normalized\":true}");
    struct tokenizer *tokenizer = parse(root);
    assert_got(tokenizer, error);
    EXPECT(tokenizer, "<e\xCC\x81>", 300);
    EXPECT(tokenizer, "<\xC3\xA9>", 300);
    EXPECT(tokenizer, "<s>><e>", 301, '<', 'e', '>');
    tokenizer_free(tokenizer);
    json_decref(root);
}

static void an_added_token_may_also_be_in_the_vocabulary(void **state) {
    (void)state;
    json_t *root = small();
    change(root, "model.vocab.<s>", "300");
    change(root, "model.vocab.\xE2\x96\x81", "302"); // not byte-level, but an added token of the same id
    json_array_append_new(json_object_get(root, "added_tokens"),
                          json_pack("{s:i,s:s}", "id", 302, "content", "\xE2\x96\x81"));
    struct tokenizer *tokenizer = parse(root);
    assert_got(tokenizer, error);
    EXPECT(tokenizer, "<s>\xE2\x96\x81", 300, 302);
    struct buffer text = {0};
    tokenizer_decode(tokenizer, (const int32_t[]){300, 302, 'x'}, 3, true, &text);
    assert_string_equal(text.data, "\xE2\x96\x81x"); // 300 is special
    buffer_free(&text);
    tokenizer_free(tokenizer);
    json_decref(root);
}

// ---- broken ones ----------------------------------------------------------------------------------------

static void broken_files_are_named_errors(void **state) {
    (void)state;
    static const struct {
        const char *path, *value, *message;
    } cases[] = {
        {"model", "[]", "\"model\" is not an object"},
        {"model", "", "\"model\" is not an object"},
        {"model.type", "\"WordPiece\"", "WordPiece"},
        {"model.type", "\"Unigram\"", "Unigram"},
        {"model.type", "3", "(none)"},
        {"model.byte_fallback", "true", "byte_fallback"},
        {"model.ignore_merges", "true", "ignore_merges"},
        {"model.dropout", "0.1", "dropout"},
        {"model.continuing_subword_prefix", "\"##\"", "continuing_subword_prefix"},
        {"model.end_of_word_suffix", "\"</w>\"", "end_of_word_suffix"},
        {"model.vocab", "", "\"model.vocab\" is not an object"},
        {"model.vocab", "[\"a\"]", "\"model.vocab\" is not an object"},
        {"model.vocab", "{}", "no token for the byte 0x00"},
        {"model.vocab", "{\"a\":0}", "no token for the byte 0x00"},
        {"model.vocab.he", "-1", "\"he\" has the id -1"},
        {"model.vocab.he", "16000001", "\"he\" has the id 16000001"},
        {"model.vocab.he", "9223372036854775807", "\"he\" has the id 9223372036854775807"},
        {"model.vocab.he", "2.5", "\"he\" is not an integer"},
        {"model.vocab.he", "null", "\"he\" is not an integer"},
        {"model.vocab.he", "\"7\"", "\"he\" is not an integer"},
        {"model.vocab.he", "257", "two tokens have the id 257"},
        {"model.vocab.he", "300", "two tokens have the id 300"},
        {"model.vocab.a b", "400", "\"a b\" is not in the byte-level alphabet"},
        {"model.vocab.\xE2\x96\x81the", "400", "not in the byte-level alphabet"},
        {"model.vocab.", "400", "empty token"},
        {"model.merges", "", "\"model.merges\" is not a list"},
        {"model.merges", "{\"h e\":1}", "\"model.merges\" is not a list"},
        {"model.merges.0", "\"he\"", "merge 0 is not"},
        {"model.merges.0", "7", "merge 0 is not"},
        {"model.merges.0", "null", "merge 0 is not"},
        {"model.merges.0", "[\"h\"]", "merge 0 is not"},
        {"model.merges.0", "[\"h\",7]", "merge 0 is not"},
        {"model.merges.0", "[\"h\",\"e\",\"l\"]", "merge 0 is not"},
        {"model.merges.0", "\"h \"", "merge 0 uses \"\""},
        {"model.merges.0", "\" e\"", "merge 0 uses \"\""},
        {"model.merges.0", "\"h e l\"", "merge 0 uses \"e l\""},
        {"model.merges.0", "\"ho e\"", "merge 0 uses \"ho\""},
        {"model.merges.0", "\"h\\u0000 e\"", "merge 0 "},
        {"model.merges.3", "\"e h\"", "the result of merge 3"},
        {"normalizer", "{\"type\":\"Lowercase\"}", "Lowercase"},
        {"normalizer", "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFKC\"}]}", "NFKC"},
        {"normalizer", "{\"type\":\"Sequence\"}", "\"normalizers\" is not a list"},
        {"normalizer", "\"NFC\"", "(none)"},
        {"pre_tokenizer", "", "(none)"},
        {"pre_tokenizer", "{\"type\":\"Metaspace\"}", "Metaspace"},
        {"pre_tokenizer", "{\"type\":\"Sequence\",\"pretokenizers\":[]}", "no ByteLevel"},
        {"pre_tokenizer", "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\"}]}", "Digits"},
        {"pre_tokenizer.pretokenizers.0.behavior", "\"Removed\"", "Removed"},
        {"pre_tokenizer.pretokenizers.0.behavior", "5", "(none)"},
        {"pre_tokenizer.pretokenizers.0.pattern", "{\"String\":\" \"}", "no pattern"},
        {"pre_tokenizer.pretokenizers.0.pattern", "\"x\"", "no pattern"},
        {"pre_tokenizer.pretokenizers.0.pattern.Regex", "\"\"", "0 bytes"},
        {"pre_tokenizer.pretokenizers.0.pattern.Regex", "\"(a\"", "does not compile"},
        {"pre_tokenizer.pretokenizers.0.pattern.Regex", "\"[z-a]\"", "does not compile"},
        {"pre_tokenizer.pretokenizers.0.pattern.Regex", "\"\\\\p{Nonsense}\"", "does not compile"},
        {"pre_tokenizer.pretokenizers.0.pattern.Regex", "\"a\\\\\"", "does not compile"},
        {"pre_tokenizer.pretokenizers.0.pattern.Regex", "\"\\\\C\"", "does not compile"},
        {"pre_tokenizer.pretokenizers.0.pattern.Regex", "\"[\\\\p{L}&&[^a]]\"", "set operations"},
        {"pre_tokenizer.pretokenizers.0.pattern.Regex", "\"[a[b]]\"", "set operations"},
        {"pre_tokenizer.pretokenizers.1.add_prefix_space", "true", "add_prefix_space"},
        {"pre_tokenizer.pretokenizers.1.use_regex", "true", "more than one Split"},
        {"pre_tokenizer.pretokenizers.0", "{\"type\":\"ByteLevel\",\"use_regex\":false}",
         "\"ByteLevel\" is not supported here"},
        {"decoder", "{\"type\":\"WordPiece\"}", "WordPiece"},
        {"added_tokens", "{}", "\"added_tokens\" is not a list"},
        {"added_tokens.0", "7", "added token 0 has no \"content\""},
        {"added_tokens.0.content", "7", "added token 0 has no \"content\""},
        {"added_tokens.0.content", "\"\"", "empty"},
        {"added_tokens.0.content", "\"a\\u0000b\"", "NUL"},
        {"added_tokens.0.content", "\"<s>>\"", "\"<s>>\" is there twice"},
        {"added_tokens.0.id", "\"300\"", "\"<s>\" is not an integer"},
        {"added_tokens.0.id", "-300", "has the id -300"},
        {"added_tokens.0.id", "301", "two tokens have the id 301"},
        {"added_tokens.0.id", "65", "two tokens have the id 65"},
        {"added_tokens.0.lstrip", "true", "lstrip"},
        {"added_tokens.0.rstrip", "true", "rstrip"},
        {"added_tokens.0.single_word", "true", "single_word"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *root = small();
        change(root, cases[i].path, cases[i].value);
        error = (struct error){0};
        struct tokenizer *tokenizer = parse(root);
        if (tokenizer) fail_msg("%s = %s was accepted", cases[i].path, cases[i].value);
        if (error.code != ERROR_MODEL || !strstr(error.message, cases[i].message) ||
            !strstr(error.message, "small.json"))
            fail_msg("%s = %s: code %d, %s", cases[i].path, cases[i].value, (int)error.code, error.message);
        json_decref(root);
    }
}

static void text_that_is_no_tokenizer(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"", 0},     {"{", 1},  {"[]", 2},   {"null", 4},
        {"7", 1},    {"{}", 2}, {"\0\0", 2}, {"{\"model\":{}}", 12},
        {"\xFF", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        error = (struct error){0};
        assert_null(tokenizer_parse(cases[i].text, cases[i].length, "small.json", &error));
        assert_int_equal(error.code, ERROR_MODEL);
        assert_non_null(strstr(error.message, "small.json"));
        assert_null(tokenizer_parse(cases[i].text, cases[i].length, "small.json", NULL)); // error may be NULL
    }
}

static void every_truncation_is_an_error(void **state) {
    (void)state;
    json_t *root = small();
    char *text = json_dumps(root, 0);
    size_t length = strlen(text);
    for (size_t cut = 0; cut < length; cut += 1 + cut % 7) {
        char *part = malloc(cut + 1); // exactly as long, so that reading on is seen
        assert_non_null(part);
        memcpy(part, text, cut);
        assert_null(tokenizer_parse(part, cut, "cut.json", &error));
        free(part);
    }
    free(text);
    json_decref(root);
}

static void an_endless_expression_is_stopped(void **state) {
    (void)state;
    json_t *root = small();
    change(root, "pre_tokenizer.pretokenizers.0.pattern.Regex", "\"(?:a+)+$|(a|aa)+c\"");
    struct tokenizer *tokenizer = parse(root);
    assert_got(tokenizer, error);
    char text[202];
    memset(text, 'a', sizeof text);
    text[200] = 'b';
    text[201] = 'b';
    struct ids ids = {0};
    assert_ok(ids_add(&ids, 5, &error), error);
    assert_error(tokenizer_encode(tokenizer, text, sizeof text, true, &ids, &error), error, ERROR_LIMIT,
                 "regular expression");
    assert_int_equal(ids.count, 1); // nothing half-encoded
    ids_free(&ids);
    tokenizer_free(tokenizer);
    json_decref(root);
}

static void expressions_that_match_nothing_or_everything(void **state) {
    (void)state;
    static const char *const patterns[] = {"\"x*\"",     "\"(?=h)\"", "\"\\\\b\"", "\"zzz\"",
                                           "\"(?s).*\"", "\"$\"",     "\"(?!)\""};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        json_t *root = small();
        change(root, "pre_tokenizer.pretokenizers.0.pattern.Regex", patterns[i]);
        struct tokenizer *tokenizer = parse(root);
        assert_got(tokenizer, error);
        EXPECT(tokenizer, "hello", 257, 258); // empty matches separate nothing
        tokenizer_free(tokenizer);
        json_decref(root);
    }
}

// ---- folders --------------------------------------------------------------------------------------------

static const char merges_txt[] = "#version: 0.2\nh e\r\nhe l\n\nl o\n\xC4\xA0 w";
static const char config_json[] =
    "{\"tokenizer_class\":\"Qwen2Tokenizer\",\"added_tokens_decoder\":{"
    "\"300\":{\"content\":\"<s>\",\"special\":true},\"301\":{\"content\":\"<s>>\"}}}";

static const char *old_layout(const char *name, const char *merges, const char *config) {
    const char *folder = test_temporary("%s", name);
    assert_int_equal(mkdir(folder, 0700), 0);
    json_t *vocab = small_vocabulary();
    char *text = json_dumps(vocab, 0);
    test_write(test_temporary("%s/vocab.json", name), text, strlen(text));
    if (merges) test_write(test_temporary("%s/merges.txt", name), merges, strlen(merges));
    if (config) test_write(test_temporary("%s/tokenizer_config.json", name), config, strlen(config));
    free(text);
    json_decref(vocab);
    return test_temporary("%s", name);
}

static void vocab_and_merges_will_do(void **state) {
    (void)state;
    struct tokenizer *tokenizer = tokenizer_open(old_layout("old", merges_txt, config_json), &error);
    assert_got(tokenizer, error);
    EXPECT(tokenizer, "hello w<s>", 257, 258, 259, 300);
    EXPECT(tokenizer, "<s>>e\xCC\x81", 301, 0xC3, 0xA9);
    assert_true(tokenizer_is_special(tokenizer, 300));
    tokenizer_free(tokenizer);

    tokenizer = tokenizer_open(old_layout("bare", merges_txt, NULL), &error);
    assert_got(tokenizer, error);
    EXPECT(tokenizer, "hello", 257, 258);
    EXPECT(tokenizer, "<s>", '<', 's', '>');
    tokenizer_free(tokenizer);
}

static void broken_folders(void **state) {
    (void)state;
    const struct {
        const char *name, *merges, *config, *message;
    } cases[] = {
        {"no-merges", NULL, config_json, "no tokenizer.json"},
        {"bad-merges", "h e x\n", NULL, "merge 0"},
        {"one-sided", "h\n", NULL, "merge 0"},
        {"latin1", "h\xE9 e\n", NULL, "UTF-8"},
        {"bert", merges_txt, "{\"tokenizer_class\":\"BertTokenizer\"}", "BertTokenizer"},
        {"bad-id", merges_txt, "{\"added_tokens_decoder\":{\"x\":{\"content\":\"a\"}}}",
         "\"x\" is not an id"},
        {"bad-added", merges_txt, "{\"added_tokens_decoder\":{\"300\":7}}", "\"300\" is not an id"},
        {"huge-id", merges_txt, "{\"added_tokens_decoder\":{\"99999999999999999999\":{\"content\":\"a\"}}}",
         "expected 0"},
        {"bad-json", merges_txt, "{", "not valid JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        error = (struct error){0};
        struct tokenizer *tokenizer =
            tokenizer_open(old_layout(cases[i].name, cases[i].merges, cases[i].config), &error);
        if (tokenizer) fail_msg("%s was accepted", cases[i].name);
        if (error.code != ERROR_MODEL || !strstr(error.message, cases[i].message))
            fail_msg("%s: code %d, %s", cases[i].name, (int)error.code, error.message);
    }
    assert_null(tokenizer_open(test_temporary("nowhere"), &error));
    assert_int_equal(error.code, ERROR_MODEL);
    assert_non_null(strstr(error.message, "nowhere"));
    test_write(test_temporary("tokenizer.json"), "", 0);
    char *folder = file_folder(test_temporary("tokenizer.json"), &error);
    assert_null(tokenizer_open(folder, &error));
    assert_int_equal(error.code, ERROR_MODEL);
    assert_non_null(strstr(error.message, "empty"));
    free(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_tokenizer_works),
        cmocka_unit_test(spaces_are_unicode_white_space),
        cmocka_unit_test(variants_that_mean_the_same),
        cmocka_unit_test(without_a_normalizer_text_stays_as_it_is),
        cmocka_unit_test(normalized_added_tokens_match_normalised_text),
        cmocka_unit_test(an_added_token_may_also_be_in_the_vocabulary),
        cmocka_unit_test(broken_files_are_named_errors),
        cmocka_unit_test(text_that_is_no_tokenizer),
        cmocka_unit_test(every_truncation_is_an_error),
        cmocka_unit_test(an_endless_expression_is_stopped),
        cmocka_unit_test(expressions_that_match_nothing_or_everything),
        cmocka_unit_test(vocab_and_merges_will_do),
        cmocka_unit_test(broken_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
