// The CPU device: what the processor can do is found out once, at run time.
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "base/memory.h"
#include "tensor/cpu/cpu_internal.h"

enum { SHARED_SCRATCH = 3 }; // slots behind those of the threads: operands, biases, logits

float *cpu_scratch(struct cpu_device *cpu, int slot, size_t count) {
    if (cpu->scratch_size[slot] >= count) return cpu->scratch[slot];
    struct error error = {0};
    float *grown = memory_new_aligned(count, sizeof *grown, "scratch", &error);
    if (!grown) {
        device_fail(&cpu->base, error.code, "%s", error.message);
        return NULL;
    }
    free(cpu->scratch[slot]);
    cpu->scratch[slot] = grown;
    cpu->scratch_size[slot] = count;
    return grown;
}

int cpu_thread(void) {
    return omp_get_thread_num();
}

#if defined(__x86_64__)

static void cpuid(unsigned leaf, unsigned sub, unsigned out[4]) {
    __asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(sub));
}

// AMX needs the processor's tiles and BF16, AVX-512 for what surrounds them, and the kernel's permission to
// use tile state.
static bool has_amx(void) {
    unsigned base[4], leaf[4], sub[4];
    cpuid(0, 0, base);
    if (base[0] < 7) return false;
    cpuid(7, 0, leaf);
    cpuid(7, 1, sub);
    bool amx_bf16 = leaf[3] >> 22 & 1, amx_tile = leaf[3] >> 24 & 1, avx512_bf16 = sub[0] >> 5 & 1;
    if (!amx_bf16 || !amx_tile || !avx512_bf16) return false;
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

static int find_level(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return 1;
    return cpu_amx_compiled && has_amx() ? 3 : 2;
}

static const struct cpu_kernels *kernels_of(int level) {
    return level >= 2 ? &cpu_kernels_avx512 : level == 1 ? &cpu_kernels_avx2 : &cpu_kernels_portable;
}

#else

static int find_level(void) {
    return 0;
}

static const struct cpu_kernels *kernels_of(int level) {
    (void)level;
    return &cpu_kernels_portable;
}

#endif

static void cpu_free(struct device *device) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    cpu_matmul_free(cpu->matmul);
    arena_free(cpu->arena);
    arena_free(cpu->backward);
    if (cpu->scratch)
        for (int i = 0; i < device->threads + SHARED_SCRATCH; i++) free(cpu->scratch[i]);
    free(cpu->scratch);
    free(cpu->scratch_size);
    cpu_guard_free(cpu->guard);
    free(cpu);
}

// Our own parallel regions say how many threads they want; oneDNN follows OpenMP's setting, which belongs to
// the calling thread and may be anything.
static void begin(struct device *device) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    cpu->outer_threads = omp_get_max_threads();
    if (cpu->outer_threads != device->threads) omp_set_num_threads(device->threads);
    if (cpu->guard) cpu_guard_open(cpu->guard);
}

static void end(struct device *device) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    if (cpu->guard) cpu_guard_shut(cpu->guard);
    if (cpu->outer_threads != device->threads) omp_set_num_threads(cpu->outer_threads);
}

// Plain weights are their values.
static void linear(struct device *device, struct matrix y, struct matrix x, const struct weight *w,
                   struct matrix bias, unsigned flags) {
    cpu_linear(device, y, x, w->values, bias, flags);
}
static void log_probs(struct device *device, float *out, float *log_sums, float *entropies, struct matrix x,
                      const struct weight *w, const int32_t *targets, float temperature) {
    cpu_log_probs(device, out, log_sums, entropies, x, w->values, targets, temperature);
}
static void linear_backward(struct device *device, struct matrix dx, struct matrix dw, struct matrix dbias,
                            struct matrix dy, struct matrix x, const struct weight *w, unsigned flags) {
    cpu_linear_backward(device, dx, dw, dbias, dy, x, w->values, flags);
}
static void log_probs_backward(struct device *device, struct matrix dx, struct matrix dw,
                               const struct log_prob_gradients *gradients, struct matrix x,
                               const struct weight *w, const int32_t *targets, float temperature) {
    cpu_log_probs_backward(device, dx, dw, gradients, x, w->values, targets, temperature);
}

static const struct device_operations operations = {
    .name = "cpu",
    .exact = true,
    .free = cpu_free,
    .allocate = cpu_allocate,
    .adopt = cpu_adopt,
    .release = cpu_release,
    .begin = begin,
    .end = end,
    .upload = cpu_upload,
    .download = cpu_download,
    .copy_all = cpu_copy_all,
    .clear = cpu_clear,
    .linear = linear,
    .rms_norm = cpu_rms_norm,
    .rotary = cpu_rotary,
    .rope = cpu_rope,
    .attention = cpu_attention,
    .attention_shares = cpu_attention_shares,
    .swiglu = cpu_swiglu,
    .gelu = cpu_gelu,
    .embed = cpu_embed,
    .gather = cpu_gather,
    .scatter = cpu_scatter,
    .log_probs = log_probs,
    .log_softmax = cpu_log_softmax,
    .low_rank = cpu_low_rank,
    .decode = cpu_decode,
    .linear_backward = linear_backward,
    .rms_norm_backward = cpu_rms_norm_backward,
    .attention_backward = cpu_attention_backward,
    .swiglu_backward = cpu_swiglu_backward,
    .gelu_backward = cpu_gelu_backward,
    .embed_backward = cpu_embed_backward,
    .log_probs_backward = log_probs_backward,
    .low_rank_backward = cpu_low_rank_backward,
    .adamw = cpu_adamw,
    .square_sum = cpu_square_sum,
    .read_bandwidth = cpu_read_bandwidth,
    .matmul_seconds = cpu_matmul_seconds,
};

struct device *device_open_cpu(int threads, const char *isa, struct error *error) {
    static const char *const levels[] = {"portable", "avx2", "avx512", "amx"};
    int best = find_level(), level = best;
    bool guarded = isa && strcmp(isa, "guard") == 0;
    if (isa && !guarded) {
        for (level = 3; level >= 0 && strcmp(levels[level], isa) != 0; level--) continue;
        if (level < 0)
            error_set(error, ERROR_USAGE, "unknown instruction set \"%s\" (portable, avx2, avx512 or amx)",
                      isa);
        else if (level > best)
            error_set(error, ERROR_USAGE, "this processor has no %s", isa);
        if (level < 0 || level > best) return NULL;
    }
    if (threads <= 0) threads = omp_get_num_procs();
    if (threads > 1024) threads = 1024;
    struct cpu_device *cpu = memory_new(1, sizeof *cpu, "device", error);
    if (!cpu) return NULL;
    cpu->base.operations = &operations;
    cpu->base.threads = threads;
    cpu->kernels = kernels_of(level);
    cpu->amx = level == 3;
    // oneDNN's BF16 products are worth it with AMX; with AVX-512 BF16 alone they still halve what must be
    // read.
    cpu->base.fast_type = level >= 2 && cpu_matmul_has_bf16() ? DTYPE_BF16 : DTYPE_F32;
    cpu->scratch = memory_new((size_t)threads + SHARED_SCRATCH, sizeof *cpu->scratch, "scratch", error);
    cpu->scratch_size =
        memory_new((size_t)threads + SHARED_SCRATCH, sizeof *cpu->scratch_size, "scratch", error);
    cpu->arena = arena_new(error);
    cpu->backward = arena_new(error);
    cpu->matmul = cpu_matmul_new(error);
    if (guarded) cpu->guard = cpu_guard_new(error);
    if ((guarded && !cpu->guard) || !cpu->scratch || !cpu->scratch_size || !cpu->arena || !cpu->backward ||
        !cpu->matmul) {
        cpu_free(&cpu->base);
        return NULL;
    }
    cpu->widen_bf16 = !cpu_matmul_takes_bf16(cpu->matmul);
    snprintf(cpu->base.description, sizeof cpu->base.description, "%d threads, %s%s%s", threads,
             cpu->kernels->name, cpu->amx ? " + AMX" : "", guarded ? ", guarded memory" : "");
    return &cpu->base;
}
