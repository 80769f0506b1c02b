/* Years that were written with two digits. */
#ifndef EIN_IO_FORMATS_YEAR_H
#define EIN_IO_FORMATS_YEAR_H

/* The year meant by 0 to 99. Of a recording (not_after 0): 70 to 99 are 1970 to 1999, 00 to 69 are 2000 to 2069, as
 * nothing was recorded in digits before. Of a birthday: the last such year up to `not_after`, the year of the
 * recording, so that nobody is more than 99 years old. Other numbers come back as they are. */
int ein_year_of_two(int digits, int not_after);

#endif
