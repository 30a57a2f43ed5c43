# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Nodes of the frozen graphs that TensorFlow makes of an encoder and a decoder.

Writes frozen_graphs.txt: for each graph a line "graph NAME", then "OP NAME [TAKES ...]" in byte order of the names,
without the model's name in front, the placeholder's name as it is, and without the graph's own Identity and NoOp.
With TensorFlow 2.15: python tests/golden/frozen_graphs.py tests/golden/frozen_graphs.txt
"""
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2


def models():
    keras = tf.keras
    layers = keras.layers
    inputs = keras.Input((8, 8, 1), name="encoder_input")
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="conv2d")(inputs)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(16, activation="relu", name="encoded_vector")(x)
    yield keras.Model(inputs, x, name="encoder")
    inputs = keras.Input((16,), name="decoder_input")
    x = layers.Dense(128, activation="relu", name="dense")(inputs)
    x = layers.Reshape((4, 4, 8), name="reshape")(x)
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu", name="conv2d_transpose")(x)
    x = layers.Conv2DTranspose(1, 3, padding="same", name="conv2d_transpose_1")(x)
    x = layers.Activation("sigmoid", name="decoder_output")(x)
    yield keras.Model(inputs, x, name="decoder")


def freeze(model):
    spec = tf.TensorSpec((None,) + model.input_shape[1:], tf.float32, name="x")
    concrete = tf.function(lambda x: model(x)).get_concrete_function(spec)
    return convert_variables_to_constants_v2(concrete).graph.as_graph_def()


def write(file):
    for model in models():
        print("graph", model.name, file=file)
        prefix = model.name + "/"
        lines = []
        for node in freeze(model).node:
            if node.name in ("Identity", "NoOp"):
                continue
            takes = [name.removeprefix(prefix) for name in node.input]
            lines.append((node.name.removeprefix(prefix), node.op, takes))
        for name, op, takes in sorted(lines):
            print(" ".join([op, name] + takes), file=file)


write(open(sys.argv[1], "w") if len(sys.argv) > 1 else sys.stdout)
