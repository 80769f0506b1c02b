#include "io/model/shape.h"

#include <string.h>

const char *const ein_shape_field_names[EIN_SHAPE_ALL_FIELDS] = {
    "leads",     "samples",   "patch",   "width",   "depth", "heads", "mlp",      "dec_width",
    "dec_depth", "dec_heads", "dec_mlp", "classes", "pool",  "lora",  "positions"};

void ein_shape_fields(ein_vit_shape *s, int *out[EIN_SHAPE_ALL_FIELDS]) {
    int *fields[EIN_SHAPE_ALL_FIELDS] = {&s->leads,     &s->samples,   &s->patch,    &s->width,
                                         &s->depth,     &s->heads,     &s->mlp,      &s->dec_width,
                                         &s->dec_depth, &s->dec_heads, &s->dec_mlp,  &s->classes,
                                         &s->pool,      &s->lora,      &s->positions};
    memcpy(out, fields, sizeof fields);
}

int ein_shape_fields_told(const ein_vit_shape *shape) {
    if (shape->positions) return EIN_SHAPE_ALL_FIELDS;
    return shape->pool || shape->lora ? EIN_SHAPE_ALL_FIELDS - 1 : EIN_SHAPE_FIELDS;
}
