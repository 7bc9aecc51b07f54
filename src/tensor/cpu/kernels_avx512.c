// Compiled with AVX-512 F, BW, DQ, VL (x86-64-v4); empty elsewhere.
#if defined(__x86_64__)
#define KERNELS cpu_kernels_avx512
#define KERNELS_NAME "avx512"
#include "tensor/cpu/kernels_body.h"
#endif
