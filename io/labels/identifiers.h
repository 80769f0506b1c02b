/* Columns of a table that look like identifiers of people, visits or staff, or like dates: they do not belong into a
 * file that leaves the house unless somebody asks for them by name.
 *
 * By name: its words (split at signs and at capitals) hold id, mrn, ssn, uuid, eid, nhs, accession, phone, zip, ...;
 * birth, dob, date, time at the end, year with birth or death; nurse, doctor, ...; or it ends in _by. By value: whole
 * numbers that are nearly all different (20 or more, at least 95 % of them), or of seven digits and more, or
 * different ones of six; years (1900 to 2100); dates such as 20200131.
 */
#ifndef EIN_IO_LABELS_IDENTIFIERS_H
#define EIN_IO_LABELS_IDENTIFIERS_H

#include <stdint.h>

/* Why the name of a column says that it is no label; NULL: it does not. */
const char *ein_identifier_by_name(const char *column);

/* Why its values say so; NULL: they do not. Sorts `value` (n), which are known. */
const char *ein_identifier_by_values(double *value, int64_t n);

#endif
