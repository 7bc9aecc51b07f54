#include "support.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "model/checkpoint.h"
#include "model/parts.h"
#include "model/random_checkpoint.h"
#include "text/tokenizer.h"

static const char *write_tiny(const char *name, enum dtype dtype, uint64_t seed, size_t shard_bytes) {
    struct error error = {0};
    const char *folder = test_temporary("%s", name);
    struct random_checkpoint options = {
        .shape = "tiny", .dtype = dtype, .seed = seed, .shard_bytes = shard_bytes};
    assert_ok(random_checkpoint_write(&options, folder, &error), error);
    return folder;
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

static float element(const struct tensor *tensor, size_t i) {
    if (tensor->dtype == DTYPE_F32) return ((const float *)tensor->data)[i];
    return bf16_to_f32(((const uint16_t *)tensor->data)[i]);
}

static void check_numbers(const struct checkpoint *checkpoint) {
    struct error error = {0};
    const struct tensor *head =
        checkpoint_tensor(checkpoint, "lm_head.weight", 2, (size_t[]){1004, 64}, &error);
    assert_got(head, error);
    double sum = 0, squares = 0;
    size_t count = tensor_count(head);
    for (size_t i = 0; i < count; i++) {
        sum += element(head, i);
        squares += element(head, i) * element(head, i);
    }
    assert_true(fabs(sum / (double)count) < 0.0005);
    assert_true(fabs(sqrt(squares / (double)count) - 0.02) < 0.0005);
    const struct tensor *norm =
        checkpoint_tensor(checkpoint, "visual.blocks.3.norm2.weight", 1, (size_t[]){32}, &error);
    const struct tensor *bias =
        checkpoint_tensor(checkpoint, "model.layers.0.self_attn.k_proj.bias", 1, (size_t[]){32}, &error);
    assert_true(norm && bias);
    for (size_t i = 0; i < 32; i++) {
        assert_true(element(norm, i) == 1);
        assert_true(fabsf(element(bias, i)) < 0.2f);
    }
    const struct tensor *up =
        checkpoint_tensor(checkpoint, "model.layers.0.mlp.up_proj.weight", 2, (size_t[]){112, 64}, &error);
    const struct tensor *gate =
        checkpoint_tensor(checkpoint, "model.layers.0.mlp.gate_proj.weight", 2, (size_t[]){112, 64}, &error);
    assert_true(up && gate);
    assert_memory_not_equal(up->data, gate->data, tensor_bytes(up));
}

static void writes_checkpoints_that_open(void **state) {
    (void)state;
    struct checkpoint *checkpoint = open_checked(write_tiny("bf16", DTYPE_BF16, 1, 0));
    assert_int_equal(checkpoint_config(checkpoint)->dtype, DTYPE_BF16);
    assert_int_equal(checkpoint_generation(checkpoint)->eos_count, 2);
    assert_int_equal(checkpoint_generation(checkpoint)->eos[0], 976);
    assert_true(file_exists(test_temporary("bf16/model.safetensors")));
    check_numbers(checkpoint);
    checkpoint_free(checkpoint);

    checkpoint = open_checked(write_tiny("f32", DTYPE_F32, 1, 400000));
    assert_int_equal(checkpoint_config(checkpoint)->dtype, DTYPE_F32);
    assert_true(file_exists(test_temporary("f32/model-00001-of-00005.safetensors")));
    assert_true(file_exists(test_temporary("f32/model-00005-of-00005.safetensors")));
    check_numbers(checkpoint);
    checkpoint_free(checkpoint);
}

// The configuration written is the one of the golden model, but for what is random.
static void configurations_come_back(void **state) {
    (void)state;
    struct error error = {0};
    struct model_config golden, read, known;
    write_tiny("config", DTYPE_F32, 1, 0);
    assert_ok(model_config_read(&golden, test_data("qwen2_5_vl_tiny"), &error), error);
    assert_ok(model_config_read(&read, test_temporary("config"), &error), error);
    assert_ok(random_checkpoint_config("tiny", &known, &error), error);
    known.dtype = DTYPE_F32;
    // Byte by byte: neither struct has padding that could differ, both start as zeros.
    memset(golden.vision.full_blocks + 2, 0, sizeof golden.vision.full_blocks - 2 * sizeof(int));
    memset(read.vision.full_blocks + 2, 0, sizeof read.vision.full_blocks - 2 * sizeof(int));
    assert_memory_equal(&read.text, &golden.text, offsetof(struct decoder_config, tie_embeddings));
    assert_memory_equal(&read.vision, &golden.vision, sizeof read.vision);
    assert_memory_equal(&known.vision, &golden.vision, sizeof read.vision);
    assert_int_equal(read.image_id, golden.image_id);
    assert_int_equal(known.image_id, golden.image_id);
    assert_int_equal(read.text.eos, golden.text.eos);
    assert_int_equal(read.text.max_positions, golden.text.max_positions);
}

static void the_seed_decides(void **state) {
    (void)state;
    struct error error = {0};
    size_t sizes[3];
    char *data[3];
    write_tiny("one", DTYPE_BF16, 5, 0);
    write_tiny("again", DTYPE_BF16, 5, 0);
    write_tiny("other", DTYPE_BF16, 6, 0);
    static const char *const names[] = {"one", "again", "other"};
    for (int i = 0; i < 3; i++) {
        data[i] = file_read(test_temporary("%s/model.safetensors", names[i]), 1 << 24, &sizes[i], &error);
        assert_got(data[i], error);
    }
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(data[0], data[1], sizes[0]);
    assert_memory_not_equal(data[0], data[2], sizes[0]);
    for (int i = 0; i < 3; i++) free(data[i]);
}

static void the_tokenizer_knows_bytes_and_added_tokens(void **state) {
    (void)state;
    struct error error = {0};
    struct tokenizer *tokenizer = tokenizer_open(write_tiny("words", DTYPE_BF16, 1, 0), &error);
    assert_got(tokenizer, error);
    assert_int_equal(tokenizer_find(tokenizer, "<|endoftext|>"), 974);
    assert_int_equal(tokenizer_find(tokenizer, "<|im_end|>"), 976);
    assert_int_equal(tokenizer_find(tokenizer, "<|image_pad|>"), 986);
    assert_true(tokenizer_is_special(tokenizer, 987));
    assert_false(tokenizer_is_special(tokenizer, 988));
    static const char text[] =
        "<|im_start|>Caf\xC3\xA9  in Z\xC3\xBCrich,\n\t\"1\\2\" \xF0\x9F\x8C\x8D<|im_end|>";
    struct ids ids = {0};
    struct buffer decoded = {0};
    assert_ok(tokenizer_encode(tokenizer, text, strlen(text), true, &ids, &error), error);
    assert_int_equal(ids.data[0], 975);
    assert_int_equal(ids.data[1], 'C' - 33);
    tokenizer_decode(tokenizer, ids.data, ids.count, false, &decoded);
    assert_string_equal(decoded.data, text);
    buffer_clear(&decoded);
    tokenizer_decode(tokenizer, (const int32_t[]){257, 973, 256}, 3, false, &decoded);
    assert_string_equal(decoded.data, " w257 w973  ");
    buffer_free(&decoded);
    ids_free(&ids);
    tokenizer_free(tokenizer);
}

static size_t count_parameters(const struct model_config *config) {
    struct error error = {0};
    size_t count, total = 0;
    struct part *parts = parts_list(config, NULL, NULL, &count, &error);
    assert_got(parts, error);
    for (size_t i = 0; i < count; i++) total += part_values(&parts[i]);
    free(parts);
    return total;
}

static void known_shapes_have_their_parameters(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t parameters; // qwen2_5_vl.md section 1.1
    } known[] = {{"3b", 3754622976}, {"7b", 8292166656}, {"72b", 73410777344}};
    struct error error = {0};
    struct model_config config;
    for (int i = 0; i < 3; i++) {
        assert_ok(random_checkpoint_config(known[i].name, &config, &error), error);
        assert_int_equal(count_parameters(&config), known[i].parameters);
    }
    assert_error(random_checkpoint_config("8b", &config, &error), error, ERROR_USAGE,
                 "\"8b\" is not a known shape");
}

static int count_files(const char *folder) {
    int entries = 0;
    DIR *list = opendir(folder);
    if (!list) return -1;
    while (readdir(list)) entries++;
    closedir(list);
    return entries - 2;
}

static void layers_can_be_fewer(void **state) {
    (void)state;
    struct error error = {0};
    struct random_checkpoint options = {.shape = "tiny", .dtype = DTYPE_F32, .layers = 1};
    assert_ok(random_checkpoint_write(&options, test_temporary("shallow"), &error), error);
    struct checkpoint *checkpoint = open_checked(test_temporary("shallow"));
    assert_int_equal(checkpoint_config(checkpoint)->text.layers, 1);
    checkpoint_free(checkpoint);
}

static void refuses_what_it_cannot_write(void **state) {
    (void)state;
    struct error error = {0};
    struct random_checkpoint options = {.shape = "13b"};
    assert_error(random_checkpoint_write(&options, test_temporary("x"), &error), error, ERROR_USAGE,
                 "\"13b\"");
    options = (struct random_checkpoint){.shape = "tiny", .dtype = DTYPE_F16};
    assert_error(random_checkpoint_write(&options, test_temporary("x"), &error), error, ERROR_USAGE,
                 "type F16");
    options.dtype = DTYPE_BF16;
    mkdir(test_temporary("full"), 0777);
    test_write(test_temporary("full/config.json"), "mine", 4);
    assert_error(random_checkpoint_write(&options, test_temporary("full"), &error), error, ERROR_USAGE,
                 "the folder is not empty");
    assert_int_equal(count_files(test_temporary("full")), 1);
    assert_error(random_checkpoint_write(&options, test_temporary("full/config.json"), &error), error,
                 ERROR_INPUT, "full/config.json");
    assert_error(random_checkpoint_write(&options, test_temporary("no/where"), &error), error, ERROR_INPUT,
                 "no/where");
    assert_false(file_exists(test_temporary("x")));
}

// A limit on the size of files stands in for a disk that fills up on the way.
static void cleans_up_after_a_failure(void **state) {
    (void)state;
    struct error error = {0};
    struct rlimit old, small;
    struct random_checkpoint options = {.shape = "tiny", .dtype = DTYPE_BF16, .shard_bytes = 300000};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 200000;
    mkdir(test_temporary("there"), 0777);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int failed = random_checkpoint_write(&options, test_temporary("made"), &error);
    int failed_too = random_checkpoint_write(&options, test_temporary("there"), &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(failed, -1);
    assert_error(failed_too, error, ERROR_IO, "cannot write");
    assert_false(file_exists(test_temporary("made")));
    assert_int_equal(count_files(test_temporary("there")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_checkpoints_that_open),
        cmocka_unit_test(configurations_come_back),
        cmocka_unit_test(the_seed_decides),
        cmocka_unit_test(the_tokenizer_knows_bytes_and_added_tokens),
        cmocka_unit_test(known_shapes_have_their_parameters),
        cmocka_unit_test(layers_can_be_fewer),
        cmocka_unit_test(refuses_what_it_cannot_write),
        cmocka_unit_test(cleans_up_after_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
