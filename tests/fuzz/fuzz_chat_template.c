// Any bytes as a chat template: a canonical form comes out, without a read outside.
#include <stdint.h>
#include <stdlib.h>

#include "text/chat_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buffer out = {0};
    chat_template_canonical((const char *)data, size, &out);
    if (out.length > 8 * size + 8) abort();
    buffer_free(&out);
    (void)chat_template_is_builtin((const char *)data, size);
    return 0;
}
