"""Writes testdata/refused: files that Copse recognises and refuses, made by the
libraries themselves.

    python testdata/make/refused.py              all but the files below
    python testdata/make/refused.py old          with XGBoost 1.7: its binary form
"""

import os
import pickle
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != HERE]  # files beside this one have libraries' names
OUT = os.path.join(HERE, "..", "refused")
X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 3.0], [4.0, 0.0], [5.0, 2.0]] * 5)
Y = np.array([0, 0, 0, 1, 1, 1] * 5)


def path(name):
    os.makedirs(OUT, exist_ok=True)
    return os.path.join(OUT, name)


def dump(name, model, protocol=5):
    with open(path(name), "wb") as f:
        pickle.dump(model, f, protocol=protocol)


def old():
    import xgboost

    model = xgboost.train({"objective": "binary:logistic", "max_depth": 1}, xgboost.DMatrix(X, Y), 1)
    model.save_model(path("xgboost-1.7.model"))


def new():
    import catboost
    import joblib
    import lightgbm
    import skops.io
    import xgboost
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_depth=1).fit(X, Y)
    for protocol in (0, 1, 2, 5):
        dump(f"sklearn-protocol-{protocol}.pkl", tree, protocol)
    dump("sklearn-pipeline.pkl", make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y))
    for name, how in {"plain": 0, "zlib": ("zlib", 3), "gzip": ("gzip", 3), "bz2": ("bz2", 3),
                      "xz": ("xz", 3), "lzma": ("lzma", 3)}.items():
        joblib.dump(tree, path(f"sklearn-{name}.joblib"), compress=how)
    skops.io.dump(tree, path("sklearn.skops"))
    dump("xgboost-sklearn.pkl", xgboost.XGBClassifier(n_estimators=1, max_depth=1).fit(X, Y))
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 1}, xgboost.DMatrix(X, Y), 1)
    dump("xgboost-booster.pkl", booster)
    booster.dump_model(path("xgboost-dump.txt"))
    booster.dump_model(path("xgboost-dump.json"), dump_format="json")
    small = lightgbm.LGBMClassifier(n_estimators=1, num_leaves=2, min_child_samples=1, verbose=-1).fit(X, Y)
    dump("lightgbm-sklearn.pkl", small)
    dump("lightgbm-booster.pkl", small.booster_)
    joblib.dump(small, path("lightgbm.joblib"), compress=3)
    import json
    with open(path("lightgbm-dump.json"), "w", encoding="utf-8") as f:
        json.dump(small.booster_.dump_model(), f)
    cat = catboost.CatBoostClassifier(iterations=1, depth=1, verbose=0, allow_writing_files=False).fit(X, Y)
    dump("catboost.pkl", cat)
    cat.save_model(path("catboost.cbm"))
    np.savez(path("arrays.npz"), x=X[:1])


if __name__ == "__main__":
    old() if sys.argv[1:] == ["old"] else new()
