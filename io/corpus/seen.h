/* Which records a model has been trained on, so that it is not tested on them.
 *
 * A record is known by up to six keys of 64 bits:
 *   source   of the bytes of its files (source_sha256 of io/corpus/format.h; its record id where the corpus has no
 *            hash)
 *   signal   of its samples as they were decoded (signal_key): whatever it is called, whatever comments it has
 *   anchors  of up to EIN_SKETCH_STORED anchors of its sketch (core/signal/sketch.h): also in another format, unit or
 *            rate
 * A record is in the set for certain if its source or signal is. It is like a record of the set if that has
 * EIN_SKETCH_ENOUGH of its anchors or more, all of one recording. Corpora of version 1 have sources only.
 *
 * Chance. Two recordings of different people can have anchors alike. Of 100,000 synthetic records against a set of S
 * others (20 billion looks in all) so many found one recording with at least so many of their anchors:
 *     S          1 anchor       2        3       4
 *     100               8       0        0       0
 *     1,000           206       6        1       0
 *     10,000        2,101     109       17       4
 *     100,000      12,849     841      135      43       (anchors of any recordings: 4,102 had 2, 1,431 3, 485 4)
 * or 2.4e-6, 1.1e-7, 1.7e-8 and 5e-9 per pair of recordings; among the 2,244 real ones (5 million pairs) there was no
 * pair of 2 anchors but two records of one patient. So whether records are alike by chance is judged from how many
 * there are: for 2, 3 and 4 anchors the number of records is compared with what twice those rates let expect. If a
 * Poisson variable reaches it with a probability below EIN_SEEN_CERTAIN, chance is no explanation, and all of them
 * count as found; else they are told apart as `alike`. So one record of four anchors is found where test x training
 * records are below 8,000, and in the largest sets (800,000 x 100,000: at most 960 expected of 4 anchors) a leak of
 * about 1 % of the test records; a smaller one is warned of.
 *
 * Misses, of 2,244 real recordings in another form, of 2 anchors (3; 4): XML 0.04 % (0.09; 0.8), 100 Hz none (none;
 * 1.7), another gain none, filtered 0.5 to 40 Hz 0.1 (0.2; 2.9), cut by 2 s in front 2.2 (29; 81), by 3 s at the end 13
 * (57; 94), 10 s of longer ones 50 (63; 97). They are the same with anchors of any recordings. A set of very many
 * records keeps fewer anchors of each, so that it has at most EIN_SEEN_MAX keys; where even that is too much, or sets
 * come together, it keeps the EIN_SEEN_MAX smallest keys and a part "none".
 *
 * Who may ask. Keys of an open set can be made by everybody, so a site can check a model against data of its own, and
 * so whoever holds a recording can find out whether the model was trained on it. Keys under a secret (SipHash-2-4)
 * need that secret for either. A set can also be left out: then nobody can check anything, and that is said.
 *
 * Text, in a model's metadata: a line per part, each under one secret,
 *     3 ID RECORDS KEYS BASE64
 * ID is "open", the 16 hexadecimal digits that name a secret, or "none" (some are left out: no keys); the keys
 * ascending, each once, 8 bytes little-endian. The lower EIN_SEEN_TAG_BITS bits of an anchor's key are those of a key
 * of its record (t, of the source key), so that anchors of one record are known to be. They are not in version 2, which
 * is read: there anchors may be of any records, and chance is reckoned so. Version 1 is "1 COUNT BASE64": source keys
 * of an open set. An open source key is the first 8 bytes of BLAKE2b-256 of the hash as text (of "id:" and the record
 * id), as in version 1; every other key is SipHash-2-4 of a letter (s source, x signal, a anchor, t) and the bytes,
 * under the first 16 bytes of BLAKE2b-256 of the secret, or under 16 zeros.
 *
 * Nothing here is collective.
 */
#ifndef EIN_IO_CORPUS_SEEN_H
#define EIN_IO_CORPUS_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/records/split.h"
#include "io/corpus/corpus.h"
#include "io/corpus/seen_part.h"

#define EIN_SEEN_CERTAIN 1e-4

/* Under what records are known; zeroed with id "open" for everybody. */
typedef struct {
    char id[EIN_SEEN_ID_BYTES];
    uint8_t secret[16];
} ein_seen_secret;

/* From a file of random bytes (io/base/key_file.h), or open for NULL. */
ein_status ein_seen_secret_read(const char *path, ein_seen_secret *out);

typedef struct {
    int n_parts;
    ein_seen_part part[EIN_SEEN_PARTS];
} ein_seen;
void ein_seen_free(ein_seen *seen); /* zeroes; NULL is fine */

/* The records `index` (n) of the corpus. */
ein_status ein_seen_make(ein_corpus *corpus, const int64_t *index, int64_t n, const ein_seen_secret *secret,
                         ein_seen *out);

/* A set that says that it was left out. */
void ein_seen_leave_out(ein_seen *out);

/* Add the records of `other`; parts of one version under one secret become one. EIN_RANGE beyond EIN_SEEN_PARTS
 * secrets. */
ein_status ein_seen_merge(ein_seen *seen, const ein_seen *other);

/* Text for metadata (free()), and back: EIN_FORMAT for what is no such text. NULL gives the empty set. */
ein_status ein_seen_encode(const ein_seen *seen, char **text);
ein_status ein_seen_decode(const char *text, ein_seen *out);

/* Which of the records `index` (n) are in the parts that are open or under `secret`. */
typedef struct {
    int64_t found;     /* records that are, for certain */
    int64_t by_signal; /* of them: not by the bytes of their files */
    char first[5 * 64];
    int64_t alike; /* others that are like one, but not more of them than chance explains */
    double chance; /* of how many that is to be expected at most */
    int64_t known; /* training records that could be asked for */
    char first_alike[5 * 64];
} ein_seen_match;
ein_status ein_seen_find(const ein_seen *seen, ein_corpus *corpus, const int64_t *index, int64_t n,
                         const ein_seen_secret *secret, ein_seen_match *out);

/* What of a model's list cannot be checked, as a sentence without its end ("it does not say what it was trained on",
 * "... or they are left out", "... under secret 0123456789abcdef"); "" if all can. */
void ein_seen_unknown(const char *training_records, const ein_seen_secret *secret, char *out, size_t room);

/* Whether records of the test part are in the set for certain: EIN_MISMATCH, which names their number and the first
 * ones by id. `training_records` is the text of the model (NULL: nothing is known and nothing is checked), `model` its
 * name for the message. `out` tells of those that are only alike, which whoever calls warns of. */
ein_status ein_seen_check(const char *training_records, const char *model, ein_corpus *corpus,
                          const uint8_t *part, const ein_seen_secret *secret, ein_seen_match *out);

/* Records like training records, as a warning without its end; "" if there are none. */
void ein_seen_alike(const ein_seen_match *match, char *out, size_t room);

#endif
