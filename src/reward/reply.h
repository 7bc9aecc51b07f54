// What a reward co-process answers: one line of JSON, {"id": N, "rewards": [...]} or the list alone. Nothing of it is trusted.
#ifndef GLOBE_REWARD_REPLY_H
#define GLOBE_REWARD_REPLY_H

#include "reward/reward_internal.h"

// values [count] is written: a number, NaN for null (does not apply); entries that are {"error": "why"} are failures of
// their completion. ERROR_INPUT says what is wrong with any other line.
int reward_reply_read(const char *line, size_t length, uint64_t id, size_t count, double *values,
                      struct reward_failures *failures, struct error *error);

#endif
