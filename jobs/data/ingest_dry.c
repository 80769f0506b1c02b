/* ingest --dry-run: what would be done, from a look at a few recordings. */
#include <math.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "io/run/run.h"
#include "jobs/data/ingest.h"
#include "jobs/data/ingest_columns.h"
#include "jobs/data/ingest_offer.h"

enum { SHOWN = 3, TIMED = 12, ENTRY_BYTES = 700 };

static void show(const char *path, const ein_reader_options *options) {
    ein_ecg ecg;
    if (ein_reader_read_with(path, options, &ecg) != EIN_OK) {
        printf("  would be rejected: %s\n", ein_error_message());
        return;
    }
    printf("  %s: %d leads (", path, ecg.n_leads);
    for (int i = 0; i < ecg.n_leads; i++)
        printf("%s%s%s", i ? " " : "", ecg.lead_name[i],
               ecg.lead[i] == EIN_LEAD_UNKNOWN ? " (no lead that is known)" : "");
    printf("), %g Hz, %.3g s, patient %s\n", ecg.fs_hz, (double)ecg.n_samples / ecg.fs_hz,
           ecg.person.patient_id[0] ? "known" : "not stated");
    ein_ecg_free(&ecg);
}

/* Seconds per recording on one thread, over recordings spread over the list; how many of them do not say whose they
 * are. */
static ein_status measure(const ein_ingest *in, double *seconds, int64_t *nobodys) {
    ein_ingest_worker *worker = NULL;
    ein_ingest_result *result = NULL;
    int16_t *counts = NULL;
    int64_t n = in->total < TIMED ? in->total : TIMED;
    ein_status status = ein_ingest_worker_new(&in->contract, &in->policy, &worker);
    if (status == EIN_OK) status = EIN_NEW(result, 1);
    if (status == EIN_OK) status = EIN_NEW(counts, in->values);
    double begin = ein_clock_s();
    *nobodys = 0;
    for (int64_t i = 0; status == EIN_OK && i < n; i++) {
        ein_ingest_one(worker, in->found.path[i * in->total / n], counts, result);
        *nobodys += result->patient_id[0] == '\0';
    }
    *seconds = (ein_clock_s() - begin) / (double)n;
    ein_ingest_worker_destroy(worker);
    free(result);
    free(counts);
    return status;
}

static bool has_patients(const ein_labels *labels) {
    for (int t = 0; t < ein_labels_n_tables(labels); t++) {
        ein_labels_table table;
        ein_labels_table_at(labels, t, &table);
        for (int c = 0; c < table.columns; c++)
            if (ein_labels_column_at(labels, t, c)->uses & EIN_LABELS_PATIENT) return true;
    }
    return false;
}

static void warn_of_patients(const ein_ingest *in, int64_t nobodys) {
    const int64_t n = in->total < TIMED ? in->total : TIMED;
    if (nobodys == 0 || has_patients(ein_ledger_labels(in->ledger))) return;
    printf(
        "WARNING: %lld of %lld recordings that were looked at do not say whose they are, and no column of patients is "
        "named; each would count as a patient of its own (--labels TABLE.csv --label-key COLUMN --patient-column "
        "COLUMN)\n",
        (long long)nobodys, (long long)n);
    ein_offer_print(in->roots, in->n_roots, &in->found, ein_ledger_labels(in->ledger), stdout);
}

ein_status ein_ingest_dry_run(const ein_ingest *in) {
    const ein_contract *c = &in->contract;
    double seconds = 0, record = (double)in->values * 2;
    double share = ceil((double)in->round / in->size);
    char duration[32];
    printf("recordings: %lld found, %lld folders or files cannot be read\n", (long long)in->total,
           (long long)in->found.n_problems);
    for (int64_t i = 0; i < in->total && i < SHOWN; i++) show(in->found.path[i], &in->policy.read);
    ein_ingest_print_passed(&in->found);
    printf("contract: %d leads x %lld samples at %g Hz\n", c->n_leads, (long long)c->n_samples, c->fs_hz);
    if (in->joined >= 0) {
        const ein_labels *labels = ein_ledger_labels(in->ledger);
        printf("labels: %d number and %d text columns; %lld of %lld recordings have a row by path or name\n",
               ein_labels_n_values(labels), ein_labels_n_texts(labels), (long long)in->joined,
               (long long)in->total);
        ein_columns_print(labels, stdout);
    }
    printf("corpus: %s, at most %.1f MB before compression\n", in->out,
           (double)in->total * (record + ENTRY_BYTES) / 1e6);
    printf("memory: about %.0f MB per rank, and %.0f MB on rank 0 for names and labels\n",
           (3 * share * record + in->threads * 20.0 * record) / 1e6 + 50,
           (double)in->total * ENTRY_BYTES / 1e6);
    int64_t nobodys = 0;
    EIN_TRY(measure(in, &seconds, &nobodys));
    warn_of_patients(in, nobodys);
    ein_format_duration(seconds * (double)in->total / in->size / in->threads, duration, sizeof duration);
    printf(
        "time: about %s on %d ranks x %d threads, if the disk keeps up (%.1f ms per recording and thread)\n",
        duration, in->size, in->threads, seconds * 1e3);
    return EIN_OK;
}
