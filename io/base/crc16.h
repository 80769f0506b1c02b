/* CRC-CCITT as SCP-ECG and ISHNE have it: polynomial 0x1021, most significant bit first, begun with all ones. */
#ifndef EIN_IO_BASE_CRC16_H
#define EIN_IO_BASE_CRC16_H

#include <stddef.h>
#include <stdint.h>

uint16_t ein_crc_ccitt(const void *bytes, size_t n);

#endif
