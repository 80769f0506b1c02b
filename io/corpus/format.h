/* The file of a corpus.
 *
 * File format "einthoven corpus", version 2
 * =========================================
 * Version 1 has no signal_key, sketch, sketch_anchors and same_as; it is read, and its records are known by the bytes
 * of their files alone.
 *
 * HDF5 in the format of release 1.10 (library bounds v110..v110: object headers and chunk indexes then
 * carry their own checksums; h5py and every HDF5 >= 1.10 read it). No object has time stamps. N records,
 * L leads, S samples per lead, blocks of B records. All numbers are little-endian. Records stand in the
 * order in which they were found (io/ecg/reader.h: bytewise by path), so the data do not depend on the number
 * of ranks that wrote them.
 *
 * Attributes of the root group
 *   format         text    "einthoven corpus"
 *   version        int64   2
 *   program        text    program and version that wrote the file
 *   config         text    YAML of the configuration that made it
 *   contract       text    the preprocessing contract in canonical form (core/signal/contract.h)
 *   contract_hash  text    BLAKE2b-256 of `contract`, 64 hexadecimal digits
 *   records        int64   N >= 1
 *   block_records  int64   B: records per chunk of /signal and per checksum
 *   rejected       int64   rows of /rejected
 *   valid_samples  int64   samples of /signal that are not missing
 *   mean_mv        double  their mean in mV, and
 *   sd_mv          double  population SD. Sums are integers within a record and are added over records in
 *                          double in global order, so the values do not depend on ranks
 *   patient_ids    text    what /patient holds: "kept", "keyed" or "pseudonym", see there
 *   head_hash      text    BLAKE2b-256 of all attributes above as lines "name=value" in this order, text
 *                          as it is, integers as %lld, doubles as %.17g, then of lines "labels/NAME" and
 *                          "text/NAME" with the names of these columns in bytewise order; each line ends
 *                          in a newline
 *   complete       int64   1; written after everything else was flushed. A file without it is not a corpus
 *
 * Datasets
 *   signal         int16   (N, L, S) counts; mV = count * scale[record]; -32768: not known (NaN). Chunks
 *                          are (B, L, S); no filter, or shuffle + deflate. B is the largest power of two
 *                          that keeps a chunk within 2 MiB, at least 1 and at most 4096
 *   scale          float32 (N) mV per count, > 0; how it is chosen: core/signal/quantise.h
 *   record_id      text    (N) name of the recording, unique in the file
 *   patient        text    (N) "" if not known. Else, as the attribute patient_ids says,
 *                          kept: the id itself;
 *                          keyed: BLAKE2b-128 of the id under the site's key, 32 hexadecimal digits, equal
 *                          in all corpora made with that key;
 *                          pseudonym: BLAKE2b-128 of the record id of the patient's first record in this
 *                          file: the same each time the same data are ingested, and nothing of the
 *                          patient's id is in it
 *   patient_key    uint64  (N) equal for records of one patient; records without one have their own, or that of
 *                          the record that they are the same recording as
 *   cohort, site   text    (N) "" if not known
 *   age            float32 (N) years; NaN if not known; 90 also stands for "over 89"
 *   sex            int8    (N) 0 male, 1 female, -1 not known
 *   acquired       text    (N) ISO 8601, "" if not known
 *   source_file    text    (N) path below the folder that was ingested; with several folders it begins
 *                          with the name of that folder
 *   source_sha256  text    (N) SHA-256 of the source, 64 hexadecimal digits (io/ecg/source_hash.h)
 *   signal_key     uint64  (N) key of the samples as they were decoded (io/ecg/source_hash.h)
 *   sketch         int8    (N, EIN_SKETCH_ANCHORS * EIN_SKETCH_FEATURES) what stays of a recording in another form
 *                          (core/signal/sketch.h), anchor after anchor; 0 beyond
 *   sketch_anchors int8    (N) how many anchors it has
 *   same_as        text    (N) id of an earlier record that is the same recording, whatever its name, format or
 *                          rate; "" if none
 *   quality        uint32  (N) quality flags (core/signal/quality.h), union over leads and record
 *   lead_quality   uint32  (N, L) the same per lead
 *   checksum       uint8   (ceil(N/B), 32) BLAKE2b-256 per block of the bytes of its records in /signal, as
 *                          int16 in order, followed by the bytes of their /scale
 *   labels/NAME    float32 (N) a label or covariate; NaN: not known
 *   text/NAME      text    (N) a column of texts; "" if not known
 *   rejected/path, rejected/record_id, rejected/reason
 *                  text    (rejected) every recording that was found and is not in the corpus, and every
 *                          folder that could not be read, with the reason
 *
 * text is fixed-length UTF-8, padded with NUL; control characters are replaced by '?' (in text/NAME line ends and
 * tabs stay). Every dataset but /signal has an attribute "blake2b": the BLAKE2b-256 of its bytes. A file is written
 * as NAME.partial, closed, synced, renamed, its folder synced.
 */
#ifndef EIN_IO_CORPUS_FORMAT_H
#define EIN_IO_CORPUS_FORMAT_H

#include <stdint.h>

#include "io/base/own.h"

#define EIN_CORPUS_FORMAT  EIN_OWN_CORPUS
#define EIN_CORPUS_MISSING INT16_MIN /* a sample that is not known: reads as NaN mV */
enum {
    EIN_CORPUS_VERSION = 2,
    EIN_CORPUS_OLDEST_VERSION = 1, /* that is read */
    EIN_CORPUS_MAX_BLOCK_RECORDS = 4096,
    EIN_CORPUS_BLOCK_BYTES = 2 << 20,        /* aim of a chunk */
    EIN_CORPUS_MAX_RECORD_BYTES = 256 << 20, /* L * S * 2; more is refused */
    EIN_CORPUS_MAX_COLUMNS = 4096,           /* labels, and texts */
    EIN_CORPUS_MAX_NAME_BYTES = 200          /* of a label or text column */
};
#define EIN_CORPUS_MAX_RECORDS INT64_C(2000000000)

#endif
