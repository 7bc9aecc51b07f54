// Chat templates: which ones mean the built-in one, and that others never pass in silence.
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "text/chat_template.h"
#include "text/qwen2_rules.h"

// As published: the golden checkpoints have it.
static char *published(void) {
    struct error error;
    json_t *root = json_read_file(test_data("qwen2_5_vl_tiny/chat_template.json"), 1 << 20, &error);
    assert_got(root, error);
    char *text = strdup(json_string_value(json_object_get(root, "chat_template")));
    json_decref(root);
    return text;
}

static bool is_builtin(const char *text) {
    return chat_template_is_builtin(text, strlen(text));
}

static char *replaced(const char *text, const char *from, const char *to) {
    struct buffer out = {0};
    for (const char *next; (next = strstr(text, from)); text = next + strlen(from)) {
        buffer_add(&out, text, (size_t)(next - text));
        buffer_add_text(&out, to);
    }
    buffer_add_text(&out, text);
    return buffer_take(&out);
}

static void check_variant(const char *from, const char *to, bool same) {
    char *text = published(), *variant = replaced(text, from, to);
    if (!strcmp(text, variant)) fail_msg("no %s in the template", from);
    if (is_builtin(variant) != same) fail_msg("%s for %s", to, from);
    free(variant);
    free(text);
}

static void the_known_ones_are_known(void **state) {
    (void)state;
    char *text = published();
    if (!is_builtin(text)) {
        struct buffer canonical = {0};
        chat_template_canonical(text, strlen(text), &canonical);
        uint64_t hash = UINT64_C(0xCBF29CE484222325);
        for (size_t i = 0; i < canonical.length; i++)
            hash = (hash ^ (unsigned char)canonical.data[i]) * UINT64_C(0x100000001B3);
        fail_msg("the published template has the fingerprint 0x%llX", (unsigned long long)hash);
    }
    free(text);
    assert_true(is_builtin(qwen2_chat_template));
}

static void what_makes_no_difference(void **state) {
    (void)state;
    check_variant("message['role']", "message.role", true);
    check_variant("message['content'] is", "message[\"content\"]   is", true);
    check_variant("{% for message in", "{%for message in", true);
    check_variant("{% for message in", "{# turns #}{%- for message in", true);
    check_variant("{% endfor %}", "\n    {% endfor %}\n", true);
    check_variant("{% set video_count", "\n{%- set video_count", true);
    check_variant("{% set video_count", "{# a note #}\n{% set video_count", true);
    check_variant("{% set image_count = ", "   {% set image_count = ", true);
}

static void what_makes_one(void **state) {
    (void)state;
    check_variant("You are a helpful assistant.", "You are Qwen.", false);
    check_variant("You are a helpful assistant.", "You are a  helpful assistant.", false);
    check_variant("<|im_start|>assistant\n", "<|im_start|>assistant\n<think>\n", false);
    check_variant("!= 'system'", "== 'system'", false);
    check_variant("<|vision_end|>", "<|vision_end|>\n", false);
    check_variant("{% if add_vision_id %}", "{% if true %}", false);
    assert_false(is_builtin(""));
    assert_false(is_builtin("{% for"));
    assert_false(is_builtin("{{ messages }}"));
}

static const char *folder_with(const char *file, const char *content, const char *other, const char *more) {
    struct error error;
    static int count;
    const char *folder = test_temporary("template%d", count++);
    assert_int_equal(mkdir(folder, 0777), 0);
    char *path = file_join(folder, file, &error);
    test_write(path, content, strlen(content));
    free(path);
    if (!other) return folder;
    path = file_join(folder, other, &error);
    test_write(path, more, strlen(more));
    free(path);
    return folder;
}

static void files_are_judged(void **state) {
    (void)state;
    struct error error = {0};
    struct warnings warnings = {0};
    static const char odd[] = "{% for m in messages %}{{ m.content }}{% endfor %}",
                      odd_json[] = "{\"chat_template\": \"{{ messages }}\"}",
                      odd_list[] =
                          "{\"chat_template\": [{\"name\": \"tools\", \"template\": \"x\"}, {\"name\": "
                          "\"default\", \"template\": \"y\"}]}";
    const struct {
        const char *folder, *file;
    } refused[] = {
        {folder_with("chat_template.jinja", odd, NULL, NULL),
         "chat_template.jinja: this chat template is not"},
        {folder_with("chat_template.json", odd_json, NULL, NULL), "chat_template.json"},
        {folder_with("processor_config.json", odd_json, NULL, NULL), "processor_config.json"},
        {folder_with("tokenizer_config.json", odd_list, NULL, NULL), "tokenizer_config.json"},
        {folder_with("chat_template.jinja", qwen2_chat_template, "chat_template.json", odd_json),
         "chat_template.json"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_error(chat_template_check(refused[i].folder, false, &warnings, &error), error, ERROR_MODEL,
                     refused[i].file);
        assert_string_equal(warnings.lines, "");
        assert_ok(chat_template_check(refused[i].folder, true, &warnings, &error), error);
        assert_non_null(strstr(warnings.lines, "the built-in one is used"));
        warnings = (struct warnings){0};
    }
    // The tokenizer's own counts only when the processor has none.
    assert_ok(chat_template_check(
                  folder_with("chat_template.jinja", qwen2_chat_template, "tokenizer_config.json", odd_json),
                  false, &warnings, &error),
              error);
    assert_ok(chat_template_check(test_data("qwen2_5_vl_tiny"), false, &warnings, &error), error);
    assert_ok(chat_template_check(test_temporary("nothing here"), false, &warnings, &error), error);
    assert_string_equal(warnings.lines, "");
    assert_error(chat_template_check(folder_with("chat_template.json", "{", NULL, NULL), false, NULL, &error),
                 error, ERROR_MODEL, "chat_template.json: not valid JSON");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_known_ones_are_known),
        cmocka_unit_test(what_makes_no_difference),
        cmocka_unit_test(what_makes_one),
        cmocka_unit_test(files_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
