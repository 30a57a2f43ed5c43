# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes quantizers.txt: QKeras 0.9.0's quantisers (TensorFlow 2.15) over edge values and small tensors.

python quantizers.py > quantizers.txt
Lines: "v NAME hex..." are values in float32; "q TEXT" a quantiser, "c JSON" its get_config, "x NAME SHAPE" what it is given, "s hex..." the
scale of each channel that it finds, "y hex..." what it makes of that, and "g hex..." the gradient of the sum of all results ("g 1": 1 everywhere). TensorFlow takes numbers
below 2^-126 for 0; none are here.
"""
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import qkeras
import tensorflow as tf


def hexes(array):
    return " ".join("%x" % v for v in np.ascontiguousarray(array, np.float32).reshape(-1).view(np.uint32))


def edges():
    tiny = [0.0, -0.0, 3e-37, -3e-37, 1e-30, 1e-8, -1e-8, 9.9e-8, 1.1e-7, -3e-7, 1e-4]
    plain = [0.125, -0.125, 0.25, 0.3, -0.3, 0.329, 0.33, -0.331, 0.5, -0.5, 0.7, -0.71, 1, -1, 1.5, -1.5, 2.9, -3, 3, -3.1,
             4.5, 6.7, -7, 100.3, -1000.7]
    huge = [65535.5, -65536.5, 1e6, -1e7, 1e30, -1e30]
    return np.array(tiny + plain + huge, np.float32)


def steps(step, low, high):
    """Halves of steps around zero and both ends of a grid, and their neighbours."""
    near = np.array([0.5, 1, 1.5, 2, 2.5, 3.5, -0.5, -1, -1.5, -2.5], np.float32)
    x = np.concatenate([near, [high - 1, high - 0.5, high, high + 0.5, high + 1, low - 0.5, low, low + 0.5]]).astype(np.float32)
    x = x * np.float32(step)
    return np.concatenate([x, np.nextafter(x[[0, 2, 6, 11, 13]], np.float32(9e9)), np.nextafter(x[[0, 4, 8, 11]], np.float32(-9e9))])


def numbers(count, salt):
    i = np.arange(count, dtype=np.int64)
    return (((i * 7919 + salt * 104729 + 13) % 1009) / 1009 * 2 - 1).astype(np.float32)


VALUES = {}


def name_of(x):
    key = hexes(x)
    if key not in VALUES:
        VALUES[key] = "v%d" % len(VALUES)
        print("v", VALUES[key], key)
    return VALUES[key]


def case(text, x, shape=None):
    shape = shape or x.shape
    quantizer = qkeras.quantizers.get_quantizer(text)
    name = name_of(x)
    variable = tf.Variable(x.reshape(shape))
    with tf.GradientTape() as tape:
        # TensorFlow's logarithm of several numbers at once is another than that of one.
        one_by_one = "po2" in type(quantizer).__name__
        y = tf.stack([quantizer(variable[i]) for i in range(x.size)]) if one_by_one else quantizer(variable)
        total = tf.reduce_sum(y)
    gradient = tape.gradient(total, variable)
    gradient = np.zeros(shape, np.float32) if gradient is None else tf.convert_to_tensor(gradient).numpy()
    print("q", text)
    print("c", json.dumps({"class_name": type(quantizer).__name__, "config": quantizer.get_config()}, default=float))
    print("x", name, *shape)
    scale = getattr(quantizer, "scale", None)
    if "auto" in text and len(shape) > 1:
        print("s", hexes(np.asarray(scale)))
    print("y", hexes(y.numpy()))
    print("g", "1" if np.all(gradient == 1) else hexes(gradient))


def bits_cases():
    for bits, integer, symmetric, more in [
            (8, 0, 0, ""), (8, 1, 1, "alpha=1"), (8, 3, 1, ""), (4, 0, 1, ""), (2, 0, 1, ""), (2, 1, 0, ""), (1, 0, 0, ""), (3, 2, 0, "keep_negative=False"),
            (5, 5, 0, "keep_negative=0"), (16, 4, 1, "alpha=1.0"), (16, 0, 0, ""), (12, 3, 1, "alpha=0.5"), (6, 2, 0, "alpha=0.3"), (10, 2, 1, ""),
            (20, 8, 1, ""), (24, 2, 0, ""), (30, 10, 0, ""), (9, 0, 0, "qnoise_factor=0.25"), (9, 1, 0, "qnoise_factor=0.25,use_ste=False")]:
        for ste in ["", "use_ste=False"]:
            if ste and "use_ste" in more:
                continue
            keep = "keep_negative" not in more
            u = bits - keep
            step = 2.0 ** (integer - u)
            x = np.concatenate([edges()[:: 1 if ste else 3], steps(step, -(2.0 ** u) if keep else 0, 2.0 ** u - 1)])
            case("quantized_bits(%s)" % ",".join(filter(None, [str(bits), str(integer), str(symmetric), more, ste])), x)


def relu_cases():
    for bits, integer, more in [
            (5, 2, ""), (16, 4, ""), (10, 6, ""), (16, 8, ""), (8, 0, ""), (1, 0, ""), (2, 1, ""), (24, 8, ""), (28, 4, ""), (6, 1, "negative_slope=0.25"),
            (8, 3, "0,0.125"), (7, 2, "use_sigmoid=1"), (7, 0, "1,0.5"), (6, 3, "relu_upper_bound=6,is_quantized_clip=False"), (6, 3, "is_quantized_clip=False"),
            (8, 2, "qnoise_factor=0.5"), (8, 2, "qnoise_factor=0.5,use_ste=False")]:
        slope = 1 if ("slope" in more or "0," in more or "1,0" in more) else 0
        step = 2.0 ** (integer - bits + slope)
        x = np.concatenate([edges(), steps(step, -(2.0 ** (bits - 2)), 2.0 ** (bits - slope) - 1)])
        case("quantized_relu(%s)" % ",".join(filter(None, [str(bits), str(integer), more])), x)


def other_cases():
    x = np.concatenate([edges(), steps(1 / 128, -128, 127), steps(0.25, -8, 7)])
    for text in ["quantized_tanh(8)", "quantized_tanh(4,symmetric=True)", "quantized_tanh(6,0,1,1)", "quantized_sigmoid(8)", "quantized_sigmoid(4,True)",
                 "quantized_sigmoid(6,use_real_sigmoid=1)", "quantized_ulaw(8)", "quantized_ulaw(6,1,1)", "quantized_ulaw(5,0,0,15.0)",
                 "quantized_hswish(8,3)", "quantized_hswish(6,2,1,relu_shift=2,relu_upper_bound=4)", "quantized_hswish(8,3,use_ste=False)",
                 "quantized_po2(4)", "quantized_po2(5)", "quantized_po2(8,use_ste=False)", "quantized_po2(4,2,use_ste=False)", "quantized_po2(4,0.5)",
                 "quantized_po2(6,quadratic_approximation=True)", "quantized_po2(6,log2_rounding='floor',use_ste=False)", "quantized_relu_po2(4)",
                 "quantized_relu_po2(6,2048)", "quantized_relu_po2(6,quadratic_approximation=True)", "quantized_relu_po2(5,4,0.25,use_ste=False)",
                 "quantized_relu_po2(8,use_ste=False)", "binary()", "binary(alpha=1)", "binary(alpha=0.5)", "binary(1,1.0)", "ternary()",
                 "ternary(alpha=1)", "ternary(alpha=0.75,threshold=0.5)"]:
        case(text, x)


def scale_cases():
    tensors = [((7, 4), 1, 1.0), ((3, 2, 2, 3), 2, 0.3), ((2, 2, 3, 1), 3, 5.0), ((9,), 4, 0.8), ((25, 2), 5, 0.01)]
    for alpha in ["auto", "auto_po2"]:
        for text in ["quantized_bits(8,0,1,alpha='%s')", "quantized_bits(4,1,1,alpha='%s')", "quantized_bits(16,4,1,alpha='%s')",
                     "quantized_bits(2,0,0,alpha='%s')", "quantized_bits(5,0,0,keep_negative=False,alpha='%s')", "binary(alpha='%s')",
                     "ternary(alpha='%s')", "ternary(alpha='%s',number_of_unrolls=2)"]:
            for shape, salt, size in tensors:
                case(text % alpha, numbers(int(np.prod(shape)), salt) * np.float32(size), shape)
    zero = numbers(12, 6).reshape(4, 3).copy()
    zero[:, 1] = 0
    for text in ["quantized_bits(8,0,1,alpha='auto')", "quantized_bits(8,0,1,alpha='auto_po2')", "binary(alpha='auto')", "ternary(alpha='auto_po2')"]:
        case(text, zero.reshape(-1), (4, 3))


bits_cases()
relu_cases()
other_cases()
scale_cases()
