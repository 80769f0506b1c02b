/* A record of a corpus as a recording in mV, to be looked at. */
#ifndef EIN_IO_CORPUS_RECORDING_H
#define EIN_IO_CORPUS_RECORDING_H

#include "core/signal/ecg.h"
#include "io/corpus/corpus.h"

/* Leads, rate and samples under the corpus's contract, NaN where a sample is missing; the person stays empty. `ecg` is
 * fresh or freed. Not collective. */
ein_status ein_corpus_recording(ein_corpus *corpus, int64_t record, ein_ecg *ecg);

#endif
