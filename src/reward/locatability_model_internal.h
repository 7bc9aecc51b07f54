// Private to locatability_model*.c.
#ifndef GLOBE_REWARD_LOCATABILITY_MODEL_INTERNAL_H
#define GLOBE_REWARD_LOCATABILITY_MODEL_INTERNAL_H

#include "reward/locatability_model.h"

struct locatability_model {
    char *name;
    bool compat;
    struct model *model; // in the process; else NULL
    struct lora *adapter;
    struct locatability_side sides[2]; // no, yes
    struct engine *engine;             // of a server; else NULL
};

// locatability_model_remote.c
int locatability_ask_endpoint(struct locatability_model *judge, const struct locatability_case *cases,
                              size_t count, double *scores, struct error *error);

#endif
