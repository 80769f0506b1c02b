/* Files of embeddings: one vector per record, what made them, and the contract of the records.
 *
 * NAME.h5, format "einthoven embeddings", version 1 (io/hdf5/h5.h: columns with checksums):
 *
 *     attributes  format, version, complete, program, embedding ("mean", "cls", "attentive" or what else it is called),
 *                 model_blake2b (content hash of the model file), contract (canonical text, core/signal/contract.h),
 *                 contract_blake2b
 *     /embedding  (N, C) float32, little-endian
 *     /record_id  (N) texts
 *     /training_records  the bytes of a text (io/corpus/seen.h): records that had a say in the encoder; not there where
 *                 they are not known
 *
 * NAME.npy, as numpy.load reads it: (N, C) '<f4', C order. Its header has no place for more, so NAME.npy.json stands
 * beside it: a JSON object with the attributes above and training_records ("" where not known) by the same names,
 * "records" (the N ids), and "data_blake2b", the BLAKE2b-256 of the array's bytes. The two belong together; one without
 * the other, or another, is refused.
 *
 * Embeddings of other programs are read too if they come in one of these forms; model_blake2b and the contract may be
 * left out ("").
 *
 * Nothing here is collective.
 */
#ifndef EIN_IO_MODEL_EMBEDDINGS_H
#define EIN_IO_MODEL_EMBEDDINGS_H

#include "core/base/status.h"
#include "io/model/embeddings_data.h"

/* EIN_USAGE unless `path` ends in .h5 or .npy. */
ein_status ein_embeddings_check(const char *path);

/* Write durably (io/base/durable.h), by the ending of `path`, in pieces: no more than a chunk of values is held,
 * however many records there are. `about` is all but the values, which are not looked at; it outlives the writer.
 * `program` as in "einthoven 0.1.0". Space on the disk is reserved at once where it can be: EIN_IO if there is too
 * little. */
typedef struct ein_embeddings_writer ein_embeddings_writer;
ein_status ein_embeddings_begin(const char *path, const ein_embeddings *about, const char *program,
                                ein_embeddings_writer **out);

/* The next n records, in the order of `about`. EIN_NUMERIC, naming the record, if a value is not finite. */
ein_status ein_embeddings_put(ein_embeddings_writer *writer, const float *value, int64_t n);

/* Let the file be there if `mine` is EIN_OK and every record came (else EIN_RANGE), and nothing otherwise; frees in any
 * case. `mine` is returned if set. */
ein_status ein_embeddings_finish(ein_embeddings_writer *writer, ein_status mine);

/* Read, by the ending. Untrusted: EIN_FORMAT, EIN_CORRUPT (a checksum), EIN_MISMATCH (a later version), EIN_NUMERIC (a
 * value that is not finite), EIN_NOTFOUND, EIN_IO. A record id twice is EIN_FORMAT. */
ein_status ein_embeddings_read(const char *path, ein_embeddings *out);

#endif
