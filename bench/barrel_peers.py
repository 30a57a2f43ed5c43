# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""One peer on the barrel network: the weights of a model file of minbias, the events that minbias prepared.

    barrel_peers.py PEER PREPARED.h5 MODEL.h5 SCORES.npy SECONDS THREADS EVENTS

Prints JSON lines: training at batch 32 (shuffling, loss, accuracy where the framework has it, Nadam), inference of 256
events, latency of one event, and the largest difference between its scores and those of minbias."""
import os
import sys
import tempfile

import measure
import peers

PEER, PREPARED, MODEL, SCORES = sys.argv[1:5]
SECONDS, THREADS, EVENTS = float(sys.argv[5]), int(sys.argv[6]), int(sys.argv[7])
peers.begin(PEER, THREADS)

import h5py  # noqa: E402 after the thread counts
import numpy as np  # noqa: E402

BATCH, CALL = 32, 256
POOLS = [[(2, 2), (2, 2), (4, 4), (4, 4)]] * 2 + [[(2, 2), (2, 2), (4, 2), (4, 2)]]
SHAPES = [(4, 128, 128), (4, 128, 128), (2, 128, 21)]


def events(channels_last):
    with h5py.File(PREPARED) as file:
        volumes = [file[f"inputs/volume{i}"][:EVENTS].astype(np.float32) for i in range(3)]
        target = file["target"][:EVENTS].astype(np.float32)
    if channels_last:
        volumes = [np.ascontiguousarray(volume.transpose(0, 2, 3, 1)) for volume in volumes]
    return volumes, target


def hidden_rows_channels_last():
    """Where row (phi, z, channel) of a channels-last flattening stands in the study's (channel, phi, z)."""
    rows, first = [], 0
    for height, width in ((2, 2), (2, 2), (2, 1)):
        block = np.arange(8 * height * width).reshape(8, height, width).transpose(1, 2, 0)
        rows.append(first + block.ravel())
        first += block.size
    return np.concatenate(rows)


def compare(scores):
    ours = np.load(SCORES)[:len(scores)]
    measure.emit("score_difference", float(np.abs(ours - np.asarray(scores).ravel()).max()), "", n=len(scores))


def infer(run, metric="infer_b256"):
    measure.rate(metric, run, CALL, "events/s", SECONDS)


# ---------------------------------------------------------------- Keras and TensorFlow Lite
def keras_model():
    import keras
    from keras import layers
    inputs, branches = [], []
    for branch, ((channels, height, width), pools) in enumerate(zip(SHAPES, POOLS)):
        x = node = keras.Input((height, width, channels))
        for i, pool in enumerate(pools):
            x = layers.Conv2D(8, 3, padding="same", activation="relu", name=f"conv{branch}_{i}")(x)
            x = layers.MaxPooling2D(pool)(x)
        inputs.append(node)
        branches.append(layers.Flatten()(x))
    x = layers.Dense(16, activation="relu", name="hidden")(layers.Concatenate()(branches))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="score")(x))
    for name, (kernel, bias) in peers.weights(MODEL).items():
        model.get_layer(name).set_weights([kernel[hidden_rows_channels_last()] if name == "hidden" else kernel, bias])
    return model


def keras_peer(jit):
    tf = peers.tensorflow(THREADS)
    import keras
    keras.utils.set_random_seed(1)
    model = keras_model()
    inputs, target = events(True)
    call = tf.function(lambda *x: model(list(x), training=False), jit_compile=jit)
    batch = [tf.constant(x[:CALL]) for x in inputs]
    compare(call(*batch).numpy())
    infer(lambda: call(*batch).numpy())
    one = [x[:1].copy() for x in inputs]
    measure.latency("latency", lambda: call(*[tf.convert_to_tensor(x) for x in one]).numpy(), SECONDS)
    model.compile(loss="binary_crossentropy", optimizer="nadam", metrics=["accuracy"], jit_compile=jit)
    measure.rate("train_b32", lambda: model.fit(inputs, target, batch_size=BATCH, epochs=1, verbose=0), len(target),
                 "samples/s", 2 * SECONDS)


def tflite_peer():
    tf = peers.tensorflow(THREADS)
    inputs, _ = events(True)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "barrel.tflite")
        with open(path, "wb") as file:
            file.write(tf.lite.TFLiteConverter.from_keras_model(keras_model()).convert())
        run = peers.litert(path, inputs, THREADS, CALL)
        compare(run())
        infer(run)
        measure.latency("latency_t1", peers.litert(path, inputs, 1, 1), SECONDS)
        measure.latency("latency_t2", peers.litert(path, inputs, 2, 1), SECONDS)


# ---------------------------------------------------------------- PyTorch and ONNX Runtime
def torch_model(torch):
    nn = torch.nn

    class Barrel(nn.Module):
        def __init__(self):
            super().__init__()
            self.branches = nn.ModuleList()
            for (channels, _, _), pools in zip(SHAPES, POOLS):
                parts = []
                for pool in pools:
                    parts += [nn.Conv2d(channels, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(pool)]
                    channels = 8
                self.branches.append(nn.Sequential(*parts, nn.Flatten()))
            self.hidden, self.score = nn.Linear(80, 16), nn.Linear(16, 1)

        def forward(self, a, b, c):
            x = torch.cat([branch(v) for branch, v in zip(self.branches, (a, b, c))], 1)
            return torch.sigmoid(self.score(torch.relu(self.hidden(x))))

    model, stored = Barrel(), peers.weights(MODEL)
    with torch.no_grad():
        pairs = [(f"conv{b}_{i}", model.branches[b][3 * i]) for b in range(3) for i in range(4)]
        for name, layer in pairs + [("hidden", model.hidden), ("score", model.score)]:
            peers.load_torch(torch, layer, *stored[name])
    return model


def torch_peer(compiled, channels_last):
    import torch
    torch.set_num_threads(THREADS)
    torch.manual_seed(1)
    form = torch.channels_last if channels_last else torch.contiguous_format
    model = torch_model(torch).to(memory_format=form)
    inputs, target = events(False)
    inputs = [torch.from_numpy(x).to(memory_format=form) for x in inputs]
    target = torch.from_numpy(target)[:, None]
    call = torch.compile(model, dynamic=False) if compiled else model
    optimizer = torch.optim.NAdam(model.parameters())

    def predict(count):
        with torch.inference_mode():
            return call(*[x[:count] for x in inputs]).numpy()

    model.eval()
    compare(predict(CALL))
    infer(lambda: predict(CALL))
    measure.latency("latency", lambda: predict(1), SECONDS)
    model.train()

    def epoch():
        order = torch.randperm(len(target))
        for first in range(0, len(target), BATCH):
            rows = order[first:first + BATCH]
            optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.binary_cross_entropy(call(*[x[rows] for x in inputs]), target[rows])
            loss.backward()
            optimizer.step()

    measure.rate("train_b32", epoch, len(target), "samples/s", 2 * SECONDS)


def onnx_peer():
    import torch
    inputs, _ = events(False)
    names = ["a", "b", "c"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "barrel.onnx")
        size = torch.export.Dim("events", min=1, max=4096)
        torch.onnx.export(torch_model(torch).eval(), tuple(torch.zeros(2, *shape) for shape in SHAPES), path, dynamo=True,
                          external_data=False, input_names=names, dynamic_shapes=tuple({0: size} for _ in names),
                          verbose=False)

        both = peers.onnx_session(path, THREADS)
        feeds = {name: x[:CALL] for name, x in zip(names, inputs)}
        compare(both.run(None, feeds)[0])
        infer(lambda: both.run(None, feeds))
        for threads in (1, 2):
            one = peers.onnx_bound(peers.onnx_session(path, threads), {name: x[:1].copy() for name, x in zip(names, inputs)})
            measure.latency(f"latency_t{threads}", one, SECONDS)


PEERS = {
    "keras": lambda: keras_peer(False),
    "keras-xla": lambda: keras_peer(True),
    "tflite-xnnpack": tflite_peer,
    "torch-nchw": lambda: torch_peer(False, False),
    "torch-nhwc": lambda: torch_peer(False, True),
    "torch-compiled": lambda: torch_peer(True, True),
    "onnxruntime": onnx_peer,
}

if __name__ == "__main__":
    PEERS[PEER]()
