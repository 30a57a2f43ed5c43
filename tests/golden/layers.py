# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes layers.txt: cases of every kind of layer and what Keras makes of them.

Keras 3 on jax, which knows channels_first everywhere: KERAS_BACKEND=jax python layers.py > layers.txt
Where Keras 3's backends differ from TensorFlow (transposed convolutions with output_padding), and where Keras has no such
layer, the numbers come from the few lines of NumPy below.
"""
import itertools
import json
import sys

import keras
import numpy as np


def numbers(count, salt):
    i = np.arange(count, dtype=np.int64)
    return (((i * 7919 + salt * 104729 + 13) % 1009) / 1009 * 2 - 1).astype(np.float32)


def fill(shape, salt):
    return numbers(int(np.prod(shape)), salt).reshape(shape)


def transpose_of(x, kernel, bias, o):
    """Transposed convolution by its definition, channels last, as TensorFlow pads."""
    n = x.ndim - 2
    size, stride = kernel.shape[:n], np.broadcast_to(o.get("strides", 1), n)
    dilation = np.broadcast_to(o.get("dilation_rate", 1), n)
    extra = o.get("output_padding")
    same = o.get("padding", "valid") == "same"
    length, pad = [], []
    for d in range(n):
        k = (size[d] - 1) * dilation[d] + 1
        i = x.shape[1 + d]
        if extra is None:
            full = i * stride[d] + (0 if same else max(k - stride[d], 0))
        else:
            full = (i - 1) * stride[d] + k + np.broadcast_to(extra, n)[d] - (2 * (k // 2) if same else 0)
        length.append(full)
        pad.append(max((i - 1) * stride[d] + k - full, 0) // 2 if same else 0)
    out = np.zeros((x.shape[0], *length, kernel.shape[n]))
    for at in itertools.product(*[range(s) for s in x.shape[1:-1]]):
        for tap in itertools.product(*[range(s) for s in size]):
            to = tuple(at[d] * stride[d] + tap[d] * dilation[d] - pad[d] for d in range(n))
            if all(0 <= to[d] < length[d] for d in range(n)):
                out[(slice(None), *to)] += x[(slice(None), *at)].astype(float) @ kernel[tap].astype(float).T
    return out + (0 if bias is None else bias)


def own(kind, o, x):
    if kind == "slice":
        n = x.ndim - 1
        b, e, s = (np.broadcast_to(o.get(k, d), n) for k, d in (("begin", 0), ("end", 0), ("step", 1)))
        return x[(slice(None), *[slice(b[d], e[d] or None, s[d]) for d in range(n)])]
    axis = o.get("axis", -1)
    taken = np.take(x, [max(i, 0) for i in o["indices"]], axis=axis)
    gone = [slice(None)] * x.ndim
    gone[axis] = [i for i, v in enumerate(o["indices"]) if v < 0]
    taken[tuple(gone)] = 0
    return taken


CASES = []


def case(kind, shapes, **options):
    CASES.append((kind, shapes if isinstance(shapes, list) else [shapes], options))


F = {"data_format": "channels_first"}
case("conv1d", (7, 3), filters=5, kernel_size=3, activation="relu")
case("conv1d", (9, 2), filters=3, kernel_size=4, padding="causal", dilation_rate=2)
case("conv1d", (3, 11), filters=2, kernel_size=5, strides=3, padding="same", use_bias=False, **F)
case("conv2d", (5, 7, 3), filters=2, kernel_size=[3, 2], activation="sigmoid")
case("conv2d", (3, 6, 5), filters=4, kernel_size=3, padding="same", strides=[2, 1], activation="relu", **F)
case("conv2d", (7, 6, 2), filters=1, kernel_size=[2, 3], dilation_rate=[3, 2], padding="same")
case("conv2d", (3, 4, 9), filters=9, kernel_size=1, activation="elu")
case("conv2d", (1, 5, 6), filters=2, kernel_size=[5, 3], padding="same", activation="tanh", **F)
case("conv3d", (3, 4, 5, 2), filters=3, kernel_size=[2, 3, 1], activation="relu")
case("conv3d", (2, 3, 3, 4), filters=2, kernel_size=3, padding="same", **F)
case("conv3d", (5, 3, 4, 1), filters=2, kernel_size=[3, 1, 2], strides=[2, 1, 3], padding="same")
case("conv1d_transpose", (5, 3), filters=2, kernel_size=3, strides=2, activation="relu")
case("conv1d_transpose", (4, 6), filters=3, kernel_size=5, strides=2, padding="same", output_padding=1, **F)
case("conv1d_transpose", (6, 2), filters=9, kernel_size=2, dilation_rate=3)
case("conv2d_transpose", (3, 2, 2), filters=3, kernel_size=[3, 2], strides=[2, 3], padding="same", activation="elu")
case("conv2d_transpose", (4, 3, 2), filters=2, kernel_size=3, use_bias=False, **F)
case("conv2d_transpose", (2, 3, 9), filters=1, kernel_size=[1, 3], strides=[3, 2], output_padding=[2, 0])
case("conv2d_transpose", (3, 3, 1), filters=2, kernel_size=3, strides=2, padding="same", output_padding=0)
case("conv3d_transpose", (2, 2, 3, 2), filters=2, kernel_size=[2, 3, 1], strides=[1, 2, 1], padding="same")
case("conv3d_transpose", (3, 2, 1, 2), filters=1, kernel_size=2, strides=2, activation="tanh", **F)
case("conv3d_transpose", (2, 1, 2, 1), filters=3, kernel_size=[1, 2, 3], strides=1)
case("depthwise_conv1d", (7, 3), kernel_size=3, depth_multiplier=2, activation="relu")
case("depthwise_conv1d", (8, 5), kernel_size=4, strides=3, padding="same", use_bias=False)
case("depthwise_conv1d", (2, 9), kernel_size=2, dilation_rate=3, **F)
case("depthwise_conv2d", (5, 4, 3), kernel_size=[2, 3], activation="sigmoid")
case("depthwise_conv2d", (2, 5, 6), kernel_size=3, strides=2, padding="same", depth_multiplier=3, **F)
case("depthwise_conv2d", (6, 5, 2), kernel_size=2, dilation_rate=2, padding="same", use_bias=False)
case("separable_conv1d", (7, 3), filters=4, kernel_size=3, depth_multiplier=2, activation="relu")
case("separable_conv1d", (6, 2), filters=9, kernel_size=2, padding="causal", dilation_rate=2)
case("separable_conv1d", (2, 8), filters=3, kernel_size=3, strides=2, padding="same", use_bias=False, **F)
case("separable_conv2d", (5, 4, 3), filters=2, kernel_size=[3, 2], activation="elu")
case("separable_conv2d", (2, 5, 4), filters=3, kernel_size=3, padding="same", depth_multiplier=2, **F)
case("separable_conv2d", (5, 5, 2), filters=1, kernel_size=[2, 3], strides=2, padding="same", use_bias=False)
case("dense", (7,), units=5, activation="sigmoid")
case("dense", (3, 5), units=9, activation="softmax")
case("dense", (2, 3, 4), units=1, use_bias=False)
for name in ("max", "average"):
    case(f"{name}_pooling1d", (9, 3), pool_size=2)
    case(f"{name}_pooling1d", (7, 2), pool_size=3, strides=2, padding="same")
    case(f"{name}_pooling1d", (2, 11), pool_size=4, strides=1, padding="same", **F)
    case(f"{name}_pooling2d", (5, 6, 2), pool_size=[2, 3])
    case(f"{name}_pooling2d", (3, 5, 4), pool_size=3, strides=[1, 2], padding="same", **F)
    case(f"{name}_pooling2d", (7, 5, 1), pool_size=[3, 2], strides=2, padding="same")
    case(f"{name}_pooling3d", (3, 4, 5, 1), pool_size=[1, 2, 3])
    case(f"{name}_pooling3d", (4, 3, 5, 2), pool_size=2, padding="same")
    case(f"{name}_pooling3d", (2, 3, 4, 2), pool_size=[2, 3, 1], strides=1, padding="same", **F)
    case(f"global_{name}_pooling1d", (7, 3))
    case(f"global_{name}_pooling1d", (3, 5), keepdims=True, **F)
    case(f"global_{name}_pooling1d", (1, 9), keepdims=True)
    case(f"global_{name}_pooling2d", (5, 3, 4))
    case(f"global_{name}_pooling2d", (2, 4, 3), **F)
    case(f"global_{name}_pooling2d", (3, 4, 3), keepdims=True)
    case(f"global_{name}_pooling3d", (3, 2, 3, 2))
    case(f"global_{name}_pooling3d", (3, 2, 3, 4), **F)
    case(f"global_{name}_pooling3d", (3, 2, 3, 4), keepdims=True, **F)
case("batch_normalization", (7,))
case("batch_normalization", (3, 4, 5), epsilon=0.01, center=False)
case("batch_normalization", (3, 4, 5), axis=1, momentum=0.9, scale=False)
case("batch_normalization", (5, 3), axis=-1, center=False, scale=False)
for kind, rank in [("spatial_dropout1d", 2), ("spatial_dropout2d", 3), ("spatial_dropout3d", 4)]:
    case(kind, tuple([3, 5, 2, 2][:rank]), rate=0.4)
    case(kind, tuple([7, 2, 3, 1][:rank]), rate=0.0)
    case(kind, tuple([5, 3, 3, 1][:rank]), rate=0.7, **({} if rank == 2 else F))
for kind in ("dropout", "gaussian_dropout"):
    case(kind, (17,), rate=0.5)
    case(kind, (3, 5), rate=0.1)
    case(kind, (2, 3, 4), rate=0.0)
case("gaussian_noise", (17,), stddev=0.5)
case("gaussian_noise", (3, 5), stddev=0.1)
case("gaussian_noise", (2, 3, 4), stddev=0.0)
case("re_lu", (19,), max_value=0.5)
case("re_lu", (5, 7), negative_slope=0.25, threshold=0.2)
case("re_lu", (2, 3, 4), max_value=0.7, negative_slope=0.1, threshold=0.1)
case("leaky_re_lu", (19,))
case("leaky_re_lu", (5, 7), negative_slope=0.01)
case("leaky_re_lu", (2, 3, 4), negative_slope=0.0)
case("elu", (19,))
case("elu", (5, 7), alpha=0.3)
case("elu", (2, 3, 4), alpha=2.0)
case("p_re_lu", (7,))
case("p_re_lu", (3, 5), shared_axes=[1])
case("p_re_lu", (2, 3, 4), shared_axes=[1, 3])
case("softmax", (9,))
case("softmax", (3, 5))
case("softmax", (3, 5, 2), axis=2)
case("activation", (17,), activation="selu")
case("activation", (5, 3), activation="softplus")
case("activation", (3, 2, 4), activation="softmax")
case("reshape", (12,), target_shape=[3, -1])
case("reshape", (3, 5), target_shape=[15])
case("reshape", (2, 3, 4), target_shape=[-1, 2, 2, 3])
case("flatten", (5,))
case("flatten", (3, 4, 2))
case("flatten", (3, 4, 2), **F)
case("permute", (3, 5), dims=[2, 1])
case("permute", (2, 3, 5), dims=[3, 1, 2])
case("permute", (2, 3, 1, 4), dims=[4, 2, 3, 1])
case("slice", (9,), begin=[2], end=[7])
case("slice", (5, 7), begin=[1, 0], end=[0, 6], step=[2, 3])
case("slice", (3, 4, 5), begin=1, step=2)
case("gather_index", (7,), indices=[6, 0, 0, -1, 3])
case("gather_index", (3, 5), axis=1, indices=[2, 1])
case("gather_index", (2, 5, 3), axis=2, indices=[4, -1, 4, 1, 0, 2, 3])
case("concatenate", [(3,), (5,)])
case("concatenate", [(2, 3), (2, 1), (2, 4)])
case("concatenate", [(2, 3, 2), (4, 3, 2)], axis=1)
for kind in ("add", "multiply", "average", "maximum", "minimum"):
    case(kind, [(7,), (7,)])
    case(kind, [(3, 5)] * 3)
    case(kind, [(2, 3, 4)] * 4)
case("subtract", [(7,), (7,)])
case("subtract", [(3, 5)] * 2)
case("subtract", [(2, 3, 4)] * 2)
for name, key in (("zero_padding", "padding"), ("cropping", "cropping")):
    case(f"{name}1d", (5, 3))
    case(f"{name}1d", (7, 2), **{key: 3})
    case(f"{name}1d", (6, 1), **{key: [0, 2]})
    case(f"{name}2d", (5, 4, 2), **{key: 1})
    case(f"{name}2d", (2, 3, 5), **{key: [1, 2]}, **F)
    case(f"{name}2d", (6, 5, 1), **{key: [[0, 3], [2, 1]]})
    case(f"{name}3d", (3, 3, 3, 1))
    case(f"{name}3d", (1, 3, 2, 5), **{key: [1, 0, 2]}, **F)
    case(f"{name}3d", (3, 4, 2, 2), **{key: [[0, 1], [1, 2], [0, 0]]})
case("up_sampling1d", (5, 3))
case("up_sampling1d", (3, 1), size=4)
case("up_sampling1d", (1, 7), size=3)
case("up_sampling2d", (3, 2, 2))
case("up_sampling2d", (2, 2, 3), size=[1, 3], **F)
case("up_sampling2d", (2, 1, 3), size=[3, 2])
case("up_sampling3d", (2, 1, 2, 2))
case("up_sampling3d", (2, 1, 2, 2), size=[1, 2, 3], **F)
case("up_sampling3d", (1, 2, 1, 3), size=[3, 1, 2])

CLASSES = {"re_lu": "ReLU", "leaky_re_lu": "LeakyReLU", "elu": "ELU", "p_re_lu": "PReLU"}


def class_of(kind):
    name = "".join(part.capitalize() for part in kind.split("_"))
    for n in "123":
        name = name.replace(n + "d", n + "D")
    return getattr(keras.layers, CLASSES.get(kind, name))


def arguments(options):
    def tuples(value):
        return tuple(tuples(v) for v in value) if isinstance(value, list) else value

    return {key: tuples(value) for key, value in options.items()}


def weights_for(layer):
    values = []
    for i, weight in enumerate(layer.get_weights()):
        value = fill(weight.shape, 10 + i)
        variable = layer.weights[i].name
        values.append(abs(value) + np.float32(0.5) if "variance" in variable else value)
    return values


def run(kind, shapes, options):
    inputs = [fill((2, *shape), i) for i, shape in enumerate(shapes)]
    if kind in ("slice", "gather_index"):
        return own(kind, options, inputs[0])
    if kind.endswith("transpose"):
        first = options.get("data_format") == "channels_first"
        x = np.moveaxis(inputs[0], 1, -1) if first else inputs[0]
        n = x.ndim - 2
        kernel = fill((*np.broadcast_to(options["kernel_size"], n), options["filters"], x.shape[-1]), 10)
        bias = fill((options["filters"],), 11) if options.get("use_bias", True) else None
        y = transpose_of(x, kernel, bias, options)
        y = np.array(keras.activations.get(options.get("activation", "linear"))(y.astype(np.float32)))
        return np.moveaxis(y, -1, 1) if first else y
    if kind == "separable_conv1d" and options.get("padding") == "causal":  # Keras 3 has lost it; its meaning is this
        before = (options["kernel_size"] - 1) * options.get("dilation_rate", 1)
        inputs = [np.pad(inputs[0], ((0, 0), (before, 0), (0, 0)))]
        options = {**options, "padding": "valid"}
    layer = class_of(kind)(**arguments(options))
    argument = inputs if len(inputs) > 1 else inputs[0]
    layer(argument)
    layer.set_weights(weights_for(layer))
    return np.array(layer(argument, training=False) if "dropout" in kind or "noise" in kind else layer(argument))


def main():
    print("# Made by layers.py: kind, options, shapes of the inputs, shape of the output, the output of two rows.")
    for kind, shapes, options in CASES:
        out = run(kind, shapes, options)
        print("case", kind)
        print("options", json.dumps(options))
        print("inputs", " ".join("x".join(str(d) for d in shape) for shape in shapes))
        print("output", "x".join(str(d) for d in out.shape[1:]))
        print("values", " ".join(f"{v:.6g}" for v in out.reshape(-1)))
    sys.stdout.flush()


main()
