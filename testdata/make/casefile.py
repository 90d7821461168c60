"""Writes the cases in testdata/models: a model, rows, and what the model's own
library answers. The Go package pkg/format/casetest reads them.

A case is a folder with the model file, rows.csv (a header of feature names; an
empty cell is a missing value), margin.csv, values.csv and leaf.csv (one line a
row, without a header; those that the library has), and case.json.

Numbers are written so that they read back to the same float64; float32 is
widened first, which is exact. A row that the library refuses is named in
case.json's "refused".
"""

import json
import math
import os
import shutil

import numpy as np


def number(x):
    """The shortest text that reads back to the same float64."""
    x = float(x)
    if math.isnan(x):
        return "nan"
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    return repr(x)


def cell(x):
    """A cell of rows.csv: missing is empty, a text is quoted where CSV needs it."""
    if x is None:
        return ""
    if isinstance(x, str):
        if x == "" or any(c in x for c in ',"\r\n') or x[0] == " ":
            return '"' + x.replace('"', '""') + '"'
        return x
    if isinstance(x, (bool, np.bool_)):
        return "true" if x else "false"
    if isinstance(x, (int, np.integer)):
        return str(int(x))
    return "" if math.isnan(float(x)) else number(x)


def write_rows(path, rows, names):
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(",".join(cell(n) for n in names) + "\n")
        for row in rows:
            line = ",".join(cell(x) for x in row)
            # A line without any text would be an empty line, not a missing value.
            f.write((line if line or len(names) > 1 else '""') + "\n")


def write_table(path, table, write=number):
    table = np.asarray(table)
    table = table.reshape(table.shape[0], -1)
    with open(path, "w", encoding="utf-8", newline="") as f:
        for row in table:
            f.write(",".join(write(x) for x in row) + "\n")


def write_case(folder, model_file, rows, names, margin=None, values=None, leaf=None,
               labels=None, **info):
    """Writes one case. model_file is copied to model.<ext>. rows is a sequence
    of rows (numbers, None, texts); margin, values and leaf are arrays with one
    line a row, or None where the library has none; labels the predicted class
    of each row as text, or None. info goes into case.json: library, version,
    objective, note; ulp (how far values may be off, default 0) with ulp_why;
    tolerance and relative (for ONNX: absolute and relative, in place of ulp);
    refused (list of row numbers that the library refuses); iterations "A:B"."""
    os.makedirs(folder, exist_ok=True)
    extension = os.path.splitext(model_file)[1]
    shutil.copyfile(model_file, os.path.join(folder, "model" + extension))
    rows = [list(r) for r in rows]
    write_rows(os.path.join(folder, "rows.csv"), rows, names)
    for name, table in (("margin", margin), ("values", values)):
        if table is not None:
            write_table(os.path.join(folder, name + ".csv"), table)
    if leaf is not None:
        write_table(os.path.join(folder, "leaf.csv"), leaf, lambda x: str(int(x)))
    if labels is not None:
        with open(os.path.join(folder, "labels.csv"), "w", encoding="utf-8", newline="") as f:
            f.writelines(cell(str(x)) + "\n" for x in labels)
    info = dict(info, model="model" + extension, rows=len(rows))
    with open(os.path.join(folder, "case.json"), "w", encoding="utf-8") as f:
        json.dump(info, f, indent=1, sort_keys=True)
        f.write("\n")


def corners(thresholds, single=True):
    """Values around the thresholds of one feature, and those at which
    comparisons and roundings go wrong first."""
    out = []
    for t in thresholds:
        t = float(t)
        out += [t, np.nextafter(t, -np.inf), np.nextafter(t, np.inf)]
        if single:
            t32 = np.float32(t)
            out += [float(t32), float(np.nextafter(t32, np.float32(-np.inf))),
                    float(np.nextafter(t32, np.float32(np.inf)))]
    out += [0.0, -0.0, 5e-324, -5e-324, 1e-45, -1e-45, 1e-36, 1e-35, 1.0000000180025095e-35,
            1.0000000180025097e-35, -1e-35, 1e-30, 1.0, -1.0, 16777217.0, 3.4e38, -3.4e38]
    return [float(x) for x in out]
