# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""The barrel bench's figures as one table of medians, ratios and shares of the machine's peak."""
from table import against_peers, best_peer, limits, medians, number, opening, ratio, table

RATIOS = [
    ratio("train_b32", "training, batch 32", "samples/s", True, "4x", "10x"),
    ratio("infer_b256", "inference, 256 events a call", "events/s", True, "4x", "8x"),
    ratio("latency_t1_p50", "latency of one event, one thread, p50", "us", False, "1/4", "1/8"),
    ratio("latency_t1_p99", "... p99", "us", False, judge="latency_t1_p50"),
    ratio("latency_t1_max", "... longest", "us", False, judge="latency_t1_p50"),
]


def all_peers(found):
    metrics = [("train_b32", "training, samples/s", 0), ("infer_b256", "inference, events/s", 0),
               ("latency_t1_p50", "latency 1 thread p50, us", 0), ("latency_t1_p99", "p99", 0), ("latency_t1_max", "longest", 0),
               ("latency_p50", "latency 2 threads p50, us", 0)]
    names = sorted({who for who, metric in found if metric in ("train_b32", "infer_b256")}, key=lambda who: (who != "minbias", who))
    rows = []
    for who in names:
        cells = [number(found.get((who, metric), found.get((who, "latency_t2_p50")) if metric == "latency_p50" else None), digits)
                 for metric, _, digits in metrics]
        difference = found.get((who, "score_difference"))
        rows.append([who] + cells + ["-" if difference is None else f"{difference:.1e}"])
        if who == "minbias":
            cells = [found.get((who, metric)) for metric in ("infer_b256_dense_input", "latency_t1_dense_input_p50",
                                                            "latency_t1_dense_input_p99", "latency_t1_dense_input_max")]
            rows.append(["minbias, dense input", "-"] + [number(cell) for cell in cells] + ["-", "-"])
    return table(["program"] + [name for _, name, _ in metrics] + ["largest score difference to minbias"], rows)


def text_rows(found, figures):
    n_bytes, n_events = text_size(figures)
    rows = []
    for threads in (1, 2):
        seconds = found.get(("minbias", f"read_t{threads}"))
        if seconds and n_bytes:
            rows.append([f"minbias, {threads} thread{'s' * (threads > 1)}", number(n_bytes / seconds / 1e9, 3),
                         number(n_bytes / seconds / 1e9 / threads, 3), number(1000 * seconds / n_events, 3), "1.0x"])
    ours = found.get(("minbias", "read_t1"))
    for way in ("vectorised", "original"):
        rate = found.get((f"python-{way}", "text_t1"))
        if rate:
            steps = sum(found[(f"python-{way}", step)] for step in ("parse", "images", "labels"))
            ratio = "-" if not ours or not n_bytes else f"1/{n_bytes / ours / 1e9 / rate:.0f}"
            rows.append([f"Python, {way}", number(rate, 4), number(rate, 4), number(steps, 3), ratio])
    if not rows:
        return "Nothing was measured."
    return table(["text to images and labels", "GB/s", "GB/s a core", "s/1000 events", "a core, to minbias"], rows)


def text_size(figures):
    for figure in figures:
        if figure["metric"] == "text_size":
            return figure["value"], figure["n_events"]
    return None, None


def shares(found):
    peak, dense, left = (found.get(key) for key in (("machine", "fma_t2"), ("minbias", "work_dense"), ("minbias", "work_left")))
    lines = []
    if dense and left:
        lines.append(f"Work: {dense / 1e6:.2f} M multiply-adds an event when nothing is skipped; exact sparsity leaves "
                     f"at most {left / 1e6:.2f} M, {1 - left / dense:.0%} or more is skipped.")
    for metric, passes, what in (("train_b32", 3, "training"), ("infer_b256", 1, "inference")):
        ours, (theirs, who) = found.get(("minbias", metric)), best_peer(found, metric, True)
        if peak and dense and ours:
            text = (f"Share of peak, {what} ({passes} x forward): minbias {passes * 2e-9 * dense * ours / peak:.0%} counting skipped "
                    f"work, at most {passes * 2e-9 * left * ours / peak:.0%} without it")
            if theirs:
                text += f"; {who} {passes * 2e-9 * dense * theirs / peak:.0%}"
            lines.append(text + ".")
    return "\n".join([limits(found)] * bool(limits(found)) + lines)


def memory(found):
    megabytes = found.get(("minbias", "memory_train"))
    if megabytes is None:
        return ""
    return (f"\nTraining on {found[('minbias', 'memory_events')]:,.0f} events from text, one epoch: peak memory "
            f"{megabytes:,.0f} MB (must 600, goal 300), {found[('minbias', 'memory_train_seconds')]:.0f} s in all, "
            f"{found[('minbias', 'memory_epoch_seconds')]:.1f} s of them the epoch with validation.\n")


def equality(found):
    lines = []
    for way in ("vectorised", "original"):
        images, labels = (found.get((f"python-{way}", f"{what}_differences")) for what in ("image", "label"))
        if images is not None:
            lines.append(f"Python, {way}: {images:.0f} image bins and {labels:.0f} labels differ from minbias.")
    return "\n".join(lines)


def render(figures, machine, rounds, any_load):
    found = medians(figures)
    parts = opening(machine, rounds, any_load)
    parts += [against_peers(found, RATIOS), all_peers(found), text_rows(found, figures), equality(found), shares(found)]
    return "\n\n".join(part for part in parts if part) + "\n" + memory(found)
