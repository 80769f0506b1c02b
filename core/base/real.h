/* The scalar of the kernels.
 *
 * Every numeric kernel is written once over `real` and compiled twice: as float
 * for the product, as double (-DEIN_REAL_DOUBLE) for gradient checks.  A header
 * that declares such functions mangles each name once, so that both builds can
 * be linked into one test:
 *
 *     #define layernorm_forward EIN_REAL_NAME(layernorm_forward)
 *     void layernorm_forward(real *out, ...);
 */
#ifndef EIN_CORE_BASE_REAL_H
#define EIN_CORE_BASE_REAL_H

#ifdef EIN_REAL_DOUBLE
typedef double real;
#define EIN_REAL_NAME(name) name##_f64
#else
typedef float real;
#define EIN_REAL_NAME(name) name##_f32
#endif

/* Hot loops are cloned per instruction set and chosen at load time, so one binary runs on every
 * node of a cluster.  Off under sanitizers (ifunc resolvers run before their runtime) and with
 * NATIVE=1, where the whole program is compiled for one CPU, and with clang before 18, which gives the
 * chosen clone a name (f.ifunc) that other files cannot call: its builds run the baseline everywhere. */
#if defined(__x86_64__) && !defined(EIN_NO_CLONES) && (!defined(__clang__) || __clang_major__ >= 18)
#define EIN_HAS_CLONES
#define EIN_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define EIN_CLONES
#endif

#endif
