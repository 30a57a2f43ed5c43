#!/usr/bin/env python3
# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes traces of Keras's optimisers: python optimizers.py OUT.yaml

Run with Keras 2.15 for optimizers_keras2.yaml and with Keras 3 (KERAS_BACKEND=jax) for
optimizers_keras3.yaml. Two variables of 4 and 2 numbers see 52 fixed gradients.
"""
import sys

import numpy as np
import keras

N_STEPS = 52
IS_OLD = keras.__version__.startswith("2.")
CASES = [
    ("sgd", "SGD", {"learning_rate": 0.05}),
    ("sgd", "SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    ("sgd", "SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    ("sgd", "SGD", {"learning_rate": 0.05, "clipnorm": 0.5}),
    ("sgd", "SGD", {"learning_rate": 0.05, "clipvalue": 0.25}),
    ("sgd", "SGD", {"learning_rate": 0.05, "global_clipnorm": 0.5}),
    ("rmsprop", "RMSprop", {"learning_rate": 0.01}),
    ("rmsprop", "RMSprop", {"learning_rate": 0.01, "momentum": 0.5, "rho": 0.8}),
    ("rmsprop", "RMSprop", {"learning_rate": 0.01, "centered": True, "epsilon": 0.001}),
    ("adam", "Adam", {"learning_rate": 0.01}),
    ("adam", "Adam", {"learning_rate": 0.01, "amsgrad": True, "beta_2": 0.9}),
    ("adam", "Adam", {"learning_rate": 0.01, "weight_decay": 0.1}),
    ("adamw", "AdamW", {"learning_rate": 0.01}),
    ("adamax", "Adamax", {"learning_rate": 0.01}),
    ("nadam", "Nadam", {"learning_rate": 0.01}),
]
if IS_OLD:
    # The one optimiser of today's packages that still has Keras 2.0's schedule.
    CASES.append(("nadam", "legacy.Nadam",
                  {"learning_rate": 0.002, "epsilon": 1e-8, "schedule_decay": 0.004}))


def make(name, options):
    if name == "legacy.Nadam":
        return keras.optimizers.legacy.Nadam(**options)
    return getattr(keras.optimizers, name)(**options)


def variables():
    first = np.array([1.0, -0.5, 0.25, 2.0], np.float32)
    second = np.array([-1.5, 0.75], np.float32)
    if IS_OLD:
        import tensorflow as tf
        return [tf.Variable(first), tf.Variable(second)]
    return [keras.Variable(first), keras.Variable(second)]


def apply(optimizer, gradients, weights):
    if IS_OLD:
        import tensorflow as tf
        optimizer.apply_gradients(
            [(tf.constant(g), w) for g, w in zip(gradients, weights)])
    else:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], weights)


def text(values):
    return "[" + ", ".join(np.format_float_scientific(v, unique=True, trim="0") if v else "0.0"
                           for v in np.asarray(values, np.float32)) + "]"


def main():
    random = np.random.RandomState(7)
    scale = np.array([1.0, 0.1, 0.01, 3.0, 0.5, 0.001])
    gradients = (random.normal(size=(N_STEPS, 6)) * scale + 0.2 * scale).astype(np.float32)
    gradients[20:23] = 0.0
    with open(sys.argv[1], "w") as out:
        out.write("# SPDX-FileCopyrightText: The minbias authors\n"
                  "# SPDX-License-Identifier: Apache-2.0\n"
                  f"# Made by tests/golden/optimizers.py with Keras {keras.__version__}.\n")
        out.write("gradients:\n")
        for g in gradients:
            out.write(f"  - {text(g)}\n")
        out.write("cases:\n")
        for name, kind, options in CASES:
            keys = ", ".join(f"{k}: {str(v).lower()}" for k, v in options.items())
            out.write(f"  - optimizer: {{{name}: {{{keys}}}}}\n    weights:\n")
            optimizer, weights = make(kind, options), variables()
            for g in gradients:
                apply(optimizer, [g[:4], g[4:]], weights)
                both = np.concatenate([np.asarray(w) for w in weights])
                out.write(f"      - {text(both)}\n")


main()
