// Data-parallel ranks with Open MPI. Started without mpirun a process is rank 0 of 1, MPI is never
// initialised, and every function here returns at once.
//
// A rank that does not answer ends the wait after `timeout` seconds with ERROR_NETWORK; one that dies makes
// mpirun end the job.
#ifndef GLOBE_TRAIN_PARALLEL_H
#define GLOBE_TRAIN_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct parallel {
    int rank, ranks;
    int local_ranks; // on this machine
    double timeout;  // seconds; 0: wait for ever
};

// Call it once, from the main thread, before other threads are started.
int parallel_start(struct parallel *parallel, double timeout, struct error *error);
// With `failed` the whole job is ended at once: the others may be waiting for this rank.
void parallel_end(struct parallel *parallel, bool failed);

// The following are called by all ranks in the same order.

// Whether all ranks succeeded: 0, or -1 on all of them, with the error of the first rank that failed.
int parallel_agree(const struct parallel *parallel, int result, struct error *error);
int parallel_sum(const struct parallel *parallel, double *values, size_t count, struct error *error);
int parallel_max(const struct parallel *parallel, double *values, size_t count, struct error *error);
// out [each] = this rank's part of the sum over ranks of in [ranks * each].
int parallel_reduce_scatter(const struct parallel *parallel, const float *in, float *out, size_t each,
                            struct error *error);
// out [ranks * each] = every rank's in [each], one after the other.
int parallel_all_gather(const struct parallel *parallel, const float *in, float *out, size_t each,
                        struct error *error);

#endif
