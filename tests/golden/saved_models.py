# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes saved_models.zip: SavedModel folders of Keras 2.15 (and QKeras 0.9) with inputs and what Keras predicts.

Members are NAME/saved_model.pb and so on, and NAME.txt: per input and output a line "input|output COUNT" and the numbers
as hexadecimal float32 bits. Of saved_model.pb the computation is taken out, which is not read and is nearly all of it.
"""
import os
import shutil
import sys
import tempfile
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import qkeras
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

K = tf.keras
L = K.layers
ROWS = 3
MODELS = []


def model(function):
    MODELS.append(function)
    return function


@model
def plain():
    return K.Sequential([K.Input((7, 6, 2)), L.SeparableConv2D(3, 3, activation="relu"), L.BatchNormalization(), L.PReLU(),
                         L.Flatten(), L.Dense(2, activation="softmax")], name="plain")


@model
def shared():
    x = K.Input((5,), name="x")
    twice = L.Dense(5, activation="tanh", name="twice")
    return K.Model(x, L.Dense(1)(L.Add()([twice(x), twice(twice(x))])), name="shared")


@model
def nested():
    inner_input = K.Input((4,), name="inner_input")
    inner = K.Model(inner_input, L.BatchNormalization()(L.Dense(4, use_bias=False)(inner_input)), name="inner")
    chain = K.Sequential([L.Dense(6, activation="elu", name="first"), inner_of_chain(), L.Dense(4)], name="chain")
    x = K.Input((4,), name="x")
    return K.Model(x, [inner(chain(x)), L.Activation("sigmoid")(inner(x))], name="nested")


def inner_of_chain():
    x = K.Input((6,))
    return K.Model(x, L.Dense(6, activation="relu", name="deep")(x), name="inner_of_chain")


@model
def quantised():
    x = K.Input((6, 5, 1), name="x")
    y = qkeras.QConv2D(2, (3, 3), kernel_quantizer=qkeras.quantized_bits(4, 0, 1, alpha=1),
                       bias_quantizer=qkeras.quantized_bits(6, 2, 1, alpha=1), name="conv")(x)
    y = qkeras.QActivation("quantized_relu(5,2)", name="relu")(y)
    y = L.Flatten()(y)
    y = qkeras.QDense(3, kernel_quantizer=qkeras.quantized_bits(8, 1, 1, alpha=1),
                      bias_quantizer=qkeras.quantized_bits(8, 3, 1, alpha=1), name="dense")(y)
    return K.Model(x, y, name="quantised")


@model
def folded():
    """Layers whose variables belong to a normalisation within them."""
    x = K.Input((5, 5, 1), name="x")
    y = qkeras.QConv2DBatchnorm(2, (2, 2), kernel_quantizer=qkeras.quantized_bits(6, 1, 1, alpha=1),
                                bias_quantizer=qkeras.quantized_bits(8, 3, 1, alpha=1), name="conv")(x)
    y = qkeras.QBatchNormalization(name="norm")(y)
    y = L.Dense(2)(L.Flatten()(y))
    return K.Model(x, y, name="folded")


def recurrent():
    return K.Sequential([K.Input((4, 2)), L.LSTM(2, name="memory")], name="recurrent")


class Own(K.Model):
    def __init__(self):
        super().__init__()
        self.dense = L.Dense(2)

    def call(self, x):
        return self.dense(x)


def randomise(made, rng):
    for weight in made.weights:
        values = rng.normal(0, 0.5, weight.shape)
        weight.assign(np.abs(values) + 0.5 if "variance" in weight.name else values)


def strip(folder):
    path = os.path.join(folder, "saved_model.pb")
    saved = saved_model_pb2.SavedModel()
    with open(path, "rb") as file:
        saved.ParseFromString(file.read())
    for graph in saved.meta_graphs:
        for field in ("graph_def", "object_graph_def", "signature_def", "saver_def", "collection_def"):
            graph.ClearField(field)
        graph.meta_info_def.ClearField("stripped_op_list")
    with open(path, "wb") as file:
        file.write(saved.SerializeToString(deterministic=True))
    fingerprint = os.path.join(folder, "fingerprint.pb")
    if os.path.exists(fingerprint):
        os.remove(fingerprint)


def split_shards(folder):
    """The same tensors in two shards."""
    prefix = os.path.join(folder, "variables", "variables")
    reader = tf.train.load_checkpoint(prefix)
    keys = sorted(reader.get_variable_to_shape_map())
    parts = []
    for i in range(2):
        names = keys[i::2]
        parts.append(prefix + f"_part{i}")
        tf.raw_ops.SaveV2(prefix=parts[-1], tensor_names=names, shape_and_slices=[""] * len(names),
                          tensors=[tf.constant(reader.get_tensor(name)) for name in names])
    for name in ("variables.index", "variables.data-00000-of-00001"):
        os.remove(os.path.join(folder, "variables", name))
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=prefix, delete_old_dirs=False)


def add_folder(archive, folder, name):
    for where, _, files in sorted(os.walk(folder)):
        for file in sorted(files):
            path = os.path.join(where, file)
            with open(path, "rb") as data:
                add(archive, f"{name}/{os.path.relpath(path, folder)}", data.read())


def add(archive, name, data):
    # One date, so that equal contents make equal archives.
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def numbers(kind, values):
    values = np.ascontiguousarray(values, np.float32)
    return f"{kind} {values.size}\n" + " ".join(f"{v:08x}" for v in values.reshape(-1).view(np.uint32)) + "\n"


def main(target):
    rng = np.random.default_rng(7)
    K.utils.set_random_seed(7)
    scratch = tempfile.mkdtemp()
    with zipfile.ZipFile(target, "w") as archive:
        for make in MODELS:
            made = make()
            randomise(made, rng)
            folder = os.path.join(scratch, made.name)
            if made.name == "shared":
                # With the state of an optimiser, which is not to be read.
                made.compile("adam", "mse")
                made.fit(rng.normal(size=(8, 5)), rng.normal(size=(8, 1)), verbose=0)
            inputs = [rng.normal(0, 2, (ROWS,) + tuple(i.shape[1:])).astype(np.float32) for i in made.inputs]
            outputs = made.predict(inputs, verbose=0)
            outputs = outputs if isinstance(outputs, list) else [outputs]
            made.save(folder, save_format="tf")
            strip(folder)
            add_folder(archive, folder, made.name)
            text = "".join(numbers("input", i) for i in inputs) + "".join(numbers("output", o) for o in outputs)
            add(archive, f"{made.name}.txt", text)
            if made.name == "nested":
                split_shards(folder)
                add_folder(archive, folder, "shards")
                add(archive, "shards.txt", text)
        for name, made in (("recurrent", recurrent()), ("own", Own())):
            made(np.zeros((1, 4, 2), np.float32) if name == "recurrent" else np.zeros((1, 3), np.float32))
            folder = os.path.join(scratch, name)
            made.save(folder, save_format="tf")
            strip(folder)
            add_folder(archive, folder, name)
    shutil.rmtree(scratch)


main(sys.argv[1] if len(sys.argv) > 1 else "saved_models.zip")
