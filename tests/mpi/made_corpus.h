/* A corpus of made-up records with given ids, labels and texts, for tests that do not look at signals. */
#ifndef EIN_TESTS_MADE_CORPUS_H
#define EIN_TESTS_MADE_CORPUS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/corpus/corpus.h"

/* What the records are; arrays as the corpus has them. Read on rank 0 only, but counts and names on all. */
typedef struct {
    int64_t N;
    const char *const *id;          /* (N) */
    const char *const *source_file; /* (N); NULL: the ids */
    const char *const *sha256;      /* (N); NULL: "" */
    const char *const *cohort;      /* (N); NULL: "" */
    const uint64_t *patient;        /* (N) keys */
    const float *age;               /* (N); NULL: not known */
    const int8_t *sex;              /* (N); NULL: not known */
    const uint64_t *signal_key;     /* (N); NULL: not known */
    const ein_sketch *sketch;       /* (N); NULL: none */
    int n_labels, n_texts;
    const char *const *label_name, *const *text_name;
    const float *label;      /* (n_labels, N) */
    const char *const *text; /* (n_texts, N) */
} made_corpus;

enum { MADE_LEADS = 2, MADE_SAMPLES = 40, MADE_LABELS_MAX = 32, MADE_TEXTS_MAX = 8 };

static ein_status made_append(ein_corpus_writer *w, const made_corpus *m, int64_t r, bool root) {
    static const uint32_t quality[MADE_LEADS];
    int16_t counts[MADE_LEADS * MADE_SAMPLES];
    float scale = 0.001f, label[MADE_LABELS_MAX];
    const char *text[MADE_TEXTS_MAX];
    for (int i = 0; i < MADE_LEADS * MADE_SAMPLES; i++) counts[i] = (int16_t)((i * 37 + r * 11) % 1001 - 500);
    for (int k = 0; root && k < m->n_labels; k++) label[k] = m->label[k * m->N + r];
    for (int k = 0; root && k < m->n_texts; k++) text[k] = m->text[k * m->N + r];
    ein_corpus_entry entry = {.record_id = "",
                              .patient = "",
                              .cohort = "",
                              .site = "",
                              .acquired = "",
                              .source_file = "",
                              .source_sha256 = ""};
    if (root) {
        entry.record_id = m->id[r];
        entry.source_file = m->source_file ? m->source_file[r] : m->id[r];
        entry.cohort = m->cohort ? m->cohort[r] : "";
        entry.source_sha256 = m->sha256 ? m->sha256[r] : "";
        entry.patient_key = m->patient[r];
        entry.age = m->age ? m->age[r] : NAN;
        entry.sex = m->sex ? m->sex[r] : -1;
        entry.signal_key = m->signal_key ? m->signal_key[r] : 0;
        entry.sketch = m->sketch ? &m->sketch[r] : NULL;
        entry.lead_quality = quality;
        entry.label = label;
        entry.text = text;
    }
    return ein_corpus_append(w, root ? 1 : 0, root ? counts : NULL, root ? &scale : NULL,
                             root ? &entry : NULL);
}

/* Write it and open it for reading. Collective. */
static ein_status made_open(ein_comm *comm, const char *path, const made_corpus *m, ein_corpus **out) {
    ein_corpus_writer *w;
    ein_corpus_options o = {.path = path,
                            .program = "test 1",
                            .config_yaml = "{}\n",
                            .patient_ids = "kept",
                            .n_labels = m->n_labels,
                            .n_texts = m->n_texts,
                            .label_name = m->label_name,
                            .text_name = m->text_name};
    EIN_BUG_IF(m->n_labels > MADE_LABELS_MAX || m->n_texts > MADE_TEXTS_MAX);
    o.contract.n_leads = MADE_LEADS;
    o.contract.lead[0] = EIN_LEAD_I;
    o.contract.lead[1] = EIN_LEAD_II;
    o.contract.fs_hz = 100;
    o.contract.n_samples = MADE_SAMPLES;
    o.contract.mean_mv = NAN;
    o.contract.sd_mv = NAN;
    EIN_TRY(ein_corpus_create(comm, &o, &w));
    for (int64_t r = 0; r < m->N; r++) EIN_TRY(made_append(w, m, r, ein_comm_rank(comm) == 0));
    EIN_TRY(ein_corpus_finish(w));
    return ein_corpus_open(comm, path, out);
}

#endif
