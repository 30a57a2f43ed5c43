# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""The calorimeter-region bench's figures as tables of medians, ratios and shares of the machine's peak."""
from table import against_peers, best_peer, limits, medians, number, opening, ratio, table

RATIOS = [
    ratio("train_b2048_t2", "training, batch 2048", "samples/s", True, "8x", "12x"),
    ratio("train_b2048_fits_t2", "... two trainings at once", "samples/s", True, peer_metric="train_b2048_t2"),
    ratio("infer_t2", "inference, large calls", "events/s", True, "3x", "4x"),
    ratio("latency_b1_p50", "one event, one thread, p50", "us", False, "0.5 us", "0.2 us", digits=2),
    ratio("latency_b1_p99", "... p99", "us", False, judge="latency_b1_p50", digits=2),
    ratio("latency_b1_p99.9", "... p99.9", "us", False, judge="latency_b1_p50", digits=2),
    ratio("latency_b1_max", "... longest", "us", False, judge="latency_b1_p50", digits=2),
    ratio("fixed_dense15", "fixed point, dense student, one core", "events/s", True, "2 M", "10 M"),
    ratio("fixed_conv4", "fixed point, convolution student, one core", "events/s", True, "2 M", "10 M"),
    ratio("roc_t2", "ROC, AUC, 3 efficiencies of 960,000 scores", "s", False, "1/5", "1/10", peer_metric="roc", digits=4),
    ratio("roc_t1", "... one thread", "s", False, peer_metric="roc", digits=4),
]
# Multiply-adds of one event: 3 filters of 3 x 3 on 8 x 6 places, 144 x 20, 20 x 2.
WORK = 3 * 9 * 48 + 144 * 20 + 20 * 2
SETS = ("avx512", "avx2", "c")  # of bench_twin, the widest first


def with_twin(found):
    """The twin's figures of the widest instruction set under the names of the peer's."""
    found = dict(found)
    for student in ("dense15", "conv4"):
        names = [f"twin_student_{student}_u16_{name}" for name in SETS]
        values = [found[("minbias", name)] for name in names if ("minbias", name) in found]
        if values:
            found[("minbias", f"fixed_{student}")] = values[0]
    return found


def all_peers(found):
    metrics = [("train_b2048_t2", "training, samples/s", 0), ("infer_t2", "inference, events/s", 0),
               ("latency_b1_p50", "latency p50, us", 2), ("latency_b1_p99", "p99", 2), ("latency_b1_p99.9", "p99.9", 2),
               ("latency_b1_max", "longest", 2)]
    names = sorted({who for who, metric in found if metric in ("train_b2048_t2", "infer_t2")},
                   key=lambda who: (who != "minbias", who))
    rows = []
    for who in names:
        difference = found.get((who, "score_difference"))
        rows.append([who] + [number(found.get((who, metric)), digits) for metric, _, digits in metrics] +
                    ["-" if difference is None else f"{difference:.1e}"])
    return table(["program"] + [name for _, name, _ in metrics] + ["largest score difference to minbias"], rows)


def fixed_point(found):
    rows = []
    for student, what in (("dense15", "dense 15"), ("conv4", "convolution 4, dense 16")):
        for form, taken in (("u16", "16-bit counts"), ("f32", "floats")):
            rates = [found.get(("minbias", f"twin_student_{student}_{form}_{name}")) for name in SETS]
            if any(rates):
                rows.append([f"minbias, {what}, {taken}"] + [number(rate) for rate in rates] + ["0"])
        rate = found.get(("hls4ml", f"fixed_{student}"))
        if rate:
            rows.append([f"hls4ml, {what}", "-", "-", number(rate), number(found[("hls4ml", f"fixed_{student}_compile")], 1)])
    if not rows:
        return ""
    text = table(["fixed point on one core, events/s", "AVX-512", "AVX2", "plain C++ or C", "compile before, s"], rows)
    return text if any(who == "hls4ml" for who, _ in found) else text + "\n\nhls4ml was not run."


def equality(found):
    """How far ROC figures of the same scores are from scikit-learn's."""
    names = ["auc", "efficiency_5kHz", "efficiency_3kHz", "efficiency_1kHz"]
    pairs = [(found.get(("minbias", name)), found.get(("scikit-learn", name))) for name in names]
    if any(value is None for pair in pairs for value in pair):
        return ""
    largest = max(abs(ours - theirs) for ours, theirs in pairs)
    return (f"AUC and the efficiencies at 5, 3 and 1 kHz of the 960,000 scores differ from scikit-learn's by at most {largest:.1e} "
            f"(AUC {pairs[0][0]:.6f}; {pairs[1][0]:.4f}, {pairs[2][0]:.4f}, {pairs[3][0]:.4f}).")


def shares(found):
    peak = found.get(("machine", "fma_t2"))
    lines = [limits(found)] * bool(limits(found)) + [f"Work: {WORK:,} multiply-adds an event."]
    for metric, passes, what in (("train_b2048_t2", 3, "training"), ("infer_t2", 1, "inference")):
        ours, (theirs, who) = found.get(("minbias", metric)), best_peer(found, metric, True)
        if peak and ours:
            text = f"Share of peak, {what} ({passes} x forward): minbias {passes * 2e-9 * WORK * ours / peak:.0%}"
            lines.append(text + (f"; {who} {passes * 2e-9 * WORK * theirs / peak:.0%}." if who else "."))
    dataset = found.get(("minbias", "infer_dataset_t2"))
    if dataset:
        lines.append(f"Inference as a study does it, from a dataset's rows: {dataset:,.0f} events/s.")
    return "\n".join(lines)


def whole(found, size, n_train):
    if ("minbias", "epoch_t2") not in found:
        return ""
    ratios = [ratio("epoch_t2", f"an epoch of {n_train:,} + {n_train // 4:,} events, one training", "s", False, digits=4),
              ratio("epochs_t2", "... of two trainings at once, for each", "s", False, "stated", "1/8", peer_metric="epoch_t2",
                    digits=4)]
    lines = [against_peers(found, ratios)]
    seconds = found.get(("minbias", "whole_seconds"))
    if seconds:
        lines.append(f"The whole study at a reduced size ({size.background:,} collisions, 5 x {size.signal:,} signal events, 2 x "
                     f"{size.train:,} events a training, at most {size.epochs} epochs, one round of the anomaly triggers' "
                     f"training): {seconds:.1f} s on two threads, "
                     f"{found[('minbias', 'whole_memory')]:,.0f} MB at most; {found[('minbias', 'whole_trainings')]:.0f} trainings "
                     f"of {found[('minbias', 'whole_epochs')]:,.0f} epochs in all.")
    return "\n\n".join(lines)


def render(figures, machine, rounds, any_load, n_train, size):
    found = with_twin(medians(figures))
    parts = opening(machine, rounds, any_load)
    parts.append(f"Trainings on {n_train:,} events.")
    parts += [against_peers(found, RATIOS), all_peers(found), fixed_point(found), equality(found), whole(found, size, n_train),
              shares(found)]
    return "\n\n".join(part for part in parts if part) + "\n"
