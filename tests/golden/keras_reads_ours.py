# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Opens model files that minbias wrote in real Keras and compares the predictions.

MB_KERAS_FILES=FOLDER build/release/tests/exchange/test_keras_golden   # writes the files
python keras_reads_ours.py FOLDER                                     # with Keras 2.15, and with Keras 3
Keras 2 opens .h5 and .json with .weights.h5, Keras 3 also .keras. Exit status 1 when a prediction differs.
"""
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np

MAJOR = int(keras.__version__.split(".")[0])


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def read_numbers(path):
    numbers = {"input": [], "output": []}
    with open(path) as file:
        lines = file.read().split("\n")
    for head, body in zip(lines[0::2], lines[1::2]):
        bits = np.array([int(word, 16) for word in body.split()], dtype="<u4")
        numbers[head.split()[0]].append(bits.view("<f4"))
    return numbers


def load(path):
    if path.endswith(".json"):
        with open(path) as file:
            model = keras.models.model_from_json(file.read())
        model.load_weights(path[:-len(".json")] + ".weights.h5")
        return model
    return keras.models.load_model(path, compile=False)


def largest_difference(path, numbers):
    model = load(path)
    inputs = [x.reshape((3,) + tuple(t.shape[1:])) for x, t in zip(numbers["input"], model.inputs)]
    outputs = as_list(model(inputs if len(inputs) > 1 else inputs[0], training=False))
    if len(outputs) != len(numbers["output"]):
        raise ValueError(f"{len(outputs)} outputs for {len(numbers['output'])}")
    return max(float(np.max(np.abs(np.asarray(a).ravel() - b) - 1e-5 * np.abs(b))) for a, b in zip(outputs, numbers["output"]))


def problem_of(folder, name):
    stem = os.path.splitext(name)[0]
    try:
        difference = largest_difference(os.path.join(folder, name), read_numbers(os.path.join(folder, stem + ".txt")))
    except Exception as error:  # whatever Keras throws is a finding about that file
        return f"{type(error).__name__}: {str(error)[-400:]}"
    return f"differs by {difference:.2g}" if difference > 3e-6 else ""


def problem_in_new_process(folder, name):
    done = subprocess.run([sys.executable, __file__, folder, name], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout.strip()


def main(folder):
    suffixes = (".h5", ".json", ".keras") if MAJOR == 3 else (".h5", ".json")
    bad = good = 0
    for name in sorted(os.listdir(folder)):
        if os.path.splitext(name)[1] not in suffixes or name.endswith(".weights.h5"):
            continue
        # Where TensorFlow's oneDNN has pooled the same sizes in the other data format before, it takes the cached
        # routine of that format, and the result is wrong.
        is_alone = MAJOR == 2 and name.startswith("channels_first")
        problem = problem_in_new_process(folder, name) if is_alone else problem_of(folder, name)
        if problem:
            print(f"{name}: {problem}")
        bad += bool(problem)
        good += not problem
    print(f"Keras {keras.__version__}: {good} files predict the same, {bad} do not")
    return 1 if bad or not good else 0


def one(folder, name):
    problem = problem_of(folder, name)
    print(problem)
    return 1 if problem else 0


sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else one(sys.argv[1], sys.argv[2]))
