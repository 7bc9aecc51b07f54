#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "photo/decode.h"
#include "photo/patches.h"
#include "photo/resize.h"
#include "support_safetensors.h"

static void check_picture(struct image *resized, const char *file, size_t min_pixels, size_t max_pixels,
                          struct golden_tensor expected) {
    struct error error;
    struct image decoded;
    struct photo_options options = {.ignore_orientation = true, .as_pillow = true};
    size_t height, width;
    assert_ok(photo_decode_file(&decoded, golden_data("images/%s", file), &options, NULL, &error), error);
    assert_ok(photo_smart_resize(decoded.height, decoded.width, 28, min_pixels, max_pixels, &height, &width,
                                 &error),
              error);
    assert_ok(image_resize(resized, &decoded, width, height, &error), error);
    assert_int_equal(expected.dimensions, 3);
    assert_int_equal(height, expected.shape[0]);
    assert_int_equal(width, expected.shape[1]);
    assert_memory_equal(resized->rgb, expected.data, expected.count);
    image_free(&decoded);
}

// Rows of this picture among the stored ones, from `first` of the case's rows on; within the goldens'
// tolerance.
static size_t check_rows(const struct golden *golden, const float *rows, size_t first, size_t count,
                         size_t length) {
    bool all = golden_has(golden, "pixel_values");
    struct golden_tensor values = golden_get(golden, all ? "pixel_values" : "pixel_values_rows", "F32");
    assert_int_equal(values.shape[1], length);
    const int64_t *index = all ? NULL : golden_get(golden, "pixel_values_row_index", "I64").data;
    size_t checked = 0;
    for (size_t k = 0; k < values.shape[0]; k++) {
        size_t row = all ? k : (size_t)index[k];
        if (row < first || row >= first + count) continue;
        for (size_t i = 0; i < length; i++) {
            float expected, value = rows[(row - first) * length + i];
            memcpy(&expected, (const char *)values.data + (k * length + i) * sizeof expected,
                   sizeof expected);
            float step = fabsf(nextafterf(expected, INFINITY) - expected);
            if (!(fabsf(value - expected) <= step))
                fail_msg("row %zu value %zu is %.9g, not %.9g", row, i, (double)value, (double)expected);
        }
        checked++;
    }
    return checked;
}

static size_t pictures; // checked so far

static void check_case(const char *model, const char *name) {
    struct error error;
    struct photo_preprocessor preprocessor;
    assert_ok(photo_preprocessor_read(&preprocessor, golden_data("%s", model), NULL, &error), error);
    json_t *json = json_read_file(golden_data("%s/cases/%s.json", model, name), 1 << 20, &error);
    assert_got(json, error);
    struct golden golden = golden_open(golden_data("%s/cases/%s.safetensors", model, name));
    size_t min_pixels = (size_t)json_integer_value(json_object_get(json, "min_pixels"));
    size_t max_pixels = (size_t)json_integer_value(json_object_get(json, "max_pixels"));
    size_t i, first = 0, checked = 0;
    json_t *file;
    json_array_foreach(json_object_get(json, "images"), i, file) {
        char tensor[48];
        struct image resized;
        snprintf(tensor, sizeof tensor, "resized_rgb.%zu", i);
        check_picture(&resized, json_string_value(file), min_pixels, max_pixels,
                      golden_get(&golden, tensor, "U8"));
        size_t count = (resized.height / 14) * (resized.width / 14), length = 3 * 2 * 14 * 14;
        float *rows = malloc(count * length * sizeof *rows);
        assert_non_null(rows);
        photo_patchify(&resized, &preprocessor, rows);
        checked += check_rows(&golden, rows, first, count, length);
        first += count;
        free(rows);
        image_free(&resized);
    }
    pictures += i;
    if (i == 0) { // a case without pictures
        golden_close(&golden);
        json_decref(json);
        return;
    }
    bool all = golden_has(&golden, "pixel_values");
    size_t stored = golden_get(&golden, all ? "pixel_values" : "pixel_values_rows", "F32").shape[0];
    assert_true(stored > 0);
    assert_int_equal(checked, stored);
    golden_close(&golden);
    json_decref(json);
}

static void files_become_the_reference_s_rows(void **state) {
    (void)state;
    golden_each_case("qwen2_5_vl_tiny", check_case);
    golden_each_case("qwen2_5_vl_tiny_tied", check_case);
    assert_true(pictures > 0);
}

static void rows_come_in_merge_groups(void **state) {
    (void)state;
    static const size_t order[16][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3},
                                        {2, 0}, {2, 1}, {3, 0}, {3, 1}, {2, 2}, {2, 3}, {3, 2}, {3, 3}};
    struct error error;
    struct image image;
    struct photo_preprocessor plain = {
        .patch_size = 3, .merge_size = 2, .temporal_patch_size = 1, .std = {1, 1, 1}};
    assert_ok(image_new(&image, 12, 12, &error), error);
    for (size_t y = 0; y < 12; y++)
        for (size_t x = 0; x < 12; x++)
            for (size_t c = 0; c < 3; c++) image.rgb[(y * 12 + x) * 3 + c] = (uint8_t)(y * 16 + x + c * 4);
    float rows[16][3][3][3];
    photo_patchify(&image, &plain, &rows[0][0][0][0]);
    for (size_t r = 0; r < 16; r++)
        for (size_t c = 0; c < 3; c++)
            for (size_t y = 0; y < 3; y++)
                for (size_t x = 0; x < 3; x++) {
                    size_t pixel = (order[r][0] * 3 + y) * 16 + order[r][1] * 3 + x + c * 4;
                    assert_true(rows[r][c][y][x] == (float)((double)pixel * (1.0 / 255)));
                }
    image_free(&image);
}

// A folder with this preprocessor_config.json.
static const char *folder_with(const char *json) {
    static int number;
    const char *folder = test_temporary("config%d", number++);
    assert_int_equal(mkdir(folder, 0777), 0);
    char path[1100];
    snprintf(path, sizeof path, "%s/preprocessor_config.json", folder);
    test_write(path, json, strlen(json));
    return folder;
}

static void config_is_read(void **state) {
    (void)state;
    struct error error;
    struct photo_preprocessor p, standard = photo_preprocessor_default();
    assert_ok(photo_preprocessor_read(&p, test_data("qwen2_5_vl_tiny"), NULL, &error), error);
    assert_int_equal(p.max_pixels, 12845056);
    assert_int_equal(p.min_pixels, 3136);
    assert_memory_equal(p.mean, standard.mean, sizeof p.mean);
    assert_memory_equal(p.std, standard.std, sizeof p.std);
    assert_ok(photo_preprocessor_read(&p, test_temporary("no such folder"), NULL, &error), error);
    assert_int_equal(p.patch_size, 14);
    assert_int_equal(p.max_pixels, 12845056);
    assert_ok(
        photo_preprocessor_read(&p,
                                folder_with("{\"size\": {\"shortest_edge\": 10, \"longest_edge\": 20},"
                                            "\"max_pixels\": 30, \"min_pixels\": null, \"patch_size\": 16,"
                                            "\"image_mean\": [0, 0.5, 1], \"image_std\": [1, 2, 3],"
                                            "\"rescale_factor\": 0.00392156862745098}"),
                                NULL, &error),
        error);
    assert_int_equal(p.min_pixels, 10);
    assert_int_equal(p.max_pixels, 30);
    assert_int_equal(p.patch_size, 16);
    assert_true(p.mean[1] == 0.5F && p.std[2] == 3);
}

// transformers 5 keeps all in processor_config.json, and reads that first.
static void nested_config_is_read(void **state) {
    (void)state;
    static const char nested[] =
        "{\"processor_class\": \"Qwen2_5_VLProcessor\", \"image_processor\": "
        "{\"image_processor_type\": \"Qwen2VLImageProcessorFast\", \"size\": "
        "{\"shortest_edge\": 3136, \"longest_edge\": 12544}}, \"video_processor\": {}}",
                      older[] = "{\"processor_class\": \"Qwen2_5_VLProcessor\"}";
    struct error error;
    struct warnings warnings = {0};
    struct photo_preprocessor p;
    const char *folder = folder_with("{\"max_pixels\": 50176, \"glow\": 2}");
    char path[1100];
    snprintf(path, sizeof path, "%s/processor_config.json", folder);
    test_write(path, older, strlen(older));
    assert_ok(photo_preprocessor_read(&p, folder, &warnings, &error), error);
    assert_int_equal(p.max_pixels, 50176);
    assert_non_null(
        strstr(warnings.lines, "preprocessor_config.json: not known here, and not honoured: \"glow\""));
    test_write(path, nested, strlen(nested));
    assert_ok(photo_preprocessor_read(&p, folder, &warnings, &error), error);
    assert_int_equal(p.max_pixels, 12544);
    assert_non_null(strstr(warnings.lines,
                           "processor_config.json (3136 to 12544 pixels) and preprocessor_config.json "
                           "(3136 to 50176) disagree; the first counts"));
    test_write(path, "{\"image_processor\": {\"resample\": 2}}", 36);
    assert_error(photo_preprocessor_read(&p, folder, NULL, &error), error, ERROR_MODEL,
                 "processor_config.json: \"resample\" is 2, expected 3");
}

static void broken_config_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *json, *message;
    } broken[] = {
        {"", "empty"},
        {"{", "not valid JSON"},
        {"[]", "JSON object"},
        {"{\"patch_size\": 0}", "\"patch_size\" is 0"},
        {"{\"patch_size\": \"14\"}", "\"patch_size\" is a string"},
        {"{\"merge_size\": -2}", "\"merge_size\" is -2"},
        {"{\"temporal_patch_size\": 1e3}", "\"temporal_patch_size\" is a number"},
        {"{\"min_pixels\": 0}", "\"min_pixels\" is 0"},
        {"{\"min_pixels\": 10, \"max_pixels\": 9}", "more than \"max_pixels\" 9"},
        {"{\"size\": {\"longest_edge\": true}}", "\"longest_edge\" is true"},
        {"{\"image_mean\": 0.5}", "\"image_mean\" must be a list"},
        {"{\"image_mean\": [1, 2]}", "\"image_mean\" must be a list"},
        {"{\"image_std\": [1, 0, 1]}", "\"image_std\"[1]"},
        {"{\"image_std\": [1, 1, null]}", "\"image_std\"[2]"},
        {"{\"do_rescale\": false}", "\"do_rescale\" is false"},
        {"{\"rescale_factor\": 1}", "\"rescale_factor\" is 1"},
        {"{\"resample\": 2}", "\"resample\" is 2, expected 3"},
        {"{\"do_center_crop\": true}", "\"do_center_crop\" is not supported"},
        {"{\"size\": {\"height\": 448, \"width\": 448}}", "\"size\" holds \"height\""},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct error error;
        struct photo_preprocessor p;
        assert_error(photo_preprocessor_read(&p, folder_with(broken[i].json), NULL, &error), error,
                     ERROR_MODEL, broken[i].message);
        assert_non_null(strstr(error.message, "preprocessor_config.json"));
        assert_int_equal(p.patch_size, 14);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_become_the_reference_s_rows),
        cmocka_unit_test(rows_come_in_merge_groups),
        cmocka_unit_test(config_is_read),
        cmocka_unit_test(nested_config_is_read),
        cmocka_unit_test(broken_config_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
