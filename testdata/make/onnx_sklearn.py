"""Fixtures of scikit-learn models converted by skl2onnx: testdata/models/onnx.

    .venv/make-onnx/bin/python testdata/make/onnx_sklearn.py [CASE…]
"""

import sys
import warnings

sys.path.append(sys.path.pop(0))  # scripts of this folder have the names of libraries

import numpy as np
import onnx.helper
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (AdaBoostClassifier, AdaBoostRegressor, BaggingClassifier, ExtraTreesClassifier,
                              ExtraTreesRegressor, GradientBoostingClassifier, GradientBoostingRegressor,
                              HistGradientBoostingClassifier, HistGradientBoostingRegressor, IsolationForest,
                              RandomForestClassifier, RandomForestRegressor, StackingClassifier, VotingClassifier,
                              VotingRegressor)
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (LinearRegression, LogisticRegression, PoissonRegressor, Ridge, RidgeClassifier,
                                  SGDClassifier)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (Binarizer, KBinsDiscretizer, MaxAbsScaler, MinMaxScaler, Normalizer, OneHotEncoder,
                                   OrdinalEncoder, PolynomialFeatures, PowerTransformer, QuantileTransformer, RobustScaler,
                                   StandardScaler, TargetEncoder)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from skl2onnx import to_onnx
from skl2onnx.common.data_types import BooleanTensorType, FloatTensorType, Int64TensorType, StringTensorType

from casefile import corners
from onnx_cases import case

warnings.filterwarnings("ignore")
SEED = 1
only = set(sys.argv[1:])

SUMS = "scores are sums of large terms, whose rounding grows with the terms"
EXP = "the exponential of large scores enlarges their rounding"

# skl2onnx 1.20 gives booleans for whole numbers where protobuf 7 refuses them.
_make_attribute = onnx.helper.make_attribute


def make_attribute(key, value, *args, **kwargs):
    if isinstance(value, (list, tuple)):
        value = [int(v) if isinstance(v, (bool, np.bool_)) else v for v in value]
    return _make_attribute(key, value, *args, **kwargs)


onnx.helper.make_attribute = make_attribute

iris_x, iris_y = load_iris(return_X_y=True)
iris_x = iris_x.astype(np.float32)
iris_names = np.array(["setosa", "versicolor", "virginica"])[iris_y]
diabetes_x, diabetes_y = load_diabetes(return_X_y=True, scaled=False)
diabetes_x = diabetes_x.astype(np.float32)
cancer_x, cancer_y = load_breast_cancer(return_X_y=True)
cancer_x = cancer_x[:, :6].astype(np.float32)
wine_x, wine_y = load_wine(return_X_y=True)
wine_x = wine_x[:, :5].astype(np.float32)


def rows_of(x, count=40):
    return x[:: max(1, len(x) // count)][:count]


def thresholds(model):
    """Thresholds of a converted model's trees, by feature."""
    found = {}
    for node in model.graph.node:
        a = {x.name: x for x in node.attribute}
        if "nodes_values" in a:
            for f, v, m in zip(a["nodes_featureids"].ints, a["nodes_values"].floats, a["nodes_modes"].strings):
                if m != b"LEAF":
                    found.setdefault(f, []).append(v)
    return found


def tree_rows(model, x, nan=True, count=24):
    """Rows of the data, and each feature put on and next to thresholds."""
    rows = list(rows_of(x, count))
    rng = np.random.default_rng(SEED)
    for f, values in sorted(thresholds(model).items()):
        for v in corners(values[:1])[3:6] + list(rng.choice(corners(values[-1:]), 3)):
            row = x[rng.integers(len(x))].copy()
            row[f] = v
            rows.append(row)
    for extreme in [np.inf, -np.inf, 3.4e38, -3.4e38, 0.0, -0.0, 1e-45, -1e-45] + ([np.nan] if nan else []):
        row = x[0].copy()
        row[:] = extreme
        rows.append(row)
        row = x[-1].copy()
        row[0] = extreme
        rows.append(row)
    return np.array(rows, dtype=x.dtype)


def sk(name, model, x, y=None, options=None, rows=None, trees=False, nan=True, columns=None, refuse_nan=False, **info):
    if only and name not in only:
        return
    model.fit(x, y) if y is not None else model.fit(x)
    converted = to_onnx(model, x[:1], options=options, target_opset=info.pop("target_opset", {"": 18, "ai.onnx.ml": 3}))
    if rows is None:
        rows = tree_rows(converted, x, nan) if trees else rows_of(x)
    rows = np.asarray(rows, dtype=x.dtype)
    refused = []
    if refuse_nan:
        with_nan = rows[:2].copy()
        with_nan[0, 0], with_nan[1, -1] = np.nan, np.inf
        rows = np.concatenate([rows, with_nan])
        refused = [len(rows) - 2]
    case(name, converted, {"X": rows}, refused=refused, objective=type(model).__name__, **info)


def linear():
    sk("logistic_binary", LogisticRegression(max_iter=2000), cancer_x, cancer_y)
    sk("logistic_multinomial_text", LogisticRegression(max_iter=500), iris_x, iris_names)
    sk("logistic_no_zipmap", LogisticRegression(max_iter=500), iris_x, iris_y, {"zipmap": False})
    sk("logistic_columns", LogisticRegression(max_iter=500), iris_x, iris_y, {"zipmap": "columns"})
    sk("logistic_double", LogisticRegression(max_iter=500), iris_x.astype(float), iris_names, {"zipmap": False})
    sk("logistic_ovr", OneVsRestClassifier(LogisticRegression(max_iter=500)), iris_x, iris_y)
    sk("linear_regression", LinearRegression(), diabetes_x, diabetes_y)
    sk("ridge_double", Ridge(), diabetes_x.astype(float), diabetes_y, tolerance=2e-13, note=SUMS)
    sk("linear_two_targets", LinearRegression(), diabetes_x, np.c_[diabetes_y, np.sqrt(diabetes_y)])
    sk("multi_output_ridge", MultiOutputRegressor(Ridge()), diabetes_x, np.c_[diabetes_y, np.sqrt(diabetes_y)])
    sk("poisson", PoissonRegressor(max_iter=2000), diabetes_x / 100, diabetes_y, tolerance=3e-4, note=EXP)
    sk("sgd_log", SGDClassifier(loss="log_loss", random_state=SEED), iris_x, iris_y, tolerance=2e-5, note=SUMS)
    sk("ridge_classifier", RidgeClassifier(), iris_x, iris_names)
    sk("pls", PLSRegression(2), diabetes_x, diabetes_y)
    sk("lda", LinearDiscriminantAnalysis(), iris_x, iris_y)
    sk("qda", QuadraticDiscriminantAnalysis(), iris_x, iris_y)


def vectors():
    sk("svc_rbf", SVC(gamma=0.5), iris_x, iris_y)
    sk("svc_rbf_probability_text", SVC(probability=True, random_state=SEED), iris_x, iris_names)
    sk("svc_binary", SVC(), wine_x[wine_y < 2], wine_y[wine_y < 2])
    sk("svc_binary_probability", SVC(probability=True, random_state=SEED), wine_x[wine_y < 2], wine_y[wine_y < 2])
    sk("svc_linear", SVC(kernel="linear"), iris_x, iris_y)
    sk("nusvc_poly", NuSVC(kernel="poly", nu=0.2, degree=3), iris_x, iris_y, tolerance=1e-5, note=SUMS)
    sk("svc_sigmoid", SVC(kernel="sigmoid", gamma=0.01), iris_x, iris_y)
    sk("linear_svc", LinearSVC(random_state=SEED), iris_x, iris_y)
    sk("linear_svc_binary", LinearSVC(random_state=SEED), wine_x[wine_y < 2] / 10, wine_y[wine_y < 2])
    sk("svr_rbf", SVR(), diabetes_x[:120] / 100, diabetes_y[:120])
    sk("svr_poly", SVR(kernel="poly", degree=2), diabetes_x[:80] / 100, diabetes_y[:80])
    sk("linear_svr", LinearSVR(random_state=SEED), diabetes_x / 100, diabetes_y)
    detector = OneClassSVM(nu=0.2).fit(iris_x)
    apart = rows_of(iris_x)[np.abs(detector.decision_function(rows_of(iris_x))) > 1e-3]  # a score of 0 has either label
    sk("one_class_svm", detector, iris_x, rows=apart)


def trees():
    sk("tree_classifier_text", DecisionTreeClassifier(max_depth=4, random_state=SEED), iris_x, iris_names, trees=True)
    sk("tree_classifier_binary", DecisionTreeClassifier(max_depth=4, random_state=SEED), cancer_x, cancer_y, trees=True)
    sk("tree_regressor", DecisionTreeRegressor(max_depth=4, random_state=SEED), diabetes_x, diabetes_y, trees=True)
    sk("tree_stump", DecisionTreeRegressor(max_depth=1, random_state=SEED), diabetes_x, diabetes_y, trees=True)
    sk("random_forest", RandomForestClassifier(8, max_depth=4, random_state=SEED), iris_x, iris_y, trees=True)
    sk("random_forest_binary", RandomForestClassifier(8, max_depth=4, random_state=SEED), cancer_x, cancer_y, trees=True)
    sk("random_forest_regressor", RandomForestRegressor(8, max_depth=4, random_state=SEED), diabetes_x, diabetes_y, trees=True)
    sk("random_forest_two_targets", RandomForestRegressor(5, max_depth=3, random_state=SEED), diabetes_x,
       np.c_[diabetes_y, np.sqrt(diabetes_y)], trees=True)
    sk("extra_trees", ExtraTreesClassifier(8, max_depth=4, random_state=SEED), iris_x, iris_names, trees=True)
    sk("extra_trees_regressor", ExtraTreesRegressor(6, max_depth=4, random_state=SEED), diabetes_x, diabetes_y, trees=True)
    sk("gradient_boosting", GradientBoostingClassifier(n_estimators=8, random_state=SEED), iris_x, iris_y, trees=True)
    sk("gradient_boosting_binary", GradientBoostingClassifier(n_estimators=8, random_state=SEED), cancer_x, cancer_y, trees=True)
    sk("gradient_boosting_regressor", GradientBoostingRegressor(n_estimators=8, random_state=SEED), diabetes_x, diabetes_y, trees=True)
    hist = iris_x.copy()
    hist[::7, 0], hist[::5, 2] = np.nan, np.nan
    sk("hist_gradient_boosting", HistGradientBoostingClassifier(max_iter=6, max_leaf_nodes=6, random_state=SEED), hist, iris_y, trees=True)
    sk("hist_gradient_boosting_binary", HistGradientBoostingClassifier(max_iter=6, max_leaf_nodes=6, random_state=SEED), cancer_x, cancer_y, trees=True)
    sk("hist_gradient_boosting_regressor", HistGradientBoostingRegressor(max_iter=6, max_leaf_nodes=6, random_state=SEED), diabetes_x, diabetes_y, trees=True)
    sk("isolation_forest", IsolationForest(n_estimators=5, max_samples=32, random_state=SEED), iris_x)
    sk("ada_boost", AdaBoostClassifier(n_estimators=4, random_state=SEED), iris_x, iris_y)
    sk("ada_boost_regressor", AdaBoostRegressor(n_estimators=4, random_state=SEED), diabetes_x, diabetes_y)
    sk("bagging", BaggingClassifier(DecisionTreeClassifier(max_depth=3, random_state=SEED), 4, random_state=SEED), iris_x, iris_y)


def networks():
    sk("mlp_classifier", make_pipeline(StandardScaler(), MLPClassifier((16, 8), max_iter=60, random_state=SEED)), iris_x, iris_names)
    sk("mlp_classifier_binary", make_pipeline(StandardScaler(), MLPClassifier((12,), max_iter=60, random_state=SEED)), cancer_x, cancer_y)
    sk("mlp_logistic", make_pipeline(StandardScaler(), MLPClassifier((9,), activation="logistic", max_iter=60, random_state=SEED)), iris_x, iris_y)
    sk("mlp_regressor_tanh", make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(16, 8), activation="tanh", max_iter=80, random_state=SEED)),
       diabetes_x, diabetes_y)


def bayes():
    sk("gaussian_nb", GaussianNB(), iris_x, iris_names, tolerance=2e-6, note=EXP)
    sk("bernoulli_nb", BernoulliNB(binarize=2.0), iris_x, iris_y)
    sk("multinomial_nb", MultinomialNB(), iris_x, iris_y, tolerance=2e-6, note=EXP)
    sk("complement_nb", ComplementNB(), iris_x, iris_y, tolerance=2e-6, note=EXP)
    sk("categorical_nb", CategoricalNB(min_categories=9), iris_x.astype(np.int64), iris_y)


def neighbours():
    x, y = iris_x[::3], iris_y[::3]
    sk("knn_classifier", KNeighborsClassifier(3), x, y, rows=rows_of(iris_x) + np.float32(0.013))
    sk("knn_classifier_distance_text", KNeighborsClassifier(5, weights="distance"), x, iris_names[::3], rows=rows_of(iris_x) + np.float32(0.013))
    sk("knn_regressor", KNeighborsRegressor(4), diabetes_x[::8], diabetes_y[::8], rows=diabetes_x[3::11])
    sk("knn_regressor_manhattan", KNeighborsRegressor(3, metric="manhattan"), diabetes_x[::8], diabetes_y[::8], rows=diabetes_x[3::11])
    sk("knn_regressor_minkowski", KNeighborsRegressor(3, metric="minkowski", p=3), diabetes_x[::8], diabetes_y[::8], rows=diabetes_x[3::11])
    sk("knn_cdist", KNeighborsClassifier(3), x, y, {"optim": "cdist"}, rows=rows_of(iris_x) + np.float32(0.013),
       target_opset={"": 18, "ai.onnx.ml": 3, "com.microsoft": 1})
    sk("gaussian_process", GaussianProcessRegressor(alpha=1.0, random_state=SEED), diabetes_x[::8] / 100, diabetes_y[::8])
    sk("k_means", KMeans(3, random_state=SEED, n_init=3), iris_x, tolerance=5e-5, note="a distance is the root of a difference of large squares")


def preparation():
    gaps = diabetes_x.copy()
    gaps[::6, 0], gaps[::4, 3] = np.nan, np.nan
    lr = lambda: LogisticRegression(max_iter=500)
    sk("scaler_imputer", make_pipeline(SimpleImputer(), StandardScaler(), Ridge()), gaps, diabetes_y)
    sk("min_max_clip", make_pipeline(MinMaxScaler(clip=True), lr()), iris_x, iris_y, rows=np.concatenate([rows_of(iris_x), iris_x[:4] * 3, -iris_x[:4]]))
    sk("robust_normalizer", make_pipeline(RobustScaler(), MaxAbsScaler(), Normalizer(), lr()), iris_x, iris_y)
    sk("normalizer_l1", make_pipeline(Normalizer("l1"), lr()), iris_x, iris_y)
    sk("normalizer_max", make_pipeline(Normalizer("max"), lr()), iris_x, iris_y)
    sk("polynomial", make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()), diabetes_x[:, :4], diabetes_y)
    sk("k_bins", make_pipeline(KBinsDiscretizer(4, encode="onehot-dense", quantile_method="averaged_inverted_cdf"), lr()), iris_x, iris_y)
    sk("k_bins_ordinal", make_pipeline(KBinsDiscretizer(4, encode="ordinal", strategy="uniform"), lr()), iris_x, iris_y)
    sk("pca", make_pipeline(StandardScaler(), PCA(2), lr()), iris_x, iris_y)
    sk("select_binarize", make_pipeline(SelectKBest(k=2), Binarizer(threshold=1.5), lr()), iris_x, iris_y)
    sk("power", make_pipeline(PowerTransformer(), Ridge()), diabetes_x[:, :4], diabetes_y)
    sk("quantile", make_pipeline(QuantileTransformer(n_quantiles=10, random_state=SEED), Ridge()), diabetes_x[:, :4], diabetes_y)
    sk("truncated_svd", make_pipeline(TruncatedSVD(2, random_state=SEED), lr()), iris_x, iris_y)
    sk("scaler_forest", make_pipeline(StandardScaler(), RandomForestClassifier(6, max_depth=4, random_state=SEED)), wine_x, wine_y,
       rows=np.concatenate([rows_of(wine_x), np.full((1, 5), np.nan, np.float32)]))


def ensembles():
    sk("voting_soft", VotingClassifier([("a", LogisticRegression(max_iter=500)), ("b", DecisionTreeClassifier(max_depth=3, random_state=SEED))], voting="soft",
                                       flatten_transform=False), iris_x, iris_y)
    sk("voting_hard", VotingClassifier([("a", LogisticRegression(max_iter=500)), ("b", DecisionTreeClassifier(max_depth=3, random_state=SEED)), ("c", GaussianNB())],
                                       voting="hard", flatten_transform=False), iris_x, iris_y)
    sk("voting_regressor", VotingRegressor([("a", Ridge()), ("b", DecisionTreeRegressor(max_depth=3, random_state=SEED))]), diabetes_x, diabetes_y)
    sk("calibrated_sigmoid", CalibratedClassifierCV(LinearSVC(random_state=SEED), cv=2), iris_x, iris_y)
    sk("calibrated_isotonic", CalibratedClassifierCV(GaussianNB(), cv=2, method="isotonic"), iris_x, iris_y)
    sk("stacking", StackingClassifier([("a", LogisticRegression(max_iter=500)), ("b", GaussianNB())], cv=3), iris_x, iris_y)


def people(count, seed):
    """Made-up rows of numbers and texts."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, (count, 1)).astype(np.float32)
    fare = rng.gamma(2, 10, (count, 1)).astype(np.float32)
    sex = rng.choice(["female", "male"], (count, 1)).astype(object)
    port = rng.choice(["Cork", "Le Havre", "Southampton"], (count, 1)).astype(object)
    deck = rng.integers(0, 5, (count, 1)).astype(np.int64)
    return {"age": age, "fare": fare, "sex": sex, "port": port, "deck": deck}


def mixed():
    import pandas as pd

    def frame(d):
        return pd.DataFrame({k: v[:, 0] for k, v in d.items()})

    data = people(160, SEED)
    y = ((data["sex"][:, 0] == "female") * 2.0 + data["fare"][:, 0] / 30 + data["deck"][:, 0] * 0.1 > 1.6).astype(int)
    types = [("age", FloatTensorType([None, 1])), ("fare", FloatTensorType([None, 1])), ("sex", StringTensorType([None, 1])),
             ("port", StringTensorType([None, 1])), ("deck", Int64TensorType([None, 1]))]
    rows = people(40, SEED + 1)
    rows["age"][3], rows["fare"][5] = np.nan, np.nan
    no_gaps = people(40, SEED + 2)
    unseen = {k: v.copy() for k, v in rows.items()}
    unseen["port"][1:4, 0], unseen["sex"][6, 0] = "Atlantis", "other"

    def pipe(name, model, rows=rows, y=y, **info):
        if only and name not in only:
            return
        model.fit(frame(data), y)
        options = {"zipmap": True} if hasattr(model, "predict_proba") else None
        converted = to_onnx(model, initial_types=types, target_opset={"": 18, "ai.onnx.ml": 3}, options=options)
        case(name, converted, rows, objective="Pipeline", **info)

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    onehot = ColumnTransformer([("n", numbers, ["age", "fare"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["sex", "port"]),
                                ("d", OneHotEncoder(handle_unknown="ignore"), ["deck"])])
    pipe("columns_one_hot_logistic", make_pipeline(onehot, LogisticRegression()), unseen)
    pipe("columns_one_hot_forest", make_pipeline(onehot, RandomForestClassifier(8, max_depth=4, random_state=SEED)), unseen)
    ordinal = ColumnTransformer([("n", SimpleImputer(), ["age", "fare"]), ("c", OrdinalEncoder(), ["sex", "port"])])
    pipe("columns_ordinal_boosting", make_pipeline(ordinal, GradientBoostingClassifier(n_estimators=6, random_state=SEED)))
    pipe("columns_ordinal_regressor", make_pipeline(ordinal, DecisionTreeRegressor(max_depth=4, random_state=SEED)),
         y=data["fare"][:, 0] * 2 + (data["sex"][:, 0] == "male"))
    unknown = ColumnTransformer([("n", SimpleImputer(), ["age", "fare"]),
                                 ("c", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["sex", "port"])])
    first = ColumnTransformer([("c", OneHotEncoder(drop="first"), ["sex", "port"]), ("d", OrdinalEncoder(), ["deck"])], remainder="passthrough")
    pipe("columns_drop_passthrough", make_pipeline(first, LogisticRegression()), no_gaps)
    frequent = ColumnTransformer([("c", make_pipeline(SimpleImputer(strategy="constant", fill_value="none", missing_values=""),
                                                      OneHotEncoder(handle_unknown="ignore")), ["sex", "port"])])
    pipe("columns_text_imputer", make_pipeline(frequent, LogisticRegression()), unseen)
    pipe("columns_target", make_pipeline(ColumnTransformer([("t", TargetEncoder(random_state=SEED), ["sex", "port"])]), LogisticRegression()), no_gaps)
    hist = ColumnTransformer([("o", OrdinalEncoder(), ["sex", "port"]), ("n", "passthrough", ["age", "fare"])])
    pipe("columns_hist_boosting", make_pipeline(hist, HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=6, random_state=SEED)))
    pipe("columns_ordinal_unknown", make_pipeline(unknown, RandomForestClassifier(5, max_depth=3, random_state=SEED)), unseen,
         y=np.array(["no", "yes"])[y])


for group in (linear, vectors, trees, networks, bayes, neighbours, preparation, ensembles, mixed):
    group()
