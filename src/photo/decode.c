#include "photo/decode.h"

#include <stdlib.h>
#include <string.h>

#include <vips/vips.h>

#include "base/file.h"
#include "base/memory.h"
#include "photo/facts.h"
#include "photo/library.h"

enum {
    STRIP = 16,                       // rows decoded and converted at a time
    LARGEST_FILE = 2147483647,        // bytes
    DEFAULT_MAX_PIXELS_IN = 400000000 // 1.2 GB of RGB
};

// ---------------------------------------------------------------------------------------------------------
// Formats, by content: the list is all that is ever decoded, whatever else this libvips could read.

typedef int load_buffer(void *data, size_t length, VipsImage **out, ...);

struct format {
    const char *name;
    const char *title; // in messages
    load_buffer *load;
};

static const struct format jpeg = {"jpeg", "JPEG", vips_jpegload_buffer};
static const struct format png = {"png", "PNG", vips_pngload_buffer};
static const struct format webp = {"webp", "WebP", vips_webpload_buffer};
static const struct format heic = {"heic", "HEIC", vips_heifload_buffer};
static const struct format avif = {"avif", "AVIF", vips_heifload_buffer};
static const struct format tiff = {"tiff", "TIFF", vips_tiffload_buffer};
static const struct format gif = {"gif", "GIF", vips_gifload_buffer};

static bool has(const uint8_t *data, size_t length, size_t at, const char *text, size_t text_length) {
    return length >= at + text_length && memcmp(data + at, text, text_length) == 0;
}

// ISO media files name a brand and the brands they are compatible with; pictures name one of these.
static const struct format *sniff_brands(const uint8_t *data, size_t length) {
    static const char heic_brands[][5] = {"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"};
    size_t end = (size_t)data[2] << 8 | data[3]; // a longer box would be odd
    if (end > length) end = length;
    for (size_t at = 8; at + 4 <= end; at += 4)
        if (has(data, length, at, "avif", 4) || has(data, length, at, "avis", 4)) return &avif;
    for (size_t at = 8; at + 4 <= end; at += 4)
        for (size_t i = 0; i < sizeof heic_brands / sizeof *heic_brands; i++)
            if (has(data, length, at, heic_brands[i], 4)) return &heic;
    return NULL;
}

static const struct format *sniff(const uint8_t *data, size_t length) {
    if (has(data, length, 0, "\xFF\xD8\xFF", 3)) return &jpeg;
    if (has(data, length, 0, "\x89PNG\r\n\x1A\n", 8)) return &png;
    if (has(data, length, 0, "RIFF", 4) && has(data, length, 8, "WEBP", 4)) return &webp;
    if (has(data, length, 0, "GIF87a", 6) || has(data, length, 0, "GIF89a", 6)) return &gif;
    if (has(data, length, 0, "II*\0", 4) || has(data, length, 0, "MM\0*", 4)) return &tiff;
    if (has(data, length, 0, "II+\0", 4) || has(data, length, 0, "MM\0+", 4)) return &tiff;
    if (has(data, length, 4, "ftyp", 4)) return sniff_brands(data, length);
    return NULL;
}

// ---------------------------------------------------------------------------------------------------------
// Decoded rows → RGB, as Pillow's convert("RGB") makes it. ICC profiles are ignored there and here.

enum colours { GRAY, RGB, CMYK };

struct layout {
    enum colours colours;
    size_t bands;    // of the decoded picture; those beyond the colours are alpha
    bool deep;       // 16 bits per value
    bool low_values; // take min(value, 255) instead of the high byte
    bool over_white; // band 3 is alpha, to be composited
};

static uint8_t level(const void *row, size_t i, const struct layout *layout) {
    if (!layout->deep) return ((const uint8_t *)row)[i];
    unsigned value = ((const uint16_t *)row)[i];
    if (layout->low_values) return (uint8_t)(value < 255 ? value : 255);
    return (uint8_t)(value >> 8);
}

// value / 255, rounded, for value up to 255 * 255.
static unsigned divide_255(unsigned value) {
    value += 128;
    return (value + (value >> 8)) >> 8;
}

static void convert_gray(uint8_t *to, const void *from, size_t width, const struct layout *layout) {
    for (size_t x = 0; x < width; x++)
        to[x * 3] = to[x * 3 + 1] = to[x * 3 + 2] = level(from, x * layout->bands, layout);
}

static void convert_rgb(uint8_t *to, const void *from, size_t width, const struct layout *layout) {
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < 3; c++) to[x * 3 + c] = level(from, x * layout->bands + c, layout);
}

static void convert_over_white(uint8_t *to, const void *from, size_t width, const struct layout *layout) {
    for (size_t x = 0; x < width; x++) {
        unsigned alpha = level(from, x * layout->bands + 3, layout);
        for (size_t c = 0; c < 3; c++) {
            unsigned colour = level(from, x * layout->bands + c, layout);
            to[x * 3 + c] = (uint8_t)divide_255(255 * (255 - alpha) + colour * alpha);
        }
    }
}

// Values are amounts of ink: libvips has already turned the inverted values of JPEG files round, as Pillow
// does.
static void convert_cmyk(uint8_t *to, const void *from, size_t width, const struct layout *layout) {
    for (size_t x = 0; x < width; x++) {
        unsigned light = 255U - level(from, x * layout->bands + 3, layout);
        for (size_t c = 0; c < 3; c++)
            to[x * 3 + c] = (uint8_t)(light - divide_255(level(from, x * layout->bands + c, layout) * light));
    }
}

static void convert_row(uint8_t *to, const void *from, size_t width, const struct layout *layout) {
    if (layout->colours == CMYK)
        convert_cmyk(to, from, width, layout);
    else if (layout->colours == GRAY)
        convert_gray(to, from, width, layout);
    else if (layout->over_white)
        convert_over_white(to, from, width, layout);
    else if (layout->bands == 3 && !layout->deep)
        memcpy(to, from, width * 3);
    else
        convert_rgb(to, from, width, layout);
}

// ---------------------------------------------------------------------------------------------------------
// EXIF orientation: 2, 3, 7, 8 mirror the columns, 3, 4, 6, 7 the rows, and from 5 on rows become columns.

static bool is_transposed(int orientation) {
    return orientation >= 5;
}

// Puts `rows` converted rows [rows, width, 3], the first of which is row `top` of the stored picture, in
// their place.
static void place_strip(struct image *image, const uint8_t *strip, size_t top, size_t rows, size_t width,
                        size_t height, int orientation) {
    bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    bool transpose = is_transposed(orientation);
    for (size_t x = 0; x < width; x++) // columns outside: a transposed strip is written along its rows
        for (size_t y = 0; y < rows; y++) {
            size_t u = mirror_x ? width - 1 - x : x, v = mirror_y ? height - 1 - top - y : top + y;
            uint8_t *pixel = image->rgb + (transpose ? u * image->width + v : v * image->width + u) * 3;
            memcpy(pixel, strip + (y * width + x) * 3, 3);
        }
}

// ---------------------------------------------------------------------------------------------------------
// One file

struct job {
    const uint8_t *data;
    size_t length;
    const char *name;
    const struct photo_options *options;
    const struct format *format;
    struct photo_facts facts;
    struct image image;
    bool measure; // the facts only
};

static int check_size(const struct job *job, struct error *error) {
    size_t limit = job->options->max_pixels_in ? job->options->max_pixels_in : DEFAULT_MAX_PIXELS_IN;
    size_t width = job->facts.stored_width, height = job->facts.stored_height;
    if (width > limit / height)
        return error_set(error, ERROR_LIMIT, "%s: %zu x %zu pixels, more than the limit of %zu", job->name,
                         width, height, limit);
    return 0;
}

// qwen_vl_utils composites the mode RGBA only: not gray with alpha, not a palette or a colour key with
// transparency. In a PNG file, byte 25 says which it is. (Colours under a GIF's transparent pixels are lost
// in libvips, which makes them black, so there white is the better choice.)
static bool is_rgba(const struct job *job, size_t bands) {
    enum { PNG_COLOUR_TYPE = 25, PNG_RGBA = 6 };
    if (bands != 4) return false;
    return job->format != &png || (job->length > PNG_COLOUR_TYPE && job->data[PNG_COLOUR_TYPE] == PNG_RGBA);
}

static int find_layout(struct layout *layout, VipsImage *source, const struct job *job, struct error *error) {
    VipsBandFormat values = vips_image_get_format(source);
    VipsInterpretation colours = vips_image_get_interpretation(source);
    *layout =
        (struct layout){.bands = (size_t)vips_image_get_bands(source), .deep = values == VIPS_FORMAT_USHORT};
    if ((values != VIPS_FORMAT_UCHAR && values != VIPS_FORMAT_USHORT) || colours == VIPS_INTERPRETATION_LAB)
        return error_set(error, ERROR_INPUT, "%s: %s with \"%s\" values in \"%s\" is not supported",
                         job->name, job->format->title, vips_enum_nick(VIPS_TYPE_BAND_FORMAT, (int)values),
                         vips_enum_nick(VIPS_TYPE_INTERPRETATION, (int)colours));
    if (colours == VIPS_INTERPRETATION_CMYK && layout->bands >= 4)
        layout->colours = CMYK;
    else if (layout->bands >= 3)
        layout->colours = RGB;
    // Pillow opens 16-bit gray as "I;16", whose way to 8 bits clips instead of scaling. Odd, but what was
    // trained on.
    layout->low_values = layout->deep && layout->bands == 1;
    layout->over_white = job->options->alpha == PHOTO_ALPHA_OVER_WHITE && is_rgba(job, layout->bands);
    return 0;
}

// Pulls the picture through libvips strip by strip, so that no second copy of it is made. Like library_work.
static int read_pixels(struct job *job, VipsImage *source, VipsRegion *region, int orientation,
                       struct error *error) {
    struct layout layout;
    size_t width = job->facts.stored_width, height = job->facts.stored_height;
    bool transpose = is_transposed(orientation);
    if (find_layout(&layout, source, job, error) ||
        image_new(&job->image, transpose ? height : width, transpose ? width : height, error))
        return -1;
    uint8_t *strip = memory_new(width * 3, STRIP, job->name, error);
    int result = strip ? 0 : -1;
    for (size_t top = 0; top < height && result == 0; top += STRIP) {
        size_t rows = height - top < STRIP ? height - top : STRIP;
        VipsRect rectangle = {0, (int)top, (int)width, (int)rows};
        if (vips_region_prepare(region, &rectangle)) {
            result = 1;
            break;
        }
        uint8_t *to = orientation == 1 ? job->image.rgb + top * width * 3 : strip;
        for (size_t y = 0; y < rows; y++)
            convert_row(to + y * width * 3, VIPS_REGION_ADDR(region, 0, (int)(top + y)), width, &layout);
        if (orientation != 1) place_strip(&job->image, strip, top, rows, width, height, orientation);
    }
    free(strip);
    return result;
}

// What the pixels have to be turned by. With ignore_orientation none, as in the reference; but HEIC and AVIF
// always arrive upright, since libheif (also under Pillow) turns them by the container's own rule, and Pillow
// turns TIFF.
static int orientation_to_apply(const struct job *job) {
    bool ignore = job->options->ignore_orientation && job->format != &tiff;
    return ignore ? 1 : job->facts.orientation;
}

static int decode(void *state, struct error *error) {
    struct job *job = state;
    VipsImage *source = NULL;
    image_free(&job->image); // of a first attempt
    if (job->format->load((void *)job->data, job->length, &source, "access", VIPS_ACCESS_SEQUENTIAL,
                          "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL))
        return 1;
    facts_read(&job->facts, source);
    int result = check_size(job, error);
    if (result == 0 && !job->measure) {
        VipsRegion *region = vips_region_new(source);
        result = region ? read_pixels(job, source, region, orientation_to_apply(job), error) : 1;
        if (region) g_object_unref(region);
    }
    g_object_unref(source);
    return result;
}

// libwebp does not say when the data ends too early, but the file states its length.
static bool is_short_webp(const struct job *job) {
    if (job->format != &webp || job->length < 8) return false;
    const uint8_t *size = job->data + 4;
    return job->length - 8 < ((size_t)size[3] << 24 | (size_t)size[2] << 16 | (size_t)size[1] << 8 | size[0]);
}

static void explain(const struct job *job, const char *reason, struct error *error) {
    if (is_short_webp(job)) reason = LIBRARY_CUT_SHORT;
    bool cut_short = strcmp(reason, LIBRARY_CUT_SHORT) == 0;
    error_set(error, ERROR_INPUT, "%s: %s %s: %s", job->name, cut_short ? "truncated" : "broken",
              job->format->title, reason);
}

// The facts are set when it returns 0.
static int run_job(struct job *job, struct error *error) {
    if (job->length == 0) return error_set(error, ERROR_INPUT, "%s: the file is empty", job->name);
    job->format = sniff(job->data, job->length);
    if (!job->format)
        return error_set(error, ERROR_INPUT, "%s: not a JPEG, PNG, WebP, HEIC, AVIF, TIFF or GIF picture",
                         job->name);
    job->facts.format = job->format->name;
    char reason[LIBRARY_REASON];
    int result = library_run(decode, job, reason, error);
    if (result > 0) explain(job, reason, error);
    if (result == 0) return 0;
    image_free(&job->image);
    return -1;
}

static const struct photo_options default_options;

int photo_decode_buffer(struct image *image, const void *data, size_t length, const char *name,
                        const struct photo_options *options, struct photo_facts *facts, struct error *error) {
    struct job job = {
        .data = data, .length = length, .name = name, .options = options ? options : &default_options};
    int result = run_job(&job, error);
    *image = job.image;
    if (facts && result == 0) *facts = job.facts;
    if (facts && result) *facts = (struct photo_facts){.orientation = 1, .format = ""};
    return result;
}

int photo_measure_buffer(const void *data, size_t length, const char *name, struct photo_facts *facts,
                         struct error *error) {
    struct job job = {
        .data = data, .length = length, .name = name, .options = &default_options, .measure = true};
    int result = run_job(&job, error);
    *facts = job.facts;
    return result;
}

int photo_decode_file(struct image *image, const char *path, const struct photo_options *options,
                      struct photo_facts *facts, struct error *error) {
    *image = (struct image){0};
    size_t length;
    char *data = file_read(path, LARGEST_FILE, &length, error);
    if (!data) return -1;
    int result = photo_decode_buffer(image, data, length, path, options, facts, error);
    free(data);
    return result;
}
