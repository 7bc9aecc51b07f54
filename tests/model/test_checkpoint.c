#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "model/checkpoint.h"
#include "model/family.h"

static const struct tensor *find_vector(const struct checkpoint *checkpoint, const char *name, int size,
                                        struct error *error) {
    return checkpoint_tensor(checkpoint, name, 1, (size_t[]){(size_t)size}, error);
}

static const struct tensor *find_matrix(const struct checkpoint *checkpoint, const char *name, int rows,
                                        int columns, struct error *error) {
    return checkpoint_tensor(checkpoint, name, 2, (size_t[]){(size_t)rows, (size_t)columns}, error);
}

static struct checkpoint *open_golden(const char *name) {
    struct error error = {0};
    struct checkpoint *checkpoint = checkpoint_open(test_data("%s", name), &error);
    assert_got(checkpoint, error);
    return checkpoint;
}

static void copy_file(const char *from, const char *to) {
    struct error error = {0};
    size_t length;
    char *data = file_read(from, 1 << 20, &length, &error);
    assert_got(data, error);
    test_write(to, data, length);
    free(data);
}

// How a test's checkpoint differs from qwen2_5_vl_tiny.
struct variant {
    const char *const (*prefixes)[2]; // published prefix, its replacement; the first that fits counts
    int prefix_count;
    const char *left_out, *added, *other_shape, *other_type;
    int tied; // tie_word_embeddings is true
};

static void rename_tensor(const struct variant *variant, const char *name, char *text, size_t size) {
    for (int i = 0; i < variant->prefix_count; i++) {
        size_t length = strlen(variant->prefixes[i][0]);
        if (strncmp(name, variant->prefixes[i][0], length) == 0) {
            snprintf(text, size, "%s%s", variant->prefixes[i][1], name + length);
            return;
        }
    }
    snprintf(text, size, "%s", name);
}

static void add_tensors(struct safetensors_writer *writer, const struct safetensors *golden,
                        const struct variant *variant) {
    struct error error = {0};
    for (size_t i = 0; i < safetensors_count(golden); i++) {
        const char *name = safetensors_name(golden, i);
        struct tensor tensor = *safetensors_at(golden, i);
        char text[200];
        if (variant->left_out && strstr(name, variant->left_out)) continue;
        rename_tensor(variant, name, text, sizeof text);
        if (variant->other_shape && strcmp(name, variant->other_shape) == 0) {
            tensor.dims = 1;
            tensor.shape[0] = 3;
        }
        if (variant->other_type && strcmp(name, variant->other_type) == 0) tensor.dtype = DTYPE_I32;
        assert_ok(safetensors_writer_add(writer, text, &tensor, 0, &error), error);
    }
    if (variant->added) {
        float zero = 0;
        assert_ok(safetensors_writer_add(writer, variant->added, &(struct tensor){&zero, DTYPE_F32, 1, {1}},
                                         1, &error),
                  error);
    }
}

static void write_config(const char *path, int tied) {
    struct error error = {0};
    char *text = file_read(test_data("qwen2_5_vl_tiny/config.json"), 1 << 20, NULL, &error);
    assert_got(text, error);
    char *value = strstr(text, "\"tie_word_embeddings\": false");
    assert_non_null(value);
    if (tied) memcpy(value + strlen("\"tie_word_embeddings\": "), "true ", 5);
    test_write(path, text, strlen(text));
    free(text);
}

static const char *write_variant(const char *name, const struct variant *variant) {
    struct error error = {0};
    const char *folder = test_temporary("%s", name);
    mkdir(folder, 0777);
    write_config(test_temporary("%s/config.json", name), variant->tied);
    struct safetensors *golden = safetensors_open(test_data("qwen2_5_vl_tiny"), &error);
    assert_got(golden, error);
    struct safetensors_writer *writer = safetensors_writer_new(&error);
    assert_got(writer, error);
    add_tensors(writer, golden, variant);
    assert_ok(safetensors_writer_save(writer, test_temporary("%s/model.safetensors", name), &error), error);
    safetensors_writer_free(writer);
    safetensors_free(golden);
    return folder;
}

// Opens a variant that is right and checks that all tensors are found under their published names.
static void expect_complete(const char *name, const struct variant *variant) {
    struct error error = {0};
    struct warnings warnings = {0};
    struct checkpoint *checkpoint = checkpoint_open(write_variant(name, variant), &error);
    assert_got(checkpoint, error);
    assert_ok(checkpoint_check(checkpoint, &warnings, &error), error);
    assert_string_equal(warnings.lines, "");
    const struct tensor *q =
        find_matrix(checkpoint, "model.layers.2.self_attn.q_proj.weight", 64, 64, &error);
    assert_got(q, error);
    assert_int_equal(q->dtype, DTYPE_F32);
    assert_got(find_vector(checkpoint, "visual.merger.ln_q.weight", 32, &error), error);
    assert_got(find_matrix(checkpoint, "lm_head.weight", 1004, 64, &error), error);
    checkpoint_free(checkpoint);
}

static void expect_incomplete(const char *name, const struct variant *variant, const char *text) {
    struct error error = {0};
    struct checkpoint *checkpoint = checkpoint_open(write_variant(name, variant), &error);
    assert_got(checkpoint, error);
    assert_error(checkpoint_check(checkpoint, NULL, &error), error, ERROR_MODEL, text);
    checkpoint_free(checkpoint);
}

static void opens_the_golden_checkpoints(void **state) {
    (void)state;
    struct error error = {0};
    struct warnings warnings = {0};
    struct checkpoint *checkpoint = open_golden("qwen2_5_vl_tiny");
    assert_ok(checkpoint_check(checkpoint, &warnings, &error), error);
    assert_string_equal(warnings.lines, "");
    assert_int_equal(checkpoint_config(checkpoint)->text.hidden, 64);
    assert_int_equal(checkpoint_generation(checkpoint)->eos_count, 2);
    assert_non_null(strstr(checkpoint_folder(checkpoint), "qwen2_5_vl_tiny"));
    assert_true(safetensors_count(checkpoint_weights(checkpoint)) > 90);
    assert_got(checkpoint_tensor(checkpoint, "visual.patch_embed.proj.weight", 5,
                                 (size_t[]){32, 3, 2, 14, 14}, &error),
               error);
    const struct tensor *head = find_matrix(checkpoint, "lm_head.weight", 1004, 64, &error);
    assert_ptr_not_equal(head, find_matrix(checkpoint, "model.embed_tokens.weight", 1004, 64, &error));
    checkpoint_free(checkpoint);

    checkpoint = open_golden("qwen2_5_vl_tiny_tied");
    assert_ok(checkpoint_check(checkpoint, &warnings, &error), error);
    assert_string_equal(warnings.lines, "");
    head = find_matrix(checkpoint, "lm_head.weight", 1000, 64, &error);
    assert_got(head, error);
    assert_int_equal(head->dtype, DTYPE_BF16);
    assert_ptr_equal(head, find_matrix(checkpoint, "model.embed_tokens.weight", 1000, 64, &error));
    checkpoint_free(checkpoint);
}

static void says_what_is_wrong_with_a_tensor(void **state) {
    (void)state;
    struct error error = {0};
    struct checkpoint *checkpoint = open_golden("qwen2_5_vl_tiny");
    assert_null(find_matrix(checkpoint, "model.norm.weight", 64, 1, &error));
    test_check_error(&error, ERROR_MODEL,
                     "model.safetensors: tensor \"model.norm.weight\" has shape [64], expected [64, 1]",
                     __FILE__, __LINE__);
    assert_null(find_vector(checkpoint, "model.norm.weight", 65, &error));
    test_check_error(&error, ERROR_MODEL, "has shape [64], expected [65]", __FILE__, __LINE__);
    assert_null(find_vector(checkpoint, "model.layers.3.input_layernorm.weight", 64, &error));
    test_check_error(&error, ERROR_MODEL, "tensor \"model.layers.3.input_layernorm.weight\" is missing",
                     __FILE__, __LINE__);
    checkpoint_free(checkpoint);
}

static void canonical_names(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"visual.blocks.0.norm1.weight", "visual.blocks.0.norm1.weight"},
        {"model.visual.blocks.0.norm1.weight", "visual.blocks.0.norm1.weight"},
        {"model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.weight"},
        {"model.language_model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.weight"},
        {"language_model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.weight"},
        {"language_model.model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.weight"},
        {"language_model.lm_head.weight", "lm_head.weight"},
        {"lm_head.weight", "lm_head.weight"},
        {"model.norm.weight", "model.norm.weight"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[100];
        model_family_publish(&model_qwen2_5_vl, pairs[i][0], text, sizeof text);
        assert_string_equal(text, pairs[i][1]);
    }
    char small[6];
    model_family_publish(&model_qwen2_5_vl, "model.visual.x", small, sizeof small);
    assert_string_equal(small, "visua");
}

static void accepts_every_layout(void **state) {
    (void)state;
    static const char *const newer[][2] = {{"visual.", "model.visual."}, {"model.", "model.language_model."}};
    static const char *const bare[][2] = {{"model.", "language_model."}};
    static const char *const inner[][2] = {{"model.", "language_model.model."},
                                           {"lm_head.", "language_model.lm_head."}};
    expect_complete("published", &(struct variant){0});
    expect_complete("newer", &(struct variant){.prefixes = newer, .prefix_count = 2});
    expect_complete("bare", &(struct variant){.prefixes = bare, .prefix_count = 1});
    expect_complete("inner", &(struct variant){.prefixes = inner, .prefix_count = 2});
    expect_complete("tied_with_head", &(struct variant){.tied = 1});
    expect_complete("tied", &(struct variant){.tied = 1, .left_out = "lm_head"});
    expect_complete("rotary", &(struct variant){.added = "model.layers.0.self_attn.rotary_emb.inv_freq"});
}

static void tied_means_the_embedding(void **state) {
    (void)state;
    struct error error = {0};
    struct checkpoint *checkpoint =
        checkpoint_open(write_variant("tied_again", &(struct variant){.tied = 1}), &error);
    assert_got(checkpoint, error);
    const struct tensor *embedding = find_matrix(checkpoint, "model.embed_tokens.weight", 1004, 64, &error);
    assert_got(embedding, error);
    assert_ptr_equal(find_matrix(checkpoint, "lm_head.weight", 1004, 64, &error), embedding);
    checkpoint_free(checkpoint);
}

static void lists_what_is_missing(void **state) {
    (void)state;
    expect_incomplete("no_head", &(struct variant){.left_out = "lm_head"},
                      "tensor \"lm_head.weight\" is missing; \"tie_word_embeddings\" is not true");
    expect_incomplete("no_layer", &(struct variant){.left_out = "model.layers.1."},
                      "12 tensors are missing, first: \"model.layers.1.input_layernorm.weight\"");
    expect_incomplete("no_norm", &(struct variant){.left_out = "model.norm.weight"},
                      "tensor \"model.norm.weight\" is missing");
    expect_incomplete("shape", &(struct variant){.other_shape = "visual.blocks.2.attn.proj.bias"},
                      "tensor \"visual.blocks.2.attn.proj.bias\" has shape [3], expected [32]");
    expect_incomplete(
        "type", &(struct variant){.other_type = "model.layers.0.mlp.up_proj.weight"},
        "tensor \"model.layers.0.mlp.up_proj.weight\" is of type I32, expected F32, BF16 or F16");
}

static void warns_of_what_is_not_used(void **state) {
    (void)state;
    struct error error = {0};
    struct warnings warnings = {0};
    struct checkpoint *checkpoint =
        checkpoint_open(write_variant("more", &(struct variant){.added = "model.layers.3.norm"}), &error);
    assert_got(checkpoint, error);
    assert_ok(checkpoint_check(checkpoint, &warnings, &error), error);
    assert_non_null(strstr(warnings.lines, "more: 1 tensor is not used, first: \"model.layers.3.norm\""));
    assert_ok(checkpoint_check(checkpoint, NULL, &error), error);
    checkpoint_free(checkpoint);
}

static void refuses_broken_folders(void **state) {
    (void)state;
    struct error error = {0};
    static const char *const twice[][2] = {{"model.norm.", "model.language_model.norm."}};
    struct variant variant = {.prefixes = twice, .prefix_count = 1, .added = "model.norm.weight"};
    assert_null(checkpoint_open(write_variant("twice", &variant), &error));
    test_check_error(&error, ERROR_MODEL, "are the same one", __FILE__, __LINE__);

    assert_null(checkpoint_open(test_temporary("nowhere"), &error));
    test_check_error(&error, ERROR_MODEL, "nowhere/config.json", __FILE__, __LINE__);
    mkdir(test_temporary("no_weights"), 0777);
    copy_file(test_data("qwen2_5_vl_tiny/config.json"), test_temporary("no_weights/config.json"));
    assert_null(checkpoint_open(test_temporary("no_weights"), &error));
    test_check_error(&error, ERROR_MODEL, "no weights here", __FILE__, __LINE__);
    const char *generation = test_temporary("no_weights/generation_config.json");
    test_write(generation, "{\"eos_token_id\":1004}", 21);
    assert_null(checkpoint_open(test_temporary("no_weights"), &error));
    test_check_error(&error, ERROR_MODEL, "\"eos_token_id\" holds 1004", __FILE__, __LINE__);
}

static void end_token_comes_from_either_file(void **state) {
    (void)state;
    struct error error = {0};
    const char *folder = write_variant("no_generation", &(struct variant){0});
    struct checkpoint *checkpoint = checkpoint_open(folder, &error);
    assert_got(checkpoint, error);
    assert_int_equal(checkpoint_generation(checkpoint)->eos_count, 1);
    assert_int_equal(checkpoint_generation(checkpoint)->eos[0], 976);
    checkpoint_free(checkpoint);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_the_golden_checkpoints),
        cmocka_unit_test(says_what_is_wrong_with_a_tensor),
        cmocka_unit_test(canonical_names),
        cmocka_unit_test(accepts_every_layout),
        cmocka_unit_test(tied_means_the_embedding),
        cmocka_unit_test(lists_what_is_missing),
        cmocka_unit_test(warns_of_what_is_not_used),
        cmocka_unit_test(refuses_broken_folders),
        cmocka_unit_test(end_token_comes_from_either_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
