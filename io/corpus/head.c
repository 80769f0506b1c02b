#include "io/corpus/head.h"

#include <stdio.h>
#include <stdlib.h>

#include "io/corpus/format.h"

static void print(FILE *f, const ein_corpus_head *h) {
    fprintf(f, "format=%s\nversion=%d\nprogram=%s\nconfig=%s\n", EIN_CORPUS_FORMAT, h->version, h->program,
            h->config);
    fprintf(f, "contract=%s\ncontract_hash=%s\n", h->contract, h->contract_hash);
    fprintf(f, "records=%lld\nblock_records=%lld\nrejected=%lld\nvalid_samples=%lld\n", (long long)h->records,
            (long long)h->block_records, (long long)h->rejected, (long long)h->valid_samples);
    fprintf(f, "mean_mv=%.17g\nsd_mv=%.17g\npatient_ids=%s\n", h->mean_mv, h->sd_mv, h->patient_ids);
    for (int64_t i = 0; i < h->labels->n; i++) fprintf(f, "labels/%s\n", ein_texts_get(h->labels, i));
    for (int64_t i = 0; i < h->texts->n; i++) fprintf(f, "text/%s\n", ein_texts_get(h->texts, i));
}

ein_status ein_corpus_head_hash(const ein_corpus_head *head, char out[EIN_HASH_TEXT_BYTES]) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *f = open_memstream(&text, &bytes);
    if (!f) return ein_error(EIN_NOMEM, "no memory for the attributes of a corpus");
    print(f, head);
    int failed = ferror(f);
    if (fclose(f) != 0 || failed) {
        free(text);
        return ein_error(EIN_NOMEM, "no memory for the attributes of a corpus");
    }
    ein_hash_text(text, bytes, out);
    free(text);
    return EIN_OK;
}
