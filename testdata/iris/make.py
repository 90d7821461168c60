"""Writes iris.csv from the copy that scikit-learn ships.

    python3 -m venv .venv/iris
    .venv/iris/bin/pip install -r testdata/iris/requirements.txt
    .venv/iris/bin/python testdata/iris/make.py

Every measurement is copied as text, digit for digit; only the header is ours
and the class number is replaced by the name that the file's own first line
gives it.
"""

import csv
import importlib.util
import pathlib

# find_spec does not import the package, so none of its dependencies is needed.
PACKAGE = pathlib.Path(importlib.util.find_spec("sklearn").origin).parent
HEADER = ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"]


def main():
    with open(PACKAGE / "datasets" / "data" / "iris.csv", newline="") as source:
        rows = csv.reader(source)
        count, features, *names = next(rows)
        body = [[*row[:-1], names[int(row[-1])]] for row in rows]
    assert len(body) == int(count) and all(len(row) == int(features) + 1 for row in body)
    target = pathlib.Path(__file__).with_name("iris.csv")
    with open(target, "w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([HEADER, *body])


if __name__ == "__main__":
    main()
