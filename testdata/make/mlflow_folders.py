"""Writes testdata/mlflow: folders as mlflow.FLAVOR.save_model writes them, and
beside each the library's own answers for the rows of its input example.

    python testdata/make/mlflow_folders.py

Versions: refused-requirements.txt. What changes from run to run (ids, times,
sizes) and what describes the Python environment is left out of the folders.
"""

import os
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != HERE]  # files beside this one have libraries' names

import catboost  # noqa: E402
import lightgbm  # noqa: E402
import mlflow  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import xgboost  # noqa: E402
from mlflow.models import infer_signature  # noqa: E402
from skl2onnx import to_onnx  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402

OUT = os.path.join(HERE, "..", "mlflow")
SEED = 20
DROP = ("conda.yaml", "python_env.yaml", "requirements.txt", "input_example_metadata.json", "environment_variables.txt")
VOLATILE = re.compile(r"^(model_uuid|model_id|utc_time_created|model_size_bytes):.*\n", re.M)


def case(name, flavor, model, frame, answers=None, signature=None, example=None, **kw):
    folder = os.path.join(OUT, name)
    shutil.rmtree(folder, ignore_errors=True)
    example = frame.head(4) if example is None else example
    signature = signature or infer_signature(frame)
    given = {"python_model": model} if flavor is mlflow.pyfunc else {flavor_argument(flavor): model}
    flavor.save_model(path=folder, signature=signature, input_example=example, **given, **kw)
    for extra in DROP:
        if os.path.exists(os.path.join(folder, extra)):
            os.remove(os.path.join(folder, extra))
    path = os.path.join(folder, "MLmodel")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(VOLATILE.sub("", text))
    if answers is not None:
        table = np.asarray(answers)
        with open(folder + ".csv", "w", encoding="utf-8") as f:
            for row in table.reshape(len(table), -1):
                f.write(",".join(repr(float(x)) for x in row) + "\n")


def flavor_argument(flavor):
    return {"mlflow.xgboost": "xgb_model", "mlflow.lightgbm": "lgb_model", "mlflow.catboost": "cb_model",
            "mlflow.onnx": "onnx_model", "mlflow.sklearn": "sk_model"}[flavor.__name__]


def main():
    data = load_iris(as_frame=True)
    x, y = data.data, data.target
    head = x.head(4)
    X = xgboost.XGBClassifier(n_estimators=4, max_depth=2, random_state=SEED, n_jobs=1).fit(x, y)
    for form in ("json", "ubj", "xgb"):
        case(f"xgboost-{form}", mlflow.xgboost, X, x, X.predict_proba(head), model_format=form)
    B = X.get_booster()
    case("xgboost-booster", mlflow.xgboost, B, x, B.predict(xgboost.DMatrix(head)), model_format="json")
    L = lightgbm.LGBMClassifier(n_estimators=4, num_leaves=4, random_state=SEED, verbose=-1, n_jobs=1).fit(x, y)
    case("lightgbm", mlflow.lightgbm, L.booster_, x, L.booster_.predict(head))
    case("lightgbm-sklearn", mlflow.lightgbm, L, x, serialization_format="cloudpickle")
    C = catboost.CatBoostClassifier(iterations=4, depth=2, random_seed=SEED, thread_count=1, verbose=0, allow_writing_files=False).fit(x, y)
    case("catboost-json", mlflow.catboost, C, x, C.predict_proba(head), format="json")
    case("catboost-cbm", mlflow.catboost, C, x)
    case("sklearn", mlflow.sklearn, LogisticRegression(max_iter=500).fit(x, y), x, serialization_format="pickle")
    case("python-function", mlflow.pyfunc, Nothing(), x)

    values = x.values.astype(np.float32)
    S = LogisticRegression(max_iter=500).fit(values, y)
    graph = to_onnx(S, values[:1], options={"zipmap": False}, target_opset=18)
    case("onnx-tensor", mlflow.onnx, graph, x, S.predict_proba(values[:4]),
         signature=infer_signature(values), example=values[:4])
    case("onnx-named", mlflow.onnx, graph, x.astype(np.float32), S.predict_proba(values[:4]))

    # Types of columns: whole numbers, truths, and numbers that may be missing.
    rng = np.random.default_rng(SEED)
    f = pd.DataFrame({"b": rng.integers(0, 2, 80) == 1, "n": rng.integers(0, 9, 80), "x": rng.normal(size=80)})
    f.loc[f.index[::5], "x"] = np.nan
    target = f.n + f.b * 2 + f.x.fillna(3)
    R = xgboost.XGBRegressor(n_estimators=4, max_depth=3, random_state=SEED, n_jobs=1).fit(f, target)
    case("xgboost-types", mlflow.xgboost, R, f, R.predict(f.head(6)), model_format="json", example=f.head(6))
    # Categories by their texts.
    g = pd.DataFrame({"color": pd.Categorical(rng.choice(["red", "green", "blue"], 80)), "x": f.x.fillna(0)})
    K = lightgbm.train({"num_leaves": 4, "min_data_in_leaf": 2, "min_data_per_group": 2, "seed": SEED, "verbose": -1, "num_threads": 1,
                        "objective": "regression"},
                       lightgbm.Dataset(g, target, categorical_feature=["color"]), 4)
    case("lightgbm-categories", mlflow.lightgbm, K, g.astype({"color": str}), K.predict(g.head(4)))


class Nothing(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


if __name__ == "__main__":
    main()
