/* The Huffman codes of SCP-ECG: section 2, and values packed with it. */
#ifndef EIN_IO_ECG_SCP_HUFFMAN_H
#define EIN_IO_ECG_SCP_HUFFMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EIN_SCP_MAX_TABLES = 64, EIN_SCP_MAX_CODES = 1024 };

typedef struct {
    uint8_t prefix_bits,
        extra_bits; /* what follows the prefix is a two's complement number, added to value */
    bool is_switch; /* `value` is the table for what follows */
    int16_t value;
    uint32_t prefix; /* the bit that is read first is the highest of prefix_bits */
} ein_scp_code;

typedef struct {
    ein_scp_code code[EIN_SCP_MAX_CODES];
    int first[EIN_SCP_MAX_TABLES + 1]; /* of each table; one behind the last */
    int n_tables;
} ein_scp_huffman;

/* Parse section 2 without its header. NULL, or what is wrong. */
const char *ein_scp_huffman_parse(const uint8_t *data, size_t bytes, ein_scp_huffman *out);

/* Unpack `n` values. NULL, or what is wrong. */
const char *ein_scp_huffman_unpack(const ein_scp_huffman *h, const uint8_t *data, size_t bytes, int32_t *out,
                                   int64_t n);

#endif
