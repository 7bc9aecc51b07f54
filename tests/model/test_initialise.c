#include "support.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "model/checkpoint.h"
#include "model/initialise.h"
#include "text/tokenizer.h"

static struct initialise_options tiny(const char *folder) {
    return (struct initialise_options){.config = test_data("qwen2_5_vl_tiny/config.json"),
                                       .tokenizer = test_data("qwen2_5_vl_tiny"),
                                       .folder = folder,
                                       .seed = 7};
}

static struct initialise_report make(const struct initialise_options *options) {
    struct error error = {0};
    struct initialise_report report;
    assert_ok(initialise_checkpoint(options, &report, &error), error);
    return report;
}

static struct checkpoint *open_checked(const char *folder) {
    struct error error = {0};
    struct warnings warnings = {0};
    struct checkpoint *checkpoint = checkpoint_open(folder, &error);
    assert_got(checkpoint, error);
    assert_ok(checkpoint_check(checkpoint, &warnings, &error), error);
    assert_string_equal(warnings.lines, "");
    return checkpoint;
}

static json_t *read_json(const char *path) {
    struct error error = {0};
    json_t *root = json_read_file(path, 1 << 24, &error);
    assert_got(root, error);
    return root;
}

static float element(const struct tensor *tensor, size_t i) {
    assert_non_null(tensor);
    if (!tensor) return 0; // the analyzer does not know that the assertion ends the test
    if (tensor->dtype == DTYPE_F32) return ((const float *)tensor->data)[i];
    return bf16_to_f32(((const uint16_t *)tensor->data)[i]);
}

// The tensor's mean is 0 and its deviation as given, to within four times what chance allows.
static void check_deviation(const struct checkpoint *checkpoint, const char *name, double expected) {
    const struct tensor *tensor = safetensors_find(checkpoint_weights(checkpoint), name);
    if (!tensor) {
        fail_msg("no %s", name);
        return; // fail_msg never does
    }
    double sum = 0, squares = 0, most = 0, count = (double)tensor_count(tensor);
    for (size_t i = 0; i < tensor_count(tensor); i++) {
        double value = element(tensor, i);
        sum += value;
        squares += value * value;
        if (fabs(value) > most) most = fabs(value);
    }
    double deviation = sqrt(squares / count);
    if (fabs(sum / count) > 4 * expected / sqrt(count)) fail_msg("%s: mean %g", name, sum / count);
    if (fabs(deviation / expected - 1) > 4 / sqrt(2 * count) + 0.002)
        fail_msg("%s: deviation %g, expected %g", name, deviation, expected);
    assert_true(most > 2.5 * expected && most < 6.7 * expected);
}

static void check_constant(const struct checkpoint *checkpoint, const char *name, float expected) {
    const struct tensor *tensor = safetensors_find(checkpoint_weights(checkpoint), name);
    if (!tensor) {
        fail_msg("no %s", name);
        return; // fail_msg never does
    }
    for (size_t i = 0; i < tensor_count(tensor); i++)
        if (element(tensor, i) != expected) fail_msg("%s[%zu]", name, i);
}

static void weights_are_drawn_as_documented(void **state) {
    (void)state;
    struct initialise_options options = tiny(test_temporary("drawn"));
    struct initialise_report report = make(&options);
    struct checkpoint *checkpoint = open_checked(options.folder);
    assert_int_equal(report.parameters * 4, report.bytes); // float32, as the configuration says
    assert_int_equal(report.bytes, safetensors_bytes(checkpoint_weights(checkpoint)));
    check_deviation(checkpoint, "model.embed_tokens.weight", 0.02);
    check_deviation(checkpoint, "lm_head.weight", 0.02);
    check_deviation(checkpoint, "model.layers.0.self_attn.q_proj.weight", 0.02);
    check_deviation(checkpoint, "model.layers.2.mlp.up_proj.weight", 0.02);
    check_deviation(checkpoint, "model.layers.1.self_attn.o_proj.weight", 0.02 / sqrt(6));
    check_deviation(checkpoint, "model.layers.1.mlp.down_proj.weight", 0.02 / sqrt(6));
    check_deviation(checkpoint, "visual.blocks.3.attn.proj.weight", 0.02 / sqrt(8));
    check_deviation(checkpoint, "visual.blocks.0.mlp.down_proj.weight", 0.02 / sqrt(8));
    check_deviation(checkpoint, "visual.blocks.0.attn.qkv.weight", 0.02);
    check_deviation(checkpoint, "visual.patch_embed.proj.weight", 0.02);
    check_deviation(checkpoint, "visual.merger.mlp.2.weight", 0.02);
    check_constant(checkpoint, "model.norm.weight", 1);
    check_constant(checkpoint, "model.layers.0.input_layernorm.weight", 1);
    check_constant(checkpoint, "visual.merger.ln_q.weight", 1);
    check_constant(checkpoint, "model.layers.0.self_attn.k_proj.bias", 0);
    check_constant(checkpoint, "visual.merger.mlp.0.bias", 0);
    checkpoint_free(checkpoint);
}

static void no_two_tensors_are_alike(void **state) {
    (void)state;
    struct initialise_options options = tiny(test_temporary("alike"));
    make(&options);
    struct checkpoint *checkpoint = open_checked(options.folder);
    const struct safetensors *weights = checkpoint_weights(checkpoint);
    size_t compared = 0;
    for (size_t a = 0; a < safetensors_count(weights); a++)
        for (size_t b = 0; b < a; b++) {
            const struct tensor *one = safetensors_at(weights, a), *other = safetensors_at(weights, b);
            if (one->dims < 2 || other->dims < 2) continue;
            compared++;
            // The first numbers divided: the same draw with another deviation would give a constant.
            double ratio = element(one, 0) / element(other, 0);
            assert_true(fabs(element(one, 1) / element(other, 1) - ratio) > 1e-9);
        }
    assert_true(compared > 1000);
    checkpoint_free(checkpoint);
}

static char *read_weights(const char *folder, size_t *size) {
    struct error error = {0};
    char *path = file_join(folder, "model.safetensors", &error);
    char *data = file_read(path, 1 << 26, size, &error);
    assert_got(data, error);
    free(path);
    return data;
}

static void the_seed_decides(void **state) {
    (void)state;
    size_t sizes[3];
    char *data[3];
    static const char *const names[] = {"one", "again", "other"};
    for (int i = 0; i < 3; i++) {
        struct initialise_options options = tiny(test_temporary("%s", names[i]));
        options.seed = i == 2 ? 8 : 7;
        make(&options);
        data[i] = read_weights(options.folder, &sizes[i]);
    }
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(data[0], data[1], sizes[0]);
    assert_memory_not_equal(data[0], data[2], sizes[0]);
    for (int i = 0; i < 3; i++) free(data[i]);
}

// Values do not depend on the type, on shards, or on the sizes of other tensors.
static void a_tensor_depends_on_its_name_alone(void **state) {
    (void)state;
    struct initialise_options options = tiny(test_temporary("f32"));
    make(&options);
    struct initialise_options shards = tiny(test_temporary("bf16"));
    shards.type = INITIALISE_BF16;
    shards.shard_bytes = 200000;
    make(&shards);
    assert_true(file_exists(test_temporary("bf16/model.safetensors.index.json")));
    struct checkpoint *exact = open_checked(options.folder), *rounded = open_checked(shards.folder);
    assert_int_equal(checkpoint_config(rounded)->dtype, DTYPE_BF16);
    const struct safetensors *weights = checkpoint_weights(exact);
    for (size_t t = 0; t < safetensors_count(weights); t++) {
        const struct tensor *one = safetensors_at(weights, t);
        const struct tensor *other =
            safetensors_find(checkpoint_weights(rounded), safetensors_name(weights, t));
        for (size_t i = 0; i < tensor_count(one); i++)
            assert_true(element(other, i) == bf16_to_f32(f32_to_bf16(element(one, i))));
    }
    checkpoint_free(rounded);

    json_t *deeper = read_json(options.config);
    json_object_set_new(deeper, "intermediate_size", json_integer(200));
    json_dump_file(deeper, test_temporary("deeper.json"), 0);
    json_decref(deeper);
    struct initialise_options other = tiny(test_temporary("deeper"));
    other.config = test_temporary("deeper.json");
    make(&other);
    struct checkpoint *changed = open_checked(other.folder);
    static const char name[] = "model.layers.2.self_attn.q_proj.weight";
    const struct tensor *a = safetensors_find(weights, name),
                        *b = safetensors_find(checkpoint_weights(changed), name);
    assert_memory_equal(a->data, b->data, tensor_bytes(a));
    checkpoint_free(changed);
    checkpoint_free(exact);
}

static void check_same_json(const char *folder, const char *name, const char *but) {
    json_t *ours = read_json(test_temporary("%s/%s", folder, name));
    json_t *golden = read_json(test_data("qwen2_5_vl_tiny/%s", name));
    const char *key;
    json_t *value;
    json_object_foreach(golden, key, value) {
        json_t *other = json_object_get(ours, key);
        bool close = json_is_number(value) && json_is_number(other) &&
                     fabs(json_number_value(value) - json_number_value(other)) < 1e-9;
        if (strcmp(key, but) && !close && !json_equal(value, other) && !json_is_array(value))
            fail_msg("%s: \"%s\" differs", name, key);
    }
    assert_int_equal(json_object_size(ours), json_object_size(golden));
    json_decref(ours);
    json_decref(golden);
}

static void the_folder_is_laid_out_as_the_golden_one(void **state) {
    (void)state;
    struct initialise_options options = tiny(test_temporary("layout"));
    struct initialise_report report = make(&options);
    assert_int_equal(report.tokens, 996);
    assert_int_equal(report.vocab, 1000);
    check_same_json("layout", "config.json", "vocab_size"); // 1004 there: 996, rounded up to 8
    check_same_json("layout", "generation_config.json", "");
    check_same_json("layout", "preprocessor_config.json", "");
    check_same_json("layout", "tokenizer.json", "");
    check_same_json("layout", "tokenizer_config.json", "");
    check_same_json("layout", "chat_template.json", "chat_template");
}

static void token_ids_and_pixels_are_filled_in(void **state) {
    (void)state;
    static const char *const ids[] = {"bos_token_id",        "eos_token_id",    "vision_start_token_id",
                                      "vision_end_token_id", "vision_token_id", "image_token_id",
                                      "video_token_id",      "vocab_size",      "model_type",
                                      "architectures"};
    json_t *config = read_json(test_data("qwen2_5_vl_tiny/config.json"));
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) json_object_del(config, ids[i]);
    json_object_set_new(config, "tie_word_embeddings", json_true());
    json_object_set_new(config, "initializer_range", json_real(0.05));
    json_dump_file(config, test_temporary("bare.json"), 0);
    json_decref(config);
    struct initialise_options options = tiny(test_temporary("bare"));
    options.config = test_temporary("bare.json");
    options.min_pixels = 784;
    options.max_pixels = 100352;
    make(&options);
    struct checkpoint *checkpoint = open_checked(options.folder);
    assert_int_equal(checkpoint_config(checkpoint)->image_id, 986);
    assert_int_equal(checkpoint_config(checkpoint)->text.eos, 976);
    assert_int_equal(checkpoint_config(checkpoint)->text.vocab, 1000);
    assert_true(checkpoint_config(checkpoint)->text.tie_embeddings);
    assert_null(safetensors_find(checkpoint_weights(checkpoint), "lm_head.weight"));
    check_deviation(checkpoint, "model.layers.0.mlp.gate_proj.weight", 0.05);
    check_deviation(checkpoint, "model.embed_tokens.weight", 0.02);
    checkpoint_free(checkpoint);
    json_t *preprocessor = read_json(test_temporary("bare/preprocessor_config.json"));
    assert_int_equal(json_integer_value(json_object_get(preprocessor, "min_pixels")), 784);
    assert_int_equal(json_integer_value(json_object_get(preprocessor, "max_pixels")), 100352);
    json_decref(preprocessor);
}

static void nested_configurations_are_filled_in_too(void **state) {
    (void)state;
    json_t *config = read_json(test_data("qwen2_5_vl_tiny/config.json")), *text = json_object();
    static const char *const moved[] = {"hidden_size",         "intermediate_size",   "num_hidden_layers",
                                        "num_attention_heads", "num_key_value_heads", "rms_norm_eps",
                                        "rope_theta",          "rope_scaling",        "bos_token_id"};
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++) {
        json_object_set(text, moved[i], json_object_get(config, moved[i]));
        json_object_del(config, moved[i]);
    }
    json_object_set_new(text, "bos_token_id", json_integer(3));
    json_object_set_new(text, "vocab_size", json_integer(50));
    json_object_set_new(text, "dtype", json_string("float16"));
    json_object_set_new(config, "text_config", text);
    json_dump_file(config, test_temporary("nested.json"), 0);
    json_decref(config);
    struct initialise_options options = tiny(test_temporary("nested"));
    options.config = test_temporary("nested.json");
    options.type = INITIALISE_F32;
    make(&options);
    struct checkpoint *checkpoint = open_checked(options.folder);
    assert_int_equal(checkpoint_config(checkpoint)->text.vocab, 1000);
    assert_int_equal(checkpoint_config(checkpoint)->text.bos, 974);
    assert_int_equal(checkpoint_config(checkpoint)->dtype, DTYPE_F32);
    checkpoint_free(checkpoint);
}

static void check_refused(struct initialise_options options, enum error_code code, const char *message) {
    struct error error = {0};
    struct initialise_report report;
    assert_error(initialise_checkpoint(&options, &report, &error), error, code, message);
}

static void refuses_what_will_not_do(void **state) {
    (void)state;
    struct initialise_options options = tiny(test_temporary("full"));
    assert_int_equal(mkdir(options.folder, 0777), 0);
    test_write(test_temporary("full/mine.txt"), "x", 1);
    check_refused(options, ERROR_USAGE, "the folder is not empty");
    assert_true(file_exists(test_temporary("full/mine.txt")));
    options.folder = test_temporary("no/where");
    check_refused(options, ERROR_INPUT, "no/where");

    options = tiny(test_temporary("new"));
    options.config = test_temporary("missing.json");
    check_refused(options, ERROR_INPUT, "missing.json");
    static const struct {
        const char *text, *message;
        enum error_code code;
    } bad[] = {
        {"", "the file is empty", ERROR_INPUT},
        {"{", "not valid JSON", ERROR_INPUT},
        {"[1]", "not a JSON object", ERROR_MODEL},
        {"{}", "vision_config", ERROR_MODEL},
        {"{\"model_type\": \"llama\"}", "llama", ERROR_MODEL},
        {"{\"text_config\": 7, \"vision_config\": {}}", "text_config", ERROR_MODEL},
        {"{\"vision_config\": {\"depth\": -1}}", "hidden_size", ERROR_MODEL},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        test_write(test_temporary("bad.json"), bad[i].text, strlen(bad[i].text));
        options = tiny(test_temporary("new")); // anew: the paths live in a ring
        options.config = test_temporary("bad.json");
        check_refused(options, bad[i].code, bad[i].message);
    }
    options = tiny(test_temporary("new"));
    options.tokenizer = test_temporary("full");
    check_refused(options, ERROR_MODEL, "no tokenizer.json");
    options = tiny(test_temporary("new"));
    options.min_pixels = 100;
    check_refused(options, ERROR_USAGE, "100 to 12845056 pixels");
    options.min_pixels = 5000;
    options.max_pixels = 4000;
    check_refused(options, ERROR_USAGE, "5000 to 4000 pixels");
    assert_false(file_is_directory(test_temporary("new")));
}

static void half_precision_and_wild_ranges_are_refused(void **state) {
    (void)state;
    json_t *config = read_json(test_data("qwen2_5_vl_tiny/config.json"));
    struct initialise_options options = tiny(test_temporary("half"));
    options.config = test_temporary("half.json");
    json_object_set_new(config, "torch_dtype", json_string("float16"));
    json_dump_file(config, options.config, 0);
    check_refused(options, ERROR_USAGE, "not float16");
    json_object_set_new(config, "torch_dtype", json_string("float32"));
    json_object_set_new(config, "initializer_range", json_real(2));
    json_dump_file(config, options.config, 0);
    check_refused(options, ERROR_INPUT, "initializer_range");
    json_decref(config);
    assert_false(file_is_directory(test_temporary("half")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_drawn_as_documented),
        cmocka_unit_test(no_two_tensors_are_alike),
        cmocka_unit_test(the_seed_decides),
        cmocka_unit_test(a_tensor_depends_on_its_name_alone),
        cmocka_unit_test(the_folder_is_laid_out_as_the_golden_one),
        cmocka_unit_test(token_ids_and_pixels_are_filled_in),
        cmocka_unit_test(nested_configurations_are_filled_in_too),
        cmocka_unit_test(refuses_what_will_not_do),
        cmocka_unit_test(half_precision_and_wild_ranges_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
