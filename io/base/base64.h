/* Base64 as RFC 4648 has it, strictly: the standard alphabet, whole groups of four, '=' only at the end, unused bits
 * zero.  Blanks and line ends may stand between characters, as ECG carts write them.
 *
 * Encoding is libsodium's. Decoding is ours, because libsodium's takes the same time whatever the text, as secrets want
 * it: a MUSE file, most of which is base64, was read in 1.2 ms, and would be in 2.3.
 */
#ifndef EIN_IO_BASE_BASE64_H
#define EIN_IO_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Decode text[n] into out, which has room for n / 4 * 3 + 3 bytes. The number of bytes, or -1: then `*at` is the index
 * of the first character that is wrong (for bits that belong to no byte: of the one behind), n if the text ends too
 * early. */
int64_t ein_base64_decode(const char *text, size_t n, uint8_t *out, size_t *at);

/* Encode bytes[n] into out, which has room for (n + 2) / 3 * 4 + 1 characters, NUL-terminated, without line ends. */
void ein_base64_encode(const uint8_t *bytes, size_t n, char *out);

#endif
