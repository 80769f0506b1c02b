#include "io/formats/year.h"

enum { FIRST_OF_LAST_CENTURY = 70 };

int ein_year_of_two(int digits, int not_after) {
    if (digits < 0 || digits > 99) return digits;
    if (not_after <= 99) return digits + (digits >= FIRST_OF_LAST_CENTURY ? 1900 : 2000);
    int year = not_after - not_after % 100 + digits;
    return year > not_after ? year - 100 : year;
}
