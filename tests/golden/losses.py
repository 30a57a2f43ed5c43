#!/usr/bin/env python3
# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes losses, gradients and metrics of Keras: python losses.py OUT.yaml

Run with Keras 2.15 for losses_keras2.yaml and with Keras 3 (KERAS_BACKEND=jax) for
losses_keras3.yaml.
"""
import sys

import numpy as np
import keras

IS_OLD = keras.__version__.startswith("2.")


def value_and_gradient(loss, target, output, weights):
    if IS_OLD:
        import tensorflow as tf
        x = tf.Variable(output)
        with tf.GradientTape() as tape:
            value = loss(target, x, sample_weight=weights)
        return float(value), tape.gradient(value, x).numpy()
    import jax
    function = lambda x: loss(target, x, sample_weight=weights)
    value, gradient = jax.value_and_grad(function)(output)
    return float(value), np.asarray(gradient)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def cases():
    random = np.random.RandomState(3)
    rows, classes = 6, 4
    yes = (random.uniform(size=(rows, 1)) > 0.5).astype(np.float32)
    many = (random.uniform(size=(rows, 3)) > 0.5).astype(np.float32)
    logits = random.normal(size=(rows, classes)).astype(np.float32) * 3
    labels = random.randint(classes, size=(rows, 1))
    hot = np.eye(classes, dtype=np.float32)[labels[:, 0]]
    # Keras 2 adds its epsilon to clipped probabilities once more, which small ones would show.
    sigmoid = lambda x: (1 / (1 + np.exp(-x / 2))).astype(np.float32)
    binary = [("binary_crossentropy", "BinaryCrossentropy", {}, yes, sigmoid(logits[:, :1])),
              ("binary_crossentropy", "BinaryCrossentropy", {}, many, sigmoid(logits[:, :3])),
              ("binary_crossentropy", "BinaryCrossentropy", {"label_smoothing": 0.1}, many,
               sigmoid(logits[:, :3])),
              ("binary_crossentropy", "BinaryCrossentropy", {"from_logits": True}, many,
               logits[:, :3] * 10)]
    if not IS_OLD:
        edge = np.array([[0.0], [1.0], [0.0], [1.0], [1e-8], [0.5]], np.float32)
        truth = np.array([[0], [1], [1], [0], [1], [0]], np.float32)
        binary.append(("binary_crossentropy", "BinaryCrossentropy", {}, truth, edge))
    several = [(name, kind, options, t, x)
               for name, kind, t in
               (("categorical_crossentropy", "CategoricalCrossentropy", hot),
                ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy", labels))
               for options, x in (({}, softmax(logits)), ({"from_logits": True}, logits),
                                  ({}, softmax(logits) * 1.3))
               # Keras 2 clips before it divides by the sum, for integer labels alone.
               if not (IS_OLD and name.startswith("sparse") and x.sum() > rows * 1.1 and
                       not options)]
    several.append(("categorical_crossentropy", "CategoricalCrossentropy",
                    {"label_smoothing": 0.2}, hot, softmax(logits)))
    several.append(("categorical_crossentropy", "CategoricalCrossentropy",
                    {"label_smoothing": 0.2, "from_logits": True}, hot, logits))
    real = random.normal(size=(rows, 3)).astype(np.float32)
    guess = real + random.normal(size=(rows, 3)).astype(np.float32)
    plain = [("mean_squared_error", "MeanSquaredError", {}, real, guess),
             ("mean_absolute_error", "MeanAbsoluteError", {}, real, guess),
             ("huber", "Huber", {}, real, guess),
             ("huber", "Huber", {"delta": 0.4}, real, guess),
             ("mean_squared_logarithmic_error", "MeanSquaredLogarithmicError", {}, real, guess)]
    for case in binary + several + plain:
        for weights in (None, np.array([1, 0.5, 2, 0, 1, 3], np.float32)):
            yield case + (weights,)


def text(values):
    return "[" + ", ".join(f"{float(v):.9g}" for v in np.ravel(values)) + "]"


def metrics(out):
    random = np.random.RandomState(5)
    truth = (random.uniform(size=(500, 1)) > 0.6).astype(np.float32)
    score = np.clip(0.3 * truth + 0.35 + 0.2 * random.normal(size=(500, 1)), 0, 1)
    score = score.astype(np.float32)
    out.write("keras_auc:\n")
    area = keras.metrics.AUC()
    area.update_state(truth, score)
    out.write(f"  target: {text(truth)}\n  output: {text(score)}\n")
    out.write(f"  value: {float(area.result()):.9g}\n")


def main():
    with open(sys.argv[1], "w") as out:
        out.write("# SPDX-FileCopyrightText: The minbias authors\n"
                  "# SPDX-License-Identifier: Apache-2.0\n"
                  f"# Made by tests/golden/losses.py with Keras {keras.__version__}.\n")
        out.write("cases:\n")
        for name, kind, options, target, output, weights in cases():
            loss = getattr(keras.losses, kind)(**options)
            output = output.astype(np.float32)
            value, gradient = value_and_gradient(loss, target, output, weights)
            keys = ", ".join(f"{k}: {str(v).lower()}" for k, v in options.items())
            out.write(f"  - loss: {{{name}: {{{keys}}}}}\n")
            out.write(f"    rows: {output.shape[0]}\n    channels: {output.shape[1]}\n")
            out.write(f"    target: {text(target)}\n    output: {text(output)}\n")
            out.write(f"    weights: {text(weights) if weights is not None else '[]'}\n")
            out.write(f"    value: {value:.9g}\n    gradient: {text(gradient)}\n")
        metrics(out)


main()
