// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The quantisers against QKeras 0.9.0 (tests/golden/quantizers.txt), and their texts.

#include "testing.h"

#include "files/json.h"
#include "network/quantizer.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_VALUES = 512, MOST_ARRAYS = 256, MOST_LINE = 16384 };

typedef struct numbers {
    char name[16];
    size_t n;
    float value[MOST_VALUES];
} numbers;

static numbers arrays[MOST_ARRAYS];
static size_t n_arrays;

// One case of the golden file.
typedef struct quantizer_case {
    char text[256], config[1024];
    const numbers *x;
    unsigned rank;
    size_t dim[5];
    numbers y, gradient, scale; // scale: none where nothing is looked for
} quantizer_case;

static void read_hexes(char *text, numbers *out) {
    out->n = 0;
    for (char *word = strtok(text, " \n"); word != NULL; word = strtok(NULL, " \n")) {
        const uint32_t bits = (uint32_t)strtoul(word, NULL, 16);
        assert_true(out->n < MOST_VALUES);
        memcpy(&out->value[out->n++], &bits, sizeof bits);
    }
}

static void read_input(quantizer_case *c, char *text) {
    const char *name = strtok(text, " \n");
    c->x = NULL;
    for (size_t i = 0; i < n_arrays; i++) {
        c->x = strcmp(arrays[i].name, name) == 0 ? &arrays[i] : c->x;
    }
    assert_non_null(c->x);
    c->rank = 0;
    for (char *word = strtok(NULL, " \n"); word != NULL; word = strtok(NULL, " \n")) {
        c->dim[c->rank++] = strtoul(word, NULL, 10);
    }
}

// The next case; false at the end of the file.
static bool next_case(FILE *file, quantizer_case *c) {
    static char line[MOST_LINE];
    while (fgets(line, sizeof line, file) != NULL) {
        char *rest = line + 2;
        rest[strcspn(rest, "\n")] = '\0';
        if (line[0] == 'v') {
            assert_true(n_arrays < MOST_ARRAYS);
            numbers *array = &arrays[n_arrays++];
            snprintf(array->name, sizeof array->name, "%.*s", (int)strcspn(rest, " "), rest);
            read_hexes(rest + strcspn(rest, " "), array);
        } else if (line[0] == 'q') {
            snprintf(c->text, sizeof c->text, "%.255s", rest);
            c->scale.n = 0;
        } else if (line[0] == 'c') {
            snprintf(c->config, sizeof c->config, "%.1023s", rest);
        } else if (line[0] == 'x') {
            read_input(c, rest);
        } else if (line[0] == 's') {
            read_hexes(rest, &c->scale);
        } else if (line[0] == 'y') {
            read_hexes(rest, &c->y);
        } else if (strcmp(rest, "1") == 0) {
            c->gradient.n = c->x->n;
            for (size_t i = 0; i < c->x->n; i++) {
                c->gradient.value[i] = 1;
            }
            return true;
        } else {
            read_hexes(rest, &c->gradient);
            return true;
        }
    }
    return false;
}

static FILE *open_cases(void) {
    FILE *file = fopen("tests/golden/quantizers.txt", "r");
    assert_non_null(file);
    n_arrays = 0;
    return file;
}

// Automatic scales are for weights; null stays null for those that are not kernels.
static void read_text(
    mb_context *ctx, mb_document *document, const char *text, mb_quantizer *quantizer) {
    mb_node *node = mb_node_make_text(document, ctx, text);
    assert_non_null(node);
    const bool is_auto = strstr(text, "auto") != NULL;
    assert_ok(ctx, mb_quantizer_read(ctx, document, node,
                       is_auto ? MB_QUANTIZER_BIAS : MB_QUANTIZER_ACTIVATION, "case", quantizer));
}

static bool is_named(const quantizer_case *c, const char *name) {
    return strncmp(c->text, name, strlen(name)) == 0;
}

// Where the last bits are not QKeras's: sums of TensorFlow in another order; tanh, sigmoid and log
// of its own, which also decide where values between two levels go.
static double tolerance(const quantizer_case *c) {
    const bool is_auto = strstr(c->text, "'auto'") != NULL;
    if ((is_named(c, "binary") || is_named(c, "ternary")) && is_auto) {
        return 3e-7;
    }
    if (strcmp(c->text, "binary()") == 0 || strcmp(c->text, "ternary()") == 0) {
        return 1.2e-7; // QKeras adds tanh and takes it off again
    }
    return is_named(c, "quantized_ulaw") ? 2.4e-7 : 0;
}

// QKeras's x + (q - x) in float32 is q but for a rounding of x.
static bool is_same(const quantizer_case *c, size_t i, float got) {
    const float wanted = c->y.value[i];
    const float x = c->x->value[i];
    const float through = x + (got - x);
    const bool is_flushed = wanted == 0 && fabsf(got) < FLT_MIN; // TensorFlow takes it for 0
    return isnan(wanted) || got == wanted || through == wanted || is_flushed ||
           fabs((double)got - (double)wanted) <= tolerance(c) * fabs((double)wanted);
}

static void test_quantizers__values_are_those_of_qkeras(void **state) {
    (void)state;
    static quantizer_case c;
    static float got[MOST_VALUES];
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_document_init(&document, world.ctx, "test");
    FILE *file = open_cases();
    size_t n_cases = 0;
    size_t n_bad = 0;
    for (; next_case(file, &c); n_cases++) {
        mb_quantizer quantizer;
        read_text(world.ctx, &document, c.text, &quantizer);
        const mb_quantizer_shape shape = mb_quantizer_shape_of(c.rank, c.dim);
        mb_quantizer_apply(&quantizer, &shape, c.x->value, got);
        for (size_t i = 0; i < c.x->n; i++) {
            if (!is_same(&c, i, got[i]) || !isfinite(got[i])) {
                print_message("%s of %.9g: %.9g, QKeras has %.9g\n", c.text, (double)c.x->value[i],
                    (double)got[i], (double)c.y.value[i]);
                n_bad++;
            }
        }
    }
    fclose(file);
    assert_true(n_cases > 150);
    assert_int_equal(n_bad, 0);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void test_quantizers__gradients_are_those_of_qkeras(void **state) {
    (void)state;
    static quantizer_case c;
    static float got[MOST_VALUES];
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_document_init(&document, world.ctx, "test");
    FILE *file = open_cases();
    size_t n_bad = 0;
    while (next_case(file, &c)) {
        mb_quantizer quantizer;
        read_text(world.ctx, &document, c.text, &quantizer);
        for (size_t i = 0; i < c.x->n; i++) {
            got[i] = 1;
        }
        mb_quantizer_differentiate(&quantizer, c.x->value, got, c.x->n);
        for (size_t i = 0; i < c.x->n; i++) {
            const double wanted = (double)c.gradient.value[i];
            if (!isnan(wanted) && fabs((double)got[i] - wanted) > 2e-6 * fabs(wanted) + 3e-7) {
                print_message("gradient of %s at %.9g: %.9g, QKeras has %.9g\n", c.text,
                    (double)c.x->value[i], (double)got[i], wanted);
                n_bad++;
            }
        }
    }
    fclose(file);
    assert_int_equal(n_bad, 0);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void test_quantizers__scales_are_those_of_qkeras(void **state) {
    (void)state;
    static quantizer_case c;
    static float got[MOST_VALUES];
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_document_init(&document, world.ctx, "test");
    FILE *file = open_cases();
    size_t n_cases = 0;
    while (next_case(file, &c)) {
        mb_quantizer quantizer;
        read_text(world.ctx, &document, c.text, &quantizer);
        const mb_quantizer_shape shape = mb_quantizer_shape_of(c.rank, c.dim);
        if (c.scale.n == 0) {
            continue;
        }
        n_cases++;
        assert_int_equal(c.scale.n, shape.n_channels);
        mb_quantizer_scales(&quantizer, &shape, c.x->value, got);
        for (size_t i = 0; i < c.scale.n; i++) {
            const double wanted = (double)c.scale.value[i];
            if (!isnan(wanted) && fabs((double)got[i] - wanted) > tolerance(&c) * wanted) {
                fail_msg(
                    "%s: scale %zu is %.9g, QKeras has %.9g", c.text, i, (double)got[i], wanted);
            }
        }
    }
    fclose(file);
    assert_true(n_cases > 50);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

// What vectorised code makes of a grid is what the quantiser does.
static void test_quantizers__grids_say_the_same(void **state) {
    (void)state;
    static quantizer_case c;
    static float wanted[MOST_VALUES];
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_document_init(&document, world.ctx, "test");
    FILE *file = open_cases();
    size_t n_grids = 0;
    while (next_case(file, &c)) {
        mb_quantizer quantizer;
        mb_quantizer_grid grid;
        read_text(world.ctx, &document, c.text, &quantizer);
        if (!mb_quantizer_find_grid(&quantizer, &grid)) {
            continue;
        }
        n_grids++;
        mb_quantizer_apply_each(&quantizer, c.x->value, wanted, c.x->n);
        for (size_t i = 0; i < c.x->n; i++) {
            const float p = c.x->value[i] * grid.inverse_step;
            const float level = rintf(p < grid.low ? grid.low : p > grid.high ? grid.high : p);
            assert_true(level * grid.step == wanted[i]);
        }
    }
    fclose(file);
    assert_true(n_grids > 30);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void check_spellings(mb_context *ctx, mb_document *document, const quantizer_case *c) {
    mb_quantizer quantizer;
    mb_quantizer again;
    mb_buffer first;
    mb_buffer second;
    mb_document config;
    mb_buffer_init(&first, ctx);
    mb_buffer_init(&second, ctx);
    read_text(ctx, document, c->text, &quantizer);
    assert_ok(ctx, mb_quantizer_text(ctx, &quantizer, &first));
    read_text(ctx, document, first.data, &again);
    assert_ok(ctx, mb_quantizer_text(ctx, &again, &second));
    assert_string_equal(first.data, second.data);
    assert_ok(ctx, mb_json_parse(ctx, "config", c->config, strlen(c->config), &config));
    assert_ok(
        ctx, mb_quantizer_read(ctx, &config, config.root,
                 strstr(c->text, "auto") != NULL ? MB_QUANTIZER_BIAS : MB_QUANTIZER_ACTIVATION,
                 "case", &again));
    mb_buffer_clear(&second);
    assert_ok(ctx, mb_quantizer_text(ctx, &again, &second));
    // QKeras does not write these down.
    if (strstr(c->text, "use_ste") == NULL && strstr(c->text, "is_quantized_clip") == NULL) {
        assert_string_equal(first.data, second.data);
        mb_node *ours = mb_quantizer_config(ctx, document, &quantizer);
        const mb_node *theirs = mb_node_find(config.root, "config");
        assert_non_null(ours);
        // Its quantized_hswish writes a key that it does not read.
        const bool has_more = mb_node_find(theirs, "keep_negative") != NULL &&
                              strcmp(quantizer.ops->name, "quantized_hswish") == 0;
        assert_int_equal(ours->n_children + (has_more ? 1 : 0), theirs->n_children);
        for (const mb_node *node = theirs->first; node != NULL; node = node->next) {
            assert_true(has_more || mb_node_find(ours, node->key) != NULL);
        }
    }
    mb_document_clear(&config);
    mb_buffer_clear(&first);
    mb_buffer_clear(&second);
}

static void test_quantizers__all_spellings_mean_the_same(void **state) {
    (void)state;
    static quantizer_case c;
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_document_init(&document, world.ctx, "test");
    FILE *file = open_cases();
    while (next_case(file, &c)) {
        check_spellings(world.ctx, &document, &c);
    }
    fclose(file);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void test_quantizers__texts_that_do_not_parse_say_why(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
        mb_quantizer_use use;
        mb_status status;
    } bad[] = {
        {"quantized_bit(8)", "did you mean 'quantized_bits'", MB_QUANTIZER_KERNEL, MB_ERR_FORMAT},
        {"nothing_like_it", "write one of quantized_bits", MB_QUANTIZER_KERNEL, MB_ERR_FORMAT},
        {"quantized_bits(8", "closing bracket is missing", MB_QUANTIZER_KERNEL, MB_ERR_FORMAT},
        {"quantized_bits 8)", "opening bracket is missing", MB_QUANTIZER_KERNEL, MB_ERR_FORMAT},
        {"quantized_bits(8)x", "follows the closing bracket", MB_QUANTIZER_KERNEL, MB_ERR_FORMAT},
        {"quantized_bits(8,,1)", "an argument is empty", MB_QUANTIZER_KERNEL, MB_ERR_FORMAT},
        {"quantized_bits(8,bits=7)", "comes twice", MB_QUANTIZER_KERNEL, MB_ERR_FORMAT},
        {"quantized_bits(bits=7,1)", "without its name", MB_QUANTIZER_KERNEL, MB_ERR_FORMAT},
        {"quantized_relu(8,1,alpha='auto)", "a quote is not closed", MB_QUANTIZER_ACTIVATION,
            MB_ERR_FORMAT},
        {"quantized_bits(8,simetric=1)", "did you mean 'symmetric'", MB_QUANTIZER_KERNEL,
            MB_ERR_FORMAT},
        {"quantized_bits(0)", "write a number from 1 to 32", MB_QUANTIZER_KERNEL, MB_ERR_FORMAT},
        {"quantized_bits(8,alpha='best')", "'auto', 'auto_po2' or null", MB_QUANTIZER_KERNEL,
            MB_ERR_FORMAT},
        {"quantized_bits(8,alpha=-1)", "write a number above 0", MB_QUANTIZER_KERNEL, MB_ERR_RANGE},
        {"quantized_bits(1)", "at least 2 bits", MB_QUANTIZER_KERNEL, MB_ERR_RANGE},
        {"quantized_bits(8,alpha='auto')", "other events of a batch", MB_QUANTIZER_ACTIVATION,
            MB_ERR_UNSUPPORTED},
        {"quantized_bits(8,use_stochastic_rounding=True)", "use_stochastic_rounding is not offered",
            MB_QUANTIZER_KERNEL, MB_ERR_UNSUPPORTED},
        {"quantized_relu(8,negative_slope=0.3)", "a power of two", MB_QUANTIZER_ACTIVATION,
            MB_ERR_RANGE},
        {"stochastic_ternary()", "use ternary", MB_QUANTIZER_KERNEL, MB_ERR_UNSUPPORTED},
        {"bernoulli", "draws random numbers", MB_QUANTIZER_ACTIVATION, MB_ERR_UNSUPPORTED},
        {"quantized_linear(8)", "use quantized_bits", MB_QUANTIZER_KERNEL, MB_ERR_UNSUPPORTED},
        {"quantized_hswish(8)", "is an activation", MB_QUANTIZER_KERNEL, MB_ERR_UNSUPPORTED},
    };
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_document_init(&document, world.ctx, "study.yaml");
    for (size_t i = 0; i < MB_COUNT_OF(bad); i++) {
        mb_quantizer quantizer;
        mb_node *node = mb_node_make_text(&document, world.ctx, bad[i].text);
        node->line = 7;
        assert_fails(world.ctx,
            mb_quantizer_read(world.ctx, &document, node, bad[i].use, "kernel", &quantizer),
            bad[i].status, bad[i].part);
        assert_fails(world.ctx,
            mb_quantizer_read(world.ctx, &document, node, bad[i].use, "kernel", &quantizer),
            bad[i].status, "study.yaml:7");
        assert_null(quantizer.ops);
    }
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void check_format(mb_context *ctx, mb_document *document, const char *text, double scale,
    const mb_fixed *wanted) {
    mb_quantizer quantizer;
    mb_fixed got = {0};
    read_text(ctx, document, text, &quantizer);
    const bool has_format = mb_quantizer_format(&quantizer, scale, &got);
    assert_int_equal(has_format, wanted != NULL);
    if (wanted != NULL) {
        assert_int_equal(got.bits, wanted->bits);
        assert_int_equal(got.integer, wanted->integer);
        assert_int_equal(got.is_signed, wanted->is_signed);
        assert_int_equal(got.overflow, wanted->overflow);
    }
}

static void test_quantizers__formats_are_those_of_the_firmware(void **state) {
    (void)state;
    const mb_fixed relu = {10, 6, false, MB_FIXED_ROUND_EVEN, MB_FIXED_SATURATE};
    const mb_fixed kernel = {8, 2, true, MB_FIXED_ROUND_EVEN, MB_FIXED_SATURATE_SYMMETRIC};
    const mb_fixed halved = {8, 1, true, MB_FIXED_ROUND_EVEN, MB_FIXED_SATURATE_SYMMETRIC};
    const mb_fixed positive = {5, 2, false, MB_FIXED_ROUND_EVEN, MB_FIXED_SATURATE};
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_document_init(&document, world.ctx, "test");
    check_format(world.ctx, &document, "quantized_relu(10,6)", 1, &relu);
    check_format(world.ctx, &document, "quantized_bits(8,1,1,alpha=1)", 1, &kernel);
    check_format(world.ctx, &document, "quantized_bits(8,1,1,alpha='auto_po2')", 0.5, &halved);
    check_format(world.ctx, &document, "quantized_bits(5,2,keep_negative=0)", 1, &positive);
    check_format(world.ctx, &document, "quantized_bits(8,1,1,alpha='auto')", 0.3, NULL);
    check_format(world.ctx, &document, "quantized_bits(1)", 1, NULL);
    check_format(world.ctx, &document, "quantized_relu(8,0,use_sigmoid=1)", 1, NULL);
    check_format(world.ctx, &document, "quantized_po2(4)", 1, NULL);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantizers__values_are_those_of_qkeras),
        cmocka_unit_test(test_quantizers__gradients_are_those_of_qkeras),
        cmocka_unit_test(test_quantizers__scales_are_those_of_qkeras),
        cmocka_unit_test(test_quantizers__grids_say_the_same),
        cmocka_unit_test(test_quantizers__all_spellings_mean_the_same),
        cmocka_unit_test(test_quantizers__texts_that_do_not_parse_say_why),
        cmocka_unit_test(test_quantizers__formats_are_those_of_the_firmware),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
