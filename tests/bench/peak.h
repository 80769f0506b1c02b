/* What one core can do at most: a loop of fused multiply-adds without memory, in the widest vectors in use. */
#ifndef EIN_TESTS_BENCH_PEAK_H
#define EIN_TESTS_BENCH_PEAK_H

#include "core/base/processor.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* 14 sums: enough to hide the latency of two units. */
__attribute__((target("avx512f"), noinline)) static void bench_fuse_512(int times) {
    __m512 s[14];
    const __m512 x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
#pragma GCC unroll 14
    for (int i = 0; i < 14; i++) s[i] = _mm512_set1_ps((float)i);
    for (int k = 0; k < times; k++) {
#pragma GCC unroll 14
        for (int i = 0; i < 14; i++) __asm__ volatile("vfmadd213ps %2, %1, %0" : "+v"(s[i]) : "v"(x), "v"(y));
    }
}

__attribute__((target("avx2,fma"), noinline)) static void bench_fuse_256(int times) {
    __m256 s[12];
    const __m256 x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
#pragma GCC unroll 12
    for (int i = 0; i < 12; i++) s[i] = _mm256_set1_ps((float)i);
    for (int k = 0; k < times; k++) {
#pragma GCC unroll 12
        for (int i = 0; i < 12; i++) __asm__ volatile("vfmadd213ps %2, %1, %0" : "+x"(s[i]) : "x"(x), "x"(y));
    }
}
#endif

/* GFLOP/s of a core, over about two milliseconds of clock() (seconds). 0 where the set has no loop here. */
static inline double bench_peak_gflops(double (*clock)(void)) {
    enum { TIMES = 300000 };
    const double start = clock();
#if defined(__x86_64__)
    if (ein_set_in_use() == EIN_SET_AVX512) {
        bench_fuse_512(TIMES);
        return TIMES * 14 * 32e-9 / (clock() - start);
    }
    if (ein_set_in_use() == EIN_SET_AVX2) {
        bench_fuse_256(TIMES);
        return TIMES * 12 * 16e-9 / (clock() - start);
    }
#endif
    (void)start;
    return 0;
}

#endif
