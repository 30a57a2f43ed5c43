#!/usr/bin/env python3
# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""The barrel trigger trained by Keras 2.15 on the arrays that `minbias prepare` wrote.

    minbias prepare studies/barrel-trigger.yaml -o barrel.h5
    python3 bench/accuracy.py barrel.h5 --epochs 10 --seeds 1 2 3

The same layers, loss, batch, split and Nadam (the form of Keras 2.0) as studies/barrel-trigger.yaml; only the
random numbers differ. One JSON line a seed: the last epoch's figures, and the best validation accuracy.
Needs tensorflow-cpu==2.15.* and h5py from PyPI."""
import argparse
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def build(keras, shapes):
    layers = keras.layers
    pools = [[(2, 2), (2, 2), (4, 4), (4, 4)]] * 2 + [[(2, 2), (2, 2), (4, 2), (4, 2)]]
    inputs, branches = [], []
    for shape, windows in zip(shapes, pools):
        # Channels last: the CPU kernels have no channels first. Only the order of the flattened values differs.
        x = node = keras.Input((shape[1], shape[2], shape[0]))
        for window in windows:
            x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
            x = layers.MaxPooling2D(window)(x)
        inputs.append(node)
        branches.append(layers.Flatten()(x))
    x = layers.Dense(16, activation="relu")(layers.Concatenate()(branches))
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("prepared")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    import h5py
    import numpy as np
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    from tensorflow import keras
    with h5py.File(options.prepared) as file:
        volumes = [file[f"inputs/volume{i}"][:] for i in range(3)]
        target = file["target"][:]
        split = file["split"][:]
    arrays = [np.ascontiguousarray(v.transpose(0, 2, 3, 1)) for v in volumes]
    train, valid = np.flatnonzero(split == 0), np.flatnonzero(split == 1)

    class Batches(keras.utils.Sequence):
        def __init__(self, rows, random):
            super().__init__()
            self.rows, self.random = rows.copy(), random
            self.on_epoch_end()

        def __len__(self):
            return -(-len(self.rows) // 32)

        def __getitem__(self, i):
            rows = self.rows[32 * i:32 * i + 32]
            return [a[rows].astype(np.float32) for a in arrays], target[rows]

        def on_epoch_end(self):
            if self.random is not None:
                self.random.shuffle(self.rows)

    for seed in options.seeds:
        keras.utils.set_random_seed(seed)
        model = build(keras, [v.shape[1:] for v in volumes])
        optimizer = keras.optimizers.legacy.Nadam(learning_rate=0.002, epsilon=1e-8, schedule_decay=0.004)
        model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"])
        begin = time.time()
        history = model.fit(Batches(train, np.random.default_rng(seed)), validation_data=Batches(valid, None),
                            epochs=options.epochs, shuffle=False, verbose=0).history
        print(json.dumps({"seed": seed, "epochs": options.epochs, "seconds": round(time.time() - begin, 1),
                          **{name: round(values[-1], 5) for name, values in history.items()},
                          "best_val_accuracy": round(max(history["val_accuracy"]), 5),
                          "best_val_loss": round(min(history["val_loss"]), 5)}), flush=True)


if __name__ == "__main__":
    main()
