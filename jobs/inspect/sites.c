/* Plans and results of an evaluation across sites. */
#include <stdlib.h>
#include <string.h>

#include "io/sites/plan.h"
#include "jobs/inspect/inspect.h"

bool ein_is_site_file(const char *path) {
    return ein_signed_is(&ein_signed_plan, path) || ein_signed_is(&ein_signed_result, path);
}

static void put_signer(ein_inspection *look, const ein_signed *file) {
    char print[EIN_FINGERPRINT_BYTES];
    ein_fingerprint(file->public_key, print);
    ein_put_text(look->out, "hash", file->hash);
    ein_put_text(look->out, "signed_by", print);
}

static ein_status put_words(ein_inspection *look, const ein_plan *plan) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    if (!stream) return ein_error(EIN_NOMEM, "no memory for a plan in words");
    ein_plan_words(plan, stream);
    fclose(stream);
    json_t *lines = json_array();
    for (char *rest = NULL, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        json_array_append_new(lines, ein_json_text(line));
    json_object_set_new(look->out, "in_words", lines);
    free(text);
    return EIN_OK;
}

static ein_status inspect_plan(ein_inspection *look) {
    ein_plan *plan;
    ein_put_text(look->out, "kind", "a plan for sites");
    EIN_TRY(ein_plan_read(look->path, &plan));
    put_signer(look, &plan->file);
    const ein_status status = put_words(look, plan);
    ein_plan_free(plan);
    return status;
}

ein_status ein_inspect_site_file(ein_inspection *look) {
    ein_signed file;
    if (ein_signed_is(&ein_signed_plan, look->path)) return inspect_plan(look);
    ein_put_text(look->out, "kind", "a site's result");
    EIN_TRY(ein_signed_read(&ein_signed_result, look->path, &file));
    put_signer(look, &file);
    json_object_set(look->out, "result", file.body);
    ein_signed_free(&file);
    return EIN_OK;
}
