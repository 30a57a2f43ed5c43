# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Reference images and labels for the barrel detector, the way the original computed them: NumPy's
histogramdd and joins by (event, barcode). Knows nothing of minbias's code.

barrel.py make RAW     takes toy files from RAW (clusters_1.csv ...), puts every special case into
                       them and writes them under barrel/
barrel.py              reads barrel/ and writes barrel/expected.txt
"""
import glob
import gzip
import os
import sys
import zlib

import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "barrel")
VOLIDS = [8, 13, 17]
IMAGES = [
    ((4, 128, 128), ((0, 4), (-np.pi, np.pi), (-500, 500))),
    ((4, 128, 128), ((4, 8), (-np.pi, np.pi), (-1080, 1080))),
    ((2, 128, 21), ((8, 10), (-np.pi, np.pi), (-1031, 1031))),
]


def blocks(path):
    """Lists of lines between blank and comment lines."""
    out, block = [], []
    with gzip.open(path, "rt") as file:
        for line in file:
            if line.strip() == "" or line.startswith("#"):
                if block:
                    out.append(block)
                block = []
            else:
                block.append(line.strip())
    return out + [block] if block else out


def literal(line):
    # The same grammar as Python's lists.
    return eval("[" + line + "]", {"__builtins__": {}})  # noqa: S307


def read_hits(path):
    rows = []
    for event, block in enumerate(blocks(path)):
        for line in block:
            f = literal(line)
            rows.append((event, f[0], f[1], f[2], f[3], *f[6]))
    columns = list(zip(*rows))
    x, y, z = (np.array(c, dtype=np.float32) for c in columns[5:])
    return {
        "event": np.array(columns[0]), "hitid": np.array(columns[1]),
        "barcode": np.array(columns[2], dtype=np.uint64),
        "volid": np.array(columns[3]), "layid": np.array(columns[4]),
        "z": z, "r": np.sqrt(x * x + y * y), "phi": np.arctan2(y, x),
    }


def read_particles(path):
    rows = []
    for event, block in enumerate(blocks(path)):
        for line in block:
            f = literal(line)
            rows.append((event, f[0], *f[2]))
    columns = list(zip(*rows))
    p, theta = (np.array(c, dtype=np.float32) for c in columns[2:4])
    return {"event": np.array(columns[0]), "barcode": np.array(columns[1], dtype=np.uint64),
            "pt": p * np.sin(theta)}


def select(hits):
    volume = np.select([hits["volid"] == v for v in VOLIDS], [0, 1, 2], default=-1)
    keep = volume >= 0
    out = {k: v[keep] for k, v in hits.items()}
    out["volume"] = volume[keep]
    out["layer"] = (out["layid"] / 2 - 1 + 4 * out["volume"]).astype(np.int8)
    return out


def joined_rows(hits, particles):
    keys = {}
    for key in zip(particles["event"].tolist(), particles["barcode"].tolist()):
        keys[key] = keys.get(key, 0) + 1
    return sum(keys.get(k, 0) for k in zip(hits["event"].tolist(), hits["barcode"].tolist()))


def image(hits, bins, ranges, rule):
    """One histogram; rule says what happens to float32(+-pi)."""
    phi = hits["phi"].astype(np.float64)
    if rule == "none":
        phi = np.clip(phi, -np.pi, np.pi)
    elif rule == "1.14":
        # NumPy up to 1.14 moved samples to the last bin that equal the last edge after rounding.
        decimal = int(-np.log10(2 * np.pi / bins[1])) + 6
        on_edge = np.around(hits["phi"], decimal) == np.float32(np.around(np.pi, decimal))
        phi = np.where(on_edge, np.pi, phi)
    sample = np.stack([hits["layer"].astype(np.float64), phi, hits["z"].astype(np.float64)], axis=1)
    return np.histogramdd(sample, bins=bins, range=ranges)[0].astype(np.uint16)


def run(folder, rule="none", unique=False, independent=False, check_after=False, keep_empty=False,
        layers=7, pt=2.0, tracks=3):
    """Lines 'event label n_tracks' and per volume 'filled sum crc32'."""
    lines = []
    clusters = sorted(glob.glob(os.path.join(folder, "clusters_*")))
    particles = sorted(glob.glob(os.path.join(folder, "particles_*")))
    hits_shift = particles_shift = 0
    for hits_path, particles_path in zip(clusters, particles):
        hits, truth = read_hits(hits_path), read_particles(particles_path)
        n_hits, n_truth = hits["event"][-1] + 1, truth["event"][-1] + 1
        hits["event"] = hits["event"] + hits_shift
        truth["event"] = truth["event"] + (particles_shift if independent else hits_shift)
        all_events = np.unique(hits["event"])
        hits_shift += n_hits
        particles_shift += n_truth
        if not independent and n_hits != n_truth:
            continue
        selected = select(hits)
        checked = selected if check_after else hits
        if joined_rows(checked, truth) != len(checked["event"]):
            continue
        pts = dict(zip(zip(truth["event"].tolist(), truth["barcode"].tolist()),
                       truth["pt"].tolist()))
        events = all_events if keep_empty else np.array(
            list(dict.fromkeys(selected["event"].tolist())))
        for event in events:
            here = {k: v[selected["event"] == event] for k, v in selected.items()}
            by_track = {}
            for barcode, layer in zip(here["barcode"].tolist(), here["layer"].tolist()):
                by_track.setdefault(barcode, set()).add(layer)
            passing = sum(len(s) >= layers and pts[(event, b)] > pt for b, s in by_track.items())
            text = [f"{event} {int(passing >= tracks)} {passing}"]
            if unique:
                _, first = np.unique(here["hitid"], return_index=True)
                here = {k: v[np.sort(first)] for k, v in here.items()}
            for volume, (bins, ranges) in enumerate(IMAGES):
                mine = {k: v[here["volume"] == volume] for k, v in here.items()}
                dense = image(mine, bins, ranges, rule)
                text.append(f"{np.count_nonzero(dense)} {dense.sum()} "
                            f"{zlib.crc32(dense.astype('<u2').tobytes())}")
            lines.append(" ".join(text))
    return lines


CASES = {
    "default": ("plain", {}),
    "numpy_1.14": ("plain", {"rule": "1.14"}),
    "numpy_1.15": ("plain", {"rule": "1.15"}),
    "unique_hits": ("plain", {"unique": True}),
    "keep_empty": ("plain", {"keep_empty": True}),
    "label": ("plain", {"layers": 5, "pt": 1.5, "tracks": 2}),
    "odd_layer": ("odd", {}),
    "slipped_drop": ("slipped", {}),
    "slipped_independent": ("slipped", {"independent": True}),
    "endcap_unmatched": ("unmatched", {}),
    "endcap_check_after": ("unmatched", {"check_after": True}),
}


def write(folder, name, events, separator="\n"):
    path = os.path.join(HERE, folder)
    os.makedirs(path, exist_ok=True)
    text = "".join("\n" + "\n".join(e) + "\n" + separator for e in events)
    with open(os.path.join(path, name), "wb") as raw:
        with gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
            file.write(text.encode())


def hit(hitid, barcode, volid, layid, x, y, z):
    return f"{hitid}, {barcode}, {volid}, {layid}, [ 0, 0], [ 0, 0],[ {x},{y}, {z}], [], [[ 1, 2]], []"


def make(raw):
    files = []
    for n in (1, 2, 3):
        both = []
        for kind in ("clusters", "particles"):
            events, block = [], []
            for line in open(os.path.join(raw, f"{kind}_{n}.csv")):
                if line.strip():
                    block.append(line.rstrip("\n"))
                elif block:
                    events.append(block)
                    block = []
            both.append(events)
        files.append(both)
    (hits1, truth1), (hits2, truth2), (hits3, truth3) = files
    barcode = int(truth1[0][0].split(",")[0])
    other = int(truth1[0][1].split(",")[0])
    # +pi, -pi, a hit of two particles, one outside z, the last edge of z, bin edges, exponents, tabs.
    hits1[0] += [
        hit(901, barcode, 8, 2, "-32.5", " 0", "10.5"), hit(902, barcode, 8, 2, "-32.5", "-0.0", "10.5"),
        hit(903, barcode, 8, 4, "72.1", " 0.5", "-3.5"), hit(903, other, 8, 4, "72.1", " 0.5", "-3.5"),
        hit(904, barcode, 13, 2, "260", " 1", "1080.01"), hit(905, barcode, 13, 2, "260", " 1", "1080"),
        hit(906, barcode, 13, 2, "260", " 1", "-1080"), hit(907, barcode, 17, 2, "-820", " 0", "-1030"),
        hit(908, barcode, 8, 6, "116", " 0", "0"), hit(909, barcode, 8, 6, "1.16e2", " 1e-3", "-7.8125"),
        hit(910, barcode, 8, 8, "172", "\t3", "+7.8125").replace(", ", " , "),
    ]
    # An event whose hits all lie in endcaps.
    hits1[1] = [hit(1, int(truth1[1][0].split(",")[0]), 9, 2, "50", " 50", "600")]
    write("plain", "clusters_1.csv.gz", hits1)
    write("plain", "particles_1.csv.gz", truth1, "# end of event\n\n")
    write("plain", "clusters_2.csv.gz", hits2)
    write("plain", "particles_2.csv.gz", truth2)
    mine = int(truth3[0][0].split(",")[0])
    write("odd", "clusters_1.csv.gz", [[hit(1, mine, 8, 3, "30", " 1", "5"),
                                        hit(2, mine, 13, 9, "660", " 1", "5"),
                                        hit(3, mine, 17, 5, "1020", " 1", "73")]])
    write("odd", "particles_1.csv.gz", truth3[:1])
    # The second event of file 2 has no clusters: from there on the numberings differ.
    write("slipped", "clusters_1.csv.gz", hits3[:1])
    write("slipped", "particles_1.csv.gz", truth3[:1])
    write("slipped", "clusters_2.csv.gz", hits3[:1])
    write("slipped", "particles_2.csv.gz", truth3[:2])
    write("slipped", "clusters_3.csv.gz", hits3[:2])
    write("slipped", "particles_3.csv.gz", truth3[:2])
    write("unmatched", "clusters_1.csv.gz", [hits3[0] + [hit(990, 12345, 7, 2, "90", " 1", "-1500")]])
    write("unmatched", "particles_1.csv.gz", truth3[:1])


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "make":
        make(sys.argv[2])
    with open(os.path.join(HERE, "expected.txt"), "w") as file:
        for name, (folder, options) in CASES.items():
            for line in run(os.path.join(HERE, folder), **options):
                file.write(f"{name} {line}\n")


if __name__ == "__main__":
    main()
