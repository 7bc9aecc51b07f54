#include "model/parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "model/family.h"
#include "model/parts_internal.h"

struct part *part_list_add(struct part_list *list, const char *name, const char *suffix, enum part_role role,
                           struct matrix *matrix) {
    struct part *part = list->parts ? &list->parts[list->count] : &list->counted;
    list->count++;
    *part = (struct part){.group = list->group, .role = role, .repeated = list->repeated, .matrix = matrix};
    snprintf(part->name, sizeof part->name, "%s%s%s", list->prefix, name, suffix);
    return part;
}

void part_list_vector(struct part_list *list, const char *name, const char *suffix, enum part_role role,
                      int size, struct matrix *matrix) {
    struct part *part = part_list_add(list, name, suffix, role, matrix);
    part->dims = 1;
    part->shape[0] = (size_t)size;
}

struct part *part_list_matrix(struct part_list *list, const char *name, const char *suffix,
                              enum part_role role, int rows, int columns, struct matrix *matrix) {
    struct part *part = part_list_add(list, name, suffix, role, matrix);
    part->dims = 2;
    part->shape[0] = (size_t)rows;
    part->shape[1] = (size_t)columns;
    return part;
}

void part_list_linear(struct part_list *list, const char *name, enum part_role role, bool biased, int out,
                      int in, struct linear *linear) {
    struct part *part =
        part_list_matrix(list, name, ".weight", role, out, in, linear ? &linear->weight.values : NULL);
    part->linear = linear;
    if (linear) linear->number = list->count - 1;
    if (biased) part_list_vector(list, name, ".bias", PART_BIAS, out, linear ? &linear->bias : NULL);
}

void part_list_start(struct part_list *list, const char *layers, int index) {
    list->repeated = layers != NULL;
    list->prefix[0] = 0;
    if (layers) snprintf(list->prefix, sizeof list->prefix, "%s.%d.", layers, index);
}

struct part *parts_list(const struct model_config *config, struct decoder *decoder, struct vision *vision,
                        size_t *count, struct error *error) {
    struct part_list list = {0};
    config->family->list_tensors(&list, config, decoder, vision);
    *count = list.count;
    struct part *parts = memory_new(list.count, sizeof *parts, "list of tensors", error);
    if (!parts) return NULL;
    list = (struct part_list){.parts = parts};
    config->family->list_tensors(&list, config, decoder, vision);
    return parts;
}

size_t part_values(const struct part *part) {
    size_t values = 1;
    for (int i = 0; i < part->dims; i++) values *= part->shape[i];
    return values;
}

bool part_is_adapted(const struct part *part) {
    return part->group == PART_TEXT && part->repeated &&
           (part->role == PART_WEIGHT || part->role == PART_OUT);
}

int parts_load(const struct part *parts, size_t count, const struct checkpoint *checkpoint,
               struct device *device, struct error *error) {
    for (size_t i = 0; i < count; i++) {
        const struct part *part = &parts[i];
        const struct tensor *tensor =
            checkpoint_tensor(checkpoint, part->name, part->dims, part->shape, error);
        if (!tensor) return -1;
        void *data = device_adopt(device, tensor->data, tensor_bytes(tensor), error);
        if (!data) return -1;
        size_t rows = part->dims > 1 ? part->shape[0] : 1;
        *part->matrix = matrix_of(data, tensor->dtype, rows, part_values(part) / rows);
    }
    return 0;
}
