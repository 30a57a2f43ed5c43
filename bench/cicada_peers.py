# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""One peer on the calorimeter-region network: the weights and events that minbias wrote.

    cicada_peers.py PEER FOLDER SECONDS THREADS EVENTS EPOCHS

Prints JSON lines: training at batch 2048 (Adam, shuffled), inference of large calls, latency of one event on one thread, and
the largest difference between its scores and those of minbias. EPOCHS > 0: so many epochs of the benchmark's protocol, with
validation and callbacks, on a fifth more events than those of the training."""
import os
import sys
import tempfile
import time

import measure
import peers

PEER, FOLDER = sys.argv[1:3]
SECONDS, THREADS, EVENTS, EPOCHS = float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]), int(sys.argv[6])
peers.begin(PEER, THREADS)

import numpy as np  # noqa: E402 after the thread counts

BATCH = 2048
CALLS = [2048, 4096, 16384]  # events of one call; the best one counts
RATES_MHZ = [0.005, 0.003, 0.001]
LAYERS = ["conv2d", "dense", "dense_1"]


def events(channels_last=True):
    """(regions, target, how many of them train)"""
    target = np.load(os.path.join(FOLDER, "target.npy"))
    regions = np.load(os.path.join(FOLDER, "regions.npy")).reshape(-1, 18, 14)
    return regions[..., None] if channels_last else regions[:, None], target, EVENTS


def weights():
    stored = peers.weights(os.path.join(FOLDER, "model.h5"))
    return [stored[name] for name in LAYERS]


def compare(scores):
    ours = np.load(os.path.join(FOLDER, "scores.npy"))[:len(scores)]
    measure.emit("score_difference", float(np.abs(ours - np.asarray(scores)).max()), "", n=len(scores))


def infer(make_call):
    """make_call(n): a call that scores n events. The rate of the best size of calls."""
    best = None
    for count in CALLS:
        seconds, other = measure.repeat(make_call(count), SECONDS / len(CALLS))
        figure = (count / seconds[len(seconds) // 2], count / seconds[0], count, len(seconds), other)
        best = max(best or figure, figure)
    measure.emit("infer_t2", best[0], "events/s", best=best[1], n_events=best[2], n=best[3], other_cpu=best[4])


def latency(call):
    measure.latency("latency_b1", call, SECONDS)


def emit_epoch(seconds, since):
    """The first epoch pays for tracing."""
    seconds = sorted(seconds[1:])
    measure.emit("epoch_t2", seconds[len(seconds) // 2], "s", best=seconds[0], n=len(seconds),
                 other_cpu=measure.other_cpu(since))


# ---------------------------------------------------------------- Keras and TensorFlow Lite
def keras_model():
    import keras
    from keras import layers
    model = keras.Sequential([keras.Input((18, 14, 1)), layers.Conv2D(3, 3, strides=2, activation="relu"), layers.Flatten(),
                              layers.Dense(20, activation="relu"), layers.Dense(2, activation="softmax")])
    model.set_weights([array for pair in weights() for array in pair])
    return model


def keras_protocol(model, regions, target, n_train):
    import keras
    seconds, begin = [], [0.0]

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            begin[0] = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            seconds.append(time.perf_counter() - begin[0])

    watch = [keras.callbacks.EarlyStopping(monitor="val_loss", patience=64),
             keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.7, patience=5)]
    since = measure.busy()
    model.fit(regions[:n_train], target[:n_train], batch_size=BATCH, epochs=EPOCHS, verbose=0,
              validation_data=(regions[n_train:], target[n_train:]), callbacks=watch + [Clock()])
    emit_epoch(seconds, since)


def keras_peer(jit):
    tf = peers.tensorflow(THREADS)
    import keras
    keras.utils.set_random_seed(1)
    model = keras_model()
    regions, target, n_train = events()
    call = tf.function(lambda x: model(x, training=False), jit_compile=jit)
    compare(call(tf.constant(regions[:BATCH])).numpy())

    def make_call(count):
        batch = tf.constant(regions[:count])
        return lambda: call(batch).numpy()

    infer(make_call)
    model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.Adam(1e-3), metrics=["accuracy"],
                  jit_compile=jit)
    measure.rate("train_b2048_t2", lambda: model.fit(regions[:n_train], target[:n_train], batch_size=BATCH, epochs=2, verbose=0),
                 2 * n_train, "samples/s", 2 * SECONDS)
    if EPOCHS > 0:
        keras_protocol(model, regions, target, n_train)


def keras_latency_peer(jit):
    # Threads are set once in a process, and the latency is that of one thread.
    tf = peers.tensorflow(1)
    model = keras_model()
    one = events()[0][:1].copy()
    call = tf.function(lambda x: model(x, training=False), jit_compile=jit)
    latency(lambda: call(tf.convert_to_tensor(one)).numpy())


def tflite_peer():
    tf = peers.tensorflow(THREADS)
    regions = events()[0]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "cicada.tflite")
        with open(path, "wb") as file:
            file.write(tf.lite.TFLiteConverter.from_keras_model(keras_model()).convert())
        compare(peers.litert(path, [regions], THREADS, BATCH)())
        infer(lambda count: peers.litert(path, [regions], THREADS, count))
        latency(peers.litert(path, [regions], 1, 1))


# ---------------------------------------------------------------- PyTorch and ONNX Runtime
def torch_layers(torch):
    nn = torch.nn
    model = nn.Sequential(nn.Conv2d(1, 3, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(144, 20), nn.ReLU(), nn.Linear(20, 2))
    (conv, conv_bias), (hidden, hidden_bias), last = weights()
    # Flattened channels first, the rows of the hidden layer stand in another order.
    rows = np.arange(144).reshape(8, 6, 3).transpose(2, 0, 1).ravel()
    with torch.no_grad():
        peers.load_torch(torch, model[0], conv, conv_bias)
        peers.load_torch(torch, model[3], hidden[rows], hidden_bias)
        peers.load_torch(torch, model[5], *last)
    return model


def torch_peer(compiled):
    import torch
    torch.set_num_threads(THREADS)
    torch.manual_seed(1)
    model = torch_layers(torch)
    regions, target, n_train = events(channels_last=False)
    regions, label = torch.from_numpy(np.ascontiguousarray(regions)), torch.from_numpy(target.argmax(1))
    call = torch.compile(model, dynamic=False) if compiled else model
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    loss_of = torch.nn.functional.cross_entropy

    def make_call(count):
        batch = regions[:count].contiguous()

        def run():
            with torch.inference_mode():
                return call(batch).softmax(1).numpy()
        return run

    def epoch(validates=False):
        order = torch.randperm(n_train)
        for first in range(0, n_train, BATCH):
            rows = order[first:first + BATCH]
            optimizer.zero_grad(set_to_none=True)
            loss_of(call(regions[rows]), label[rows]).backward()
            optimizer.step()
        if validates:
            with torch.inference_mode():
                sum(loss_of(call(regions[i:i + BATCH]), label[i:i + BATCH]).item() for i in range(n_train, len(label), BATCH))

    compare(make_call(BATCH)())
    infer(make_call)
    measure.rate("train_b2048_t2", epoch, n_train, "samples/s", 2 * SECONDS)
    if EPOCHS > 0:
        seconds, since = [], measure.busy()
        for _ in range(EPOCHS):
            begin = time.perf_counter()
            epoch(validates=True)
            seconds.append(time.perf_counter() - begin)
        emit_epoch(seconds, since)
    torch.set_num_threads(1)
    latency(make_call(1))


def onnx_peer():
    import torch
    regions = np.ascontiguousarray(events(channels_last=False)[0])
    model = torch.nn.Sequential(torch_layers(torch), torch.nn.Softmax(1)).eval()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "cicada.onnx")
        torch.onnx.export(model, (torch.zeros(2, 1, 18, 14),), path, dynamo=True, external_data=False, input_names=["x"],
                          dynamic_shapes=({0: torch.export.Dim("events", min=1, max=1 << 20)},), verbose=False)
        both = peers.onnx_session(path, THREADS)
        compare(both.run(None, {"x": regions[:BATCH]})[0])

        def make_call(count):
            feeds = {"x": regions[:count]}
            return lambda: both.run(None, feeds)

        infer(make_call)
        latency(peers.onnx_bound(peers.onnx_session(path, 1), {"x": regions[:1].copy()}))


# ---------------------------------------------------------------- measures and firmware
def sklearn_peer():
    from scipy.interpolate import interp1d
    from sklearn.metrics import auc, roc_curve
    scores, labels = (np.load(os.path.join(FOLDER, f"roc_{name}.npy")) for name in ("scores", "labels"))
    found = []

    def work():
        false_rate, true_rate, _ = roc_curve(labels, scores)
        curve = interp1d(false_rate * 28.61, true_rate)
        found[:] = [auc(false_rate, true_rate)] + [float(curve(rate)) for rate in RATES_MHZ]

    measure.duration("roc", work, SECONDS)
    for name, value in zip(["auc"] + [f"efficiency_{1000 * rate:.0f}kHz" for rate in RATES_MHZ], found):
        measure.exact(name, value)


def hls4ml_peer():
    import cicada_firmware
    cicada_firmware.run(SECONDS)


PEERS = {
    "keras": lambda: keras_peer(False),
    "keras-xla": lambda: keras_peer(True),
    "keras:latency": lambda: keras_latency_peer(False),
    "keras-xla:latency": lambda: keras_latency_peer(True),
    "tflite-xnnpack": tflite_peer,
    "torch": lambda: torch_peer(False),
    "torch-compiled": lambda: torch_peer(True),
    "onnxruntime": onnx_peer,
    "scikit-learn": sklearn_peer,
    "hls4ml": hls4ml_peer,
}

if __name__ == "__main__":
    measure.WHO = PEER.partition(":")[0]
    PEERS[PEER]()
