// XMP packets from anywhere: a position is found or not, and lies on Earth.
#include <assert.h>
#include <stdint.h>

#include "photo/xmp_position.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    double latitude, longitude;
    if (xmp_position_read((const char *)data, size, &latitude, &longitude)) {
        assert(latitude >= -90 && latitude <= 90);
        assert(longitude >= -180 && longitude <= 180);
    }
    return 0;
}
