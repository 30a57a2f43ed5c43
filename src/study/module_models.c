// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/module_models.h"

#include "base/numbers.h"
#include "files/yaml.h"
#include "geometry/arrange.h"
#include "training/loss.h"

typedef struct bits_of {
    mb_sizes input, weight, accumulator, dense, encoded;
} bits_of;

typedef struct autoencoder {
    int arrange;
    mb_sizes filters, kernels, strides, pool, dense;
    size_t encoded, batch;
    bool duplicates, separable;
    double learning_rate, bit_faults;
    const mb_node *loss, *quantize;
    bits_of bits; // n 0: floats
    // Worked out.
    const mb_arrangement *image;
    size_t height, width, channels;
} autoencoder;

static const char *const arrange_names[] = {"8x8", "8x8_ae", "4x4x3", "6x6x3", "6x6x3_tp", NULL};

#define FIELD(name) offsetof(autoencoder, name)

const mb_option mb_module_model_table[] = {
    {"arrange", MB_OPTION_CHOICE, FIELD(arrange), "8x8", 0, 0, arrange_names, NULL,
        "how the cells lie in the image"},
    {"filters", MB_OPTION_SIZES, FIELD(filters), "", 1, 4096, NULL, NULL,
        "of each convolution of the encoder; none: []"},
    {"kernels", MB_OPTION_SIZES, FIELD(kernels), "3", 1, 64, NULL, "kernel",
        "window of each convolution, or one for all; the first is also that of the last layer"},
    {"strides", MB_OPTION_SIZES, FIELD(strides), "1", 1, 8, NULL, "stride",
        "step of each convolution, or one for all"},
    {"pool", MB_OPTION_SIZES, FIELD(pool), "0", 0, 1, NULL, NULL,
        "1: a 2x2 maximum behind the convolution, of each or one for all"},
    {"dense", MB_OPTION_SIZES, FIELD(dense), "", 1, 65536, NULL, NULL,
        "dense layers before the encoded vector, and again in the decoder"},
    {"encoded", MB_OPTION_SIZE, FIELD(encoded), "16", 1, 65536, NULL, "encoded_dim",
        "numbers that go to the chip's links"},
    {"duplicates", MB_OPTION_BOOL, FIELD(duplicates), "false", 0, 0, NULL, NULL,
        "the image shows its duplicated pixels, too"},
    {"separable", MB_OPTION_BOOL, FIELD(separable), "false", 0, 0, NULL, NULL,
        "the planes of three thirds go through one shared convolution of kernel 3 without padding"},
    {"loss", MB_OPTION_NODE, FIELD(loss), "", 0, 0, NULL, NULL,
        "what is made small where train.loss does not say; default: telescope_mse"},
    {"batch", MB_OPTION_SIZE, FIELD(batch), "0", 0, 16777216, NULL, NULL,
        "modules between two updates; 0: as train.batch says"},
    {"learning_rate", MB_OPTION_REAL, FIELD(learning_rate), "0", 0, 1e3, NULL, "lr",
        "of Adam; 0: as train.optimizer says"},
    {"quantize", MB_OPTION_NODE, FIELD(quantize), "", 0, 0, NULL, NULL,
        "[bits, integer bits] of input, weight, dense, accumulator and encoded; default: floats"},
    {"bit_faults", MB_OPTION_REAL, FIELD(bit_faults), "0", 0, 1, NULL, NULL,
        "probability that a bit of a quantised weight is flipped, where none is asked for"},
    MB_OPTIONS_END};

#undef FIELD
#define FIELD(name) offsetof(bits_of, name)
#define BITS(name, text, help)                                                                     \
    { #name, MB_OPTION_SIZES, FIELD(name), text, 0, 32, NULL, NULL, help }

static const mb_option bits_table[] = {BITS(input, "[10, 3]", "of the image"),
    BITS(weight, "[5, 1]", "of weights and biases"),
    BITS(accumulator, "[11, 3]", "behind a convolution"),
    BITS(dense, "", "of weights of the dense layers; default: as weight"),
    BITS(encoded, "[9, 1]", "of the encoded vector"), MB_OPTIONS_END};

// One entry a line; what is not written has the default of the table above.
typedef struct named_model {
    const char *name, *keys;
} named_model;

#define S2    "filters: [8], strides: [2]"
#define QK    "quantize: {}"
#define QK6   "quantize: {input: [11, 3], accumulator: [12, 3], weight: [6, 1]}"
#define W_MSE "loss: weighted_mse"
#define A443  "arrange: 4x4x3"

static const named_model dictionary[] = {
    {"8x8_c8_S2_tele", S2},
    {"8x8_c8_S2", S2 ", " W_MSE},
    {"8x8_c8_pool_tele", "filters: [8], pool: [1]"},
    {"8x8_c8_S2_qK_RTL", S2 ", " QK ", " W_MSE},
    {"8x8_c8_S2_qK", S2 ", " QK ", " W_MSE},
    {"8x8_c8_S2_tele_qK", S2 ", " QK},
    {"8x8_c8_S2_qK_6bit", S2 ", " QK6 ", " W_MSE},
    {"8x8_c8_S2_tele_qK_6bit", S2 ", " QK6},
    {"8x8_c8_S2_fqK", S2 ", " QK ", " W_MSE ", bit_faults: 0.001"},
    {"8x8_c8_S2_tele_fqK", S2 ", " QK ", bit_faults: 0.001"},
    {"8x8_c8_S2_fqK_6bit", S2 ", " QK6 ", " W_MSE ", bit_faults: 0.001"},
    {"8x8_c8_S2_tele_fqK_6bit", S2 ", " QK6 ", bit_faults: 0.001"},
    {"8x8_c8_S2_ae_emdCNN", S2 ", loss: \"emd:ae_huber\""},
    {"run5-row21-big-econ",
        "filters: [32], kernels: [5], strides: [2], quantize: {dense: [7, 1], encoded: [13, 3]}, "
        "learning_rate: 0.028, batch: 400"},
    {"run3-row27-small-econ",
        "dense: [16], quantize: {weight: [8, 1], encoded: [16, 3]}, learning_rate: 0.1"},
    {"Sep1_CNN_keras_norm", A443 ", filters: [8]"},
    {"4x4x3_e12", A443 ", filters: [8], encoded: 12"},
    {"4x4x3_e20", A443 ", filters: [8], encoded: 20"},
    {"4x4x3_d16", A443 ", filters: [8], dense: [16]"},
    {"4x4x3_k5", A443 ", filters: [8], kernels: [5]"},
    {"4x4x3_f12", A443 ", filters: [12]"},
    {"4x4x3_f20", A443 ", filters: [20]"},
    {"4x4x3_pool", A443 ", filters: [8], pool: [1]"},
    {"4x4x3_8-8", A443 ", filters: [8, 8]"},
    {"4x4x3_8-8-8", A443 ", filters: [8, 8, 8]"},
    {"4x4x3_4-4-4", A443 ", filters: [4, 4, 4]"},
    {"4x4x3_8-4-2", A443 ", filters: [8, 4, 2]"},
    {"4x4x3_8-4-4-4-2", A443 ", filters: [8, 4, 4, 4, 2]"},
    {"4x4x3_k5-5-3", A443 ", filters: [8, 8, 8], kernels: [5, 5, 3]"},
    {"8x8_f2", "filters: [2]"},
    {"8x8_f4", "filters: [4]"},
    {"8x8_f6", "filters: [6]"},
    {"8x8_f8", "filters: [8]"},
    {"8x8_f8_mask", "filters: [8]"},
    {"8x8_f8_dup", "filters: [8], duplicates: true"},
    {"4x4x3_separable", A443 ", filters: [8], separable: true"},
    {"6x6x3_separable", "arrange: 6x6x3, filters: [8], separable: true"},
    {"denseCNN_2", "filters: [8], encoded: 12"},
};

const char *mb_module_model_name(size_t index) {
    return index < MB_COUNT_OF(dictionary) ? dictionary[index].name : NULL;
}

bool mb_module_model_is_known(const char *name) {
    for (size_t i = 0; i < MB_COUNT_OF(dictionary); i++) {
        if (strcmp(dictionary[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

mb_status mb_module_model_read(
    mb_context *ctx, mb_document *document, const char *name, mb_node **out) {
    *out = NULL;
    for (size_t i = 0; i < MB_COUNT_OF(dictionary); i++) {
        if (strcmp(dictionary[i].name, name) == 0) {
            mb_buffer text;
            mb_buffer_init(&text, ctx);
            mb_buffer_format(&text, "{autoencoder: {%s}}", dictionary[i].keys);
            const mb_status status = text.status != MB_OK ? text.status
                                                          : mb_yaml_parse_node(ctx, document, name,
                                                                text.data, text.length, out);
            mb_buffer_clear(&text);
            return status;
        }
    }
    return mb_fail(ctx, MB_ERR_ARG, "models: there is no model '%s'", name);
}

static size_t of_each(const mb_sizes *list, size_t i) {
    return list->value[list->n == 1 ? 0 : i];
}

static mb_status check_list(
    mb_context *ctx, const mb_document *document, const mb_node *at, const autoencoder *a) {
    const struct {
        const char *name;
        const mb_sizes *list;
    } lists[] = {{"kernels", &a->kernels}, {"strides", &a->strides}, {"pool", &a->pool}};
    for (size_t i = 0; i < MB_COUNT_OF(lists); i++) {
        if (lists[i].list->n != 1 && lists[i].list->n != a->filters.n) {
            return mb_fail_at(ctx, document, at,
                "autoencoder: %s has %zu numbers for %zu convolutions; write one for each, or one "
                "for all",
                lists[i].name, lists[i].list->n, a->filters.n);
        }
    }
    const bool has_planes =
        strcmp(a->image->name, "4x4x3") == 0 || strcmp(a->image->name, "6x6x3") == 0;
    if (a->separable && (!has_planes || a->filters.n != 1 || a->quantize != NULL)) {
        return mb_fail_at(ctx, document, at,
            "autoencoder: separable models have one convolution, floats, and arrange 4x4x3 or "
            "6x6x3");
    }
    return MB_OK;
}

static mb_status read_bits(
    mb_context *ctx, mb_document *document, const mb_node *at, autoencoder *a) {
    if (a->quantize == NULL) {
        return MB_OK;
    }
    MB_TRY(mb_options_parse(ctx, document, bits_table, a->quantize, "quantize", NULL, &a->bits));
    if (a->bits.dense.n == 0) {
        a->bits.dense = a->bits.weight;
    }
    const mb_sizes *const all[] = {
        &a->bits.input, &a->bits.weight, &a->bits.accumulator, &a->bits.dense, &a->bits.encoded};
    for (size_t i = 0; i < MB_COUNT_OF(all); i++) {
        if (all[i]->n != 2 || all[i]->value[0] <= all[i]->value[1]) {
            return mb_fail_at(ctx, document, at,
                "autoencoder: quantize: a format is not [bits, integer bits] with more bits than "
                "integer bits; write for instance [6, 1]");
        }
    }
    return MB_OK;
}

static mb_status read(mb_context *ctx, mb_document *document, const mb_node *keys, autoencoder *a) {
    MB_TRY(mb_options_parse(ctx, document, mb_module_model_table, keys, "autoencoder", NULL, a));
    MB_TRY(mb_arrangement_get(ctx, arrange_names[a->arrange], &a->image));
    // Planes of 6x6x3 come first.
    const bool is_first = strcmp(a->image->name, "6x6x3") == 0;
    a->channels = a->image->shape[is_first ? 0 : 2];
    a->height = a->image->shape[is_first ? 1 : 0];
    a->width = a->image->shape[is_first ? 2 : 1];
    MB_TRY(check_list(ctx, document, keys, a));
    return read_bits(ctx, document, keys, a);
}

static bool is_quantized(const autoencoder *a) {
    return a->quantize != NULL;
}

static bool is_planes_first(const autoencoder *a) {
    return strcmp(a->image->name, "6x6x3") == 0;
}

// The n-th of layers with the same name, as Keras counts.
static void put_name(mb_buffer *out, const char *part, const char *name, size_t n) {
    if (n == 0) {
        mb_buffer_format(out, ", name: %s/%s}\n", part, name);
    } else {
        mb_buffer_format(out, ", name: %s/%s_%zu}\n", part, name, n);
    }
}

static void put_weight_bits(mb_buffer *out, const mb_sizes *bits) {
    mb_buffer_format(out,
        ", kernel_initializer: he_normal, kernel_quantizer: \"quantized_bits(%zu,%zu,alpha=1)\", "
        "bias_quantizer: \"quantized_bits(%zu,%zu,alpha=1)\"",
        bits->value[0], bits->value[1], bits->value[0], bits->value[1]);
}

static void put_quantizer(
    mb_buffer *out, const char *kind, const mb_sizes *bits, const char *end, const char *name) {
    mb_buffer_format(out, "  - {q_activation: {activation: \"%s(%zu,%zu%s)\"}, name: encoder/%s}\n",
        kind, bits->value[0], bits->value[1], end, name);
}

static void put_encoder_dense(mb_buffer *out, const autoencoder *a, size_t units) {
    mb_buffer_format(out, "  - {dense: {units: %zu", units);
    if (is_quantized(a)) {
        put_weight_bits(out, &a->bits.dense);
    } else {
        mb_buffer_text(out, ", activation: relu");
    }
    mb_buffer_text(out, "}");
}

static void put_encoder_conv(mb_buffer *out, const autoencoder *a, size_t i) {
    mb_buffer_format(out, "  - {conv2d: {filters: %zu, kernel: %zu, strides: %zu, padding: same",
        a->filters.value[i], of_each(&a->kernels, i), of_each(&a->strides, i));
    char name[32];
    if (is_quantized(a)) {
        put_weight_bits(out, &a->bits.weight);
        mb_buffer_format(out, "}, name: encoder/conv2d_%zu_m}\n", i);
    } else {
        mb_buffer_text(out, ", activation: relu}");
        put_name(out, "encoder", "conv2d", i);
    }
    if (of_each(&a->pool, i) == 1) {
        mb_buffer_text(out, "  - {max_pooling2d: {pool: 2}");
        put_name(out, "encoder", "mpool", i);
    }
    if (is_quantized(a)) {
        mb_format(name, sizeof name, "accum%zu_qa", i + 1);
        put_quantizer(out, "quantized_relu", &a->bits.accumulator, "", name);
    }
}

static void put_encoder(mb_buffer *out, const autoencoder *a) {
    if (is_quantized(a)) {
        put_quantizer(out, "quantized_bits", &a->bits.input, ",alpha=1", "input_qa");
    }
    for (size_t i = 0; i < a->filters.n; i++) {
        put_encoder_conv(out, a, i);
    }
    mb_buffer_text(out, "  - {flatten: {}, name: encoder/flatten}\n");
    for (size_t i = 0; i < a->dense.n; i++) {
        put_encoder_dense(out, a, a->dense.value[i]);
        put_name(out, "encoder", "en_dense", i);
        if (is_quantized(a)) {
            char name[32];
            mb_format(name, sizeof name, "dense%zu_qa", i + 1);
            put_quantizer(out, "quantized_relu", &a->bits.accumulator, "", name);
        }
    }
    put_encoder_dense(out, a, a->encoded);
    put_name(out, "encoder", "encoded_vector", 0);
    if (is_quantized(a)) {
        put_quantizer(out, "quantized_relu", &a->bits.encoded, "", "encod_qa");
    }
}

// Height and width behind the encoder's convolutions.
static void shrink(const autoencoder *a, size_t *height, size_t *width) {
    *height = a->height;
    *width = a->width;
    for (size_t i = 0; i < a->filters.n; i++) {
        const size_t step = of_each(&a->strides, i);
        *height = (*height + step - 1) / step >> of_each(&a->pool, i);
        *width = (*width + step - 1) / step >> of_each(&a->pool, i);
    }
}

static void put_decoder_conv(mb_buffer *out, const autoencoder *a, size_t i) {
    if (of_each(&a->pool, i) == 1) {
        mb_buffer_text(out, "  - {up_sampling2d: {size: 2}");
        put_name(out, "decoder", "up_sampling2d", i);
    }
    mb_buffer_format(out,
        "  - {conv2d_transpose: {filters: %zu, kernel: %zu, strides: %zu, padding: same, "
        "activation: relu}",
        a->filters.value[i], of_each(&a->kernels, i), of_each(&a->strides, i));
    if (is_quantized(a)) {
        mb_buffer_format(out, ", name: decoder/conv2D_t_%zu}\n", i);
    } else {
        put_name(out, "decoder", "conv2d_transpose", i);
    }
}

static void put_decoder(mb_buffer *out, const autoencoder *a) {
    size_t height, width;
    shrink(a, &height, &width);
    const size_t depth = a->filters.n > 0 ? a->filters.value[a->filters.n - 1] : a->channels;
    for (size_t i = 0; i < a->dense.n; i++) {
        mb_buffer_format(out, "  - {dense: {units: %zu, activation: relu}", a->dense.value[i]);
        put_name(out, "decoder", "de_dense", i);
    }
    mb_buffer_format(out, "  - {dense: {units: %zu, activation: relu}, name: decoder/%s}\n",
        height * width * depth, is_quantized(a) ? "de_dense_final" : "dense");
    mb_buffer_format(out, "  - {reshape: {target_shape: [%zu, %zu, %zu]}, name: decoder/%s}\n",
        height, width, depth, is_quantized(a) ? "de_reshape" : "reshape");
    for (size_t i = 0; i < a->filters.n; i++) {
        put_decoder_conv(out, a, i);
    }
    mb_buffer_format(out,
        "  - {conv2d_transpose: {filters: %zu, kernel: %zu, padding: same}, name: decoder/",
        a->channels, a->kernels.value[0]);
    if (is_quantized(a)) {
        mb_buffer_text(out, "conv2d_t_final}\n");
    } else if (a->filters.n == 0) {
        mb_buffer_text(out, "conv2d_transpose}\n");
    } else {
        mb_buffer_format(out, "conv2d_transpose_%zu}\n", a->filters.n);
    }
}

// Planes as a dimension of their own, through which no window reaches, share their convolution.
static void put_separable(mb_buffer *out, const autoencoder *a) {
    const size_t filters = a->filters.value[0];
    const size_t kernel = a->kernels.value[0];
    const size_t height = a->height + 1 - kernel;
    const size_t width = a->width + 1 - kernel;
    const size_t planes = a->channels;
    if (!is_planes_first(a)) {
        mb_buffer_text(out, "  - {permute: {dims: [3, 1, 2]}, name: encoder/planes_first}\n");
    }
    mb_buffer_format(out,
        "  - {reshape: {target_shape: [%zu, %zu, %zu, 1]}, name: encoder/planes}\n"
        "  - {conv3d: {filters: %zu, kernel: [1, %zu, %zu], activation: relu}, name: "
        "encoder/conv2d}\n"
        "  - {flatten: {}, name: encoder/flatten}\n"
        "  - {dense: {units: %zu, activation: relu}, name: encoder/encoded_vector}\n"
        "  - {dense: {units: %zu, activation: relu}, name: decoder/dense}\n"
        "  - {reshape: {target_shape: [%zu, %zu, %zu, %zu]}, name: decoder/reshape}\n"
        "  - {conv3d_transpose: {filters: 1, kernel: [1, %zu, %zu]}, name: "
        "decoder/conv2d_transpose}\n"
        "  - {reshape: {target_shape: [%zu, %zu, %zu]}, name: decoder/image}\n",
        planes, a->height, a->width, filters, kernel, kernel, a->encoded,
        planes * height * width * filters, planes, height, width, filters, kernel, kernel, planes,
        a->height, a->width);
    if (!is_planes_first(a)) {
        mb_buffer_text(out, "  - {permute: {dims: [2, 3, 1]}, name: decoder/planes_last}\n");
    }
}

// Convolutions take planes last.
static void put_turned(mb_buffer *out, const autoencoder *a) {
    if (is_planes_first(a)) {
        mb_buffer_text(out, "  - {permute: {dims: [2, 3, 1]}, name: encoder/planes_last}\n");
    }
    put_encoder(out, a);
    put_decoder(out, a);
    if (is_planes_first(a)) {
        mb_buffer_text(out, "  - {permute: {dims: [3, 1, 2]}, name: decoder/planes_first}\n");
    }
}

static void put_column(mb_buffer *out, const autoencoder *a) {
    mb_buffer_format(out, "image_%s%s", a->image->name, a->duplicates ? "_dup" : "");
}

// The loss with the arrangement of the model, where it has one and does not say.
static mb_status complete_loss(
    mb_context *ctx, mb_document *document, const autoencoder *a, mb_node *train) {
    mb_node *loss = a->loss != NULL ? mb_node_copy(document, ctx, a->loss)
                                    : mb_node_make_text(document, ctx, "telescope_mse");
    const char *name = mb_node_text(loss);
    if (loss == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_loss_ops *ops = name != NULL ? mb_loss_find(name) : NULL;
    const mb_option *option = ops != NULL ? ops->options : NULL;
    for (; option != NULL && option->name != NULL; option++) {
        const bool is_whole = strcmp(ops->name, name) == 0;
        if (strcmp(option->name, "arrange") == 0 && (is_whole || ops->prefix != NULL)) {
            mb_node *map = mb_node_make(document, ctx, MB_NODE_MAP);
            mb_node *keys = mb_node_make(document, ctx, MB_NODE_MAP);
            mb_node *text = mb_node_make_text(document, ctx, a->image->name);
            if (map == NULL || keys == NULL || text == NULL) {
                return MB_ERR_MEMORY;
            }
            MB_TRY(mb_node_set(document, ctx, keys, "arrange", text));
            MB_TRY(mb_node_set(document, ctx, map, name, keys));
            loss = map;
        }
    }
    return mb_node_set(document, ctx, train, "loss", loss);
}

static void put_train(mb_buffer *out, const autoencoder *a) {
    mb_buffer_format(out, "train:\n  clip_quantized: %s\n", is_quantized(a) ? "true" : "false");
    if (a->batch > 0) {
        mb_buffer_format(out, "  batch: %zu\n", a->batch);
    }
    if (a->learning_rate > 0) {
        mb_buffer_format(out, "  optimizer: {adam: {learning_rate: %.9g}}\n", a->learning_rate);
    }
    mb_buffer_text(out, "target: ");
    put_column(out, a);
    mb_buffer_text(out, "\n");
    if (a->bit_faults > 0) {
        mb_buffer_format(out, "bit_faults: %.9g\n", a->bit_faults);
    }
}

mb_status mb_module_model_expand(
    mb_context *ctx, mb_document *document, const mb_node *keys, mb_node **out) {
    autoencoder a = {.arrange = 0};
    MB_TRY(read(ctx, document, keys, &a));
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    mb_buffer_text(&text, "layers:\n  - {input: ");
    put_column(&text, &a);
    mb_buffer_text(&text, "}\n");
    if (a.separable) {
        put_separable(&text, &a);
    } else {
        put_turned(&text, &a);
    }
    mb_buffer_text(
        &text, "  - {activation: {activation: sigmoid}, name: decoder/decoder_output}\n");
    put_train(&text, &a);
    mb_status status = text.status;
    if (status == MB_OK) {
        status = mb_yaml_parse_node(ctx, document, "autoencoder", text.data, text.length, out);
    }
    mb_buffer_clear(&text);
    if (status != MB_OK) {
        return status;
    }
    (*out)->line = keys->line;
    return complete_loss(ctx, document, &a, mb_node_find(*out, "train"));
}
