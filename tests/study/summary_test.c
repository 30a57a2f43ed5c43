// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/buffer.h"
#include "base/output.h"
#include "exchange/keras.h"
#include "files/zip.h"
#include "minbias/inspect.h"
#include "study/summary.h"

#include <stdio.h>

// Holds the layer table to what Keras 2.15 printed for the golden models
// (tests/golden/summaries.py).

// The golden lines end in a bar, so that blanks at their ends are seen.
static void drop_bars(char *text) {
    char *out = text;
    for (const char *p = text; *p != '\0'; p++) {
        if (!(p[0] == '|' && p[1] == '\n')) {
            *out++ = *p;
        }
    }
    *out = '\0';
}

static void check_model(mb_context *ctx, mb_zip *zip, const char *name, const char *wanted) {
    const size_t member = mb_zip_find(zip, name);
    assert_true(member != SIZE_MAX);
    char *bytes = NULL;
    size_t length = 0;
    mb_model *model = NULL;
    assert_ok(ctx, mb_zip_read(zip, member, &bytes, &length));
    assert_ok(ctx, mb_model_load_h5_bytes(ctx, name, bytes, length, &model));
    mb_buffer table;
    mb_buffer_init(&table, ctx);
    mb_summary_table(&table, model);
    assert_int_equal(table.status, MB_OK);
    assert_string_equal(table.data, wanted);
    mb_buffer_clear(&table);
    mb_model_destroy(model);
    mb_release(ctx, bytes);
}

static void test_summary__prints_what_keras_prints(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_zip *zip = NULL;
    char *golden = NULL;
    size_t length = 0;
    assert_ok(
        world.ctx, mb_zip_open(world.ctx, mb_test_source("tests/golden/keras/keras2.zip"), &zip));
    assert_ok(world.ctx,
        mb_read_file(world.ctx, mb_test_source("tests/golden/summaries.txt"), &golden, &length));
    size_t n = 0;
    char *part = strstr(golden, "### ");
    while (part != NULL) {
        char *name = part + 4;
        char *body = strchr(name, '\n');
        assert_non_null(body);
        *body++ = '\0';
        part = strstr(body, "### ");
        if (part != NULL) {
            *part = '\0';
        }
        drop_bars(body);
        check_model(world.ctx, zip, name, body);
        n++;
    }
    assert_true(n >= 20);
    mb_release(world.ctx, golden);
    mb_zip_close(zip);
    mb_test_world_close(&world);
}

static void check_opens(mb_context *ctx, const char *layer, const char *wanted) {
    char json[512];
    mb_model *model = NULL;
    mb_answer *answer = NULL;
    const int length = snprintf(json, sizeof json,
        "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"s\", \"layers\": ["
        "{\"class_name\": \"InputLayer\", \"config\": {\"batch_shape\": [null, 4, 4, 1]}}, "
        "%s]}}",
        layer);
    assert_ok(ctx, mb_model_load_config(ctx, "hand.json", json, (size_t)length, &model));
    assert_ok(ctx, mb_model_summary(ctx, model, &answer));
    if (strstr(mb_answer_text(answer), wanted) == NULL) {
        fail_msg("no '%s' in: %s", wanted, mb_answer_text(answer));
    }
    mb_answer_destroy(answer);
    mb_model_destroy(model);
}

static void test_summary__says_what_opens_the_model(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    check_opens(world.ctx, "{\"class_name\": \"Flatten\", \"config\": {\"name\": \"f\"}}",
        "Opens in: Keras 2 and 3");
    check_opens(world.ctx,
        "{\"class_name\": \"minbias>MinbiasSlice\", \"config\": {\"name\": \"cut\", \"begin\": [1, "
        "0, 0]}}",
        "minbias alone (layer cut is no layer of Keras's");
    check_opens(world.ctx,
        "{\"class_name\": \"Conv2D\", \"config\": {\"name\": \"c\", \"filters\": 1, "
        "\"kernel_size\": "
        "3, \"padding\": \"same\", \"pad_phi\": \"wrap\"}}",
        "minbias alone (Keras has no option pad_phi, layer c)");
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_summary__prints_what_keras_prints),
        cmocka_unit_test(test_summary__says_what_opens_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
