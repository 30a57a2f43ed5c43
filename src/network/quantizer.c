// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/quantizer.h"

#define MB_QUANTIZER(name) &mb_quantizer_##name,
const mb_quantizer_ops *const mb_quantizer_list[] = {
#include "network/quantizers/quantizer_list.h"
    NULL};
#undef MB_QUANTIZER

mb_quantizer_shape mb_quantizer_shape_of(unsigned rank, const size_t *dim) {
    mb_quantizer_shape shape = {1, 1, 1, rank < 2};
    for (unsigned i = 0; i + 1 < rank; i++) {
        shape.outer *= dim[i];
    }
    shape.n_channels = rank > 0 ? dim[rank - 1] : 1;
    return shape;
}

void mb_quantizer_apply(
    const mb_quantizer *quantizer, const mb_quantizer_shape *shape, const float *x, float *y) {
    if (quantizer->ops != NULL) {
        quantizer->ops->apply(quantizer->options, shape, x, y);
    } else if (x != y) {
        memcpy(y, x, shape->outer * shape->n_channels * shape->inner * sizeof *y);
    }
}

void mb_quantizer_apply_each(const mb_quantizer *quantizer, const float *x, float *y, size_t n) {
    const mb_quantizer_shape shape = {n, 1, 1, false};
    mb_quantizer_apply(quantizer, &shape, x, y);
}

void mb_quantizer_differentiate(
    const mb_quantizer *quantizer, const float *x, float *gradient, size_t n) {
    if (quantizer->ops != NULL && quantizer->ops->differentiate != NULL) {
        quantizer->ops->differentiate(quantizer->options, x, gradient, n);
    }
}

void mb_quantizer_scales(
    const mb_quantizer *quantizer, const mb_quantizer_shape *shape, const float *x, float *scale) {
    if (quantizer->ops != NULL && quantizer->ops->scales != NULL) {
        quantizer->ops->scales(quantizer->options, shape, x, scale);
        return;
    }
    for (size_t i = 0; i < shape->n_channels; i++) {
        scale[i] = 1;
    }
}

bool mb_quantizer_format(const mb_quantizer *quantizer, double scale, mb_fixed *out) {
    return quantizer->ops != NULL && quantizer->ops->format != NULL &&
           quantizer->ops->format(quantizer->options, scale, out);
}

bool mb_quantizer_find_grid(const mb_quantizer *quantizer, mb_quantizer_grid *out) {
    return quantizer->ops != NULL && quantizer->ops->grid != NULL &&
           quantizer->ops->grid(quantizer->options, out);
}

unsigned mb_quantizer_bits(const mb_quantizer *quantizer) {
    return quantizer->ops != NULL ? quantizer->ops->bits(quantizer->options) : 32;
}
