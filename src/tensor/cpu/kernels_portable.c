// Compiled for every x86-64 / aarch64 processor.
#define KERNELS cpu_kernels_portable
#define KERNELS_NAME "portable"
#include "tensor/cpu/kernels_body.h"
