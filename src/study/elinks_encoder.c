// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/elinks.h"

#include "geometry/arrange.h"
#include "network/model.h"
#include "twin/twin.h"

#include <math.h>

static const size_t parts[] = {72, 8, 2048, 16};

static mb_status read_format(mb_context *ctx, const char *text, mb_fixed *out) {
    const bool is_wide = strcmp(text, "2.4") == 0;
    if (!is_wide && strcmp(text, "1.5") != 0) {
        return mb_fail(ctx, MB_ERR_ARG,
            "chip weights: '%s' is no format; take 2.4, integer and fraction bits as in training, "
            "or 1.5",
            text);
    }
    *out = (mb_fixed){.bits = MB_ENCODER_WEIGHT_BITS,
        .integer = is_wide ? 2 : 1,
        .is_signed = true,
        .rounding = MB_FIXED_ROUND_EVEN,
        .overflow = MB_FIXED_SATURATE};
    return MB_OK;
}

mb_status mb_encoder_words_parse(mb_context *ctx, const char *name, const char *text, size_t length,
    uint8_t weights[MB_ENCODER_WEIGHTS]) {
    mb_rows rows;
    size_t n = 0;
    mb_status status = mb_rows_open_text(&rows, ctx, name, text, length);
    int column = 0;
    if (status == MB_OK) {
        status = mb_rows_find(&rows, "weight", &column);
    }
    for (bool has_row = true; status == MB_OK; n++) {
        uint64_t word = 0;
        status = mb_rows_next(&rows, &has_row);
        if (status != MB_OK || !has_row) {
            break;
        }
        status = mb_rows_count(&rows, column, (1U << MB_ENCODER_WEIGHT_BITS) - 1, &word);
        if (status == MB_OK && n < MB_ENCODER_WEIGHTS) {
            weights[n] = (uint8_t)word;
        }
    }
    mb_rows_close(&rows);
    if (status == MB_OK && n != MB_ENCODER_WEIGHTS) {
        return mb_fail(ctx, MB_ERR_FORMAT, "%s: %zu words; the encoder has %d weights", name, n,
            MB_ENCODER_WEIGHTS);
    }
    return status;
}

static mb_status check_shapes(mb_context *ctx, const char *path, const mb_model *model) {
    static const size_t shapes[4][4] = {{3, 3, 1, 8}, {8}, {128, 16}, {16}};
    static const unsigned ranks[] = {4, 1, 2, 1};
    for (size_t i = 0; i < 4; i++) {
        const mb_weight *weight = i < model->n_weights ? model->weights[i] : NULL;
        if (weight == NULL || weight->rank != ranks[i] ||
            memcmp(weight->dim, shapes[i], ranks[i] * sizeof(size_t)) != 0) {
            return mb_fail(ctx, MB_ERR_SHAPE,
                "%s: not the chip's encoder, which has a 3 x 3 convolution of 1 channel to 8 and a "
                "dense layer of 128 inputs to 16, each with bias; give a model such as "
                "8x8_c8_S2_tele",
                path);
        }
    }
    return MB_OK;
}

// Quantised, where the model has quantisers.
static mb_status take_weights(mb_context *ctx, const mb_model *model, float *out) {
    size_t at = 0;
    for (size_t i = 0; i < 4; i++) {
        const mb_weight *weight = model->weights[i];
        const mb_quantizer_shape shape = mb_quantizer_shape_of(weight->rank, weight->dim);
        mb_quantizer_apply(
            &weight->quantizer, &shape, model->parameters + weight->offset, out + at);
        for (size_t k = 0; k < weight->count; k++) {
            if (!isfinite(out[at + k])) {
                return mb_fail(ctx, MB_ERR_NUMERIC,
                    "%s/%s: weight %zu is not finite; train it anew", weight->layer->name,
                    weight->name, k);
            }
        }
        at += parts[i];
    }
    return MB_OK;
}

typedef struct clipping {
    size_t n, first;
    float value;
} clipping;

static void convert(const mb_fixed *format, const float *values, uint8_t *words, clipping *c) {
    *c = (clipping){.n = 0};
    for (size_t i = 0; i < MB_ENCODER_WEIGHTS; i++) {
        bool is_outside = false;
        const int64_t n = mb_fixed_from_double(format, (double)values[i], &is_outside);
        words[i] = (uint8_t)((uint64_t)n & ((1U << MB_ENCODER_WEIGHT_BITS) - 1));
        if (is_outside && c->n++ == 0) {
            c->first = i;
            c->value = values[i];
        }
    }
}

static mb_status read_model(mb_context *ctx, const char *path, const char *name,
    const mb_fixed *format, bool is_saturating, uint8_t *weights, size_t *n_clipped) {
    mb_model *model = NULL;
    float values[MB_ENCODER_WEIGHTS];
    clipping c = {.n = 0};
    mb_status status = mb_model_load(ctx, path, &model);
    if (status == MB_OK) {
        status = check_shapes(ctx, path, model);
    }
    if (status == MB_OK) {
        status = take_weights(ctx, model, values);
    }
    if (status == MB_OK) {
        convert(format, values, weights, &c);
    }
    if (status == MB_OK && c.n > 0 && !is_saturating) {
        status = mb_fail(ctx, MB_ERR_RANGE,
            "%s: %zu weights lie outside %.5g .. %.5g of format %s (weight %zu is %.6g); take the "
            "other format, or clip them with --saturate",
            path, c.n, mb_fixed_to_double(format, mb_fixed_least(format)),
            mb_fixed_to_double(format, mb_fixed_most(format)), name, c.first, (double)c.value);
    }
    *n_clipped = c.n;
    mb_model_destroy(model);
    return status;
}

mb_status mb_encoder_weights_read(mb_context *ctx, const char *path, const char *format,
    bool is_saturating, uint8_t weights[MB_ENCODER_WEIGHTS], size_t *n_clipped) {
    mb_fixed fixed;
    *n_clipped = 0;
    MB_TRY(read_format(ctx, format, &fixed));
    if (!mb_path_has_suffix(path, ".txt")) {
        return read_model(ctx, path, format, &fixed, is_saturating, weights, n_clipped);
    }
    char *text = NULL;
    size_t length = 0;
    MB_TRY(mb_read_file(ctx, path, &text, &length));
    const mb_status status = mb_encoder_words_parse(ctx, path, text, length, weights);
    mb_release(ctx, text);
    return status;
}

struct mb_encoder {
    mb_context *ctx;
    mb_twin *twin;
    const mb_arrangement *image;
};

// The formats of the published training: activations unsigned, rounded to even, clipped.
static mb_status make_twin(
    mb_context *ctx, const float *values, const mb_fixed *weight, mb_twin **out) {
    const mb_fixed hidden = {
        .bits = 12, .integer = 3, .rounding = MB_FIXED_ROUND_EVEN, .overflow = MB_FIXED_SATURATE};
    mb_fixed output = hidden;
    output.bits = MB_OUTPUT_BITS;
    output.integer = 1;
    const mb_fixed charge = {.bits = 11,
        .integer = 4, // with the sign
        .is_signed = true,
        .rounding = MB_FIXED_ROUND_EVEN,
        .overflow = MB_FIXED_SATURATE};
    const mb_twin_layer layers[] = {
        {.kind = "conv2d",
            .name = "conv2d",
            .units = 8,
            .window = {3, 3},
            .stride = {2, 2},
            .is_same = true,
            .weights = values,
            .bias = values + MB_ENCODER_CONV,
            .weight = *weight,
            .bias_format = *weight,
            .result = hidden},
        {.kind = "flatten", .name = "flatten"},
        {.kind = "dense",
            .name = "encoded_vector",
            .units = MB_CHIP_OUTPUTS,
            .weights = values + MB_ENCODER_CONV + MB_ENCODER_CONV_BIAS,
            .bias = values + MB_ENCODER_CONV + MB_ENCODER_CONV_BIAS + MB_ENCODER_DENSE,
            .weight = *weight,
            .bias_format = *weight,
            .result = output},
    };
    const mb_twin_program program = {.input = {.rank = 3, .dim = {8, 8, 1}},
        .input_format = charge,
        .layers = layers,
        .n_layers = MB_COUNT_OF(layers)};
    return mb_twin_create(ctx, &program, NULL, 0, out);
}

mb_status mb_encoder_create(mb_context *ctx, const uint8_t weights[MB_ENCODER_WEIGHTS],
    const char *format, mb_encoder **out) {
    mb_fixed fixed;
    float values[MB_ENCODER_WEIGHTS];
    *out = NULL;
    MB_TRY(read_format(ctx, format, &fixed));
    const int sign = 1 << (MB_ENCODER_WEIGHT_BITS - 1);
    for (size_t i = 0; i < MB_ENCODER_WEIGHTS; i++) {
        values[i] = (float)mb_fixed_to_double(&fixed, (weights[i] ^ sign) - sign);
    }
    mb_encoder *encoder = mb_allocate_zeroed(ctx, 1, sizeof *encoder);
    if (encoder == NULL) {
        return MB_ERR_MEMORY;
    }
    encoder->ctx = ctx;
    mb_status status = mb_arrangement_get(ctx, "8x8", &encoder->image);
    if (status == MB_OK) {
        status = make_twin(ctx, values, &fixed, &encoder->twin);
    }
    if (status != MB_OK) {
        mb_encoder_destroy(encoder);
        return status;
    }
    *out = encoder;
    return MB_OK;
}

void mb_encoder_destroy(mb_encoder *encoder) {
    if (encoder != NULL) {
        mb_twin_destroy(encoder->twin);
        mb_release(encoder->ctx, encoder);
    }
}

// Eight fraction bits of charge / 2^floor(log2 sum), half to even: the quotient is below 2, so that
// adding and taking off 1.5 * 2^23 leaves whole numbers of 1/256.
static void normalise(const float *charges, unsigned exponent, float *cells) {
    const float up = 12582912;
    float scale = 256;
    for (unsigned i = 0; i < exponent; i++) {
        scale *= 0.5F;
    }
    for (size_t i = 0; i < MB_CHIP_CELLS; i++) {
        const float sum = charges[i] * scale + up;
        cells[i] = (sum - up) * (1.0F / 256);
    }
}

static uint32_t take_image(const mb_arrangement *image, const uint32_t *charges, float *pixels) {
    float limited[MB_CHIP_CELLS]; // exact: 22 bits
    float cells[MB_CHIP_CELLS];
    uint32_t sum = 0;
    for (size_t i = 0; i < MB_CHIP_CELLS; i++) {
        const uint32_t charge = charges[i] < MB_CHIP_CHARGE_MOST ? charges[i] : MB_CHIP_CHARGE_MOST;
        limited[i] = (float)(int32_t)charge;
        sum += charge;
    }
    sum = sum < MB_CHIP_CHARGE_MOST ? sum : MB_CHIP_CHARGE_MOST;
    unsigned exponent = 0;
    while (sum >> exponent > 1) {
        exponent++;
    }
    normalise(limited, exponent, cells);
    mb_arrangement_image(image, cells, pixels);
    return sum;
}

mb_status mb_encoder_run(
    mb_context *ctx, mb_encoder *encoder, const uint32_t *charges, size_t n, mb_chip_content *out) {
    enum { PIXELS = 64 };
    float *images = mb_allocate(ctx, n * PIXELS, sizeof *images);
    int64_t *outputs = mb_allocate(ctx, n * MB_CHIP_OUTPUTS, sizeof *outputs);
    mb_status status = images != NULL && outputs != NULL ? MB_OK : MB_ERR_MEMORY;
    for (size_t i = 0; status == MB_OK && i < n; i++) {
        const uint32_t sum =
            take_image(encoder->image, charges + i * MB_CHIP_CELLS, images + i * PIXELS);
        out[i] =
            (mb_chip_content){.sum = mb_float_encode(mb_float_5e4m(), sum), .n = MB_CHIP_OUTPUTS};
    }
    if (status == MB_OK) {
        const mb_twin_rows rows = {.f32 = images};
        status = mb_twin_predict(ctx, encoder->twin, &rows, n, outputs, NULL);
    }
    for (size_t i = 0; status == MB_OK && i < n; i++) {
        for (size_t k = 0; k < MB_CHIP_OUTPUTS; k++) {
            out[i].code[k] = (uint16_t)outputs[i * MB_CHIP_OUTPUTS + k];
        }
    }
    mb_release(ctx, images);
    mb_release(ctx, outputs);
    return status;
}
