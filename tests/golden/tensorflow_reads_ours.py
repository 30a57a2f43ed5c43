# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Runs frozen graphs that the library wrote in TensorFlow: python tensorflow_reads_ours.py GRAPH.pb INPUTS.npy OUTPUTS.npy MOST ...

GRAPH.pb.ascii must say the same graph. Exits with 1 where an output is further than MOST from ours, and with 77 where
there is no TensorFlow.
"""
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
try:
    import numpy as np
    import tensorflow as tf
    from google.protobuf import text_format
    from tensorflow.core.framework import graph_pb2
except ImportError:
    sys.exit(77)


def load(path):
    graph = graph_pb2.GraphDef()
    if path.endswith(".ascii"):
        with open(path) as file:
            text_format.Parse(file.read(), graph)
    else:
        with open(path, "rb") as file:
            graph.ParseFromString(file.read())
    return graph


def compare(path, inputs, outputs, most):
    graph = load(path)
    if graph != load(path + ".ascii"):
        sys.exit(path + ": the text says another graph")
    if graph.node[0].op != "Placeholder" or graph.node[0].attr["shape"].shape.dim[0].size != -1:
        sys.exit(path + ": the first node is no placeholder of an open batch")
    with tf.Graph().as_default() as loaded:
        tf.import_graph_def(graph, name="")
        with tf.compat.v1.Session(graph=loaded) as session:
            got = session.run(graph.node[-1].name + ":0", {graph.node[0].name + ":0": np.load(inputs)})
    wanted = np.load(outputs)
    difference = np.abs(got.reshape(wanted.shape) - wanted).max()
    print(path, graph.node[-1].name, difference)
    if not difference <= float(most):
        sys.exit(path + ": TensorFlow's outputs differ by %g" % difference)


arguments = sys.argv[1:]
for i in range(0, len(arguments), 4):
    compare(*arguments[i : i + 4])
