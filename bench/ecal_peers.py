# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""One peer on the 3-D network of shower films: the weights and films that minbias wrote.

    ecal_peers.py PEER FOLDER DATA SECONDS THREADS TRIAL_EPOCHS

Prints JSON lines: training at batches 100 and 10 (Adam, binary cross-entropy), inference of calls of 100 films, latency of
one film on one thread and on all, and the largest difference between its scores and those of minbias. TRIAL_EPOCHS > 0: one
trial of the original's scan, 140 films to train and 60 to validate, batch 10, so many epochs. numpy: films of DATA's images,
by whole-array operations frame by frame."""
import os
import sys
import tempfile
import time

import measure
import peers

PEER, FOLDER, DATA = sys.argv[1:4]
SECONDS, THREADS, TRIAL_EPOCHS = float(sys.argv[4]), int(sys.argv[5]), int(sys.argv[6])
if PEER.endswith(":latency"):
    THREADS = 1
peers.begin(PEER, THREADS)

import numpy as np  # noqa: E402 after the thread counts

CALL = 100  # films of one call
LEARNING_RATE = 1e-3
SHAPE = (21, 32, 32)


def films(channels_last=True):
    """(films, target)"""
    frames = np.load(os.path.join(FOLDER, "frames.npy")).reshape(-1, *SHAPE)
    return frames[..., None] if channels_last else frames[:, None], np.load(os.path.join(FOLDER, "target.npy"))


def weights():
    """In the order of Keras's layers."""
    stored = peers.arrays(os.path.join(FOLDER, "model.h5"))
    kinds = ["kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"]
    names = ["conv_1", "batch_normalization", "conv_2", "batch_normalization_1", "dense_1", "dense_2", "score"]
    return [stored[name][kind] for name in names for kind in kinds if kind in stored[name]]


def compare(scores):
    ours = np.load(os.path.join(FOLDER, "scores.npy"))[:len(scores)]
    measure.emit("score_difference", float(np.abs(ours - np.asarray(scores)).max()), "", n=len(scores))


def infer(call):
    measure.rate(f"infer_t{THREADS}", call, CALL, "images/s", SECONDS)


def latency(call, threads):
    measure.latency(f"latency_b1_t{threads}", call, SECONDS, warm=5)


# ---------------------------------------------------------------- Keras
def keras_model():
    import keras
    from keras import layers
    model = keras.Sequential([
        keras.Input((*SHAPE, 1)),
        layers.Conv3D(64, 3, padding="same", activation="relu"), layers.Dropout(0.2), layers.BatchNormalization(),
        layers.MaxPooling3D(),
        layers.Conv3D(32, 3, padding="same", activation="relu"), layers.Dropout(0.2), layers.BatchNormalization(),
        layers.MaxPooling3D(), layers.Flatten(),
        layers.Dense(64, activation="relu"), layers.Dense(32, activation="relu"), layers.Dense(2, activation="softmax")])
    model.set_weights(weights())
    return model


def compiled_model():
    import keras
    model = keras_model()
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(LEARNING_RATE), metrics=["accuracy"],
                  jit_compile=False)
    return model


def keras_peer():
    tf = peers.tensorflow(THREADS)
    import keras
    keras.utils.set_random_seed(1)
    model = compiled_model()
    x, y = films()
    call = tf.function(lambda batch: model(batch, training=False))
    batch = tf.constant(x[:CALL])
    compare(call(batch).numpy())
    infer(lambda: call(batch).numpy())
    for size, count in ((100, 100), (10, 50)):
        measure.rate(f"train_b{size}_t{THREADS}",
                     lambda: model.fit(x[:count], y[:count], batch_size=size, epochs=1, verbose=0), count, "images/s",
                     2 * SECONDS, least=2)
    if TRIAL_EPOCHS > 0:
        model = compiled_model()
        since, begin = measure.busy(), time.perf_counter()
        model.fit(x[:140], y[:140], batch_size=10, epochs=TRIAL_EPOCHS, validation_data=(x[140:200], y[140:200]), verbose=0)
        measure.emit(f"trial_t{THREADS}", time.perf_counter() - begin, "s", n=1, other_cpu=measure.other_cpu(since))


def keras_latency_peer():
    # Threads are set once in a process.
    tf = peers.tensorflow(1)
    model = keras_model()
    one = films()[0][:1].copy()
    call = tf.function(lambda batch: model(batch, training=False))
    latency(lambda: call(tf.convert_to_tensor(one)).numpy(), 1)


# ---------------------------------------------------------------- PyTorch and ONNX Runtime
def torch_layers(torch):
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv3d(1, 64, 3, padding=1), nn.ReLU(), nn.Dropout(0.2), nn.BatchNorm3d(64, eps=1e-3, momentum=0.01), nn.MaxPool3d(2),
        nn.Conv3d(64, 32, 3, padding=1), nn.ReLU(), nn.Dropout(0.2), nn.BatchNorm3d(32, eps=1e-3, momentum=0.01),
        nn.MaxPool3d(2), nn.Flatten(), nn.Linear(10240, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
    stored = iter(weights())
    # Flattened channels first, the rows of the first dense layer stand in another order.
    rows = np.arange(10240).reshape(5, 8, 8, 32).transpose(3, 0, 1, 2).ravel()
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.BatchNorm3d):
                for name in ("weight", "bias", "running_mean", "running_var"):
                    getattr(layer, name).copy_(torch.from_numpy(next(stored)))
            elif isinstance(layer, (nn.Conv3d, nn.Linear)):
                kernel, bias = next(stored), next(stored)
                peers.load_torch(torch, layer, kernel[rows] if len(kernel) == 10240 else kernel, bias)
    return model


def torch_peer(compiled, channels_last):
    import torch
    torch.set_num_threads(THREADS)
    torch.manual_seed(1)
    model = torch_layers(torch)
    x, y = (torch.from_numpy(np.ascontiguousarray(array)) for array in films(channels_last=False))
    if channels_last:
        model = model.to(memory_format=torch.channels_last_3d)
        x = x.contiguous(memory_format=torch.channels_last_3d)
    call = torch.compile(model, dynamic=False) if compiled else model
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)

    def score(batch):
        with torch.inference_mode():
            return call(batch).softmax(1).numpy()

    def fit(size, count):
        for first in range(0, count, size):
            optimizer.zero_grad(set_to_none=True)
            scores = call(x[first:first + size]).softmax(1)
            torch.nn.functional.binary_cross_entropy(scores, y[first:first + size]).backward()
            optimizer.step()

    model.eval()
    compare(score(x[:CALL]))
    infer(lambda: score(x[:CALL]))
    one = x[:1].clone()
    latency(lambda: score(one), THREADS)
    torch.set_num_threads(1)
    latency(lambda: score(one), 1)
    torch.set_num_threads(THREADS)
    model.train()
    for size, count in ((100, 100), (10, 50)):
        measure.rate(f"train_b{size}_t{THREADS}", lambda: fit(size, count), count, "images/s", 2 * SECONDS, least=2)


def onnx_peer():
    import torch
    x = np.ascontiguousarray(films(channels_last=False)[0])
    model = torch.nn.Sequential(torch_layers(torch), torch.nn.Softmax(1)).eval()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "ecal.onnx")
        torch.onnx.export(model, (torch.zeros(2, 1, *SHAPE),), path, dynamo=True, external_data=False, input_names=["x"],
                          dynamic_shapes=({0: torch.export.Dim("films", min=1, max=4096)},), verbose=False)
        both = peers.onnx_session(path, THREADS)
        compare(both.run(None, {"x": x[:CALL]})[0])
        infer(lambda: both.run(None, {"x": x[:CALL]}))
        one = {"x": x[:1].copy()}
        latency(peers.onnx_bound(both, one), THREADS)
        latency(peers.onnx_bound(peers.onnx_session(path, 1), one), 1)


# ---------------------------------------------------------------- films
def numpy_peer():
    """Clean, then frame by frame the pixels up to its edge: what the study's settings say, in doubles as an array program has
    them."""
    import h5py
    images = []
    for name in ("photons.h5", "electrons.h5"):
        with h5py.File(os.path.join(DATA, name)) as file:
            images.append(file["X"][:500])
    x = np.concatenate(images)
    low, least, most, step = 0.005, -0.1, 0.1, 0.0099
    n = int(np.ceil((most - least) / step))
    edges = least + np.arange(n) * step

    def work():
        energy, seen = x[..., 0], x[..., 1]
        keep = (energy > np.float32(low)) & (seen >= least) & (seen <= most)
        energy, seen = np.where(keep, energy, np.nan), np.where(keep, seen, np.nan)
        frames = np.zeros((len(x), n, 32, 32))
        for k in range(n):
            upper = seen <= (edges[k + 1] if k + 1 < n else most)
            frames[:, k] = np.where(upper, energy, np.nan)
        return np.nan_to_num(frames, copy=False)

    measure.rate("frames_t1", work, len(x), "images/s", SECONDS)


PEERS = {
    "keras": keras_peer,
    "keras:latency": keras_latency_peer,
    "torch-ndhwc": lambda: torch_peer(False, True),
    "torch-ncdhw": lambda: torch_peer(False, False),
    "torch-compiled": lambda: torch_peer(True, True),
    "onnxruntime": onnx_peer,
    "numpy": numpy_peer,
}

if __name__ == "__main__":
    measure.WHO = PEER.partition(":")[0]
    PEERS[PEER]()
