// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// docs/study-reference.md is what the option tables say. `test_reference --print` writes the page;
// without it the page in the tree is compared.

#include "testing.h"

#include "base/buffer.h"
#include "base/output.h"
#include "data/arrays_source.h"
#include "detector/detector.h"
#include "network/layer.h"
#include "network/quantize.h"
#include "study/alternate.h"
#include "study/scan.h"
#include "study/study.h"

#include <stdio.h>
#include <string.h>

static void add_head(mb_buffer *page, int level, const char *title) {
    mb_buffer_format(page, "\n%.*s %s\n\n", level, "####", title);
}

static void add_options(mb_buffer *page, const mb_option *options) {
    if (options == NULL || options[0].name == NULL) {
        mb_buffer_text(page, "No options.\n");
    } else {
        mb_options_document(page, options);
    }
}

static void add_record(mb_buffer *page, const char *name, const char *also, const char *help,
    const mb_option *options) {
    mb_buffer_format(page, "\n### `%s`\n\n", name);
    if (also != NULL) {
        mb_buffer_format(page, "Also `%s`. ", also);
    }
    mb_buffer_format(page, "%s\n\n", help);
    add_options(page, options);
}

static void add_training(mb_buffer *page) {
    add_head(page, 2, "`train:`");
    add_options(page, mb_train_option_table);
    add_head(page, 2, "Losses");
    for (size_t i = 0; mb_loss_list[i] != NULL; i++) {
        const mb_loss_ops *ops = mb_loss_list[i];
        add_record(page, ops->name, ops->alias, ops->help, ops->options);
    }
    add_head(page, 2, "Optimisers");
    for (size_t i = 0; mb_optimizer_list[i] != NULL; i++) {
        const mb_optimizer_ops *ops = mb_optimizer_list[i];
        add_record(page, ops->name, NULL, ops->help, ops->options);
    }
    add_head(page, 2, "Callbacks");
    for (size_t i = 0; mb_callback_list[i] != NULL; i++) {
        const mb_callback_ops *ops = mb_callback_list[i];
        add_record(page, ops->name, NULL, ops->help, ops->options);
    }
    add_head(page, 2, "Metrics");
    mb_buffer_text(page, "| name | help |\n|---|---|\n");
    for (size_t i = 0; mb_metric_list[i] != NULL; i++) {
        mb_buffer_format(page, "| `%s` | %s |\n", mb_metric_list[i]->name, mb_metric_list[i]->help);
    }
}

static void add_quantizers(mb_buffer *page) {
    add_head(page, 2, "`quantize:`");
    add_options(page, mb_quantize_option_table);
    add_head(page, 2, "Quantisers");
    mb_buffer_text(page,
        "Written as `quantized_bits(8,1,1,alpha=1)` (arguments in QKeras's order, or by name) or "
        "as `{quantized_bits: {bits: 8, integer: 1}}`.\n");
    for (size_t i = 0; mb_quantizer_list[i] != NULL; i++) {
        const mb_quantizer_ops *ops = mb_quantizer_list[i];
        if (ops->refused == NULL) {
            add_record(page, ops->name, NULL, ops->help, ops->options);
        } else {
            mb_buffer_format(page, "\n### `%s`\n\nNot offered: %s.\n", ops->name, ops->refused);
        }
    }
}

static void add_page(mb_buffer *page) {
    mb_buffer_text(page,
        "# Reference of the study file\n\n"
        "Made from the program's own tables by `./dev bless reference`; do not edit. "
        "[study.md](study.md) explains.\n");
    for (size_t i = 0; mb_detector_list[i] != NULL; i++) {
        const mb_detector_ops *ops = mb_detector_list[i];
        mb_buffer_format(page, "\n## `data:` with `source: %s`\n\n%s\n\n", ops->name, ops->help);
        add_options(page, ops->data_options);
        mb_buffer_format(page, "\n## `simulate:` with `source: %s`\n\n", ops->name);
        add_options(page, ops->simulate_options);
    }
    add_head(page, 2, "`data:` with `source: arrays`");
    add_options(page, mb_arrays_option_table);
    add_training(page);
    add_head(page, 2, "A teacher and its students");
    mb_buffer_text(page, "At the top of a study, or in an entry of `fits:`.\n\n");
    add_options(page, mb_alternate_option_table);
    add_head(page, 3, "`alternate:`");
    add_options(page, mb_alternate_turn_table);
    add_head(page, 2, "`evaluate:`");
    add_options(page, mb_evaluate_option_table);
    add_head(page, 2, "`scan:`");
    add_options(page, mb_scan_option_table);
    add_head(page, 2, "Layers");
    for (size_t i = 0; mb_layer_list[i] != NULL; i++) {
        const mb_layer_ops *ops = mb_layer_list[i];
        add_record(page, ops->name, NULL, ops->help, ops->options);
    }
    add_quantizers(page);
}

static void test_reference__the_page_says_what_the_tables_say(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    mb_buffer page;
    mb_buffer_init(&page, world.ctx);
    add_page(&page);
    assert_ok(world.ctx, page.status);
    char *stored = NULL;
    size_t length = 0;
    assert_ok(world.ctx,
        mb_read_file(world.ctx, mb_test_source("docs/study-reference.md"), &stored, &length));
    size_t line = 1;
    for (size_t i = 0; i < length && i < page.length && stored[i] == page.data[i]; i++) {
        line += stored[i] == '\n';
    }
    if (length != page.length || memcmp(stored, page.data, length) != 0) {
        fail_msg("docs/study-reference.md:%zu: the tables say otherwise; run "
                 "'./dev bless reference'",
            line);
    }
    mb_release(world.ctx, stored);
    mb_buffer_clear(&page);
    mb_test_world_close(&world);
}

static int print_page(void) {
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    mb_buffer page;
    mb_buffer_init(&page, world.ctx);
    add_page(&page);
    const int status = page.status == MB_OK && fputs(page.data, stdout) >= 0 ? 0 : 1;
    mb_buffer_clear(&page);
    mb_test_world_close(&world);
    return status;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--print") == 0) {
        return print_page();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference__the_page_says_what_the_tables_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
