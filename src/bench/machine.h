// What both benchmarks ask of the system.
#ifndef GLOBE_BENCH_MACHINE_H
#define GLOBE_BENCH_MACHINE_H

#include <stddef.h>

size_t bench_peak_memory(void); // bytes: resident memory at its highest, mapped files included

#endif
