// What the tests of decoding share: whole files and pictures opened by libvips itself.
#ifndef GLOBE_TESTS_PHOTO_PICTURES_H
#define GLOBE_TESTS_PHOTO_PICTURES_H

#include "support.h"

#include <vips/vips.h>

#include "base/file.h"
#include "photo/decode.h"

static const char *const pictures[] = {"bilevel.png",        "exif6.jpg",          "gray.jpg",
                                       "gray16.png",         "gray_alpha.png",     "interlaced.png",
                                       "palette.png",        "odd422_restart.jpg", "rgb16.png",
                                       "progressive444.jpg", "rgb8.png",           "rgba.png"};
enum { PICTURES = sizeof pictures / sizeof *pictures };

struct bytes {
    char *data; // free()
    size_t length;
};

static inline struct bytes read_bytes(const char *path) {
    struct error error;
    struct bytes bytes;
    bytes.data = file_read(path, 1 << 24, &bytes.length, &error);
    assert_got(bytes.data, error);
    return bytes;
}

// Opens a picture of tests/data/image, to be written in another format. libvips has to be running:
// photo_decode_* starts it, and restarting does no harm.
static inline VipsImage *open_picture(const char *file) {
    assert_int_equal(vips_init("test"), 0);
    VipsImage *image = vips_image_new_from_file(test_data("image/%s", file), NULL);
    if (!image) fail_msg("%s", vips_error_buffer());
    return image;
}

#endif
