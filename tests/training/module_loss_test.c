// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "golden.h"

#include "base/random.h"
#include "files/yaml.h"
#include "geometry/arrange.h"
#include "kernels/lanes.h"
#include "training/loss.h"

#include <math.h>
#include <stdio.h>

enum { PIXELS = 64, MOST_PIXELS = MB_ARRANGE_MAX_PIXELS };

// A loss of a text, opened for images of so many pixels.
typedef struct opened {
    mb_test_world world;
    mb_document document;
    mb_loss loss;
    void *state;
} opened;

static mb_status try_open(opened *o, const char *text, size_t n_pixels, const mb_model *network) {
    mb_test_world_open(&o->world, 1, MB_CPU_ALL);
    assert_ok(o->world.ctx, mb_yaml_parse(o->world.ctx, "s", text, strlen(text), &o->document));
    assert_ok(o->world.ctx, mb_loss_read(o->world.ctx, &o->document, o->document.root, &o->loss));
    const mb_loss_site site = {.n = n_pixels, .channels = 1, .network = network};
    o->state = NULL;
    return o->loss.ops->open != NULL
               ? o->loss.ops->open(o->world.ctx, o->loss.options, &site, &o->state)
               : MB_OK;
}

static void open_loss(opened *o, const char *text, size_t n_pixels, const mb_model *network) {
    const mb_status status = try_open(o, text, n_pixels, network);
    assert_ok(o->world.ctx, status);
}

static void close_loss(opened *o) {
    if (o->state != NULL) {
        o->loss.ops->close(mb_context_runtime(o->world.ctx), o->state);
    }
    mb_document_clear(&o->document);
    mb_test_world_close(&o->world);
}

static double judge(
    const opened *o, const float *target, const float *output, size_t n, float *gradient) {
    if (o->loss.ops->rows != NULL) {
        float loss = 0;
        o->loss.ops->rows(o->state, 1, &target, output, &loss, gradient);
        return (double)loss;
    }
    return (double)o->loss.ops->row(
        o->state != NULL ? o->state : o->loss.options, target, output, n, 1, gradient);
}

// The same charges as an 8x8 image, all of its pixels.
static void put_cells(const float *cells, float *pixels) {
    memset(pixels, 0, PIXELS * sizeof *pixels);
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        pixels[mb_arrangement_find("8x8")->pixel[i]] = cells[i];
    }
}

static void check_case(mb_node *entry, size_t index) {
    static golden_list target, output, value, gradient;
    const size_t n_rows = (size_t)golden_member(entry, "rows")->integer;
    char text[128];
    opened o;
    golden_floats(golden_member(entry, "target"), &target);
    golden_floats(golden_member(entry, "output"), &output);
    golden_floats(golden_member(entry, "value"), &value);
    golden_floats(golden_member(entry, "gradient"), &gradient);
    mb_node *loss = golden_member(entry, "loss");
    if (mb_node_text(loss) != NULL) {
        snprintf(text, sizeof text, "%s", mb_node_text(loss));
    } else {
        snprintf(text, sizeof text, "{%s: {arrange: %s}}", loss->first->key,
            mb_node_text(loss->first->first));
    }
    const size_t n = target.n / n_rows;
    open_loss(&o, text, n, NULL);
    for (size_t row = 0; row < n_rows; row++) {
        float got[MOST_PIXELS];
        char what[192];
        const double wanted = (double)value.value[row];
        const double loss_value = judge(&o, target.value + row * n, output.value + row * n, n, got);
        snprintf(what, sizeof what, "case %zu, %s, row %zu", index, text, row);
        if (!(fabs(loss_value - wanted) <= 4e-6 * fabs(wanted))) {
            fail_msg("%s: loss %.9g, wanted %.9g", what, loss_value, wanted);
        }
        if (gradient.n > 0) {
            // TensorFlow differentiates the rounds that were run, not their fixed point.
            const double relative = o.loss.ops == &mb_loss_sinkhorn ? 1e-3 : 2e-5;
            mb_test_assert_close(got, gradient.value + row * n, n, 1e-6, relative, what);
        }
    }
    close_loss(&o);
}

static void test_module_loss__values_and_gradients_are_those_of_tensorflow(void **state) {
    (void)state;
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    golden_open(world.ctx, "module_losses.yaml", &document);
    size_t n_cases = 0;
    mb_node *cases = golden_member(document.root, "cases");
    for (mb_node *entry = cases->first; entry != NULL; entry = entry->next) {
        check_case(entry, n_cases++);
    }
    assert_int_equal(n_cases, 7);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static double judge_cells(const char *text, const float *t, const float *p) {
    float target[PIXELS], output[PIXELS];
    opened o;
    put_cells(t, target);
    put_cells(p, output);
    open_loss(&o, text, PIXELS, NULL);
    const double loss = judge(&o, target, output, PIXELS, NULL);
    close_loss(&o);
    return loss;
}

static void test_module_loss__single_cells_have_the_known_losses(void **state) {
    (void)state;
    const float none[MB_HEX48_CELLS] = {0};
    const float first[MB_HEX48_CELLS] = {1};
    const float second[MB_HEX48_CELLS] = {0, 1};
    const float few[MB_HEX48_CELLS] = {3, 0, 0, 0, 0, 1};
    float other[MB_HEX48_CELLS] = {1, 0, 0, 0, 0, 1};
    float all[MB_HEX48_CELLS];
    other[16] = 2;
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        all[i] = 1;
    }
    assert_true(fabs(judge_cells("telescope_mse", first, none) - 0.4583333) < 1e-6);
    assert_true(fabs(judge_cells("telescope_mse", first, second) - 0.1944444) < 1e-6);
    assert_true(fabs(judge_cells("emd", first, second) - 2.0) < 1e-5);
    assert_true(fabs(judge_cells("emd", first, all) - 7.440867207) < 1e-5);
    assert_true(fabs(judge_cells("emd", few, other) - 5.482922197) < 1e-5);
    assert_true(judge_cells("emd", none, first) == 0 && judge_cells("emd", first, none) == 0);
    assert_true(judge_cells("sinkhorn", first, none) == 0);
}

// A pair network of a few weights: both images, one after the other, through the same layers.
static void make_network(mb_context *ctx, mb_document *document, mb_model **out) {
    const mb_value_type image = {.rank = 3, .dim = {4, 4, 3}};
    const struct {
        const char *kind, *options;
    } layers[] = {{"concatenate", "{}"},
        {"conv2d", "{filters: 5, kernel_size: 3, padding: same, activation: tanh}"},
        {"flatten", "{}"}, {"batch_normalization", "{}"}, {"dense", "{units: 1}"}};
    size_t values[2];
    assert_ok(ctx, mb_model_begin(ctx, "pair", out));
    assert_ok(ctx, mb_model_add_input(ctx, *out, "first", &image, &values[0]));
    assert_ok(ctx, mb_model_add_input(ctx, *out, "second", &image, &values[1]));
    for (size_t i = 0; i < MB_COUNT_OF(layers); i++) {
        mb_layer *layer = NULL;
        mb_node *options = NULL;
        assert_ok(ctx, mb_yaml_parse_node(ctx, document, "options", layers[i].options,
                           strlen(layers[i].options), &options));
        assert_ok(ctx, mb_model_add_layer(
                           ctx, *out, layers[i].kind, layers[i].kind, document, options, &layer));
        assert_ok(ctx, mb_model_call(ctx, *out, layer, values, i == 0 ? 2 : 1, &values[0]));
    }
    assert_ok(ctx, mb_model_finish(ctx, *out, NULL, 0, values, 1));
    assert_ok(ctx, mb_model_initialize(ctx, *out, 3, (*out)->parameters));
}

static void check_differences(const char *text, const mb_model *network, double tolerance) {
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 0);
    opened o;
    open_loss(&o, text, PIXELS, network);
    for (size_t trial = 0; trial < 5; trial++) {
        float t[PIXELS], p[PIXELS], slope[PIXELS];
        for (size_t i = 0; i < PIXELS; i++) {
            t[i] = mb_random_below(&random, 3) > 0 ? 0 : (float)mb_random_uniform(&random);
            p[i] = (float)(0.05 + mb_random_uniform(&random));
        }
        (void)judge(&o, t, p, PIXELS, slope);
        for (size_t i = 0; i < PIXELS; i += 3) {
            const float middle = p[i];
            const float step = 0.001953125F;
            p[i] = middle + step;
            const double up = judge(&o, t, p, PIXELS, NULL);
            p[i] = middle - step;
            const double down = judge(&o, t, p, PIXELS, NULL);
            p[i] = middle;
            const double difference = (up - down) / (2 * (double)step);
            if (!(fabs(difference - (double)slope[i]) <= tolerance + 1e-2 * fabs(difference))) {
                fail_msg("%s: pixel %zu: gradient %.6g, difference %.6g", text, i, (double)slope[i],
                    difference);
            }
        }
    }
    close_loss(&o);
}

static void test_module_loss__gradients_are_finite_differences_of_the_values(void **state) {
    (void)state;
    mb_test_world world;
    mb_document document;
    mb_model *network = NULL;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_document_init(&document, world.ctx, "network");
    make_network(world.ctx, &document, &network);
    check_differences("telescope_mse", NULL, 2e-3);
    check_differences("emd", NULL, 2e-3);
    check_differences("sinkhorn", NULL, 2e-3);
    check_differences("{emd_network: {network: pair}}", network, 2e-3);
    check_differences("{emd_network: {network: pair, unit_sum: false}}", network, 2e-3);
    mb_model_destroy(network);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

// A tile of samples has the bits of its rows.
static void check_lanes(const char *text) {
    enum { NUMBERS = PIXELS * MB_SAMPLES };
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, 0);
    const mb_lane_kernels *kernels = mb_kernels_for(MB_CPU_ALL)->lanes;
    static float rows[2][NUMBERS], lanes[2][NUMBERS], slopes[NUMBERS], got[NUMBERS];
    float loss[MB_SAMPLES], row_slope[PIXELS];
    opened o;
    open_loss(&o, text, PIXELS, NULL);
    for (size_t side = 0; side < 2; side++) {
        const float *list[MB_SAMPLES];
        for (size_t i = 0; i < NUMBERS; i++) {
            rows[side][i] = mb_random_below(&random, 3) > 0 ? 0 : (float)mb_random_uniform(&random);
        }
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            list[s] = rows[side] + s * PIXELS;
        }
        kernels->fill(MB_SAMPLES, PIXELS, list, lanes[side]);
    }
    o.loss.ops->lanes(o.state != NULL ? o.state : o.loss.options, kernels, lanes[0], lanes[1],
        PIXELS, 1, loss, slopes);
    kernels->store(MB_SAMPLES, PIXELS, slopes, got, PIXELS);
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        const float wanted =
            (float)judge(&o, rows[0] + s * PIXELS, rows[1] + s * PIXELS, PIXELS, row_slope);
        mb_test_assert_same_bits(&loss[s], &wanted, 1, sizeof(float), text);
        mb_test_assert_same_bits(got + s * PIXELS, row_slope, PIXELS, sizeof(float), text);
    }
    close_loss(&o);
}

static void test_module_loss__lanes_have_the_bits_of_rows(void **state) {
    (void)state;
    check_lanes("telescope_mse");
    check_lanes("weighted_mse");
}

static void check_spelling(const char *text, const char *option, const char *value) {
    opened o;
    mb_test_world_open(&o.world, 1, MB_CPU_ALL);
    assert_ok(o.world.ctx, mb_yaml_parse(o.world.ctx, "s", text, strlen(text), &o.document));
    assert_ok(o.world.ctx, mb_loss_read(o.world.ctx, &o.document, o.document.root, &o.loss));
    const mb_node *map =
        mb_options_to_node(o.world.ctx, &o.document, o.loss.ops->options, o.loss.options, true);
    assert_non_null(map);
    assert_string_equal(mb_node_text(mb_node_find(map, option)), value);
    mb_document_clear(&o.document);
    mb_test_world_close(&o.world);
}

static void test_module_loss__spellings_say_the_option(void **state) {
    (void)state;
    check_spelling("telescopeMSE8x8", "arrange", "8x8");
    check_spelling("telescopeMSE443", "arrange", "4x4x3");
    check_spelling("telescope_mse_6x6x3_tp", "arrange", "6x6x3_tp");
    check_spelling("emd:my_network", "network", "my_network");
    assert_ptr_equal(mb_loss_find("weightedMSE"), &mb_loss_weighted_mse);
    for (size_t i = 0; mb_arrangements[i] != NULL; i++) {
        char text[64];
        snprintf(text, sizeof text, "{telescope_mse: {arrange: %s}}", mb_arrangements[i]->name);
        check_spelling(text, "arrange", mb_arrangements[i]->name);
    }
}

static void test_module_loss__outputs_of_another_size_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"telescope_mse", "emd", "sinkhorn"};
    for (size_t i = 0; i < MB_COUNT_OF(texts); i++) {
        opened o;
        const mb_status status = try_open(&o, texts[i], 48, NULL);
        assert_fails(o.world.ctx, status, MB_ERR_SHAPE, "judges images of 64 pixels");
        close_loss(&o);
    }
    opened o;
    mb_status status = try_open(&o, "emd:nothing", PIXELS, NULL);
    assert_fails(o.world.ctx, status, MB_ERR_ARG, "needs its network 'nothing'");
    close_loss(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_module_loss__values_and_gradients_are_those_of_tensorflow),
        cmocka_unit_test(test_module_loss__single_cells_have_the_known_losses),
        cmocka_unit_test(test_module_loss__gradients_are_finite_differences_of_the_values),
        cmocka_unit_test(test_module_loss__lanes_have_the_bits_of_rows),
        cmocka_unit_test(test_module_loss__spellings_say_the_option),
        cmocka_unit_test(test_module_loss__outputs_of_another_size_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
