// Making a list of tensors: for the families.
#ifndef GLOBE_MODEL_PARTS_INTERNAL_H
#define GLOBE_MODEL_PARTS_INTERNAL_H

#include "model/parts.h"

struct part_list {
    struct part *parts;  // NULL: only count
    struct part counted; // takes what is only counted
    size_t count;
    char prefix[40]; // "visual.blocks.3."
    enum part_group group;
    bool repeated;
};

// What follows is in layer `index` of `layers`, or with NULL in none. The group is set in the list itself.
void part_list_start(struct part_list *list, const char *layers, int index);
// One tensor named PREFIX NAME SUFFIX, whose shape is to be filled in.
struct part *part_list_add(struct part_list *list, const char *name, const char *suffix, enum part_role role,
                           struct matrix *matrix);
void part_list_vector(struct part_list *list, const char *name, const char *suffix, enum part_role role,
                      int size, struct matrix *matrix);
struct part *part_list_matrix(struct part_list *list, const char *name, const char *suffix,
                              enum part_role role, int rows, int columns, struct matrix *matrix);
// NAME.weight [out, in], and NAME.bias [out] of a layer that has one. `linear` is the layer's place, or NULL.
void part_list_linear(struct part_list *list, const char *name, enum part_role role, bool biased, int out,
                      int in, struct linear *linear);

// The place of a member when there is an owner.
#define PLACE(owner, member) ((owner) ? &(owner)->member : NULL)

#endif
