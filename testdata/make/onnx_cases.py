"""What the ONNX fixtures have in common: runs a model in ONNX Runtime in many
ways, and writes the case with what it answered and how far the answers moved."""

import os
import re
import tempfile

import numpy as np
import onnx
import onnxruntime as ort

from casefile import write_case

ROOT = os.path.join(os.path.dirname(__file__), "..", "models", "onnx")
ort.set_default_logger_severity(4)

# A float32 rounding, relative: answers of different orders of summation differ
# by a few of them whether or not this runtime happens to show it.
EPS = 2.0 ** -23


def session(data, threads=1, optimised=True):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def flat(output):
    """A graph output as one line a row; ZipMap gives dictionaries."""
    if isinstance(output, list):
        return np.array([[v for v in row.values()] for row in output], dtype=np.float64)
    return np.asarray(output)


def run(sess, feeds, size):
    """Answers in batches of a size, one line a row, an array for each output."""
    n = len(next(iter(feeds.values())))
    parts = []
    for at in range(0, n, size):
        out = sess.run(None, {k: v[at:at + size] for k, v in feeds.items()})
        parts.append([flat(o).reshape(min(size, n - at), -1) for o in out])
    return [np.concatenate(p) for p in zip(*parts)]


def is_label(a):
    return a.dtype.kind in "OUS" or a.dtype.kind == "i"


def spread(data, feeds, want, eps):
    """How far answers move between ways to run: the largest difference beyond
    four roundings of the answer itself."""
    n = len(next(iter(feeds.values())))
    moved = 0.0
    for threads in (1, 2):
        for optimised in (True, False):
            sess = session(data, threads, optimised)
            for size in (1, 2, 3, 8, 17, n):
                got = run(sess, feeds, size)
                for g, w in zip(got, want):
                    if is_label(w):
                        assert (g == w).all(), "a label depends on the batch size"
                        continue
                    g, w = g.astype(np.float64), w.astype(np.float64)
                    ok = np.isfinite(w)
                    moved = max(moved, (np.abs(g - w) - 4 * eps * np.abs(w))[ok].max(initial=0))
    return float(moved)


def not_floats(model, i):
    """Whether output i is a tensor of doubles; ZipMap and the like give floats."""
    t = model.graph.output[i].type
    return t.HasField("tensor_type") and t.tensor_type.elem_type == onnx.TensorProto.DOUBLE


def names_of(model):
    """Feature names and, for each, its input and column: docs/onnx.md's rule."""
    inits = {i.name for i in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in inits]
    names = []
    for i in inputs:
        dims = [d.dim_value for d in i.type.tensor_type.shape.dim][1:]
        width = int(np.prod(dims)) if dims else 1
        for k in range(width):
            names.append(f"f{k}" if len(inputs) == 1 else i.name if width == 1 else f"{i.name}_{k}")
    return names


def settled(model, name):
    """The model without what changes from one conversion to the next: the order
    of opsets, the graph's name, names made of addresses."""
    for opset in sorted(model.opset_import, key=lambda o: o.domain):
        model.opset_import.add().CopyFrom(opset)
    del model.opset_import[:len(model.opset_import) // 2]
    model.graph.name = name
    place = {}

    def settle(text):
        return re.sub(r"(?<=norm_)\d{9,}", lambda m: str(place.setdefault(m.group(), len(place))), text)

    def walk(graph):
        for node in graph.node:
            node.name = settle(node.name)
            for list_ in (node.input, node.output):
                list_[:] = [settle(n) for n in list_]
            for a in node.attribute:
                if a.HasField("g"):
                    walk(a.g)
        for t in graph.initializer:
            t.name = settle(t.name)

    walk(model.graph)
    return model


def case(name, model, feeds, tolerance=None, objective="", refused=(), note=""):
    """Writes a case. feeds has an array (rows × columns) for each input; refused
    are rows that Copse refuses by the schema, whatever ONNX Runtime says.

    An answer may be off by relative, four roundings of itself, and tolerance:
    two roundings of 1 and twice what the runtime itself moved over these rows,
    or what the caller states with a note."""
    model = settled(model, name)
    data = model.SerializeToString(deterministic=True)
    want = run(session(data), feeds, len(next(iter(feeds.values()))))
    eps = 2.0 ** -52 if all(is_label(w) or w.dtype == np.float64 and not_floats(model, i) for i, w in enumerate(want)) else EPS
    moved = spread(data, feeds, want, eps)
    labels, values = None, []
    for w in want:
        if labels is None and is_label(w) and w.shape[1] == 1 and len(want) > 1:
            labels = [str(x) for x in w[:, 0]]
        else:
            values.append(w.astype(np.float64))
    rows = []
    for i in range(len(want[0])):
        row = []
        for a in feeds.values():
            for x in np.asarray(a)[i].reshape(-1):
                row.append(str(x) if isinstance(x, str) else
                           bool(x) if isinstance(x, (bool, np.bool_)) else int(x) if isinstance(x, np.integer) else float(x))
        rows.append(row)
    stated = max(2 * eps + 2 * moved, tolerance or 0)
    assert tolerance is None or note, "a tolerance needs a note"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        with open(path, "wb") as f:
            f.write(data)
        write_case(os.path.join(ROOT, name), path, rows, names_of(model), values=np.concatenate(values, axis=1),
                   labels=labels, library="onnx", version="onnxruntime " + ort.__version__, objective=objective,
                   tolerance=stated, relative=4 * eps, refused=list(refused), note=note, runtime_moves=moved)
    print(f"{name}: {len(data)} bytes, {len(rows)} rows, moves {moved:.2g}")
