// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/output.h"
#include "files/csv.h"
#include "study/open.h"
#include "study/run.h"

#include <math.h>
#include <stdio.h>

// The keys of evaluate: that say how the chip's algorithms work.

typedef struct world {
    mb_test_world world;
    char *folder;
} world;

static int open_world(void **state) {
    static world w;
    mb_test_world_open(&w.world, 2, MB_CPU_ALL);
    w.folder = mb_test_directory();
    *state = &w;
    return 0;
}

static int close_world(void **state) {
    world *w = *state;
    mb_test_remove_directory(w->folder);
    mb_test_world_close(&w->world);
    return 0;
}

// One module: cells 0 and 1 have 80 counts, cell 5, which is 2 sqrt(3) from 0 and 2 from 1, has 60.
static void write_charges(const world *w) {
    char path[4200];
    mb_buffer text;
    snprintf(path, sizeof path, "%s/a.csv", w->folder);
    mb_buffer_init(&text, w->world.ctx);
    for (size_t i = 0; i < 48; i++) {
        mb_buffer_format(&text, "%sCALQ_%zu", i > 0 ? "," : "", i);
    }
    mb_buffer_text(&text, "\n");
    for (size_t i = 0; i < 48; i++) {
        mb_buffer_format(&text, "%s%d", i > 0 ? "," : "", i < 2 ? 80 : i == 5 ? 60 : 0);
    }
    mb_buffer_text(&text, "\n");
    assert_ok(w->world.ctx, mb_write_buffer(&text, path));
}

static mb_status judge(const world *w, const char *keys) {
    char text[8192], out[4200];
    mb_study *study = NULL;
    snprintf(out, sizeof out, "%s/run", w->folder);
    snprintf(text, sizeof text,
        "study: algorithms\n"
        "data: {source: concentrator, dir: \"%s\", files: a.csv, override_input: true}\n"
        "models: {published: \"shipped:8x8_c8_S2_tele\"}\n"
        "train: {epochs: 0, loss: telescope_mse, validation: 0}\n"
        "evaluate: {algorithms: [threshold, stc4, stc16, repeater], figures: false%s}\n",
        w->folder, keys);
    const mb_run_settings settings = {.directory = out, .is_forced = true};
    mb_status status = mb_study_open_text(w->world.ctx, "algorithms", text, NULL, &study);
    if (status == MB_OK) {
        status = mb_study_run(w->world.ctx, study, &settings, NULL);
    }
    mb_study_destroy(study);
    return status;
}

static void assert_distance(const world *w, const char *algorithm, double wanted) {
    char path[4200];
    mb_csv table;
    double value = NAN;
    snprintf(path, sizeof path, "%s/run/scores.csv", w->folder);
    assert_ok(w->world.ctx, mb_csv_read(&table, w->world.ctx, path, true));
    for (size_t row = 0; row < table.n_rows; row++) {
        if (strcmp(mb_csv_field(&table, row, 1), algorithm) == 0) {
            assert_ok(w->world.ctx, mb_csv_number(&table, row, 3, &value));
        }
    }
    mb_csv_clear(&table);
    if (!(fabs(value - wanted) < 1e-6)) {
        fail_msg("%s: %.9g, not %.9g", algorithm, value, wanted);
    }
}

static void test_module_algorithms__keys_choose_threshold_tie_and_drop(void **state) {
    const world *w = *state;
    const double far = 2 * sqrt(3.0);
    write_charges(w);
    assert_ok(w->world.ctx, judge(w, ""));
    assert_distance(w, "threshold", 0);
    assert_distance(w, "stc4", (80 * 2 + 60 * far) / 220);
    assert_distance(w, "stc16", (80 * 2 + 60 * far) / 220);
    assert_distance(w, "repeater", 0);
    assert_ok(w->world.ctx, judge(w, ", threshold_mipt: 2.0, tie: last, drop: 3"));
    assert_distance(w, "threshold", 60.0 / 220 * (far + 2) / 2);
    assert_distance(w, "stc4", (80 * 2 + 60 * 2) / 220.0);
    assert_distance(w, "stc16", (80 * 2 + 60 * 2) / 220.0);
    // 60 counts become 56.
    assert_distance(w, "repeater", (80.0 / 216 - 80.0 / 220) * (far + 2));
}

static void test_module_algorithms__unknown_ties_are_refused(void **state) {
    const world *w = *state;
    write_charges(w);
    assert_int_not_equal(judge(w, ", tie: middle"), MB_OK);
    assert_non_null(strstr(mb_context_error_text(w->world.ctx), "tie"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_module_algorithms__keys_choose_threshold_tie_and_drop),
        cmocka_unit_test(test_module_algorithms__unknown_ties_are_refused),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
