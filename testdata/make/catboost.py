"""Writes testdata/models/catboost: CatBoost's own models and answers.

    python testdata/make/catboost.py

Expected answers are those of the trained model in memory, not of one that
CatBoost loaded from its own JSON, whose reader loses last bits of leaf values.
"""

import json
import os
import sys
import tempfile

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != HERE]  # this file has the library's name

import catboost  # noqa: E402

sys.path.insert(0, HERE)
from casefile import corners, write_case  # noqa: E402

OUT = os.path.join(HERE, "..", "models", "catboost")
SEED = 20
ROWS = 60


def train(kind, x, y, **params):
    params = {"iterations": 15, "depth": 4, "learning_rate": 0.3, "border_count": 32} | params
    if params.get("grow_policy") == "Lossguide":
        params.setdefault("max_leaves", 9)
    model = kind(random_seed=SEED, thread_count=1, verbose=0, allow_writing_files=False, **params)
    pool = x if isinstance(x, catboost.Pool) else catboost.Pool(x, y)
    model.fit(pool)
    return model


def small(path):
    """Leaves out what is of training alone: half of the file. What stays is as
    CatBoost wrote it: numbers are kept as texts."""
    with open(path, encoding="utf-8") as f:
        model = json.load(f, parse_float=Text, parse_int=Text)
    info = model["model_info"]
    for name in ("training", "output_options", "train_finish_time", "model_guid"):
        info.pop(name, None)
    if "params" in info:
        info["params"] = {k: v for k, v in info["params"].items() if k in ("loss_function", "random_seed", "task_type")}
    with open(path, "w", encoding="utf-8") as f:
        f.write(dump(model) + "\n")


class Text(str):
    """A number's own text."""


def dump(x):
    if isinstance(x, Text):
        return str(x)
    if isinstance(x, dict):
        return "{" + ",".join(json.dumps(k) + ":" + dump(v) for k, v in x.items()) + "}"
    if isinstance(x, list):
        return "[" + ",".join(dump(v) for v in x) + "]"
    return json.dumps(x)


def rows_of(x, model, names, nan=True, seed=SEED):
    """Rows of the data, then rows of corners: each value is a border of its
    feature or near it, or one of the values at which roundings go wrong."""
    rng = np.random.default_rng(seed)
    x = np.asarray(x, dtype=np.float64)
    data = x[rng.choice(len(x), 15, replace=False)]
    borders = model.get_borders()
    edge = []
    for i in range(x.shape[1]):
        b = borders.get(i, borders.get(names[i], []))
        edge.append(corners(b if len(b) else [0.0]))
    rows = [list(r) for r in data]
    for k in range(ROWS - len(data)):
        row = [e[rng.integers(len(e))] for e in edge]
        if nan and k % 3 == 0:
            row[k // 3 % len(row)] = float("nan")
        rows.append(row)
    rows.append([float("inf")] * x.shape[1])
    rows.append([float("-inf")] * x.shape[1])
    if nan:
        rows.append([float("nan")] * x.shape[1])
    return np.asarray(rows)


def case(name, model, x, names, objective, iterations=None, frame=False, nan=True, pool=None, **info):
    rows = rows_of(x, model, names, nan)
    asked = pd.DataFrame(rows, columns=names) if frame else rows
    span = {}
    if iterations:
        a, b = iterations
        span = {"ntree_start": a, "ntree_end": b}
        info["iterations"] = f"{a}:{b}"
    margin = catboost.CatBoost.predict(model, asked, prediction_type="RawFormulaVal", **span)
    labels = None
    if isinstance(model, catboost.CatBoostClassifier):
        values = model.predict_proba(asked, **span)
        if not objective.startswith("Multi" + "L"):
            labels = [str(v) for v in np.asarray(model.predict(asked, **span)).reshape(-1)]
    else:
        values = model.predict(asked, **span)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.json")
        model.save_model(path, format="json", pool=pool)
        leaf = leaves(model, path, asked, span)
        small(path)
        write_case(os.path.join(OUT, name), path, rows, names, margin=margin, values=values, leaf=leaf, labels=labels,
                   library="catboost", version=catboost.__version__, objective=objective, seed=SEED, **info)


def leaves(model, path, asked, span):
    """Leaf numbers. Those of non-symmetric trees are not in the file, and
    CatBoost numbers them anew when it loads it: those count."""
    with open(path, encoding="utf-8") as f:
        if "trees" in json.load(f):
            model = catboost.CatBoost()
            model.load_model(path, format="json")
    return model.calc_leaf_indexes(asked, **span)


def unnamed(n):
    return [f"f{i}" for i in range(n)]


def regressions():
    x, y = load_diabetes(return_X_y=True)
    x = x[:, :6] * 100
    names = unnamed(6)
    R = catboost.CatBoostRegressor
    case("rmse", train(R, x, y), x, names, "RMSE")
    model = train(R, x, y, iterations=20)
    case("rmse-iterations-3-11", model, x, names, "RMSE", iterations=(3, 11))
    case("rmse-iterations-0-7", model, x, names, "RMSE", iterations=(0, 7))
    model = train(R, x, y, depth=3)
    model.set_scale_and_bias(0.3, 1.7)
    case("scale-and-bias", model, x, names, "RMSE")
    case("scale-and-bias-iterations", model, x, names, "RMSE", iterations=(2, 15))
    case("mae", train(R, x, y, loss_function="MAE"), x, names, "MAE")
    case("quantile", train(R, x, y, loss_function="Quantile:alpha=0.3"), x, names, "Quantile:alpha=0.3")
    case("expectile", train(R, x, y, loss_function="Expectile:alpha=0.3"), x, names, "Expectile:alpha=0.3")
    case("huber", train(R, x, y, loss_function="Huber:delta=2"), x, names, "Huber:delta=2")
    case("loglinquantile", train(R, x, y, loss_function="LogLinQuantile"), x, names, "LogLinQuantile")
    case("poisson", train(R, x, y, loss_function="Poisson"), x, names, "Poisson")
    case("tweedie", train(R, x, y, loss_function="Tweedie:variance_power=1.5"), x, names,
         "Tweedie:variance_power=1.5")
    two = np.stack([y, y * y / 100], axis=1)
    case("multirmse", train(R, x, two, loss_function="MultiRMSE"), x, names, "MultiRMSE")
    case("multiquantile", train(R, x, y, loss_function="MultiQuantile:alpha=0.1,0.5,0.9"), x, names,
         "MultiQuantile:alpha=0.1,0.5,0.9")
    case("depth-0-one-leaf", train(R, x[:, :2], np.full(len(y), 3.25), allow_const_label=True, bootstrap_type="No", iterations=3), x[:, :2],
         unnamed(2), "RMSE")
    case("depth-8", train(R, x, y, depth=8, iterations=4), x, names, "RMSE")
    case("borders-300", train(R, x, y, border_count=1024, iterations=40, depth=2), x, names, "RMSE",
         note="more borders on a feature than fit a byte")
    constant = x.copy()
    constant[:, 3] = 7
    case("ignored-and-constant", train(R, constant, y, ignored_features=[1]), constant, names, "RMSE")
    missing = x.copy()
    missing[::5, 1] = np.nan
    for mode in ("Min", "Max"):
        case(f"nan-{mode.lower()}", train(R, missing, y, nan_mode=mode), missing, names, "RMSE")
    nasty = np.random.default_rng(SEED).normal(size=(300, 3)) * np.array([1e-40, 1e30, 1.0])
    nasty[::7, 0] = -0.0
    case("denormal-and-huge", train(R, nasty, nasty[:, 0] * 1e40 + nasty[:, 2]), nasty, unnamed(3), "RMSE")


def names_and_labels():
    data = load_iris(as_frame=True)
    names = ["sepal, length (cm)", "sepal width", 'petal "length"', "breite à"]
    x = data.data.set_axis(names, axis=1)
    text = np.array(["setosa", "versicolor", "virginica"])[data.target]
    C = catboost.CatBoostClassifier
    case("multiclass-text-labels", train(C, x, text, loss_function="MultiClass"), x, names, "MultiClass", frame=True)
    pool = catboost.Pool(x, text)
    case("multiclass-pool-names", train(C, pool, None, loss_function="MultiClass", iterations=5), x, names,
         "MultiClass", frame=True, pool=pool)


def classifications():
    C = catboost.CatBoostClassifier
    x, y = load_breast_cancer(return_X_y=True)
    x = x[:, :8]
    names = unnamed(8)
    case("logloss", train(C, x, y, iterations=25), x, names, "Logloss")
    case("logloss-text-labels", train(C, x, np.array(["no", "yes"])[y]), x, names, "Logloss")
    case("logloss-bool-labels", train(C, x, y == 1, iterations=6), x, names, "Logloss")
    case("crossentropy", train(C, x, y * 0.8 + 0.1, loss_function="CrossEntropy"), x, names, "CrossEntropy")
    case("focal", train(C, x, y, loss_function="Focal:focal_alpha=0.5;focal_gamma=1", leaf_estimation_method="Gradient"),
         x, names, "Focal:focal_alpha=0.5;focal_gamma=1")
    case("logloss-depthwise", train(C, x, y, grow_policy="Depthwise"), x, names, "Logloss")
    case("logloss-lossguide", train(C, x, y, grow_policy="Lossguide", depth=6, max_leaves=12), x, names, "Logloss")
    w, c = load_wine(return_X_y=True)
    w = w[:, :6]
    names = unnamed(6)
    case("multiclass", train(C, w, c, loss_function="MultiClass"), w, names, "MultiClass")
    case("multiclass-float-labels", train(C, w, c * 10.5, loss_function="MultiClass", iterations=5), w, names, "MultiClass")
    case("multiclass-lossguide", train(C, w, c, loss_function="MultiClass", grow_policy="Lossguide", iterations=8), w, names,
         "MultiClass")
    case("multiclass-iterations-2-6", train(C, w, c, loss_function="MultiClass"), w, names, "MultiClass",
         iterations=(2, 6))
    case("onevsall", train(C, w, c, loss_function="MultiClassOneVsAll"), w, names, "MultiClassOneVsAll")
    both = np.stack([c == 0, c > 0, w[:, 0] > 13], axis=1).astype(int)
    case("multilogloss", train(C, w, both, loss_function="MultiLogloss"), w, names, "MultiLogloss")


def rankings():
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(240, 4)).astype(np.float32).astype(np.float64)
    y = np.clip(np.round(x[:, 0] + x[:, 1] * 0.5 + 1), 0, 3)
    group = np.repeat(np.arange(24), 10)
    names = unnamed(4)
    for loss in ("YetiRank", "QueryRMSE", "PairLogit"):
        pool = catboost.Pool(x, y, group_id=group)
        case("rank-" + loss.lower(), train(catboost.CatBoostRanker, pool, None, loss_function=loss, iterations=8), x, names, loss)


if __name__ == "__main__":
    regressions()
    names_and_labels()
    classifications()
    rankings()
