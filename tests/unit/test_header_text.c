/* Ages, dates and text of headers as they are written: "063Y", "90+", two-digit years, Latin-1 that nobody declared. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/utf8.h"
#include "io/ecg/wfdb_header.h"
#include "io/ecg/xml_person.h"
#include "io/formats/xml_text.h"
#include "io/formats/year.h"
#include "tests/report.h"

static ein_ecg_person nobody(void) {
    ein_ecg_person person;
    memset(&person, 0, sizeof person);
    person.age_years = NAN;
    person.sex = EIN_SEX_UNKNOWN;
    return person;
}

static bool same(double a, double b) {
    return (isnan(a) && isnan(b)) || fabs(a - b) <= 0.01;
}

static void check_ages(void) {
    static const struct {
        const char *comment;
        double years;
    } cases[] = {
        {"Age: 63", 63},
        {"Age: 63 years", 63},
        {"Age: 6 months", 0.5},
        {"Age: 6M", 0.5},
        {"Age: 45Y", 45},
        {"Age: 063Y", 63},
        {"Age: 018M", 1.5},
        {"Age: 90+", 90},
        {"Age: >89", 90},
        {"Age: 300", 90},
        {"<age>: 45Y <sex>: F", 45},
        {"<age>: 28 <sex>: M", 28},
        {"Age: 63 at test", 63},
        {"Age: 63 M", NAN},
        {"Age: 63 w", NAN},
        {"Age: 63 M I", NAN},
        {"Age: 63 F", 63},
        {"Age: 62  Sex: M", 62},
        {"Age: 63 ", 63},
        {"69 M 1085 1629", 69},
        {"Age: Unknown", NAN},
        {"Age: NaN", NAN},
        {"Age: -4", NAN},
        {"Age: 063X", NAN},
        {"Age: 450", NAN},
        {"Age:", NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ein_ecg_person person = nobody();
        ein_wfdb_comment(cases[i].comment, &person);
        report(same(person.age_years, cases[i].years), "\"%s\" is %g years", cases[i].comment,
               person.age_years);
    }
    static const struct {
        const char *number, *unit;
        double years;
    } xml[] = {{"63", "YEARS", 63},   {"63", "", 63},    {"6", "MONTHS", 0.5}, {"90+", "YEARS", 90},
               {"063Y", "", 63},      {"6M", "", 0.5},   {"45Y", "Y", 45},     {"300", "YEARS", NAN},
               {"63", "stones", NAN}, {"", "YEARS", NAN}};
    for (size_t i = 0; i < sizeof xml / sizeof xml[0]; i++) {
        ein_ecg_person person = nobody();
        ein_xml_age(xml[i].number, xml[i].unit, &person);
        report(same(person.age_years, xml[i].years), "%s %s in XML is %g years", xml[i].number, xml[i].unit,
               person.age_years);
    }
}

static void check_dates(void) {
    static const struct {
        const char *moment, *acquired;
    } cases[] = {
        {"10:00:00 23/07/2180", "2180-07-23T10:00:00"}, {"10:00:00 23/07/98", "1998-07-23T10:00:00"},
        {"10:00:00 05-May-20", "2020-05-05T10:00:00"},  {"10:00:00 23/07/70", "1970-07-23T10:00:00"},
        {"10:00:00 23/07/05", "2005-07-23T10:00:00"},   {"10:00:00 23/07/0000", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        static ein_wfdb_header h;
        snprintf(text, sizeof text, "r 1 500 5000 %s\nr.dat 16\n", cases[i].moment);
        bool good = ein_wfdb_header_parse("r.hea", text, strlen(text), &h) == EIN_OK;
        report(good && strcmp(h.person.acquired, cases[i].acquired) == 0, "%s is %s", cases[i].moment,
               h.person.acquired);
    }
    report(ein_year_of_two(69, 0) == 2069 && ein_year_of_two(70, 0) == 1970 &&
               ein_year_of_two(1998, 0) == 1998 && ein_year_of_two(-1, 0) == -1,
           "years of recordings");
    report(ein_year_of_two(45, 2020) == 1945 && ein_year_of_two(19, 2020) == 2019 &&
               ein_year_of_two(20, 2020) == 2020 && ein_year_of_two(21, 2020) == 1921,
           "years of birth");
    ein_ecg_person person = nobody();
    ein_xml_date birth = {45, 3, 1, -1, -1, -1}, when = {98, 5, 6, 12, 0, 0};
    ein_xml_full_year(&when, 0);
    ein_xml_full_year(&birth, when.year);
    ein_xml_acquired(&when, &person);
    ein_xml_age_from_birth(&birth, &when, &person);
    report(strcmp(person.acquired, "1998-05-06T12:00:00") == 0 && person.age_years == 53, "both in XML");
}

static void check_wfdb_text(void) {
    static ein_wfdb_header h;
    static const char text[] =
        "r 2 500 5000\nr.dat 16 1000/mV 16 0 0 0 0 Abl\xe4nderung\n"
        "r.dat 16 1000/\xb5V 16 0 0 0 0 V1\n#Device: K\xf6ln 3\n#Dx: Sinus,Extrasystole K\xc3\xb6ln\n"
        "# patient_id: J\xf6rg\n#Model: \xff\xc3\xb6\n";
    bool good = ein_wfdb_header_parse("r.hea", text, sizeof text - 1, &h) == EIN_OK;
    report(good && strcmp(h.signal[0].description, "Abl\xc3\xa4nderung") == 0, "a description in Latin-1");
    report(h.signal[1].mv_per_unit == 1e-3, "microvolts in Latin-1");
    report(strcmp(h.person.device, "K\xc3\xb6ln 3 \xef\xbf\xbd\xc3\xb6") == 0,
           "a device, and one that is damaged: %s", h.person.device);
    report(strcmp(h.person.dx, "Sinus,ExtrasystoleK\xc3\xb6ln") == 0, "UTF-8 stays: %s", h.person.dx);
    report(strcmp(h.person.patient_id, "J\xc3\xb6rg") == 0, "a patient: %s", h.person.patient_id);
    report(h.text_repair.converted == 3 && h.text_repair.replaced == 1, "counted: %lld, %lld",
           (long long)h.text_repair.converted, (long long)h.text_repair.replaced);
    char longest[400] = "#Device: ";
    for (int i = 0; i < 100; i++) strcat(longest, "\xc3\xb6");
    ein_ecg_person person = nobody();
    ein_wfdb_comment(longest + 1, &person);
    report(strlen(person.device) == 126 && ein_utf8_is(person.device, 126), "cut at a whole character");
}

static void check_xml_text(void) {
    static const struct {
        const char *what, *declaration, *name, *read;
        int converted, replaced;
    } cases[] = {
        {"says UTF-8 and is Latin-1", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "M\xfcller",
         "M\xc3\xbcller", 1, 0},
        {"says nothing and is Latin-1", "", "M\xfcller", "M\xc3\xbcller", 1, 0},
        {"says UTF-8 and is", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "M\xc3\xbcller", "M\xc3\xbcller",
         0, 0},
        {"says Latin-1 and is", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>", "M\xfcller",
         "M\xc3\xbcller", 0, 0},
        {"says ASCII and is Windows-1252", "<?xml version=\"1.0\" encoding=\"US-ASCII\"?>", "\x93M\x94",
         "\xe2\x80\x9cM\xe2\x80\x9d", 2, 0},
        {"is neither", "", "M\xff\xc3\xbcller", "M\xef\xbf\xbd\xc3\xbcller", 0, 1},
    };
    char path[] = "/tmp/einthoven-text.XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0) abort();
    close(fd);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[64] = "";
        ein_xml *xml = NULL;
        FILE *f = fopen(path, "wb");
        if (!f || fprintf(f, "%s<r><name>%s</name></r>", cases[i].declaration, cases[i].name) < 0 ||
            fclose(f) != 0)
            abort();
        ein_status status = ein_xml_open(path, &xml);
        if (status == EIN_OK) ein_xml_text(ein_xml_child(ein_xml_root(xml), "name"), name, sizeof name);
        report(status == EIN_OK && strcmp(name, cases[i].read) == 0 &&
                   ein_xml_repair(xml).converted == cases[i].converted &&
                   ein_xml_repair(xml).replaced == cases[i].replaced,
               "XML that %s: %s", cases[i].what, status == EIN_OK ? name : ein_error_message());
        ein_xml_close(xml);
    }
    unlink(path);
}

int main(void) {
    check_ages();
    check_dates();
    check_wfdb_text();
    check_xml_text();
    return report_end();
}
