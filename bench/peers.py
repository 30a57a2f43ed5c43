# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""What the peers of all benches share: threads, weights of a model file, and the runtimes' set-up. Import it first: the
libraries read their thread counts when they are loaded."""
import os

import measure


def begin(who, threads):
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    measure.WHO = who


def arrays(model):
    """{layer: {weight: values}} of an .h5 file; kernels as Keras stores them."""
    import h5py
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            layer, weight = name.split("/")[-2:]
            found.setdefault(layer, {})[weight.split(":")[0]] = item[()]

    with h5py.File(model) as file:
        file["model_weights"].visititems(visit)
    return found


def weights(model):
    """{layer: (kernel, bias)} of an .h5 file."""
    return {layer: (both["kernel"], both["bias"]) for layer, both in arrays(model).items()}


def tensorflow(threads):
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    return tf


def litert(path, inputs, threads, count):
    """A call of a TensorFlow Lite file on the first events; returns the scores."""
    from ai_edge_litert.interpreter import Interpreter
    interpreter = Interpreter(model_path=path, num_threads=threads)
    for detail in interpreter.get_input_details():
        interpreter.resize_tensor_input(detail["index"], [count] + list(detail["shape"][1:]))
    interpreter.allocate_tensors()
    # The converter keeps the order of the inputs in their names, not in its list.
    for detail, x in zip(sorted(interpreter.get_input_details(), key=lambda d: d["name"]), inputs):
        interpreter.set_tensor(detail["index"], x[:count])
    output = interpreter.get_output_details()[0]["index"]

    def run():
        interpreter.invoke()
        return interpreter.get_tensor(output)
    return run


def load_torch(torch, layer, kernel, bias):
    """A kernel and bias as Keras stores them into a layer of PyTorch."""
    import numpy as np
    kernel = kernel.transpose(-1, -2, *range(kernel.ndim - 2))
    layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(kernel)))
    layer.bias.copy_(torch.from_numpy(bias))


def onnx_session(path, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def onnx_bound(session, feeds):
    """A call with inputs and outputs bound once: what is left is little but the run itself."""
    binding = session.io_binding()
    for name, x in feeds.items():
        binding.bind_cpu_input(name, x)
    binding.bind_output(session.get_outputs()[0].name)
    return lambda: session.run_with_iobinding(binding)
