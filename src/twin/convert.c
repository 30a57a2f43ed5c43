// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/parts.h"

// Conversions of a tile: which numbers they need, in which type, and how they run.

static void run_convert32(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    kernels->convert32(&o->convert, o->n, in, out);
}

static void run_convert64(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    kernels->convert64(&o->convert, o->n, in, out);
}

// Reals into integers: in vectors where all are small enough, else one by one.
static void run_quantise(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    float *x = in;
    const size_t n = o->n * MB_TILE;
    for (size_t i = 0; o->is_relu && i < n; i++) {
        x[i] = x[i] < 0 ? 0 : x[i];
    }
    if (o->has_reader && kernels->read_f32(&o->reader, x, n, out)) {
        return;
    }
    int32_t *narrow = out;
    int64_t *wide = out;
    for (size_t i = 0; i < n; i++) {
        const int64_t value = mb_fixed_from_double(&o->target, x[i], NULL);
        if (o->target.bits > 31) {
            wide[i] = value;
        } else {
            narrow[i] = (int32_t)value;
        }
    }
}

static void run_relu(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    const float *x = in;
    float *y = out;
    (void)kernels;
    for (size_t i = 0; i < o->n * MB_TILE; i++) {
        y[i] = x[i] < 0 ? 0 : x[i];
    }
}

bool mb_twin_reader_of(const mb_fixed *format, mb_fixed_reader *out) {
    const int exponent = mb_fixed_exponent(format);
    // Only scaling up is exact for all floats; 2^120 keeps the factor itself a float.
    if (format->bits > 31 || exponent > 0 || exponent < -120 ||
        format->rounding > MB_FIXED_ROUND_EVEN) {
        return false;
    }
    const bool is_wrap = format->overflow == MB_FIXED_WRAP;
    *out = (mb_fixed_reader){.factor = (float)mb_fixed_scale(1, -exponent),
        .has_half = format->rounding != MB_FIXED_TRUNCATE,
        .is_even = format->rounding == MB_FIXED_ROUND_EVEN,
        .mask = is_wrap ? (int32_t)((INT64_C(1) << format->bits) - 1) : -1,
        .sign = is_wrap && format->is_signed ? (int32_t)(INT64_C(1) << (format->bits - 1)) : 0,
        .least = (int32_t)mb_fixed_least(format),
        .most = (int32_t)mb_fixed_most(format),
        .is_zero_outside = format->overflow == MB_FIXED_SATURATE_ZERO};
    return true;
}

static mb_status convert_reals(
    twin_builder *builder, const mb_fixed *format, bool is_relu, bool is_accumulator) {
    if (format->bits == 0 && !is_relu) {
        return MB_OK;
    }
    twin_operation *operation = mb_twin_add_operation(builder);
    if (operation == NULL) {
        return mb_context_status(builder->ctx);
    }
    if (format->bits == 0) {
        operation->run = run_relu;
        return MB_OK;
    }
    operation->run = run_quantise;
    operation->target = *format;
    operation->is_relu = is_relu;
    operation->is_accumulator = is_accumulator;
    operation->has_reader = mb_twin_reader_of(format, &operation->reader);
    builder->value.store = format->bits > 31 ? STORE_I64 : STORE_I32;
    builder->value.exponent = mb_fixed_exponent(format);
    builder->value.least = mb_fixed_least(format);
    builder->value.most = mb_fixed_most(format);
    mb_twin_note_tile(builder);
    return MB_OK;
}

// The range behind a conversion, and whether it can change a value by its overflow rule.
static bool range_behind(
    const mb_fixed *format, const twin_value *value, int64_t *least, int64_t *most) {
    bool is_low, is_high;
    *least = mb_fixed_convert(format, value->least, value->exponent, &is_low);
    *most = mb_fixed_convert(format, value->most, value->exponent, &is_high);
    if (!is_low && !is_high) {
        return false;
    }
    if (format->overflow == MB_FIXED_WRAP || format->overflow == MB_FIXED_SATURATE_ZERO) {
        *least = mb_fixed_least(format);
        *most = mb_fixed_most(format);
    }
    return true;
}

static void set_rounding(mb_fixed_step *step, mb_fixed_rounding rounding) {
    const int64_t half = step->right == 0 ? 0 : INT64_C(1) << (step->right - 1);
    if (half == 0) {
        return;
    }
    switch (rounding) {
    case MB_FIXED_TRUNCATE:
        break;
    case MB_FIXED_ROUND:
        step->base = half;
        break;
    case MB_FIXED_ROUND_EVEN:
        step->base = half - 1;
        step->odd = 1;
        break;
    case MB_FIXED_TRUNCATE_ZERO:
        step->negative = 2 * half - 1;
        break;
    case MB_FIXED_ROUND_ZERO:
        step->base = half - 1;
        step->negative = 1;
        break;
    case MB_FIXED_ROUND_AWAY:
        step->base = half;
        step->negative = -1;
        break;
    case MB_FIXED_ROUND_DOWNWARD:
        step->base = half - 1;
        break;
    }
}

static bool fits32(int64_t least, int64_t most) {
    return least >= INT32_MIN && most <= INT32_MAX;
}

// Whether every number on the way fits into int32.
static bool is_narrow(const mb_fixed_step *step, const mb_fixed *format, const twin_value *value) {
    const int64_t half = step->right == 0 ? 0 : INT64_C(1) << (step->right - 1);
    return step->left <= 31 && step->right <= 31 && format->bits <= (format->is_signed ? 32 : 31) &&
           fits32(value->least, value->most) &&
           fits32(value->least * (INT64_C(1) << step->left),
               value->most * (INT64_C(1) << step->left)) &&
           fits32(value->least - half, value->most + half);
}

static void set_range(
    mb_fixed_step *step, const mb_fixed *format, bool can_overflow, bool is_relu, bool narrow) {
    const int64_t lowest = narrow ? INT32_MIN : INT64_MIN;
    const bool is_wrap = format->overflow == MB_FIXED_WRAP;
    step->floor = is_relu ? 0 : lowest;
    step->mask = -1;
    step->least = lowest;
    step->most = narrow ? INT32_MAX : INT64_MAX;
    if (can_overflow && is_wrap) {
        step->mask = (int64_t)((UINT64_C(1) << format->bits) - 1);
        step->sign = format->is_signed ? INT64_C(1) << (format->bits - 1) : 0;
    } else if (can_overflow) {
        step->least = mb_fixed_least(format);
        step->most = mb_fixed_most(format);
        step->is_zero_outside = format->overflow == MB_FIXED_SATURATE_ZERO;
    }
}

static mb_status convert_integers(
    twin_builder *builder, const mb_fixed *format, bool is_relu, bool is_accumulator) {
    const int shift = builder->value.exponent - mb_fixed_exponent(format);
    mb_fixed_step step = {.left = shift > 0 ? (unsigned)shift : 0,
        // Of values below 2^61 nothing but the sign is left after 62 places.
        .right = shift >= 0    ? 0
                 : shift < -62 ? 62
                               : (unsigned)-shift};
    int64_t unused, least, most;
    if (is_relu) {
        builder->value.least = builder->value.least < 0 ? 0 : builder->value.least;
        builder->value.most = builder->value.most < 0 ? 0 : builder->value.most;
    }
    if (step.left > 61 ||
        !mb_twin_multiply(builder->value.least, INT64_C(1) << step.left, &unused) ||
        !mb_twin_multiply(builder->value.most, INT64_C(1) << step.left, &unused)) {
        char text[MB_FIXED_TEXT_SIZE];
        return mb_fail(builder->ctx, MB_ERR_UNSUPPORTED,
            "converting to %s needs more than 61 bits; give the format fewer fraction bits",
            mb_fixed_text(format, text, sizeof text));
    }
    const bool can_overflow = range_behind(format, &builder->value, &least, &most);
    set_rounding(&step, format->rounding);
    const bool narrow = is_narrow(&step, format, &builder->value);
    set_range(&step, format, can_overflow, is_relu, narrow);
    MB_TRY(mb_twin_store_as(builder, narrow ? STORE_I32 : STORE_I64));
    twin_operation *operation = mb_twin_add_operation(builder);
    if (operation == NULL) {
        return mb_context_status(builder->ctx);
    }
    operation->run = narrow ? run_convert32 : run_convert64;
    operation->convert = step;
    operation->target = *format;
    operation->is_relu = is_relu;
    operation->is_accumulator = is_accumulator;
    builder->value.exponent = mb_fixed_exponent(format);
    builder->value.least = least;
    builder->value.most = most;
    return MB_OK;
}

// relu without a format.
static mb_status clip_negative(twin_builder *builder) {
    const bool narrow = fits32(builder->value.least, builder->value.most);
    if (builder->value.least >= 0) {
        return MB_OK;
    }
    MB_TRY(mb_twin_store_as(builder, narrow ? STORE_I32 : STORE_I64));
    twin_operation *operation = mb_twin_add_operation(builder);
    if (operation == NULL) {
        return mb_context_status(builder->ctx);
    }
    operation->run = narrow ? run_convert32 : run_convert64;
    operation->convert = (mb_fixed_step){.mask = -1,
        .least = narrow ? INT32_MIN : INT64_MIN,
        .most = narrow ? INT32_MAX : INT64_MAX};
    builder->value.least = 0;
    builder->value.most = builder->value.most < 0 ? 0 : builder->value.most;
    return MB_OK;
}

// Converts the value to a format (bits 0: leaves it). is_relu: negative values become 0 first.
static mb_status convert_value(
    twin_builder *builder, const mb_fixed *format, bool is_relu, bool is_accumulator) {
    const twin_value *value = &builder->value;
    if (value->store == STORE_REAL) {
        return convert_reals(builder, format, is_relu, is_accumulator);
    }
    if (format->bits == 0) {
        return is_relu ? clip_negative(builder) : MB_OK;
    }
    if (value->exponent == mb_fixed_exponent(format) && (!is_relu || value->least >= 0) &&
        value->least >= mb_fixed_least(format) && value->most <= mb_fixed_most(format)) {
        return MB_OK;
    }
    return convert_integers(builder, format, is_relu, is_accumulator);
}

static void run_scale(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    kernels->scale_f32(o->n, o->n_channels, o->scale, o->bias, in, out);
}

// The same of values that are real already.
static void run_scale_reals(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    const double *scale = o->scale;
    const double *bias = o->bias;
    const float *x = in;
    float *y = out;
    (void)kernels;
    for (size_t i = 0; i < o->n * MB_TILE; i++) {
        const size_t channel = i / MB_TILE % o->n_channels;
        y[i] = (float)((double)x[i] * scale[channel] + bias[channel]);
    }
}

// The real factor of each channel, and with it a bias that has no integer beside the sums.
static mb_status scale_reals(twin_builder *builder) {
    const mb_twin_layer *layer = builder->source;
    const mb_value_type *type = &builder->value.type;
    // Layers without units keep their input's channels.
    const size_t n = layer->units != 0 ? layer->units : type->dim[type->rank - 1];
    const bool is_real = builder->value.store == STORE_REAL;
    if (!is_real) {
        MB_TRY(mb_twin_store_as(builder, STORE_I64));
    }
    twin_operation *operation = mb_twin_add_operation(builder);
    double *scale = mb_twin_allocate(builder, n, sizeof *scale);
    double *bias = mb_twin_allocate(builder, n, sizeof *bias);
    if (operation == NULL || scale == NULL || bias == NULL) {
        return mb_context_status(builder->ctx);
    }
    for (size_t i = 0; i < n; i++) {
        scale[i] = mb_fixed_scale((double)layer->scale[i], is_real ? 0 : builder->value.exponent);
        bias[i] = layer->bias == NULL ? 0 : (double)layer->bias[i];
        if (layer->bias_format.bits != 0) {
            bias[i] = mb_fixed_to_double(
                &layer->bias_format, mb_fixed_from_double(&layer->bias_format, bias[i], NULL));
        }
    }
    operation->run = is_real ? run_scale_reals : run_scale;
    operation->n_channels = n;
    operation->scale = scale;
    operation->bias = bias;
    builder->value.store = STORE_REAL;
    return MB_OK;
}

mb_status mb_twin_finish_layer(twin_builder *builder, bool is_relu) {
    const mb_twin_layer *layer = builder->source;
    mb_twin_end_stage(builder, MB_TWIN_SUM);
    MB_TRY(convert_value(builder, &layer->accumulator, false, true));
    mb_twin_end_stage(builder, MB_TWIN_ACCUMULATOR);
    if (layer->scale != NULL) {
        MB_TRY(scale_reals(builder));
    }
    MB_TRY(convert_value(builder, &layer->result, is_relu, false));
    mb_twin_end_stage(builder, MB_TWIN_RESULT);
    return MB_OK;
}
