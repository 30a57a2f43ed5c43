# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes calo_numpy.txt: the draws of the calorimeter benchmark as NumPy and scikit-learn make them (scikit-learn >= 1.3).

A line is "NAME N value value ...". Long lists are given by their first values and a checksum over all:
sum of value * (1 + position mod 997), modulo 2^32.
"""
import sys

import numpy as np
from sklearn.model_selection import train_test_split

SEED = 42
lines = []


def put(name, values):
    lines.append(f"{name} {len(values)} " + " ".join(repr(v.item()) for v in np.asarray(values)))


def put_long(name, values):
    values = np.asarray(values).astype(np.uint64)
    checksum = int((values * (1 + np.arange(len(values), dtype=np.uint64) % 997)).sum()) % 2**32
    lines.append(f"{name} {len(values)} " + " ".join(str(v) for v in values[:5]) + f" {checksum}")


# The full size.
put("permutation_10", np.random.RandomState(SEED).permutation(10))
put_long("permutation_500000", np.random.RandomState(SEED).permutation(500000))
np.random.seed(SEED)
put_long("overlay_500000", np.random.randint(0, 500000, size=500000))
put("amplitude_5", np.random.uniform(20, 100, size=100000)[:5])
put_long("eta_100000", np.random.randint(0, 12, size=100000))
put_long("phi_100000", np.random.randint(0, 16, size=100000))

# A small benchmark, whole: 300 background, 70 signal and 90 synthetic events, 50 of each for training.
for name, n in (("background", 300), ("signal", 70), ("synthetic", 90)):
    train, test = train_test_split(np.arange(n), train_size=50, random_state=SEED)
    put(f"train_{name}", train)
    put(f"test_{name}", test)
np.random.seed(SEED)
put("small_overlay", np.random.randint(0, 300, size=300)[:70])
put("small_amplitude", np.random.uniform(20, 100, size=90))
put("small_eta", np.random.randint(0, 12, size=90))
put("small_phi", np.random.randint(0, 16, size=90))

with open(sys.argv[1] if len(sys.argv) > 1 else "calo_numpy.txt", "w") as out:
    out.write("\n".join(lines) + "\n")
