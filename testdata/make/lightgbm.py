"""Makes testdata/models/lightgbm with the LightGBM that runs it: each version
makes its own cases, and predicts with the model file as it was saved.

    python lightgbm.py     # from a venv with lightgbm-VERSION-requirements.txt
"""

import json
import os
import re
import tempfile

import numpy as np
import pandas as pd
import sklearn.datasets as data

import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# This file has the library's name: keep its folder from being searched first.
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != HERE] + [HERE]

import lightgbm as lgb  # noqa: E402
from casefile import write_case  # noqa: E402

ROOT = os.path.join(HERE, "..", "models", "lightgbm")
VERSION = lgb.__version__
MAJOR = int(VERSION.split(".")[0])
SEED = 4
BASE = dict(num_leaves=7, learning_rate=0.15, min_data_in_leaf=5, verbosity=-1, seed=SEED,
            num_threads=1, deterministic=True, force_col_wise=True, min_data_in_bin=3)
# How far values may be off, in ulp. All others are held to the bit.
ULP = {"cross_entropy_lambda": 1 if MAJOR > 2 else 2}
ULP_WHY = {2: "log(1 + exp(x)) there, which later versions compute by log1p, as here",
           3: "log1p is the C library's there and portable.Log1p here; both are off by less than 1 ulp"}


def odd_values():
    """Where comparisons and roundings go wrong first."""
    return [float("nan"), float("inf"), float("-inf"), -0.0, 0.0, 5e-324, -5e-324, 1e-36, 1e-35,
            1.0000000180025095e-35, float(np.nextafter(1.0000000180025095e-35, 1)), -1.0000000180025095e-35,
            float(np.nextafter(-1.0000000180025095e-35, -1)), 1e-30, 16777217.0, 3.4028235677973366e+38, 1e300, -1e300]


def splits(booster):
    """(feature, threshold) of the numeric splits, in the order of the file."""
    out = []

    def visit(node):
        if "split_feature" not in node:
            return
        if node["decision_type"] == "<=":
            out.append((node["split_feature"], float(node["threshold"])))
        visit(node["left_child"])
        visit(node["right_child"])

    for tree in booster.dump_model()["tree_info"]:
        visit(tree["tree_structure"])
    return out


def corner_rows(booster, rows, how_many=3, single=True):
    """Rows of the data with one value at or beside a threshold or an odd one."""
    rng = np.random.RandomState(SEED)
    out = []
    found = splits(booster)
    picked = [found[i] for i in rng.permutation(len(found))[:how_many]]
    for feature, t in picked:
        values = [t, np.nextafter(t, -np.inf), np.nextafter(t, np.inf)]
        if single:
            near = np.float32(t)
            values += [float(near), float(np.nextafter(near, np.float32(np.inf))), float(np.nextafter(near, np.float32(-np.inf)))]
        for v in values:
            row = np.array(rows[rng.randint(len(rows))], dtype=np.float64)
            row[feature] = v
            out.append(row)
    features = sorted({f for f, _ in found}) or [0]
    for i, v in enumerate(odd_values()):
        row = np.array(rows[rng.randint(len(rows))], dtype=np.float64)
        row[features[i % len(features)]] = v
        out.append(row)
    width = rows.shape[1]
    for v in (np.nan, np.inf, -np.inf, 0.0, -1e-36):
        out.append(np.full(width, v))
    return np.array(out)


def with_missing(x, share=0.15, value=np.nan):
    x = np.array(x, dtype=np.float64)
    x[np.random.RandomState(SEED).rand(*x.shape) < share] = value
    return x


def save(name, booster, rows, frame=None, names=None, start=0, count=None, edit=None, crlf=False, labels=True, **info):
    """Writes a case: rows are numbers, or frame is a data frame of them. edit
    changes the file before LightGBM reads it, crlf its line ends afterwards."""
    if not wanted(name):
        return
    folder = os.path.join(ROOT, place(name))
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "model.txt")
        booster.save_model(path, **info.pop("saving", {}))
        if edit:
            with open(path, encoding="utf-8", newline="") as f:
                text = edit(f.read())
            with open(path, "w", encoding="utf-8", newline="") as f:
                f.write(text)
        loaded = lgb.Booster(model_file=path)
        given = rows if frame is None else frame
        part = {}
        if count is not None:
            part = dict(num_iteration=count)
            if start:
                part["start_iteration"] = start
            info["iterations"] = "%d:%d" % (start, start + count)
        margin = loaded.predict(given, raw_score=True, **part)
        values = loaded.predict(given, **part)
        leaf = loaded.predict(given, pred_leaf=True, **part)
        words = [w for line in open(path, encoding="utf-8") if line.startswith("objective=") for w in line[10:].split()]
        objective = words[0] if words else "none"
        if names is None:
            names = loaded.feature_name()
        ulp = ULP.get(objective, 0)
        if ulp:
            info.update(ulp=ulp, ulp_why=ULP_WHY[min(MAJOR, 3)])
        if crlf:
            with open(path, encoding="utf-8", newline="") as f:
                text = f.read()
            with open(path, "w", encoding="utf-8", newline="\r\n") as f:
                f.write(text)
        classes = None
        if labels and objective == "binary":
            classes = ["1" if p > 0.5 else "0" for p in values]
        elif labels and objective in ("multiclass", "multiclassova"):
            classes = [str(int(np.argmax(p))) for p in values]
        if frame is not None:
            rows = [[None if pd.isna(v) else v for v in line] for line in frame.astype(object).values.tolist()]
        write_case(folder, path, rows, names, margin=margin, values=values, leaf=leaf, labels=classes,
                   library="lightgbm", version=VERSION, objective=objective, **info)


def train(params, x, y, rounds=6, **kw):
    known = {k: kw.pop(k) for k in ("feature_name", "categorical_feature", "weight", "group", "init_score") if k in kw}
    fobj = kw.pop("fobj", None)
    params = dict(BASE, **params)
    if params.get("boosting") == "rf":
        params = dict(params, bagging_freq=1, bagging_fraction=0.7, feature_fraction=0.8)
    if fobj is not None:
        if MAJOR >= 4:
            params["objective"] = fobj
        else:
            kw["fobj"] = fobj
    # Some parameters are the data set's own, and one that is given later is refused.
    return lgb.train(params, lgb.Dataset(x, y, params=params, free_raw_data=False, **known), rounds, **kw)


def simple(name, params, x, y, rounds=6, fit=None, **kw):
    if not wanted(name):
        return None
    booster = train(params, x, y, rounds, **(fit or {}))
    rows = np.vstack([np.asarray(x, dtype=np.float64)[:: max(1, len(x) // 12)][:12], corner_rows(booster, np.asarray(x, dtype=np.float64))])
    save(name, booster, rows, **kw)
    return booster


DIABETES = data.load_diabetes(return_X_y=True)
CANCER = data.load_breast_cancer(return_X_y=True)
IRIS = data.load_iris(return_X_y=True)
WINE = data.load_wine(return_X_y=True)
# A few columns keep the files small.
CANCER = (CANCER[0][:, [0, 1, 4, 7, 20, 21, 27]], CANCER[1])
DIABETES = (DIABETES[0][:, [0, 2, 3, 6, 8]], DIABETES[1])
WINE = (WINE[0][:, [0, 6, 9, 12]], WINE[1])


def hessian_of(k):
    """A squared error of k outputs, by hand: the file then has no objective."""
    def squared(score, train_data):
        y = train_data.get_label()
        if k == 1:
            return score - y, np.ones_like(y)
        if MAJOR >= 4:
            score = score.reshape(len(y), -1)
            g = score - np.eye(k)[y.astype(int)]
            return g, np.ones_like(g)
        score = score.reshape(k, len(y)).T
        g = score - np.eye(k)[y.astype(int)]
        return g.T.ravel(), np.ones(g.size)
    return squared


# What the older versions add: their files' form, and what they compute otherwise.
OLDER = {
    3: "regression regression-sqrt poisson binary-sigmoid multiclass multiclassova cross-entropy-lambda lambdarank custom "
       "rf rf-regression dart missing-zero missing-none infinities one-leaf rare-class categorical categorical-none pandas "
       "pandas-ordered linear-missing linear-categorical linear-multiclass",
    2: "regression-sqrt gamma binary-sigmoid multiclass cross-entropy-lambda rf rf-multiclass missing-nan missing-zero "
       "missing-none infinities one-leaf categorical categorical-zero pandas",
}


def wanted(name):
    return MAJOR == 4 or name in OLDER[MAJOR].split()


def place(name):
    return name if MAJOR == 4 else "v%s-%s" % (VERSION, name)


def objectives():
    x, y = DIABETES
    missing = with_missing(x)
    for objective in ("regression", "regression_l1", "huber", "fair", "quantile", "mape"):
        simple(objective.replace("_", "-"), dict(objective=objective, alpha=0.7 if objective == "quantile" else 0.9), missing, y)
        if objective in ("regression", "quantile", "huber"):
            simple(objective + "-sqrt", dict(objective=objective, reg_sqrt=True), missing, y - 150)
    for objective in ("poisson", "gamma", "tweedie"):
        simple(objective, dict(objective=objective, tweedie_variance_power=1.3), missing, np.round(y / 10) + 1)
    binary()
    x, y = WINE
    simple("multiclass", dict(objective="multiclass", num_class=3), with_missing(x), y, rounds=3)
    simple("multiclassova", dict(objective="multiclassova", num_class=3, sigmoid=0.7), with_missing(x), y, rounds=3)
    x, y = CANCER
    for objective in ("cross_entropy", "cross_entropy_lambda"):
        simple(objective.replace("_", "-"), dict(objective=objective), with_missing(x), 0.1 + 0.8 * y)
    rank = np.random.RandomState(SEED).randint(0, 4, len(y))
    for objective in ("lambdarank", "rank_xendcg"):
        if MAJOR > 2:
            simple(objective.replace("_", "-"), dict(objective=objective), with_missing(x), rank,
                   fit=dict(group=[20] * 28 + [9]))
    simple("custom", dict(), with_missing(x), y.astype(float), fit=dict(fobj=hessian_of(1)))
    x, y = IRIS
    simple("custom-multi", dict(num_class=3), x, y, rounds=4, fit=dict(fobj=hessian_of(3)))


def binary():
    x, y = CANCER
    simple("binary", dict(objective="binary", is_unbalance=True), with_missing(x), y)
    # 1.00544 as LightGBM reads it is not the nearest number to 1.00544.
    simple("binary-sigmoid", dict(objective="binary", sigmoid=1.00544), x, y)
    booster = train(dict(objective="binary"), x, y, 12)
    rows = np.vstack([x[::50], corner_rows(booster, x)])
    save("binary-crlf", booster, rows, crlf=True, note="predicted before its line ends were changed: LightGBM finds trees by their sizes")
    save("binary-iterations", booster, rows, start=3, count=6)


def boosting():
    x, y = CANCER
    simple("rf", dict(objective="binary", boosting="rf"), with_missing(x), y)
    booster = simple("rf-regression", dict(objective="regression", boosting="rf", reg_sqrt=True), DIABETES[0], DIABETES[1])
    if MAJOR > 3:
        rows = np.vstack([DIABETES[0][::40], corner_rows(booster, DIABETES[0])])
        save("rf-iterations", booster, rows, start=2, count=3)
        booster = train(dict(objective="multiclass", num_class=3), IRIS[0], IRIS[1], 5)
        save("multiclass-iterations", booster, np.vstack([IRIS[0][::12], corner_rows(booster, IRIS[0])]), start=1, count=3)
    simple("rf-multiclass", dict(objective="multiclass", num_class=3, boosting="rf"), IRIS[0], IRIS[1], rounds=4)
    simple("dart", dict(objective="binary", boosting="dart", drop_rate=0.5), with_missing(x), y, rounds=12)
    simple("goss", dict(objective="regression", boosting="goss"), DIABETES[0], DIABETES[1], rounds=10)


def missing_kinds():
    x, y = CANCER
    gaps = with_missing(x)
    zeros = with_missing(gaps, 0.15, 0.0)
    simple("missing-nan", dict(objective="regression"), zeros, y, rounds=12)
    simple("missing-zero", dict(objective="regression", zero_as_missing=True), zeros, y, rounds=12)
    simple("missing-none", dict(objective="regression", use_missing=False), zeros, y, rounds=12)


def numbers_of_float64():
    rng = np.random.RandomState(SEED)
    # What float32 cannot tell apart: thresholds between neighbours in float64.
    x = np.column_stack([1 + rng.randint(0, 40, 400) * 2.0 ** -40, 1e9 + rng.rand(400), rng.rand(400) * 1e-300,
                         rng.randn(400) * 1e250, rng.randn(400) * 1e-35])
    y = (x[:, 0] - 1) * 2.0 ** 38 + np.sin(x[:, 1]) * 5 + (x[:, 3] > 0) + 5e35 * np.abs(x[:, 4])
    booster = train(dict(objective="regression", num_leaves=12), x, y, 8)
    save("float64", booster, np.vstack([x[::40], corner_rows(booster, x, 5)]))
    # Infinities and missing values among the training data, and thresholds at 0.
    x = rng.randn(300, 3)
    y = np.where(x[:, 0] > 0.3, 3.0, 0.0) + np.where(x[:, 1] > 0, 1.0, -1.0)
    x[rng.rand(300, 3) < 0.2] = 0
    x[rng.rand(300, 3) < 0.1] = np.inf
    x[rng.rand(300, 3) < 0.1] = -np.inf
    x[rng.rand(300, 3) < 0.1] = np.nan
    booster = train(dict(objective="regression"), x, y + np.isnan(x[:, 0]) * 2, 8)
    save("infinities", booster, np.vstack([x[:25], corner_rows(booster, x, 5)]))
    # Margins that the exponential cannot hold.
    y = np.exp(np.clip(np.nan_to_num(x[:, 0]), -2, 2) * 8)
    booster = train(dict(objective="poisson", learning_rate=1.0, poisson_max_delta_step=0.1), x, y, 3)

    def larger(text):
        return re.sub(r"leaf_value=(.*)", lambda m: "leaf_value=" + " ".join(repr(float(v) * 120) for v in m[1].split()), text)

    def sizes(text):
        parts = re.split(r"(?=^Tree=|^end of trees)", text, flags=re.M)
        trees = [p for p in parts if p.startswith("Tree=")]
        return re.sub(r"tree_sizes=.*", "tree_sizes=" + " ".join(str(len(t)) for t in trees), text)

    save("overflow", booster, np.vstack([x[:30], corner_rows(booster, x, 2)]), edit=lambda t: sizes(larger(t)),
         note="the leaves' values are 120 times what was trained, so that exp goes over, and under")


def small_trees():
    x, y = DIABETES
    # Not one split: the whole model is a number.
    simple("one-leaf", dict(objective="regression", min_data_in_leaf=400), x, y, rounds=3)
    simple("one-leaf-multiclass", dict(objective="multiclass", num_class=3, min_data_in_leaf=100), IRIS[0], IRIS[1], rounds=2)
    # A class that is hard to find has trees of one leaf among others.
    rare = np.where(np.arange(150) < 3, 2, IRIS[1] % 2)
    simple("rare-class", dict(objective="multiclass", num_class=3), IRIS[0], rare, rounds=3)
    simple("stumps", dict(objective="binary", num_leaves=2), CANCER[0], CANCER[1], rounds=20)
    # A chain: each split takes a few rows off.
    x = np.arange(300, dtype=np.float64).reshape(-1, 1)
    simple("deep", dict(objective="regression", num_leaves=60, min_data_in_leaf=1, min_data_in_bin=1, max_bin=400,
                                min_sum_hessian_in_leaf=0), x, np.exp(x[:, 0] / 9), rounds=2)


def names():
    x, y = IRIS
    booster = train(dict(objective="multiclass", num_class=3, monotone_constraints=[1, 0, -1, 0]), x, y, 2,
                    feature_name=["sepal length (cm)", "Größe", "a=b", "x.y/z%"])
    save("names", booster, np.vstack([x[::7], corner_rows(booster, x, 3)]))
    booster = train(dict(objective="regression", early_stopping_round=3, pred_early_stop=True, pred_early_stop_freq=1,
                         pred_early_stop_margin=0.01, metric="l2"), *DIABETES, rounds=15,
                    valid_sets=[lgb.Dataset(DIABETES[0][:100], DIABETES[1][:100] + 90 * np.random.RandomState(SEED).randn(100))])
    save("early-stopping", booster, DIABETES[0][:30], saving=dict(num_iteration=-1),
         note="the parameters in the file ask for early stopping of training and of prediction; all trees count")
    booster = train(dict(objective="binary", pred_early_stop=True, pred_early_stop_freq=1, pred_early_stop_margin=0.01), *CANCER, rounds=10)
    save("early-stopping-binary", booster, CANCER[0][::14])
    booster = train(dict(objective="regression"), *DIABETES, rounds=4)
    booster = lgb.train(dict(BASE, objective="regression", learning_rate=0.3), lgb.Dataset(*DIABETES), 4, init_model=booster)
    save("continued", booster, DIABETES[0][:30], saving=dict(start_iteration=1, num_iteration=6))


def linear():
    x, y = DIABETES
    simple("linear", dict(objective="regression", linear_tree=True, num_leaves=5, linear_lambda=0.01), x, y, rounds=6)
    simple("linear-missing", dict(objective="binary", linear_tree=True, num_leaves=5, min_data_in_leaf=20),
           with_missing(CANCER[0], 0.05), CANCER[1], rounds=6)
    simple("linear-multiclass", dict(objective="multiclass", num_class=3, linear_tree=True, num_leaves=4), *IRIS, rounds=3)
    rng = np.random.RandomState(SEED)
    x = np.column_stack([rng.randint(0, 12, 300), rng.randn(300), rng.randn(300) * 1e-35]).astype(float)
    y = np.sin(x[:, 0]) * 3 + x[:, 1] * (x[:, 0] % 3)
    simple("linear-categorical", dict(objective="regression", linear_tree=True, num_leaves=5), x, y, rounds=5,
           fit=dict(categorical_feature=[0]))


CAT = dict(min_data_per_group=2, cat_smooth=1.0, max_cat_to_onehot=3, cat_l2=1.0)


def code_rows(rows, features):
    rng = np.random.RandomState(SEED)
    out = []
    for i, v in enumerate([np.nan, -1, -0.5, -0.9999999, -1e-36, 0.5, 0.99999999, 1.5, 31, 32, 33, 63, 64, 95, 96, 999, 1000, 16777216, 16777217,
                           2147483647, 2147483646.5, 2147483648, 4294967296, 4294967297, -2147483648, 1e18, 1e300, -1e300, np.inf, -np.inf, -0.0]):
        row = np.array(rows[rng.randint(len(rows))])
        row[features[i % len(features)]] = v
        out.append(row)
    for v in (-0.5, 0.0, 2147483648, np.nan):
        row = np.array(rows[0])
        row[list(features)] = v
        out.append(row)
    return np.array(out)


def categories():
    rng = np.random.RandomState(SEED)
    n = 600
    x = np.column_stack([rng.randint(0, 100, n), rng.randint(0, 3, n), rng.randint(0, 8, n) * 150, rng.randn(n)]).astype(float)
    y = np.sin(x[:, 0]) * 3 + (x[:, 1] == 1) + np.cos(x[:, 2]) * 2 + x[:, 3] * 0.2
    x = with_missing(x, 0.05)
    for name, params in (("categorical", dict(objective="regression")), ("categorical-zero", dict(objective="regression", zero_as_missing=True)),
                         ("categorical-none", dict(objective="binary", use_missing=False))):
        booster = train(dict(CAT, **params), x, (y > 0) * 1.0 if name.endswith("none") else y, 10, categorical_feature=[0, 1, 2])
        save(name, booster, np.vstack([x[:20], code_rows(x, [0, 1, 2]), corner_rows(booster, x, 2)]))


def frames():
    rng = np.random.RandomState(SEED)
    n = 500
    town = np.array(["Köln", "Ulm", "Bad \"Tölz\"", "a,b", "x y", "\u6771\u4eac", "NaN", "7", "none", "Rome"])
    frame = pd.DataFrame({
        "amount": rng.randn(n),
        "town": pd.Categorical(town[rng.randint(0, 9, n)], categories=town[:9]),
        "size": pd.Categorical(np.array([10, 20, 40, 80, 5])[rng.randint(0, 5, n)], categories=[10, 20, 40, 80, 5]),
        "rate": pd.Categorical(np.array([0.5, -1.25, 3.0])[rng.randint(0, 3, n)]),
        "new": pd.Categorical(rng.rand(n) < 0.4),
    })
    for column in frame.columns[1:]:
        frame.loc[rng.rand(n) < 0.05, column] = np.nan
    y = (np.sin(frame["town"].cat.codes * 1.7) * 3 + np.cos(frame["size"].cat.codes * 2.1) * 2 + frame["rate"].cat.codes
         + frame["new"].cat.codes + frame["amount"] * 0.3)
    booster = train(dict(CAT, objective="regression"), frame, y, 12)
    rows = frame[:40].astype(object)
    extra = [dict(town="Rome"), dict(town="Atlantis"), dict(size=7), dict(size=20.5), dict(size=0), dict(rate=3), dict(rate=0), dict(rate=1),
             dict(amount=np.inf), dict(amount=-0.0), dict(town=None, size=None, rate=None, new=None)]
    for i, change in enumerate(extra):
        row = rows.iloc[i].copy()
        for key, value in change.items():
            row[key] = value
        rows.loc[len(rows)] = row
    rows = rows.reset_index(drop=True)
    typed = pd.DataFrame({"amount": rows["amount"].astype(float)})
    for column in rows.columns[1:]:
        typed[column] = pd.Categorical(rows[column])
    save("pandas", booster, None, frame=typed[list(frame.columns)])
    ordered(frame, y)
    booster = train(dict(CAT, objective="binary"), frame[["amount", "new"]], (y > y.mean()).astype(int), 6)
    save("pandas-boolean", booster, None, frame=typed[["amount", "new"]])


def ordered(frame, y):
    """An ordered category is trained as a number, and its column is not among
    the parameters' categorical features."""
    grades = ["low", "middle", "high", "top"]
    rng = np.random.RandomState(SEED)
    frame = pd.DataFrame({
        "grade": pd.Categorical(np.array(grades)[rng.randint(0, 4, len(y))], categories=grades, ordered=True),
        "amount": frame["amount"] - 10, "town": frame["town"],
    })
    booster = train(dict(CAT, objective="regression"), frame, y + frame["grade"].cat.codes * 2, 8)
    rows = frame[:40].copy()
    save("pandas-ordered", booster, None, frame=rows)


def main():
    objectives()
    boosting()
    missing_kinds()
    numbers_of_float64()
    small_trees()
    categories()
    frames()
    if MAJOR > 2:
        linear()
    if MAJOR > 3:
        names()


if __name__ == "__main__":
    main()
