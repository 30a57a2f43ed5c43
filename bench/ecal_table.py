# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""The shower films' figures as tables of medians, ratios and shares of the machine's peak."""
from table import against_peers, best_peer, limits, medians, number, opening, ratio, table

RATIOS = [
    ratio("train_b100_t2", "training, batch 100", "images/s", True, "3x", "60 % of peak"),
    ratio("train_b10_t2", "training, batch 10", "images/s", True, "3x", "60 % of peak"),
    ratio("infer_t2", "inference, large calls", "images/s", True, "2.5x", "8x"),
    ratio("latency_b1_t1_p50", "one film, one thread, p50", "us", False, "1/3", "1/8"),
    ratio("latency_b1_t1_p99", "... p99", "us", False, judge="latency_b1_t1_p50"),
    ratio("latency_b1_t1_p99.9", "... p99.9", "us", False, judge="latency_b1_t1_p50"),
    ratio("latency_b1_t1_max", "... longest", "us", False, judge="latency_b1_t1_p50"),
    ratio("latency_b1_t2_p50", "two threads (ours: a film each), p50", "us", False),
    ratio("latency_b1_t2_p99", "... p99", "us", False, judge="latency_b1_t2_p50"),
    ratio("latency_b1_t2_p99.9", "... p99.9", "us", False, judge="latency_b1_t2_p50"),
    ratio("latency_b1_t2_max", "... longest", "us", False, judge="latency_b1_t2_p50"),
    ratio("trial_t2", "a trial of the scan: 140 + 60 films, 20 epochs", "s", False, "1/3", digits=2),
    ratio("frames_t1", "images to whole films, one thread", "images/s", True),
    ratio("frame_lists_t1", "images to lists of what is in a film", "images/s", True, peer_metric="frames_t1"),
]


def all_peers(found):
    metrics = [("train_b100_t2", "training, batch 100, images/s", 0), ("train_b10_t2", "batch 10", 0),
               ("infer_t2", "inference, images/s", 0), ("latency_b1_t1_p50", "latency p50, one thread, us", 0),
               ("latency_b1_t1_p99", "p99", 0), ("latency_b1_t2_p50", "p50, two threads", 0)]
    names = sorted({who for who, metric in found if metric in ("train_b10_t2", "infer_t2")},
                   key=lambda who: (who != "minbias", who))
    rows = []
    for who in names:
        difference = found.get((who, "score_difference"))
        rows.append([who] + [number(found.get((who, metric)), digits) for metric, _, digits in metrics] +
                    ["-" if difference is None else f"{difference:.1e}"])
    return table(["program"] + [name for _, name, _ in metrics] + ["largest score difference to minbias"], rows)


def shares(found):
    peak, full, done = (found.get(key) for key in (("machine", "fma_t2"), ("minbias", "work_full"), ("minbias", "work_done")))
    lines = [limits(found)] * bool(limits(found))
    if full and done:
        lines.append(f"Work: {full / 1e6:,.1f} million multiply-adds an image as the network is written, of which a prediction of "
                     f"ours does {done / 1e6:,.1f} (mean over the films).")
    for metric, passes, what in (("train_b100_t2", 3, "training, batch 100"), ("train_b10_t2", 3, "training, batch 10"),
                                 ("infer_t2", 1, "inference")):
        ours, (theirs, who) = found.get(("minbias", metric)), best_peer(found, metric, True)
        if peak and full and ours:
            text = f"Work as written ({passes} x forward) in shares of peak, {what}: minbias {passes * 2e-9 * full * ours / peak:.0%}"
            lines.append(text + (f"; {who} {passes * 2e-9 * full * theirs / peak:.0%}." if who else "."))
    if peak and done and found.get(("minbias", "infer_t2")):
        lines.append(f"Work done, inference: minbias {2e-9 * done * found[('minbias', 'infer_t2')] / peak:.0%} of peak.")
    one = found.get(("minbias", "train_b100_t1"))
    if one:
        lines.append(f"Training at batch 100 on one thread: {one:,.0f} images/s.")
    if ("minbias", "memory_b100") in found:
        lines.append(f"Memory of a training step at batch 100: {found[('minbias', 'memory_b100')] / 1e6:,.0f} MB.")
    return "\n".join(lines)


def render(figures, machine, rounds, any_load):
    found = medians(figures)
    parts = opening(machine, rounds, any_load) + [against_peers(found, RATIOS), all_peers(found), shares(found)]
    return "\n\n".join(part for part in parts if part) + "\n"
