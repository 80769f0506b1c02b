/* The fields of ein_vit_shape as files name and order them: one table for models and checkpoints. */
#ifndef EIN_IO_MODEL_SHAPE_H
#define EIN_IO_MODEL_SHAPE_H

#include "core/nn/layout.h"

/* Every file has the first EIN_SHAPE_FIELDS; what came later follows them, and only where it is not 0. */
enum { EIN_SHAPE_FIELDS = 12, EIN_SHAPE_ALL_FIELDS = 15 };
extern const char *const ein_shape_field_names[EIN_SHAPE_ALL_FIELDS];
void ein_shape_fields(ein_vit_shape *shape, int *out[EIN_SHAPE_ALL_FIELDS]);

/* How many of them a checkpoint holds for this shape: up to the last that says something. An earlier program then finds
 * what it knows, and refuses what it does not. */
int ein_shape_fields_told(const ein_vit_shape *shape);

#endif
