#include "photo/tiff.h"

#include <string.h>

#include "photo/tiff_internal.h"

enum {
    // tags
    NEW_SUBFILE_TYPE = 254,
    OLD_SUBFILE_TYPE = 255,
    WIDTH = 256,
    HEIGHT = 257,
    BITS = 258,
    COMPRESSION = 259,
    PHOTOMETRIC = 262,
    MAKE = 271,
    SAMPLES = 277,
    SUB_DIRECTORIES = 330,
    INK_SET = 332,
    YCBCR_COEFFICIENTS = 529,
    YCBCR_SUBSAMPLING = 530,
    REFERENCE_BLACK_WHITE = 532,
    DNG_VERSION = 50706,

    // photometric interpretations
    CMYK = 5,
    YCBCR = 6,
    COLOUR_FILTER_ARRAY = 32803,
    LINEAR_RAW = 34892,

    // compressions
    OLD_JPEG = 6,
    JPEG = 7
};

// A reduced copy of another picture of the file, or a mask of one.
static bool is_aside(const struct tiff_file *file, const struct tiff_directory *directory) {
    return tiff_value(file, directory, NEW_SUBFILE_TYPE, 0, 0) & 5 ||
           tiff_value(file, directory, OLD_SUBFILE_TYPE, 0, 1) == 2;
}

// ---- raw files ------------------------------------------------------------------------------------------

static bool is_sensor_data(const struct tiff_file *file, const struct tiff_directory *directory) {
    uint64_t colours = tiff_value(file, directory, PHOTOMETRIC, 0, 0);
    uint64_t compression = tiff_value(file, directory, COMPRESSION, 0, 1);
    return colours == COLOUR_FILTER_ARRAY || colours == LINEAR_RAW || compression == 34713 /* Nikon */ ||
           compression == 32767 /* Sony */ || compression == 65535 /* Pentax */ ||
           compression == 65000 /* Kodak */ || compression == 32770 /* Samsung */;
}

static const char *kind_of_raw(const struct tiff_file *file, const struct tiff_directory *first) {
    static const char *const makers[][2] = {{"NIKON", "NEF"}, {"SONY", "ARW"},       {"PENTAX", "PEF"},
                                            {"Canon", "CR2"}, {"SAMSUNG", "SRW"},    {"OLYMPUS", "ORF"},
                                            {"EPSON", "ERF"}, {"Hasselblad", "3FR"}, {"Mamiya", "MEF"},
                                            {"Leaf", "MOS"},  {"Phase One", "IIQ"},  {"KODAK", "DCR"},
                                            {"Kodak", "DCR"}, {"Panasonic", "RW2"},  {"LEICA", "RWL"}};
    size_t at, count, size;
    if (tiff_find_tag(file, first, DNG_VERSION, &at, &count, &size)) return "DNG";
    if (tiff_find_tag(file, first, MAKE, &at, &count, &size))
        for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
            if (count >= strlen(makers[i][0]) &&
                memcmp(file->data + at, makers[i][0], strlen(makers[i][0])) == 0)
                return makers[i][1];
    return "raw";
}

static uint64_t pixels_of(const struct tiff_file *file, const struct tiff_directory *directory) {
    uint64_t width = tiff_value(file, directory, WIDTH, 0, 0),
             height = tiff_value(file, directory, HEIGHT, 0, 0);
    return width > UINT32_MAX || height > UINT32_MAX ? 0 : width * height;
}

// Whether a directory has what a sensor saw below it, or a larger picture than its own that is no copy.
static bool hides_a_photo(const struct tiff_file *file, const struct tiff_directory *directory) {
    size_t at, count, size;
    if (is_sensor_data(file, directory)) return true;
    if (!tiff_find_tag(file, directory, SUB_DIRECTORIES, &at, &count, &size)) return false;
    for (size_t i = 0; i < count && i < TIFF_MAX_DIRECTORIES; i++) {
        struct tiff_directory below;
        if (!tiff_open_directory(file, tiff_number(file, at + i * size, size), &below)) continue;
        if (is_sensor_data(file, &below)) return true;
        if (!is_aside(file, &below) && pixels_of(file, &below) > pixels_of(file, directory)) return true;
    }
    return false;
}

// ---- colours --------------------------------------------------------------------------------------------

// Whether a list of rationals is absent or what the standard gives when it is.
static bool are_rationals(const struct tiff_file *file, const struct tiff_directory *directory, unsigned tag,
                          const double *expected, size_t wanted) {
    size_t at, count, size;
    if (!tiff_find_tag(file, directory, tag, &at, &count, &size)) return true;
    if (count != wanted || size != 8) return false;
    for (size_t i = 0; i < count; i++) {
        double above = (double)tiff_number(file, at + 8 * i, 4),
               below = (double)tiff_number(file, at + 8 * i + 4, 4);
        double difference = below > 0 ? above / below - expected[i] : 1;
        if (difference > 1e-3 || difference < -1e-3) return false;
    }
    return true;
}

// JPEG's own conversion is libjpeg's; other compressions leave YCbCr to the reader, and libvips does not
// know. Without subsampling it can be done here.
static void look_at_ycbcr(struct tiff_look *look, const struct tiff_file *file,
                          const struct tiff_directory *d) {
    static const double coefficients[] = {0.299, 0.587, 0.114}, range[] = {0, 255, 128, 255, 128, 255};
    uint64_t compression = tiff_value(file, d, COMPRESSION, 0, 1);
    if (compression == JPEG) return;
    if (compression == OLD_JPEG || tiff_value(file, d, BITS, 0, 1) != 8 ||
        tiff_value(file, d, SAMPLES, 0, 1) != 3 || tiff_value(file, d, YCBCR_SUBSAMPLING, 0, 2) != 1 ||
        tiff_value(file, d, YCBCR_SUBSAMPLING, 1, 2) != 1 ||
        !are_rationals(file, d, YCBCR_COEFFICIENTS, coefficients, 3) ||
        !are_rationals(file, d, REFERENCE_BLACK_WHITE, range, 6))
        look->refused = "YCbCr colours of this kind";
    else
        look->ycbcr = true;
}

static void look_at_colours(struct tiff_look *look, const struct tiff_file *file,
                            const struct tiff_directory *d) {
    uint64_t colours = tiff_value(file, d, PHOTOMETRIC, 0, 1);
    if (colours == YCBCR)
        look_at_ycbcr(look, file, d);
    else if (colours == 8 || colours == 9 || colours == 10)
        look->refused = "CIELab colours";
    else if (colours > YCBCR)
        look->refused = "colours of an unusual kind";
    else if (colours == CMYK && tiff_value(file, d, INK_SET, 0, 1) != 1)
        look->refused = "other inks than CMYK";
}

struct tiff_look tiff_look(const uint8_t *data, size_t length) {
    struct tiff_look look = {0};
    struct tiff_file file;
    struct tiff_directory first, directory;
    uint64_t offset;
    if (!tiff_open(&file, data, length, &offset)) return look;
    if (!tiff_open_directory(&file, offset, &first)) return look;
    size_t at, count, size;
    bool canon = !file.big_endian && !file.big && memcmp(data + 8, "CR", 2) == 0 && offset >= 16;
    if (canon || tiff_find_tag(&file, &first, DNG_VERSION, &at, &count, &size)) {
        look.raw = canon ? "CR2" : "DNG";
        return look;
    }
    struct tiff_directory photo = first;
    bool found = false;
    for (int page = 0; page < TIFF_MAX_DIRECTORIES && tiff_open_directory(&file, offset, &directory);
         page++) {
        if (hides_a_photo(&file, &directory)) {
            look.raw = kind_of_raw(&file, &first);
            return look;
        }
        if (!found && !is_aside(&file, &directory)) {
            found = true;
            photo = directory;
            look.page = page;
        }
        offset = directory.next;
    }
    look_at_colours(&look, &file, &photo);
    return look;
}
