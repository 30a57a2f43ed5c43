// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/elinks.h"

// Words: contents to frames and back, ports, and the weights of the slow control.

// Where a row's crossing is, in tables of the emulation.
static const struct {
    const char *name;
    uint64_t most;
} places[] = {{"orbit", UINT64_C(1) << 40}, {"bucket", MB_CHIP_ORBIT - 1}};

typedef struct work {
    mb_context *ctx;
    mb_chip_settings settings;
    const mb_chip_algorithm *algorithm; // NULL: ports
    mb_chip_mux mux;
    mb_rows rows;
    int place[MB_COUNT_OF(places)]; // columns
    mb_table table;
    mb_answer *answer;
} work;

static mb_status open_work(work *w, mb_context *ctx, const char *file,
    const mb_elinks_format *format, const char *output, bool is_forced) {
    *w = (work){.ctx = ctx};
    if (strcmp(format->algorithm, "none") == 0) {
        return mb_fail(ctx, MB_ERR_ARG, "algorithm: 'none' has no words; name one");
    }
    MB_TRY(mb_elinks_format_read(ctx, format, &w->settings, &w->algorithm, &w->mux));
    MB_TRY(mb_check_absent(ctx, output, is_forced));
    MB_TRY(mb_answer_create(ctx, &w->answer));
    MB_TRY(mb_rows_open(&w->rows, ctx, file));
    for (size_t i = 0; i < MB_COUNT_OF(places); i++) {
        w->place[i] = mb_rows_column(&w->rows, places[i].name);
    }
    return mb_table_open(&w->table, ctx, output);
}

// Columns of places that the input has stand first in the output.
static void begin_header(work *w) {
    for (size_t i = 0; i < MB_COUNT_OF(places); i++) {
        if (w->place[i] != MB_ROWS_NO_COLUMN) {
            mb_buffer_format(&w->table.text, "%s,", places[i].name);
        }
    }
}

static mb_status begin_row(work *w) {
    for (size_t i = 0; i < MB_COUNT_OF(places); i++) {
        uint64_t value = 0;
        if (w->place[i] != MB_ROWS_NO_COLUMN) {
            MB_TRY(mb_rows_count(&w->rows, w->place[i], places[i].most, &value));
            mb_buffer_format(&w->table.text, "%llu,", (unsigned long long)value);
        }
    }
    return MB_OK;
}

static mb_status close_work(work *w, mb_status status, const char *output, mb_answer **out) {
    if (status == MB_OK && w->table.n_rows == 0) {
        status = mb_fail(w->ctx, MB_ERR_FORMAT, "%s: no row behind the header; give at least one",
            w->rows.lines.name);
    }
    if (status == MB_OK) {
        status = mb_table_commit(&w->table);
    }
    if (status == MB_OK) {
        mb_answer_put_int(w->answer, NULL, "rows", (int64_t)w->table.n_rows);
        mb_answer_put_text(w->answer, NULL, "file", output);
        mb_answer_line(w->answer, "%s: %llu rows", output, (unsigned long long)w->table.n_rows);
    }
    mb_rows_close(&w->rows);
    mb_table_abandon(&w->table);
    return w->answer != NULL ? mb_answer_finish(w->answer, status, out) : status;
}

static mb_status pack_contents(work *w) {
    mb_content_columns columns;
    MB_TRY(mb_content_find(&w->rows, w->algorithm, &w->settings, &columns));
    begin_header(w);
    mb_buffer_text(&w->table.text, "n_words");
    mb_table_put_series(&w->table, false, "WORD_", MB_CHIP_MOST_WORDS);
    mb_csv_end_row(&w->table.text);
    for (;;) {
        bool has_row = false;
        mb_chip_content content;
        mb_chip_frame frame;
        MB_TRY(mb_rows_next(&w->rows, &has_row));
        if (!has_row) {
            return MB_OK;
        }
        MB_TRY(mb_content_read(&w->rows, &columns, w->algorithm, &w->settings, &content));
        w->algorithm->pack(w->algorithm, &w->settings, &content, &frame);
        MB_TRY(begin_row(w));
        mb_csv_put_int64(&w->table.text, true, frame.n_words);
        for (unsigned i = 0; i < MB_CHIP_MOST_WORDS; i++) {
            mb_csv_put_int64(&w->table.text, false, i < frame.n_words ? frame.word[i] : 0);
        }
        MB_TRY(mb_table_end_row(&w->table));
    }
}

static mb_status read_charges(work *w, const int *columns, uint32_t *charges) {
    for (unsigned i = 0; i < MB_CHIP_CELLS; i++) {
        uint64_t value = 0;
        MB_TRY(mb_rows_count(&w->rows, columns[i], MB_CHIP_CHARGE_MOST, &value));
        charges[i] = (uint32_t)value;
    }
    return MB_OK;
}

static mb_status pack_ports(work *w) {
    int columns[MB_CHIP_CELLS];
    MB_TRY(mb_rows_find_series(&w->rows, "CALQ_", MB_CHIP_CELLS, columns));
    begin_header(w);
    mb_table_put_series(&w->table, true, "ePortRxDataGroup_", MB_CHIP_PORTS);
    mb_csv_end_row(&w->table.text);
    for (;;) {
        bool has_row = false;
        uint32_t charges[MB_CHIP_CELLS];
        uint8_t codes[MB_CHIP_CELLS];
        uint32_t words[MB_CHIP_PORTS];
        MB_TRY(mb_rows_next(&w->rows, &has_row));
        if (!has_row) {
            return MB_OK;
        }
        MB_TRY(read_charges(w, columns, charges));
        for (unsigned cell = 0; cell < MB_CHIP_CELLS; cell++) {
            codes[w->mux.input[cell]] = (uint8_t)mb_float_encode(
                mb_float_4e3m(w->settings.drop), charges[w->mux.charge[cell]]);
        }
        mb_chip_ports_pack(codes, words);
        MB_TRY(begin_row(w));
        for (unsigned i = 0; i < MB_CHIP_PORTS; i++) {
            mb_csv_put_int64(&w->table.text, i == 0, words[i]);
        }
        MB_TRY(mb_table_end_row(&w->table));
    }
}

mb_status mb_elinks_pack(mb_context *ctx, const char *file, const mb_elinks_format *format,
    const char *output, bool is_forced, mb_answer **out) {
    work w;
    mb_status status = open_work(&w, ctx, file, format, output, is_forced);
    if (status == MB_OK) {
        status = w.algorithm != NULL ? pack_contents(&w) : pack_ports(&w);
    }
    return close_work(&w, status, output, out);
}

static void put_charges(work *w, const uint32_t *charges) {
    for (unsigned i = 0; i < MB_CHIP_CELLS; i++) {
        mb_csv_put_int64(&w->table.text, i == 0, charges[i]);
    }
}

// A group's sum goes to the cell it names, or in equal parts to all where it names none.
static void spread(const work *w, const mb_chip_content *content, bool is_centred,
    uint32_t charges[MB_CHIP_CELLS]) {
    const mb_chip_groups *groups = w->algorithm->groups;
    mb_float_format format = groups != NULL ? groups->format : mb_float_4e3m(w->settings.drop);
    format.is_centred = is_centred;
    memset(charges, 0, MB_CHIP_CELLS * sizeof *charges);
    for (unsigned i = 0; i < content->n; i++) {
        const uint32_t value = content->code[i] > 0 ? mb_float_decode(format, content->code[i]) : 0;
        if (groups == NULL) {
            const unsigned cell = mb_chip_has_addresses(w->algorithm) ? content->address[i] : i;
            charges[w->mux.charge[cell]] = value;
            continue;
        }
        for (unsigned k = 0; k < groups->size; k++) {
            const unsigned cell = i * groups->size + k;
            charges[w->mux.charge[cell]] = groups->address_bits == 0  ? value / groups->size
                                           : k == content->address[i] ? value
                                                                      : 0;
        }
    }
}

static mb_status read_frame(const work *w, int n_words, const int *columns, mb_chip_frame *out) {
    uint64_t value = 0;
    MB_TRY(mb_rows_count(&w->rows, n_words, MB_CHIP_MOST_WORDS, &value));
    out->n_words = (unsigned)value;
    for (unsigned i = 0; i < out->n_words; i++) {
        MB_TRY(mb_rows_count(&w->rows, columns[i], UINT16_MAX, &value));
        out->word[i] = (uint16_t)value;
    }
    return MB_OK;
}

static mb_status unpack_frames(work *w, bool with_charges, bool is_centred) {
    int n_words = 0;
    int columns[MB_CHIP_MOST_WORDS];
    MB_TRY(mb_rows_find(&w->rows, "n_words", &n_words));
    MB_TRY(mb_rows_find_series(&w->rows, "WORD_", MB_CHIP_MOST_WORDS, columns));
    begin_header(w);
    if (with_charges) {
        mb_table_put_series(&w->table, true, "CALQ_", MB_CHIP_CELLS);
    } else {
        mb_content_put_header(&w->table, w->algorithm, &w->settings);
    }
    mb_csv_end_row(&w->table.text);
    for (;;) {
        bool has_row = false;
        mb_chip_frame frame;
        mb_chip_content content;
        MB_TRY(mb_rows_next(&w->rows, &has_row));
        if (!has_row) {
            return MB_OK;
        }
        MB_TRY(read_frame(w, n_words, columns, &frame));
        if (!w->algorithm->unpack(w->algorithm, &w->settings, &frame, &content)) {
            return mb_lines_fail(&w->rows.lines,
                "%u words that are no frame of %s with %u links; name the algorithm, links and "
                "header bits they were made with",
                frame.n_words, w->algorithm->name, w->settings.n_links);
        }
        MB_TRY(begin_row(w));
        if (with_charges) {
            uint32_t charges[MB_CHIP_CELLS];
            spread(w, &content, is_centred, charges);
            put_charges(w, charges);
        } else {
            mb_content_put(&w->table, w->algorithm, &w->settings, &content);
        }
        MB_TRY(mb_table_end_row(&w->table));
    }
}

static mb_status unpack_ports(work *w, bool is_centred) {
    int columns[MB_CHIP_PORTS];
    mb_float_format format = mb_float_4e3m(w->settings.drop);
    format.is_centred = is_centred;
    MB_TRY(mb_rows_find_series(&w->rows, "ePortRxDataGroup_", MB_CHIP_PORTS, columns));
    begin_header(w);
    mb_table_put_series(&w->table, true, "CALQ_", MB_CHIP_CELLS);
    mb_csv_end_row(&w->table.text);
    for (;;) {
        bool has_row = false;
        uint32_t words[MB_CHIP_PORTS];
        uint32_t charges[MB_CHIP_CELLS];
        uint8_t codes[MB_CHIP_CELLS];
        MB_TRY(mb_rows_next(&w->rows, &has_row));
        if (!has_row) {
            return MB_OK;
        }
        for (unsigned i = 0; i < MB_CHIP_PORTS; i++) {
            uint64_t value = 0;
            MB_TRY(mb_rows_count(&w->rows, columns[i], MB_CHIP_PORT_MOST, &value));
            words[i] = (uint32_t)value;
        }
        mb_chip_ports_unpack(words, codes);
        for (unsigned cell = 0; cell < MB_CHIP_CELLS; cell++) {
            const uint8_t code = codes[w->mux.input[cell]];
            charges[w->mux.charge[cell]] = code > 0 ? mb_float_decode(format, code) : 0;
        }
        MB_TRY(begin_row(w));
        put_charges(w, charges);
        MB_TRY(mb_table_end_row(&w->table));
    }
}

mb_status mb_elinks_unpack(mb_context *ctx, const char *file, const mb_elinks_format *format,
    bool with_charges, bool is_centred, const char *output, bool is_forced, mb_answer **out) {
    work w;
    mb_status status = open_work(&w, ctx, file, format, output, is_forced);
    if (status == MB_OK && with_charges && w.algorithm != NULL && w.algorithm->work == NULL) {
        status = mb_fail(ctx, MB_ERR_ARG,
            "charges: the %s's outputs become charges in its decoder; unpack codes",
            w.algorithm->name);
    }
    if (status == MB_OK) {
        status = w.algorithm != NULL ? unpack_frames(&w, with_charges, is_centred)
                                     : unpack_ports(&w, is_centred);
    }
    return close_work(&w, status, output, out);
}

mb_status mb_elinks_weights(mb_context *ctx, const char *model, const char *weights,
    bool is_saturating, const char *output, bool is_forced, mb_answer **out) {
    uint8_t words[MB_ENCODER_WEIGHTS];
    size_t n_clipped = 0;
    mb_answer *answer = NULL;
    if (!mb_path_has_suffix(output, ".txt")) {
        return mb_fail(ctx, MB_ERR_ARG, "%s: weight words are a text; name it .txt", output);
    }
    MB_TRY(mb_check_absent(ctx, output, is_forced));
    MB_TRY(mb_encoder_weights_read(ctx, model, weights, is_saturating, words, &n_clipped));
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    mb_buffer_text(&text, "weight\n");
    for (size_t i = 0; i < MB_ENCODER_WEIGHTS; i++) {
        mb_buffer_format(&text, "0x%02x\n", words[i]);
    }
    const mb_status status = mb_write_buffer(&text, output);
    mb_answer_put_int(answer, NULL, "weights", MB_ENCODER_WEIGHTS);
    mb_answer_put_int(answer, NULL, "bits", MB_ENCODER_WEIGHTS * MB_ENCODER_WEIGHT_BITS);
    mb_answer_put_int(answer, NULL, "clipped", (int64_t)n_clipped);
    mb_answer_put_text(answer, NULL, "file", output);
    mb_answer_line(answer, "%s: %d weights, %d bits, format %s, %zu clipped", output,
        MB_ENCODER_WEIGHTS, MB_ENCODER_WEIGHTS * MB_ENCODER_WEIGHT_BITS, weights, n_clipped);
    return mb_answer_finish(answer, status, out);
}
