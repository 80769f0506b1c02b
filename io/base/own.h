/* Marks by which files of this program are recognised, for readers that must not know their formats. */
#ifndef EIN_IO_BASE_OWN_H
#define EIN_IO_BASE_OWN_H

#define EIN_OWN_CORPUS "einthoven corpus"

#endif
