"""Fixtures of single operators in all their modes, of graphs with several
inputs, and of XGBoost and LightGBM models converted by onnxmltools.

    .venv/make-onnx/bin/python testdata/make/onnx_ops.py [CASE…]
"""

import sys
import warnings

sys.path.append(sys.path.pop(0))  # scripts of this folder have the names of libraries

import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper as nh
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from casefile import corners
from onnx_cases import case

warnings.filterwarnings("ignore")
SEED = 2
only = set(sys.argv[1:])
ML = "ai.onnx.ml"
PROBIT = {"tolerance": 5e-5, "note": "the root of a difference of squares enlarges their rounding"}
TYPES = {np.dtype(np.float32): T.FLOAT, np.dtype(np.float64): T.DOUBLE, np.dtype(np.int64): T.INT64,
         np.dtype(bool): T.BOOL, np.dtype(object): T.STRING}


def graph(name, nodes, feeds, outputs, opset=17, ml=3, inits=(), **info):
    """A case of a graph. outputs: name to type."""
    if only and name not in only:
        return
    inputs = [h.make_tensor_value_info(k, TYPES[v.dtype], ["N", *v.shape[1:]]) for k, v in feeds.items()]
    outs = [h.make_tensor_value_info(k, t, None) for k, t in outputs.items()]
    g = h.make_graph(nodes, name, inputs, outs, [nh.from_array(np.asarray(v), k) for k, v in dict(inits).items()])
    model = h.make_model(g, opset_imports=[h.make_opsetid("", opset), h.make_opsetid(ML, ml)], ir_version=8,
                         producer_name="onnx.helper")
    case(name, model, feeds, objective=nodes[0].op_type, **info)


def ml(op, inputs, outputs, **attributes):
    return h.make_node(op, inputs, outputs, domain=ML, **attributes)


def forest(rng, trees, depth, features, modes, classes=1, weights=None, missing=True, values=None):
    """Random complete trees as attributes of versions 1 and 3; every class has a
    weight in every leaf."""
    a = {k: [] for k in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids",
                         "missing_value_tracks_true")}
    leaves = {k: [] for k in ("treeids", "nodeids", "ids", "weights")}
    inner = 2 ** depth - 1
    for t in range(trees):
        for i in range(2 * inner + 1):
            leaf = i >= inner
            a["treeids"].append(t)
            a["nodeids"].append(i)
            a["featureids"].append(0 if leaf else int(rng.integers(features)))
            a["values"].append(0.0 if leaf else float(np.float32(rng.choice(values) if values is not None else rng.normal())))
            a["modes"].append("LEAF" if leaf else str(rng.choice(modes)))
            a["truenodeids"].append(0 if leaf else 2 * i + 1)
            a["falsenodeids"].append(0 if leaf else 2 * i + 2)
            a["missing_value_tracks_true"].append(int(missing and not leaf and rng.integers(2)))
            if leaf:
                for c in classes if isinstance(classes, list) else range(classes):
                    leaves["treeids"].append(t)
                    leaves["nodeids"].append(i)
                    leaves["ids"].append(c)
                    leaves["weights"].append(float(np.float32(weights(rng))))
    return a, leaves


def nodes_of(a, leaves, prefix, double=False):
    out = {"nodes_" + k: v for k, v in a.items()}
    out.update({f"{prefix}_{k}": v for k, v in leaves.items()})
    if double:
        for k in ("nodes_values", f"{prefix}_weights"):
            out[k + "_as_tensor"] = nh.from_array(np.array(out.pop(k), np.float64), k)
    return out


def signed(rng):
    return rng.normal()


def share(rng):
    return rng.random() / 5 + 0.01


def around(rng, a, features, count=40, dtype=np.float32):
    """Rows on and next to thresholds, and at the ends of numbers."""
    x = rng.normal(size=(count, features)).astype(dtype)
    inner = [i for i, m in enumerate(a["modes"]) if m != "LEAF"]
    for row in x:
        for i in rng.choice(inner, 3):
            row[a["featureids"][i]] = dtype(rng.choice(corners([a["values"][i]], single=dtype == np.float32)))
    x[:6] = np.array([[np.nan], [np.inf], [-np.inf], [-0.0], [1e-45], [3.4e38]], dtype)
    x[6:12, 0] = np.nan
    return x


def trees():
    rng = np.random.default_rng(SEED)
    every = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
    few = [-1.5, 0.0, 0.25, 1.0, 2.0, 3.0, 100.0]
    p = {"Y": T.FLOAT}
    for mode in every:
        a, l = forest(rng, 4, 3, 3, [mode], weights=signed, values=few)
        graph("tree_" + mode.lower()[7:], [ml("TreeEnsembleRegressor", ["X"], ["Y"], n_targets=1, **nodes_of(a, l, "target"))],
              {"X": around(rng, a, 3)}, p)
    a, l = forest(rng, 6, 4, 4, every, weights=signed, values=few)
    graph("tree_mixed_modes", [ml("TreeEnsembleRegressor", ["X"], ["Y"], n_targets=1, base_values=[0.5], **nodes_of(a, l, "target"))],
          {"X": around(rng, a, 4)}, p)
    codes = [0.0, 1.0, 2.0, 5.0, 31.0, 40.0]
    a, l = forest(rng, 6, 4, 4, every[4:], weights=signed, values=codes)
    x = around(rng, a, 4)
    x[20:] = rng.choice(codes + [0.5, -1.0, 3.0], (20, 4))
    graph("tree_categories", [ml("TreeEnsembleRegressor", ["X"], ["Y"], n_targets=1, **nodes_of(a, l, "target"))], {"X": x}, p)
    for aggregate in ("AVERAGE", "MIN", "MAX", "SUM"):
        a, l = forest(rng, 5, 3, 3, every[:4], classes=2, weights=signed)
        graph("tree_" + aggregate.lower() + "_base", [ml("TreeEnsembleRegressor", ["X"], ["Y"], n_targets=2, aggregate_function=aggregate,
              base_values=[0.25, -1.5], **nodes_of(a, l, "target"))], {"X": around(rng, a, 3)}, p)
    a, l = forest(rng, 5, 3, 3, every[:4], weights=signed)
    graph("tree_average_double", [ml("TreeEnsembleRegressor", ["X"], ["Y"], n_targets=1, aggregate_function="AVERAGE",
          **nodes_of(a, l, "target", double=True))], {"X": around(rng, a, 3, dtype=np.float64)}, p)
    for post in ("SOFTMAX", "SOFTMAX_ZERO", "LOGISTIC", "PROBIT"):
        a, l = forest(rng, 3, 2, 3, every[:1], classes=3, weights=share)
        graph("tree_post_" + post.lower(), [ml("TreeEnsembleRegressor", ["X"], ["Y"], n_targets=3, post_transform=post,
              **nodes_of(a, l, "target"))], {"X": around(rng, a, 3)}, p, **(PROBIT if post == "PROBIT" else {}))
    x = rng.integers(-3, 4, (30, 3))
    a, l = forest(rng, 4, 3, 3, every[:4], weights=signed, values=[-2.0, -1.0, 0.0, 0.5, 2.0])
    l["ids"] = [0] * len(l["ids"])
    graph("tree_int64", [ml("TreeEnsembleClassifier", ["X"], ["L", "P"], classlabels_int64s=[0, 1], **nodes_of(a, l, "class"))], {"X": x},
          {"L": T.INT64, "P": T.FLOAT})


def classifiers():
    rng = np.random.default_rng(SEED + 1)
    out = {"L": T.INT64, "P": T.FLOAT}
    texts = {"L": T.STRING, "P": T.FLOAT}
    modes = ["BRANCH_LEQ", "BRANCH_GT"]

    def classifier(name, classes, labels, weights, **more):
        a, l = forest(rng, 5, 3, 3, modes, classes=classes, weights=weights)
        key = "classlabels_strings" if isinstance(labels[0], str) else "classlabels_int64s"
        graph(name, [ml("TreeEnsembleClassifier", ["X"], ["L", "P"], **{key: labels}, **more, **nodes_of(a, l, "class"))],
              {"X": around(rng, a, 3)}, texts if isinstance(labels[0], str) else out)

    classifier("class_one_score_shares", [0], [3, 7], share)
    classifier("class_one_score_signed", [0], [3, 7], signed)
    classifier("class_one_score_logistic", [0], ["no", "yes"], signed, post_transform="LOGISTIC", base_values=[0.25])
    classifier("class_one_score_logistic_shares", [0], [0, 1], share, post_transform="LOGISTIC")
    classifier("class_second_only", [1], [3, 7], signed)
    classifier("class_second_only_softmax", [1], [3, 7], share, post_transform="SOFTMAX")
    classifier("class_two_scores", [0, 1], [0, 1], signed, post_transform="SOFTMAX")
    classifier("class_two_scores_text", [0, 1], ["a", "b"], share)
    classifier("class_three", [0, 1, 2], [5, -1, 9], share, post_transform="SOFTMAX_ZERO", base_values=[0.1, 0.0, -0.1])
    classifier("class_three_without_second", [0, 2], ["x", "y", "z"], signed, post_transform="SOFTMAX")
    a, l = forest(rng, 6, 3, 3, modes, classes=3, weights=signed)
    graph("class_double", [ml("TreeEnsembleClassifier", ["X"], ["L", "P"], classlabels_int64s=[0, 1, 2], post_transform="SOFTMAX",
          **nodes_of(a, l, "class", double=True))], {"X": around(rng, a, 3, dtype=np.float64)}, out)
    x = rng.normal(size=(30, 3)).astype(np.float32)
    for post in ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"):
        graph("linear_" + post.lower(), [ml("LinearClassifier", ["X"], ["L", "P"], classlabels_ints=[4, 2, 0], post_transform=post,
              coefficients=[float(v) for v in rng.normal(size=9) / 9], intercepts=[0.3, 0.4, 0.5])], {"X": x / 4}, out,
          **(PROBIT if post == "PROBIT" else {}))
        if post != "PROBIT":
            graph("linear_one_score_" + post.lower(), [ml("LinearClassifier", ["X"], ["L", "P"], classlabels_strings=["n", "y"], post_transform=post,
                  coefficients=[0.5, -0.25, 1.0], intercepts=[0.1])], {"X": x}, texts)
    graph("svm_without_vectors", [ml("SVMClassifier", ["X"], ["L", "P"], classlabels_ints=[1, 2, 3], kernel_type="LINEAR", kernel_params=[0.0, 0.0, 0.0],
          coefficients=[float(v) for v in rng.normal(size=9)], rho=[0.25], post_transform="SOFTMAX")], {"X": x}, out)
    graph("svm_without_vectors_two", [ml("SVMClassifier", ["X"], ["L", "P"], classlabels_ints=[1, 2], kernel_type="LINEAR", kernel_params=[0.0, 0.0, 0.0],
          coefficients=[float(v) for v in rng.normal(size=6)], rho=[0.25])], {"X": x}, out)
    for post in ("NONE", "LOGISTIC", "SOFTMAX"):
        graph("svm_two_" + post.lower(), [ml("SVMClassifier", ["X"], ["L", "P"], classlabels_strings=["n", "y"], kernel_type="RBF", kernel_params=[0.5, 0.0, 3.0],
              vectors_per_class=[2, 2], support_vectors=[float(v) for v in rng.normal(size=12)], coefficients=[1.0, 0.5, -0.75, -0.75], rho=[0.1],
              post_transform=post)], {"X": x}, texts)


def features():
    rng = np.random.default_rng(SEED + 2)
    n = 30
    x, whole = rng.normal(size=(n, 3)).astype(np.float32), rng.integers(-2, 5, (n, 2))
    gaps = x.copy()
    gaps[::4, 1] = np.nan
    text = rng.choice(["red", "green", "blue", "none of them"], (n, 2)).astype(object)
    y = {"Y": T.FLOAT}
    graph("feature_vectorizer", [ml("FeatureVectorizer", ["a", "b"], ["Y"], inputdimensions=[3, 2])], {"a": x, "b": x[:, :2] * 2}, y)
    graph("imputer_nan", [ml("Imputer", ["X"], ["Y"], imputed_value_floats=[1.0, 2.0, 3.0], replaced_value_float=float("nan"))], {"X": gaps}, y)
    graph("imputer_value", [ml("Imputer", ["X"], ["Y"], imputed_value_int64s=[7], replaced_value_int64=-1)], {"X": whole}, {"Y": T.INT64})
    graph("scaler_double", [ml("Scaler", ["X"], ["Y"], offset=[0.5, 0.25, -1.0], scale=[2.0, 3.0, 4.0])], {"X": x.astype(np.float64)}, y)
    graph("scaler_int64", [ml("Scaler", ["X"], ["Y"], offset=[0.5], scale=[2.0])], {"X": whole}, y)
    graph("one_hot_whole", [ml("OneHotEncoder", ["X"], ["Y"], cats_int64s=[-1, 0, 3])], {"X": whole}, y)
    graph("one_hot_float", [ml("OneHotEncoder", ["X"], ["Y"], cats_int64s=[-1, 0, 3])], {"X": x * 2}, y)
    graph("one_hot_text", [ml("OneHotEncoder", ["X"], ["Y"], cats_strings=["green", "red"])], {"X": text}, y)
    graph("label_encoder_text_float", [ml("LabelEncoder", ["X"], ["Y"], keys_strings=["red", "blue", "red"], values_floats=[1.5, -2.0, 9.0],
          default_float=0.25)], {"X": text}, y)
    graph("label_encoder_float_whole", [ml("LabelEncoder", ["X"], ["Y"], keys_floats=[1.0, float("nan"), 2.0], values_int64s=[4, 5, 6], default_int64=-7)],
          {"X": np.array([[1.0], [np.nan], [2.0], [3.0], [1.0000001]], np.float32)}, {"Y": T.INT64})
    graph("label_encoder_nan", [ml("LabelEncoder", ["X"], ["Y"], keys_floats=[1.0, float("nan"), 2.0], values_int64s=[4, 5, 6], default_int64=-7)],
          {"X": np.array([[1.0], [np.nan], [2.0], [3.0], [1.0000001]], np.float32)}, {"Y": T.INT64}, ml=4, opset=21)
    graph("label_encoder_tensors", [ml("LabelEncoder", ["X"], ["Y"], keys_tensor=nh.from_array(np.array([1, 2, 3], np.int64)),
          values_tensor=nh.from_array(np.array([0.5, 1.5, 2.5], np.float32)), default_tensor=nh.from_array(np.array([-1.0], np.float32)))],
          {"X": whole}, y, ml=4, opset=21)
    graph("category_mapper", [ml("CategoryMapper", ["X"], ["Y"], cats_strings=["red", "blue"], cats_int64s=[10, 20], default_int64=-5)],
          {"X": text}, {"Y": T.INT64})
    graph("binarizer", [ml("Binarizer", ["X"], ["Y"], threshold=0.25)], {"X": x}, y)
    graph("text_equal", [h.make_node("Equal", ["X", "c"], ["e"]), h.make_node("Cast", ["e"], ["Y"], to=T.FLOAT)], {"X": text}, y,
          inits={"c": np.array([["green", "blue"]], object)}, opset=19)
    graph("several_inputs", [h.make_node("Cast", ["whole"], ["w"], to=T.FLOAT), h.make_node("Cast", ["flag"], ["f"], to=T.FLOAT),
                             h.make_node("Cast", ["double"], ["d"], to=T.FLOAT),
                             h.make_node("Concat", ["x", "w", "f", "d"], ["all"], axis=1), h.make_node("ReduceSum", ["all", "axes"], ["Y"])],
          {"x": x, "whole": whole, "flag": rng.integers(0, 2, (n, 1)).astype(bool), "double": rng.normal(size=(n, 1))}, y,
          inits={"axes": np.array([1])})


def plain():
    rng = np.random.default_rng(SEED + 3)
    x = rng.normal(size=(25, 4)).astype(np.float32)
    y = {"Y": T.FLOAT}
    graph("plain_old_opset", [h.make_node("Unsqueeze", ["X"], ["u"], axes=[2]), h.make_node("ReduceSum", ["u"], ["s"], axes=[1], keepdims=1),
                              h.make_node("Squeeze", ["s"], ["q"], axes=[2]), h.make_node("Clip", ["q"], ["c"], min=-1.0, max=1.0),
                              h.make_node("Softmax", ["X"], ["p"]), h.make_node("Slice", ["p"], ["t"], starts=[1], ends=[3], axes=[1]),
                              h.make_node("Concat", ["c", "t"], ["Y"], axis=1)], {"X": x}, y, opset=9, ml=1)
    graph("plain_shapes", [h.make_node("Shape", ["X"], ["s"]), h.make_node("Gather", ["s", "zero"], ["n"]), h.make_node("Concat", ["n", "two"], ["t"], axis=0),
                           h.make_node("Reshape", ["X", "t"], ["r"]), h.make_node("ReduceMax", ["r"], ["m"], axes=[2], keepdims=0),
                           h.make_node("ConstantOfShape", ["t"], ["o"], value=nh.from_array(np.array([2.0], np.float32))),
                           h.make_node("Mul", ["r", "o"], ["d"]), h.make_node("Flatten", ["d"], ["f"]), h.make_node("Concat", ["m", "f"], ["Y"], axis=1)],
          {"X": x}, y, inits={"zero": np.array([0]), "two": np.array([2, 2])})
    graph("plain_columns", [h.make_node("Split", ["X"], ["a", "b"], axis=1), h.make_node("Transpose", ["a"], ["t"], perm=[1, 0]),
                            h.make_node("Tanh", ["t"], ["h"]), h.make_node("Transpose", ["h"], ["u"], perm=[1, 0]),
                            h.make_node("TopK", ["X", "k"], ["v", "i"], axis=1), h.make_node("Cast", ["i"], ["j"], to=T.FLOAT),
                            h.make_node("Tile", ["b", "times"], ["w"]), h.make_node("CumSum", ["X", "one"], ["s"]),
                            h.make_node("Concat", ["u", "v", "j", "w", "s"], ["Y"], axis=1)],
          {"X": x}, y, opset=13, inits={"k": np.array([2]), "times": np.array([1, 2]), "one": np.array(1)})
    graph("plain_gemm", [h.make_node("Gemm", ["X", "w", "b"], ["g"], alpha=0.5, beta=2.0, transB=1), h.make_node("LeakyRelu", ["g"], ["r"], alpha=0.125),
                         h.make_node("LogSoftmax", ["r"], ["l"], axis=1), h.make_node("LpNormalization", ["r"], ["z"], axis=1, p=2),
                         h.make_node("Concat", ["l", "z"], ["Y"], axis=1)], {"X": x}, y,
          inits={"w": rng.normal(size=(5, 4)).astype(np.float32), "b": rng.normal(size=5).astype(np.float32)})
    graph("plain_logic", [h.make_node("Less", ["X", "c"], ["l"]), h.make_node("IsNaN", ["X"], ["m"]), h.make_node("Or", ["l", "m"], ["o"]),
                          h.make_node("Where", ["o", "c", "X"], ["w"]), h.make_node("Mod", ["w", "c"], ["d"], fmod=1),
                          h.make_node("Where", ["m", "c", "X"], ["k"]), h.make_node("Floor", ["k"], ["f"]), h.make_node("Concat", ["d", "f"], ["Y"], axis=1)],
          {"X": np.where(rng.random(x.shape) < 0.2, np.float32(np.nan), x)}, y, inits={"c": np.array([[0.5, 1.0, 1.5, 2.0]], np.float32)})


def tree_ensemble():
    """TreeEnsemble of version 5, with sets of members."""
    rng = np.random.default_rng(SEED + 4)
    for name, dtype in (("tree_ensemble_5", np.float32), ("tree_ensemble_5_double", np.float64)):
        sets = [[0.0, 2.0, 5.0], [1.0, -2.0], [3.0]]
        values = [v for s in sets for v in s + [np.nan]][:-1]
        node = ml("TreeEnsemble", ["X"], ["Y"], n_targets=2, aggregate_function=1, post_transform=0,
                  nodes_splits=nh.from_array(np.array([0.25, 0, 0, -1.5, 0, 2.0], dtype)),
                  nodes_featureids=[0, 1, 2, 2, 1, 0], nodes_modes=nh.from_array(np.array([0, 6, 6, 3, 6, 4], np.uint8)),
                  nodes_truenodeids=[1, 0, 1, 4, 4, 6], nodes_trueleafs=[0, 1, 1, 0, 1, 1],
                  nodes_falsenodeids=[2, 2, 3, 5, 5, 7], nodes_falseleafs=[0, 1, 1, 0, 1, 1],
                  nodes_missing_value_tracks_true=[1, 0, 1, 0, 1, 0],
                  leaf_targetids=[0, 0, 1, 0, 1, 0, 1, 1], leaf_weights=nh.from_array(rng.normal(size=8).astype(dtype)),
                  membership_values=nh.from_array(np.array(values, dtype)), tree_roots=[0, 3])
        # ONNX Runtime takes 1.5 for 1 in a set, which no text says: no such rows.
        x = rng.choice([0.0, 1.0, 2.0, 5.0, -2.0, 3.0, 0.25, np.nan, 7.0, -0.0], (40, 3)).astype(dtype)
        graph(name, [node], {"X": x}, {"Y": TYPES[np.dtype(dtype)]}, ml=5, opset=21)


def libraries():
    import lightgbm
    import xgboost
    from onnxmltools import convert_lightgbm, convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    iris_x, iris_y = load_iris(return_X_y=True)
    cancer_x, cancer_y = load_breast_cancer(return_X_y=True)
    diabetes_x, diabetes_y = load_diabetes(return_X_y=True)
    iris_x, cancer_x, diabetes_x = iris_x.astype(np.float32), cancer_x[:, :6].astype(np.float32), diabetes_x.astype(np.float32)

    def convert(name, convert, model, x, y, **info):
        if only and name not in only:
            return
        model.fit(x, y)
        converted = convert(model, initial_types=[("X", FloatTensorType([None, x.shape[1]]))], target_opset=15)
        rows = x[:: max(1, len(x) // 40)][:40].copy()
        rows[3, 0], rows[7, 1] = np.nan, np.nan
        case(name, converted, {"X": rows}, objective=type(model).__name__, **info)

    xgb = dict(n_estimators=8, max_depth=3, random_state=SEED)
    convert("xgboost_binary", convert_xgboost, xgboost.XGBClassifier(**xgb), cancer_x, cancer_y)
    convert("xgboost_multi", convert_xgboost, xgboost.XGBClassifier(**xgb), iris_x, iris_y)
    convert("xgboost_regressor", convert_xgboost, xgboost.XGBRegressor(**xgb), diabetes_x, diabetes_y)
    convert("xgboost_poisson", convert_xgboost, xgboost.XGBRegressor(objective="count:poisson", **xgb), diabetes_x, diabetes_y)
    lgb = dict(n_estimators=8, num_leaves=8, random_state=SEED, verbose=-1, deterministic=True, num_threads=1)
    convert("lightgbm_binary", convert_lightgbm, lightgbm.LGBMClassifier(**lgb), cancer_x, cancer_y)
    convert("lightgbm_multi", convert_lightgbm, lightgbm.LGBMClassifier(**lgb), iris_x, iris_y)
    convert("lightgbm_regressor", convert_lightgbm, lightgbm.LGBMRegressor(**lgb), diabetes_x, diabetes_y)
    convert("lightgbm_forest", convert_lightgbm, lightgbm.LGBMRegressor(boosting_type="rf", bagging_freq=1, bagging_fraction=0.7, **lgb), diabetes_x, diabetes_y)
    coded = np.c_[iris_x, np.random.default_rng(SEED).integers(0, 6, len(iris_x))].astype(np.float32)
    model = lightgbm.LGBMClassifier(min_data_per_group=1, cat_smooth=1, **lgb)
    fit = model.fit
    model.fit = lambda x, y: fit(x, (iris_y + coded[:, 4].astype(int)) % 3, categorical_feature=[4])
    convert("lightgbm_categories", convert_lightgbm, model, coded, iris_y)


for group in (trees, classifiers, features, plain, tree_ensemble, libraries):
    group()
