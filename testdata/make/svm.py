"""Makes pkg/ir/testdata/svm.json: what ONNX Runtime answers for support vector
machines of every kernel, against which the step SVM of programs is held.

    .venv/make-onnx/bin/python testdata/make/svm.py
"""

import json
import pathlib
import warnings

import numpy as np
import onnx.helper
import onnxruntime as ort
from onnx import TensorProto

SEED = 4
FEATURES = 5
OUT = pathlib.Path(__file__).parents[2] / "pkg" / "ir" / "testdata" / "svm.json"
KERNELS = {"LINEAR": "linear", "POLY": "poly", "RBF": "rbf", "SIGMOID": "tanh"}


def run(node, outputs, rows):
    graph = onnx.helper.make_graph(
        [node],
        "svm",
        [onnx.helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, FEATURES])],
        [onnx.helper.make_tensor_value_info(n, t, None) for n, t in outputs],
    )
    model = onnx.helper.make_model(
        graph,
        ir_version=8,
        opset_imports=[onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("ai.onnx.ml", 1)],
    )
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": rows})


def short(array):
    """The shortest decimals that read back as the same float32."""
    return [[float(str(x)) for x in row] for row in np.atleast_2d(array)]


def numbers(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def case(rng, rows, kernel, classes, per_class, degree, probable=False, one_class=0):
    """One machine: its step's Ints and Data, and ONNX Runtime's answers."""
    vectors = sum(per_class)
    pairs = classes * (classes - 1) // 2 if classes else 1
    params = np.array([0.2, 0.5, degree], np.float32)
    support = numbers(rng, vectors, FEATURES)
    coefficients = numbers(rng, max(classes - 1, 1), vectors)
    rho = numbers(rng, pairs)
    parts = [params, support, coefficients, rho]
    common = dict(
        domain="ai.onnx.ml",
        kernel_type=kernel,
        kernel_params=params.tolist(),
        support_vectors=support.ravel().tolist(),
        coefficients=coefficients.ravel().tolist(),
        rho=rho.tolist(),
    )
    if classes:
        if probable:
            a, b = -np.abs(numbers(rng, pairs)), numbers(rng, pairs)
            parts += [a, b]
            common.update(prob_a=a.tolist(), prob_b=b.tolist())
        node = onnx.helper.make_node(
            "SVMClassifier", ["x"], ["label", "score"],
            classlabels_ints=list(range(classes)), vectors_per_class=per_class, **common,
        )
        label, score = run(node, [("label", TensorProto.INT64), ("score", TensorProto.FLOAT)], rows)
        answer = {"label": label.tolist(), "score": short(score)}
        ints = [classes, vectors, *per_class]
    else:
        node = onnx.helper.make_node("SVMRegressor", ["x"], ["y"], n_supports=vectors, one_class=one_class, **common)
        (y,) = run(node, [("y", TensorProto.FLOAT)], rows)
        answer = {"score": short(y)}
        ints = [0, vectors, one_class]
    return {
        "name": f"{KERNELS[kernel]} degree {degree} classes {classes}"
        + (" with probabilities" if probable else "") + (" one class" if one_class else ""),
        "kernel": KERNELS[kernel],
        "ints": ints,
        "data": short(np.concatenate([p.ravel() for p in parts]))[0],
        **answer,
    }


def main():
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(SEED)
    rows = numbers(rng, 12, FEATURES)
    cases = []
    for kernel in KERNELS:
        for degree in (2, 3, 4) if kernel == "POLY" else (0,):
            for classes, per_class in ((0, [7]), (2, [3, 4]), (3, [2, 1, 4]), (5, [1, 2, 3, 1, 2])):
                cases.append(case(rng, rows, kernel, classes, per_class, degree))
                if classes:
                    cases.append(case(rng, rows, kernel, classes, per_class, degree, probable=True))
        cases.append(case(rng, rows, kernel, 0, [5], 2, one_class=1))
    OUT.parent.mkdir(exist_ok=True)
    made = {"onnxruntime": ort.__version__, "seed": SEED, "rows": short(rows), "cases": cases}
    OUT.write_text(json.dumps(made, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")


main()
