/* What a job says of itself at its end. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "jobs/score/run.h"

static void print_energy(double energy_j, int64_t hosts, int64_t readable, int64_t inputs) {
    if (readable < hosts || hosts == 0)
        printf("energy: cannot be read on %" PRId64 " of %" PRId64
               " hosts (/sys/class/powercap/intel-rapl:*/energy_uj; see jobs/score/README.md)\n",
               hosts - readable, hosts);
    else
        printf("energy: %.0f J of the processors of %" PRId64
               " hosts, %.3f J an input, whatever else ran there\n",
               energy_j, hosts, energy_j / (double)inputs);
}

static double percent(double part, double whole) {
    return whole > 0 ? 100 * part / whole : 0;
}

/* Which share of their time the threads of each phase worked, of all ranks together: what limits the rate is at 100. */
static void print_phases(const ein_score_pipeline_counts *c, double write_s, double work_s, int threads,
                         int readers) {
    printf(
        "phases: of %d readers a rank %.1f %% read and decode, %.1f %% prepare; of %d threads a rank %.1f %% run "
        "the models, in batches of %.1f; writing %.1f %%\n",
        readers, percent(c->read_s, work_s * readers), percent(c->prepare_s, work_s * readers), threads,
        percent(c->busy_s, work_s * threads), (double)c->run / (double)(c->batches > 0 ? c->batches : 1),
        percent(write_s, work_s));
    printf("models busy %.1f %% of the time in which there was something to do\n",
           percent(c->busy_s, c->busy_s + c->starved_s));
}

ein_status ein_score_report(ein_score *s, double wall_s) {
    const double energy_j = ein_usage_energy_j(&s->usage);
    ein_score_pipeline_counts *c = &s->counts;
    int64_t n[7] = {s->scored,
                    c->rejected,
                    c->retries,
                    s->usage.first_of_host,
                    s->usage.first_of_host && isfinite(energy_j),
                    c->batches,
                    c->run};
    double t[9] = {ein_usage_cpu_s(), wall_s * s->threads, c->busy_s,
                   c->starved_s,      c->read_s,           c->prepare_s,
                   s->write_s,        s->work_s,           isfinite(energy_j) ? energy_j : 0};
    EIN_TRY(ein_comm_sum_i64(s->comm, n, 7));
    EIN_TRY(ein_comm_sum_f64(s->comm, t, 9));
    if (s->rank != 0 || n[0] == 0) return EIN_OK;
    const ein_score_pipeline_counts all = {
        .batches = n[5], .run = n[6], .busy_s = t[2], .starved_s = t[3], .read_s = t[4], .prepare_s = t[5]};
    printf("this job: %" PRId64 " inputs (%" PRId64
           " rejected) in %.1f s, %.1f a second, on %d ranks x %d threads",
           n[0], n[1], wall_s, (double)n[0] / wall_s, s->size, s->threads);
    printf("; %.3f core-hours of work, %.3f taken\n", t[0] / 3600, t[1] / 3600);
    print_phases(&all, t[6], t[7], s->threads, s->readers);
    if (n[2] > 0) printf("trouble of the machine was waited out %" PRId64 " times\n", n[2]);
    print_energy(t[8], n[3], n[4], n[0]);
    return EIN_OK;
}
