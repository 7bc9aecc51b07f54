#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "photo/resize.h"
#include "support_safetensors.h"

static size_t size_of(const json_t *row, const char *key) {
    json_t *value = json_object_get(row, key);
    assert_true(json_is_integer(value));
    return (size_t)json_integer_value(value);
}

static void sizes_are_the_reference_s(void **state) {
    (void)state;
    struct error error;
    json_t *root = json_read_file(golden_data("image/smart_resize.json"), 1 << 20, &error);
    assert_got(root, error);
    size_t factor = size_of(root, "factor"), i, refused = 0;
    json_t *row;
    json_array_foreach(json_object_get(root, "rows"), i, row) {
        size_t height = 0, width = 0;
        int result = photo_smart_resize(size_of(row, "height"), size_of(row, "width"), factor,
                                        size_of(row, "min_pixels"), size_of(row, "max_pixels"), &height,
                                        &width, &error);
        json_t *expected = json_object_get(row, "result");
        if (json_is_null(expected)) {
            assert_error(result, error, ERROR_INPUT, "more than 200 times");
            refused++;
            continue;
        }
        assert_ok(result, error);
        assert_int_equal(height, json_integer_value(json_array_get(expected, 0)));
        assert_int_equal(width, json_integer_value(json_array_get(expected, 1)));
    }
    assert_true(i > refused && refused > 0); // both kinds
    json_decref(root);
}

static void impossible_sizes_are_refused(void **state) {
    (void)state;
    struct error error;
    size_t h, w;
    assert_error(photo_smart_resize(0, 10, 28, 1, 100, &h, &w, &error), error, ERROR_INPUT, "10 x 0");
    assert_error(photo_smart_resize(10, 0, 28, 1, 100, &h, &w, &error), error, ERROR_INPUT, "0 x 10");
    assert_error(photo_smart_resize(10, 10, 0, 1, 100, &h, &w, &error), error, ERROR_INPUT, "multiples of 0");
    assert_error(photo_smart_resize((size_t)-1, (size_t)-1, 28, 1, 100, &h, &w, &error), error, ERROR_INPUT,
                 "cannot resize");
}

static struct image image_from(struct golden_tensor tensor) {
    struct error error;
    struct image image;
    assert_int_equal(tensor.dimensions, 3);
    assert_int_equal(tensor.shape[2], 3);
    assert_ok(image_new(&image, tensor.shape[1], tensor.shape[0], &error), error);
    memcpy(image.rgb, tensor.data, tensor.count);
    return image;
}

static void pixels_are_pillow_s(void **state) {
    (void)state;
    struct error error;
    struct golden golden = golden_open(golden_data("image/resize.safetensors"));
    char name[32] = "0.input";
    int i = 0;
    for (; golden_has(&golden, name); snprintf(name, sizeof name, "%d.input", ++i)) {
        struct image in = image_from(golden_get(&golden, name, "U8")), out;
        snprintf(name, sizeof name, "%d.output", i);
        struct golden_tensor expected = golden_get(&golden, name, "U8");
        assert_ok(image_resize(&out, &in, expected.shape[1], expected.shape[0], &error), error);
        assert_memory_equal(out.rgb, expected.data, expected.count);
        image_free(&in);
        image_free(&out);
    }
    assert_true(i > 0);
    golden_close(&golden);
}

// The definition, one output value at a time: what the fast code must give for any size.
static double cubic(double x) {
    x = x < 0 ? -x : x;
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

static uint8_t weighted(const uint8_t *values, size_t step, size_t in, size_t out, size_t i) {
    double scale = (double)in / (double)out, wide = scale > 1 ? scale : 1, centre = ((double)i + 0.5) * scale;
    long low = (long)(centre - 2 * wide + 0.5), high = (long)(centre + 2 * wide + 0.5);
    if (low < 0) low = 0;
    if (high > (long)in) high = (long)in;
    double sum = 0;
    for (long j = low; j < high; j++) sum += cubic(((double)j - centre + 0.5) / wide);
    int64_t total = 1 << 21;
    for (long j = low; j < high; j++) {
        double weight = cubic(((double)j - centre + 0.5) / wide) / sum * (1 << 22);
        total += (int64_t)(weight < 0 ? weight - 0.5 : weight + 0.5) * values[(size_t)j * step];
    }
    total >>= 22;
    return (uint8_t)(total < 0 ? 0 : total > 255 ? 255 : total);
}

static void check_against_definition(size_t in_width, size_t in_height, size_t width, size_t height) {
    struct error error;
    struct image in, out, middle;
    assert_ok(image_new(&in, in_width, in_height, &error), error);
    assert_ok(image_new(&middle, width, in_height, &error), error);
    for (size_t i = 0; i < in_width * in_height * 3; i++)
        in.rgb[i] = (uint8_t)((i * 2654435761U >> 11) % 3 ? (i * 40503U >> 5) : (i & 1) * 255);
    for (size_t y = 0; y < in_height; y++)
        for (size_t x = 0; x < width * 3; x++)
            middle.rgb[y * width * 3 + x] =
                weighted(in.rgb + y * in_width * 3 + x % 3, 3, in_width, width, x / 3);
    assert_ok(image_resize(&out, &in, width, height, &error), error);
    assert_int_equal(out.width, width);
    assert_int_equal(out.height, height);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width * 3; x++) {
            uint8_t expected = weighted(middle.rgb + x, width * 3, in_height, height, y);
            if (abs(out.rgb[y * width * 3 + x] - expected) > 0)
                fail_msg("%zux%zu to %zux%zu: value %zu of row %zu is %d, not %d", in_width, in_height, width,
                         height, x, y, out.rgb[y * width * 3 + x], expected);
        }
    image_free(&in);
    image_free(&out);
    image_free(&middle);
}

static void any_size_follows_the_definition(void **state) {
    (void)state;
    check_against_definition(1, 1, 28, 28);
    check_against_definition(1, 200, 28, 5);
    check_against_definition(200, 1, 3, 1);
    check_against_definition(17, 33, 16, 16);
    check_against_definition(16, 16, 17, 15);
    check_against_definition(31, 47, 31, 28); // one pass only
    check_against_definition(31, 47, 29, 47); // the other only
    check_against_definition(640, 5, 1, 1);   // widest kernel
    check_against_definition(64, 64, 300, 2);
}

static void empty_or_huge_targets_are_refused(void **state) {
    (void)state;
    struct error error;
    struct image in, out;
    assert_ok(image_new(&in, 2, 2, &error), error);
    memset(in.rgb, 7, 12);
    assert_error(image_resize(&out, &in, 0, 5, &error), error, ERROR_INPUT, "0 x 5");
    assert_error(image_resize(&out, &in, 5, 0, &error), error, ERROR_INPUT, "5 x 0");
    assert_error(image_resize(&out, &in, (size_t)-1, 5, &error), error, ERROR_INPUT, "cannot resize");
    assert_null(out.rgb);
    image_free(&in);
    assert_error(image_resize(&out, &in, 5, 5, &error), error, ERROR_INPUT, "0 x 0");
    assert_error(image_new(&out, (size_t)-1, 2, &error), error, ERROR_MEMORY, "too large");
    assert_null(out.rgb);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_the_reference_s),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(pixels_are_pillow_s),
        cmocka_unit_test(any_size_follows_the_definition),
        cmocka_unit_test(empty_or_huge_targets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
