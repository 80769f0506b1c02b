/* What the attributes of a corpus say, and their checksum; for corpus.c and writer.c. */
#ifndef EIN_IO_CORPUS_HEAD_H
#define EIN_IO_CORPUS_HEAD_H

#include "io/base/hash.h"
#include "io/hdf5/h5.h"

/* Borrowed texts; label and text names in bytewise order. */
typedef struct {
    int version;
    const char *program, *config, *contract, *contract_hash;
    int64_t records, block_records, rejected, valid_samples;
    double mean_mv, sd_mv;
    const char *patient_ids;
    const ein_texts *labels, *texts;
} ein_corpus_head;

/* The attribute head_hash of the format (io/corpus/format.h). */
ein_status ein_corpus_head_hash(const ein_corpus_head *head, char out[EIN_HASH_TEXT_BYTES]);

#endif
