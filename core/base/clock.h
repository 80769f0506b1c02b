/* What time it is, and how long something took. */
#ifndef EIN_CORE_BASE_CLOCK_H
#define EIN_CORE_BASE_CLOCK_H

#include <stddef.h>

/* Seconds of a monotonic clock. */
double ein_clock_s(void);

/* "2020-05-05T14:50:55Z", now. */
enum { EIN_CLOCK_TIME_BYTES = 32 };
void ein_clock_time(char out[EIN_CLOCK_TIME_BYTES]);

/* "h:mm:ss"; "?" when it is negative, not finite or beyond a million hours. */
void ein_format_duration(double seconds, char *out, size_t room);

#endif
