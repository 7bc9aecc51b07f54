#include "photo/tiff.h"

#include <string.h>

enum {
    MAX_DIRECTORIES = 64, // that are followed
    MAX_ENTRIES = 4096,

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

struct file {
    const uint8_t *data;
    size_t length;
    bool big_endian, big; // big: 8-byte offsets
};

// Entries of one directory: where they are, and how many.
struct directory {
    size_t at;
    size_t count;
    uint64_t next; // offset of the directory after it, 0 for none
};

static uint64_t number(const struct file *file, size_t at, size_t bytes) {
    uint64_t value = 0;
    if (at > file->length || file->length - at < bytes) return 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | file->data[at + (file->big_endian ? i : bytes - 1 - i)];
    return value;
}

static bool open_directory(const struct file *file, uint64_t offset, struct directory *directory) {
    size_t head = file->big ? 8 : 2, entry = file->big ? 20 : 12, link = file->big ? 8 : 4;
    if (offset < 8 || offset >= file->length || file->length - offset < head) return false;
    uint64_t count = number(file, (size_t)offset, head);
    if (count == 0 || count > MAX_ENTRIES) return false;
    directory->at = (size_t)offset + head;
    directory->count = (size_t)count;
    if ((file->length - directory->at) / entry < count) return false;
    directory->next = number(file, directory->at + directory->count * entry, link);
    return true;
}

static size_t type_size(uint64_t type) {
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    return type < sizeof sizes ? sizes[type] : 0;
}

// Where the values of a tag are; their number and size. False when the directory has no such tag.
static bool find_tag(const struct file *file, const struct directory *directory, unsigned tag, size_t *at,
                     size_t *count, size_t *size) {
    size_t step = file->big ? 20 : 12, field = file->big ? 8 : 4;
    for (size_t i = 0; i < directory->count; i++) {
        size_t entry = directory->at + i * step;
        if (number(file, entry, 2) != tag) continue;
        uint64_t values = number(file, entry + 4, field);
        *size = type_size(number(file, entry + 2, 2));
        if (*size == 0 || values == 0 || values > file->length / *size) return false;
        *count = (size_t)values;
        *at = entry + 4 + field;
        if (*count * *size > field) *at = (size_t)number(file, *at, field);
        return *at <= file->length && file->length - *at >= *count * *size;
    }
    return false;
}

// The value of a tag of whole numbers, or the fallback.
static uint64_t value_of(const struct file *file, const struct directory *directory, unsigned tag,
                         size_t index, uint64_t fallback) {
    size_t at, count, size;
    if (!find_tag(file, directory, tag, &at, &count, &size) || index >= count) return fallback;
    return number(file, at + index * size, size);
}

// A reduced copy of another picture of the file, or a mask of one.
static bool is_aside(const struct file *file, const struct directory *directory) {
    return value_of(file, directory, NEW_SUBFILE_TYPE, 0, 0) & 5 ||
           value_of(file, directory, OLD_SUBFILE_TYPE, 0, 1) == 2;
}

// ---- raw files ------------------------------------------------------------------------------------------

static bool is_sensor_data(const struct file *file, const struct directory *directory) {
    uint64_t colours = value_of(file, directory, PHOTOMETRIC, 0, 0);
    uint64_t compression = value_of(file, directory, COMPRESSION, 0, 1);
    return colours == COLOUR_FILTER_ARRAY || colours == LINEAR_RAW || compression == 34713 /* Nikon */ ||
           compression == 32767 /* Sony */ || compression == 65535 /* Pentax */ ||
           compression == 65000 /* Kodak */ || compression == 32770 /* Samsung */;
}

static const char *kind_of_raw(const struct file *file, const struct directory *first) {
    static const char *const makers[][2] = {{"NIKON", "NEF"}, {"SONY", "ARW"},       {"PENTAX", "PEF"},
                                            {"Canon", "CR2"}, {"SAMSUNG", "SRW"},    {"OLYMPUS", "ORF"},
                                            {"EPSON", "ERF"}, {"Hasselblad", "3FR"}, {"Mamiya", "MEF"},
                                            {"Leaf", "MOS"},  {"Phase One", "IIQ"},  {"KODAK", "DCR"},
                                            {"Kodak", "DCR"}, {"Panasonic", "RW2"},  {"LEICA", "RWL"}};
    size_t at, count, size;
    if (find_tag(file, first, DNG_VERSION, &at, &count, &size)) return "DNG";
    if (find_tag(file, first, MAKE, &at, &count, &size))
        for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
            if (count >= strlen(makers[i][0]) &&
                memcmp(file->data + at, makers[i][0], strlen(makers[i][0])) == 0)
                return makers[i][1];
    return "raw";
}

static uint64_t pixels_of(const struct file *file, const struct directory *directory) {
    uint64_t width = value_of(file, directory, WIDTH, 0, 0), height = value_of(file, directory, HEIGHT, 0, 0);
    return width > UINT32_MAX || height > UINT32_MAX ? 0 : width * height;
}

// Whether a directory has what a sensor saw below it, or a larger picture than its own that is no copy.
static bool hides_a_photo(const struct file *file, const struct directory *directory) {
    size_t at, count, size;
    if (is_sensor_data(file, directory)) return true;
    if (!find_tag(file, directory, SUB_DIRECTORIES, &at, &count, &size)) return false;
    for (size_t i = 0; i < count && i < MAX_DIRECTORIES; i++) {
        struct directory below;
        if (!open_directory(file, number(file, at + i * size, size), &below)) continue;
        if (is_sensor_data(file, &below)) return true;
        if (!is_aside(file, &below) && pixels_of(file, &below) > pixels_of(file, directory)) return true;
    }
    return false;
}

// ---- colours --------------------------------------------------------------------------------------------

// Whether a list of rationals is absent or what the standard gives when it is.
static bool are_rationals(const struct file *file, const struct directory *directory, unsigned tag,
                          const double *expected, size_t wanted) {
    size_t at, count, size;
    if (!find_tag(file, directory, tag, &at, &count, &size)) return true;
    if (count != wanted || size != 8) return false;
    for (size_t i = 0; i < count; i++) {
        double above = (double)number(file, at + 8 * i, 4), below = (double)number(file, at + 8 * i + 4, 4);
        double difference = below > 0 ? above / below - expected[i] : 1;
        if (difference > 1e-3 || difference < -1e-3) return false;
    }
    return true;
}

// JPEG's own conversion is libjpeg's; other compressions leave YCbCr to the reader, and libvips does not
// know. Without subsampling it can be done here.
static void look_at_ycbcr(struct tiff_look *look, const struct file *file, const struct directory *d) {
    static const double coefficients[] = {0.299, 0.587, 0.114}, range[] = {0, 255, 128, 255, 128, 255};
    uint64_t compression = value_of(file, d, COMPRESSION, 0, 1);
    if (compression == JPEG) return;
    if (compression == OLD_JPEG || value_of(file, d, BITS, 0, 1) != 8 ||
        value_of(file, d, SAMPLES, 0, 1) != 3 || value_of(file, d, YCBCR_SUBSAMPLING, 0, 2) != 1 ||
        value_of(file, d, YCBCR_SUBSAMPLING, 1, 2) != 1 ||
        !are_rationals(file, d, YCBCR_COEFFICIENTS, coefficients, 3) ||
        !are_rationals(file, d, REFERENCE_BLACK_WHITE, range, 6))
        look->refused = "YCbCr colours of this kind";
    else
        look->ycbcr = true;
}

static void look_at_colours(struct tiff_look *look, const struct file *file, const struct directory *d) {
    uint64_t colours = value_of(file, d, PHOTOMETRIC, 0, 1);
    if (colours == YCBCR)
        look_at_ycbcr(look, file, d);
    else if (colours == 8 || colours == 9 || colours == 10)
        look->refused = "CIELab colours";
    else if (colours > YCBCR)
        look->refused = "colours of an unusual kind";
    else if (colours == CMYK && value_of(file, d, INK_SET, 0, 1) != 1)
        look->refused = "other inks than CMYK";
}

struct tiff_look tiff_look(const uint8_t *data, size_t length) {
    struct tiff_look look = {0};
    struct file file = {.data = data, .length = length};
    struct directory first, directory;
    if (length < 16) return look;
    file.big_endian = data[0] == 'M';
    file.big = number(&file, 2, 2) == 43;
    uint64_t offset = file.big ? number(&file, 8, 8) : number(&file, 4, 4);
    if (!open_directory(&file, offset, &first)) return look;
    size_t at, count, size;
    bool canon = !file.big_endian && !file.big && memcmp(data + 8, "CR", 2) == 0 && offset >= 16;
    if (canon || find_tag(&file, &first, DNG_VERSION, &at, &count, &size)) {
        look.raw = canon ? "CR2" : "DNG";
        return look;
    }
    struct directory photo = first;
    bool found = false;
    for (int page = 0; page < MAX_DIRECTORIES && open_directory(&file, offset, &directory); page++) {
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
