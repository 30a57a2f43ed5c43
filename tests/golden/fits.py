#!/usr/bin/env python3
# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the histories and last weights of trainings by Keras: python fits.py OUT.yaml

Run with Keras 2.15 for fits_keras2.yaml and with Keras 3 (KERAS_BACKEND=jax) for fits_keras3.yaml.
"""
import sys

import numpy as np
import keras

ROWS, EPOCHS = 44, 4


def network(outputs, l2):
    penalty = keras.regularizers.L2(0.01) if l2 else None
    last = "sigmoid" if outputs == 1 else "softmax"
    return keras.Sequential([
        keras.layers.Input((3,)),
        keras.layers.Dense(5, activation="relu", kernel_regularizer=penalty),
        keras.layers.Dense(outputs, activation=last)])


CASES = [
    {"loss": "binary_crossentropy", "outputs": 1, "l2": False,
     "optimizer": ("nadam", keras.optimizers.Nadam, {"learning_rate": 0.02})},
    {"loss": "binary_crossentropy", "outputs": 1, "l2": True, "class_weight": {0: 0.5, 1: 2.0},
     "optimizer": ("adam", keras.optimizers.Adam, {"learning_rate": 0.02})},
    {"loss": "sparse_categorical_crossentropy", "outputs": 3, "l2": True, "sample_weight": True,
     "optimizer": ("sgd", keras.optimizers.SGD, {"learning_rate": 0.1, "momentum": 0.9})},
]


def text(values):
    return "[" + ", ".join(f"{float(v):.9g}" for v in np.ravel(values)) + "]"


def main():
    random = np.random.RandomState(11)
    x = random.normal(size=(ROWS, 3)).astype(np.float32)
    score = x @ np.array([1.0, -2.0, 0.5]) + 0.3 * random.normal(size=ROWS)
    weights = random.choice([0.5, 1.0, 2.0], size=ROWS).astype(np.float32)
    with open(sys.argv[1], "w") as out:
        out.write("# SPDX-FileCopyrightText: The minbias authors\n"
                  "# SPDX-License-Identifier: Apache-2.0\n"
                  f"# Made by tests/golden/fits.py with Keras {keras.__version__}.\n")
        out.write(f"x: {text(x)}\nweights: {text(weights)}\ncases:\n")
        for case in CASES:
            outputs = case["outputs"]
            y = (score > 0).astype(np.float32) if outputs == 1 else np.digitize(score, [-1, 1])
            model = network(outputs, case["l2"])
            first = [random.uniform(-0.8, 0.8, size=w.shape).astype(np.float32)
                     for w in model.get_weights()]
            model.set_weights(first)
            name, kind, options = case["optimizer"]
            # Eagerly: a traced step of Keras 2.15's Nadam counts its momentum per variable.
            model.compile(loss=case["loss"], optimizer=kind(**options), metrics=["accuracy"],
                          run_eagerly=keras.__version__.startswith("2."))
            class_weight = case.get("class_weight")
            history = model.fit(
                x, y, batch_size=8, epochs=EPOCHS, validation_split=0.25, shuffle=False, verbose=0,
                class_weight=class_weight,
                sample_weight=weights if case.get("sample_weight") else None).history
            keys = ", ".join(f"{k}: {v}" for k, v in options.items())
            train = [f"loss: {case['loss']}", f"optimizer: {{{name}: {{{keys}}}}}",
                     "metrics: [accuracy]", "batch: 8", f"epochs: {EPOCHS}", "validation: 0.25",
                     "shuffle: false"]
            if class_weight:
                train.append("class_weight: {0: 0.5, 1: 2.0}")
            if case.get("sample_weight"):
                train.append("sample_weight: weight")
            out.write("  - train: {" + ", ".join(train) + "}\n")
            out.write(f"    outputs: {outputs}\n    l2: {0.01 if case['l2'] else 0.0}\n")
            out.write(f"    target: {text(y)}\n")
            out.write(f"    first: {text(np.concatenate([w.ravel() for w in first]))}\n")
            last = np.concatenate([w.ravel() for w in model.get_weights()])
            out.write(f"    last: {text(last)}\n")
            for key in ("loss", "accuracy", "val_loss", "val_accuracy"):
                out.write(f"    {key}: {text(history[key])}\n")


main()
