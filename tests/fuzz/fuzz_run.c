/* libFuzzer target: a run folder that somebody edited: STATE, LOCK, metrics.csv, config.resolved.yaml, in this order.
 * It is shown as `inspect` does, opened, and its metrics continued. */
#include <math.h>

#include "io/run/run.h"
#include "jobs/inspect/inspect.h"
#include "mpi/comm.h"
#include "tests/fuzz/fuzz_text_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
const char *__asan_default_options(void);

const char *__asan_default_options(void) {
    return "detect_leaks=0"; /* MPI's */
}

static ein_comm *comm;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    return ein_comm_start(argc, argv, &comm) != EIN_OK;
}

/* With a mark that does not fit, as a checkpoint of another run has, or without. */
static void go_on(int64_t keep) {
    static const char *const columns[] = {"step", "loss", "rate"};
    const ein_file_mark mark = {.bytes = 20 + keep, .hash = {1}};
    ein_run *run = NULL;
    if (ein_run_open(comm, fuzz_folder(), &run) != EIN_OK) return;
    if (ein_run_previous_state(run) > EIN_STATE_FAILED) abort();
    if (ein_run_metrics_open(run, columns, 3, keep, keep % 2 ? &mark : NULL) == EIN_OK &&
        ein_run_metrics_row(run, (const double[]){(double)keep + 1, 0.5, NAN}, 3) != EIN_OK)
        abort();
    if (ein_run_set_state(run, EIN_STATE_DONE, keep, "over") != EIN_OK) abort();
    ein_run_close(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"STATE", "LOCK", "metrics.csv", "config.resolved.yaml"};
    for (int i = 0; i < 4; i++) fuzz_write(names[i], fuzz_cut(data, size, i));
    ein_inspection look = {.path = fuzz_folder(), .out = json_object()};
    if (ein_inspect_run(&look) > EIN_STATUS_COUNT) abort();
    char *text = json_dumps(look.out, 0);
    if (!text) abort();
    free(text);
    json_decref(look.out);
    go_on(size % 7);
    return 0;
}
