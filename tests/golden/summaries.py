# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Layer tables of the golden Keras 2.15 models, as Keras prints them, each line closed by a bar: python summaries.py keras/keras2.zip > summaries.txt"""
import io
import sys
import tempfile
import zipfile

from tensorflow import keras


def main():
    archive = zipfile.ZipFile(sys.argv[1])
    for name in sorted(archive.namelist()):
        if not name.endswith(".h5") or name.endswith((".weights.h5", "_j.h5")):
            continue
        with tempfile.NamedTemporaryFile(suffix=".h5") as file:
            file.write(archive.read(name))
            file.flush()
            try:
                model = keras.models.load_model(file.name, compile=False)
            except Exception:
                continue
        text = io.StringIO()
        model.summary(print_fn=lambda line: text.write(line + "|\n"))
        sys.stdout.write(f"### {name}\n{text.getvalue()}")


main()
