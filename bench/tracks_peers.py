# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""One peer on the track graphs: the weights and graphs that minbias wrote.

    tracks_peers.py PEER FOLDER SECONDS THREADS

torch, torch-split, torch-compiled: training on batches of 4 graphs (Adamax, hinge embedding loss), which lie ready in memory;
inference of batches of 4; latency of one graph on one thread; and the largest difference between its embedding and that of
minbias. torch writes the layer as the original does, rows of both ends for every edge; torch-split and torch-compiled make
two products for each node instead. scikit-learn: DBSCAN of FOLDER/points_N.npy. pickle, pandas: files in FOLDER/data
and FOLDER/events."""
import glob
import os
import pickle
import sys

import measure
import peers

PEER, FOLDER = sys.argv[1:3]
SECONDS, THREADS = float(sys.argv[3]), int(sys.argv[4])
peers.begin(PEER, THREADS)

import numpy as np  # noqa: E402 after the thread counts

BATCH, HIDDEN, WIDTH, LAYERS = 4, 16, 6, 4


def load(name):
    return np.load(os.path.join(FOLDER, f"{name}.npy"))


# ---------------------------------------------------------------- PyTorch
def torch_model(torch, is_split):
    nn = torch.nn

    class Layer(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.width = width
            self.norm = nn.BatchNorm1d(width)
            self.hidden, self.weight = nn.Linear(2 * width, HIDDEN), nn.Linear(HIDDEN, 1)
            self.update = nn.Linear(2 * width, HIDDEN)

        def forward(self, x, source, destination):
            x = self.norm(x)
            sent = x[source]
            if is_split:
                first = x @ self.hidden.weight[:, :self.width].T
                second = x @ self.hidden.weight[:, self.width:].T + self.hidden.bias
                rows = first[source] + second[destination]
            else:
                rows = self.hidden(torch.cat((sent, x[destination]), 1))
            weight = torch.sigmoid(self.weight(torch.relu(rows)))
            total = torch.zeros_like(x).index_add(0, destination, sent * weight)
            return torch.relu(self.update(torch.cat((x, total), 1)))

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([Layer(HIDDEN if i else WIDTH) for i in range(LAYERS)])
            self.final = nn.Linear(HIDDEN, 2)

        def forward(self, x, source, destination):
            for layer in self.layers:
                x = layer(x, source, destination)
            return self.final(x)

    return Network()


def set_weights(torch, model):
    flat, at = load("weights")[0], 0

    def take(*shape):
        nonlocal at
        count = int(np.prod(shape))
        at += count
        return torch.from_numpy(flat[at - count:at].reshape(shape).copy())

    def linear(layer):
        layer.weight.copy_(take(layer.in_features, layer.out_features).T)
        layer.bias.copy_(take(layer.out_features))

    with torch.no_grad():
        for layer in model.layers:
            for array in (layer.norm.weight, layer.norm.bias, layer.norm.running_mean, layer.norm.running_var):
                array.copy_(take(layer.width))
            for part in (layer.hidden, layer.weight, layer.update):
                linear(part)
        linear(model.final)
    assert at == len(flat)


def torch_batches(torch, size):
    """[(features, source, destination, loss source, loss destination, 1 or -1)]"""
    features, target = load("features"), load("target")
    edges = [load(name).astype(np.int64) for name in ("pred_source", "pred_destination", "loss_source", "loss_destination")]
    n_nodes = features.shape[1] // WIDTH
    made = []
    for first in range(0, len(features), size):
        rows = slice(first, first + size)
        shift = n_nodes * np.arange(len(features[rows]))[:, None]
        arrays = [features[rows].reshape(-1, WIDTH)] + [(array[rows] + shift).reshape(-1) for array in edges]
        arrays.append(2 * target[rows].reshape(-1) - 1)
        made.append([torch.from_numpy(np.ascontiguousarray(array)) for array in arrays])
    return made


def torch_peer(is_split, is_compiled):
    import torch
    torch.set_num_threads(THREADS)
    torch.set_num_interop_threads(1)
    model = torch_model(torch, is_split)
    set_weights(torch, model)
    forward = torch.compile(model, dynamic=True) if is_compiled else model
    batches, single = torch_batches(torch, BATCH), torch_batches(torch, 1)
    n_graphs, n_nodes = len(single), len(single[0][0])
    model.eval()

    def run(batch):
        with torch.inference_mode():
            return forward(*batch[:3])

    ours = load("embedding")[:BATCH].reshape(-1, 2)
    measure.emit("difference", float(np.abs(run(batches[0]).numpy() - ours).max()), "", n=len(ours))
    for threads in sorted({1, THREADS}):
        torch.set_num_threads(threads)
        measure.rate(f"infer_n{n_nodes}_t{threads}", lambda: [run(batch) for batch in batches], n_graphs, "graphs/s", SECONDS,
                     least=2)
    torch.set_num_threads(1)
    measure.latency(f"latency_n{n_nodes}", lambda: run(single[0]), SECONDS)
    model.train()
    optimizer = torch.optim.Adamax(model.parameters(), lr=1e-3)
    functional = torch.nn.functional

    def train():
        for batch in batches:
            optimizer.zero_grad(set_to_none=True)
            embedding = forward(*batch[:3])
            distance = functional.pairwise_distance(embedding[batch[3]], embedding[batch[4]])
            loss = functional.hinge_embedding_loss(distance, batch[5])
            loss.backward()
            optimizer.step()
            loss.item()

    for threads in sorted({1, THREADS}):
        torch.set_num_threads(threads)
        measure.rate(f"train_b4_n{n_nodes}_t{threads}", train, n_graphs, "graphs/s", SECONDS, least=2)


# ---------------------------------------------------------------- clustering and files
def sklearn_peer():
    from sklearn.cluster import DBSCAN
    for name in sorted(glob.glob(os.path.join(FOLDER, "points_*.npy"))):
        points = np.load(name)
        made = {}

        def run():
            made["labels"] = DBSCAN(eps=0.1, min_samples=3, n_jobs=1).fit_predict(points)

        seconds, other = measure.repeat(run, SECONDS, least=2)
        metric = f"dbscan_{len(points)}"
        measure.emit(metric, 1e3 * seconds[len(seconds) // 2], "ms", best=1e3 * seconds[0], n=len(seconds), other_cpu=other)
        measure.exact(f"{metric}_clusters", made["labels"].max() + 1)
        measure.exact(f"{metric}_noise", (made["labels"] < 0).sum())


def emit_reading(metric, read):
    seconds, other = measure.repeat(read, SECONDS, least=2)
    measure.emit(metric, 1e3 * seconds[len(seconds) // 2], "ms", best=1e3 * seconds[0], n=len(seconds), other_cpu=other)
    measure.exact(f"{metric}_hits", read())


def pairs(neighbours):
    return [(i, j) for i, found in enumerate(neighbours) for j in found]


def pickle_peer():
    """As the original reads: samples, features side by side, edges by list, truth by look-up."""
    def read():
        with open(os.path.join(FOLDER, "data", "tracks.pickle"), "rb") as file:
            samples = pickle.load(file)
        hits = 0
        for sample in samples:
            features = np.concatenate((sample["hits"]["xyz"], sample["hits"]["emb"]), 1).astype(np.float32)
            graphs = sample["graphs"]
            true = [set(found) for found in graphs["true"]]
            pred, loss = pairs(graphs["pred"]), pairs(graphs["loss"])
            truth = np.array([float(j in true[i]) for i, j in loss], np.float32)
            hits += len(features) + 0 * (len(np.array(pred)) + len(np.array(loss)) + len(truth))
        return hits

    emit_reading("read_pickle", read)


def pandas_peer():
    """As trackml.dataset.load_event does, with what the features and weights need joined."""
    import pandas

    def read():
        hits = 0
        for name in sorted(glob.glob(os.path.join(FOLDER, "events", "event*-hits.csv"))):
            table, truth, particles = (pandas.read_csv(name.replace("-hits", f"-{part}")) for part in
                                       ("hits", "truth", "particles"))
            joined = table.merge(truth, on="hit_id").merge(particles, on="particle_id", how="left")
            hits += len(joined[["x", "y", "z"]].to_numpy(np.float32))
        return hits

    emit_reading("read_csv", read)


PEERS = {"torch": lambda: torch_peer(False, False), "torch-split": lambda: torch_peer(True, False),
         "torch-compiled": lambda: torch_peer(True, True), "scikit-learn": sklearn_peer, "pickle": pickle_peer,
         "pandas": pandas_peer}
PEERS[PEER]()
