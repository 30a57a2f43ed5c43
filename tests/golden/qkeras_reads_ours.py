# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Opens .h5 files that minbias wrote in real QKeras and compares the predictions.

MB_QKERAS_FILES=FOLDER build/release/tests/exchange/test_qkeras     # writes the files
python qkeras_reads_ours.py FOLDER                                  # QKeras 0.9.0, TensorFlow 2.15
Exit status 1 when a prediction differs.
"""
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import qkeras

folder, bad = sys.argv[1], 0
for name in sorted(n for n in os.listdir(folder) if n.endswith(".h5")):
    model = qkeras.utils.load_qmodel(os.path.join(folder, name), compile=False)
    x, y = (np.array(line.split(), np.float32) for line in open(os.path.join(folder, name[:-2] + "txt")))
    got = model(x.reshape(-1, *model.input_shape[1:]), training=False).numpy().reshape(-1)
    difference = float(np.max(np.abs(got - y)))
    print("%-24s differs by %.2g" % (name, difference))
    bad += difference > 3e-6
sys.exit(1 if bad else 0)
