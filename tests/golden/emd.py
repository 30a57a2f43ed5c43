# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes emd.csv: earth mover's distances of POT's network simplex, each confirmed by SciPy's linear programme (needs
POT >= 0.9, SciPy >= 1.9).

A line: 48 charges, 48 charges, their distance. Positions of cells are those of geometry/hex48.c.
"""
import pathlib
import re
import sys

import numpy as np
import ot
from scipy.optimize import linprog

rng = np.random.default_rng(1)
source = pathlib.Path(__file__).parents[2] / "src/geometry/hex48.c"
cells = re.findall(r"\{(-?[0-9.]+), (-?[0-9.]+)\}", source.read_text())
assert len(cells) == 48
x, y = np.array(cells, float).T / 1.20840075
cost = np.hypot(x[:, None] - x, y[:, None] - y)

balance = np.zeros((96, 48 * 48))
for i in range(48):
    balance[i, i * 48:(i + 1) * 48] = 1
    balance[48 + i, i::48] = 1


def sparse(n):
    charges = np.zeros(48)
    charges[rng.permutation(48)[:n]] = 1 + rng.poisson(20, n)
    return charges


def pairs():
    one = np.eye(48)
    yield one[0], one[1]
    yield one[0], np.ones(48)
    yield 3 * one[0] + one[5], one[0] + one[5] + 2 * one[16]
    yield one[12], one[47]
    for n in (1, 2, 5, 11, 18, 30, 48):
        yield sparse(n), sparse(n)
        yield sparse(n), np.round(rng.exponential(1, 48), 3)
        # Shares that are equal in part, so that the simplex meets ties.
        yield sparse(n) > 0, sparse(min(2 * n, 48)) > 0
    for _ in range(3):
        yield np.round(rng.exponential(1, 48), 6), np.round(rng.exponential(1, 48), 6)


with open(sys.argv[1] if len(sys.argv) > 1 else "emd.csv", "w") as out:
    for a, b in pairs():
        a, b = np.asarray(a, float), np.asarray(b, float)
        distance = float(ot.emd2(a / a.sum(), b / b.sum(), cost))
        check = linprog(cost.ravel(), A_eq=balance, b_eq=np.concatenate([a / a.sum(), b / b.sum()]), method="highs")
        assert abs(check.fun - distance) < 1e-7, (check.fun, distance)
        out.write(",".join(f"{v:.9g}" for v in np.concatenate([a, b])) + f",{distance!r}\n")
