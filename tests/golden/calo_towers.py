# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes calo_towers.txt: towers of a few events, and their regions and veto bits computed with NumPy (no loops over
towers of a region but for patterns).

First a table "event,iet,ieta,iphi,iem,ihad", then for each phi offset and event a line "= OFFSET EVENT" and 252 lines
"ET EG TAU".
"""
import sys

import numpy as np

rng = np.random.default_rng(5)
ETA_VETO = {5, 7, 9, 10, 11, 13, 14, 15}
PHI_VETO = {5, 9, 10, 11, 13}


def make(n, most, spread):
    ieta = rng.integers(-41, 42, n)
    iphi = rng.integers(1, 73, n)
    iet = rng.integers(0, most, n)
    iem = (iet * rng.uniform(spread, 1, n)).astype(int)
    return np.stack([iet, ieta, iphi, iem, iet - iem], axis=1)


def busy_regions():
    """Few towers close together: all patterns of strips turn up."""
    rows = []
    for _ in range(120):
        eta, phi = 4 * rng.integers(-7, 7), 4 * rng.integers(0, 18)
        for _ in range(rng.integers(1, 6)):
            column = eta + rng.integers(0, 4)
            et = rng.integers(1, 400)
            em = int(et * rng.uniform(0.3, 1))
            rows.append((et, column if column < 0 else column + 1, (phi + rng.integers(0, 4)) % 72 + 1, em, et - em))
    return np.array(rows)


def convert(towers, offset):
    image, ecal = np.zeros((72, 56), int), np.zeros((72, 56), int)
    iet, ieta, iphi, iem, _ = towers.T
    keep = (ieta >= -28) & (ieta <= 28) & (ieta != 0)
    row, column = (iphi[keep] + offset) % 72, np.where(ieta < 0, ieta + 28, ieta + 27)[keep]
    for r, c, et, em in zip(row, column, iet[keep], iem[keep]):
        image[r, c], ecal[r, c] = et, em
    blocks = image.reshape(18, 4, 14, 4).swapaxes(1, 2)
    total = np.minimum(blocks.sum(axis=(2, 3)), 1023)
    em = ecal.reshape(18, 4, 14, 4).swapaxes(1, 2).sum(axis=(2, 3))
    active = blocks > np.floor(total / 8)[:, :, None, None]
    weight = 1 << np.arange(4)
    eta_pattern, phi_pattern = active.any(axis=2) @ weight, active.any(axis=3) @ weight
    veto = np.isin(eta_pattern, list(ETA_VETO)) | np.isin(phi_pattern, list(PHI_VETO))
    limit = np.floor(total / 4)
    eg = veto | (total - em > limit)
    tau = veto | (total - np.where(active, blocks, 0).sum(axis=(2, 3)) > limit)
    return total.ravel(), eg.ravel(), tau.ravel()


events = {3: make(300, 40, 0.2), 4: busy_regions(), 9: make(0, 1, 0), 10: make(1500, 900, 0.6)}
with open(sys.argv[1] if len(sys.argv) > 1 else "calo_towers.txt", "w") as out:
    out.write("event,iet,ieta,iphi,iem,ihad\n")
    for event, towers in events.items():
        for tower in towers:
            out.write(",".join(str(int(v)) for v in (event, *tower)) + "\n")
        if len(towers) == 0:
            out.write(f"{event},,,,,\n")
    for offset in (1, 2):
        for event, towers in events.items():
            out.write(f"= {offset} {event}\n")
            for row in zip(*convert(towers.reshape(-1, 5), offset)):
                out.write(" ".join(str(int(v)) for v in row) + "\n")
