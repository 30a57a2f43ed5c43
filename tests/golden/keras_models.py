# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Makes small models in real Keras, with random weights, inputs and the outputs Keras predicts.

Run once with Keras 2.15 and once with Keras 3 (KERAS_BACKEND=jax): python keras_models.py keras
The results are keras/keras2.zip and keras/keras3.zip. Keras 2 writes NAME.h5 (of some models also NAME_j.json with
weights), Keras 3 NAME.h5 and NAME.keras (of some also weights alone). NAME.txt holds, per input and output, a line
"input|output COUNT" and the numbers as hexadecimal float32 bits.
"""
import os
import sys
import tempfile
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np

MAJOR = int(keras.__version__.split(".")[0])
L = keras.layers
MODELS = []


def model(function):
    MODELS.append(function)
    return function


def sequential(name, shape, *layers):
    return keras.Sequential([keras.Input(shape)] + list(layers), name=name)


def leaky(slope):
    return L.LeakyReLU(alpha=slope) if MAJOR == 2 else L.LeakyReLU(negative_slope=slope)


@model
def conv1d():
    return sequential("conv1d", (11, 3), L.Conv1D(4, 3, strides=2, padding="same", activation="relu"),
                      L.Conv1D(3, 2, dilation_rate=2, padding="causal", activation="tanh"), L.MaxPooling1D(2),
                      L.Flatten(), L.Dense(2))


@model
def conv2d():
    return sequential("conv2d", (9, 8, 2), L.Conv2D(4, (3, 2), strides=(2, 1), padding="same", activation="elu"),
                      L.Conv2D(3, 2, dilation_rate=2, use_bias=False, kernel_regularizer="l2"), L.AveragePooling2D((2, 3), padding="same"),
                      L.Flatten(), L.Dense(3, activation="softmax"))


@model
def conv3d():
    return sequential("conv3d", (6, 5, 4, 2), L.Conv3D(3, 2, padding="same", activation="relu"), L.MaxPooling3D((2, 2, 1)),
                      L.Conv3D(2, (1, 2, 3), padding="valid", activation="selu"), L.GlobalAveragePooling3D())


@model
def separable():
    return sequential("separable", (7, 6, 3), L.SeparableConv2D(4, 3, depth_multiplier=2, activation="relu"),
                      L.DepthwiseConv2D(2, depth_multiplier=2, activation="relu", strides=2), L.Flatten(), L.Dense(2))


@model
def separable1d():
    return sequential("separable1d", (9, 2), L.SeparableConv1D(3, 3, padding="same"), L.DepthwiseConv1D(2),
                      L.GlobalMaxPooling1D())


@model
def transposed():
    return sequential("transposed", (4, 3, 2), L.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu"),
                      L.Conv2DTranspose(2, 2, strides=(1, 2), padding="valid"))


@model
def transposed1d3d():
    a = keras.Input((5, 2), name="line")
    b = keras.Input((3, 2, 2, 2), name="volume")
    return keras.Model([a, b], [L.Conv1DTranspose(2, 3, strides=2)(a), L.Conv3DTranspose(2, 2, strides=2, padding="same")(b)],
                       name="transposed1d3d")


@model
def pools():
    a = keras.Input((7, 6, 2), name="image")
    b = keras.Input((8, 3), name="line")
    c = keras.Input((4, 5, 3, 2), name="volume")
    outputs = [L.MaxPooling2D(3, strides=2, padding="same")(a), L.AveragePooling2D(2, strides=1)(a), L.GlobalAveragePooling2D()(a),
               L.GlobalMaxPooling2D()(a), L.AveragePooling1D(3, padding="same")(b), L.MaxPooling1D(2, strides=3)(b),
               L.GlobalAveragePooling1D()(b), L.AveragePooling3D(2)(c), L.MaxPooling3D((1, 2, 2), padding="same")(c),
               L.GlobalMaxPooling3D()(c)]
    return keras.Model([a, b, c], outputs, name="pools")


@model
def flatten_formats():
    a = keras.Input((2, 3, 4), name="image")
    return keras.Model(a, [L.Dense(3)(L.Flatten(data_format="channels_first")(a)), L.Dense(3)(L.Flatten()(a))], name="flatten_formats")


@model
def shapes():
    a = keras.Input((4, 6), name="a")
    x = L.Permute((2, 1))(a)
    x = L.Reshape((3, 8))(x)
    y = L.Reshape((-1, 2))(a)
    return keras.Model(a, [L.Dense(2)(x), y], name="shapes")


@model
def merges():
    a = keras.Input((5,), name="a")
    b = keras.Input((5,), name="b")
    x = L.Dense(4)(a)
    y = L.Dense(4)(b)
    return keras.Model([a, b], [L.Add()([x, y, x]), L.Subtract()([x, y]), L.Multiply()([x, y]), L.Average()([x, y]), L.Maximum()([x, y]),
                                L.Concatenate()([x, b, y])], name="merges")


@model
def concatenate_axis():
    a = keras.Input((3, 4, 2), name="a")
    b = keras.Input((3, 2, 2), name="b")
    return keras.Model([a, b], L.Conv2D(2, 2)(L.Concatenate(axis=2)([a, b])), name="concatenate_axis")


@model
def normalised():
    return sequential("normalised", (6, 5, 3), L.Conv2D(4, 2, use_bias=False), L.BatchNormalization(epsilon=0.01), L.Activation("relu"),
                      L.Dropout(0.3), L.Flatten(), L.Dense(4), L.BatchNormalization(center=False), L.BatchNormalization(scale=False),
                      L.Dense(1, activation="sigmoid"))


@model
def padded():
    a = keras.Input((4, 5, 2), name="a")
    b = keras.Input((5, 2), name="b")
    x = L.ZeroPadding2D(((1, 2), (0, 3)))(a)
    return keras.Model([a, b], [L.UpSampling2D((2, 3))(L.Conv2D(2, 3)(x)), L.UpSampling1D(2)(L.ZeroPadding1D((1, 2))(b))], name="padded")


@model
def activations():
    a = keras.Input((4, 3), name="a")
    outputs = [L.Activation(name)(a) for name in ("relu", "elu", "selu", "sigmoid", "tanh", "softmax", "softplus", "linear")]
    outputs += [leaky(0.25)(a), L.ReLU(max_value=0.5)(a), L.ReLU()(a), L.ELU(alpha=0.7)(a), L.Softmax()(a), L.Dense(2, activation=leaky(0.2))(a)]
    return keras.Model(a, outputs, name="activations")


@model
def shared():
    a = keras.Input((6, 6, 1), name="left")
    b = keras.Input((6, 6, 1), name="right")
    conv = L.Conv2D(3, 3, activation="relu", name="tower")
    dense = L.Dense(3, name="shared_dense")
    x = dense(L.Flatten()(conv(a)))
    y = dense(L.Flatten()(conv(b)))
    return keras.Model([a, b], L.Dense(2)(L.Subtract()([x, y])), name="shared")


@model
def nested():
    inner_in = keras.Input((4, 4, 2), name="inner_in")
    inner = L.BatchNormalization(name="norm")(L.Conv2D(2, 3, padding="same", name="conv")(inner_in))
    encoder = keras.Model(inner_in, inner, name="encoder")
    head = keras.Sequential([keras.Input((4, 4, 2)), L.Flatten(), L.BatchNormalization(), L.Dense(3, activation="relu"), L.Dense(2)], name="head")
    a = keras.Input((4, 4, 2), name="a")
    return keras.Model(a, head(L.Add()([encoder(encoder(a)), a])), name="nested")


@model
def nested_deep():
    inner_in = keras.Input((5,), name="i")
    inner = keras.Model(inner_in, [L.Dense(4, name="up")(inner_in), L.Dense(5, name="side")(inner_in)], name="inner")
    middle_in = keras.Input((5,), name="m")
    u, s = inner(middle_in)
    middle = keras.Model(middle_in, [L.Dense(3)(u), s], name="middle")
    a = keras.Input((5,), name="a")
    p, q = middle(a)
    r, t = middle(q)
    return keras.Model(a, [L.Concatenate()([p, r]), t], name="nested_deep")


@model
def nested_sequential():
    inner = keras.Sequential([keras.Input((6,)), L.Dense(5, activation="tanh"), L.Dense(4)], name="inner")
    return keras.Sequential([keras.Input((6,)), inner, L.Dense(2)], name="nested_sequential")


@model
def frozen():
    m = sequential("frozen", (5, 2), L.Conv1D(3, 2), L.BatchNormalization(), L.Flatten(), L.Dense(2))
    m.layers[0].trainable = False
    m.layers[1].trainable = False
    return m


@model
def two_inputs_two_outputs():
    a = keras.Input((4,), name="energy")
    b = keras.Input((3, 3, 1), name="image")
    x = L.Dense(3, activation="relu", name="first")(a)
    y = L.Flatten()(L.Conv2D(2, 2, name="second")(b))
    z = L.Concatenate()([y, x])
    return keras.Model([b, a], [L.Dense(1, activation="sigmoid", name="trigger")(z), L.Dense(2, activation="softmax", name="class")(z)],
                       name="two_inputs_two_outputs")


@model
def channels_first():
    a = keras.Input((2, 7, 6), name="a")
    x = L.Conv2D(3, 3, padding="same", activation="relu", data_format="channels_first")(a) if MAJOR == 3 else \
        L.Permute((3, 1, 2))(L.Conv2D(3, 3, padding="same", activation="relu")(L.Permute((2, 3, 1))(a)))
    x = L.BatchNormalization(axis=1)(x) if MAJOR == 3 else x
    x = L.MaxPooling2D(2, data_format="channels_first")(x) if MAJOR == 3 else \
        L.Permute((3, 1, 2))(L.MaxPooling2D(2)(L.Permute((2, 3, 1))(x)))
    x = L.Flatten(data_format="channels_first")(x)
    return keras.Model(a, L.Dense(3)(x), name="channels_first")


@model
def barrel():
    # The trigger's network at a small size: three branches over the three volumes.
    inputs, branches = [], []
    for i, shape in enumerate([(8, 8, 4), (8, 8, 4), (8, 7, 2)]):
        x = a = keras.Input(shape, name=f"volume{i}")
        for j in range(2):
            x = L.Conv2D(4, 3, padding="same", activation="relu", name=f"conv{i}_{j}")(x)
            x = L.MaxPooling2D(2, name=f"pool{i}_{j}")(x)
        inputs.append(a)
        branches.append(L.Flatten(name=f"flatten{i}")(x))
    x = L.Dense(8, activation="relu")(L.Concatenate()(branches))
    return keras.Model(inputs, L.Dense(1, activation="sigmoid")(x), name="barrel")


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def write_numbers(path, arrays):
    with open(path, "w") as file:
        for kind, array in arrays:
            bits = np.ascontiguousarray(array, dtype="<f4").view("<u4").ravel()
            file.write(f"{kind} {len(bits)}\n" + " ".join(f"{b:08x}" for b in bits) + "\n")


def write_model(make, folder):
    keras.backend.clear_session()
    random = np.random.default_rng(sum(map(ord, make.__name__)))
    m = make()
    weights = []
    for variable in m.weights:
        low, high = (0.5, 1.5) if "variance" in variable.name or "gamma" in variable.name else (-0.5, 0.5)
        weights.append(random.uniform(low, high, variable.shape).astype("f4"))
    m.set_weights(weights)
    inputs = [random.normal(size=(3,) + tuple(t.shape[1:])).astype("f4") for t in m.inputs]
    outputs = as_list(m(inputs if len(inputs) > 1 else inputs[0], training=False))
    stem = os.path.join(folder, make.__name__)
    write_numbers(stem + ".txt", [("input", a) for a in inputs] + [("output", np.asarray(a)) for a in outputs])
    m.save(stem + ".h5")
    if MAJOR == 3:
        m.save(stem + ".keras")
        suffix = {"barrel": "_w.weights.h5"}.get(make.__name__)
    else:
        # All three ways in which Keras 2 writes weights alone.
        suffix = {"barrel": "_j.weights.h5", "nested": "_j.hdf5", "conv2d": "_j.h5"}.get(make.__name__)
        if suffix:
            with open(stem + "_j.json", "w") as file:
                file.write(m.to_json())
    if suffix:
        m.save_weights(stem + suffix)


def main(target):
    with tempfile.TemporaryDirectory() as folder:
        for make in MODELS:
            write_model(make, folder)
        with zipfile.ZipFile(os.path.join(target, f"keras{MAJOR}.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(os.listdir(folder)):
                with open(os.path.join(folder, name), "rb") as file:
                    archive.writestr(zipfile.ZipInfo(name), file.read(), zipfile.ZIP_DEFLATED)


main(sys.argv[1])
