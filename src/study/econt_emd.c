// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "files/csv.h"
#include "files/npy.h"
#include "files/yaml.h"
#include "study/econt.h"
#include "study/emd_net.h"
#include "study/module_run.h"

// The command line of the original's training of the distance network.

typedef struct charges {
    mb_array input, restored;
} charges;

static mb_status check_rows(mb_context *ctx, const char *path, const mb_array *array) {
    if (array->rank == 2 && array->shape[1] == MB_HEX48_CELLS && array->shape[0] == 1) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "%s: only one row; run econt train again with --nCSV -1, or keep scores.npz", path);
    }
    return array->rank == 2 && array->shape[1] == MB_HEX48_CELLS
               ? MB_OK
               : mb_fail(ctx, MB_ERR_SHAPE,
                     "%s: has no rows of 48 charges; name a folder RUN/NAME of econt train", path);
}

static mb_status read_table(mb_context *ctx, const char *path, mb_array *out) {
    mb_csv table;
    mb_status status = mb_csv_read(&table, ctx, path, false);
    status = status == MB_OK ? mb_csv_to_array(&table, out) : status;
    mb_csv_clear(&table);
    return status == MB_OK ? check_rows(ctx, path, out) : status;
}

// All judged rows of scores.npz, or the rows of the verification tables.
static mb_status read_run(mb_context *ctx, mb_arena *arena, const char *folder, charges *out) {
    const char *scores = mb_run_file(ctx, arena, folder, "scores.npz");
    const char *input = mb_run_file(ctx, arena, folder, "verify_input_calQ.csv");
    const char *decoded = mb_run_file(ctx, arena, folder, "verify_decoded_calQ.csv");
    if (scores == NULL || input == NULL || decoded == NULL) {
        return MB_ERR_MEMORY;
    }
    if (mb_path_exists(scores)) {
        MB_TRY(mb_npz_read(ctx, scores, "charges", &out->input));
        MB_TRY(mb_npz_read(ctx, scores, "decoded", &out->restored));
        MB_TRY(check_rows(ctx, scores, &out->input));
    } else if (mb_path_exists(input)) {
        MB_TRY(read_table(ctx, input, &out->input));
        MB_TRY(read_table(ctx, decoded, &out->restored));
    } else {
        return mb_fail(ctx, MB_ERR_IO,
            "%s: has neither scores.npz nor verify_input_calQ.csv; name a folder RUN/NAME of econt "
            "train",
            folder);
    }
    return out->input.shape[0] == out->restored.shape[0] && out->restored.rank == 2 &&
                   out->restored.shape[1] == MB_HEX48_CELLS
               ? MB_OK
               : mb_fail(ctx, MB_ERR_SHAPE,
                     "%s: charges and decoded charges have other numbers of rows", folder);
}

// The charges of CALQ tables, by the reader of studies.
static mb_status read_tables(mb_context *ctx, const mb_econt_emd *options, charges *out) {
    mb_buffer text;
    mb_study *study = NULL;
    mb_dataset dataset;
    mb_dataset_init(&dataset, ctx);
    mb_buffer_init(&text, ctx);
    mb_buffer_format(&text,
        "study: pairs\ndata:\n  source: concentrator\n  override_input: true\n"
        "  rows_per_file: %lld\n%s  ",
        (long long)options->rows_per_file, options->no_header ? "  header: false\n" : "");
    mb_econt_put_text(&text, "files", options->input);
    mb_status status = text.status;
    if (status == MB_OK) {
        status = mb_study_open_text(ctx, "econt train-emd", text.data, NULL, &study);
    }
    if (status == MB_OK) {
        const mb_source_request request = {.wants_label = false};
        status = mb_study_load(ctx, study, &request, &dataset, NULL);
    }
    const mb_column *column = status == MB_OK ? mb_dataset_find(&dataset, "charges") : NULL;
    uint32_t *rows = mb_allocate(ctx, mb_max_size(dataset.n_rows, 1), sizeof *rows);
    if (column != NULL && rows != NULL) {
        const size_t shape[] = {dataset.n_rows, MB_HEX48_CELLS};
        for (size_t i = 0; i < dataset.n_rows; i++) {
            rows[i] = (uint32_t)i;
        }
        status = mb_array_init(&out->input, ctx, MB_F32, 2, shape);
        if (status == MB_OK) {
            status = mb_column_gather(column, ctx, rows, dataset.n_rows, out->input.data);
        }
    } else if (status == MB_OK) {
        status = MB_ERR_MEMORY;
    }
    mb_release(ctx, rows);
    mb_dataset_clear(&dataset);
    mb_study_destroy(study);
    mb_buffer_clear(&text);
    return status;
}

static mb_status copy_floats(mb_context *ctx, const mb_array *array, float **out) {
    const size_t n = array->data != NULL ? mb_array_count(array) : 0;
    *out = mb_allocate(ctx, mb_max_size(n, 1), sizeof **out);
    if (*out == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        (*out)[i] = (float)mb_array_get(array, i);
    }
    return MB_OK;
}

static mb_status read_net(
    mb_context *ctx, mb_document *document, const mb_econt_emd *options, mb_emd_net **out) {
    mb_buffer text;
    size_t n = 0;
    mb_buffer_init(&text, ctx);
    // The charges are given, whatever the model.
    mb_buffer_format(&text,
        "emd_net: {pairs: %s, of: model, epochs: %lld, repeats: %zu, rows: %lld}\n", options->pairs,
        (long long)options->epochs, mb_max_size(options->repeats, 1), (long long)options->rows);
    mb_status status = text.status;
    if (status == MB_OK) {
        status = mb_yaml_parse(ctx, "econt train-emd", text.data, text.length, document);
    }
    mb_buffer_clear(&text);
    return status == MB_OK ? mb_emd_nets_read(ctx, document, document->root, out, &n) : status;
}

static mb_status train(mb_run *run, const mb_econt_emd *options, const charges *c, uint64_t seed,
    const char *directory) {
    mb_context *ctx = run->ctx;
    mb_document document = {0};
    mb_emd_net *net = NULL;
    float *input = NULL;
    float *restored = NULL;
    mb_status status = read_net(ctx, &document, options, &net);
    if (status == MB_OK) {
        status = copy_floats(ctx, &c->input, &input);
    }
    if (status == MB_OK) {
        status = copy_floats(ctx, &c->restored, &restored);
    }
    if (status == MB_OK) {
        const mb_emd_net_data data = {
            input, c->restored.data != NULL ? restored : NULL, c->input.shape[0]};
        status = mb_emd_net_train(run, net, &data, seed, directory, true);
    }
    mb_release(ctx, input);
    mb_release(ctx, restored);
    mb_document_clear(&document);
    return status;
}

static mb_status tell(mb_run *run, const char *directory, mb_answer **out) {
    mb_answer *answer = NULL;
    mb_csv table;
    MB_TRY(mb_answer_create(run->ctx, &answer));
    const char *path = mb_run_file(run->ctx, &run->arena, directory, "emd_net/repeats.csv");
    mb_status status = path == NULL ? MB_ERR_MEMORY : mb_csv_read(&table, run->ctx, path, true);
    double number[3] = {0};
    // That of the model which is kept.
    for (size_t row = 0; status == MB_OK && row < table.n_rows; row++) {
        double own[3] = {0};
        for (size_t i = 0; i < MB_COUNT_OF(own) && status == MB_OK; i++) {
            status = mb_csv_number(&table, row, i + 2, &own[i]);
        }
        if (row == 0 || own[0] < number[0]) {
            memcpy(number, own, sizeof number);
        }
    }
    if (path != NULL) {
        mb_csv_clear(&table);
    }
    mb_answer_put_real(answer, NULL, "val_loss", number[0]);
    mb_answer_put_real(answer, NULL, "relative_mean", number[1]);
    mb_answer_put_real(answer, NULL, "relative_std", number[2]);
    mb_answer_line(answer,
        "%s/emd_net/model.h5: relative error %.4f +- %.4f; a loss as emd:%s/"
        "emd_net/model.h5",
        directory, number[1], number[2], directory);
    return mb_answer_finish(answer, status, out);
}

mb_status mb_econt_train_emd(mb_context *ctx, const mb_econt_emd *options,
    const mb_run_settings *settings, const uint64_t *seed, mb_answer **out) {
    const mb_study study = {.name = "emd_net"};
    mb_run run = {.ctx = ctx, .study = &study, .directory = settings->directory};
    charges c = {.input = {.data = NULL}};
    *out = NULL;
    mb_arena_init(&run.arena, ctx);
    mb_dataset_init(&run.dataset, ctx);
    const bool is_run = strcmp(options->pairs, "real") != 0;
    const char *model = mb_run_file(ctx, &run.arena, settings->directory, "emd_net/model.h5");
    mb_status status =
        model == NULL ? MB_ERR_MEMORY : mb_check_absent(ctx, model, settings->is_forced);
    if (status == MB_OK) {
        status =
            is_run ? read_run(ctx, &run.arena, options->input, &c) : read_tables(ctx, options, &c);
    }
    if (status == MB_OK) {
        status = mb_make_directory(ctx, settings->directory);
    }
    const char *log = mb_run_file(ctx, &run.arena, settings->directory, "log.txt");
    if (status == MB_OK) {
        status = log == NULL ? MB_ERR_MEMORY : mb_journal_open(&run.journal, ctx, log, settings);
    }
    if (status == MB_OK) {
        status = train(&run, options, &c, seed != NULL ? *seed : 42, settings->directory);
    }
    if (status == MB_OK) {
        status = tell(&run, settings->directory, out);
    }
    mb_array_clear(&c.input);
    mb_array_clear(&c.restored);
    mb_run_clear(&run);
    return status;
}
