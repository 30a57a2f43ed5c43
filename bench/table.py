# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Medians, numbers and tables: what the pages of all benches are made of."""
import collections
import statistics

# A line of ours against the best peer. metric and peer_metric: what was measured; judge: the metric by which the best peer is
# chosen (a tail is that of the peer with the best median, not the best tail of any); more: more is better; must and goal:
# as the table says them.
Ratio = collections.namedtuple("Ratio", "metric peer_metric judge what unit digits more must goal")


def ratio(metric, what, unit, more, must="", goal="", peer_metric=None, judge=None, digits=0):
    peer_metric = peer_metric or metric
    return Ratio(metric, peer_metric, judge or peer_metric, what, unit, digits, more, must, goal)


def medians(figures):
    """{(who, metric): median over the rounds}; the longest latency is the longest of all rounds."""
    values = {}
    for figure in figures:
        values.setdefault((figure["who"], figure["metric"]), []).append(figure["value"])
    return {key: (max if key[1].endswith("_max") else statistics.median)(found) for key, found in values.items()}


def number(value, digits=0):
    if value is None:
        return "-"
    if digits == 0 and value < 10:
        digits = 2
    return f"{value:,.{digits}f}"


def table(head, rows):
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    line = lambda row: "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
    return "\n".join([line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|"] + [line(r) for r in rows])


def best_peer(found, metric, more_is_better):
    peers = [(value, who) for (who, name), value in found.items()
             if name == metric and who not in ("minbias", "machine") and not who.startswith("python")]
    return (max if more_is_better else min)(peers) if peers else (None, None)


def against_peers(found, ratios):
    rows = []
    for r in ratios:
        ours, (_, who) = found.get(("minbias", r.metric)), best_peer(found, r.judge, r.more)
        theirs = found.get((who, r.peer_metric))
        compared = "-"
        if ours and theirs:
            compared = f"{ours / theirs:.1f}x" if r.more else f"1/{theirs / ours:.1f}"
        rows.append([r.what, r.unit, number(ours, r.digits), f"{number(theirs, r.digits)} ({who})" if who else "-", compared,
                     r.must, r.goal])
    return table(["figure", "unit", "minbias", "best peer", "ratio", "must", "goal"], rows)


def opening(machine, rounds, any_load):
    parts = [machine + f"; medians of {rounds} round{'s' * (rounds > 1)}, programs in turns, two threads unless said."]
    if any_load:
        parts.append("Taken whatever else ran on the machine: these figures do not count.")
    return parts


def limits(found):
    """What bench_machine measured, in words; empty when it did not run."""
    parts = [f"{found[key]:.0f} {unit}" for key, unit in
             ((("machine", "fma_t1"), "GFLOP/s on one thread"), (("machine", "fma_t2"), "GFLOP/s on two"),
              (("machine", "triad_t1"), "GB/s on one thread"), (("machine", "triad_t2"), "GB/s on two")) if key in found]
    return "Measured limits: " + ", ".join(parts) + "." if parts else ""
