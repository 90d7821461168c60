"""Makes the models and rows of the comparison, the same ones every time.

    python models.py FOLDER IRIS.csv [CASE ...]

Each case gets a folder with its model file, the rows to score (rows.csv for
Copse, rows.npz for the libraries) and case.json. What is there already and was
made by this very script stays.
"""

import csv
import dataclasses
import hashlib
import json
import pathlib
import sys

import numpy as np

TRAIN, SCORE = 20_000, 4_000  # rows


@dataclasses.dataclass
class Model:
    """A case: the model file that was written, and what is known of it."""

    library: str
    file: str
    rows: dict  # input's name -> rows to score
    title: str
    trees: int = 0  # 0: it has none, or they are not all of it
    classes: int = 0  # 0: a regression


def numbers(rng, rows, columns):
    """Normal numbers that float32 holds, as most data sets have them."""
    return rng.standard_normal((rows, columns)).astype(np.float32)


def target(x, rng):
    """A target of waves, products and steps, with noise enough that trees
    find something to split on until they are full."""
    score = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + (x[:, 3] > 0.5)
    score += x @ rng.standard_normal(x.shape[1]) / np.sqrt(x.shape[1])
    return score + rng.standard_normal(len(x))


def regression(columns, seed, rows=TRAIN):
    rng = np.random.default_rng(seed)
    x = numbers(rng, rows + SCORE, columns)
    y = target(x, rng)
    return x[:rows], y[:rows], x[rows:]


def xgboost(folder, train_x, train_y, trees, **params):
    import xgboost as xgb

    params = {"tree_method": "hist", "nthread": 1, "seed": 1, "base_score": 0.5, **params}
    booster = xgb.train(params, xgb.DMatrix(train_x, train_y), trees)
    booster.save_model(folder / "model.json")


def case_a(folder, _):
    x, y, rows = regression(30, 1)
    xgboost(folder, x, y > 0.5, 100, max_depth=6, objective="binary:logistic")
    return Model("xgboost", "model.json", {"x": rows}, "XGBoost, 100 trees of depth 6, 30 features", 100, 2)


def case_b(folder, _):
    x, y, rows = regression(100, 2)
    xgboost(folder, x, y, 500, max_depth=8, eta=0.1, objective="reg:squarederror")
    return Model("xgboost", "model.json", {"x": rows}, "XGBoost, 500 trees of depth 8, 100 features", 500)


def case_c(folder, _):
    import lightgbm as lgb

    x, y, rows = regression(50, 3)
    params = {"objective": "regression", "num_leaves": 31, "num_threads": 1, "deterministic": True, "seed": 1, "verbose": -1}
    booster = lgb.train(params, lgb.Dataset(x.astype(np.float64), y), 1000)
    booster.save_model(folder / "model.txt")
    return Model("lightgbm", "model.txt", {"x": rows}, "LightGBM, 1,000 trees of 31 leaves, 50 features", 1000)


def case_d(folder, _):
    from sklearn.ensemble import RandomForestClassifier

    x, y, rows = regression(20, 4, rows=18_900)
    forest = RandomForestClassifier(100, random_state=1, n_jobs=1).fit(x, y > 0.5)
    leaves = np.mean([tree.get_n_leaves() for tree in forest.estimators_])
    title = f"ONNX random forest, 100 trees of {leaves:,.0f} leaves, 20 features"
    return onnx(folder, forest, x[:1], title, {"x": rows}, trees=100)


def case_e(folder, iris):
    with open(iris, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    x = np.array([[float(value) for value in row[:4]] for row in rows], np.float32)
    y = np.unique([row[4] for row in rows], return_inverse=True)[1]
    xgboost(folder, x, y, 30, max_depth=3, objective="multi:softprob", num_class=3)
    noise = np.random.default_rng(5).normal(0, 0.1, (SCORE, 4))
    rows = (np.resize(x, (SCORE, 4)) + noise).astype(np.float32)
    return Model("xgboost", "model.json", {"x": rows}, "XGBoost on iris, 90 trees of depth at most 3, 3 classes", 90, 3)


def case_f(folder, _):
    import catboost

    x, y, rows = regression(50, 6)
    model = catboost.CatBoostRegressor(
        iterations=1000, depth=6, random_seed=1, thread_count=1, verbose=False, allow_writing_files=False
    ).fit(x, y)
    model.save_model(folder / "model.json", format="json")
    # CatBoost reads its own JSON with numbers an ulp off: it gets its own form.
    model.save_model(folder / "model.cbm")
    return Model("catboost", "model.json", {"x": rows}, "CatBoost, 1,000 oblivious trees of depth 6, 50 features", 1000)


def case_g(folder, _):
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    rng = np.random.default_rng(7)
    x = numbers(rng, TRAIN + SCORE, 20)
    kinds = rng.integers(0, 8, (TRAIN + SCORE, 4))
    y = target(x, rng) + np.sin(kinds.sum(axis=1)) > 0.5
    both = np.hstack([x, kinds])
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), list(range(20))), ("kinds", OneHotEncoder(handle_unknown="ignore"), list(range(20, 24)))],
        sparse_threshold=0,
    )
    model = make_pipeline(columns, RandomForestClassifier(100, max_depth=8, random_state=1, n_jobs=1))
    model.fit(both[:TRAIN], y[:TRAIN])
    types = [("numbers", FloatTensorType([None, 20])), ("kinds", Int64TensorType([None, 4]))]
    title = "ONNX pipeline, scaler of 20 numbers, one-hot of 4 × 8 categories, forest of 100 trees of depth 8"
    rows = {"numbers": x[TRAIN:], "kinds": kinds[TRAIN:]}
    return onnx(folder, model, None, title, rows, initial_types=types)


def case_h(folder, _):
    from sklearn.neural_network import MLPClassifier

    x, y, rows = regression(30, 8)
    model = MLPClassifier((64, 64), max_iter=20, random_state=1).fit(x, y > 0.5)
    return onnx(folder, model, x[:1], "ONNX multi-layer perceptron, 30 features, layers of 64 and 64", {"x": rows})


def case_i(folder, _):
    from sklearn.svm import SVC

    # With so small a C every training row becomes a support vector.
    x, y, rows = regression(30, 9, rows=500)
    svc = SVC(C=0.01, probability=True, random_state=1).fit(x, y > np.median(y))
    if len(svc.support_) != 500:
        raise SystemExit(f"the support vector machine has {len(svc.support_)} vectors, not 500")
    return onnx(folder, svc, x[:1], "ONNX support vector classifier, RBF, 500 vectors of 30 features", {"x": rows})


def onnx(folder, model, example, title, rows, trees=0, **how):
    from skl2onnx import to_onnx

    exported = to_onnx(model, example, options={"zipmap": False}, **how)
    (folder / "model.onnx").write_bytes(exported.SerializeToString())
    return Model("onnx", "model.onnx", rows, title, trees, 2)


CASES = {
    "A": case_a,
    "B": case_b,
    "C": case_c,
    "D": case_d,
    "E": case_e,
    "F": case_f,
    "G": case_g,
    "H": case_h,
    "I": case_i,
}


def names(model):
    """The features' names, as Copse takes them from the file."""
    if len(model.rows) > 1:
        return [f"{name}_{i}" for name, block in model.rows.items() for i in range(block.shape[1])]
    (block,) = model.rows.values()
    prefix = "Column_" if model.library == "lightgbm" else "f"
    return [f"{prefix}{i}" for i in range(block.shape[1])]


def make(name, folder, iris):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    model = CASES[name](folder, iris)
    np.savez(folder / "rows.npz", **model.rows)
    with open(folder / "rows.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(names(model))
        for parts in zip(*model.rows.values()):
            out.writerow([value.item() for part in parts for value in part])
    facts = {key: value for key, value in vars(model).items() if key != "rows"}
    (folder / "case.json").write_text(json.dumps(facts), encoding="utf-8")


def main():
    cache, iris, wanted = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:] or list(CASES)
    script = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()
    for name in wanted:
        stamp = cache / name / "made-by"
        if stamp.exists() and stamp.read_text() == script:
            continue
        print("making model", name, file=sys.stderr, flush=True)
        make(name, cache / name, iris)
        stamp.write_text(script)


if __name__ == "__main__":
    main()
