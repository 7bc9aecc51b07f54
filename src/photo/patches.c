#include "photo/patches.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"

enum { CONFIG_LIMIT = 1 << 20 };

struct photo_preprocessor photo_preprocessor_default(void) {
    return (struct photo_preprocessor){
        .patch_size = 14,
        .merge_size = 2,
        .temporal_patch_size = 2,
        .min_pixels = 4 * 28 * 28,
        .max_pixels = 16384 * 28 * 28,
        .mean = {0.48145466F, 0.4578275F, 0.40821073F}, // CLIP's
        .std = {0.26862954F, 0.26130258F, 0.27577711F},
    };
}

static int get_size(const json_t *object, const char *key, int64_t low, int64_t high, size_t *value,
                    const char *path, struct error *error) {
    int64_t number = (int64_t)*value;
    if (json_get_integer(object, key, low, high, &number, path, error)) return -1;
    *value = (size_t)number;
    return 0;
}

// Three numbers; `low` excludes a deviation of zero.
static int get_channels(const json_t *object, const char *key, double low, float values[3], const char *path,
                        struct error *error) {
    const json_t *list = json_object_get(object, key);
    if (!list || json_is_null(list)) return 0;
    if (!json_is_array(list) || json_array_size(list) != 3)
        return error_set(error, ERROR_INPUT, "%s: \"%s\" must be a list of three numbers", path, key);
    for (size_t i = 0; i < 3; i++) {
        const json_t *number = json_array_get(list, i);
        if (!json_is_number(number) ||
            !(json_number_value(number) >= low && json_number_value(number) <= 1e3))
            return error_set(error, ERROR_INPUT, "%s: \"%s\"[%zu] must be a number from %g to 1000", path,
                             key, i, low);
        values[i] = (float)json_number_value(number);
    }
    return 0;
}

// What we do not do must not be asked for: wrong pixels would only show as bad answers.
static int check_steps(const json_t *object, const char *path, struct error *error) {
    static const char *const steps[] = {"do_resize", "do_rescale", "do_normalize"};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        bool wanted = true;
        if (json_get_boolean(object, steps[i], &wanted, path, error)) return -1;
        if (!wanted)
            return error_set(error, ERROR_INPUT, "%s: \"%s\" is false, which is not supported", path,
                             steps[i]);
    }
    double factor = 1.0 / 255;
    if (json_get_number(object, "rescale_factor", 0, 1, &factor, path, error)) return -1;
    if (fabs(factor * 255 - 1) > 1e-6)
        return error_set(error, ERROR_INPUT, "%s: \"rescale_factor\" is %g, expected 1/255", path, factor);
    return 0;
}

// Older files say min_pixels and max_pixels, newer ones (also) size.shortest_edge and size.longest_edge,
// which are areas too in spite of their names.
static int read_limits(const json_t *object, struct photo_preprocessor *out, const char *path,
                       struct error *error) {
    const json_t *size = json_object_get(object, "size");
    const int64_t most = INT64_C(1) << 40;
    if (json_is_object(size) && (get_size(size, "shortest_edge", 1, most, &out->min_pixels, path, error) ||
                                 get_size(size, "longest_edge", 1, most, &out->max_pixels, path, error)))
        return -1;
    if (get_size(object, "min_pixels", 1, most, &out->min_pixels, path, error) ||
        get_size(object, "max_pixels", 1, most, &out->max_pixels, path, error))
        return -1;
    if (out->min_pixels > out->max_pixels)
        return error_set(error, ERROR_INPUT, "%s: \"min_pixels\" is %zu, more than \"max_pixels\" %zu", path,
                         out->min_pixels, out->max_pixels);
    return 0;
}

static int read_preprocessor(const json_t *object, struct photo_preprocessor *out, const char *path,
                             struct error *error) {
    if (!json_is_object(object))
        return error_set(error, ERROR_INPUT, "%s: the file must hold a JSON object", path);
    if (get_size(object, "patch_size", 1, 256, &out->patch_size, path, error) ||
        get_size(object, "merge_size", 1, 16, &out->merge_size, path, error) ||
        get_size(object, "temporal_patch_size", 1, 16, &out->temporal_patch_size, path, error) ||
        get_channels(object, "image_mean", -1e3, out->mean, path, error) ||
        get_channels(object, "image_std", 1e-6, out->std, path, error) ||
        read_limits(object, out, path, error))
        return -1;
    return check_steps(object, path, error);
}

int photo_preprocessor_read(struct photo_preprocessor *preprocessor, const char *folder,
                            struct error *error) {
    *preprocessor = photo_preprocessor_default();
    char *path = file_join(folder, "preprocessor_config.json", error);
    if (!path) return -1;
    int result = 0;
    if (file_exists(path)) {
        struct photo_preprocessor read = *preprocessor;
        json_t *object = json_read_file(path, CONFIG_LIMIT, error);
        result = object ? read_preprocessor(object, &read, path, error) : -1;
        if (result == 0)
            *preprocessor = read;
        else if (error && error->code == ERROR_INPUT)
            error->code = ERROR_MODEL; // the file is part of a checkpoint
        json_decref(object);
    }
    free(path);
    return result;
}

// The value of every pixel level of a channel, rounded where the reference rounds: the product with 1/255 in
// float64, then float32.
static void fill_levels(float levels[3][256], const struct photo_preprocessor *preprocessor) {
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < 256; i++) {
            float unit = (float)((double)i * (1.0 / 255));
            levels[c][i] = (unit - preprocessor->mean[c]) / preprocessor->std[c];
        }
}

// One row: channel, temporal copy, py, px. The copies of a still picture are equal.
static void write_row(float *row, const uint8_t *corner, size_t stride, size_t patch, size_t copies,
                      const float levels[3][256]) {
    for (size_t c = 0; c < 3; c++)
        for (size_t t = 0; t < copies; t++)
            for (size_t y = 0; y < patch; y++)
                for (size_t x = 0; x < patch; x++) *row++ = levels[c][corner[y * stride + x * 3 + c]];
}

void photo_patchify(const struct image *image, const struct photo_preprocessor *preprocessor, float *rows) {
    float levels[3][256];
    fill_levels(levels, preprocessor);
    size_t patch = preprocessor->patch_size, merge = preprocessor->merge_size;
    size_t copies = preprocessor->temporal_patch_size, stride = image->width * 3;
    size_t row_length = 3 * copies * patch * patch, group = patch * merge;
    for (size_t top = 0; top < image->height; top += group)
        for (size_t left = 0; left < image->width; left += group)
            for (size_t dy = 0; dy < merge; dy++)
                for (size_t dx = 0; dx < merge; dx++) {
                    const uint8_t *corner =
                        image->rgb + (top + dy * patch) * stride + (left + dx * patch) * 3;
                    write_row(rows, corner, stride, patch, copies, (const float(*)[256])levels);
                    rows += row_length;
                }
}
