/* What this binary is and what it runs on. */
#include <hdf5.h>
#include <jansson.h>
#include <sodium.h>
#include <string.h>
#include <yaml.h>

#include "core/base/real.h"
#include "core/nn/blas.h"
#include "io/formats/xml_text.h"
#include "jobs/cli/command.h"

#ifndef EIN_VERSION
#define EIN_VERSION "unknown"
#endif
#ifndef EIN_BUILD_FLAGS
#define EIN_BUILD_FLAGS "unknown"
#endif

const char *ein_version(void) {
    return EIN_VERSION;
}

static const char *compiler(void) {
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "unknown";
#endif
}

/* Which clone of the hot loops this CPU runs (core/base/real.h). */
static const char *kernel_set(void) {
#if defined(EIN_HAS_CLONES)
    __builtin_cpu_init();
    bool v3 =
        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512vl");
    return v3 && v4 ? "x86-64-v4" : v3 ? "x86-64-v3" : "x86-64 baseline";
#else
    return "one set, as compiled";
#endif
}

static void print_mpi(FILE *stream) {
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0, version = 0, subversion = 0;
    MPI_Get_library_version(text, &length); /* allowed before MPI is started, as is MPI_Get_version */
    MPI_Get_version(&version, &subversion);
    text[strcspn(text, ",\n")] = '\0';
    fprintf(stream, "MPI       %s (standard %d.%d)\n", text, version, subversion);
}

static void print_hdf5(FILE *stream) {
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    fprintf(stream, "HDF5      %u.%u.%u (headers %d.%d.%d)\n", major, minor, release, H5_VERS_MAJOR,
            H5_VERS_MINOR, H5_VERS_RELEASE);
}

void ein_print_versions(FILE *stream) {
    fprintf(stream, "einthoven %s\n", EIN_VERSION);
    fprintf(stream, "compiler  %s\n", compiler());
    fprintf(stream, "flags     %s\n", EIN_BUILD_FLAGS);
    fprintf(stream, "kernels   %s\n", kernel_set());
    fprintf(stream, "BLAS      %s\n", ein_blas_start());
    print_mpi(stream);
    print_hdf5(stream);
    fprintf(stream, "others    libyaml %s, jansson %s, libsodium %s, libxml2 %s\n", yaml_get_version_string(),
            jansson_version_str(), sodium_version_string(), ein_xml_library());
}
