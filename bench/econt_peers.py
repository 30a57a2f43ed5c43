# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""One peer on the concentrator's autoencoder: the images and pairs that minbias wrote.

    econt_peers.py PEER FOLDER SECONDS THREADS

torch, keras: training at batch 500 with the telescope loss (Adam, shuffled). qkeras: the same with a 6-bit encoder. tflite:
the encoder with our weights, in large calls and module by module. pot: ot.emd2 of pairs; pot-core: its C++ core alone."""
import os
import sys
import tempfile

import measure
import peers

PEER, FOLDER = sys.argv[1:3]
SECONDS, THREADS = float(sys.argv[3]), int(sys.argv[4])
peers.begin(PEER, THREADS)

import numpy as np  # noqa: E402 after the thread counts

BATCH, CALLS = 500, [256, 1024, 4096]
TILES = [((0, 1, 4, 5), 3 / 8), ((2, 3, 6, 7), 1 / 3), ((8, 9, 12, 13), 9 / 16), ((10, 11, 14, 15), 3 / 8),
         ((4, 5, 8, 9), 3 / 8), ((6, 7, 10, 11), 1 / 4), ((1, 2, 5, 6), 1 / 4), ((9, 10, 13, 14), 3 / 8),
         ((5, 6, 9, 10), 1 / 4)]
ACROSS = [((0, 1, 27, 31), 3 / 8), ((1, 2, 23, 27), 1 / 4), ((2, 3, 19, 23), 5 / 12), ((3, 7, 34, 35), 5 / 12),
          ((7, 11, 33, 34), 1 / 4), ((11, 15, 32, 33), 3 / 8), ((16, 17, 47, 43), 3 / 8), ((17, 18, 43, 39), 1 / 4),
          ((18, 19, 39, 35), 5 / 12)]
PIXELS = [4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31, 24, 25, 26, 27, 16, 17, 18, 19, 8, 9, 10, 11, 0, 1, 2, 3,
          59, 51, 43, 35, 58, 50, 42, 34, 57, 49, 41, 33, 56, 48, 40, 32]


def load(name):
    return np.load(os.path.join(FOLDER, f"{name}.npy"))


def groups():
    """(64, 36) of sums, and their weights: the grouped sums as one product of matrices, a peer's fastest way."""
    found = [(tuple(cell + shift for cell in cells), weight) for cells, weight in TILES for shift in (0, 16, 32)] + ACROSS
    sums = np.zeros((64, len(found)), np.float32)
    for column, (cells, _) in enumerate(found):
        sums[[PIXELS[cell] for cell in cells], column] = 1
    return sums, np.array([weight for _, weight in found], np.float32)


def thirds():
    sums = np.zeros((64, 3), np.float32)
    for cell, pixel in enumerate(PIXELS):
        sums[pixel, cell // 16] = 1
    return sums


# ---------------------------------------------------------------- PyTorch
def torch_peer():
    import torch
    torch.set_num_interop_threads(1)
    nn = torch.nn

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(16, 128)
            self.first = nn.ConvTranspose2d(8, 8, 3, stride=2, padding=0)
            self.last = nn.ConvTranspose2d(8, 1, 3, padding=1)

        def forward(self, x):
            x = torch.relu(self.dense(x)).reshape(-1, 8, 4, 4)
            return torch.sigmoid(self.last(torch.relu(self.first(x)[:, :, :8, :8])))

    class Autoencoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.dense, self.decoder = nn.Conv2d(1, 8, 3, stride=2), nn.Linear(128, 16), Decoder()

        def forward(self, x):
            x = torch.relu(self.conv(nn.functional.pad(x, (0, 1, 0, 1))))
            return self.decoder(torch.relu(self.dense(x.flatten(1))))

    sums, weights = (torch.from_numpy(array) for array in groups())
    parts, cells = torch.from_numpy(thirds()), torch.tensor(PIXELS)
    images = torch.from_numpy(load("images")).reshape(-1, 1, 8, 8)
    model = Autoencoder()
    optimizer = torch.optim.Adam(model.parameters(), eps=1e-7)

    def weighted(t, p):
        return (t - p) ** 2 * torch.maximum(p, t)

    def loss_of(t, p):
        t, p = t.flatten(1), p.flatten(1)
        return (4 * weighted(t[:, cells], p[:, cells]).mean(1) + 2 * (weights * weighted(t @ sums, p @ sums)).mean(1) +
                weighted(t @ parts, p @ parts).mean(1)).mean()

    def train():
        for rows in torch.randperm(len(images)).split(BATCH):
            batch = images[rows]
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(batch, model(batch))
            loss.backward()
            optimizer.step()

    for threads in sorted({1, THREADS}):
        torch.set_num_threads(threads)
        measure.rate(f"train_b500_t{threads}", train, len(images), "samples/s", SECONDS, least=2)


# ---------------------------------------------------------------- Keras and QKeras
def keras_loss(tf):
    sums, weights = groups()
    sums, weights, parts = tf.constant(sums), tf.constant(weights), tf.constant(thirds())

    def weighted(t, p):
        return (t - p) ** 2 * tf.maximum(p, t)

    def loss(t, p):
        t, p = tf.reshape(t, (-1, 64)), tf.reshape(p, (-1, 64))
        cells = weighted(tf.gather(t, PIXELS, axis=1), tf.gather(p, PIXELS, axis=1))
        grouped = weights * weighted(t @ sums, p @ sums)
        return (4 * tf.reduce_mean(cells, 1) + 2 * tf.reduce_mean(grouped, 1) +
                tf.reduce_mean(weighted(t @ parts, p @ parts), 1))
    return loss


def keras_decoder(layers, x):
    x = layers.Dense(128, activation="relu")(x)
    x = layers.Reshape((4, 4, 8))(x)
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2DTranspose(1, 3, padding="same")(x)
    return layers.Activation("sigmoid")(x)


def train_keras(tf, keras, inputs, outputs, metric):
    model = keras.Model(inputs, outputs)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=keras_loss(tf))
    images = load("images").reshape(-1, 8, 8, 1)
    measure.rate(f"{metric}_b500_t{THREADS}",
                 lambda: model.fit(images, images, batch_size=BATCH, epochs=1, shuffle=True, verbose=0), len(images),
                 "samples/s", SECONDS, least=2)


def keras_peer():
    tf = peers.tensorflow(THREADS)
    import keras
    layers = keras.layers
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(inputs)
    x = layers.Dense(16, activation="relu")(layers.Flatten()(x))
    train_keras(tf, keras, inputs, keras_decoder(layers, x), "train")


def qkeras_peer():
    tf = peers.tensorflow(THREADS)
    import qkeras
    keras = tf.keras
    layers = keras.layers
    weight, inputs = "quantized_bits(6,1,alpha=1)", keras.Input((8, 8, 1))
    x = qkeras.QActivation("quantized_bits(11,3,alpha=1)")(inputs)
    x = qkeras.QConv2D(8, 3, strides=2, padding="same", kernel_quantizer=weight, bias_quantizer=weight)(x)
    x = layers.Flatten()(qkeras.QActivation("quantized_relu(12,3)")(x))
    x = qkeras.QDense(16, kernel_quantizer=weight, bias_quantizer=weight)(x)
    x = qkeras.QActivation("quantized_relu(9,1)")(x)
    train_keras(tf, keras, inputs, keras_decoder(layers, x), "train_quantized")


# ---------------------------------------------------------------- TensorFlow Lite
def tflite_peer():
    tf = peers.tensorflow(1)
    import keras
    layers = keras.layers
    stored = peers.weights(os.path.join(FOLDER, "model.h5"))
    inputs = keras.Input((8, 8, 1))
    conv = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")
    dense = layers.Dense(16, activation="relu")
    model = keras.Model(inputs, dense(layers.Flatten()(conv(inputs))))
    conv.set_weights(stored["conv2d"])
    dense.set_weights(stored["encoded_vector"])
    images = load("images").reshape(-1, 8, 8, 1)
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "encoder.tflite")
        with open(file, "wb") as out:
            out.write(tf.lite.TFLiteConverter.from_keras_model(model).convert())
        codes = load("codes")
        got = peers.litert(file, [images], 1, len(codes))()
        measure.emit("difference", float(np.abs(got - codes).max()), "", n=len(codes))
        best = None
        for count in CALLS:
            seconds, other = measure.repeat(peers.litert(file, [images], 1, count), SECONDS / len(CALLS))
            figure = (count / seconds[len(seconds) // 2], count / seconds[0], len(seconds), other)
            best = max(best or figure, figure)
        measure.emit("encoder_t1", best[0], "events/s", best=best[1], n=best[2], other_cpu=best[3])
        measure.latency("latency", peers.litert(file, [images], 1, 1), SECONDS)


# ---------------------------------------------------------------- POT
def coordinates():
    i = np.arange(16)
    first = np.stack([2.09301 * (i // 4), -2.4168015 * (i % 4) - 1.2083969 * (i // 4)], 1)
    second = np.stack([-8.37204 + 2.09301 * (i % 4), -10.271393 + 1.208398 * (i % 4) + 2.4168 * (i // 4)], 1)
    third = np.stack([4.7092705 - 2.0930105 * (i % 4) - 2.0930105 * (i // 4),
                      -12.386101 + 1.2084 * (i % 4) - 1.2084 * (i // 4)], 1)
    return np.concatenate([first, second, third]) / 1.20840075


def pot_peer(is_core):
    import ot
    from ot.lp._network_simplex import emd_c
    a, b = load("pairs_a"), load("pairs_b")
    a, b = a / a.sum(1, keepdims=True), b / b.sum(1, keepdims=True)
    xy = coordinates()
    cost = np.ascontiguousarray(np.sqrt(((xy[:, None] - xy[None]) ** 2).sum(-1)))
    count = min(len(a), 500)

    def distance(i):
        if is_core:
            return emd_c(a[i], b[i], cost, 100000, 1)[1]
        return ot.emd2(a[i], b[i], cost)

    ours = load("distances")[:count, 0]
    measure.emit("difference", float(np.abs(np.array([distance(i) for i in range(count)]) - ours).max()), "", n=count)
    measure.rate("emd_t1", lambda: [distance(i) for i in range(count)], count, "pairs/s", SECONDS, least=2)


PEERS = {"torch": torch_peer, "keras": keras_peer, "qkeras": qkeras_peer, "tflite": tflite_peer,
         "pot": lambda: pot_peer(False), "pot-core": lambda: pot_peer(True)}
PEERS[PEER]()
