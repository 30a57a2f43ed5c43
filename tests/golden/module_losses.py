#!/usr/bin/env python3
# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes losses over a module's cells and their gradients by TensorFlow: python module_losses.py OUT.yaml

Run with TensorFlow 2.15. The exact distances come from SciPy's linear programming.
"""
import sys

import numpy as np
import scipy.optimize
import tensorflow as tf

TILES = [((0, 1, 4, 5), 3 / 8), ((2, 3, 6, 7), 1 / 3), ((8, 9, 12, 13), 9 / 16),
         ((10, 11, 14, 15), 3 / 8), ((4, 5, 8, 9), 3 / 8), ((6, 7, 10, 11), 1 / 4),
         ((1, 2, 5, 6), 1 / 4), ((9, 10, 13, 14), 3 / 8), ((5, 6, 9, 10), 1 / 4)]
ACROSS = [((0, 1, 27, 31), 3 / 8), ((1, 2, 23, 27), 1 / 4), ((2, 3, 19, 23), 5 / 12),
          ((3, 7, 34, 35), 5 / 12), ((7, 11, 33, 34), 1 / 4), ((11, 15, 32, 33), 3 / 8),
          ((16, 17, 47, 43), 3 / 8), ((17, 18, 43, 39), 1 / 4), ((18, 19, 39, 35), 5 / 12)]
GROUPS = [(tuple(c + k for c in cells), w) for cells, w in TILES for k in (0, 16, 32)] + ACROSS

PIXEL_8X8 = [4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31,
             24, 25, 26, 27, 16, 17, 18, 19, 8, 9, 10, 11, 0, 1, 2, 3,
             59, 51, 43, 35, 58, 50, 42, 34, 57, 49, 41, 33, 56, 48, 40, 32]
PLANE = [[12, 13, 14, 15], [8, 9, 10, 11], [4, 5, 6, 7], [0, 1, 2, 3]]
PLACE = {cell: (row + 1, column + 1) for row, cells in enumerate(PLANE)
         for column, cell in enumerate(cells)}
PIXELS = {"8x8": (64, PIXEL_8X8),
          "4x4x3": (48, [3 * (c % 16) + c // 16 for c in range(48)]),
          "6x6x3": (108, [36 * (c // 16) + 6 * PLACE[c % 16][0] + PLACE[c % 16][1]
                          for c in range(48)]),
          "6x6x3_tp": (108, [3 * (6 * PLACE[c % 16][0] + PLACE[c % 16][1]) + c // 16
                             for c in range(48)])}


def coordinates():
    i = np.arange(16)
    first = np.stack([2.09301 * (i // 4), -2.4168015 * (i % 4) - 1.2083969 * (i // 4)], 1)
    second = np.stack([-8.37204 + 2.09301 * (i % 4),
                       -10.271393 + 1.208398 * (i % 4) + 2.4168 * (i // 4)], 1)
    third = np.stack([4.7092705 - 2.0930105 * (i % 4) - 2.0930105 * (i // 4),
                      -12.386101 + 1.2084 * (i % 4) - 1.2084 * (i // 4)], 1)
    return np.concatenate([first, second, third])


XY = coordinates()
RAW = np.sqrt(((XY[:, None] - XY[None]) ** 2).sum(-1))


def weighted(t, p):
    return (t - p) ** 2 * tf.maximum(p, t)


def telescope(arrange):
    pixels = PIXELS[arrange][1]

    def loss(t, p):
        t, p = tf.gather(t, pixels, axis=1), tf.gather(p, pixels, axis=1)
        first = tf.reduce_mean(weighted(t, p), axis=1)
        sums = [[tf.reduce_sum(tf.gather(x, cells, axis=1), axis=1) for cells, _ in GROUPS]
                for x in (t, p)]
        second = sum(w * weighted(a, b) for a, b, (_, w) in zip(*sums, GROUPS)) / len(GROUPS)
        thirds = [tf.reduce_sum(tf.reshape(x, (-1, 3, 16)), axis=2) for x in (t, p)]
        third = tf.reduce_mean(weighted(*thirds), axis=1)
        return 4 * first + 2 * second + third
    return loss


def mean_weighted(t, p):
    return tf.reduce_mean(weighted(t, p), axis=1)


def sinkhorn(t, p):
    """8x8 images in float64; the derivative goes through every round."""
    result = []
    for row in range(t.shape[0]):
        a, b = (tf.gather(x[row], PIXEL_8X8) for x in (t, p))
        cells = [np.flatnonzero(x.numpy()) for x in (a, b)]
        cost = tf.constant(RAW[np.ix_(*cells)])
        a, b = (tf.gather(x, c) / tf.reduce_sum(x) for x, c in zip((a, b), cells))
        kernel = tf.exp(-cost / 0.5)
        u = tf.fill(a.shape, tf.constant(1 / 48, tf.float64))
        for count in range(1000):
            v = b / tf.linalg.matvec(kernel, u, transpose_a=True)
            u = a / tf.linalg.matvec(kernel, v)
            if count % 10 == 0:
                sums = v * tf.linalg.matvec(kernel, u, transpose_a=True)
                if float(tf.norm(sums - b)) <= 1e-9:
                    break
        result.append(tf.reduce_sum(u[:, None] * kernel * v[None] * cost))
    return tf.stack(result)


def exact_distance(a, b):
    n = 48
    rows = [np.kron(np.eye(n), np.ones(n)), np.kron(np.ones(n), np.eye(n))]
    return scipy.optimize.linprog((RAW / 1.20840075).ravel(), A_eq=np.concatenate(rows),
                                  b_eq=np.concatenate([a / a.sum(), b / b.sum()]),
                                  method="highs").fun


def images(random, n_pixels, rows=3):
    t = random.exponential(size=(rows, n_pixels)) * (random.uniform(size=(rows, n_pixels)) > 0.5)
    p = random.uniform(size=(rows, n_pixels))
    return (t / t.sum(1, keepdims=True)).astype(np.float32), (p * 0.06).astype(np.float32)


def text(values):
    return "[" + ", ".join(f"{float(v):.9g}" for v in np.ravel(values)) + "]"


def write(out, name, loss, target, output, dtype=tf.float32):
    x = tf.Variable(output, dtype=dtype)
    with tf.GradientTape() as tape:
        value = loss(tf.constant(target, dtype), x)
        total = tf.reduce_sum(value)
    out.write(f"  - loss: {name}\n    rows: {len(target)}\n    target: {text(target)}\n"
              f"    output: {text(output)}\n    value: {text(value)}\n"
              f"    gradient: {text(tape.gradient(total, x))}\n")


def main():
    random = np.random.RandomState(11)
    with open(sys.argv[1], "w") as out:
        out.write("# SPDX-FileCopyrightText: The minbias authors\n"
                  "# SPDX-License-Identifier: Apache-2.0\n"
                  f"# Made by tests/golden/module_losses.py with TensorFlow {tf.__version__}.\n")
        out.write("cases:\n")
        for arrange, (n_pixels, _) in PIXELS.items():
            target, output = images(random, n_pixels)
            write(out, f"{{telescope_mse: {{arrange: {arrange}}}}}", telescope(arrange), target,
                  output)
        target, output = images(random, 64)
        write(out, "weighted_mse", mean_weighted, target, output)
        write(out, "sinkhorn", sinkhorn, target, output, tf.float64)
        distances = [exact_distance(t[PIXEL_8X8].astype(float), p[PIXEL_8X8].astype(float))
                     for t, p in zip(target, output)]
        out.write(f"  - loss: emd\n    rows: {len(target)}\n    target: {text(target)}\n"
                  f"    output: {text(output)}\n    value: {text(distances)}\n    gradient: []\n")


main()
