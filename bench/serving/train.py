"""Trains the models of the FastAPI side into the folder given.

    python train.py FOLDER IRIS.csv

- forest4.onnx: a random forest on iris, for best.py, of as many trees as
  Copse's default model has (31) and as deep (3).
- forest30.onnx: 100 trees of depth 6 on 30 synthetic features, for best.py.
- boosting.joblib: gradient boosting on iris with the library's defaults, for
  manual.py.
"""

import csv
import pathlib
import sys

import joblib
import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier


def onnx(model, columns, path):
    """Writes the model with plain arrays as outputs: no dict per row."""
    exported = to_onnx(model, np.zeros((1, columns), np.float32), options={"zipmap": False})
    path.write_bytes(exported.SerializeToString())


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with open(sys.argv[2], newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    x = np.array([[float(value) for value in row[:4]] for row in rows], np.float32)
    y = np.array([row[4] for row in rows])

    onnx(RandomForestClassifier(31, max_depth=3, random_state=1).fit(x, y), 4, folder / "forest4.onnx")
    joblib.dump(GradientBoostingClassifier(random_state=1).fit(x, y), folder / "boosting.joblib")

    x, y = make_classification(4000, 30, n_informative=20, n_classes=3, random_state=1)
    forest = RandomForestClassifier(100, max_depth=6, random_state=1).fit(x.astype(np.float32), y.astype(str))
    onnx(forest, 30, folder / "forest30.onnx")


if __name__ == "__main__":
    main()
