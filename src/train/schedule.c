#include "train/schedule.h"

#include <math.h>

uint64_t schedule_warmup_steps(uint64_t total, double ratio) {
    double steps = ceil((double)total * ratio);
    return steps <= 0 ? 0 : steps >= (double)total ? total : (uint64_t)steps;
}

double schedule_factor(const struct schedule *schedule, uint64_t step) {
    if (step < schedule->warmup) return (double)step / (double)schedule->warmup;
    if (schedule->kind == SCHEDULE_CONSTANT) return 1;
    if (step >= schedule->total) return 0;
    double rest = (double)(schedule->total - schedule->warmup);
    double progress = (double)(step - schedule->warmup) / rest;
    if (schedule->kind == SCHEDULE_LINEAR) return 1 - progress;
    return fmax(0, 0.5 * (1 + cos(3.141592653589793 * progress)));
}
