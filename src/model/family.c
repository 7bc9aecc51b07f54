#include "model/family.h"

#include <stdio.h>
#include <string.h>

const struct model_family *const model_families[] = {&model_qwen2_5_vl, NULL};

void model_family_publish(const struct model_family *family, const char *name, char *text, size_t size) {
    for (const struct family_prefix *p = family->published; p->from; p++) {
        size_t length = strlen(p->from);
        if (strncmp(name, p->from, length) != 0) continue;
        snprintf(text, size, "%s%s", p->to, name + length);
        return;
    }
    snprintf(text, size, "%s", name);
}
