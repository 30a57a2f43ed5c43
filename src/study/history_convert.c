// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "files/csv.h"
#include "files/pickle_write.h"
#include "minbias/inspect.h"
#include "study/answer.h"
#include "study/keras_history.h"
#include "study/study.h"

bool mb_history_is_path(const char *path) {
    return mb_path_has_suffix(path, ".pkl") || mb_path_has_suffix(path, ".pickle");
}

static const char rate_here[] = "learning_rate", rate_in_keras[] = "lr";

// Keras has no such columns: places say the epoch, times are not kept, and without validation there
// is none of it.
static bool is_ours_alone(const mb_csv *table, size_t column) {
    const char *name = mb_csv_column_name(table, column);
    return strcmp(name, "epoch") == 0 || strcmp(name, "seconds") == 0 ||
           (table->n_rows > 0 && mb_csv_field(table, 0, column)[0] == '\0');
}

// The table of a run as Keras 2 pickles it.
static mb_status pickle_table(mb_context *ctx, const char *input, const char *output) {
    mb_csv table = {0};
    mb_buffer out;
    mb_pickle_writer writer;
    mb_buffer_init(&out, ctx);
    mb_status status = mb_csv_read(&table, ctx, input, true);
    mb_pickle_start(&writer, &out);
    mb_pickle_begin_dict(&writer);
    for (size_t j = 0; status == MB_OK && j < table.n_columns; j++) {
        const char *name = mb_csv_column_name(&table, j);
        if (is_ours_alone(&table, j)) {
            continue;
        }
        mb_pickle_put_text(&writer, strcmp(name, rate_here) == 0 ? rate_in_keras : name);
        mb_pickle_begin_list(&writer);
        for (size_t i = 0; status == MB_OK && i < table.n_rows; i++) {
            double value = 0;
            status = mb_csv_number(&table, i, j, &value);
            mb_pickle_put_float(&writer, value);
        }
        mb_pickle_end(&writer);
    }
    mb_pickle_end(&writer);
    if (status == MB_OK) {
        status = mb_pickle_finish(&writer);
    }
    if (status == MB_OK) {
        status = mb_write_buffer(&out, output);
    }
    mb_buffer_clear(&out);
    mb_csv_clear(&table);
    return status;
}

static mb_status tabulate_pickle(mb_context *ctx, const char *input, const char *output) {
    mb_keras_history history;
    mb_buffer table;
    mb_buffer_init(&table, ctx);
    mb_status status = mb_keras_history_read(&history, ctx, input);
    if (status == MB_OK) {
        mb_csv_put_text(&table, true, "epoch");
        for (size_t j = 0; j < history.n_columns; j++) {
            const char *name = history.names[j];
            mb_csv_put_text(&table, false, strcmp(name, rate_in_keras) == 0 ? rate_here : name);
        }
        mb_csv_end_row(&table);
        for (size_t i = 0; i < history.n; i++) {
            mb_csv_put_int64(&table, true, (int64_t)i + 1);
            for (size_t j = 0; j < history.n_columns; j++) {
                mb_csv_put_double(&table, false, history.columns[j][i]);
            }
            mb_csv_end_row(&table);
        }
        status = mb_write_buffer(&table, output);
    }
    mb_buffer_clear(&table);
    mb_keras_history_clear(&history);
    return status;
}

mb_status mb_history_convert(
    mb_context *ctx, const char *input, const char *output, bool is_forced, mb_answer **out) {
    const bool to_pickle = mb_history_is_path(output);
    *out = NULL;
    if (to_pickle ? !mb_path_has_suffix(input, ".csv")
                  : !mb_history_is_path(input) || !mb_path_has_suffix(output, ".csv")) {
        return mb_fail(ctx, MB_ERR_ARG, "%s: a history goes from .csv to .pkl or back; name %s",
            to_pickle ? input : output,
            to_pickle ? "the history.csv of a run" : "the output FILE.csv");
    }
    MB_TRY(mb_check_absent(ctx, output, is_forced));
    MB_TRY(to_pickle ? pickle_table(ctx, input, output) : tabulate_pickle(ctx, input, output));
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_answer_put_text(answer, NULL, "history", output);
    mb_answer_line(answer, "%s: the history", output);
    return mb_answer_finish(answer, MB_OK, out);
}
