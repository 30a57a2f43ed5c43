// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/elinks.h"

#include "base/math.h"
#include "detector/chip/commands.h"

#include <math.h>

// The chip, block by block: crossings are read, calibrated and given to the algorithm in blocks,
// then formatted, buffered and sent one by one.

enum { BLOCK = 1024, N_TABLES = 7 };
enum { PORTS, MUX, CHARGES, ALGORITHM, FORMATTER, BUFFER, LINKS };
static const char *const files[N_TABLES] = {"ports.csv", "mux.csv", "calq.csv", "algorithm.csv",
    "formatter.csv", "buffer.csv", "links.csv"};

typedef struct crossing {
    uint64_t orbit;
    unsigned bucket;
    bool is_sync;
} crossing;

typedef struct emulation {
    mb_context *ctx;
    const mb_elinks_emulation *given;
    mb_chip_settings settings;
    const mb_chip_algorithm *algorithm; // NULL: none
    mb_chip_mux mux;
    mb_chip_commands commands;
    mb_chip_clock clock;
    mb_encoder *encoder;
    size_t n_clipped;
    mb_chip_buffer buffer;
    mb_rows rows;
    bool has_words; // input words, else charges
    int columns[MB_CHIP_CELLS];
    size_t n_made; // folders
    bool *is_kept; // columns of the input that go to calq.csv
    mb_table tables[N_TABLES];
    crossing crossings[BLOCK];
    uint32_t *charges, *numbered; // (BLOCK, 48): in the order of cells, and of the module
    mb_chip_content *contents;
    uint64_t n_crossings, n_cut, n_sync, n_later; // n_later: crossings until the buffer was empty
} emulation;

static mb_status find_columns(emulation *e) {
    const mb_rows *rows = &e->rows;
    e->has_words = mb_rows_column(rows, "ePortRxDataGroup_0") >= 0;
    if (e->has_words) {
        MB_TRY(mb_rows_find_series(rows, "ePortRxDataGroup_", MB_CHIP_PORTS, e->columns));
    } else if (mb_rows_column(rows, "CALQ_0") >= 0) {
        MB_TRY(mb_rows_find_series(rows, "CALQ_", MB_CHIP_CELLS, e->columns));
        if (e->given->commands != NULL) {
            return mb_fail(e->ctx, MB_ERR_ARG,
                "%s: charges enter behind the ports, where commands act; give words of the ports",
                rows->lines.name);
        }
    } else {
        return mb_fail(e->ctx, MB_ERR_FORMAT,
            "%s:1: neither ePortRxDataGroup_0 nor CALQ_0; give words of the ports, or charges",
            rows->lines.name);
    }
    e->is_kept = mb_allocate(e->ctx, rows->n_columns, sizeof *e->is_kept);
    if (e->is_kept == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < rows->n_columns; i++) {
        e->is_kept[i] = true;
    }
    for (size_t i = 0; i < (e->has_words ? MB_CHIP_PORTS : MB_CHIP_CELLS); i++) {
        e->is_kept[e->columns[i]] = false;
    }
    return MB_OK;
}

static mb_status read_calibration(emulation *e) {
    const mb_elinks_emulation *given = e->given;
    if (!(given->eta >= -10 && given->eta <= 10)) {
        return mb_fail(e->ctx, MB_ERR_ARG, "eta: %g; modules lie between -10 and 10", given->eta);
    }
    e->settings.calibration =
        given->eta != 0 ? (uint32_t)floor(MB_CHIP_CALIBRATION_ONE / mb_cosh(given->eta) + 0.5)
                        : (uint32_t)mb_min_size(given->calibration, UINT32_MAX);
    e->settings.threshold = (uint32_t)mb_min_size(given->threshold, UINT32_MAX);
    e->settings.is_rest = given->is_rest;
    e->settings.is_first = given->is_first;
    return e->settings.calibration <= MB_CHIP_CALIBRATION_MOST
               ? MB_OK
               : mb_fail(e->ctx, MB_ERR_ARG, "calibration: %u; it has 12 bits, 0 .. %d",
                     e->settings.calibration, MB_CHIP_CALIBRATION_MOST);
}

static mb_status open_encoder(emulation *e) {
    uint8_t weights[MB_ENCODER_WEIGHTS];
    if (e->algorithm == NULL || e->algorithm->work != NULL) {
        return MB_OK;
    }
    if (e->given->encoder == NULL) {
        return mb_fail(e->ctx, MB_ERR_ARG,
            "encoder: the autoencoder needs its weights; give a model or weight words (.txt)");
    }
    MB_TRY(mb_encoder_weights_read(e->ctx, e->given->encoder, e->given->weights,
        e->given->is_saturating, weights, &e->n_clipped));
    return mb_encoder_create(e->ctx, weights, e->given->weights, &e->encoder);
}

static void put_place(mb_table *table, const crossing *c) {
    mb_csv_put_int64(&table->text, true, (int64_t)c->orbit);
    mb_csv_put_int64(&table->text, false, c->bucket);
}

// Charges that are given come through no ports; without an algorithm nothing follows them.
static bool is_written(const emulation *e, size_t table) {
    return table < CHARGES ? e->has_words : table == CHARGES || e->algorithm != NULL;
}

static void begin_tables(emulation *e) {
    for (size_t i = 0; i < N_TABLES; i++) {
        if (is_written(e, i) && i != CHARGES) {
            mb_buffer_text(&e->tables[i].text, "orbit,bucket");
        }
    }
    if (e->has_words) {
        mb_table_put_series(&e->tables[PORTS], false, "ePortRxDataGroup_", MB_CHIP_PORTS);
        mb_table_put_series(&e->tables[MUX], false, "MUX_", MB_CHIP_CELLS);
    }
    mb_table_put_series(&e->tables[CHARGES], true, "CALQ_", MB_CHIP_CELLS);
    for (size_t i = 0; i < e->rows.n_columns; i++) {
        if (e->is_kept[i]) {
            mb_csv_put_text(&e->tables[CHARGES].text, false, e->rows.name[i]);
        }
    }
    if (e->algorithm != NULL) {
        mb_buffer_text(&e->tables[ALGORITHM].text, ",");
        mb_content_put_header(&e->tables[ALGORITHM], e->algorithm, &e->settings);
        mb_buffer_text(&e->tables[FORMATTER].text, ",n_words");
        mb_table_put_series(&e->tables[FORMATTER], false, "WORD_", MB_CHIP_MOST_WORDS);
        mb_buffer_text(&e->tables[BUFFER].text, ",held,words,condition,is_cut");
        mb_table_put_series(&e->tables[LINKS], false, "TX_DATA_", e->settings.n_links);
    }
    for (size_t i = 0; i < N_TABLES; i++) {
        if (is_written(e, i)) {
            mb_csv_end_row(&e->tables[i].text);
        }
    }
}

static mb_status open_tables(emulation *e, const char *directory, bool is_forced) {
    MB_TRY(mb_make_directories(e->ctx, directory, &e->n_made));
    for (size_t i = 0; i < N_TABLES; i++) {
        if (!is_written(e, i)) {
            continue;
        }
        char *path = mb_path_join(e->ctx, directory, files[i]);
        if (path == NULL) {
            return MB_ERR_MEMORY;
        }
        mb_status status = mb_check_absent(e->ctx, path, is_forced);
        if (status == MB_OK) {
            status = mb_table_open(&e->tables[i], e->ctx, path);
        }
        mb_release(e->ctx, path);
        MB_TRY(status);
    }
    return MB_OK;
}

static mb_status open_emulation(
    emulation *e, const char *file, const char *directory, bool is_forced) {
    if (strcmp(e->given->format.algorithm, "ports") == 0) {
        return mb_fail(e->ctx, MB_ERR_ARG, "algorithm: 'ports' is none of the chip; take none");
    }
    MB_TRY(mb_elinks_format_read(e->ctx, &e->given->format, &e->settings, &e->algorithm, &e->mux));
    MB_TRY(read_calibration(e));
    MB_TRY(open_encoder(e));
    if (e->given->commands != NULL) {
        MB_TRY(mb_chip_commands_read(e->ctx, e->given->commands, &e->commands));
    }
    MB_TRY(mb_rows_open(&e->rows, e->ctx, file));
    MB_TRY(find_columns(e));
    const size_t n = (size_t)BLOCK * MB_CHIP_CELLS;
    e->charges = mb_allocate(e->ctx, n, sizeof *e->charges);
    e->numbered = mb_allocate(e->ctx, n, sizeof *e->numbered);
    e->contents = mb_allocate_zeroed(e->ctx, BLOCK, sizeof *e->contents);
    if (e->charges == NULL || e->numbered == NULL || e->contents == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_chip_buffer_init(&e->buffer, e->settings.n_links);
    return open_tables(e, directory, is_forced);
}

// The place of the first row, where the file says it.
static mb_status start_clock(emulation *e) {
    const int orbit = mb_rows_column(&e->rows, "GOD_ORBIT_NUMBER");
    const int bucket = mb_rows_column(&e->rows, "GOD_BUCKET_NUMBER");
    uint64_t at[2] = {0, 0};
    if (orbit >= 0 && bucket >= 0) {
        MB_TRY(mb_rows_count(&e->rows, orbit, 1 << 30, &at[0]));
        MB_TRY(mb_rows_count(&e->rows, bucket, MB_CHIP_ORBIT - 1, &at[1]));
    }
    mb_chip_clock_init(
        &e->clock, e->given->commands != NULL ? &e->commands : NULL, at[0] * MB_CHIP_ORBIT + at[1]);
    return MB_OK;
}

static mb_status read_word(const emulation *e, size_t port, uint32_t *out) {
    uint64_t word = 0;
    const bool is_framed = e->given->is_framed;
    MB_TRY(mb_rows_count(
        &e->rows, e->columns[port], is_framed ? UINT32_MAX : MB_CHIP_PORT_MOST, &word));
    if (is_framed && word >> 28 != 9 && word >> 28 != 10) {
        return mb_lines_fail(&e->rows.lines,
            "column %s: header %llu in the uppermost 4 bits; it is 9 at bucket 0, else 10",
            e->rows.name[e->columns[port]], (unsigned long long)(word >> 28));
    }
    *out = (uint32_t)word & MB_CHIP_PORT_MOST;
    return MB_OK;
}

static mb_status put_words(emulation *e, const crossing *c, const uint32_t *words) {
    put_place(&e->tables[PORTS], c);
    for (size_t i = 0; i < MB_CHIP_PORTS; i++) {
        mb_csv_put_int64(&e->tables[PORTS].text, false, words[i]);
    }
    return mb_table_end_row(&e->tables[PORTS]);
}

static mb_status take_words(emulation *e, crossing *c, uint32_t *words, uint32_t *charges) {
    uint8_t inputs[MB_CHIP_CELLS];
    uint8_t codes[MB_CHIP_CELLS];
    for (size_t i = 0; i < MB_CHIP_PORTS; i++) {
        MB_TRY(read_word(e, i, &words[i]));
    }
    mb_chip_clock_step(&e->clock, words, &c->bucket, &c->is_sync);
    MB_TRY(put_words(e, c, words));
    mb_chip_ports_unpack(words, inputs);
    put_place(&e->tables[MUX], c);
    for (unsigned i = 0; i < MB_CHIP_CELLS; i++) {
        codes[i] = inputs[e->mux.input[i]];
        mb_csv_put_int64(&e->tables[MUX].text, false, codes[i]);
    }
    mb_chip_calibrate(&e->settings, codes, charges);
    return mb_table_end_row(&e->tables[MUX]);
}

static mb_status take_charges(emulation *e, crossing *c, uint32_t *words, uint32_t *charges) {
    uint32_t numbered[MB_CHIP_CELLS];
    for (size_t i = 0; i < MB_CHIP_CELLS; i++) {
        uint64_t value = 0;
        MB_TRY(mb_rows_count(&e->rows, e->columns[i], MB_CHIP_CHARGE_MOST, &value));
        numbered[i] = (uint32_t)value;
    }
    for (unsigned i = 0; i < MB_CHIP_CELLS; i++) {
        charges[i] = numbered[e->mux.charge[i]];
    }
    mb_chip_clock_step(&e->clock, words, &c->bucket, &c->is_sync);
    return MB_OK;
}

static mb_status put_numbered(emulation *e, const uint32_t *numbered) {
    mb_table *table = &e->tables[CHARGES];
    for (unsigned i = 0; i < MB_CHIP_CELLS; i++) {
        mb_csv_put_int64(&table->text, i == 0, numbered[i]);
    }
    for (size_t i = 0; i < e->rows.n_columns; i++) {
        if (e->is_kept[i]) {
            mb_csv_put_text(&table->text, false, e->rows.field[i]);
        }
    }
    return mb_table_end_row(table);
}

static mb_status read_block(emulation *e, size_t *n) {
    for (*n = 0; *n < BLOCK;) {
        bool has_row = false;
        crossing *c = &e->crossings[*n];
        uint32_t words[MB_CHIP_PORTS] = {0};
        uint32_t *charges = e->charges + *n * MB_CHIP_CELLS;
        uint32_t *numbered = e->numbered + *n * MB_CHIP_CELLS;
        MB_TRY(mb_rows_next(&e->rows, &has_row));
        if (!has_row) {
            return MB_OK;
        }
        if (e->n_crossings == 0) {
            MB_TRY(start_clock(e));
        }
        c->orbit = e->clock.crossing / MB_CHIP_ORBIT;
        MB_TRY(
            e->has_words ? take_words(e, c, words, charges) : take_charges(e, c, words, charges));
        for (unsigned i = 0; i < MB_CHIP_CELLS; i++) {
            numbered[e->mux.charge[i]] = charges[i];
        }
        MB_TRY(put_numbered(e, numbered));
        e->n_crossings++;
        (*n)++;
    }
    return MB_OK;
}

static mb_status put_frame(emulation *e, const crossing *c, const mb_chip_frame *frame) {
    mb_table *table = &e->tables[FORMATTER];
    put_place(table, c);
    mb_csv_put_int64(&table->text, false, frame->n_words);
    for (unsigned i = 0; i < MB_CHIP_MOST_WORDS; i++) {
        mb_csv_put_int64(&table->text, false, i < frame->n_words ? frame->word[i] : 0);
    }
    return mb_table_end_row(table);
}

static mb_status send(emulation *e, const crossing *c, const mb_chip_frame *frame) {
    uint32_t links[MB_CHIP_MOST_LINKS];
    mb_table *table = &e->tables[BUFFER];
    const unsigned held = e->buffer.n;
    const unsigned condition = mb_chip_buffer_step(&e->buffer, frame, c->bucket, links);
    e->n_cut += condition <= 2;
    put_place(table, c);
    mb_csv_put_int64(&table->text, false, held);
    mb_csv_put_int64(&table->text, false, frame != NULL ? frame->n_words : 0);
    mb_csv_put_int64(&table->text, false, condition);
    mb_csv_put_int64(&table->text, false, condition <= 2);
    MB_TRY(mb_table_end_row(table));
    put_place(&e->tables[LINKS], c);
    for (unsigned i = 0; i < e->settings.n_links; i++) {
        mb_csv_put_int64(&e->tables[LINKS].text, false, links[i]);
    }
    return mb_table_end_row(&e->tables[LINKS]);
}

static mb_status work_block(emulation *e, size_t n) {
    const unsigned bits = e->encoder != NULL ? e->settings.header_bits : e->algorithm->header_bits;
    if (e->encoder != NULL) {
        MB_TRY(mb_encoder_run(e->ctx, e->encoder, e->numbered, n, e->contents));
    }
    for (size_t i = 0; i < n; i++) {
        const crossing *c = &e->crossings[i];
        mb_chip_content *content = &e->contents[i];
        mb_chip_frame frame;
        if (e->encoder == NULL) {
            e->algorithm->work(e->algorithm, &e->settings, e->charges + i * MB_CHIP_CELLS, content);
        }
        content->header = mb_chip_header(c->bucket, bits);
        put_place(&e->tables[ALGORITHM], c);
        mb_buffer_text(&e->tables[ALGORITHM].text, ",");
        mb_content_put(&e->tables[ALGORITHM], e->algorithm, &e->settings, content);
        MB_TRY(mb_table_end_row(&e->tables[ALGORITHM]));
        e->algorithm->pack(e->algorithm, &e->settings, content, &frame);
        if (c->is_sync) {
            mb_chip_frame_sync(e->settings.n_links, c->bucket, &frame);
            e->n_sync++;
        }
        MB_TRY(put_frame(e, c, &frame));
        MB_TRY(send(e, c, &frame));
    }
    return MB_OK;
}

// Crossings without a frame, until all words are out.
static mb_status drain(emulation *e) {
    while (e->buffer.n > 0) {
        crossing c = {.orbit = e->clock.crossing / MB_CHIP_ORBIT};
        uint32_t words[MB_CHIP_PORTS] = {0};
        mb_chip_clock_step(&e->clock, words, &c.bucket, &c.is_sync);
        MB_TRY(send(e, &c, NULL));
        e->n_later++;
    }
    return MB_OK;
}

static mb_status emulate(emulation *e, const char *file) {
    begin_tables(e);
    for (;;) {
        size_t n = 0;
        MB_TRY(read_block(e, &n));
        if (n == 0) {
            break;
        }
        if (e->algorithm != NULL) {
            MB_TRY(work_block(e, n));
        }
    }
    if (e->n_crossings == 0) {
        return mb_fail(
            e->ctx, MB_ERR_FORMAT, "%s: no row behind the header; give at least one", file);
    }
    MB_TRY(drain(e));
    for (size_t i = 0; i < N_TABLES; i++) {
        if (is_written(e, i)) {
            MB_TRY(mb_table_commit(&e->tables[i]));
        }
    }
    return MB_OK;
}

static void tell(const emulation *e, mb_answer *answer, const char *directory) {
    const char *name = e->algorithm != NULL ? e->algorithm->name : "none";
    const size_t n_left = e->commands.n - e->clock.next;
    mb_answer_put_text(answer, NULL, "algorithm", name);
    mb_answer_put_int(answer, NULL, "links", e->settings.n_links);
    mb_answer_put_int(answer, NULL, "crossings", (int64_t)e->n_crossings);
    mb_answer_put_int(answer, NULL, "sync_crossings", (int64_t)e->n_sync);
    mb_answer_put_int(answer, NULL, "cut_frames", (int64_t)e->n_cut);
    mb_answer_put_int(answer, NULL, "later_crossings", (int64_t)e->n_later);
    mb_answer_put_int(answer, NULL, "weights_clipped", (int64_t)e->n_clipped);
    mb_answer_put_text(answer, NULL, "directory", directory);
    mb_answer_line(answer,
        "%s: %llu crossings, %s, %u links, %llu frames cut by the buffer, %llu crossings of sync "
        "words",
        directory, (unsigned long long)e->n_crossings, name, e->settings.n_links,
        (unsigned long long)e->n_cut, (unsigned long long)e->n_sync);
    if (n_left > 0) {
        mb_notice(e->ctx, MB_NOTICE_WARNING, e->given->commands,
            "%zu commands lie behind the last crossing and did nothing", n_left);
    }
}

mb_status mb_elinks_emulate(mb_context *ctx, const char *file, const mb_elinks_emulation *settings,
    const char *directory, bool is_forced, mb_answer **out) {
    mb_answer *answer = NULL;
    emulation *e = mb_allocate_zeroed(ctx, 1, sizeof *e);
    mb_status status = e != NULL ? mb_answer_create(ctx, &answer) : MB_ERR_MEMORY;
    if (status != MB_OK) {
        mb_release(ctx, e);
        return status;
    }
    e->ctx = ctx;
    e->given = settings;
    status = open_emulation(e, file, directory, is_forced);
    if (status == MB_OK) {
        status = emulate(e, file);
    }
    if (status == MB_OK) {
        tell(e, answer, directory);
    }
    for (size_t i = 0; i < N_TABLES; i++) {
        mb_table_abandon(&e->tables[i]);
    }
    if (status != MB_OK) {
        mb_unmake_directories(directory, e->n_made);
    }
    mb_rows_close(&e->rows);
    mb_chip_commands_clear(&e->commands);
    mb_encoder_destroy(e->encoder);
    mb_release(ctx, e->is_kept);
    mb_release(ctx, e->charges);
    mb_release(ctx, e->numbered);
    mb_release(ctx, e->contents);
    mb_release(ctx, e);
    return mb_answer_finish(answer, status, out);
}
