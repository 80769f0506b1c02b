#include "io/ecg/xml_person.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/formats/values.h"
#include "io/formats/year.h"

ein_status ein_xml_patient_id(const ein_xml *xml, const ein_xml_node *node, ein_ecg_person *person) {
    char text[2 * EIN_ECG_TEXT_BYTES];
    if (!ein_xml_text(node, text, sizeof text) || strcasecmp(text, "unknown") == 0) return EIN_OK;
    if (strlen(text) >= sizeof person->patient_id)
        return ein_xml_error(xml, node, "a patient id of %zu bytes or more; up to %zu are read", strlen(text),
                             sizeof person->patient_id - 1);
    memcpy(person->patient_id, text, strlen(text) + 1);
    return EIN_OK;
}

void ein_xml_sex(const ein_xml_node *node, ein_ecg_person *person) {
    char text[16];
    ein_xml_text(node, text, sizeof text);
    if (strcasecmp(text, "male") == 0 || strcasecmp(text, "m") == 0) person->sex = EIN_SEX_MALE;
    if (strcasecmp(text, "female") == 0 || strcasecmp(text, "f") == 0) person->sex = EIN_SEX_FEMALE;
}

void ein_xml_age(const char *number, const char *unit, ein_ecg_person *person) {
    char *end;
    double age = strtod(number, &end), divisor = ein_value_per_year(unit);
    bool plain = number[0] && !*end && !number[strspn(number, "0123456789.")];
    if (plain && divisor != 0 && age / divisor <= 125) person->age_years = age / divisor;
    if (!plain && ein_value_age(number, &age)) person->age_years = age; /* with a unit of its own, or "90+" */
}

bool ein_xml_date_is_day(const ein_xml_date *d) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
    if (d->year < 1850 || d->year > 9999 || d->month < 1 || d->month > 12 || d->day < 1) return false;
    return d->day <= days[d->month - 1] + (d->month == 2 && leap);
}

void ein_xml_full_year(ein_xml_date *date, int not_after) {
    if (date->year >= 0 && date->year <= 99) date->year = ein_year_of_two(date->year, not_after);
}

void ein_xml_acquired(const ein_xml_date *w, ein_ecg_person *person) {
    if (!ein_xml_date_is_day(w)) return;
    if (w->hour < 0 || w->hour > 23 || w->minute < 0 || w->minute > 59 || w->second < 0 || w->second > 59)
        return;
    snprintf(person->acquired, sizeof person->acquired, "%04d-%02d-%02dT%02d:%02d:%02d", w->year, w->month,
             w->day, w->hour, w->minute, w->second);
}

void ein_xml_age_from_birth(const ein_xml_date *birth, const ein_xml_date *when, ein_ecg_person *person) {
    if (!isnan(person->age_years) || !ein_xml_date_is_day(birth) || !ein_xml_date_is_day(when)) return;
    bool before = when->month < birth->month || (when->month == birth->month && when->day < birth->day);
    int age = when->year - birth->year - before;
    if (age >= 0 && age <= 125) person->age_years = age;
}

bool ein_xml_add_statement(const char *text, ein_ecg_person *person) {
    size_t used = strlen(person->dx), n = strlen(text);
    if (n == 0) return true;
    if (used + n + 2 > sizeof person->dx) return false;
    if (used) person->dx[used++] = ',';
    for (size_t i = 0; i < n; i++) person->dx[used + i] = text[i] == ',' ? ';' : text[i];
    person->dx[used + n] = '\0';
    return true;
}
