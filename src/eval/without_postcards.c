// What a build without cairo and Pango has in place of scope_others.c.
#include "eval/scope_others.h"

struct scope_others *scope_others_new(struct error *error) {
    error_set(error, ERROR_USAGE,
              "--scope draws pictures to compare with, and this build of globe cannot draw (postcards)");
    return NULL;
}

void scope_others_free(struct scope_others *others) {
    (void)others;
}

int scope_others_draw(struct scope_others *others, uint64_t index, struct image *image, struct error *error) {
    (void)others, (void)index, (void)image;
    return error_set(error, ERROR_INTERNAL, "nothing can be drawn");
}

int scope_others_kind(uint64_t index) {
    return (int)(index & 0);
}

int scope_others_kinds(void) {
    return 0;
}

const char *scope_others_name(int kind) {
    return kind ? "unknown" : "none";
}
