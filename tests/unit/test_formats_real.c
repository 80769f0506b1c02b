/* Readers of vendor formats against independent decoders, on real files, sample by sample (by hash).
 *
 * tests/data/formats_expected.csv was made by tests/data/formats_expected.py; its last columns name the decoder of each
 * row. Skipped without the data. */
#include <sys/stat.h>

#include "tests/real_data.h"

int main(void) {
    static const char table[] = "tests/data/formats_expected.csv";
    char folder[PATH_BYTES + 16], line[1024];
    struct stat info;
    find_root();
    snprintf(folder, sizeof folder, "%s/formats", root);
    if (stat(folder, &info) != 0) {
        printf("1..0 # SKIP no real recordings in %s (EINTHOVEN_DATA)\n", root);
        return 0;
    }
    FILE *f = fopen(table, "r");
    if (!report(f && fgets(line, sizeof line, f), "%s can be read", table)) return report_end();
    while (fgets(line, sizeof line, f)) {
        expected e;
        uint32_t notes = 0;
        line[strcspn(line, "\n")] = '\0';
        const char *difference = parse_row(line, &e) ? compare(&e, &notes) : "a row that cannot be read";
        if (!report(!difference[0], "%s", line)) printf("# %s\n", difference);
    }
    fclose(f);
    return report_end();
}
