// The image processor's settings of a checkpoint: preprocessor_config.json, or processor_config.json, where
// transformers 5 keeps them.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "photo/patches.h"

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
    static const char *const cuts[] = {"do_center_crop", "do_pad", "do_thumbnail", "do_image_splitting"};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
        if (!json_is_unset(json_object_get(object, cuts[i])))
            return error_set(error, ERROR_INPUT, "%s: \"%s\" is not supported", path, cuts[i]);
    enum { BICUBIC = 3 };
    int64_t resample = BICUBIC;
    if (json_get_integer(object, "resample", 0, 5, &resample, path, error)) return -1;
    if (resample != BICUBIC)
        return error_set(error, ERROR_INPUT, "%s: \"resample\" is %d, expected 3 (bicubic)", path,
                         (int)resample);
    double factor = 1.0 / 255;
    if (json_get_number(object, "rescale_factor", 0, 1, &factor, path, error)) return -1;
    if (fabs(factor * 255 - 1) > 1e-6)
        return error_set(error, ERROR_INPUT, "%s: \"rescale_factor\" is %g, expected 1/255", path, factor);
    return 0;
}

// Older files say min_pixels and max_pixels, newer ones (also) size.shortest_edge and size.longest_edge,
// which are areas too in spite of their names.
static int check_edges(const json_t *size, const char *path, struct error *error) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)size, key, value) {
        if (strcmp(key, "shortest_edge") != 0 && strcmp(key, "longest_edge") != 0 && !json_is_null(value))
            return error_set(error, ERROR_INPUT,
                             "%s: \"size\" holds \"%.40s\", expected shortest_edge and longest_edge", path,
                             key);
    }
    return 0;
}

static int read_limits(const json_t *object, struct photo_preprocessor *out, const char *path,
                       struct error *error) {
    const json_t *size = json_object_get(object, "size");
    const int64_t most = INT64_C(1) << 40;
    if (json_is_object(size) && check_edges(size, path, error)) return -1;
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

// Read, or without a say in what a picture becomes.
static const char *const known[] = {"patch_size",
                                    "merge_size",
                                    "temporal_patch_size",
                                    "min_pixels",
                                    "max_pixels",
                                    "size",
                                    "image_mean",
                                    "image_std",
                                    "do_resize",
                                    "do_rescale",
                                    "do_normalize",
                                    "rescale_factor",
                                    "resample",
                                    "do_convert_rgb",
                                    "image_processor_type",
                                    "processor_class",
                                    "feature_extractor_type",
                                    "data_format",
                                    "input_data_format",
                                    "default_to_square",
                                    "device",
                                    "disable_grouping",
                                    "return_tensors",
                                    "return_metadata",
                                    "crop_size",
                                    "size_divisor",
                                    "pad_size",
                                    "image_seq_length",
                                    "video_processor_type",
                                    "auto_map",
                                    "transformers_version",
                                    "_processor_class",
                                    NULL};

static void check_kind(const json_t *object, const char *path, struct warnings *warnings) {
    static const char *const kinds[] = {"Qwen2VLImageProcessor", "Qwen2VLImageProcessorFast",
                                        "Qwen2VLImageProcessorPil", "Qwen2_5_VLImageProcessor"};
    const char *kind = json_string_value(json_object_get(object, "image_processor_type"));
    for (size_t i = 0; kind && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i]) == 0) return;
    if (kind)
        warnings_add(warnings, "%s: \"image_processor_type\" is \"%.60s\"; read as Qwen2VLImageProcessor",
                     path, kind);
}

static bool same_values(const float *a, const float *b, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (a[i] != b[i]) return false;
    return true;
}

static bool differ(const struct photo_preprocessor *a, const struct photo_preprocessor *b) {
    return a->min_pixels != b->min_pixels || a->max_pixels != b->max_pixels ||
           a->patch_size != b->patch_size || a->merge_size != b->merge_size ||
           a->temporal_patch_size != b->temporal_patch_size ||
           !same_values(a->mean, b->mean, sizeof a->mean / sizeof *a->mean) ||
           !same_values(a->std, b->std, sizeof a->std / sizeof *a->std);
}

// FOLDER/FILE, or of it the object under `part` when there is one. 1: read, 0: not there.
static int read_one(struct photo_preprocessor *out, const char *folder, const char *file, const char *part,
                    struct warnings *warnings, struct error *error) {
    char *path = file_join(folder, file, error);
    if (!path) return -1;
    int result = 0;
    if (file_exists(path)) {
        json_t *root = json_read_file(path, CONFIG_LIMIT, error);
        const json_t *object = root;
        result = root ? 1 : -1;
        if (root && part) {
            object = json_object_get(root, part);
            if (!json_is_object(root))
                result = error_set(error, ERROR_INPUT, "%s: the file must hold a JSON object", path);
            else if (!object || json_is_null(object))
                result = 0; // the older kind, which names classes only
        }
        if (result == 1 && read_preprocessor(object, out, path, error)) result = -1;
        if (result == 1) check_kind(object, path, warnings);
        if (result == 1) warnings_add_unknown(warnings, object, known, path);
        json_decref(root);
    }
    free(path);
    return result;
}

int photo_preprocessor_read(struct photo_preprocessor *preprocessor, const char *folder,
                            struct warnings *warnings, struct error *error) {
    static const char own[] = "preprocessor_config.json", shared[] = "processor_config.json";
    struct photo_preprocessor nested = photo_preprocessor_default(), plain = nested;
    *preprocessor = nested;
    int has_nested = read_one(&nested, folder, shared, "image_processor", warnings, error);
    int has_plain = has_nested >= 0 ? read_one(&plain, folder, own, NULL, warnings, error) : -1;
    if (has_nested < 0 || has_plain < 0) {
        if (error && error->code == ERROR_INPUT)
            error->code = ERROR_MODEL; // the files are part of a checkpoint
        return -1;
    }
    if (has_nested && has_plain && differ(&nested, &plain))
        warnings_add(
            warnings,
            "%s: %s (%zu to %zu pixels) and %s (%zu to %zu) disagree; the first counts, as in transformers 5",
            folder, shared, nested.min_pixels, nested.max_pixels, own, plain.min_pixels, plain.max_pixels);
    if (has_nested || has_plain) *preprocessor = has_nested ? nested : plain;
    return 0;
}
