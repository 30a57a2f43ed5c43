#!/usr/bin/env python3
# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Trains small message-passing networks with PyTorch: python graph_training.py OUT.yaml

Everything in float64, on graphs and first weights that are written beside the results: the gradient of the first batch,
the figures of 15 epochs of two batches with Adamax, the weights behind them, and outputs with the running statistics.
Flat weights are in the order of the layers: kernels (in, out), normalisations gamma, beta, mean, variance.
"""
import sys

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(3)
WIDTH, BATCH, EPOCHS = 6, 3, 15


class Conv(torch.nn.Module):
    def __init__(self, width, units, kernel_units, kernel_layers, softmax, zero):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(width, eps=1e-5, momentum=0.1)
        sizes = [2 * width] + [kernel_units] * kernel_layers
        self.hidden = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.weight = torch.nn.Linear(kernel_units, 1)
        self.update = torch.nn.Linear(2 * width, units)
        self.softmax, self.zero = softmax, zero

    def forward(self, x, source, destination):
        h = self.norm(x)
        e = torch.cat([h[source], h[destination]], 1)
        for layer in self.hidden:
            e = torch.relu(layer(e))
        e = self.weight(e)
        if self.softmax:
            most = torch.full((len(h), 1), -np.inf).index_reduce(0, destination, e.detach(), "amax")
            e = torch.exp(e - most[destination])
            e = e / torch.zeros(len(h), 1).index_add(0, destination, e)[destination]
        else:
            e = torch.sigmoid(e)
        a = torch.zeros_like(h).index_add(0, destination, e * h[source])
        out = torch.relu(self.update(torch.cat([h, a], 1)))
        if self.zero:
            reached = torch.zeros(len(h), 1).index_add(0, destination, torch.ones(len(source), 1))
            out = out * (reached > 0)
        return out


class Net(torch.nn.Module):
    def __init__(self, units, kernel_units, kernel_layers, softmax, zero):
        super().__init__()
        self.convs = torch.nn.ModuleList(
            Conv(w, units, kernel_units, kernel_layers, softmax, zero) for w in (WIDTH, units))
        self.last = torch.nn.Linear(units, 2)

    def forward(self, x, source, destination):
        for conv in self.convs:
            x = conv(x, source, destination)
        return self.last(x)


def modules(net):
    for conv in net.convs:
        yield conv.norm
        yield from conv.hidden
        yield conv.weight
        yield conv.update
    yield net.last


def flat(net, gradient=False):
    parts = []
    for m in modules(net):
        pick = (lambda p: p.grad) if gradient else (lambda p: p.data)
        parts += [pick(m.weight).t().reshape(-1), pick(m.bias).reshape(-1)]
        if isinstance(m, torch.nn.BatchNorm1d):
            parts += [torch.zeros(2 * len(m.weight))] if gradient else [m.running_mean, m.running_var]
    return torch.cat(parts).numpy()


def make_graph(rng, n, n_pred, n_loss):
    x = rng.normal(size=(n, WIDTH)).astype(np.float32)
    ends = max(n - 1, 1)  # the last node has no edge
    pred = rng.integers(0, ends, size=(2, n_pred))
    loss = rng.integers(0, n, size=(2, n_loss))
    truth = (rng.random(n_loss) < 0.6).astype(int)
    return x, pred, loss, truth


def batch_of(graphs):
    base, xs, pred, loss, truth = 0, [], [], [], []
    for x, p, l, t in graphs:
        xs.append(x), pred.append(p + base), loss.append(l + base), truth.append(t)
        base += len(x)
    return (torch.tensor(np.concatenate(xs).astype(np.float64)), torch.tensor(np.concatenate(pred, 1)),
            torch.tensor(np.concatenate(loss, 1)), torch.tensor(np.concatenate(truth)))


def judge(net, graphs):
    x, pred, loss, truth = batch_of(graphs)
    y = net(x, pred[0], pred[1])
    d = torch.sqrt(torch.sum((y[loss[0]] - y[loss[1]] + 1e-6)**2, 1))
    value = torch.where(truth == 1, d, torch.relu(1 - d)).mean()
    right = ((torch.round(d) == 0) == (truth == 1)).double().mean()
    return value, float(right)


def numbers(values):
    return "[" + ", ".join("%.9g" % v for v in np.asarray(values).reshape(-1)) + "]"


def write_case(out, graphs, name, **options):
    net = Net(**options)
    with torch.no_grad():
        for m in modules(net):
            if isinstance(m, torch.nn.BatchNorm1d):
                m.weight.add_(0.2 * torch.randn(len(m.weight)))
                m.bias.add_(0.2 * torch.randn(len(m.bias)))
        for p in net.parameters():
            p.copy_(p.float().double())  # as float32 holds them
    print(f"  - name: {name}", file=out)
    print(f"    first: {numbers(flat(net))}", file=out)
    adamax = torch.optim.Adamax(net.parameters(), lr=0.001, betas=(0.9, 0.999), eps=1e-8)
    losses, accuracies = [], []
    for epoch in range(EPOCHS):
        figures = []
        for first in range(0, len(graphs), BATCH):
            adamax.zero_grad()
            value, right = judge(net, graphs[first:first + BATCH])
            value.backward()
            if epoch == 0 and first == 0:
                print(f"    gradient: {numbers(flat(net, True))}", file=out)
            adamax.step()
            figures.append((float(value.detach()), right))
        losses.append(np.mean([f[0] for f in figures]))
        accuracies.append(np.mean([f[1] for f in figures]))
    print(f"    loss: {numbers(losses)}", file=out)
    print(f"    accuracy: {numbers(accuracies)}", file=out)
    print(f"    last: {numbers(flat(net))}", file=out)
    net.eval()
    x, pred, _, _ = batch_of(graphs)
    with torch.no_grad():
        print(f"    output: {numbers(net(x, pred[0], pred[1]))}", file=out)


def main():
    rng = np.random.default_rng(7)
    graphs = [make_graph(rng, n, p, l) for n, p, l in
              ((11, 34, 25), (8, 0, 12), (13, 47, 30), (9, 21, 0), (1, 0, 1), (14, 50, 41))]
    with open(sys.argv[1], "w") as out:
        print("graphs:", file=out)
        for x, pred, loss, truth in graphs:
            print(f"  - features: {numbers(x)}", file=out)
            print(f"    pred: {numbers(pred)}", file=out)
            print(f"    loss: {numbers(loss)}", file=out)
            print(f"    truth: {numbers(truth)}", file=out)
        print("cases:", file=out)
        write_case(out, graphs, "sigmoid", units=8, kernel_units=8, kernel_layers=1, softmax=False, zero=False)
        write_case(out, graphs, "softmax", units=5, kernel_units=4, kernel_layers=2, softmax=True, zero=True)


main()
