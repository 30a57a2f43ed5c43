#!/usr/bin/env python3
# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes what Keras 3's callbacks do on given figures: python callbacks.py OUT.yaml"""
import sys

import keras

FALLING = [1.0, 0.8, 0.7, 0.69, 0.695, 0.688, 0.7, 0.71, 0.72, 0.6, 0.61, 0.62, 0.63, 0.64, 0.65]
RISING = [0.5, 0.6, 0.6, 0.65, 0.64, 0.66, 0.655, 0.65, 0.64, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7]
FLAT = [1.0] * 15
STOPPING = [
    ({"patience": 0}, FALLING), ({"patience": 2}, FALLING), ({"patience": 3}, FALLING),
    ({"patience": 2, "min_delta": 0.02}, FALLING), ({"patience": 0}, FLAT),
    ({"patience": 1, "mode": "max"}, RISING), ({"patience": 3, "mode": "max"}, RISING),
    ({"patience": 3, "baseline": 0.65}, FALLING), ({"patience": 12, "baseline": 0.65}, FALLING),
    ({"patience": 2, "start_from_epoch": 4}, FALLING),
    ({"patience": 3, "restore_best_weights": True}, FALLING),
    ({"patience": 100, "restore_best_weights": True}, FALLING),
    ({"patience": 1, "restore_best_weights": True, "start_from_epoch": 6}, FALLING),
]
PLATEAU = [
    ({"patience": 1, "factor": 0.5}, FALLING), ({"patience": 2, "factor": 0.1}, FALLING),
    ({"patience": 1, "factor": 0.5, "cooldown": 3}, FLAT),
    ({"patience": 2, "factor": 0.5, "cooldown": 1, "min_lr": 0.03}, FLAT),
    ({"patience": 1, "factor": 0.5, "mode": "max", "min_delta": 0.02}, RISING),
    ({"patience": 0, "factor": 0.9}, FALLING), ({"patience": 1, "factor": 0.2, "min_delta": 0}, FLAT),
]
SAVING = [
    ({}, FALLING), ({"save_best_only": True}, FALLING),
    ({"save_best_only": True, "mode": "max"}, RISING),
    ({"save_best_only": True, "initial_value_threshold": 0.69}, FALLING),
]


class Model:
    """Weights are the number of the epoch that they belong to."""

    def __init__(self):
        self.optimizer = keras.optimizers.SGD(0.1)
        self.stop_training = False
        self.weights = 0
        self.saved = []

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights

    def save(self, path, overwrite):
        self.saved.append(path)


def follow(callback, figures):
    model, rates, stopped = Model(), [], -1
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, figure in enumerate(figures):
        model.weights = epoch
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"val_loss": figure})
        rates.append(float(model.optimizer.learning_rate))
        if model.stop_training:
            stopped = epoch
            break
    callback.on_train_end()
    return stopped, model.weights, rates, model.saved


def main():
    kinds = [("early_stopping", keras.callbacks.EarlyStopping, STOPPING, {}),
             ("reduce_lr_on_plateau", keras.callbacks.ReduceLROnPlateau, PLATEAU, {}),
             ("model_checkpoint", keras.callbacks.ModelCheckpoint, SAVING,
              {"filepath": "m-{epoch:03d}-{val_loss:.2f}.keras"})]
    with open(sys.argv[1], "w") as out:
        out.write("# SPDX-FileCopyrightText: The minbias authors\n"
                  "# SPDX-License-Identifier: Apache-2.0\n"
                  f"# Made by tests/golden/callbacks.py with Keras {keras.__version__}.\n")
        out.write("cases:\n")
        for name, kind, cases, more in kinds:
            for options, figures in cases:
                options = {**options, **more}
                stopped, weights, rates, saved = follow(kind(**options), figures)
                keys = ", ".join(f"{k}: '{v}'" if k == "filepath" else f"{k}: {str(v).lower()}"
                                 for k, v in options.items())
                out.write(f"  - callback: {{{name}: {{{keys}}}}}\n    figures: {figures}\n")
                out.write(f"    stopped: {stopped}\n    weights: {weights}\n    rates: {rates}\n")
                out.write(f"    saved: {saved}\n")


main()
