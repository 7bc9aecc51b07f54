// Any bytes as a TIFF, JPEG or GIF, looked at before libvips sees them: no read outside, and an answer.
#include <stdint.h>
#include <stdlib.h>

#include "photo/gif.h"
#include "photo/jpeg.h"
#include "photo/png.h"
#include "photo/raw_preview.h"
#include "photo/tiff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct tiff_look tiff = tiff_look(data, size);
    if (tiff.page < 0 || tiff.page > 64 || (tiff.refused && tiff.ycbcr)) abort();
    (void)jpeg_look(data, size);
    struct raw_preview preview = raw_preview_find(data, size);
    if (preview.length) {
        struct buffer jpeg = {0};
        if (preview.at > size || preview.length > size - preview.at || !preview.width || !preview.height)
            abort();
        raw_preview_extract(data, size, &preview, &jpeg);
        buffer_free(&jpeg);
    }
    struct buffer png = {0};
    png_end_last_chunk(data, size, &png);
    buffer_free(&png);
    uint8_t rgb[3];
    gif_hidden_colour(data, size, rgb);
    return 0;
}
