// Counter-based random numbers (Philox 4x32-10, Salmon et al. 2011): the n-th number of a stream is a
// function of (seed, stream, n) alone, so any sample of any run can be made again by itself.
#ifndef GLOBE_BASE_RANDOM_H
#define GLOBE_BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t seed;
    uint64_t stream;  // e.g. the sample number within a run
    uint64_t counter; // blocks of four drawn so far
    uint32_t block[4];
    int left; // numbers of the block not used yet
};

void random_start(struct random *random, uint64_t seed, uint64_t stream);
uint32_t random_u32(struct random *random);
uint64_t random_below(struct random *random, uint64_t limit); // uniform in [0, limit), unbiased; limit > 0
double random_unit(struct random *random);                    // uniform in (0, 1), 52 bits, never 0 or 1
double random_normal(struct random *random);                  // mean 0, deviation 1
// The block itself, for kernels that index by element: out = Philox(seed, stream, counter).
void random_block(uint64_t seed, uint64_t stream, uint64_t counter, uint32_t out[4]);

#endif
