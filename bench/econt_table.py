# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""The concentrator autoencoder's figures as tables of medians, ratios and shares of the machine's peak."""
from table import against_peers, limits, medians, number, opening, ratio, table

# Operations of a sample: forward, and about three times that in training.
FORWARD, ENCODER = 38992, 6544

RATIOS = [
    ratio("train_b500_t2", "training, batch 500, two threads", "samples/s", True, "6x", "10x"),
    ratio("train_quantized_b500_t2", "... quantised, two threads", "samples/s", True, "8x", "20x"),
    ratio("encoder_t1", "encoder, one thread", "events/s", True, "1.2x", "2x"),
    ratio("latency_p50", "... one module, p50", "us", False, digits=2),
    ratio("latency_p99", "... p99", "us", False, judge="latency_p50", digits=2),
    ratio("emd_t1", "earth mover's distance, one thread", "pairs/s", True),
]


def all_peers(found):
    metrics = [("train_b500_t1", "training t1"), ("train_b500_t2", "t2"), ("train_quantized_b500_t1", "quantised t1"),
               ("train_quantized_b500_t2", "t2"), ("encoder_t1", "encoder"), ("twin_t1", "integer encoder"),
               ("emd_t1", "distances")]
    names = sorted({who for who, metric in found if metric in dict(metrics)}, key=lambda who: (who != "minbias", who))
    rows = []
    for who in names:
        difference = found.get((who, "difference"))
        rows.append([who] + [number(found.get((who, metric)), 0) for metric, _ in metrics] +
                    [number(found.get((who, "latency_p50")), 2), "-" if difference is None else f"{difference:.1e}"])
    return table(["program"] + [title for _, title in metrics] + ["latency, us", "largest difference"], rows)


def words(found):
    lines = [limits(found)] * bool(limits(found))
    twin = found.get(("minbias", "twin_t1"))
    latency = found.get(("minbias", "latency_p50"))
    core = found.get(("pot-core", "emd_t1"))
    ours = found.get(("minbias", "emd_t1"))
    if twin:
        lines.append(f"Integer encoder, bit-exact, one thread: {twin / 1e6:.1f} M events/s (must 3 M, goal 10 M).")
    if latency:
        lines.append(f"One module: {latency:.2f} us (must 0.5 us, goal 0.2 us).")
    whole = found.get(("pot", "emd_t1"))
    if whole and ours:
        lines.append(f"Distances against POT's emd2, as it is called: {ours / whole:.1f} times (must 10, goal 40).")
    if core and ours:
        lines.append(f"Against POT's C++ core alone, without its Python: {ours / core:.1f} times (must 2).")
    peak = found.get(("machine", "fma_t2"))
    train = found.get(("minbias", "train_b500_t2"))
    if peak and train:
        lines.append(f"Work: {FORWARD:,} operations a sample forward; share of peak in training (3 x forward) "
                     f"{3e-9 * FORWARD * train / peak:.0%}.")
    return "\n".join(lines)


def render(figures, machine, rounds, any_load):
    found = medians(figures)
    parts = opening(machine, rounds, any_load)
    parts += [against_peers(found, RATIOS), all_peers(found), words(found)]
    return "\n\n".join(part for part in parts if part) + "\n"
