#include "photo/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vips/vips.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "photo/facts.h"
#include "photo/formats.h"
#include "photo/gif.h"
#include "photo/jpeg.h"
#include "photo/library.h"
#include "photo/png.h"
#include "photo/raw_preview.h"
#include "photo/tiff.h"

enum {
    STRIP = 16,                        // rows decoded and converted at a time
    DEFAULT_MAX_PIXELS_IN = 400000000, // read row by row
    DEFAULT_MAX_WHOLE = 204000000, // for formats of which the decoder keeps all: 200 megapixel phones pass
    EXACT_PIXELS = 100000000,      // more are shrunk while they are read ...
    SHRUNK_PIXELS = 64000000,      // ... to at most this many: four times what any model here sees
    BOMB_PIXELS = 32000000,        // decoded whole, this many take more than BOMB_RATIO pixels to a byte
    BOMB_RATIO = 200
};

// ---- Decoded rows → RGB, as Pillow's convert("RGB") makes it. ICC profiles are ignored there and here. -

enum colours { GRAY, RGB, CMYK };

struct layout {
    enum colours colours;
    size_t bands;          // of the decoded picture; those beyond the colours are alpha
    bool deep;             // 16 bits per value
    bool low_values;       // take min(value, 255) instead of the high byte
    bool scaled;           // take value / 257, rounded, instead of the high byte
    bool over_white;       // band 3 is alpha, to be composited
    bool ycbcr;            // the three bands are Y, Cb, Cr
    const uint8_t *hidden; // [3] the colour of pixels whose alpha is 0, or NULL: what the file has there
};

static uint8_t level(const void *row, size_t i, const struct layout *layout) {
    if (!layout->deep) return ((const uint8_t *)row)[i];
    unsigned value = ((const uint16_t *)row)[i];
    if (layout->low_values) return (uint8_t)(value < 255 ? value : 255);
    if (layout->scaled) return (uint8_t)((value + 128) / 257);
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

static uint8_t clip(double value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
}

// CCIR 601, as JFIF has it.
static void turn_ycbcr(uint8_t *to, size_t width) {
    for (size_t x = 0; x < width; x++, to += 3) {
        double y = to[0], cb = to[1] - 128.0, cr = to[2] - 128.0;
        to[0] = clip(y + 1.402 * cr);
        to[1] = clip(y - 0.344136 * cb - 0.714136 * cr);
        to[2] = clip(y + 1.772 * cb);
    }
}

// Where alpha is 0 libvips has no colour, but the file has.
static void show_hidden(uint8_t *to, const void *from, size_t width, const struct layout *layout) {
    for (size_t x = 0; x < width; x++)
        if (level(from, (x + 1) * layout->bands - 1, layout) == 0) memcpy(to + x * 3, layout->hidden, 3);
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
    if (layout->ycbcr) turn_ycbcr(to, width);
    if (layout->hidden) show_hidden(to, from, width, layout);
}

// ---- EXIF orientation: 2, 3, 7, 8 mirror the columns, 3, 4, 6, 7 the rows, and from 5 on rows become columns.

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

// ---- One file ------------------------------------------------------------------------------------------

struct job {
    const uint8_t *data;
    size_t length;
    const char *name;
    const struct photo_options *options;
    const struct format *format;
    struct tiff_look tiff;
    struct jpeg_look jpeg;
    uint8_t hidden[3]; // of a GIF
    bool whole;        // the decoder keeps the whole picture in memory
    struct photo_facts facts;
    size_t width, height; // as it is decoded
    struct image image;
    bool measure;          // the facts only
    bool lenient;          // what is missing of the file stays black or gray
    struct buffer preview; // of a raw file: what is decoded in its place
};

static int check_size(const struct job *job, struct error *error) {
    size_t limit = job->options->max_pixels_in, width = job->facts.stored_width,
           height = job->facts.stored_height;
    if (!limit) limit = job->whole ? DEFAULT_MAX_WHOLE : DEFAULT_MAX_PIXELS_IN;
    if (width > limit / height)
        return error_set(error, ERROR_LIMIT, "%s: %zu x %zu pixels, more than the limit of %zu", job->name,
                         width, height, limit);
    if (job->whole && width * height > BOMB_PIXELS && job->length < width * height / BOMB_RATIO)
        return error_set(error, ERROR_LIMIT,
                         "%s: %zu x %zu pixels in a file of %zu bytes: no photo, and too large to be decoded "
                         "in one piece",
                         job->name, width, height, job->length);
    return 0;
}

// Pixels along each side that become one, so that a huge picture need not be kept.
static size_t choose_shrink(size_t width, size_t height) {
    size_t shrink = 1;
    if (width * height > EXACT_PIXELS)
        while (width / shrink * (height / shrink) > SHRUNK_PIXELS) shrink++;
    while (shrink > 1 && (width < shrink || height < shrink)) shrink--; // a line of pixels stays one
    return shrink;
}

// qwen_vl_utils composites the mode RGBA only: not gray with alpha, not a palette (so no GIF) or a colour key
// with transparency. In a PNG file, byte 25 says which it is.
static bool is_rgba(const struct job *job, size_t bands) {
    enum { PNG_COLOUR_TYPE = 25, PNG_RGBA = 6 };
    if (bands != 4 || job->format == &format_gif) return false;
    return job->format != &format_png ||
           (job->length > PNG_COLOUR_TYPE && job->data[PNG_COLOUR_TYPE] == PNG_RGBA);
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
    // Pillow opens 16-bit gray as "I;16", whose way to 8 bits clips instead of scaling: a scan becomes a
    // white sheet.
    bool deep_gray = layout->deep && layout->bands == 1;
    layout->low_values = deep_gray && job->options->as_pillow;
    layout->scaled = deep_gray && !job->options->as_pillow;
    layout->ycbcr = job->tiff.ycbcr && layout->bands == 3 && !layout->deep;
    if (job->format == &format_gif && (layout->bands == 2 || layout->bands == 4))
        layout->hidden = job->hidden;
    layout->over_white = job->options->alpha == PHOTO_ALPHA_OVER_WHITE && is_rgba(job, layout->bands);
    return 0;
}

// Rows on their way to their place, `shrink` x `shrink` pixels of them averaged into one.
struct placer {
    struct image *image;
    size_t width, height; // of the picture before it is turned, as it is kept
    size_t shrink, rows;  // rows that are summed up
    size_t top;           // of the next row
    int orientation;
    uint32_t *sums; // [width, 3] when it shrinks
    uint8_t *row;   // [width, 3]
};

static void add_row(struct placer *p, const uint8_t *row) {
    size_t area = p->shrink * p->shrink;
    if (!p->sums || area == 0) return; // only of pictures that shrink
    for (size_t x = 0; x < p->width; x++)
        for (size_t i = 0; i < p->shrink; i++)
            for (size_t c = 0; c < 3; c++) p->sums[x * 3 + c] += row[(x * p->shrink + i) * 3 + c];
    if (++p->rows < p->shrink || p->top == p->height) return;
    for (size_t i = 0; i < p->width * 3; i++) p->row[i] = (uint8_t)((p->sums[i] + area / 2) / area);
    memset(p->sums, 0, p->width * 3 * sizeof *p->sums);
    place_strip(p->image, p->row, p->top++, 1, p->width, p->height, p->orientation);
    p->rows = 0;
}

static void place_rows(struct placer *p, const uint8_t *strip, size_t rows, size_t stored_width) {
    if (p->shrink == 1) {
        place_strip(p->image, strip, p->top, rows, p->width, p->height, p->orientation);
        p->top += rows;
    } else {
        for (size_t y = 0; y < rows; y++) add_row(p, strip + y * stored_width * 3);
    }
}

static int placer_open(struct placer *p, struct job *job, int orientation, struct error *error) {
    bool transpose = is_transposed(orientation);
    *p = (struct placer){.image = &job->image, .shrink = job->facts.shrink, .orientation = orientation};
    p->width = job->width / p->shrink;
    p->height = job->height / p->shrink;
    if (image_new(&job->image, transpose ? p->height : p->width, transpose ? p->width : p->height, error))
        return -1;
    if (p->shrink == 1) return 0;
    p->sums = memory_new(p->width * 3, sizeof *p->sums, job->name, error);
    p->row = memory_new(p->width, 3, job->name, error);
    return p->sums && p->row ? 0 : -1;
}

// Pulls the picture through libvips strip by strip, so that no second copy of it is made. Like library_work.
static int pull_rows(struct placer *placer, const struct layout *layout, const struct job *job,
                     VipsRegion *region, uint8_t *strip) {
    size_t width = job->width, height = job->height;
    bool direct = placer->orientation == 1 && placer->shrink == 1;
    for (size_t top = 0; top < height; top += STRIP) {
        size_t rows = height - top < STRIP ? height - top : STRIP;
        VipsRect rectangle = {0, (int)top, (int)width, (int)rows};
        if (vips_region_prepare(region, &rectangle)) {
            if (!job->lenient || top == 0) return 1;
            vips_error_clear(); // libtiff gives up where the data ends: the rest stays black
            return 0;
        }
        uint8_t *to = direct ? job->image.rgb + top * width * 3 : strip;
        for (size_t y = 0; y < rows; y++)
            convert_row(to + y * width * 3, VIPS_REGION_ADDR(region, 0, (int)(top + y)), width, layout);
        if (!direct) place_rows(placer, strip, rows, width);
    }
    return 0;
}

static int read_pixels(struct job *job, VipsImage *source, VipsRegion *region, int orientation,
                       struct error *error) {
    struct layout layout;
    struct placer placer = {.shrink = 1};
    uint8_t *strip = NULL;
    int result = find_layout(&layout, source, job, error) || placer_open(&placer, job, orientation, error) ||
                         !(strip = memory_new(job->width * 3, STRIP, job->name, error))
                     ? -1
                     : pull_rows(&placer, &layout, job, region, strip);
    free(placer.sums);
    free(placer.row);
    free(strip);
    return result;
}

// What the pixels have to be turned by. With ignore_orientation none, as in the reference; but HEIC and AVIF
// always arrive upright, since libheif (also under Pillow) turns them by the container's own rule, and Pillow
// turns TIFF.
static int orientation_to_apply(const struct job *job) {
    bool ignore = job->options->ignore_orientation && job->format != &format_tiff;
    return ignore ? 1 : job->facts.orientation;
}

// By how much the decoder itself may shrink the picture.
static int find_scale(const struct job *job) {
    size_t longer = job->width > job->height ? job->width : job->height, least = job->options->least_side;
    if (job->format != &format_jpeg || least == 0) return 1;
    return longer / 8 >= least ? 8 : longer / 4 >= least ? 4 : longer / 2 >= least ? 2 : 1;
}

static int fail_on(const struct job *job) {
    return job->lenient ? VIPS_FAIL_ON_NONE : VIPS_FAIL_ON_TRUNCATED;
}

// The picture was opened at its own size first, because that is what the facts tell.
static int load_smaller(struct job *job, VipsImage **source) {
    int scale = find_scale(job);
    if (scale == 1) return 0;
    g_object_unref(*source);
    *source = NULL;
    if (vips_jpegload_buffer((void *)job->data, job->length, source, "access", VIPS_ACCESS_SEQUENTIAL,
                             "fail_on", fail_on(job), "shrink", scale, NULL))
        return 1;
    job->width = (size_t)vips_image_get_width(*source);
    job->height = (size_t)vips_image_get_height(*source);
    return 0;
}

static int decode(void *state, struct error *error) {
    struct job *job = state;
    VipsImage *source = NULL;
    image_free(&job->image); // of a first attempt
    if (job->format->load((void *)job->data, job->length, &source, "access", VIPS_ACCESS_SEQUENTIAL,
                          "fail_on", fail_on(job), job->tiff.page ? "page" : NULL, job->tiff.page, NULL))
        return 1;
    facts_read(&job->facts, source);
    int result = check_size(job, error);
    job->width = job->facts.stored_width;
    job->height = job->facts.stored_height;
    if (result == 0 && !job->measure) result = load_smaller(job, &source);
    job->facts.shrink = choose_shrink(job->width, job->height);
    if (result == 0 && !job->measure) {
        VipsRegion *region = vips_region_new(source);
        result = region ? read_pixels(job, source, region, orientation_to_apply(job), error) : 1;
        if (region) g_object_unref(region);
    }
    if (source) g_object_unref(source);
    return result;
}

// libwebp does not say when the data ends too early, but the file states its length.
static bool is_short_webp(const struct job *job) {
    if (job->format != &format_webp || job->length < 8) return false;
    const uint8_t *size = job->data + 4;
    return job->length - 8 < ((size_t)size[3] << 24 | (size_t)size[2] << 16 | (size_t)size[1] << 8 | size[0]);
}

static void explain(const struct job *job, const char *reason, struct error *error) {
    if (is_short_webp(job)) reason = LIBRARY_CUT_SHORT;
    bool cut_short = strcmp(reason, LIBRARY_CUT_SHORT) == 0;
    error_set(error, ERROR_INPUT, "%s: %s %s: %s", job->name, cut_short ? "truncated" : "broken",
              job->format->title, reason);
}

// A raw file's pixels are not developed here: the camera's own JPEG in it stands for the photo, if it is more than a
// thumbnail.
static int take_preview(struct job *job, const char *raw, struct error *error) {
    static const char advice[] =
        "develop it to JPEG or TIFF, or take the camera's JPEG out of it (exiftool -b -JpgFromRaw)";
    struct raw_preview found = raw_preview_find(job->data, job->length);
    if (!found.length)
        return error_set(error, ERROR_INPUT,
                         "%s: a camera raw file (%s) without a JPEG that could be read: %s", job->name, raw,
                         advice);
    if (found.width < RAW_PREVIEW_SIDE && found.height < RAW_PREVIEW_SIDE)
        return error_set(
            error, ERROR_INPUT,
            "%s: a camera raw file (%s), of which only a preview of %zu x %zu pixels could be read: %s",
            job->name, raw, found.width, found.height, advice);
    raw_preview_extract(job->data, job->length, &found, &job->preview);
    if (job->preview.failed) return error_set(error, ERROR_MEMORY, "%s: not enough memory", job->name);
    job->data = (const uint8_t *)job->preview.data;
    job->length = job->preview.length;
    job->format = &format_jpeg;
    job->tiff = (struct tiff_look){0};
    job->facts.preview_of = raw;
    return 0;
}

// What the file's own structure says, before libvips sees it.
static int look(struct job *job, struct error *error) {
    enum { PNG_INTERLACE = 28 };
    const char *raw = formats_raw(job->data, job->length);
    if (job->format == &format_tiff) {
        job->tiff = tiff_look(job->data, job->length);
        raw = job->tiff.raw;
        if (job->options->as_pillow) job->tiff.page = 0;
    }
    if (raw && take_preview(job, raw, error)) return -1;
    if (job->tiff.refused)
        return error_set(error, ERROR_INPUT, "%s: TIFF with %s is not supported (convert it to RGB)",
                         job->name, job->tiff.refused);
    if (job->format == &format_jpeg) job->jpeg = jpeg_look(job->data, job->length);
    if (job->format == &format_gif) gif_hidden_colour(job->data, job->length, job->hidden);
    job->whole = (job->format && job->format->whole) || job->jpeg.progressive ||
                 (job->format == &format_png && job->length > PNG_INTERLACE && job->data[PNG_INTERLACE]);
    return 0;
}

static int refuse(const struct job *job, struct error *error) {
    const char *what = formats_describe(job->data, job->length);
    return error_set(error, ERROR_INPUT,
                     "%s: %s%snot a JPEG, PNG, WebP, HEIC, AVIF, JPEG XL, JPEG 2000, TIFF or GIF picture",
                     job->name, what ? what : "", what ? ", " : "");
}

// Decodes a copy of the file with bytes of this value and an end marker after its data.
static int decode_padded(const struct job *job, uint8_t filler, struct job *padded, struct error *error) {
    enum { FILLERS = 32 };
    char ignored[LIBRARY_REASON];
    size_t length = job->length;
    uint8_t *copy = memory_new(length + FILLERS + 2, 1, job->name, error);
    if (!copy) return -1;
    memcpy(copy, job->data, length);
    while (length && copy[length - 1] == 0) length--; // the rest of a file that was never filled in
    if (length && length < job->length && copy[length - 1] == 0xFF)
        length++; // one zero belongs to it
    else
        while (length && copy[length - 1] == 0xFF) length--; // half an end marker
    memset(copy + length, filler, FILLERS);
    copy[length + FILLERS] = 0xFF;
    copy[length + FILLERS + 1] = 0xD9;
    *padded = *job;
    padded->data = copy;
    padded->length = length + FILLERS + 2;
    padded->image = (struct image){0};
    int result = library_run(decode, padded, ignored, error);
    free(copy);
    return result;
}

// A JPEG whose data is all there but for its end marker, as broken downloads and some cameras leave it: what
// would come after the data then makes no difference to the pixels. Returns like library_work.
static int put_end_back(struct job *job, struct error *error) {
    struct job one = {0}, other = {0};
    struct error ignored = {0};
    int result = decode_padded(job, 0x00, &one, &ignored);
    if (result == 0) result = decode_padded(job, 0x6A, &other, &ignored);
    if (result == 0 && memcmp(one.image.rgb, other.image.rgb, one.image.width * one.image.height * 3) != 0)
        result = 1;
    image_free(&other.image);
    if (ignored.code == ERROR_MEMORY && error) *error = ignored;
    if (result) {
        image_free(&one.image);
        return ignored.code == ERROR_MEMORY ? -1 : 1;
    }
    log_warning("%s: this JPEG has no end marker; all its pixels are there", job->name);
    job->image = one.image;
    job->facts = one.facts;
    return 0;
}

// One colour nearly everywhere is what a decoder leaves that found next to no pixels.
static bool is_blank(const struct image *image) {
    size_t pixels = image->width * image->height, others = 0;
    for (size_t i = 0; i < pixels; i++)
        others += memcmp(image->rgb + 3 * i, image->rgb + 3 * (pixels - 1), 3) != 0;
    return others < pixels / 64 + 1;
}

// What is there of a file that was cut short. Returns like library_work.
static int take_what_is_there(struct job *job, char reason[LIBRARY_REASON], struct error *error) {
    const uint8_t *data = job->data;
    struct buffer mended = {0};
    job->lenient = true;
    if (job->format == &format_png) {
        png_end_last_chunk(job->data, job->length, &mended);
        if (mended.failed) {
            buffer_free(&mended);
            return error_set(error, ERROR_MEMORY, "%s: not enough memory", job->name);
        }
        job->data = (const uint8_t *)mended.data;
        job->length = mended.length;
    }
    int result = library_run(decode, job, reason, error);
    job->data = data;
    buffer_free(&mended);
    if (result == 0 && is_blank(&job->image)) {
        result = 1;
        snprintf(reason, LIBRARY_REASON, "%s", LIBRARY_CUT_SHORT);
    }
    job->facts.truncated = result == 0;
    return result;
}

static bool may_be_cut(const struct job *job, const char *reason) {
    bool whole_rows =
        job->format == &format_jpeg || job->format == &format_png || job->format == &format_tiff;
    return job->options->allow_truncated && whole_rows && strcmp(reason, LIBRARY_CUT_SHORT) == 0 &&
           !job->measure;
}

// The facts are set when it returns 0.
static int run_job(struct job *job, struct error *error) {
    if (job->length == 0) return error_set(error, ERROR_INPUT, "%s: the file is empty", job->name);
    if (file_check_pointer(job->name, job->data, job->length, error)) return -1;
    job->format = formats_sniff(job->data, job->length);
    if (look(job, error)) return -1;
    if (!job->format) return refuse(job, error);
    job->facts.format = job->format->name;
    char reason[LIBRARY_REASON];
    int result = library_run(decode, job, reason, error);
    // Without an end marker, what follows the data (nothing, or zeros) may have been taken for pixels.
    bool endless = job->format == &format_jpeg && !job->jpeg.ended && !job->measure;
    if (endless && (result == 0 || (result > 0 && strcmp(reason, LIBRARY_CUT_SHORT) == 0))) {
        image_free(&job->image);
        result = job->jpeg.all_scans ? put_end_back(job, error) : 1;
        if (result > 0) snprintf(reason, sizeof reason, "%s", LIBRARY_CUT_SHORT);
    }
    if (result > 0 && may_be_cut(job, reason)) result = take_what_is_there(job, reason, error);
    if (result > 0) explain(job, reason, error);
    if (result == 0) return 0;
    image_free(&job->image);
    return -1;
}

// Somebody should know what the pixels are of: those who ask for the facts, or else who reads the log.
static void tell(const struct job *job) {
    if (job->facts.preview_of)
        log_warning("%s: a camera raw file (%s): its preview of %zu x %zu pixels is taken for the photo",
                    job->name, job->facts.preview_of, job->facts.stored_width, job->facts.stored_height);
    if (job->facts.truncated)
        log_warning("%s: the file is cut short; what is there of it is taken", job->name);
}

static const struct photo_options default_options;

int photo_decode_buffer(struct image *image, const void *data, size_t length, const char *name,
                        const struct photo_options *options, struct photo_facts *facts, struct error *error) {
    struct job job = {
        .data = data, .length = length, .name = name, .options = options ? options : &default_options};
    int result = run_job(&job, error);
    *image = job.image;
    buffer_free(&job.preview);
    if (result == 0 && !job.options->quiet) tell(&job);
    if (facts && result == 0) *facts = job.facts;
    if (facts && result) *facts = (struct photo_facts){.orientation = 1, .shrink = 1, .format = ""};
    return result;
}

int photo_measure_buffer(const void *data, size_t length, const char *name, struct photo_facts *facts,
                         struct error *error) {
    struct job job = {
        .data = data, .length = length, .name = name, .options = &default_options, .measure = true};
    int result = run_job(&job, error);
    buffer_free(&job.preview);
    *facts = job.facts;
    return result;
}
