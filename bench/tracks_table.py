# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""The track graphs' figures as tables of medians, ratios and shares of the machine's peak."""
from table import against_peers, limits, medians, number, opening, ratio, table

NAME_OF = {3000: "3,000 points", 300000: "300,000 points"}


def with_best_threads(found, sizes):
    """A peer counts with the number of threads that suits it: {name}_best; ours with two threads, or the one that is said."""
    found = dict(found)
    for size in sizes:
        for name in ("train_b4", "infer"):
            metric = f"{name}_n{size[0]}"
            for who in {who for who, _ in found}:
                values = [found[(who, f"{metric}_t{t}")] for t in (1, 2) if (who, f"{metric}_t{t}") in found]
                if values:
                    found[(who, f"{metric}_best")] = max(values)
    return found


def ratios(sizes, points):
    rows = []
    for nodes, edges, _ in sizes:
        goals = nodes == sizes[0][0]
        rows += [
            ratio(f"train_b4_n{nodes}_t2", f"training, {nodes} nodes, {edges:,} edges, batch 4, two threads", "graphs/s", True,
                  "10x" * goals, "18x" * goals, peer_metric=f"train_b4_n{nodes}_best"),
            ratio(f"infer_n{nodes}_t2", "... inference, two threads", "graphs/s", True, "5x" * goals, "10x" * goals,
                  peer_metric=f"infer_n{nodes}_best"),
            ratio(f"infer_n{nodes}_t1", "... one thread", "graphs/s", True, peer_metric=f"infer_n{nodes}_t1"),
            ratio(f"latency_n{nodes}_p50", "... one graph, one thread, p50", "us", False, "1/6" * goals, "1/12" * goals,
                  digits=1),
            ratio(f"latency_n{nodes}_p99", "... p99", "us", False, judge=f"latency_n{nodes}_p50", digits=1),
        ]
    rows += [ratio(f"dbscan_{count}", f"DBSCAN, {NAME_OF[count]}, one thread", "ms", False, "1/10", "1/30", digits=2)
             for count in points]
    rows += [ratio("read_pickle", "tracks.pickle of 100 samples", "ms", False, "1/10", "1/30", digits=2),
             ratio("read_csv_t1", "8 TrackML events of some 4,600 hits: CSV tables read and joined, one thread", "ms", False,
                   "1/10", "1/30", peer_metric="read_csv", digits=2),
             ratio("read_csv_t2", "... two threads", "ms", False, peer_metric="read_csv", digits=2),
             ratio("read_csv_graphs_t1", "... and graphs built of them, which the peer leaves out, one thread", "ms", False,
                   peer_metric="read_csv", digits=2),
             ratio("read_csv_graphs_t2", "... two threads", "ms", False, peer_metric="read_csv", digits=2)]
    return rows


def all_peers(found, sizes):
    metrics = [(f"{name}_n{nodes}_{end}", f"{title}, {nodes} nodes", digits) for nodes, _, _ in sizes
               for name, end, title, digits in (("train_b4", "t1", "training t1", 0), ("train_b4", "t2", "t2", 0),
                                                ("infer", "t1", "inference t1", 0), ("infer", "t2", "t2", 0),
                                                ("latency", "p50", "latency, us", 1))]
    names = sorted({who for who, metric in found if metric.startswith("train_b4")}, key=lambda who: (who != "minbias", who))
    rows = []
    for who in names:
        difference = found.get((who, "difference"))
        rows.append([who] + [number(found.get((who, metric)), digits) for metric, _, digits in metrics] +
                    ["-" if difference is None else f"{difference:.1e}"])
    return table(["program"] + [name for _, name, _ in metrics] + ["largest difference of embeddings"], rows)


def work_of(size):
    """Multiply-adds of a graph forward, the first edge layer as two products for each node."""
    nodes, edges, _ = size
    return sum(nodes * 4 * width * 16 + edges * (16 + width) for width in (6, 16, 16, 16)) + nodes * 32


def words(found, sizes, event, points):
    lines = []
    lines.append("CSV: hits, truth and particles of each event, joined by hit and by particle, on both sides; pandas on its one "
                 "thread.")
    lines.append("Latencies and inference are ours with sorting of the edges by destination, which the peers need not.")
    clusters = [(found.get(("minbias", f"dbscan_{n}_{what}")), found.get(("scikit-learn", f"dbscan_{n}_{what}")))
                for n in points for what in ("clusters", "noise")]
    if all(value is not None for pair in clusters for value in pair):
        same = all(ours == theirs for ours, theirs in clusters)
        lines.append("Clusters and noise of DBSCAN are " + ("as many as scikit-learn's." if same else "NOT scikit-learn's."))
    network = [found.get(("minbias", f"event_network_t{t}")) for t in (1, 2)]
    if all(network):
        lines.append(f"An event of {event[0]:,} hits and {event[1]:,} edges: network {network[0]:.2f} s on one thread, "
                     f"{network[1]:.2f} s where there are two; DBSCAN {found[('minbias', 'event_dbscan')]:.3f} s; at most "
                     f"{found[('minbias', 'event_memory')]:.0f} MB, the event's own arrays among them.")
    peak = found.get(("machine", "fma_t2"))
    lines += [limits(found)] * bool(limits(found))
    for size in sizes:
        ours = found.get(("minbias", f"train_b4_n{size[0]}_t2"))
        if peak and ours:
            lines.append(f"Work at {size[0]} nodes: {work_of(size):,} multiply-adds a graph forward; share of peak in training "
                         f"(3 x forward) {3 * 2e-9 * work_of(size) * ours / peak:.0%}.")
    return "\n".join(lines)


def render(figures, machine, rounds, any_load, sizes, event, points):
    found = with_best_threads(medians(figures), sizes)
    parts = opening(machine, rounds, any_load)
    parts.append("A peer counts with one thread or two, whichever is faster; its batches lie ready in memory, ours are gathered "
                 "and shuffled in every epoch.")
    parts += [against_peers(found, ratios(sizes, points)), all_peers(found, sizes), words(found, sizes, event, points)]
    return "\n\n".join(part for part in parts if part) + "\n"
