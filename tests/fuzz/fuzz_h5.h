/* What the fuzz targets of HDF5 files share: the trial of a file, which the program runs in a process of its own
 * (io/hdf5/probe.h), here in a fork. What it does not survive is refused and no finding; what passes it must not crash.
 * */
#ifndef EIN_TESTS_FUZZ_H5_H
#define EIN_TESTS_FUZZ_H5_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/hdf5/h5.h"
#include "io/hdf5/walk.h"
#include "mpi/comm.h"
#include "tests/fuzz/fuzz_text_file.h"

const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "detect_leaks=0"; /* HDF5 and MPI keep what a broken file left */
}

static ein_comm *fuzz_comm;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    if (ein_comm_start(argc, argv, &fuzz_comm) != EIN_OK) exit(1);
    ein_h5_quiet();
    return 0;
}

/* The input as a file, which must have a name of its own (HDF5 resolves links); its path. */
static const char *fuzz_file(const uint8_t *data, size_t size) {
    static char path[96];
    fuzz_write("file.h5", (fuzz_part){data, size});
    snprintf(path, sizeof path, "%s/file.h5", fuzz_folder());
    return path;
}

void __sanitizer_set_death_callback(void (*callback)(void));

static int fuzz_walk(const char *path) {
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM};
    const int nowhere = open("/dev/null", O_WRONLY);
    __sanitizer_set_death_callback(NULL); /* libFuzzer's, which would keep the input as a finding */
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) signal(fatal[i], SIG_DFL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_CPU, &(struct rlimit){5, 6});
    dup2(nowhere, 2);
    hid_t file;
    if (ein_h5_open_tried(path, &file) != EIN_OK) return 0;
    const ein_status status = ein_h5_walk(file);
    if (H5Fclose(file) < 0 || status != EIN_OK) return 1;
    H5close();
    return 0;
}

/* EIN_FUZZ_KEEP=FOLDER keeps what kills the trial: where a crash input for tests/fuzz/corpus comes from. */
static void fuzz_keep(const char *path, int code) {
    static int n = 0;
    char command[512];
    const char *folder = getenv("EIN_FUZZ_KEEP");
    if (!folder || (WIFEXITED(code) && WEXITSTATUS(code) == 1) || n > 99) return;
    snprintf(command, sizeof command, "cp '%s' '%s/died-%d-%d.h5'", path, folder, code, n++);
    if (system(command) != 0) exit(1);
}

static bool fuzz_survives(const char *path) {
    int code = 0;
    const pid_t child = fork();
    if (child == 0) _exit(fuzz_walk(path));
    if (child < 0 || waitpid(child, &code, 0) != child) return false;
    if (code != 0) fuzz_keep(path, code);
    return code == 0;
}

#endif
