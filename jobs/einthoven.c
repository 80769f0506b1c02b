/* main() of the one program: command line, MPI, the subcommand, exit code. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/hdf5/probe.h"
#include "jobs/cli/cmdline.h"

/* This process's rank according to the launcher, before MPI is started; -1 without a launcher. */
static int launcher_rank(void) {
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                        "MV2_COMM_WORLD_RANK", "SLURM_PROCID"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = getenv(names[i]);
        if (text && text[0] >= '0' && text[0] <= '9') return atoi(text);
    }
    return -1;
}

static void print_error(const ein_cmdline *line) {
    const char *name = line->command ? line->command->name : "";
    fprintf(stderr, "einthoven%s%s: %s\n", name[0] ? " " : "", name, ein_error_message());
    fflush(stderr);
}

/* Results go to stdout, often into a file: losing them is a failure. */
static ein_status flush_results(void) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return EIN_OK;
    return ein_error(EIN_IO, "writing to standard output: %s",
                     errno ? strerror(errno) : "an earlier write failed");
}

static ein_status print_information(const ein_cmdline *line) {
    if (launcher_rank() > 0) return EIN_OK; /* once per launch, not once per rank */
    if (line->version)
        ein_print_versions(stdout);
    else if (line->topic)
        ein_print_topic(line, stdout);
    else if (line->command)
        ein_print_command_help(line->command, stdout);
    else
        ein_print_help(ein_commands, stdout);
    return flush_results();
}

/* Every rank found the same fault in the same command line. Under a launcher the ranks leave together through
 * MPI: launchers kill the others when one exits with an error, which could be before rank 0 has printed. */
static void refuse(const ein_cmdline *line, int *argc, char ***argv) {
    int rank = launcher_rank();
    if (rank <= 0) print_error(line);
    ein_comm *comm = NULL;
    if (rank >= 0 && ein_comm_start(argc, argv, &comm) == EIN_OK) ein_comm_finish(comm);
}

static ein_status run(const ein_cmdline *line, int *argc, char ***argv) {
    ein_comm *comm = NULL;
    ein_status status = ein_comm_start(argc, argv, &comm);
    if (status != EIN_OK) {
        print_error(line);
        return status;
    }
    status = ein_cmdline_run(comm, line);
    if (status == EIN_OK) status = flush_results();
    /* A job returns one status on all ranks; agreeing once more costs nothing and leaves no rank alone. */
    if (status != EIN_COMM) status = ein_comm_agree(comm, status);
    if (status == EIN_COMM) { /* the ranks cannot reach each other any more: each speaks for itself */
        ein_error_context(status, "rank %d on %s", ein_comm_rank(comm), ein_comm_host(comm));
        print_error(line);
        ein_comm_abort(comm, ein_status_exit_code(status));
    }
    if (status != EIN_OK && status != EIN_STOPPED && ein_comm_rank(comm) == 0) print_error(line);
    ein_comm_finish(comm);
    return status;
}

int main(int argc, char **argv) {
    const int tried = ein_h5_probe_serve(argc, argv);
    if (tried >= 0) _exit(tried);
    /* A file that grows beyond a limit is an error of write(), to be told like a full disk, not a death. */
    signal(SIGXFSZ, SIG_IGN);
    ein_cmdline line;
    ein_status status = ein_cmdline_parse(ein_commands, argc, argv, &line);
    if (status != EIN_OK) {
        refuse(&line, &argc, &argv);
    } else if (line.help || line.version) {
        status = print_information(&line);
        if (status != EIN_OK) print_error(&line);
    } else {
        status = run(&line, &argc, &argv);
    }
    ein_cmdline_free(&line);
    return ein_status_exit_code(status);
}
