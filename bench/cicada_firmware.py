# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""hls4ml's C++ emulation of the two calorimeter students on one thread, at the shapes and fixed-point types of bench/twin.c:
what one checks a firmware's scores with. Weights are drawn, as there. It compiles a library for each network first."""
import os
import tempfile
import time

import measure

EVENTS = 4096


def signed(bits, integer):
    return f"ap_fixed<{bits},{integer},AP_RND_CONV,AP_SAT>"


def unsigned(bits, integer):
    return f"ap_ufixed<{bits},{integer},AP_RND_CONV,AP_SAT>"


def dense_student(keras):
    layers = keras.layers
    model = keras.Sequential([keras.Input((252,), name="regions"), layers.Dense(15, use_bias=False, name="dense1"),
                              layers.BatchNormalization(name="norm"), layers.Activation("relu", name="relu1"),
                              layers.Dense(1, use_bias=False, name="output"), layers.Activation("relu", name="relu2")])
    return model, {
        "regions": {"result": "ap_ufixed<10,10>"},
        "dense1": {"weight": signed(2, 1), "accum": signed(15, 14), "result": signed(14, 13)},
        "norm": {"scale": signed(16, 1), "bias": signed(10, 2), "result": signed(13, 7)},
        "relu1": {"result": unsigned(5, 2)},
        "output": {"weight": signed(4, 1), "result": signed(16, 8)},
        "relu2": {"result": unsigned(16, 8)}}


def conv_student(keras):
    layers = keras.layers
    model = keras.Sequential([keras.Input((18, 14, 1), name="regions"),
                              layers.Conv2D(4, 2, strides=2, use_bias=False, name="conv"),
                              layers.Activation("relu", name="relu0"), layers.Flatten(name="flatten"),
                              layers.Dense(16, name="dense1"), layers.Activation("relu", name="relu1"),
                              layers.Dense(1, use_bias=False, name="output"), layers.Activation("relu", name="relu2")])
    return model, {
        "regions": {"result": "ap_ufixed<10,10>"},
        "conv": {"weight": signed(12, 4), "accum": signed(26, 14), "result": signed(26, 14)},
        "relu0": {"result": unsigned(10, 6)},
        "dense1": {"weight": signed(8, 2), "bias": signed(8, 4), "accum": signed(26, 14), "result": signed(26, 14)},
        "relu1": {"result": unsigned(10, 6)},
        "output": {"weight": signed(12, 4), "accum": signed(26, 14), "result": signed(26, 14)},
        "relu2": {"result": unsigned(16, 8)}}


def emulation(model, types, folder):
    import hls4ml
    config = hls4ml.utils.config_from_keras_model(model, granularity="name", backend="Vitis",
                                                  default_precision=signed(16, 8))
    for name, precision in types.items():
        config["LayerName"][name].setdefault("Precision", {}).update(precision)
    return hls4ml.converters.convert_from_keras_model(model, hls_config=config, output_dir=folder, backend="Vitis",
                                                      io_type="io_parallel")


def run(seconds):
    import keras
    import numpy as np
    keras.utils.set_random_seed(1)
    draw = np.random.default_rng(1)
    for name, make in (("dense15", dense_student), ("conv4", conv_student)):
        model, types = make(keras)
        regions = draw.poisson(2, (EVENTS, *model.input_shape[1:])).astype(np.float32)
        with tempfile.TemporaryDirectory() as folder:
            emulated = emulation(model, types, os.path.join(folder, "project"))
            since, begin = measure.busy(), time.perf_counter()
            emulated.compile()
            measure.emit(f"fixed_{name}_compile", time.perf_counter() - begin, "s", other_cpu=measure.other_cpu(since))
            measure.rate(f"fixed_{name}", lambda: emulated.predict(regions), EVENTS, "events/s", seconds, least=2)
