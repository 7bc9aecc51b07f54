// Compiled with AVX2 and FMA (x86-64-v3); empty elsewhere.
#if defined(__x86_64__)
#define KERNELS cpu_kernels_avx2
#define KERNELS_NAME "avx2"
#include "tensor/cpu/kernels_body.h"
#endif
