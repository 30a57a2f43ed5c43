# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Hit text to images and labels in Python on one core: the original's way, and vectorised with NumPy and pandas.

    barrel_hits.py original|vectorised CLUSTERS.csv PARTICLES.csv PREPARED.h5 SECONDS [EVENTS]

Prints JSON lines: seconds to read, to fill images, to label, the throughput in text bytes, and whether images and labels
equal those that minbias prepared (the file must be the first of the study). EVENTS cuts the file for the slow way."""
import ast
import sys

import h5py
import numpy as np
import pandas as pd

import measure

WAY, CLUSTERS, PARTICLES, PREPARED = sys.argv[1:5]
SECONDS = float(sys.argv[5])
EVENTS = int(sys.argv[6]) if len(sys.argv) > 6 else None
measure.WHO = f"python-{WAY}"

BINS = [(4, 128, 128), (4, 128, 128), (2, 128, 21)]
RANGES = [[(0, 4), (-np.pi, np.pi), (-500, 500)], [(4, 8), (-np.pi, np.pi), (-1080, 1080)],
          [(8, 10), (-np.pi, np.pi), (-1031, 1031)]]
VOLUMES = {8: 0, 13: 1, 17: 2}


def read_text(path):
    """The bytes of the first EVENTS events (all without EVENTS)."""
    with open(path, "rb") as file:
        text = file.read()
    if EVENTS is None:
        return text
    end = text.find(b"\n\n") if text[:1] == b"\n" else 0
    for _ in range(EVENTS if text[:1] != b"\n" else EVENTS - 1):
        end = text.find(b"\n\n", end + 2)
        if end < 0:
            return text
    return text[:end + 2]


def add_columns(hits, x, y, z, volid, layid):
    x, y = x.astype(np.float32), y.astype(np.float32)
    volume = pd.Series(volid).map(VOLUMES)
    hits["z"], hits["phi"] = z.astype(np.float32), np.arctan2(y, x)
    hits["volume"] = volume.fillna(-1).astype(int).to_numpy()
    hits["layer"] = (layid // 2 - 1 + 4 * hits["volume"]).astype(np.int8)
    return hits[hits["volume"] >= 0]


# ---------------------------------------------------------------- the original's way: a line, an event, a group at a time
def parse_original(text, width):
    rows, event, is_open = [], 0, False
    for line in text.decode().split("\n"):
        if not line.strip() or line[0] == "#":
            event += is_open
            is_open = False
            continue
        is_open = True
        row = ast.literal_eval(line)
        assert len(row) == width
        rows.append((event,) + row)
    return rows


def read_original(clusters, particles):
    rows = parse_original(clusters, 10)
    hits = pd.DataFrame({"evtid": [r[0] for r in rows], "barcode": [r[2] for r in rows]})
    place = np.array([r[7] for r in rows])
    hits = add_columns(hits, place[:, 0], place[:, 1], place[:, 2], np.array([r[3] for r in rows]),
                       np.array([r[4] for r in rows]))
    rows = parse_original(particles, 4)
    momentum = np.array([r[3] for r in rows], np.float32)
    truth = pd.DataFrame({"evtid": [r[0] for r in rows], "barcode": [r[1] for r in rows],
                          "pt": momentum[:, 0] * np.sin(momentum[:, 1])})
    return hits, truth


def images_original(hits):
    images = []
    for volume, (bins, ranges) in enumerate(zip(BINS, RANGES)):
        of_volume = dict(tuple(hits[hits.volume == volume].groupby("evtid")))
        none = hits.iloc[:0]
        images.append(np.stack([
            np.histogramdd(of_volume.get(event, none)[["layer", "phi", "z"]].to_numpy(), bins=bins, range=ranges)[0]
            .astype(np.uint16) for event in hits.evtid.unique()]))
    return images


def labels_original(hits, truth):
    layers = hits.groupby(["evtid", "barcode"]).apply(lambda group: len(group.layer.unique()), include_groups=False)
    tracks = truth.merge(layers.reset_index(name="layers"), on=["evtid", "barcode"])
    return tracks.groupby("evtid").apply(lambda group: ((group.layers >= 7) & (group.pt > 2.0)).sum() >= 3,
                                         include_groups=False).to_numpy()


# ---------------------------------------------------------------- vectorised
def event_of_lines(text):
    """Event number of every line that is not blank: blank lines end events."""
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == 10)
    is_blank = np.diff(ends, prepend=-1) == 1
    # Of several blank lines in a row only the first ends an event, and none before the first event does.
    ends_event = is_blank & ~np.concatenate([[True], is_blank[:-1]])
    return np.cumsum(ends_event)[~is_blank]


def table(text, columns):
    import io
    # Without brackets every line is a list of numbers whose first ones are in fixed places.
    plain = text.translate(None, b"[] ")
    names = list(columns.values())
    frame = pd.read_csv(io.BytesIO(plain), header=None, usecols=list(columns), engine="c",
                        dtype={i: np.uint64 if name == "barcode" else float for i, name in columns.items()})
    frame.columns = names
    frame["evtid"] = event_of_lines(text)
    return frame


def read_vectorised(clusters, particles):
    hits = table(clusters, {1: "barcode", 2: "volid", 3: "layid", 8: "x", 9: "y", 10: "z"})
    hits = add_columns(hits, hits.x.to_numpy(), hits.y.to_numpy(), hits.z, hits.volid.astype(int).to_numpy(),
                       hits.layid.astype(int).to_numpy())
    truth = table(particles, {0: "barcode", 4: "p", 5: "theta"})
    truth["pt"] = truth.p.astype(np.float32) * np.sin(truth.theta.astype(np.float32))
    return hits, truth


def images_vectorised(hits):
    events, position = np.unique(hits.evtid.to_numpy(), return_inverse=True)
    images = []
    for volume, (bins, ranges) in enumerate(zip(BINS, RANGES)):
        chosen = (hits.volume == volume).to_numpy()
        index, keep = position[chosen].astype(np.int64), np.ones(chosen.sum(), bool)
        for name, n, (low, high) in zip(("layer", "phi", "z"), bins, ranges):
            edges = np.linspace(low, high, n + 1)
            value = hits[name].to_numpy()[chosen].astype(float)
            bin_ = np.minimum(np.searchsorted(edges, value, side="right") - 1, n - 1)
            keep &= (value >= low) & (value <= high)
            index = index * n + bin_
        size = int(np.prod(bins))
        images.append(np.bincount(index[keep], minlength=len(events) * size).astype(np.uint16).reshape(-1, *bins))
    return images


def labels_vectorised(hits, truth):
    layers = hits.groupby(["evtid", "barcode"]).layer.nunique().rename("layers").reset_index()
    tracks = truth.merge(layers, on=["evtid", "barcode"])
    return (((tracks.layers >= 7) & (tracks.pt > 2.0)).groupby(tracks.evtid).sum() >= 3).to_numpy()


STEPS = {"original": (read_original, images_original, labels_original),
         "vectorised": (read_vectorised, images_vectorised, labels_vectorised)}


def main():
    clusters, particles = read_text(CLUSTERS), read_text(PARTICLES)
    read, images, labels = STEPS[WAY]
    made, others = {}, []

    def step(name, work):
        def run():
            made[name] = work()
        # The slow way is measured once: a repetition tells nothing that its length does not drown.
        once = WAY == "original"
        seconds, other = measure.repeat(run, 0 if once else SECONDS, least=1 if once else 3, warm=0 if once else 1)
        middle = seconds[len(seconds) // 2]
        measure.emit(name, middle / n_events * 1000, "s/1000 events", n=len(seconds), other_cpu=other)
        others.append(other)
        return middle

    n_events = len(np.unique(event_of_lines(clusters)))
    total = step("parse", lambda: read(clusters, particles))
    hits, truth = made["parse"]
    total += step("images", lambda: images(hits))
    total += step("labels", lambda: labels(hits, truth))
    n_bytes = len(clusters) + len(particles)
    measure.emit("text_t1", n_bytes / total / 1e9, "GB/s", n=1, n_bytes=n_bytes, n_events=n_events,
                 other_cpu=max(others))
    with h5py.File(PREPARED) as file:
        n = len(made["labels"])
        differing = sum(int((image != file[f"inputs/volume{i}"][:n]).sum()) for i, image in enumerate(made["images"]))
        measure.emit("image_differences", differing, "bins", n=n)
        measure.emit("label_differences", int((made["labels"] != (file["target"][:n] > 0.5)).sum()), "events", n=n)


if __name__ == "__main__":
    main()
