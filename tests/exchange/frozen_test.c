// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/output.h"
#include "base/random.h"
#include "exchange/frozen.h"
#include "files/npy.h"
#include "files/yaml.h"
#include "minbias/predictor.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { N_EVENTS = 50 };

typedef struct layer_text {
    const char *kind, *name, *options;
} layer_text;

static mb_model *make_model(
    mb_context *ctx, const mb_value_type *type, const layer_text *layers, size_t n) {
    mb_model *model = NULL;
    size_t value = 0;
    assert_ok(ctx, mb_model_begin(ctx, "made", &model));
    assert_ok(ctx, mb_model_add_input(ctx, model, "input", type, &value));
    for (size_t i = 0; i < n; i++) {
        mb_document document;
        mb_layer *layer = NULL;
        assert_ok(ctx,
            mb_yaml_parse(ctx, "options", layers[i].options, strlen(layers[i].options), &document));
        assert_ok(ctx, mb_model_add_layer(ctx, model, layers[i].kind, layers[i].name, &document,
                           document.root, &layer));
        assert_ok(ctx, mb_model_call(ctx, model, layer, &value, 1, &value));
        mb_document_clear(&document);
    }
    assert_ok(ctx, mb_model_finish(ctx, model, NULL, 0, &value, 1));
    assert_ok(ctx, mb_model_initialize(ctx, model, 3, model->parameters));
    // Biases and weights of both signs, some beyond the quantisers' range.
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 7, 1);
    for (size_t i = 0; i < model->n_parameters; i++) {
        model->parameters[i] += (float)(0.2 * mb_random_normal(&random));
    }
    return model;
}

static const mb_value_type image = {.axis = MB_AXIS_EVENTS, .rank = 3, .dim = {8, 8, 1}};
static const mb_value_type code = {.axis = MB_AXIS_EVENTS, .rank = 1, .dim = {16}};

static const layer_text encoder[] = {
    {"conv2d", "conv2d",
        "{filters: 8, kernel_size: 3, strides: 2, padding: same, activation: relu}"},
    {"flatten", "flatten", "{}"}, {"dense", "encoded_vector", "{units: 16, activation: relu}"}};
static const layer_text decoder[] = {{"dense", "dense", "{units: 128, activation: relu}"},
    {"reshape", "reshape", "{target_shape: [4, 4, 8]}"},
    {"conv2d_transpose", "conv2d_transpose",
        "{filters: 8, kernel_size: 3, strides: 2, padding: same, activation: relu}"},
    {"conv2d_transpose", "conv2d_transpose_1", "{filters: 1, kernel_size: 3, padding: same}"},
    {"activation", "decoder_output", "{activation: sigmoid}"}};
static const layer_text quantized[] = {
    {"q_activation", "input_qa", "{activation: 'quantized_bits(11,3,alpha=1)'}"},
    {"conv2d", "conv2d_0_m",
        "{filters: 8, kernel_size: 3, strides: 2, padding: same, kernel_quantizer: "
        "'quantized_bits(6,1,alpha=1)', bias_quantizer: 'quantized_bits(6,1,alpha=1)'}"},
    {"q_activation", "accum1_qa", "{activation: 'quantized_relu(12,3)'}"},
    {"flatten", "flatten", "{}"},
    {"dense", "encoded_vector",
        "{units: 16, kernel_quantizer: 'quantized_bits(6,1,1,alpha=1)', bias_quantizer: "
        "'quantized_bits(6,1,alpha=1)'}"},
    {"q_activation", "encod_qa", "{activation: 'quantized_relu(9,1)'}"}};
static const layer_text pooled[] = {
    {"conv2d", "conv", "{filters: 4, kernel_size: [3, 2], padding: valid, activation: tanh}"},
    {"max_pooling2d", "pool", "{pool_size: 2}"}, {"up_sampling2d", "up", "{size: [2, 3]}"},
    {"conv2d", "plain", "{filters: 2, kernel_size: 1, use_bias: false}"}, {"flatten", "flat", "{}"},
    {"dense", "out", "{units: 3, activation: sigmoid}"}};

// Planes that share a convolution, as the separable models of modules have them.
static const mb_value_type turned = {.axis = MB_AXIS_EVENTS, .rank = 3, .dim = {4, 5, 3}};
static const layer_text planes[] = {{"permute", "planes_first", "{dims: [3, 1, 2]}"},
    {"reshape", "planes", "{target_shape: [3, 4, 5, 1]}"},
    {"conv3d", "conv",
        "{filters: 2, kernel_size: [1, 3, 2], strides: [1, 1, 2], padding: same, activation: "
        "relu}"},
    {"conv3d_transpose", "spread", "{filters: 3, kernel_size: [2, 3, 3], strides: [1, 2, 1]}"},
    {"flatten", "flat", "{}"}, {"dense", "few", "{units: 24, activation: relu}"},
    {"reshape", "again", "{target_shape: [3, 2, 4]}"}, {"permute", "last", "{dims: [2, 3, 1]}"},
    {"activation", "output", "{activation: sigmoid}"}};

static float *make_inputs(size_t size, float most) {
    float *inputs = malloc(N_EVENTS * size * sizeof *inputs);
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 7, 2);
    for (size_t i = 0; i < N_EVENTS * size; i++) {
        inputs[i] = (float)mb_random_uniform(&random) * most;
    }
    return inputs;
}

static float *predict(mb_context *ctx, const mb_model *model, const float *inputs) {
    mb_predictor *predictor = NULL;
    const mb_predictor_settings settings = {.max_events = N_EVENTS};
    const size_t n_out = mb_value_size(&model->values[model->outputs[0]].type);
    float *outputs = malloc(N_EVENTS * n_out * sizeof *outputs);
    assert_ok(ctx, mb_predictor_create(ctx, model, &settings, &predictor));
    void *scratch = aligned_alloc(64, (mb_predictor_scratch_bytes(predictor) + 63) / 64 * 64);
    const mb_predictor_input input = {.dense = inputs};
    assert_int_equal(mb_predictor_run(predictor, scratch, &input, N_EVENTS, &outputs), MB_OK);
    free(scratch);
    mb_predictor_destroy(predictor);
    return outputs;
}

static mb_model *load(mb_context *ctx, const char *path) {
    mb_model *model = NULL;
    assert_ok(ctx, mb_model_load(ctx, path, &model));
    return model;
}

static void check_same_outputs(mb_context *ctx, const mb_model *a, const mb_model *b) {
    const size_t size = mb_value_size(&a->values[a->inputs[0]].type);
    const size_t n_out = mb_value_size(&a->values[a->outputs[0]].type);
    float *inputs = make_inputs(size, 1.5F);
    float *one = predict(ctx, a, inputs);
    float *two = predict(ctx, b, inputs);
    mb_test_assert_same_bits(one, two, N_EVENTS * n_out, sizeof *one, "outputs");
    free(inputs);
    free(one);
    free(two);
}

static void check_round_trip(const mb_value_type *type, const layer_text *layers, size_t n) {
    mb_test_world world;
    char path[512];
    char again[512];
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    char *directory = mb_test_directory();
    snprintf(path, sizeof path, "%s/model.pb", directory);
    snprintf(again, sizeof again, "%s/again.pb", directory);
    mb_model *model = make_model(world.ctx, type, layers, n);
    assert_ok(world.ctx, mb_model_save(world.ctx, model, path));
    mb_model *back = load(world.ctx, path);
    check_same_outputs(world.ctx, model, back);
    assert_int_equal(model->n_layers, back->n_layers);
    for (size_t i = 1; i < model->n_layers; i++) {
        assert_string_equal(model->layers[i]->name, back->layers[i]->name);
    }
    assert_ok(world.ctx, mb_model_save(world.ctx, back, again));
    char *one = NULL;
    char *two = NULL;
    size_t length = 0;
    size_t length_again = 0;
    assert_ok(world.ctx, mb_read_file(world.ctx, path, &one, &length));
    assert_ok(world.ctx, mb_read_file(world.ctx, again, &two, &length_again));
    assert_int_equal(length, length_again);
    assert_memory_equal(one, two, length);
    mb_release(world.ctx, one);
    mb_release(world.ctx, two);
    mb_model_destroy(model);
    mb_model_destroy(back);
    mb_test_remove_directory(directory);
    mb_test_world_close(&world);
}

static void test_frozen__float_models_come_back_bit_for_bit(void **state) {
    (void)state;
    check_round_trip(&image, encoder, MB_COUNT_OF(encoder));
    check_round_trip(&code, decoder, MB_COUNT_OF(decoder));
    check_round_trip(&image, pooled, MB_COUNT_OF(pooled));
    check_round_trip(&turned, planes, MB_COUNT_OF(planes));
}

static void test_frozen__quantisers_come_back_bit_for_bit(void **state) {
    (void)state;
    check_round_trip(&image, quantized, MB_COUNT_OF(quantized));
}

// "OP NAME TAKES ..." of all nodes, sorted, as tests/golden/frozen_graphs.py writes them.
static int compare_lines(const void *a, const void *b) {
    const char *x = strchr(*(char *const *)a, ' ');
    const char *y = strchr(*(char *const *)b, ' ');
    return strcmp(x, y);
}

static void list_nodes(mb_buffer *out, const mb_frozen_graph *graph, const char *name) {
    char **lines = calloc(graph->n, sizeof *lines);
    mb_buffer_format(out, "graph %s\n", name);
    for (size_t i = 0; i < graph->n; i++) {
        const mb_frozen_node *node = &graph->nodes[i];
        lines[i] = malloc(1024);
        size_t n = (size_t)snprintf(lines[i], 1024, "%s %s", node->op, node->name);
        for (size_t k = 0; k < node->n_inputs; k++) {
            n += (size_t)snprintf(lines[i] + n, 1024 - n, " %s", node->inputs[k]);
        }
    }
    qsort(lines, graph->n, sizeof *lines, compare_lines);
    for (size_t i = 0; i < graph->n; i++) {
        mb_buffer_format(out, "%s\n", lines[i]);
        free(lines[i]);
    }
    free(lines);
}

static void test_frozen__nodes_are_those_that_tensorflow_makes(void **state) {
    (void)state;
    mb_test_world world;
    char path[512];
    mb_buffer nodes;
    char *wanted = NULL;
    size_t length = 0;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_context *ctx = world.ctx;
    char *directory = mb_test_directory();
    snprintf(path, sizeof path, "%s/model.pb", directory);
    mb_buffer_init(&nodes, ctx);
    for (size_t i = 0; i < 2; i++) {
        mb_frozen_graph graph;
        char *bytes = NULL;
        mb_model *model = i == 0 ? make_model(ctx, &image, encoder, MB_COUNT_OF(encoder))
                                 : make_model(ctx, &code, decoder, MB_COUNT_OF(decoder));
        assert_ok(ctx, mb_model_save(ctx, model, path));
        assert_ok(ctx, mb_read_file(ctx, path, &bytes, &length));
        assert_ok(ctx, mb_frozen_graph_parse(&graph, ctx, path, bytes, length));
        assert_string_equal(graph.nodes[0].op, "Placeholder");
        assert_int_equal(
            mb_frozen_node_find(&graph.nodes[0], "shape", MB_FROZEN_SHAPE)->ints[0], -1);
        assert_string_equal(graph.nodes[graph.n - 1].name,
            i == 0 ? "encoded_vector/Relu" : "decoder_output/Sigmoid");
        list_nodes(&nodes, &graph, i == 0 ? "encoder" : "decoder");
        mb_frozen_graph_clear(&graph);
        mb_release(ctx, bytes);
        mb_model_destroy(model);
    }
    assert_ok(
        ctx, mb_read_file(ctx, mb_test_source("tests/golden/frozen_graphs.txt"), &wanted, &length));
    assert_string_equal(nodes.data, wanted);
    mb_release(ctx, wanted);
    mb_buffer_clear(&nodes);
    mb_test_remove_directory(directory);
    mb_test_world_close(&world);
}

static void save_array(
    mb_context *ctx, const char *path, const mb_value_type *type, const float *values) {
    mb_array array = {.data = NULL};
    size_t shape[MB_MAX_RANK] = {N_EVENTS};
    memcpy(shape + 1, type->dim, type->rank * sizeof *shape);
    assert_ok(ctx, mb_array_init(&array, ctx, MB_F32, type->rank + 1, shape));
    memcpy(array.data, values, N_EVENTS * mb_value_size(type) * sizeof *values);
    assert_ok(ctx, mb_npy_write(ctx, path, &array));
    mb_array_clear(&array);
}

static void test_frozen__tensorflow_computes_what_we_do(void **state) {
    (void)state;
    const char *python = getenv("MB_PYTHON");
    if (python == NULL) {
        print_message("SKIPPED test_frozen__tensorflow_computes_what_we_do: MB_PYTHON names no "
                      "Python with TensorFlow\n");
        skip();
    }
    static const struct {
        const char *name, *most;
        const mb_value_type *type;
        const layer_text *layers;
        size_t n;
    } cases[] = {{"encoder", "1e-6", &image, encoder, MB_COUNT_OF(encoder)},
        {"decoder", "1e-6", &code, decoder, MB_COUNT_OF(decoder)},
        {"quantized", "0", &image, quantized, MB_COUNT_OF(quantized)},
        {"pooled", "1e-6", &image, pooled, MB_COUNT_OF(pooled)},
        {"planes", "1e-6", &turned, planes, MB_COUNT_OF(planes)}};
    mb_test_world world;
    char command[8192];
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_context *ctx = world.ctx;
    char *directory = mb_test_directory();
    size_t n = (size_t)snprintf(command, sizeof command, "%s '%s'", python,
        mb_test_source("tests/golden/tensorflow_reads_ours.py"));
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        char path[512];
        mb_model *model = make_model(ctx, cases[i].type, cases[i].layers, cases[i].n);
        float *inputs = make_inputs(mb_value_size(cases[i].type), 1.5F);
        float *outputs = predict(ctx, model, inputs);
        snprintf(path, sizeof path, "%s/%s.pb", directory, cases[i].name);
        assert_ok(ctx, mb_model_save(ctx, model, path));
        snprintf(path, sizeof path, "%s/%s.pb.ascii", directory, cases[i].name);
        assert_ok(ctx, mb_model_save(ctx, model, path));
        snprintf(path, sizeof path, "%s/%s_in.npy", directory, cases[i].name);
        save_array(ctx, path, cases[i].type, inputs);
        snprintf(path, sizeof path, "%s/%s_out.npy", directory, cases[i].name);
        save_array(ctx, path, &model->values[model->outputs[0]].type, outputs);
        n += (size_t)snprintf(command + n, sizeof command - n,
            " '%s/%s.pb' '%s/%s_in.npy' '%s/%s_out.npy' %s", directory, cases[i].name, directory,
            cases[i].name, directory, cases[i].name, cases[i].most);
        free(inputs);
        free(outputs);
        mb_model_destroy(model);
    }
    snprintf(command + n, sizeof command - n, " 2>/dev/null");
    const int status = system(command);
    mb_test_remove_directory(directory);
    mb_test_world_close(&world);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("SKIPPED test_frozen__tensorflow_computes_what_we_do: %s has no "
                      "TensorFlow\n",
            python);
        skip();
    }
    assert_int_equal(status, 0);
}

static void check_published(mb_context *ctx, const char *graph, const char *keras) {
    char path[1024];
    snprintf(path, sizeof path, "%s", mb_test_shared(graph));
    mb_model *frozen = load(ctx, path);
    mb_model *model = load(ctx, mb_test_shared(keras));
    check_same_outputs(ctx, model, frozen);
    mb_model_destroy(frozen);
    mb_model_destroy(model);
}

static void test_frozen__published_graphs_are_their_models(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_shared("econt_fastml_apache2/float_tele/encoder_8x8_c8_S2_tele.pb");
    mb_test_world_open(&world, 1, MB_CPU_ALL);
#define PAIR(stem) "econt_fastml_apache2/" stem ".pb", "econt_fastml_apache2/" stem ".json"
    check_published(world.ctx, PAIR("float_tele/encoder_8x8_c8_S2_tele"));
    check_published(world.ctx, PAIR("float_tele/decoder_8x8_c8_S2_tele"));
    check_published(world.ctx, PAIR("qk_6bit_tele/encoder_8x8_c8_S2_tele_qK_6bit"));
    check_published(world.ctx, PAIR("qk_6bit_tele/decoder_8x8_c8_S2_tele_qK_6bit"));
    check_published(world.ctx, PAIR("qk_5bit_tele/encoder_8x8_c8_S2_tele_qK"));
    check_published(world.ctx, PAIR("qk_5bit_tele/decoder_8x8_c8_S2_tele_qK"));
#undef PAIR
    mb_test_world_close(&world);
}

static void test_frozen__a_graph_may_end_at_an_earlier_node(void **state) {
    (void)state;
    mb_test_world world;
    char path[512];
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_context *ctx = world.ctx;
    char *directory = mb_test_directory();
    snprintf(path, sizeof path, "%s/model.pb", directory);
    mb_model *model = make_model(ctx, &code, decoder, MB_COUNT_OF(decoder));
    assert_ok(
        ctx, mb_frozen_save(ctx, model, model->parameters, "conv2d_transpose_1/BiasAdd", path));
    mb_model *back = load(ctx, path);
    assert_int_equal(back->n_layers, model->n_layers - 1);
    assert_string_equal(back->layers[back->n_layers - 1]->name, "conv2d_transpose_1");
    assert_fails(ctx, mb_frozen_save(ctx, model, model->parameters, "decoder/Sigmoid", path),
        MB_ERR_ARG,
        "'decoder/Sigmoid' is no node of this graph; its last one is "
        "'decoder_output/Sigmoid'");
    mb_model_destroy(back);
    mb_model_destroy(model);
    mb_test_remove_directory(directory);
    mb_test_world_close(&world);
}

static void test_frozen__layers_without_nodes_are_named(void **state) {
    (void)state;
    static const layer_text layers[] = {
        {"conv2d", "conv", "{filters: 2, kernel_size: 3}"}, {"leaky_re_lu", "leaky", "{}"}};
    static const layer_text signs[] = {{"flatten", "flatten", "{}"},
        {"dense", "dense", "{units: 2}"},
        {"q_activation", "signs", "{activation: 'binary(alpha=1)'}"}};
    mb_test_world world;
    char path[512];
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_context *ctx = world.ctx;
    char *directory = mb_test_directory();
    snprintf(path, sizeof path, "%s/model.pb", directory);
    mb_model *model = make_model(ctx, &image, layers, MB_COUNT_OF(layers));
    assert_fails(ctx, mb_model_save(ctx, model, path), MB_ERR_UNSUPPORTED, "leaky: ");
    mb_model_destroy(model);
    model = make_model(ctx, &image, signs, MB_COUNT_OF(signs));
    assert_fails(ctx, mb_model_save(ctx, model, path), MB_ERR_UNSUPPORTED, "signs: binary");
    mb_model_destroy(model);
    assert_false(mb_path_exists(path));
    mb_test_remove_directory(directory);
    mb_test_world_close(&world);
}

static mb_status load_bytes(mb_context *ctx, const mb_buffer *bytes) {
    mb_model *model = NULL;
    const mb_status status =
        mb_frozen_load_bytes(ctx, "graph.pb", bytes->data, bytes->length, &model);
    mb_model_destroy(model);
    return status;
}

// A graph of nodes "OP NAME INPUT ...".
static void write_graph(mb_context *ctx, const char *const *lines, size_t n, mb_buffer *out) {
    mb_frozen_graph graph;
    mb_frozen_graph_init(&graph, ctx);
    mb_buffer_init(out, ctx);
    for (size_t i = 0; i < n; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s", lines[i]);
        const char *op = strtok(text, " ");
        mb_frozen_node *node = mb_frozen_graph_add(&graph, strtok(NULL, " "), op);
        for (const char *word = strtok(NULL, " "); word != NULL; word = strtok(NULL, " ")) {
            assert_ok(ctx, mb_frozen_node_input(&graph, node, word));
        }
        if (strcmp(node->op, "Placeholder") == 0) {
            mb_frozen_attribute *shape =
                mb_frozen_node_attribute(&graph, node, "shape", MB_FROZEN_SHAPE);
            shape->n_ints = 2;
            shape->ints[0] = -1;
            shape->ints[1] = 4;
        }
        if (strcmp(node->op, "Const") == 0 && strcmp(node->name, "huge") == 0) {
            static const float sizes[] = {-1, 1e7F, 2};
            mb_frozen_attribute *value =
                mb_frozen_node_attribute(&graph, node, "value", MB_FROZEN_TENSOR);
            value->tensor = (mb_frozen_tensor){
                .type = MB_FROZEN_INT32, .rank = 1, .dim = {3}, .count = 3, .values = sizes};
        }
    }
    mb_frozen_graph_write(out, &graph);
    mb_frozen_graph_clear(&graph);
}

static void test_frozen__bad_graphs_are_refused_by_node(void **state) {
    (void)state;
    static const struct {
        const char *lines[5];
        size_t n;
        mb_status status;
        const char *part;
    } cases[] = {
        {{"Placeholder x", "Relu a b"}, 2, MB_ERR_FORMAT, "node a takes 'b', which is no node"},
        {{"Placeholder x", "Relu a b", "Relu b a"}, 3, MB_ERR_FORMAT, "in a circle"},
        {{"Placeholder x", "Relu a x", "Relu a x"}, 3, MB_ERR_FORMAT, "two nodes are called a"},
        {{"Placeholder x", "LSTM a x"}, 2, MB_ERR_UNSUPPORTED, "node a (LSTM): this operation"},
        {{"Placeholder x", "Placeholder y"}, 2, MB_ERR_UNSUPPORTED, "a second placeholder"},
        {{"Placeholder x", "Relu a x x"}, 2, MB_ERR_UNSUPPORTED,
            "node a (Relu): this number of inputs"},
        {{"Placeholder x", "Neg a x"}, 2, MB_ERR_UNSUPPORTED, "that is no quantiser"},
        {{"Placeholder x", "MatMul a x x"}, 2, MB_ERR_UNSUPPORTED, "a weight that is no constant"},
        {{"Placeholder x", "Relu a x:1"}, 2, MB_ERR_UNSUPPORTED, "a further output"},
        {{"NoOp n"}, 1, MB_ERR_FORMAT, "no node gives data"},
        {{"Const c", "Relu a c"}, 2, MB_ERR_UNSUPPORTED, "a constant without a value"},
        {{"Placeholder x", "Shape s x", "Relu a s"}, 3, MB_ERR_UNSUPPORTED, "shapes or lists"},
        {{"Placeholder x", "Const huge", "Mul b huge huge", "Neg c b", "Reshape a x c"}, 5,
            MB_ERR_UNSUPPORTED, "node a (Reshape): a shape of such numbers"},
    };
    mb_test_world world;
    mb_buffer bytes;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        write_graph(world.ctx, cases[i].lines, cases[i].n, &bytes);
        assert_fails(world.ctx, load_bytes(world.ctx, &bytes), cases[i].status, cases[i].part);
        mb_buffer_clear(&bytes);
    }
    write_graph(world.ctx, (const char *const[]){"Placeholder x", "Relu a x"}, 2, &bytes);
    assert_ok(world.ctx, load_bytes(world.ctx, &bytes));
    bytes.length -= 3;
    assert_fails(world.ctx, load_bytes(world.ctx, &bytes), MB_ERR_FORMAT, "damaged or cut off");
    mb_buffer_clear(&bytes);
    mb_test_world_close(&world);
}

static mb_status round_trip(void *user, mb_context *ctx) {
    const char *path = user;
    mb_model *model = NULL;
    MB_TRY(mb_model_load(ctx, path, &model));
    char again[600];
    snprintf(again, sizeof again, "%s.ascii", path);
    const mb_status status = mb_model_save(ctx, model, again);
    mb_model_destroy(model);
    return status;
}

static void test_frozen__lack_of_memory_leaves_nothing(void **state) {
    (void)state;
    mb_test_world world;
    char path[512];
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    char *directory = mb_test_directory();
    snprintf(path, sizeof path, "%s/model.pb", directory);
    mb_model *model = make_model(world.ctx, &image, quantized, MB_COUNT_OF(quantized));
    assert_ok(world.ctx, mb_model_save(world.ctx, model, path));
    mb_model_destroy(model);
    assert_true(mb_test_each_lack_of_memory(round_trip, path) > 50);
    mb_test_remove_directory(directory);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frozen__float_models_come_back_bit_for_bit),
        cmocka_unit_test(test_frozen__quantisers_come_back_bit_for_bit),
        cmocka_unit_test(test_frozen__nodes_are_those_that_tensorflow_makes),
        cmocka_unit_test(test_frozen__tensorflow_computes_what_we_do),
        cmocka_unit_test(test_frozen__published_graphs_are_their_models),
        cmocka_unit_test(test_frozen__a_graph_may_end_at_an_earlier_node),
        cmocka_unit_test(test_frozen__layers_without_nodes_are_named),
        cmocka_unit_test(test_frozen__bad_graphs_are_refused_by_node),
        cmocka_unit_test(test_frozen__lack_of_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
