/* CRC-32 as Ethernet, gzip and GE MUSE have it: polynomial 0x04C11DB7 reflected, begun and ended with all ones. */
#ifndef EIN_IO_BASE_CRC32_H
#define EIN_IO_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Of one piece; "123456789" gives 0xcbf43926. */
uint32_t ein_crc32(const void *bytes, size_t n);

#endif
