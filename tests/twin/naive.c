// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "naive.h"

#include "testing.h"

#include <math.h>
#include <stdlib.h>

static double round_value(mb_fixed_rounding rounding, double y) {
    const double floor_y = floor(y);
    const double rest = y - floor_y;
    switch (rounding) {
    case MB_FIXED_TRUNCATE:
        return floor_y;
    case MB_FIXED_TRUNCATE_ZERO:
        return trunc(y);
    case MB_FIXED_ROUND:
        return rest >= 0.5 ? floor_y + 1 : floor_y;
    case MB_FIXED_ROUND_EVEN:
        return rest > 0.5 || (rest == 0.5 && fmod(floor_y, 2) != 0) ? floor_y + 1 : floor_y;
    case MB_FIXED_ROUND_ZERO:
        return rest > 0.5 || (rest == 0.5 && y < 0) ? floor_y + 1 : floor_y;
    case MB_FIXED_ROUND_AWAY:
        return rest > 0.5 || (rest == 0.5 && y > 0) ? floor_y + 1 : floor_y;
    case MB_FIXED_ROUND_DOWNWARD:
        return rest > 0.5 ? floor_y + 1 : floor_y;
    }
    return NAN;
}

double naive_convert(const mb_fixed *format, double value, bool *outside) {
    const double step = exp2(format->integer - format->bits);
    const double whole = exp2(format->bits);
    const double most = format->is_signed ? whole / 2 - 1 : whole - 1;
    const bool is_symmetric = format->overflow == MB_FIXED_SATURATE_SYMMETRIC;
    const double least = !format->is_signed ? 0 : is_symmetric ? -most : -most - 1;
    double y = round_value(format->rounding, value / step);
    *outside = y < least || y > most;
    if (*outside) {
        switch (format->overflow) {
        case MB_FIXED_WRAP:
            y = fmod(y, whole);
            y += y < 0 ? whole : 0;
            y -= format->is_signed && y >= whole / 2 ? whole : 0;
            break;
        case MB_FIXED_SATURATE_ZERO:
            y = 0;
            break;
        case MB_FIXED_SATURATE:
        case MB_FIXED_SATURATE_SYMMETRIC:
            y = y < least ? least : most;
            break;
        }
    }
    return y * step;
}

static double into(const mb_fixed *format, double value) {
    bool outside;
    return format->bits == 0 ? value : naive_convert(format, value, &outside);
}

typedef struct image {
    size_t n[3];
    double *x;
} image;

static double at(const image *i, ptrdiff_t row, ptrdiff_t column, size_t channel) {
    if (row < 0 || column < 0 || (size_t)row >= i->n[0] || (size_t)column >= i->n[1]) {
        return 0;
    }
    return i->x[((size_t)row * i->n[1] + (size_t)column) * i->n[2] + channel];
}

static bool is(const mb_twin_layer *layer, const char *kind) {
    return strcmp(layer->kind, kind) == 0;
}

static size_t stride_of(const mb_twin_layer *layer, size_t i) {
    return layer->stride[i] != 0 ? layer->stride[i] : is(layer, "conv2d") ? 1 : layer->window[i];
}

static ptrdiff_t begin_of(const mb_twin_layer *layer, const image *in, size_t i, size_t out) {
    const size_t stride = stride_of(layer, i);
    ptrdiff_t before = 0;
    if (layer->is_same) {
        const size_t n = (in->n[i] + stride - 1) / stride;
        const ptrdiff_t need =
            (ptrdiff_t)((n - 1) * stride + layer->window[i]) - (ptrdiff_t)in->n[i];
        before = need > 0 ? need / 2 : 0;
    }
    return (ptrdiff_t)(out * stride) - before;
}

static double one_window(
    const mb_twin_layer *layer, const image *in, ptrdiff_t row, ptrdiff_t column, size_t channel) {
    double sum = 0;
    double most = -INFINITY;
    for (size_t i = 0; i < layer->window[0]; i++) {
        for (size_t k = 0; k < layer->window[1]; k++) {
            const ptrdiff_t r = row + (ptrdiff_t)i;
            const ptrdiff_t c = column + (ptrdiff_t)k;
            const bool inside = r >= 0 && c >= 0 && (size_t)r < in->n[0] && (size_t)c < in->n[1];
            if (is(layer, "conv2d")) {
                for (size_t f = 0; f < in->n[2]; f++) {
                    const size_t w =
                        ((i * layer->window[1] + k) * in->n[2] + f) * layer->units + channel;
                    sum += at(in, r, c, f) * into(&layer->weight, (double)layer->weights[w]);
                }
            } else {
                sum += at(in, r, c, channel) / (double)(layer->window[0] * layer->window[1]);
                most = inside && at(in, r, c, channel) > most ? at(in, r, c, channel) : most;
            }
        }
    }
    return is(layer, "max_pooling") ? most : sum;
}

static void windows(const mb_twin_layer *layer, const image *in, image *out) {
    for (size_t i = 0; i < 2; i++) {
        out->n[i] = layer->is_same ? (in->n[i] + stride_of(layer, i) - 1) / stride_of(layer, i)
                                   : (in->n[i] - layer->window[i]) / stride_of(layer, i) + 1;
    }
    out->n[2] = is(layer, "conv2d") ? layer->units : in->n[2];
    double *x = out->x;
    for (size_t i = 0; i < out->n[0]; i++) {
        for (size_t k = 0; k < out->n[1]; k++) {
            for (size_t c = 0; c < out->n[2]; c++) {
                *x++ =
                    one_window(layer, in, begin_of(layer, in, 0, i), begin_of(layer, in, 1, k), c);
            }
        }
    }
}

static void dense(const mb_twin_layer *layer, const image *in, image *out) {
    *out = (image){{1, 1, layer->units}, out->x};
    for (size_t o = 0; o < layer->units; o++) {
        out->x[o] = 0;
        for (size_t i = 0; i < in->n[2]; i++) {
            out->x[o] +=
                in->x[i] * into(&layer->weight, (double)layer->weights[i * layer->units + o]);
        }
    }
}

static void up(const mb_twin_layer *layer, const image *in, image *out) {
    double *x = out->x;
    *out = (image){{in->n[0] * layer->window[0], in->n[1] * layer->window[1], in->n[2]}, x};
    for (size_t i = 0; i < out->n[0]; i++) {
        for (size_t k = 0; k < out->n[1]; k++) {
            for (size_t c = 0; c < out->n[2]; c++) {
                *x++ =
                    at(in, (ptrdiff_t)(i / layer->window[0]), (ptrdiff_t)(k / layer->window[1]), c);
            }
        }
    }
}

static void apply(const mb_twin_layer *layer, const image *in, image *out) {
    const size_t n = in->n[0] * in->n[1] * in->n[2];
    if (is(layer, "dense")) {
        dense(layer, in, out);
    } else if (is(layer, "up_sampling")) {
        up(layer, in, out);
    } else if (layer->window[0] != 0) {
        windows(layer, in, out);
    } else {
        memcpy(out->n, in->n, sizeof out->n);
        memcpy(out->x, in->x, n * sizeof *out->x);
        for (size_t i = 0; is(layer, "scale") && i < n; i++) {
            out->x[i] *= into(&layer->weight, (double)layer->weights[i % in->n[2]]);
        }
        if (is(layer, "flatten")) {
            *out = (image){{1, 1, n}, out->x};
        }
    }
}

// Bias, accumulator, real scale, result.
static void finish(const mb_twin_layer *layer, image *out, double **sums) {
    const size_t n = out->n[0] * out->n[1] * out->n[2];
    for (size_t i = 0; i < n; i++) {
        const size_t channel = i % out->n[2];
        const double bias =
            layer->bias == NULL ? 0 : into(&layer->bias_format, (double)layer->bias[channel]);
        double x = out->x[i] + (layer->scale == NULL ? bias : 0);
        if (*sums != NULL) {
            *(*sums)++ = x;
        }
        x = into(&layer->accumulator, x);
        if (layer->scale != NULL) {
            x = (double)(float)(x * (double)layer->scale[channel] + bias);
        }
        x = is(layer, "relu") && x < 0 ? 0 : x;
        out->x[i] = into(&layer->result, x);
    }
}

size_t naive_run(const mb_twin_program *program, const double *input, size_t most, double *values,
    double *sums, double *results) {
    double *memory = malloc(2 * most * sizeof *memory);
    assert_non_null(memory);
    image in = {{1, 1, 1}, memory};
    size_t n = 1;
    for (unsigned i = 0; i < program->input.rank; i++) {
        in.n[3 - program->input.rank + i] = program->input.dim[i];
        n *= program->input.dim[i];
    }
    for (size_t i = 0; i < n; i++) {
        in.x[i] = into(&program->input_format, input[i]);
    }
    for (size_t i = 0; i < program->n_layers; i++) {
        image out = {{0, 0, 0}, in.x == memory ? memory + most : memory};
        apply(&program->layers[i], &in, &out);
        n = out.n[0] * out.n[1] * out.n[2];
        assert_true(n <= most);
        finish(&program->layers[i], &out, &sums);
        if (results != NULL) {
            memcpy(results, out.x, n * sizeof *results);
            results += n;
        }
        in = out;
    }
    memcpy(values, in.x, n * sizeof *values);
    free(memory);
    return n;
}
