#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "model/config.h"

static json_t *load(const char *name) {
    struct error error = {0};
    json_t *top = json_read_file(test_data("qwen2_5_vl_tiny/%s", name), 1 << 20, &error);
    assert_got(top, error);
    return top;
}

// Sets top[key] or top[part][key] to a JSON text; "" deletes the key.
static void set(json_t *top, const char *part, const char *key, const char *value) {
    json_t *object = part ? json_object_get(top, part) : top;
    assert_non_null(object);
    if (!*value) {
        assert_int_equal(json_object_del(object, key), 0);
        return;
    }
    json_t *parsed = json_loads(value, JSON_DECODE_ANY, NULL);
    assert_non_null(parsed);
    assert_int_equal(json_object_set_new(object, key, parsed), 0);
}

static int parse(const json_t *top, struct model_config *config, struct error *error) {
    char *text = json_dumps(top, JSON_ENCODE_ANY);
    int result = model_config_parse(config, text, strlen(text), "config.json", error);
    free(text);
    return result;
}

static void expect_tiny(const struct model_config *c) {
    assert_int_equal(c->text.hidden, 64);
    assert_int_equal(c->text.intermediate, 112);
    assert_int_equal(c->text.layers, 3);
    assert_int_equal(c->text.heads, 4);
    assert_int_equal(c->text.kv_heads, 2);
    assert_int_equal(c->text.head_dim, 16);
    assert_int_equal(c->text.vocab, 1004);
    assert_true(c->text.rms_eps == 1e-6f);
    assert_true(c->text.rope_theta == 1e6);
    assert_int_equal(c->text.mrope_section[0], 2);
    assert_int_equal(c->text.mrope_section[1], 3);
    assert_int_equal(c->text.mrope_section[2], 3);
    assert_false(c->text.tie_embeddings);
    assert_int_equal(c->text.max_positions, 4096);
    assert_int_equal(c->text.bos, 974);
    assert_int_equal(c->text.eos, 976);
    assert_int_equal(c->vision.depth, 4);
    assert_int_equal(c->vision.hidden, 32);
    assert_int_equal(c->vision.intermediate, 52);
    assert_int_equal(c->vision.heads, 2);
    assert_int_equal(c->vision.patch, 14);
    assert_int_equal(c->vision.merge, 2);
    assert_int_equal(c->vision.temporal_patch, 2);
    assert_int_equal(c->vision.window, 112);
    assert_int_equal(c->vision.in_channels, 3);
    assert_int_equal(c->vision.out_hidden, 64);
    assert_int_equal(c->vision.full_count, 2);
    assert_true(vision_is_full(&c->vision, 1) && vision_is_full(&c->vision, 3));
    assert_false(vision_is_full(&c->vision, 0) || vision_is_full(&c->vision, 2));
    assert_true(c->vision.tokens_per_second == 2);
    assert_int_equal(c->vision_start_id, 983);
    assert_int_equal(c->vision_end_id, 984);
    assert_int_equal(c->image_id, 986);
    assert_int_equal(c->video_id, 987);
    assert_int_equal(c->dtype, DTYPE_F32);
}

static void reads_the_golden_files(void **state) {
    (void)state;
    struct error error = {0};
    struct model_config config;
    assert_ok(model_config_read(&config, test_data("qwen2_5_vl_tiny"), &error), error);
    expect_tiny(&config);
    assert_ok(model_config_read(&config, test_data("qwen2_5_vl_tiny_tied"), &error), error);
    assert_true(config.text.tie_embeddings);
    assert_int_equal(config.dtype, DTYPE_BF16);
}

// Moves the text keys of a flat configuration into text_config, as transformers 4.52 and later save it.
static void nest(json_t *top) {
    static const char *const keys[] = {"hidden_size",         "intermediate_size",
                                       "num_hidden_layers",   "num_attention_heads",
                                       "num_key_value_heads", "vocab_size",
                                       "rms_norm_eps",        "rope_theta",
                                       "rope_scaling",        "max_position_embeddings",
                                       "bos_token_id",        "eos_token_id",
                                       "hidden_act",          "use_sliding_window",
                                       "max_window_layers",   "torch_dtype"};
    json_t *text = json_pack("{s:s}", "model_type", "qwen2_5_vl_text");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_object_set(text, keys[i], json_object_get(top, keys[i]));
        json_object_del(top, keys[i]);
    }
    json_object_set_new(top, "text_config", text);
}

static void reads_nested_files(void **state) {
    (void)state;
    struct error error = {0};
    struct model_config config;
    json_t *top = load("config.json");
    nest(top);
    assert_ok(parse(top, &config, &error), error);
    expect_tiny(&config);

    // Version 5: rope_parameters and dtype.
    set(top, "text_config", "rope_scaling", "");
    set(top, "text_config", "rope_theta", "");
    set(top, "text_config", "torch_dtype", "");
    set(top, "text_config", "dtype", "\"float32\"");
    set(top, "text_config", "rope_parameters",
        "{\"rope_type\":\"default\",\"type\":\"default\",\"rope_theta\":1000000.0,\"mrope_section\":[2,3,3]"
        "}");
    assert_ok(parse(top, &config, &error), error);
    expect_tiny(&config);

    // Both levels: the text's own value counts, but for the tie.
    set(top, NULL, "hidden_size", "9");
    set(top, "text_config", "tie_word_embeddings", "true");
    assert_ok(parse(top, &config, &error), error);
    expect_tiny(&config);
    set(top, NULL, "tie_word_embeddings", "");
    assert_ok(parse(top, &config, &error), error);
    assert_true(config.text.tie_embeddings);
    json_decref(top);
}

static void fills_in_what_a_resaved_file_leaves_out(void **state) {
    (void)state;
    struct error error = {0};
    struct model_config config;
    json_t *top = load("config.json");
    set(top, NULL, "hidden_size", "3584");
    set(top, NULL, "num_attention_heads", "28");
    set(top, NULL, "num_key_value_heads", "4");
    set(top, NULL, "vocab_size", "152064");
    set(top, NULL, "rope_scaling",
        "{\"type\":\"default\",\"rope_type\":\"default\",\"mrope_section\":[16,24,24]}");
    set(top, NULL, "vision_config",
        "{\"hidden_size\":1280,\"in_chans\":3,\"spatial_patch_size\":14,\"tokens_per_second\":2}");
    static const char *const left_out[] = {
        "vision_start_token_id", "vision_end_token_id", "image_token_id", "video_token_id",
        "bos_token_id",          "torch_dtype",         "model_type",     "tie_word_embeddings"};
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++) set(top, NULL, left_out[i], "");
    set(top, NULL, "eos_token_id", "[151645, 151643]");
    assert_ok(parse(top, &config, &error), error);
    assert_int_equal(config.text.head_dim, 128);
    assert_int_equal(config.text.bos, -1);
    assert_int_equal(config.text.eos, 151645);
    assert_false(config.text.tie_embeddings);
    assert_int_equal(config.vision.depth, 32);
    assert_int_equal(config.vision.hidden, 1280);
    assert_int_equal(config.vision.intermediate, 3420);
    assert_int_equal(config.vision.heads, 16);
    assert_int_equal(config.vision.window, 112);
    assert_int_equal(config.vision.out_hidden, 3584);
    assert_int_equal(config.vision.full_count, 4);
    assert_true(vision_is_full(&config.vision, 31));
    assert_true(config.vision.tokens_per_second == 2);
    assert_int_equal(config.vision_start_id, 151652);
    assert_int_equal(config.vision_end_id, 151653);
    assert_int_equal(config.image_id, 151655);
    assert_int_equal(config.video_id, 151656);
    assert_int_equal(config.dtype, DTYPE_BF16);
    set(top, "vision_config", "hidden_size", ""); // the library's 3584 is never meant
    assert_ok(parse(top, &config, &error), error);
    assert_int_equal(config.vision.hidden, 1280);
    json_decref(top);
}

static void takes_head_dim_from_the_file(void **state) {
    (void)state;
    struct error error = {0};
    struct model_config config;
    json_t *top = load("config.json");
    set(top, NULL, "head_dim", "32");
    set(top, NULL, "rope_scaling", "{\"mrope_section\":[4,6,6]}");
    assert_ok(parse(top, &config, &error), error);
    assert_int_equal(config.text.head_dim, 32);
    json_decref(top);
}

static const struct {
    const char *part, *key, *value, *message;
} bad[] = {
    {NULL, "model_type", "\"internvl_chat\"",
     "model_type is \"internvl_chat\"; the families that can be run are: \"qwen2_5_vl\""},
    {NULL, "model_type", "\"qwen2_5_vl_text\"", "model_type is \"qwen2_5_vl_text\""},
    {NULL, "model_type", "7", "\"model_type\" is a number"},
    {NULL, "quantization_config", "{\"quant_method\":\"awq\"}", "quantised weights (awq)"},
    {NULL, "quantization_config", "{}", "quantised weights (unknown method)"},
    {NULL, "hidden_size", "1000000000", "config.json: \"hidden_size\" is 1000000000, expected 1 to 65536"},
    {NULL, "hidden_size", "0", "\"hidden_size\" is 0"},
    {NULL, "hidden_size", "-64", "\"hidden_size\" is -64"},
    {NULL, "hidden_size", "64.0", "\"hidden_size\" is a number, expected an integer"},
    {NULL, "hidden_size", "\"64\"", "\"hidden_size\" is a string"},
    {NULL, "hidden_size", "", "\"hidden_size\" is missing"},
    {NULL, "hidden_size", "null", "\"hidden_size\" is missing"},
    {NULL, "hidden_size", "66", "\"hidden_size\" is 66, expected a multiple of the 4 heads"},
    {NULL, "hidden_size", "128", "\"mrope_section\" sums to 8, expected half of the head size, 32"},
    {NULL, "num_hidden_layers", "100000", "\"num_hidden_layers\" is 100000"},
    {NULL, "num_attention_heads", "0", "\"num_attention_heads\" is 0"},
    {NULL, "num_key_value_heads", "3", "\"num_key_value_heads\" is 3, expected a divisor"},
    {NULL, "num_key_value_heads", "8", "\"num_key_value_heads\" is 8, expected a divisor"},
    {NULL, "head_dim", "18", "\"mrope_section\" sums to 8, expected half of the head size, 18"},
    {NULL, "head_dim", "0", "\"head_dim\" is 0"},
    {NULL, "vocab_size", "999999999", "\"vocab_size\" is 999999999"},
    {NULL, "vocab_size", "980", "\"vision_start_token_id\" is 983, expected 0 to 979"},
    {NULL, "rms_norm_eps", "", "\"rms_norm_eps\" is missing"},
    {NULL, "rms_norm_eps", "0", "\"rms_norm_eps\" is 0"},
    {NULL, "rms_norm_eps", "-1e-6", "\"rms_norm_eps\""},
    {NULL, "rope_theta", "0", "\"rope_theta\" is 0"},
    {NULL, "rope_theta", "", "\"rope_theta\" is missing"},
    {NULL, "rope_scaling", "", "\"rope_scaling\" is missing"},
    {NULL, "rope_scaling", "[]", "\"rope_scaling\" is missing"},
    {NULL, "rope_scaling", "{}", "\"mrope_section\" has 0 values, expected 3"},
    {NULL, "rope_scaling", "{\"mrope_section\":[4,4]}", "\"mrope_section\" has 2 values"},
    {NULL, "rope_scaling", "{\"mrope_section\":[2,2,2,2]}", "\"mrope_section\" lists 4 values"},
    {NULL, "rope_scaling", "{\"mrope_section\":[-2,5,5]}", "\"mrope_section\" holds -2"},
    {NULL, "rope_scaling", "{\"mrope_section\":[2.0,3,3]}", "not an integer"},
    {NULL, "rope_scaling", "{\"type\":\"yarn\",\"mrope_section\":[2,3,3]}", "type \"yarn\" is not supported"},
    {NULL, "rope_scaling", "{\"rope_type\":\"linear\",\"mrope_section\":[2,3,3]}", "type \"linear\""},
    {NULL, "tie_word_embeddings", "1", "\"tie_word_embeddings\" is a number, expected true or false"},
    {NULL, "hidden_act", "\"gelu\"", "\"hidden_act\" is \"gelu\""},
    {NULL, "max_position_embeddings", "0", "\"max_position_embeddings\" is 0"},
    {NULL, "eos_token_id", "1004", "\"eos_token_id\" is 1004, expected less than"},
    {NULL, "eos_token_id", "[-1]", "\"eos_token_id\" holds -1"},
    {NULL, "bos_token_id", "2000", "\"bos_token_id\" is 2000"},
    {NULL, "image_token_id", "1004", "\"image_token_id\" is 1004, expected 0 to 1003"},
    {NULL, "image_token_id", "", "\"image_token_id\" is missing"},
    {NULL, "torch_dtype", "\"float8\"", "\"torch_dtype\" is \"float8\""},
    {NULL, "text_config", "[]", "\"text_config\" is not an object"},
    {NULL, "vision_config", "", "\"vision_config\" is missing"},
    {NULL, "vision_config", "3", "\"vision_config\" is not an object"},
    {NULL, "vision_config", "{}", "\"out_hidden_size\" is 3584, expected the text's hidden_size, 64"},
    {"vision_config", "depth", "0", "config.json: vision_config: \"depth\" is 0"},
    {"vision_config", "hidden_size", "30", "\"hidden_size\" is 30, expected 2 heads of a multiple of 4"},
    {"vision_config", "hidden_size", "33", "\"hidden_size\" is 33"},
    {"vision_config", "patch_size", "0", "\"patch_size\" is 0"},
    {"vision_config", "window_size", "100",
     "\"window_size\" is 100, expected a multiple of patch x merge = 28"},
    {"vision_config", "in_chans", "4", "\"in_chans\" is 4, expected 3 to 3"},
    {"vision_config", "in_channels", "1", "\"in_channels\" is 1"},
    {"vision_config", "spatial_merge_size", "1000", "\"spatial_merge_size\" is 1000"},
    {"vision_config", "out_hidden_size", "32", "\"out_hidden_size\" is 32"},
    {"vision_config", "fullatt_block_indexes", "[1,4]", "\"fullatt_block_indexes\" holds 4, expected 0 to 3"},
    {"vision_config", "fullatt_block_indexes", "[-1]", "\"fullatt_block_indexes\" holds -1"},
    {"vision_config", "fullatt_block_indexes", "", "block 7 does not exist"},
    {"vision_config", "hidden_act", "\"quick_gelu\"", "\"hidden_act\" is \"quick_gelu\""},
    {"vision_config", "tokens_per_second", "-1", "\"tokens_per_second\" is -1"},
};

static void names_what_will_not_do(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error error = {0};
        struct model_config config;
        json_t *top = load("config.json");
        set(top, bad[i].part, bad[i].key, bad[i].value);
        if (parse(top, &config, &error) == 0) fail_msg("accepted: %s %s", bad[i].key, bad[i].value);
        test_check_error(&error, ERROR_MODEL, bad[i].message, __FILE__, __LINE__);
        json_decref(top);
    }
}

static void knows_missing_types_and_windows(void **state) {
    (void)state;
    struct error error = {0};
    struct model_config config;
    json_t *top = load("config.json");
    set(top, NULL, "use_sliding_window", "true"); // from layer 3 of 3 on: no layer at all
    assert_ok(parse(top, &config, &error), error);
    set(top, NULL, "max_window_layers", "2");
    assert_error(parse(top, &config, &error), error, ERROR_MODEL, "\"use_sliding_window\" is true");
    set(top, NULL, "model_type", "");
    set(top, NULL, "architectures", "[\"LlamaForCausalLM\"]");
    assert_error(parse(top, &config, &error), error, ERROR_MODEL, "model_type is \"(missing)\"");
    set(top, NULL, "architectures", "");
    assert_error(parse(top, &config, &error), error, ERROR_MODEL, "model_type is \"(missing)\"");
    json_decref(top);
}

static void refuses_broken_files(void **state) {
    (void)state;
    struct error error = {0};
    struct model_config config;
    static const char *const texts[] = {"", "[]", "7", "null", "{", "{}", "{\"a\":1}x", "\xFF"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_error(model_config_parse(&config, texts[i], strlen(texts[i]), "config.json", &error), error,
                     ERROR_MODEL, "config.json");
    // Cut anywhere, the file is refused.
    size_t length;
    char *text = file_read(test_data("qwen2_5_vl_tiny/config.json"), 1 << 20, &length, &error);
    assert_got(text, error);
    while (length && text[length - 1] != '}') length--;
    for (size_t i = 0; i < length; i++)
        assert_error(model_config_parse(&config, text, i, "config.json", &error), error, ERROR_MODEL,
                     "config.json");
    free(text);
    assert_error(model_config_read(&config, test_temporary("none"), &error), error, ERROR_MODEL,
                 "none/config.json");
    assert_error(generation_defaults_parse(&(struct generation_defaults){0}, "[]", 2, "g.json", &error),
                 error, ERROR_MODEL, "g.json: not a JSON object");
}

static int parse_defaults(const char *text, struct generation_defaults *defaults, struct error *error) {
    return generation_defaults_parse(defaults, text, strlen(text), "g.json", error);
}

static void reads_generation_defaults(void **state) {
    (void)state;
    struct error error = {0};
    struct generation_defaults d;
    assert_ok(generation_defaults_read(&d, test_data("qwen2_5_vl_tiny"), &error), error);
    assert_int_equal(d.eos_count, 2);
    assert_int_equal(d.eos[0], 976);
    assert_int_equal(d.eos[1], 974);
    assert_true(d.has_do_sample && d.do_sample);
    assert_true(d.has_repetition_penalty && d.repetition_penalty == 1.05);
    assert_true(d.has_temperature && d.temperature == 1e-6);
    assert_false(d.has_top_p || d.has_top_k || d.has_min_p || d.has_max_new_tokens);

    assert_ok(generation_defaults_read(&d, test_temporary("nowhere"), &error), error); // no file: no defaults
    assert_int_equal(d.eos_count, 0);
    assert_false(d.has_temperature || d.has_do_sample);

    assert_ok(
        parse_defaults("{\"eos_token_id\":5,\"top_p\":0.001,\"top_k\":1,\"min_p\":0.1,\"max_new_tokens\":99,"
                       "\"do_sample\":false,\"temperature\":null}",
                       &d, &error),
        error);
    assert_int_equal(d.eos_count, 1);
    assert_int_equal(d.eos[0], 5);
    assert_true(d.has_top_p && d.top_p == 0.001);
    assert_true(d.has_top_k && d.top_k == 1);
    assert_true(d.has_min_p && d.min_p == 0.1);
    assert_true(d.has_max_new_tokens && d.max_new_tokens == 99);
    assert_true(d.has_do_sample && !d.do_sample);
    assert_false(d.has_temperature);
    assert_ok(parse_defaults("{\"top_k\":-1}", &d, &error), error);
    assert_true(d.has_top_k && d.top_k == 0);

    assert_error(parse_defaults("{\"temperature\":-1}", &d, &error), error, ERROR_MODEL,
                 "\"temperature\" is -1");
    assert_error(parse_defaults("{\"top_p\":1.5}", &d, &error), error, ERROR_MODEL, "\"top_p\" is 1.5");
    assert_error(parse_defaults("{\"top_k\":1.5}", &d, &error), error, ERROR_MODEL, "\"top_k\" is a number");
    assert_error(parse_defaults("{\"max_new_tokens\":0}", &d, &error), error, ERROR_MODEL,
                 "\"max_new_tokens\" is 0");
    assert_error(parse_defaults("{\"repetition_penalty\":0}", &d, &error), error, ERROR_MODEL,
                 "\"repetition_penalty\"");
    assert_error(parse_defaults("{\"eos_token_id\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}", &d, &error),
                 error, ERROR_MODEL, "\"eos_token_id\" lists 17 values, at most 16");
    assert_error(parse_defaults("{\"eos_token_id\":[\"a\"]}", &d, &error), error, ERROR_MODEL,
                 "not an integer");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_golden_files),
        cmocka_unit_test(reads_nested_files),
        cmocka_unit_test(fills_in_what_a_resaved_file_leaves_out),
        cmocka_unit_test(takes_head_dim_from_the_file),
        cmocka_unit_test(names_what_will_not_do),
        cmocka_unit_test(knows_missing_types_and_windows),
        cmocka_unit_test(refuses_broken_files),
        cmocka_unit_test(reads_generation_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
