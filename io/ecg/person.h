/* What files of any format say of the person and the recording, brought to the form of core/signal/ecg.h. */
#ifndef EIN_IO_ECG_PERSON_H
#define EIN_IO_ECG_PERSON_H

#include <stddef.h>

#include "core/signal/ecg.h"

/* The file's name without folder, and without its extension if that, in any case, is among `extensions` ("dcm dicom"):
 * a name that is an identifier with dots is not cut. */
void ein_person_record_id(const char *path, const char *extensions, ein_ecg_person *person);

/* Text of `n` bytes up to its first NUL, in whatever encoding, made UTF-8 of one line without control characters and
 * without blanks at its ends; cut at a whole character. False if nothing is left. */
bool ein_person_text(const void *bytes, size_t n, char *out, size_t room);

/* Append to the device, with a blank between; "" is passed over. */
void ein_person_add_device(const char *text, ein_ecg_person *person);

/* Append "; 0.05-150 Hz, notch 50 Hz" to the device: the filters that a file says were applied. Numbers that are not
 * above 0 are not known. */
void ein_person_add_filters(double high_pass_hz, double low_pass_hz, double notch_hz, ein_ecg_person *person);

#endif
