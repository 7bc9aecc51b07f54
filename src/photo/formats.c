#include "photo/formats.h"

#include <string.h>
#include <strings.h>

#include "photo/decode.h"

const struct format format_jpeg = {"jpeg", "JPEG", vips_jpegload_buffer, false};
const struct format format_png = {"png", "PNG", vips_pngload_buffer, false};
const struct format format_webp = {"webp", "WebP", vips_webpload_buffer, true};
const struct format format_tiff = {"tiff", "TIFF", vips_tiffload_buffer, false};
const struct format format_gif = {"gif", "GIF", vips_gifload_buffer, true};
static const struct format heic = {"heic", "HEIC", vips_heifload_buffer, true};
static const struct format avif = {"avif", "AVIF", vips_heifload_buffer, true};
static const struct format jxl = {"jxl", "JPEG XL", vips_jxlload_buffer, true};
static const struct format jp2 = {"jp2", "JPEG 2000", vips_jp2kload_buffer, true};

void formats_unblock(void) {
    vips_operation_block_set("VipsForeignLoadJxl", FALSE);
    vips_operation_block_set("VipsForeignLoadJp2k", FALSE);
}

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

const struct format *formats_sniff(const uint8_t *data, size_t length) {
    static const struct {
        const char *magic;
        size_t size;
        const struct format *format;
    } table[] = {
        {"\xFF\xD8\xFF", 3, &format_jpeg},
        {"\x89PNG\r\n\x1A\n", 8, &format_png},
        {"GIF87a", 6, &format_gif},
        {"GIF89a", 6, &format_gif},
        {"II*\0", 4, &format_tiff},
        {"MM\0*", 4, &format_tiff},
        {"II+\0", 4, &format_tiff}, // BigTIFF
        {"MM\0+", 4, &format_tiff},
        {"\xFF\x0A", 2, &jxl}, // the bare codestream
        {"\0\0\0\x0CJXL \r\n\x87\n", 12, &jxl},
        {"\0\0\0\x0CjP  \r\n\x87\n", 12, &jp2},
        {"\xFF\x4F\xFF\x51", 4, &jp2},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (has(data, length, 0, table[i].magic, table[i].size)) return table[i].format;
    if (has(data, length, 0, "RIFF", 4) && has(data, length, 8, "WEBP", 4)) return &format_webp;
    if (has(data, length, 4, "ftyp", 4)) return sniff_brands(data, length);
    return NULL;
}

// A start of a file, and what it means.
struct sign {
    size_t at;
    const char *magic;
    size_t size;
    const char *meaning;
};

static const char *find_sign(const struct sign *signs, size_t count, const uint8_t *data, size_t length) {
    for (size_t i = 0; i < count; i++)
        if (has(data, length, signs[i].at, signs[i].magic, signs[i].size)) return signs[i].meaning;
    return NULL;
}

const char *formats_raw(const uint8_t *data, size_t length) {
    static const struct sign signs[] = {
        {0, "FUJIFILMCCD-RAW", 15, "RAF"},
        {0, "IIRO", 4, "ORF"},
        {0, "IIRS", 4, "ORF"},
        {0, "MMOR", 4, "ORF"},
        {0, "IIU\0", 4, "RW2"},
        {0, "\0MRM", 4, "MRW"},
        {6, "HEAPCCDR", 8, "CRW"},
        {0, "FOVb", 4, "X3F"},
        {4, "ftypcrx ", 8, "CR3"},
    };
    return find_sign(signs, sizeof signs / sizeof *signs, data, length);
}

const char *formats_describe(const uint8_t *data, size_t length) {
    static const struct sign signs[] = {
        {0, "\0\0\1\0", 4, "a Windows icon (ICO)"},
        {0, "8BPS", 4, "a Photoshop document (PSD)"},
        {0, "%PDF", 4, "a PDF document"},
        {0, "%!PS", 4, "a PostScript document"},
        {0, "<svg", 4, "an SVG drawing"},
        {0, "<!DOCTYPE html", 14, "a web page (a download that went wrong?)"},
        {0, "<!doctype html", 14, "a web page (a download that went wrong?)"},
        {0, "<html", 5, "a web page (a download that went wrong?)"},
        {0, "<?xml", 5, "an XML document"},
        {0, "v/1\1", 4, "an OpenEXR picture"},
        {0, "#?RADIANCE", 10, "a Radiance picture (HDR)"},
        {0, "SIMPLE  =", 9, "a FITS picture"},
        {0, "PK\3\4", 4, "a ZIP archive"},
        {0, "\x1F\x8B", 2, "a gzip archive"},
        {0, "\x1A\x45\xDF\xA3", 4, "a video (Matroska)"},
        {4, "ftyp", 4, "a video (MP4, MOV)"},
        {4, "moov", 4, "a video (MOV)"},
        {4, "mdat", 4, "a video (MOV)"},
    };
    if (has(data, length, 0, "BM", 2) && length > 18 && data[14] >= 12 && !data[15] && !data[16] && !data[17])
        return "a BMP picture (convert it to PNG)";
    if (length > 3 && data[0] == 'P' && strchr("1234567Ff", data[1]) && strchr(" \t\r\n#", data[2]) &&
        data[1] && data[2])
        return "a PNM picture (convert it to PNG)";
    return find_sign(signs, sizeof signs / sizeof *signs, data, length);
}

// All that is a picture, also what is refused: a folder's photo that cannot be read must not vanish in
// silence.
bool photo_has_picture_ending(const char *name) {
    static const char *const endings[] = {
        "jpg", "jpeg", "jpe", "jif", "jfif", "jfi", "png", "apng", "webp", "heic", "heif", "hif", "heics",
        "heifs", "avif", "avifs", "avci", "tif", "tiff", "btf", "tf8", "gif", "jp2", "j2k", "j2c", "jpc",
        "jpt", "jpx", "jpf", "jxl", "bmp", "dib", "ppm", "pgm", "pbm", "pnm",
        // camera raw files
        "dng", "nef", "nrw", "cr2", "cr3", "crw", "arw", "sr2", "srf", "orf", "rw2", "rwl", "raf", "pef",
        "srw", "3fr", "fff", "iiq", "x3f", "erf", "mef", "mos", "mrw", "kdc", "dcr", "gpr"};
    const char *dot = strrchr(name, '.');
    if (!dot) return false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot + 1, endings[i]) == 0) return true;
    return false;
}
