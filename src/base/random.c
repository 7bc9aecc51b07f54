#include "base/random.h"

#include <math.h>

void random_block(uint64_t seed, uint64_t stream, uint64_t counter, uint32_t out[4]) {
    uint32_t x0 = (uint32_t)counter, x1 = (uint32_t)(counter >> 32), x2 = (uint32_t)stream,
             x3 = (uint32_t)(stream >> 32);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * x0, p1 = (uint64_t)0xCD9E8D57u * x2;
        uint32_t y0 = (uint32_t)(p1 >> 32) ^ x1 ^ k0, y2 = (uint32_t)(p0 >> 32) ^ x3 ^ k1;
        x1 = (uint32_t)p1;
        x3 = (uint32_t)p0;
        x0 = y0;
        x2 = y2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = x0, out[1] = x1, out[2] = x2, out[3] = x3;
}

void random_start(struct random *random, uint64_t seed, uint64_t stream) {
    *random = (struct random){.seed = seed, .stream = stream};
}

uint32_t random_u32(struct random *random) {
    if (random->left == 0) {
        random_block(random->seed, random->stream, random->counter++, random->block);
        random->left = 4;
    }
    return random->block[4 - random->left--];
}

static uint64_t random_u64(struct random *random) {
    uint64_t high = random_u32(random);
    return high << 32 | random_u32(random);
}

uint64_t random_below(struct random *random, uint64_t limit) {
    uint64_t excess =
        (0 - limit) % limit; // the values above the last whole multiple of limit are drawn again
    uint64_t value;
    do value = random_u64(random);
    while (value < excess);
    return value % limit;
}

double random_unit(struct random *random) {
    return ((double)(random_u64(random) >> 12) + 0.5) *
           0x1p-52; // one bit less than fits, so that no sum rounds to 1
}

double random_normal(struct random *random) {
    double radius = sqrt(-2 * log(random_unit(random)));
    return radius * cos(6.283185307179586 * random_unit(random));
}
