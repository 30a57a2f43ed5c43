// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// `quantize:`: quantisers put on a model that has none.

#include "testing.h"

#include "exchange/keras.h"
#include "files/yaml.h"
#include "network/layer.h"
#include "network/quantize.h"

static const char plain[] =
    "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"plain\",\"layers\":["
    "{\"class_name\":\"InputLayer\",\"config\":{\"batch_input_shape\":[null,6,5,2],\"name\":\"in\"}"
    "},"
    "{\"class_name\":\"Conv2D\",\"config\":{\"name\":\"conv\",\"filters\":3,\"kernel_size\":[2,2],"
    "\"activation\":\"relu\"}},"
    "{\"class_name\":\"DepthwiseConv2D\",\"config\":{\"name\":\"deep\",\"kernel_size\":[2,2]}},"
    "{\"class_name\":\"ReLU\",\"config\":{\"name\":\"relu\"}},"
    "{\"class_name\":\"Flatten\",\"config\":{\"name\":\"flat\"}},"
    "{\"class_name\":\"QDense\",\"config\":{\"name\":\"own\",\"units\":4,\"kernel_quantizer\":"
    "\"quantized_bits(3,0,1,alpha=1)\"}},"
    "{\"class_name\":\"Dense\",\"config\":{\"name\":\"score\",\"units\":1,\"activation\":"
    "\"sigmoid\"}}]}}";

static const char folded[] =
    "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"folded\",\"layers\":["
    "{\"class_name\":\"InputLayer\",\"config\":{\"batch_input_shape\":[null,4],\"name\":\"in\"}},"
    "{\"class_name\":\"QDenseBatchnorm\",\"config\":{\"name\":\"both\",\"units\":2}}]}}";

typedef struct site {
    mb_test_world world;
    mb_model *model;
    mb_document document;
} site;

static void open_site_of(site *s, const char *config, const char *yaml) {
    mb_test_world_open(&s->world, 1, MB_CPU_ALL);
    assert_ok(s->world.ctx,
        mb_model_load_config(s->world.ctx, "config", config, strlen(config), &s->model));
    assert_ok(
        s->world.ctx, mb_yaml_parse(s->world.ctx, "study.yaml", yaml, strlen(yaml), &s->document));
}

static void open_site(site *s, const char *yaml) {
    open_site_of(s, plain, yaml);
}

static void close_site(site *s) {
    mb_document_clear(&s->document);
    mb_model_destroy(s->model);
    mb_test_world_close(&s->world);
}

static void check_quantizer(site *s, const mb_quantizer *quantizer, const char *wanted) {
    mb_buffer text;
    mb_buffer_init(&text, s->world.ctx);
    assert_ok(s->world.ctx, mb_quantizer_text(s->world.ctx, quantizer, &text));
    assert_string_equal(text.data, wanted);
    mb_buffer_clear(&text);
}

static void check_weight(site *s, const char *layer, const char *weight, const char *wanted) {
    const mb_weight *found = mb_model_find_weight(s->model, layer, weight);
    assert_non_null(found);
    check_quantizer(s, &found->quantizer, wanted);
}

static void check_layer(site *s, const char *name, const char *class_name, const char *activation) {
    const mb_layer *layer = mb_model_find_layer(s->model, name);
    assert_non_null(layer);
    assert_string_equal(mb_keras_class_of(layer), class_name);
    check_quantizer(s, &layer->quantizer, activation);
}

static void apply(site *s) {
    assert_ok(s->world.ctx, mb_quantize_check(s->world.ctx, &s->document, s->document.root));
    assert_ok(
        s->world.ctx, mb_model_quantize(s->world.ctx, s->model, &s->document, s->document.root));
}

static void test_quantize__all_kernels_biases_and_rectifiers_are_quantised(void **state) {
    (void)state;
    site s;
    open_site(&s, "kernel: quantized_bits(8,1,1,alpha=1)\nbias: quantized_bits(8,3)\n"
                  "activation: quantized_relu(10,6)\n");
    apply(&s);
    check_weight(&s, "conv", "kernel", "quantized_bits(8,1,1,alpha=1)");
    check_weight(&s, "conv", "bias", "quantized_bits(8,3)");
    check_weight(&s, "deep", "depthwise_kernel", "quantized_bits(8,1,1,alpha=1)");
    check_weight(&s, "own", "kernel", "quantized_bits(3,0,1,alpha=1)"); // it has one
    check_weight(&s, "own", "bias", "quantized_bits(8,3)");
    check_layer(&s, "conv", "QConv2D", "quantized_relu(10,6)");
    check_layer(&s, "deep", "QDepthwiseConv2D", "none");
    check_layer(&s, "relu", "QActivation", "quantized_relu(10,6)");
    check_layer(&s, "score", "QDense", "none");
    close_site(&s);
}

static void test_quantize__a_layer_by_name_comes_before_the_rest(void **state) {
    (void)state;
    site s;
    open_site(&s, "kernel: quantized_bits(8,1,1,alpha=1)\nlayers:\n"
                  "  own: {kernel: quantized_po2(4), activation: quantized_tanh(6)}\n"
                  "  score: {kernel: null}\n  conv: {activation: null}\n"
                  "activation: quantized_relu(10,6)\n");
    apply(&s);
    check_weight(&s, "own", "kernel", "quantized_po2(4)");
    check_layer(&s, "own", "QDense", "quantized_tanh(6)");
    check_weight(&s, "score", "kernel", "none");
    check_layer(&s, "score", "Dense", "none");
    check_layer(&s, "conv", "QConv2D", "none");
    check_layer(&s, "relu", "QActivation", "quantized_relu(10,6)");
    close_site(&s);
}

static void test_quantize__maps_are_merged_layer_by_layer(void **state) {
    (void)state;
    site s;
    open_site(&s, "a: {kernel: quantized_po2(4), layers: {conv: {kernel: quantized_po2(5)}, "
                  "own: {kernel: quantized_po2(6)}}}\n"
                  "b: {layers: {conv: {bias: quantized_po2(7)}}, bias: \"quantized_bits(8,3)\"}\n");
    const mb_node *root = s.document.root;
    mb_node *merged = NULL;
    assert_ok(s.world.ctx, mb_quantize_merge(s.world.ctx, &s.document, mb_node_find(root, "a"),
                               mb_node_find(root, "b"), &merged));
    assert_ok(s.world.ctx, mb_model_quantize(s.world.ctx, s.model, &s.document, merged));
    check_weight(&s, "conv", "kernel", "quantized_po2(4)");
    check_weight(&s, "conv", "bias", "quantized_po2(7)");
    check_weight(&s, "own", "kernel", "quantized_po2(6)");
    check_weight(&s, "own", "bias", "quantized_bits(8,3)");
    close_site(&s);
}

static void test_quantize__errors_say_where_and_what(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *part;
    } bad[] = {{"kernel: quantized_bit(8)\n", "study.yaml:1: quantize: kernel"},
        {"kernal: quantized_bits(8)\n", "did you mean 'kernel'?"},
        {"layers: {covn: {kernel: binary}}\n", "no layer 'covn'; did you mean 'conv'?"},
        {"layers: {conv: {weight: binary}}\n", "unknown key 'weight'"},
        {"layers: {flat: {kernel: binary}}\n", "has no kernel that takes a quantiser"},
        {"layers: {flat: {activation: quantized_relu(8)}}\n", "has no activation"},
        {"activation: quantized_bits(8,alpha='auto')\n", "other events of a batch"},
        {"layers: [conv]\n", "layers is not a map"}};
    for (size_t i = 0; i < MB_COUNT_OF(bad); i++) {
        site s;
        open_site(&s, bad[i].yaml);
        mb_status status = mb_quantize_check(s.world.ctx, &s.document, s.document.root);
        if (status == MB_OK) {
            status = mb_model_quantize(s.world.ctx, s.model, &s.document, s.document.root);
        }
        assert_fails(s.world.ctx, status, status == MB_OK ? MB_ERR_FORMAT : status, bad[i].part);
        close_site(&s);
    }
}

// Their gradients would be wrong, which nobody would see.
static void test_quantize__folded_weights_take_no_quantiser_with_a_slope(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *part;
    } cases[] = {{"kernel: quantized_bits(8,1,1,alpha=1)\nbias: binary(alpha=1)\n", NULL},
        {"kernel: quantized_tanh(8)\n", "layer 'both': kernel_quantizer quantized_tanh passes no"},
        {"layers: {both: {bias: binary}}\n", "layer 'both': bias_quantizer binary passes no"}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        site s;
        open_site_of(&s, folded, cases[i].yaml);
        const mb_status status =
            mb_model_quantize(s.world.ctx, s.model, &s.document, s.document.root);
        if (cases[i].part == NULL) {
            assert_ok(s.world.ctx, status);
        } else {
            assert_fails(s.world.ctx, status, MB_ERR_UNSUPPORTED, cases[i].part);
        }
        close_site(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantize__all_kernels_biases_and_rectifiers_are_quantised),
        cmocka_unit_test(test_quantize__a_layer_by_name_comes_before_the_rest),
        cmocka_unit_test(test_quantize__maps_are_merged_layer_by_layer),
        cmocka_unit_test(test_quantize__errors_say_where_and_what),
        cmocka_unit_test(test_quantize__folded_weights_take_no_quantiser_with_a_slope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
