// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/dropout.h"

#include "kernels/bits.h"
#include "network/lanes.h"

#include <math.h>

// Layers that do something random in training and nothing in prediction. A number depends on the
// seed, the layer's name, the training step, the row in the batch and the place in the row alone.
// The calls of a shared layer draw the same numbers.

typedef struct dropout_options {
    double rate, stddev;
    int data_format;
} dropout_options;

#define RATE                                                                                       \
    {                                                                                              \
        "rate", MB_OPTION_REAL, offsetof(dropout_options, rate), NULL, 0, 0.999999, NULL, NULL,    \
            "fraction that is dropped"                                                             \
    }
#define DATA_FORMAT                                                                                \
    {                                                                                              \
        "data_format", MB_OPTION_CHOICE, offsetof(dropout_options, data_format), "channels_last",  \
            0, 0, mb_data_format_names, NULL, "where the channels are"                             \
    }

static const mb_option dropout_table[] = {RATE, MB_OPTIONS_END};
static const mb_option spatial_table[] = {RATE, DATA_FORMAT, MB_OPTIONS_END};
static const mb_option noise_table[] = {
    {"stddev", MB_OPTION_REAL, offsetof(dropout_options, stddev), NULL, 0, 1e30, NULL, NULL,
        "standard deviation of the noise"},
    MB_OPTIONS_END};

typedef struct dropout_plan {
    size_t n_drawn;   // numbers drawn per row
    size_t per_drawn; // positions that share one: element i takes number i % n_drawn
    mb_dropout choice;
    double deviation;
} dropout_plan;

static bool is_channels_first(const mb_layer *layer) {
    return ((const dropout_options *)layer->options)->data_format == 1;
}

static mb_status infer_same(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    (void)ctx;
    (void)model;
    (void)layer;
    (void)n_inputs;
    *output = *inputs;
    return MB_OK;
}

static mb_random stream_of(
    const dropout_plan *plan, const mb_rows *rows, size_t row, mb_purpose purpose) {
    return mb_random_stream(
        rows->seed ^ plan->choice.salt, purpose, rows->step, (uint32_t)(rows->first + row));
}

// Factors of a row, drawn again in the backward pass: cheaper than keeping them.
static void draw_mask(const dropout_plan *plan, const mb_rows *rows, size_t row, float *factor) {
    mb_random random = stream_of(plan, rows, row, MB_PURPOSE_DROPOUT);
    for (size_t i = 0; i < plan->n_drawn; i++) {
        factor[i] = mb_random_u32(&random) < plan->choice.threshold ? 0 : plan->choice.scale;
    }
}

static void draw_factors(const dropout_plan *plan, const mb_rows *rows, size_t row, float *factor) {
    mb_random random = stream_of(plan, rows, row, MB_PURPOSE_NOISE);
    for (size_t i = 0; i < plan->n_drawn; i++) {
        factor[i] = (float)(1 + plan->deviation * mb_random_normal(&random));
    }
}

typedef void (*draw_fn)(const dropout_plan *plan, const mb_rows *rows, size_t row, float *factor);

static void multiply(const mb_step *step, const mb_rows *rows, draw_fn draw) {
    const dropout_plan *plan = step->data;
    float *factor = rows->scratch;
    for (size_t r = 0; r < rows->n; r++) {
        const float *in = rows->in[0] + r * step->out_size;
        float *out = rows->out + r * step->out_size;
        draw(plan, rows, r, factor);
        for (size_t p = 0; p < plan->per_drawn; p++) {
            for (size_t i = 0; i < plan->n_drawn; i++) {
                const float x = in[p * plan->n_drawn + i];
                out[p * plan->n_drawn + i] = factor[i] == 0 ? 0 : x * factor[i];
            }
        }
    }
}

static void multiply_back(const mb_step *step, const mb_rows *rows, draw_fn draw) {
    const dropout_plan *plan = step->data;
    float *factor = rows->scratch;
    for (size_t r = 0; r < rows->n && rows->d_in[0] != NULL; r++) {
        const float *d_out = rows->d_out + r * step->out_size;
        float *d_in = rows->d_in[0] + r * step->out_size;
        draw(plan, rows, r, factor);
        for (size_t p = 0; p < plan->per_drawn; p++) {
            for (size_t i = 0; i < plan->n_drawn; i++) {
                d_in[p * plan->n_drawn + i] += d_out[p * plan->n_drawn + i] * factor[i];
            }
        }
    }
}

// In lanes, sample by sample.
static void multiply_lanes(const mb_step *step, const mb_rows *rows, draw_fn draw) {
    const dropout_plan *plan = step->data;
    float *factor = rows->scratch;
    memset(rows->out, 0, step->out_size * MB_SAMPLES * sizeof *rows->out);
    for (size_t r = 0; r < rows->n_samples; r++) {
        draw(plan, rows, r, factor);
        for (size_t i = 0; i < step->out_size; i++) {
            const float x = rows->in[0][i * MB_SAMPLES + r];
            const float f = factor[i % plan->n_drawn];
            rows->out[i * MB_SAMPLES + r] = f == 0 ? 0 : x * f;
        }
    }
}

static void multiply_lanes_back(const mb_step *step, const mb_rows *rows, draw_fn draw) {
    const dropout_plan *plan = step->data;
    float *factor = rows->scratch;
    for (size_t r = 0; r < rows->n_samples && rows->d_in[0] != NULL; r++) {
        draw(plan, rows, r, factor);
        for (size_t i = 0; i < step->out_size; i++) {
            rows->d_in[0][i * MB_SAMPLES + r] +=
                rows->d_out[i * MB_SAMPLES + r] * factor[i % plan->n_drawn];
        }
    }
}

static void forward_mask_lanes(const mb_step *step, const mb_rows *rows) {
    multiply_lanes(step, rows, draw_mask);
}

static void backward_mask_lanes(const mb_step *step, const mb_rows *rows) {
    multiply_lanes_back(step, rows, draw_mask);
}

static void forward_factors_lanes(const mb_step *step, const mb_rows *rows) {
    multiply_lanes(step, rows, draw_factors);
}

static void backward_factors_lanes(const mb_step *step, const mb_rows *rows) {
    multiply_lanes_back(step, rows, draw_factors);
}

void mb_dropout_draw(const mb_dropout *dropout, const mb_kernels *kernels, const mb_rows *rows,
    size_t row, size_t n, uint32_t *bits) {
    const mb_random stream = mb_random_stream(
        rows->seed ^ dropout->salt, MB_PURPOSE_DROPOUT, rows->step, (uint32_t)(rows->first + row));
    kernels->bits->draw(&stream, n, dropout->threshold, bits);
}

// A number for each place: as bits.
static void forward_bits(const mb_step *step, const mb_rows *rows) {
    const dropout_plan *plan = step->data;
    const size_t n = step->out_size;
    uint32_t *bits = rows->scratch;
    for (size_t r = 0; r < rows->n; r++) {
        mb_dropout_draw(&plan->choice, step->kernels, rows, r, n, bits);
        step->kernels->bits->keep(
            n, rows->in[0] + r * n, bits, 0, plan->choice.scale, rows->out + r * n);
    }
}

static void backward_bits(const mb_step *step, const mb_rows *rows) {
    enum { PIECE = 1024 };
    const dropout_plan *plan = step->data;
    const size_t n = step->out_size;
    uint32_t *bits = rows->scratch;
    float kept[PIECE];
    for (size_t r = 0; r < rows->n && rows->d_in[0] != NULL; r++) {
        float *d_in = rows->d_in[0] + r * n;
        mb_dropout_draw(&plan->choice, step->kernels, rows, r, n, bits);
        for (size_t first = 0; first < n; first += PIECE) {
            const size_t n_piece = mb_min_size(PIECE, n - first);
            step->kernels->bits->keep(
                n_piece, rows->d_out + r * n + first, bits, first, plan->choice.scale, kept);
            for (size_t i = 0; i < n_piece; i++) {
                d_in[first + i] += kept[i];
            }
        }
    }
}

static void forward_mask(const mb_step *step, const mb_rows *rows) {
    multiply(step, rows, draw_mask);
}

static void backward_mask(const mb_step *step, const mb_rows *rows) {
    multiply_back(step, rows, draw_mask);
}

static void forward_factors(const mb_step *step, const mb_rows *rows) {
    multiply(step, rows, draw_factors);
}

static void backward_factors(const mb_step *step, const mb_rows *rows) {
    multiply_back(step, rows, draw_factors);
}

static void forward_noise_lanes(const mb_step *step, const mb_rows *rows) {
    const dropout_plan *plan = step->data;
    memcpy(rows->out, rows->in[0], step->out_size * MB_SAMPLES * sizeof *rows->out);
    for (size_t r = 0; r < rows->n_samples; r++) {
        mb_random random = stream_of(plan, rows, r, MB_PURPOSE_NOISE);
        for (size_t i = 0; i < step->out_size; i++) {
            rows->out[i * MB_SAMPLES + r] += (float)(plan->deviation * mb_random_normal(&random));
        }
    }
}

static void forward_noise(const mb_step *step, const mb_rows *rows) {
    const dropout_plan *plan = step->data;
    for (size_t r = 0; r < rows->n; r++) {
        mb_random random = stream_of(plan, rows, r, MB_PURPOSE_NOISE);
        for (size_t i = r * step->out_size; i < (r + 1) * step->out_size; i++) {
            rows->out[i] = rows->in[0][i] + (float)(plan->deviation * mb_random_normal(&random));
        }
    }
}

// FNV-1a.
static uint64_t hash_name(const char *name) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    }
    return hash;
}

void mb_dropout_read(const mb_layer *layer, mb_dropout *out) {
    const double rate = ((const dropout_options *)layer->options)->rate;
    *out = (mb_dropout){.threshold = (uint32_t)(rate * 4294967296.0),
        .scale = (float)(1 / (1 - rate)),
        .salt = hash_name(layer->name)};
}

static bool draws(const mb_step *step) {
    return step->is_training && !step->is_frozen;
}

static mb_status make_plan(
    mb_context *ctx, mb_plan_site *site, size_t n_drawn, dropout_plan **out) {
    mb_step *step = site->step;
    dropout_plan *plan = mb_arena_allocate(site->arena, ctx, 1, sizeof *plan);
    if (plan == NULL) {
        return MB_ERR_MEMORY;
    }
    plan->n_drawn = n_drawn;
    plan->per_drawn = step->out_size / n_drawn;
    mb_dropout_read(site->layer, &plan->choice);
    step->data = plan;
    step->scratch_bytes = (n_drawn + 16) * sizeof(float);
    *out = plan;
    return mb_layer_plan_copy(ctx, site);
}

static mb_status plan_mask(mb_context *ctx, mb_plan_site *site, size_t n_drawn) {
    dropout_plan *plan = NULL;
    MB_TRY(make_plan(ctx, site, n_drawn, &plan));
    if (draws(site->step) && plan->choice.threshold > 0) {
        site->step->forward = plan->per_drawn == 1 ? forward_bits : forward_mask;
        site->step->backward = plan->per_drawn == 1 ? backward_bits : backward_mask;
        site->step->lanes.forward = forward_mask_lanes;
        site->step->lanes.backward = backward_mask_lanes;
    }
    return MB_OK;
}

static mb_status plan_dropout(mb_context *ctx, mb_plan_site *site) {
    return plan_mask(ctx, site, site->step->out_size);
}

static mb_status plan_spatial(mb_context *ctx, mb_plan_site *site) {
    return plan_mask(ctx, site, site->step->out.dim[site->step->out.rank - 1]);
}

static mb_status plan_gaussian_dropout(mb_context *ctx, mb_plan_site *site) {
    const double rate = ((const dropout_options *)site->layer->options)->rate;
    dropout_plan *plan = NULL;
    MB_TRY(make_plan(ctx, site, site->step->out_size, &plan));
    plan->deviation = sqrt(rate / (1 - rate));
    if (draws(site->step)) {
        site->step->forward = forward_factors;
        site->step->backward = backward_factors;
        site->step->lanes.forward = forward_factors_lanes;
        site->step->lanes.backward = backward_factors_lanes;
    }
    return MB_OK;
}

static mb_status plan_gaussian_noise(mb_context *ctx, mb_plan_site *site) {
    dropout_plan *plan = NULL;
    MB_TRY(make_plan(ctx, site, site->step->out_size, &plan));
    plan->deviation = ((const dropout_options *)site->layer->options)->stddev;
    if (draws(site->step)) {
        site->step->forward = forward_noise;
        site->step->lanes.forward = forward_noise_lanes;
    }
    return MB_OK;
}

#define RANDOM_LAYER(title, class, table, text, plan_function)                                     \
    const mb_layer_ops mb_layer_##title = {                                                        \
        .name = #title,                                                                            \
        .class_name = class,                                                                       \
        .help = text,                                                                              \
        .options = table,                                                                          \
        .options_size = sizeof(dropout_options),                                                   \
        .least_inputs = 1,                                                                         \
        .most_inputs = 1,                                                                          \
        .layout = MB_LAYOUT_ANY,                                                                   \
        .infer = infer_same,                                                                       \
        .plan = plan_function,                                                                     \
    };

RANDOM_LAYER(
    dropout, "Dropout", dropout_table, "in training, numbers set to zero at random", plan_dropout)
RANDOM_LAYER(gaussian_dropout, "GaussianDropout", dropout_table,
    "in training, numbers multiplied by random ones around 1", plan_gaussian_dropout)
RANDOM_LAYER(gaussian_noise, "GaussianNoise", noise_table, "in training, random numbers added",
    plan_gaussian_noise)

#define SPATIAL_DROPOUT(dimensions, table)                                                         \
    static mb_status infer_spatial##dimensions(mb_context *ctx, mb_model *model, mb_layer *layer,  \
        const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {                     \
        mb_spatial spatial;                                                                        \
        MB_TRY(mb_spatial_of(ctx, inputs, dimensions, is_channels_first(layer), &spatial));        \
        return infer_same(ctx, model, layer, inputs, n_inputs, output);                            \
    }                                                                                              \
    const mb_layer_ops mb_layer_spatial_dropout##dimensions##d = {                                 \
        .name = "spatial_dropout" #dimensions "d",                                                 \
        .class_name = "SpatialDropout" #dimensions "D",                                            \
        .help = "in training, channels of " #dimensions "-dimensional rows set to zero at random", \
        .options = table,                                                                          \
        .options_size = sizeof(dropout_options),                                                   \
        .least_inputs = 1,                                                                         \
        .most_inputs = 1,                                                                          \
        .layout = MB_LAYOUT_CHANNELS,                                                              \
        .is_channels_first = is_channels_first,                                                    \
        .infer = infer_spatial##dimensions,                                                        \
        .plan = plan_spatial,                                                                      \
    };

// Keras's of one dimension has no data_format.
SPATIAL_DROPOUT(1, dropout_table)
SPATIAL_DROPOUT(2, spatial_table)
SPATIAL_DROPOUT(3, spatial_table)
