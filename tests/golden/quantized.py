# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes quantized.txt: small models of QKeras 0.9.0 (TensorFlow 2.15), what they predict, and steps of gradient descent.

python quantized.py > quantized.txt
Lines of a model: "model NAME", "json CONFIG", then hex float32: "weights", "x", "t" (targets), "before" (predictions), "losses" (mean
squared error of each step), "trained" (weights behind the last step) and "after" (predictions with them).
"""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
from qkeras import (QActivation, QBatchNormalization, QConv1D, QConv2D, QConv2DBatchnorm, QDense, QDepthwiseConv2D, QSeparableConv2D)
from tensorflow.keras import Sequential, layers

STEPS, RATE, ROWS = 4, 0.05, 12


def hexes(array):
    return " ".join("%x" % v for v in np.ascontiguousarray(array, np.float32).reshape(-1).view(np.uint32))


def numbers(shape, salt):
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    return (((i * 7919 + salt * 104729 + 13) % 1009) / 1009 * 2 - 1).astype(np.float32).reshape(shape)


def flat(model):
    return np.concatenate([w.reshape(-1).astype(np.float32) for layer in model.layers for w in layer.get_weights()])


def weights_of(layer, salt):
    out = []
    for k, (variable, value) in enumerate(zip(layer.weights, layer.get_weights())):
        drawn = numbers(value.shape, salt + k) * 0.8
        if "iteration" in variable.name:
            drawn = value
        elif "gamma" in variable.name or "variance" in variable.name:
            drawn = np.abs(drawn) + 0.4
        out.append(drawn)
    return out


def run(name, shape, *stack, rows=ROWS):
    model = Sequential([layers.Input(shape), *stack], name=name)
    for k, layer in enumerate(model.layers):
        layer.set_weights(weights_of(layer, 100 * k + len(name)))
    x = numbers((rows, *shape), 7) * 2
    t = numbers((rows, *model.output_shape[1:]), 8)
    print("model", name)
    print("json", model.to_json())
    print("weights", hexes(flat(model)))
    print("x", hexes(x))
    print("t", hexes(t))
    print("before", hexes(model(x, training=False)))
    optimizer = tf.keras.optimizers.SGD(RATE)
    losses = []
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x, training=True) - t) ** 2)
        losses.append(float(loss))
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
    print("losses", hexes(losses))
    print("trained", hexes(flat(model)))
    print("after", hexes(model(x, training=False)))


K = "quantized_bits(8,1,1,alpha=1)"
B = "quantized_bits(8,3,1)"
run("plain", (6, 5, 2), QConv2D(3, 3, kernel_quantizer=K, bias_quantizer=B), QActivation("quantized_relu(6,2)"), layers.Flatten(),
    QDense(4, kernel_quantizer="quantized_bits(5,1,1)", bias_quantizer="quantized_bits(5,1)"), QActivation("quantized_tanh(6)"),
    QDense(2, kernel_quantizer="quantized_bits(7,0,1,alpha='auto')", use_bias=False))
run("kinds", (8, 6, 2), QDepthwiseConv2D(2, depthwise_quantizer="quantized_bits(6,0,1)", bias_quantizer=B, activation="quantized_relu(8,3)"),
    QSeparableConv2D(3, 2, depthwise_quantizer=K, pointwise_quantizer="quantized_po2(4)", bias_quantizer=B),
    QActivation("quantized_sigmoid(7)"), layers.Flatten(),
    QDense(3, kernel_quantizer="ternary()", bias_quantizer=B))
run("line", (9, 3), QConv1D(4, 3, strides=2, kernel_quantizer="quantized_bits(6,1,1,alpha='auto')", bias_quantizer=None),
    QActivation("quantized_hswish(8,2)"), layers.Flatten(), QDense(2, kernel_quantizer="binary(alpha=0.5)", activation="quantized_bits(8,2)"))
run("folded_ema", (5, 5, 2), QConv2DBatchnorm(3, 2, kernel_quantizer=K, bias_quantizer=B), QActivation("quantized_relu(10,6)"),
    layers.Flatten(), QDense(2, kernel_quantizer=K, bias_quantizer=B))
run("folded_batch", (5, 5, 2), QConv2DBatchnorm(3, 3, padding="same", strides=2, kernel_quantizer="quantized_bits(8,1,1,alpha='auto_po2')", bias_quantizer=B,
                                              folding_mode="batch_stats_folding", use_bias=False),
    QActivation("quantized_relu(10,6)"), layers.Flatten(), QDense(2, kernel_quantizer=K, bias_quantizer=B))
run("folded_frozen", (4, 5, 2), QConv2DBatchnorm(2, 2, kernel_quantizer=K, bias_quantizer=B, ema_freeze_delay=1),
    layers.Flatten(), QDense(2, kernel_quantizer=K, bias_quantizer=B))
run("normalized", (4, 3, 5), QBatchNormalization(), layers.Flatten(), QDense(2, kernel_quantizer=K, bias_quantizer=B))
Q = "quantized_bits(10,2,1,alpha='auto')"
run("normalized_bits", (6,), QDense(5, kernel_quantizer=K, bias_quantizer=B),
    QBatchNormalization(gamma_quantizer=Q, beta_quantizer=Q, mean_quantizer=Q, variance_quantizer=Q), QActivation("quantized_relu(8,3)"),
    QDense(2, kernel_quantizer=K, bias_quantizer=B))
