/* A Check suite as a TAP program: `return ein_tap_main(suite);` in main().
 *
 * ein_tap_main forks per test, so that a crash fails one test (CK_FORK=no turns that off, for a debugger).
 * ein_tap_main_mpi runs all tests in this process on every rank; a test is ok when it is ok on all ranks, rank 0
 * prints the TAP lines and every rank that failed a test says why on stderr.
 */
#ifndef EIN_TESTS_TAP_H
#define EIN_TESTS_TAP_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* Add one START_TEST under a name of its own. */
static inline void ein_tap_add(Suite *suite, const char *name, const TTest *test) {
    TCase *tcase = tcase_create(name);
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
}

static inline int ein_tap_main(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int bad = srunner_ntests_failed(runner) != 0 || srunner_ntests_run(runner) == 0;
    srunner_free(runner);
    return bad;
}

#ifdef MPI_VERSION /* mpi.h was included before */
/* Collective. MPI is started and still to be ended by the caller. */
static inline int ein_tap_main_mpi(Suite *suite, MPI_Comm comm) {
    int rank = 0, size = 1, all_good = 1;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_SILENT);
    TestResult **results = srunner_results(runner);
    int n = srunner_ntests_run(runner);
    for (int i = 0; i < n; i++) {
        int good = tr_rtype(results[i]) == CK_PASS, everywhere = 0;
        if (!good)
            fprintf(stderr, "# rank %d of %d: %s:%d: %s\n", rank, size, tr_lfile(results[i]),
                    tr_lno(results[i]), tr_msg(results[i]));
        MPI_Allreduce(&good, &everywhere, 1, MPI_INT, MPI_MIN, comm);
        if (rank == 0)
            printf("%sok %d - %s (%d ranks)\n", everywhere ? "" : "not ", i + 1, tr_tcname(results[i]), size);
        all_good = all_good && everywhere;
    }
    if (rank == 0) printf("1..%d\n", n);
    fflush(stdout);
    free(results);
    srunner_free(runner);
    return !(all_good && n > 0);
}
#endif

#endif
