// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "files/csv.h"
#include "files/npy.h"
#include "study/module_run.h"

// `predict RUN FILES...` of autoencoders: the codes of every module, and what is restored of them.

static bool is_round_name(const mb_fit_spec *fit, const char *name) {
    const size_t length = strlen(fit->name);
    if (strncmp(name, fit->name, length) != 0) {
        return false;
    }
    const char *rest = name + length;
    return *rest == '\0' ||
           (*rest == '-' && rest[1] != '\0' && strspn(rest + 1, "0123456789") == strlen(rest + 1));
}

// The fit whose folder this is: the last part of its path is the name of a round.
static mb_status find_fit(mb_module_evaluation *e, const char *directory, const mb_fit_spec **out) {
    const mb_study *study = e->run->study;
    char *name = mb_arena_format(&e->arena, e->run->ctx, "%s", directory);
    *out = study->n_fits == 1 ? &study->fits[0] : NULL;
    if (name == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t n = strlen(name); n > 1 && name[n - 1] == '/'; n--) {
        name[n - 1] = '\0';
    }
    const char *slash = strrchr(name, '/');
    const char *last = slash != NULL ? slash + 1 : name;
    // A fit called "a-1" comes before the second round of a fit called "a".
    for (size_t i = 0; i < study->n_fits; i++) {
        const bool is_it = strcmp(study->fits[i].name, last) == 0;
        if (is_it || (*out == NULL && is_round_name(&study->fits[i], last))) {
            *out = &study->fits[i];
        }
    }
    return *out != NULL ? MB_OK
                        : mb_fail(e->run->ctx, MB_ERR_ARG,
                              "%s: is called like no fit of its run, so that its images are not "
                              "known; name the folder as RUN/fits/NAME",
                              directory);
}

static mb_status open(mb_module_evaluation *e) {
    const size_t n = e->run->dataset.n_rows;
    e->rows = mb_arena_allocate(&e->arena, e->run->ctx, mb_max_size(n, 1), sizeof *e->rows);
    if (e->rows == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        e->rows[e->n++] = (uint32_t)i;
    }
    return mb_module_gather_charges(e);
}

static mb_status write_table(
    const mb_module_evaluation *e, const mb_module_result *r, const char *output) {
    const mb_dataset *dataset = &e->run->dataset;
    mb_buffer table;
    mb_buffer_init(&table, e->run->ctx);
    mb_buffer_text(&table, "file,event");
    for (size_t k = 0; k < r->n_codes; k++) {
        mb_buffer_format(&table, ",encoded_%zu", k);
    }
    for (size_t k = 0; k < MB_HEX48_CELLS; k++) {
        mb_buffer_format(&table, ",CALQ_%zu", k);
    }
    mb_csv_end_row(&table);
    for (size_t i = 0; i < e->n && table.status == MB_OK; i++) {
        const uint32_t file = dataset->file[i];
        mb_csv_put_text(&table, true, file < dataset->n_files ? dataset->file_names[file] : "");
        mb_csv_put_int64(&table, false, dataset->event[i]);
        for (size_t k = 0; k < r->n_codes; k++) {
            mb_csv_put_float(&table, false, r->codes[i * r->n_codes + k]);
        }
        for (size_t k = 0; k < MB_HEX48_CELLS; k++) {
            mb_csv_put_float(&table, false, r->charges[i * MB_HEX48_CELLS + k]);
        }
        mb_csv_end_row(&table);
    }
    return mb_write_buffer(&table, output);
}

// The names of a run's scores.npz.
static mb_status write_arrays(
    const mb_module_evaluation *e, const mb_module_result *r, const char *output) {
    mb_context *ctx = e->run->ctx;
    mb_runtime *runtime = mb_context_runtime(ctx);
    const mb_array charges = {MB_F32, 2, {e->n, MB_HEX48_CELLS}, e->charges, runtime};
    const mb_array encoded = {MB_F32, 2, {e->n, r->n_codes}, r->codes, runtime};
    const mb_array decoded = {MB_F32, 2, {e->n, MB_HEX48_CELLS}, r->charges, runtime};
    const mb_array event = {MB_I64, 1, {e->n}, e->run->dataset.event, runtime};
    const char *const names[] = {"charges", "decoded", "event", "encoded"};
    const mb_array *const list[] = {&charges, &decoded, &event, &encoded};
    return mb_npz_write(ctx, output, names, list, r->n_codes > 0 ? 4 : 3, true);
}

static void tell(const mb_module_evaluation *e, const mb_module_result *r, const char *output,
    mb_answer *answer) {
    mb_answer_put_int(answer, NULL, "events", (int64_t)e->n);
    mb_answer_put_int(answer, NULL, "outputs", (int64_t)r->n_codes);
    mb_answer_put_text(answer, NULL, "output", output);
    mb_answer_line(answer, "%s: %zu modules, %zu outputs and %d charges of each", output, e->n,
        r->n_codes, MB_HEX48_CELLS);
}

mb_status mb_module_predict_files(
    mb_run *run, const char *directory, const char *output, mb_answer *answer) {
    mb_module_evaluation e = {.run = run};
    mb_round round = {.name = "", .directory = directory};
    mb_module_result result;
    mb_arena_init(&e.arena, run->ctx);
    mb_status status = find_fit(&e, directory, &round.fit);
    if (status == MB_OK) {
        status = open(&e);
    }
    if (status == MB_OK) {
        status = mb_module_judge_model(&e, &round, &result);
    }
    if (status == MB_OK) {
        status = mb_path_has_suffix(output, ".npz") ? write_arrays(&e, &result, output)
                                                    : write_table(&e, &result, output);
    }
    if (status == MB_OK) {
        tell(&e, &result, output, answer);
    }
    mb_arena_clear(&e.arena);
    return status;
}
