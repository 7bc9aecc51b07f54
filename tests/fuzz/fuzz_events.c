// Any bytes as a TensorBoard event file: what is kept is a part of it, and stays what it is.
#include <stdint.h>
#include <stdlib.h>

#include "train/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (uint64_t step = 0; step < 3; step++) {
        size_t kept = events_length_until(data, size, step);
        if (kept > size || events_length_until(data, kept, step) != kept) abort();
    }
    return 0;
}
