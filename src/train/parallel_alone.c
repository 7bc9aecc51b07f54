// Built instead of parallel.c where there is no MPI: one rank, and a clear word to those who start several.
#include <stdlib.h>
#include <string.h>

#include "train/parallel.h"

int parallel_start(struct parallel *parallel, double timeout, struct error *error) {
    *parallel = (struct parallel){.ranks = 1, .local_ranks = 1, .timeout = timeout};
    const char *ranks = getenv("OMPI_COMM_WORLD_SIZE");
    if (!getenv("PMIX_RANK") && (!ranks || strcmp(ranks, "1") == 0)) return 0;
    return error_set(error, ERROR_USAGE,
                     "started by mpirun, but this globe was built without MPI (docs/building.md)");
}

void parallel_end(struct parallel *parallel, bool failed) {
    (void)parallel, (void)failed;
}

int parallel_agree(const struct parallel *parallel, int result, struct error *error) {
    (void)parallel, (void)error;
    return result ? -1 : 0;
}

int parallel_sum(const struct parallel *parallel, double *values, size_t count, struct error *error) {
    (void)parallel, (void)values, (void)count, (void)error;
    return 0;
}

int parallel_max(const struct parallel *parallel, double *values, size_t count, struct error *error) {
    (void)parallel, (void)values, (void)count, (void)error;
    return 0;
}

int parallel_reduce_scatter(const struct parallel *parallel, const float *in, float *out, size_t each,
                            struct error *error) {
    (void)parallel, (void)error;
    memcpy(out, in, each * sizeof *out);
    return 0;
}

int parallel_all_gather(const struct parallel *parallel, const float *in, float *out, size_t each,
                        struct error *error) {
    (void)parallel, (void)error;
    memcpy(out, in, each * sizeof *out);
    return 0;
}
