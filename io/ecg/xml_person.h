/* What XML ECG files say of the person, brought to the form of core/signal/ecg.h; what cannot be understood stays
 * unknown. */
#ifndef EIN_IO_ECG_XML_PERSON_H
#define EIN_IO_ECG_XML_PERSON_H

#include "core/signal/ecg.h"
#include "io/formats/xml_text.h"

/* The node's text, unless it is "unknown". EIN_FORMAT if it is longer than an id may be: two patients whose
 * ids agree in the beginning must not become one. */
ein_status ein_xml_patient_id(const ein_xml *xml, const ein_xml_node *node, ein_ecg_person *person);

/* "MALE", "female", "M", "F". */
void ein_xml_sex(const ein_xml_node *node, ein_ecg_person *person);

/* A number and its unit: years (also if the unit is ""), months, weeks, days, hours; or an age of io/formats/values.h,
 * such as "063Y" and "90+", whatever the unit. */
void ein_xml_age(const char *number, const char *unit, ein_ecg_person *person);

/* A day and a time of day as numbers; -1: not known. */
typedef struct {
    int year, month, day, hour, minute, second;
} ein_xml_date;
bool ein_xml_date_is_day(const ein_xml_date *date);

/* A year of two digits in full; io/formats/year.h says how. */
void ein_xml_full_year(ein_xml_date *date, int not_after);

/* Set `acquired`, which needs a day and a time of day. */
void ein_xml_acquired(const ein_xml_date *when, ein_ecg_person *person);
/* If the age is not known: from the days of birth and recording. */
void ein_xml_age_from_birth(const ein_xml_date *birth, const ein_xml_date *when, ein_ecg_person *person);

/* Append a statement to the list `dx`; commas within it become semicolons. One that does not fit is left out, and so
 * are all that follow: false then. */
bool ein_xml_add_statement(const char *text, ein_ecg_person *person);

#endif
