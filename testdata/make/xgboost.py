"""Makes testdata/models/xgboost: models of several generations of XGBoost and
what that generation's own Booster.predict answers.

Run it once in an environment of each version, from anywhere:

    python testdata/make/xgboost.py

It makes the cases of the version that is installed; xgboost-*-requirements.txt
list the versions. Everything is seeded and runs on one thread, so running it
again gives the same files.
"""

import glob
import json
import os
import shutil
import sys
import tempfile

# This file's own name must not hide the library's.
sys.path.append(sys.path.pop(0))

import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn import datasets

import casefile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "models", "xgboost")
VERSION = xgb.__version__
SHORT = ".".join(VERSION.split(".")[:2])
AGE = tuple(int(x) for x in SHORT.split("."))
SEED = 7
COMMON = {"nthread": 1, "seed": SEED, "verbosity": 0}
INF = float("inf")

# Cases in which the C library decides the last bit of values.
OFF_BY_ONE = {("3.4", "expectiles")}

# The cases that are kept of each generation; of 3.2 all.
KEPT = {
    "1.0": "base-score logitraw multi-softprob forest-multi",
    "1.3": (
        "binary-logistic pruned multi-softmax forest-multi dart-multi gblinear-multi count-poisson "
        "binary-hinge survival-aft"
    ),
    "1.7": (
        "binary-logistic binary-logistic-ubj iterations pruned multi-softprob forest-multi-iterations "
        "reg-tweedie reg-absolute dart-multi gblinear-multi rank-ndcg codes-onehot codes-partition multi-target "
        "survival-cox"
    ),
    "2.1": (
        "binary-logistic-ubj early-stopping multi-softmax forest-multi dart gblinear vector-leaf "
        "vector-leaf-forest vector-leaf-multi multi-label quantiles codes-partition"
    ),
    "3.0": "binary-logistic vector-leaf vector-leaf-iterations vector-leaf-multi codes-onehot",
    "3.1": "early-stopping multi-softprob table table-ubj vector-leaf-multi",
    "3.4": (
        "base-score multi-softprob dart dart-multi gblinear-multi multi-label vector-leaf-forest "
        "vector-leaf-multi quantiles quantiles-crossing expectiles expectile codes-partition codes-vector table table-ubj"
    ),
}


def rng(seed=SEED):
    return np.random.RandomState(seed)


# ---- data

def with_holes(x, share=0.15, seed=SEED):
    """Some values missing, so that both default directions are learnt."""
    x = np.array(x, dtype=np.float64)
    x[rng(seed).uniform(size=x.shape) < share] = np.nan
    return x


def cancer():
    d = datasets.load_breast_cancer()
    names = [n.replace(" ", "_") for n in d.feature_names[:8]]
    return with_holes(d.data[:, :8]), d.target.astype(float), names


def iris():
    d = datasets.load_iris()
    return with_holes(d.data), d.target.astype(float), ["sepal_length", "sepal_width", "petal_length", "petal_width"]


def wine():
    d = datasets.load_wine()
    return with_holes(d.data[:, :6]), d.target.astype(float), list(d.feature_names[:6])


def diabetes():
    d = datasets.load_diabetes()
    return with_holes(d.data), d.target, list(d.feature_names)


def targets(n=3):
    x, y, names = diabetes()
    y = y / 100
    return x, np.stack([y * (k + 1) + np.nan_to_num(x[:, k]) * 5 for k in range(n)], axis=1), names


# ---- rows

def thresholds(model):
    """Thresholds of the first trees, by feature."""
    found = {}
    booster = model["learner"]["gradient_booster"]
    booster = booster.get("gbtree", booster)
    for tree in booster["model"].get("trees", [])[:6]:
        kinds = tree.get("split_type") or [0] * len(tree["left_children"])
        for left, feature, t, kind in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"], kinds):
            if left != -1 and kind == 0:
                found.setdefault(feature, []).append(t)
    return found


def corner_rows(x, model, count):
    """Rows of the data, then rows with one value at or beside a threshold, at
    the ends of float32, or missing, and rows that XGBoost refuses."""
    rows = [list(r) for r in x[:: max(1, len(x) // 24)][:24]]
    base = [list(r) for r in x[1:12]]
    values = []
    for feature, ts in sorted(thresholds(model).items()):
        values += [(feature, v) for v in casefile.corners(sorted(set(ts))[:1])[:6]]
    values = values[: count - 20]
    # The same value would be asked of every feature: one in turn is enough.
    for i, v in enumerate(casefile.corners([])):
        values.append((i % x.shape[1], v))
    for i, (feature, v) in enumerate(values):
        row = list(base[i % len(base)])
        row[feature] = v
        rows.append(row)
    rows.append([np.nan] * x.shape[1])
    rows.append([0.0] * x.shape[1])
    # What is beyond float32, which versions since 1.4 refuse.
    beyond = (INF, -INF, 1e39, 3.4028235677973366e38) if AGE >= (1, 4) else ()
    for v in beyond + (3.4028235677973362e38,):
        row = list(base[0])
        row[0] = v
        rows.append(row)
    return rows


def frame(rows, names, like=None):
    """Rows as XGBoost takes them: an array, or a table with the columns' types."""
    if like is None:
        return np.array(rows, dtype=np.float64)
    out = {}
    for i, n in enumerate(names):
        column = [r[i] for r in rows]
        dtype = like[n].dtype
        if isinstance(dtype, pd.CategoricalDtype):
            seen = [v for v in column if v is not None and v == v]
            extra = [v for v in dict.fromkeys(seen) if v not in set(dtype.categories)]
            known = list(dtype.categories) + extra
            out[n] = pd.Categorical([v if v is not None and v == v else None for v in column], categories=known)
        elif dtype == bool:
            out[n] = np.array(column, dtype=bool)
        else:
            out[n] = np.array(column, dtype=np.float64)
    return pd.DataFrame(out)


def matrix(data, names, types=None, label=None, **more):
    if isinstance(data, pd.DataFrame):
        return xgb.DMatrix(data, label=label, enable_categorical=True, **more)
    return xgb.DMatrix(data, label=label, feature_names=names, feature_types=types, **more)


# ---- cases

def case(name, booster, x, names, rows=None, like=None, types=None, ext="json", iterations=None,
         labels=False, count=60, note=None):
    """Saves the booster, loads it again, and keeps what it answers then."""
    if name not in KEPT.get(SHORT, name).split():
        return
    folder = os.path.join(ROOT, SHORT + "-" + name)
    known = ["f%d" % i for i in range(len(names))] if AGE < (1, 4) else names  # not in the file before 1.4
    ulp = (SHORT, name) in OFF_BY_ONE
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "model." + ext)
        booster.save_model(path)
        if ext == "json":
            with open(path, encoding="utf-8") as f:
                model = json.load(f)
        else:
            booster.save_model(os.path.join(tmp, "other.json"))
            with open(os.path.join(tmp, "other.json"), encoding="utf-8") as f:
                model = json.load(f)
        loaded = xgb.Booster({"nthread": 1})
        loaded.load_model(path)
        if rows is None:
            rows = corner_rows(x, model, count)
        tables, refused = answers(loaded, rows, names, like, types, iterations)
        info = {"library": "xgboost", "version": VERSION, "objective": model["learner"]["objective"]["name"],
                "refused": refused}
        if iterations:
            info["iterations"] = "%d:%d" % iterations
        if note:
            info["note"] = note
        if ulp:
            info["ulp"], info["ulp_why"] = 1, "glibc's log1pf before 2.41 is not always the nearest float32"
        margin, values, leaf = tables
        predicted = None
        if labels:
            best = np.argmax(values, axis=1) if values.ndim > 1 and values.shape[1] > 1 else values.ravel()
            if info["objective"] in ("binary:logistic", "binary:hinge"):
                best = best > 0.5
            predicted = [str(int(b)) if b == b else "" for b in best]
        shutil.rmtree(folder, ignore_errors=True)
        casefile.write_case(folder, path, rows, known, margin=margin, values=values, leaf=leaf, labels=predicted, **info)


def answers(booster, rows, names, like, types, iterations):
    """Margins, values and leaves, NaN for rows that the library refuses."""
    more = {"iteration_range": iterations} if iterations else {}

    def predict(rows, **how):
        return booster.predict(matrix(frame(rows, names, like), names, types), **how, **more)

    refused = []
    for i, row in enumerate(rows):
        try:
            predict([row])
        except (xgb.core.XGBoostError, ValueError):
            refused.append(i)
    good = [i for i in range(len(rows)) if i not in set(refused)]
    tables = []
    for how in ({"output_margin": True}, {}, {"pred_leaf": True}):
        try:
            got = np.asarray(predict([rows[i] for i in good], **how), dtype=np.float64)
        except (xgb.core.XGBoostError, ValueError):
            tables.append(None)
            continue
        got = got.reshape(len(good), -1)
        if "pred_leaf" in how:
            whole = np.full((len(rows), got.shape[1]), -1.0)
        else:
            whole = np.full((len(rows), got.shape[1]), np.nan)
        whole[good] = got
        tables.append(whole)
    return tables, refused


def train(params, x, y, names, rounds=6, types=None, **more):
    d = matrix(x, names, types, label=y)
    for key in ("group", "base_margin", "label_lower_bound", "label_upper_bound", "weight"):
        if key in more:
            getattr(d, "set_" + key, lambda v, k=key: d.set_float_info(k, v))(more.pop(key))
    return xgb.train({**COMMON, **params}, d, rounds, **more)


def logistic():
    x, y, names = cancer()
    p = {"objective": "binary:logistic", "max_depth": 4, "eta": 0.4}
    b = train(p, x, y, names)
    case("binary-logistic", b, x, names, labels=True)
    if AGE >= (1, 7):
        case("binary-logistic-ubj", b, x, names, ext="ubj", labels=True)
    case("base-score", train({**p, "base_score": 0.505485}, x, y, names, 3), x, names,
         note="a base_score whose logit glibc does not round to the nearest float32")
    if AGE >= (1, 7):
        d, held = matrix(x[:400], names, label=y[:400]), matrix(x[400:], names, label=y[400:])
        b = xgb.train({**COMMON, **p, "eval_metric": "logloss", "eta": 1.0}, d, 12, evals=[(held, "held")],
                      early_stopping_rounds=3, verbose_eval=False)
        case("early-stopping", b, x, names, labels=True, note="best_iteration; all trees count")
        case("iterations", b, x, names, iterations=(1, 4), ext="json" if AGE < (2, 0) else "ubj")
    if AGE < (1, 3):
        b = train({**p, "objective": "binary:logitraw", "base_score": 0.3}, x, y, names, 3)
        case("logitraw", b, x, names, note="the base score is a probability until 1.3.0")
        return  # 1.0 cannot load what it saves of trees with deleted nodes
    case("pruned", train({**p, "tree_method": "exact", "gamma": 6, "max_depth": 6, "eta": 0.7}, x, y, names, 3), x, names,
         note="with deleted nodes")
    case("one-leaf", train({**p, "gamma": 1e6}, x, y, names, 2), x, names)


def multiclass():
    x, y, names = iris()
    p = {"objective": "multi:softprob", "num_class": 3, "max_depth": 3, "eta": 0.5}
    b = train(p, x, y, names, 5)
    case("multi-softprob", b, x, names, labels=True)
    x2, y2, names2 = wine()
    b = train({**p, "objective": "multi:softmax"}, x2, y2, names2, 4)
    case("multi-softmax", b, x2, names2, labels=True, ext="ubj" if AGE >= (1, 7) else "json")
    if AGE >= (3, 2):
        b = train({**p, "objective": "multi:softmax", "eta": 1e-9, "base_score": 0}, x2, y2, names2, 2)
        case("multi-softmax-near", b, x2, names2, note="classes of nearly the same margin have the same probability")
    b = train({**p, "num_parallel_tree": 3, "subsample": 0.6, "colsample_bynode": 0.7, "eta": 1}, x, y, names, 3)
    case("forest-multi", b, x, names, labels=True, ext="ubj" if AGE >= (2, 0) else "json")
    if AGE >= (1, 7):
        case("forest-multi-iterations", b, x, names, iterations=(1, 2))


def regressions():
    x, y, names = diabetes()
    y = y / 100
    some = {"max_depth": 4, "eta": 0.4}
    wanted = ["reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "count:poisson", "reg:gamma",
              "reg:tweedie", "reg:logistic"]
    if AGE >= (1, 7):
        wanted += ["reg:absoluteerror"]
    for i, o in enumerate(wanted):
        label = np.round(y) if o == "count:poisson" else y / 4 if o == "reg:logistic" else y
        ext = "ubj" if AGE >= (1, 7) and i % 2 else "json"
        b = train({**some, "objective": o}, x, label, names, 4)
        case(o.replace(":", "-").replace("error", ""), b, x, names, ext=ext)
    x, y, names = cancer()
    case("binary-logitraw", train({**some, "objective": "binary:logitraw"}, x, y, names, 4), x, names)
    case("binary-hinge", train({**some, "objective": "binary:hinge"}, x, y, names, 4), x, names, labels=True)


def survival():
    x, y, names = diabetes()
    y = y / 100
    some = {"max_depth": 3, "eta": 0.4}
    sign = np.where(rng().uniform(size=len(y)) < 0.3, -1, 1)
    case("survival-cox", train({**some, "objective": "survival:cox"}, x, y * sign, names, 4), x, names)
    d = matrix(x, names)
    d.set_float_info("label_lower_bound", y)
    d.set_float_info("label_upper_bound", np.where(sign < 0, INF, y))
    b = xgb.train({**COMMON, **some, "objective": "survival:aft"}, d, 4)
    case("survival-aft", b, x, names, ext="ubj" if AGE >= (2, 0) else "json")


def ranking():
    x, y, names = diabetes()
    for o in ("rank:ndcg", "rank:map", "rank:pairwise"):
        label = np.digitize(y, [100, 180, 250]) if o != "rank:map" else (y > 150).astype(int)
        d = matrix(x[:440], names, label=label[:440].astype(float))
        d.set_group([20] * 22)
        b = xgb.train({**COMMON, "max_depth": 3, "eta": 0.4, "objective": o}, d, 4)
        case(o.replace(":", "-"), b, x, names, ext="ubj" if AGE >= (2, 0) and o == "rank:map" else "json")


def dart():
    x, y, names = cancer()
    p = {"booster": "dart", "max_depth": 3, "eta": 0.5, "rate_drop": 0.4, "skip_drop": 0.1}
    case("dart", train({**p, "objective": "binary:logistic"}, x, y, names, 8), x, names, labels=True)
    x, y, names = iris()
    b = train({**p, "objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 2, "subsample": 0.7}, x, y, names, 4)
    case("dart-multi", b, x, names, ext="ubj" if AGE >= (1, 7) else "json", labels=True)
    if AGE >= (2, 0):
        case("dart-iterations", b, x, names, iterations=(1, 3))


def linear():
    x, y, names = diabetes()
    p = {"booster": "gblinear", "eta": 0.5, "updater": "coord_descent"}
    case("gblinear", train({**p, "objective": "reg:squarederror"}, x, y / 100, names, 8), x, names)
    x, y, names = wine()
    b = train({**p, "objective": "multi:softprob", "num_class": 3}, x, y, names, 5)
    case("gblinear-multi", b, x, names, ext="ubj" if AGE >= (1, 7) else "json", labels=True)


def many_targets():
    x, y, names = targets()
    p = {"objective": "reg:squarederror", "max_depth": 3, "eta": 0.5, "tree_method": "hist"}
    case("multi-target", train(p, x, y, names, 3), x, names)
    case("multi-label", train({**p, "objective": "binary:logistic"}, x, (y > y.mean(axis=0)).astype(float), names, 3), x, names)
    if AGE < (2, 0):
        return
    p["multi_strategy"] = "multi_output_tree"
    case("vector-leaf", train(p, x, y, names, 3), x, names)
    b = train({**p, "num_parallel_tree": 2, "subsample": 0.7, "objective": "binary:logistic"}, x, (y > y.mean(axis=0)).astype(float), names, 3)
    case("vector-leaf-forest", b, x, names, ext="ubj")
    case("vector-leaf-iterations", b, x, names, ext="ubj", iterations=(1, 3))
    x, y, names = iris()
    b = train({**p, "objective": "multi:softprob", "num_class": 3}, x, y, names, 4)
    case("vector-leaf-multi", b, x, names, labels=True)


def quantiles():
    if AGE < (2, 0):
        return
    x, y, names = diabetes()
    p = {"objective": "reg:quantileerror", "max_depth": 3, "eta": 0.5, "tree_method": "hist"}
    case("quantiles", train({**p, "quantile_alpha": [0.1, 0.5, 0.9]}, x, y / 100, names, 3), x, names)
    case("quantile", train({**p, "quantile_alpha": 0.7}, x, y / 100, names, 4), x, names, ext="ubj")
    if AGE < (3, 3):
        return
    b = train({**p, "quantile_alpha": [0.45, 0.5, 0.55], "eta": 1.0}, x, y / 100, names, 3)
    case("quantiles-crossing", b, x, names, note="values are sorted since 3.4, margins are not")
    p["objective"] = "reg:expectileerror"
    case("expectiles", train({**p, "expectile_alpha": [0.1, 0.5, 0.9]}, x, y / 100, names, 3), x, names)
    case("expectile", train({**p, "expectile_alpha": 0.7}, x, y / 100, names, 4), x, names, ext="ubj")


def codes():
    """Categories as numbers, without names of them in the file."""
    if AGE < (1, 7):
        return
    r = rng()
    n = 500
    x = np.stack([r.randint(0, 4, n), r.randint(0, 40, n), r.normal(size=n), r.randint(0, 3, n)], axis=1).astype(float)
    y = (x[:, 0] == 2) * 2 + np.sin(x[:, 1]) + x[:, 2] / 2 + (x[:, 3] == 1) * x[:, 2]
    x = with_holes(x, 0.1)
    names, types = ["few", "many", "size", "kind"], ["c", "c", "float", "c"]
    p = {"objective": "reg:squarederror", "max_depth": 4, "eta": 0.5, "tree_method": "hist", "max_cat_to_onehot": 5}
    rows = [list(v) for v in x[:30]]
    # Unseen, negative, between two, and beyond what is a code.
    for i, v in enumerate([4, 40, 63, 64, 1000, -1, -0.5, -0.0, 0.5, 1.5, 2.9999999, 3.7, 16777215, 16777216, 1e10, 5e-324, np.nan]):
        for column in (0, 1, 3):
            rows.append(list(x[40 + i]))
            rows[-1][column] = v
    b = train({**p, "max_cat_to_onehot": 100}, x, y, names, 4, types=types)
    case("codes-onehot", b, x, names, types=types, rows=rows)
    b = train({**p, "max_cat_to_onehot": 1} if AGE >= (2, 0) else p, x, y, names, 5, types=types)
    case("codes-partition", b, x, names, types=types, rows=rows, ext="ubj")
    if AGE >= (3, 1):
        y = np.stack([y, -y], axis=1)
        b = train({**p, "multi_strategy": "multi_output_tree"}, x, y, names, 3, types=types) if AGE >= (3, 3) else None
        if b:
            case("codes-vector", b, x, names, types=types, rows=rows)


def tables():
    """Categories, booleans and whole numbers of a table, by name where the file has them."""
    if AGE < (3, 1):
        return
    r = rng()
    n = 500
    # Before 3.4 texts beyond ASCII are saved cut short.
    colours = ["red", "green" if AGE < (3, 4) else "grün", "blue, dark", 'so "so"', "blue", "a"] + ["c%d" % i for i in range(20)]
    t = pd.DataFrame({
        "colour": pd.Categorical(r.choice(colours, n), categories=colours),
        "size": r.normal(size=n),
        "grade": pd.Categorical(r.choice([30, 10, -20, 50], n), categories=[30, 10, -20, 50]),
        "open": r.uniform(size=n) < 0.5,
        "count": r.randint(0, 9, n),
    })
    place = t["colour"].cat.codes.to_numpy()
    y = np.sin(place) + t["size"] / 2 + (t["grade"].astype(int) == 10) * 2 + t["open"] * t["size"] + t["count"] / 9
    t.loc[r.uniform(size=n) < 0.1, "colour"] = None
    t.loc[r.uniform(size=n) < 0.1, "grade"] = None
    names = list(t.columns)
    p = {"objective": "reg:squarederror", "max_depth": 5, "eta": 0.5, "tree_method": "hist", "max_cat_to_onehot": 5}
    b = xgb.train({**COMMON, **p}, xgb.DMatrix(t, label=y, enable_categorical=True), 5)

    def plain(v):
        return None if isinstance(v, float) and v != v else v.item() if hasattr(v, "item") else v

    rows = [[plain(v) for v in row] for row in t.iloc[:45].itertuples(index=False)]
    # Before 3.3 only what sorts after all categories is refused; other unseen
    # ones are taken for the next in order.
    unseen = [(0, "unseen"), (2, 99)] + ([(0, "Red"), (2, 20)] if AGE >= (3, 3) else [])
    for column, v in unseen + [(0, None), (0, colours[1]), (0, "blue"), (2, None), (2, -20),
                               (4, 3.5), (4, None), (1, None), (1, -0.0), (3, True),
                               (1, 1e39), (1, 3.4028235677973366e38)]:
        rows.append([plain(x) for x in t.iloc[50 + len(rows)]])
        rows[-1][column] = v
    case("table", b, None, names, rows=rows, like=t)
    case("table-ubj", b, None, names, rows=rows, like=t, ext="ubj")


def own_objective():
    x, y, names = diabetes()

    def squares(predicted, d):
        return predicted - d.get_label(), np.ones_like(predicted)

    b = xgb.train({**COMMON, "max_depth": 3, "eta": 0.4}, matrix(x, None, label=y / 100), 4, obj=squares)
    case("own-objective", b, x, ["f%d" % i for i in range(x.shape[1])],
         note="trained by a function of the user's, and without names of features")


def deep():
    """A chain, of which each level cuts off one value."""
    x = np.arange(300, dtype=np.float64).reshape(-1, 1)
    y = np.cumsum(x.ravel() % 7)
    b = train({"objective": "reg:squarederror", "max_depth": 0, "max_leaves": 120, "grow_policy": "lossguide", "tree_method": "hist",
               "eta": 1.0, "lambda": 0, "min_child_weight": 0}, x, y, ["x"], 2)
    case("lossguide", b, x, ["x"])


WANTED = {
    (1, 0): [logistic, multiclass],
    (1, 3): [logistic, multiclass, regressions, dart, linear, survival],
    (1, 7): [logistic, multiclass, regressions, dart, linear, survival, ranking, codes, many_targets],
    (2, 1): [logistic, multiclass, dart, linear, many_targets, quantiles, codes],
    (3, 0): [logistic, many_targets, codes],
    (3, 1): [logistic, multiclass, tables, many_targets],
    (3, 2): [logistic, multiclass, regressions, survival, ranking, dart, linear, many_targets, quantiles, codes, tables,
             own_objective, deep],
    (3, 4): [logistic, multiclass, dart, linear, many_targets, quantiles, codes, tables],
}


if __name__ == "__main__":
    for folder in glob.glob(os.path.join(ROOT, SHORT + "-*")):
        shutil.rmtree(folder)
    for make in WANTED[AGE]:
        make()
