#include "train/parallel.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/signals.h"

enum { GRACE = 5 }; // seconds that others get to answer after we were asked to stop

static int failed(const struct parallel *parallel, int code, struct error *error) {
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    MPI_Error_string(code, text, &length);
    return error_set(error, ERROR_NETWORK, "rank %d of %d: MPI: %s", parallel->rank, parallel->ranks, text);
}

int parallel_start(struct parallel *parallel, double timeout, struct error *error) {
    *parallel = (struct parallel){.ranks = 1, .local_ranks = 1, .timeout = timeout};
    if (!getenv("OMPI_COMM_WORLD_SIZE") && !getenv("PMIX_RANK")) return 0;
    int provided, code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    if (code != MPI_SUCCESS) return error_set(error, ERROR_NETWORK, "MPI did not start (code %d)", code);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &parallel->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &parallel->ranks);
    MPI_Comm local;
    code = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, parallel->rank, MPI_INFO_NULL, &local);
    if (code != MPI_SUCCESS) return failed(parallel, code, error);
    MPI_Comm_size(local, &parallel->local_ranks);
    MPI_Comm_free(&local);
    return 0;
}

void parallel_end(struct parallel *parallel, bool has_failed) {
    int started = 0, ended = 0;
    MPI_Initialized(&started);
    if (started) MPI_Finalized(&ended);
    if (!started || ended) return;
    if (has_failed && parallel->ranks > 1) MPI_Abort(MPI_COMM_WORLD, ERROR_NETWORK);
    MPI_Finalize();
}

// NOLINTBEGIN(clang-analyzer-optin.mpi.MPI-Checker): requests are completed by MPI_Test in wait_for()

// Asking instead of blocking: MPI itself would wait for ever for a rank that hangs. The pauses are short
// beside any collective that matters.
static int wait_for(const struct parallel *parallel, int code, MPI_Request *request, struct error *error) {
    double started = clock_seconds(), interrupted = 0;
    int done = 0;
    for (long pause = 0; code == MPI_SUCCESS; pause = pause < 1000000 ? pause + 1000 : pause) {
        code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (done || code != MPI_SUCCESS) break;
        double time = clock_seconds();
        if (signals_interrupted() && interrupted == 0) interrupted = time;
        if (interrupted > 0 && time - interrupted > GRACE)
            return error_set(error, ERROR_INTERRUPTED, "rank %d: stopped while waiting for the other ranks",
                             parallel->rank);
        if (parallel->timeout > 0 && time - started > parallel->timeout)
            return error_set(error, ERROR_NETWORK,
                             "rank %d: no answer from the other ranks for %.0f seconds; one is lost or hangs",
                             parallel->rank, parallel->timeout);
        nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
    }
    return code == MPI_SUCCESS ? 0 : failed(parallel, code, error);
}

static int reduce(const struct parallel *parallel, double *values, size_t count, MPI_Op operation,
                  struct error *error) {
    if (parallel->ranks == 1) return 0;
    MPI_Request request;
    int code =
        MPI_Iallreduce(MPI_IN_PLACE, values, (int)count, MPI_DOUBLE, operation, MPI_COMM_WORLD, &request);
    return wait_for(parallel, code, &request, error);
}

int parallel_sum(const struct parallel *parallel, double *values, size_t count, struct error *error) {
    return reduce(parallel, values, count, MPI_SUM, error);
}

int parallel_max(const struct parallel *parallel, double *values, size_t count, struct error *error) {
    return reduce(parallel, values, count, MPI_MAX, error);
}

int parallel_agree(const struct parallel *parallel, int result, struct error *error) {
    if (parallel->ranks == 1) return result ? -1 : 0;
    struct error own = {0};
    if (result && error) own = *error;
    double first =
        result ? -(double)parallel->rank : -(double)parallel->ranks; // the largest is the lowest rank
    if (parallel_max(parallel, &first, 1, error)) return -1;
    int culprit = (int)-first;
    if (culprit == parallel->ranks) return 0;
    MPI_Request request;
    int code = MPI_Ibcast(&own, (int)sizeof own, MPI_BYTE, culprit, MPI_COMM_WORLD, &request);
    if (wait_for(parallel, code, &request, error)) return -1;
    return error_set(error, own.code, "rank %d: %s", culprit, own.message);
}

int parallel_reduce_scatter(const struct parallel *parallel, const float *in, float *out, size_t each,
                            struct error *error) {
    if (parallel->ranks == 1) {
        memcpy(out, in, each * sizeof *out);
        return 0;
    }
    MPI_Request request;
    int code = MPI_Ireduce_scatter_block(in, out, (int)each, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD, &request);
    return wait_for(parallel, code, &request, error);
}

int parallel_all_gather(const struct parallel *parallel, const float *in, float *out, size_t each,
                        struct error *error) {
    if (parallel->ranks == 1) {
        memcpy(out, in, each * sizeof *out);
        return 0;
    }
    MPI_Request request;
    int code = MPI_Iallgather(in, (int)each, MPI_FLOAT, out, (int)each, MPI_FLOAT, MPI_COMM_WORLD, &request);
    return wait_for(parallel, code, &request, error);
}

// NOLINTEND(clang-analyzer-optin.mpi.MPI-Checker)
