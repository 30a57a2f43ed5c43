// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "detector/chip/commands.h"
#include "detector/chip/rows.h"
#include "study/elinks.h"

#include <stdlib.h>

// The first byte says which file of the chip the rest is.

static void read_commands(mb_context *ctx, const char *text, size_t size) {
    mb_chip_commands commands;
    if (mb_chip_commands_parse(ctx, "fuzz", text, size, &commands) == MB_OK) {
        mb_chip_clock clock;
        mb_chip_clock_init(&clock, &commands, 0);
        for (unsigned i = 0; i < 100; i++) {
            uint32_t words[MB_CHIP_PORTS] = {0};
            unsigned bucket = 0;
            bool is_sync = false;
            mb_chip_clock_step(&clock, words, &bucket, &is_sync);
            if (bucket >= MB_CHIP_ORBIT || words[0] > MB_CHIP_PORT_MOST) {
                abort();
            }
        }
    }
    mb_chip_commands_clear(&commands);
}

static void read_weights(mb_context *ctx, const char *text, size_t size) {
    uint8_t weights[MB_ENCODER_WEIGHTS];
    if (mb_encoder_words_parse(ctx, "fuzz", text, size, weights) == MB_OK && weights[0] > 63) {
        abort();
    }
}

static mb_status read_words(mb_context *ctx, mb_rows *rows) {
    int columns[MB_CHIP_PORTS];
    (void)ctx;
    MB_TRY(mb_rows_find_series(rows, "ePortRxDataGroup_", MB_CHIP_PORTS, columns));
    for (bool has_row = true; has_row;) {
        MB_TRY(mb_rows_next(rows, &has_row));
        for (size_t i = 0; has_row && i < MB_CHIP_PORTS; i++) {
            uint64_t word = 0;
            MB_TRY(mb_rows_count(rows, columns[i], MB_CHIP_PORT_MOST, &word));
            if (word > MB_CHIP_PORT_MOST) {
                abort();
            }
        }
    }
    return MB_OK;
}

// Contents that were read fit their frames.
static mb_status read_contents(mb_rows *rows, const mb_chip_algorithm *algorithm) {
    mb_chip_settings settings;
    mb_content_columns columns;
    mb_chip_settings_init(&settings, 11);
    MB_TRY(mb_content_find(rows, algorithm, &settings, &columns));
    for (bool has_row = true; has_row;) {
        mb_chip_content content;
        mb_chip_content back;
        mb_chip_frame frame;
        MB_TRY(mb_rows_next(rows, &has_row));
        if (has_row) {
            MB_TRY(mb_content_read(rows, &columns, algorithm, &settings, &content));
            algorithm->pack(algorithm, &settings, &content, &frame);
            if (!algorithm->unpack(algorithm, &settings, &frame, &back) || back.n != content.n) {
                abort();
            }
        }
    }
    return MB_OK;
}

static void read_frames(mb_context *ctx, const uint8_t *data, size_t size) {
    (void)ctx;
    for (size_t a = 0; mb_chip_algorithms[a] != NULL; a++) {
        mb_chip_settings settings;
        mb_chip_content content;
        mb_chip_frame back;
        mb_chip_frame frame = {.n_words = (unsigned)mb_min_size(size / 2, MB_CHIP_MOST_WORDS)};
        mb_chip_settings_init(&settings, size > 0 ? 1 + data[0] % MB_CHIP_MOST_LINKS : 1);
        for (unsigned i = 0; i < frame.n_words; i++) {
            frame.word[i] = (uint16_t)(data[2 * i] | data[2 * i + 1] << 8);
        }
        if (mb_chip_algorithms[a]->unpack(mb_chip_algorithms[a], &settings, &frame, &content)) {
            mb_chip_algorithms[a]->pack(mb_chip_algorithms[a], &settings, &content, &back);
            if (memcmp(back.word, frame.word, frame.n_words * sizeof *frame.word) != 0) {
                abort();
            }
        }
    }
}

static void read_tables(mb_context *ctx, unsigned kind, const char *text, size_t size) {
    mb_rows rows;
    mb_status status = mb_rows_open_text(&rows, ctx, "fuzz", text, size);
    if (status == MB_OK) {
        status =
            kind == 0 ? read_words(ctx, &rows) : read_contents(&rows, mb_chip_algorithms[kind % 8]);
    }
    if (status != MB_OK && mb_context_error_text(ctx)[0] == '\0') {
        abort();
    }
    mb_rows_close(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (mb_runtime_create(NULL, &runtime) == MB_OK && mb_context_create(runtime, &ctx) == MB_OK) {
        const char *text = size > 1 ? (const char *)data + 1 : "";
        const size_t length = size > 1 ? size - 1 : 0;
        const unsigned kind = size > 0 ? data[0] % 16U : 0;
        if (kind < 8) {
            read_tables(ctx, kind, text, length);
        } else if (kind == 8) {
            read_commands(ctx, text, length);
        } else if (kind == 9) {
            read_weights(ctx, text, length);
        } else {
            read_frames(ctx, data, size);
        }
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
