// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/activation.h"

#include "base/math.h"
#include "network/quantizer.h"

// Scaled exponential linear unit: Klambauer et al. 2017, with Keras's constants.
static const float selu_alpha = 1.67326324F;
static const float selu_scale = 1.05070098F;

static void linear_forward(const double *parameters, float *values, size_t n, size_t channels) {
    (void)parameters;
    (void)values;
    (void)n;
    (void)channels;
}

static void linear_backward(
    const double *parameters, const float *y, float *gradient, size_t n, size_t channels) {
    (void)y;
    linear_forward(parameters, gradient, n, channels);
}

static void relu_forward(const double *parameters, float *values, size_t n, size_t channels) {
    (void)parameters;
    (void)channels;
    for (size_t i = 0; i < n; i++) {
        values[i] = 0 > values[i] ? 0 : values[i]; // keeps NaN
    }
}

static void relu_backward(
    const double *parameters, const float *y, float *gradient, size_t n, size_t channels) {
    (void)parameters;
    (void)channels;
    for (size_t i = 0; i < n; i++) {
        gradient[i] = y[i] > 0 ? gradient[i] : 0;
    }
}

static void leaky_relu_forward(const double *parameters, float *values, size_t n, size_t channels) {
    const float slope = (float)parameters[0];
    (void)channels;
    for (size_t i = 0; i < n; i++) {
        values[i] = 0 > values[i] ? slope * values[i] : values[i];
    }
}

static void leaky_relu_backward(
    const double *parameters, const float *y, float *gradient, size_t n, size_t channels) {
    const float slope = (float)parameters[0];
    (void)channels;
    for (size_t i = 0; i < n; i++) {
        gradient[i] = y[i] > 0 ? gradient[i] : slope * gradient[i];
    }
}

static void elu_forward(const double *parameters, float *values, size_t n, size_t channels) {
    (void)channels;
    for (size_t i = 0; i < n; i++) {
        if (0 > values[i]) {
            values[i] = (float)(parameters[0] * mb_expm1((double)values[i]));
        }
    }
}

static void elu_backward(
    const double *parameters, const float *y, float *gradient, size_t n, size_t channels) {
    const float alpha = (float)parameters[0];
    (void)channels;
    for (size_t i = 0; i < n; i++) {
        gradient[i] = y[i] > 0 ? gradient[i] : gradient[i] * (y[i] + alpha);
    }
}

static void selu_forward(const double *parameters, float *values, size_t n, size_t channels) {
    (void)parameters;
    (void)channels;
    for (size_t i = 0; i < n; i++) {
        values[i] = selu_scale *
                    (0 > values[i] ? selu_alpha * (float)mb_expm1((double)values[i]) : values[i]);
    }
}

static void selu_backward(
    const double *parameters, const float *y, float *gradient, size_t n, size_t channels) {
    (void)parameters;
    (void)channels;
    for (size_t i = 0; i < n; i++) {
        gradient[i] *= y[i] > 0 ? selu_scale : y[i] + selu_scale * selu_alpha;
    }
}

static void sigmoid_forward(const double *parameters, float *values, size_t n, size_t channels) {
    (void)parameters;
    (void)channels;
    for (size_t i = 0; i < n; i++) {
        values[i] = mb_sigmoidf(values[i]);
    }
}

static void sigmoid_backward(
    const double *parameters, const float *y, float *gradient, size_t n, size_t channels) {
    (void)parameters;
    (void)channels;
    for (size_t i = 0; i < n; i++) {
        gradient[i] *= y[i] * (1 - y[i]);
    }
}

static void tanh_forward(const double *parameters, float *values, size_t n, size_t channels) {
    (void)parameters;
    (void)channels;
    for (size_t i = 0; i < n; i++) {
        values[i] = mb_tanhf(values[i]);
    }
}

static void tanh_backward(
    const double *parameters, const float *y, float *gradient, size_t n, size_t channels) {
    (void)parameters;
    (void)channels;
    for (size_t i = 0; i < n; i++) {
        gradient[i] *= 1 - y[i] * y[i];
    }
}

static void softplus_forward(const double *parameters, float *values, size_t n, size_t channels) {
    (void)parameters;
    (void)channels;
    for (size_t i = 0; i < n; i++) {
        const double x = (double)values[i];
        values[i] = (float)((x > 0 ? x : 0) + mb_log1p(mb_exp(x > 0 ? -x : x)));
    }
}

static void softplus_backward(
    const double *parameters, const float *y, float *gradient, size_t n, size_t channels) {
    (void)parameters;
    (void)channels;
    for (size_t i = 0; i < n; i++) {
        gradient[i] *= (float)-mb_expm1(-(double)y[i]);
    }
}

static void softmax_forward(const double *parameters, float *values, size_t n, size_t channels) {
    (void)parameters;
    for (size_t first = 0; first < n; first += channels) {
        float *group = values + first;
        float most = group[0];
        for (size_t i = 1; i < channels; i++) {
            most = group[i] > most ? group[i] : most;
        }
        float sum = 0;
        for (size_t i = 0; i < channels; i++) {
            group[i] = mb_expf(group[i] - most);
            sum += group[i];
        }
        for (size_t i = 0; i < channels; i++) {
            group[i] /= sum;
        }
    }
}

static void softmax_backward(
    const double *parameters, const float *y, float *gradient, size_t n, size_t channels) {
    (void)parameters;
    for (size_t first = 0; first < n; first += channels) {
        float sum = 0;
        for (size_t i = first; i < first + channels; i++) {
            sum += gradient[i] * y[i];
        }
        for (size_t i = first; i < first + channels; i++) {
            gradient[i] = y[i] * (gradient[i] - sum);
        }
    }
}

static const mb_activation_ops linear = {
    "linear", true, linear_forward, linear_backward, {0, 0}, false, MB_ACTIVATION_NO_KERNEL};
static const mb_activation_ops relu = {
    "relu", true, relu_forward, relu_backward, {0, 0}, false, MB_ACTIVATION_RECTIFY};
static const mb_activation_ops leaky_relu = {"leaky_relu", false, leaky_relu_forward,
    leaky_relu_backward, {0.2, 0}, false, MB_ACTIVATION_NO_KERNEL};
static const mb_activation_ops elu = {
    "elu", false, elu_forward, elu_backward, {1, 0}, false, MB_ACTIVATION_NO_KERNEL};
static const mb_activation_ops selu = {
    "selu", false, selu_forward, selu_backward, {0, 0}, false, MB_ACTIVATION_NO_KERNEL};
static const mb_activation_ops sigmoid = {
    "sigmoid", false, sigmoid_forward, sigmoid_backward, {0, 0}, false, MB_ACTIVATION_SIGMOID};
static const mb_activation_ops hyperbolic_tangent = {
    "tanh", false, tanh_forward, tanh_backward, {0, 0}, false, MB_ACTIVATION_NO_KERNEL};
static const mb_activation_ops softmax = {
    "softmax", false, softmax_forward, softmax_backward, {0, 0}, true, MB_ACTIVATION_SOFTMAX};
static const mb_activation_ops softplus = {
    "softplus", false, softplus_forward, softplus_backward, {0, 0}, false, MB_ACTIVATION_NO_KERNEL};

const mb_activation_ops *const mb_activation_list[] = {&linear, &relu, &leaky_relu, &elu, &selu,
    &sigmoid, &hyperbolic_tangent, &softmax, &softplus, NULL};

const mb_activation_ops *mb_activation_find(const char *name) {
    if (name == NULL || mb_quantizer_is_text(name)) {
        return &linear;
    }
    for (size_t i = 0; mb_activation_list[i] != NULL; i++) {
        if (strcmp(mb_activation_list[i]->name, name) == 0) {
            return mb_activation_list[i];
        }
    }
    return NULL;
}

mb_status mb_activation_read(mb_context *ctx, const char *name, const mb_activation_ops **out) {
    *out = mb_activation_find(name);
    if (*out == NULL) {
        const char *names[32];
        size_t n = 0;
        while (mb_activation_list[n] != NULL && n < MB_COUNT_OF(names)) {
            names[n] = mb_activation_list[n]->name;
            n++;
        }
        const char *near = mb_nearest_name(name, names, n);
        return mb_fail(ctx, MB_ERR_UNSUPPORTED, "activation '%s' is not offered; %s%s", name,
            near != NULL ? "did you mean " : "see the list in the manual",
            near != NULL ? near : "");
    }
    return MB_OK;
}
