// Keys of a checkpoint's small files that nobody here honours are told by name, and only those.
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "model/checkpoint.h"
#include "model/config_keys.h"
#include "model/family.h"

static const char *folder_with(const char *file, const char *json) {
    struct error error = {0};
    static int count;
    const char *folder = test_temporary("keys%d", count++);
    assert_int_equal(mkdir(folder, 0777), 0);
    char *path = file_join(folder, file, &error);
    assert_got(path, error);
    test_write(path, json, strlen(json));
    free(path);
    return folder;
}

static void check(const char *file, const char *json, const char *expected) {
    struct warnings warnings = {0};
    config_keys_check(folder_with(file, json), &model_qwen2_5_vl, &warnings);
    if (!*expected) assert_string_equal(warnings.lines, "");
    if (!strstr(warnings.lines, expected)) fail_msg("\"%s\" is not in \"%s\"", expected, warnings.lines);
}

static void unknown_keys_are_told(void **state) {
    (void)state;
    check("config.json", "{\"hidden_size\": 8, \"new_rope\": {\"a\": 1}, \"auto_map\": {\"A\": \"b.C\"}}",
          "config.json: not known here, and not honoured: \"new_rope\", \"auto_map\"");
    check("config.json", "{\"text_config\": {\"logit_scale\": 2}}",
          "config.json: text_config: not known here");
    check("config.json", "{\"vision_config\": {\"deepstack_visual_indexes\": [5]}}",
          "deepstack_visual_indexes");
    check("config.json", "{\"vision_config\": {\"new_thing\": null, \"other\": false, \"more\": []}}", "");
    check("generation_config.json", "{\"num_beams\": 4, \"top_k\": 3}", "\"num_beams\"");
    check("generation_config.json", "{\"suppress_tokens\": [1]}", "\"suppress_tokens\"");
    check("generation_config.json", "{\"num_beams\": 1, \"length_penalty\": 1.0, \"min_length\": 0}", "");
    check("tokenizer_config.json", "{\"add_bos_token\": true}", "\"add_bos_token\"");
    check("tokenizer_config.json", "{\"add_bos_token\": false, \"errors\": \"replace\"}", "");
    check("tokenizer_config.json", "{\"tokenizer_class\": \"LlamaTokenizer\"}",
          "\"tokenizer_class\" is \"LlamaTokenizer\"");
}

static void known_checkpoints_are_quiet(void **state) {
    (void)state;
    static const char *const names[] = {"qwen2_5_vl_tiny", "qwen2_5_vl_tiny_tied"};
    for (size_t i = 0; i < 2; i++) {
        struct warnings warnings = {0};
        config_keys_check(test_data("%s", names[i]), &model_qwen2_5_vl, &warnings);
        assert_string_equal(warnings.lines, "");
    }
}

static void other_weights_are_named(void **state) {
    (void)state;
    static const char *const files[][2] = {
        {"pytorch_model.bin", "PyTorch's pickled weights are not read"},
        {"model-Q4_K_M.gguf", "GGUF is not supported"},
        {"adapter_model.safetensors", "it is an adapter: give it by --adapter"},
        {"weights.safetensors", "another name than model.safetensors"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct error error = {0};
        assert_error(!safetensors_open(folder_with(files[i][0], "x"), &error), error, ERROR_MODEL,
                     files[i][1]);
        assert_non_null(strstr(error.message, files[i][0]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_keys_are_told),
        cmocka_unit_test(known_checkpoints_are_quiet),
        cmocka_unit_test(other_weights_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
