"""Writes testdata/onnx-node-tests from ONNX's own backend tests (the Python
package onnx, Apache-2.0): those of ai.onnx.ml as they are, and those of plain
operators that fit a model of rows, with these changes: inputs that have no
first axis in common with the first one become constants of the graph, and the
first axis of the others becomes open.

    .venv/make-onnx/bin/python testdata/make/onnx_node_tests.py
"""

import io
import os
import re
import sys
import warnings
import zipfile

sys.path.append(sys.path.pop(0))  # scripts of this folder have the names of libraries

import numpy as np
import onnx
from onnx import numpy_helper as nh
from onnx.backend.test.case.node import collect_testcases

warnings.filterwarnings("ignore")
FOLDER = os.path.join(os.path.dirname(__file__), "..", "onnx-node-tests")
OPERATORS = os.path.join(os.path.dirname(__file__), "..", "..", "pkg", "format", "onnx", "operators.go")
TYPES = {1, 5, 6, 7, 8, 9, 11}
LARGEST = 4096  # bytes of a test: larger ones say nothing more

# Operands that say what to do, by operator: always constants.
OPERANDS = {"Reshape": {1}, "Slice": {1, 2, 3, 4}, "Split": {1}, "TopK": {1}, "Tile": {1}, "Expand": {1}, "Clip": {1, 2},
            "CumSum": {1}, "Squeeze": {1}, "Unsqueeze": {1}, "Gather": {1}, "GatherElements": set(), "Dropout": {1, 2},
            "CastLike": {1}, "ConstantOfShape": {0}, "ArrayFeatureExtractor": {1}}


def tensor(x, name):
    return nh.from_array(x, name)


def array(x):
    return nh.to_array(x) if isinstance(x, onnx.TensorProto) else np.asarray(x)


def for_rows(case):
    """The test as a model of rows: model, inputs, outputs; None where it is none."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    graph = model.graph
    ins, outs = case.data_sets[0]
    if any(i.type.tensor_type.elem_type not in TYPES for i in list(graph.input) + list(graph.output)):
        return None
    ins, outs = [array(x) for x in ins], [array(x) for x in outs]
    op = graph.node[0].op_type
    fixed = OPERANDS.get(op, set())
    if op.startswith("Reduce"):
        fixed = {1}
    places = {name: i for i, name in enumerate(graph.node[0].input)}
    rows = None
    keep, constants, feeds = [], [], []
    for info, x in zip(list(graph.input), ins):
        is_row = x.ndim > 0 and places[info.name] not in fixed and x.size > 0
        if is_row and rows is None:
            rows, rank = x.shape[0], x.ndim
        if is_row and x.ndim == rank and x.shape[0] == rows:
            info.type.tensor_type.shape.dim[0].dim_param = "N"
            keep.append(info)
            feeds.append(tensor(x, info.name))
        else:
            constants.append(tensor(x, info.name))
    if rows is None or any(o.ndim == 0 or o.shape[0] != rows or o.size == 0 for o in outs):
        return None
    del graph.input[:]
    graph.input.extend(keep)
    graph.initializer.extend(constants)
    return model, feeds, [tensor(o, info.name) for o, info in zip(outs, graph.output)]


def files(model, feeds, outs):
    yield "model.onnx", model.SerializeToString(deterministic=True)
    for kind, list_ in (("input", feeds), ("output", outs)):
        for i, t in enumerate(list_):
            yield f"{kind}_{i}.pb", t.SerializeToString(deterministic=True)


supported = {m for m in re.findall(r'opName\{(?:""|ml), "(\w+)"\}', open(OPERATORS).read())}
os.makedirs(FOLDER, exist_ok=True)
archive = zipfile.ZipFile(os.path.join(FOLDER, "tests.zip"), "w", zipfile.ZIP_DEFLATED)
count = 0
np.random.seed(0)
for case in sorted(collect_testcases(None), key=lambda c: c.name):
    ops = {n.op_type for n in case.model.graph.node}
    if not ops <= supported or case.name.endswith("_expanded") or "_expanded_" in case.name:
        continue
    if any(not i.type.HasField("tensor_type") for i in list(case.model.graph.input) + list(case.model.graph.output)):
        continue
    test = for_rows(case)
    if test is None:
        continue
    parts = list(files(*test))
    if sum(len(data) for _, data in parts) > LARGEST:
        continue
    for name, data in parts:
        archive.writestr(zipfile.ZipInfo(f"{case.name}/{name}", (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    count += 1
archive.close()
print(count, "tests,", os.path.getsize(os.path.join(FOLDER, "tests.zip")), "bytes")
