"""How each library scores: the calls that are measured, the fastest that a user
of the library can make.

A call takes rows and the size of a batch, and returns functions without
arguments, each of which scores one batch (or, where the loop is in C, all of
them one after another), and how many rows that is. Whatever can be done before
the rows are scored (a DMatrix, a Pool) is done by then.
"""

import ctypes
import dataclasses
import functools
import importlib.metadata
import json
import subprocess
import typing

import numpy as np


@dataclasses.dataclass
class Call:
    peer: str  # the library's name and version
    name: str  # of the call
    prepare: typing.Callable  # (rows, batch) -> functions, rows of each
    values: typing.Callable = np.asarray  # what a function returns -> values, a row each
    reference: bool = False  # these are the values that Copse must give


def split(rows, batch):
    return [rows[i : i + batch] for i in range(0, len(rows) - batch + 1, batch)]


def each(run, ready=lambda piece: piece):
    """The call that makes every batch ready before, and then runs on it."""
    return lambda rows, batch: ([functools.partial(run, ready(piece)) for piece in split(rows, batch)], batch)


def version(package):
    return importlib.metadata.version(package)


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def xgboost_calls(case):
    import xgboost as xgb

    booster = xgb.Booster({"nthread": 1}, model_file=str(case.model))
    peer = "XGBoost " + xgb.__version__
    yield Call(peer, "inplace_predict", each(booster.inplace_predict), reference=True)
    yield Call(peer, "predict on a ready DMatrix", xgboost_matrices(xgb, booster))
    yield Call(peer, "C API", each(xgboost_dense(xgb, booster), xgboost_ready), from_pointer)


# A Booster remembers its answers to the last 64 matrices, so that with fewer of
# them nothing would be computed.
MATRICES = 100
# The largest batch of which so many fit in memory.
MATRIX_ROWS = 4_000


def xgboost_matrices(xgb, booster):
    def prepare(rows, batch):
        if batch > MATRIX_ROWS:
            return [], batch
        pieces = split(rows, batch)
        pieces *= -(-MATRICES // len(pieces))
        return [functools.partial(booster.predict, xgb.DMatrix(piece, nthread=1)) for piece in pieces], batch

    return prepare


def xgboost_ready(piece):
    """The array's description in JSON, as XGBoosterPredictFromDense takes it."""
    interface = {key: piece.__array_interface__[key] for key in ("data", "typestr", "shape", "version")}
    return piece, json.dumps(interface).encode()


def xgboost_dense(xgb, booster):
    config = json.dumps(
        {"type": 0, "training": False, "iteration_begin": 0, "iteration_end": 0, "strict_shape": True, "cache_id": 0, "missing": float("nan")}
    ).encode()
    shape, dim, result = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64(), ctypes.POINTER(ctypes.c_float)()
    out = ctypes.byref(shape), ctypes.byref(dim), ctypes.byref(result)
    call = xgb.core._LIB.XGBoosterPredictFromDense

    def run(ready):
        if call(booster.handle, ready[1], config, None, *out):
            raise RuntimeError("XGBoosterPredictFromDense failed")
        return result, (shape[0], shape[1])

    return run


def from_pointer(returned):
    result, shape = returned
    return np.ctypeslib.as_array(result, shape).copy()


def lightgbm_calls(case):
    import lightgbm as lgb

    booster = lgb.Booster(model_file=str(case.model))
    peer = "LightGBM " + lgb.__version__
    yield Call(peer, "predict", each(functools.partial(booster.predict, num_threads=1), np.float64), reference=True)
    yield Call(peer, "C API, one row after another", lightgbm_single(lgb, booster))


def lightgbm_single(lgb, booster):
    """LGBM_BoosterPredictForMatSingleRowFast, for which what the rows have in
    common is settled once."""
    lib, columns = lgb.basic._LIB, booster.num_feature()
    fast, length, width = ctypes.c_void_p(), ctypes.c_int64(), booster.num_model_per_iteration()
    error = lib.LGBM_BoosterPredictForMatSingleRowFastInit(
        booster._handle, 0, 0, -1, 1, columns, b"num_threads=1", ctypes.byref(fast)
    )
    if error:
        raise RuntimeError("LGBM_BoosterPredictForMatSingleRowFastInit failed")
    call, length = lib.LGBM_BoosterPredictForMatSingleRowFast, ctypes.byref(length)

    def run(rows, out, pairs):
        del rows  # it only must live as long as the pointers to it
        for row, answer in pairs:
            call(fast, row, length, answer)
        return out

    def prepare(rows, batch):
        rows = np.ascontiguousarray(rows, np.float64)
        out = np.zeros((batch, width))
        pieces = [[(pointer(row), pointer(answer)) for row, answer in zip(piece, out)] for piece in split(rows, batch)]
        return [functools.partial(run, rows, out, piece) for piece in pieces], batch

    return prepare


def onnxruntime_calls(case):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx_file(case), options, providers=["CPUExecutionProvider"])
    inputs = [i.name for i in session.get_inputs()]
    # All but the label, which Copse does not give as a value either.
    outputs = [o.name for o in session.get_outputs() if "label" not in o.name]
    run = functools.partial(session.run, outputs)
    reference = case.model.suffix == ".onnx"

    def prepare(rows, batch):
        if not isinstance(rows, dict):
            rows = {inputs[0]: rows}
        pieces = zip(*(split(rows[name], batch) for name in inputs))
        return [functools.partial(run, dict(zip(inputs, piece))) for piece in pieces], batch

    def values(outputs):
        both = np.hstack(outputs)
        return second(both) if case.classes == 2 and not reference else both

    yield Call("ONNX Runtime " + onnxruntime.__version__, "run", prepare, values, reference)


def second(both):
    """Of the probabilities of two classes the one that the libraries of
    boosted trees give."""
    return both[:, 1]


def onnx_file(case):
    """The model as ONNX: it itself, or converted by onnxmltools."""
    if case.model.suffix == ".onnx":
        return case.model
    file = case.made / "converted.onnx"
    if file.exists():
        return file
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType

    types = [("x", FloatTensorType([None, case.rows.shape[1]]))]
    if case.library == "lightgbm":
        import lightgbm as lgb

        converted = onnxmltools.convert_lightgbm(lgb.Booster(model_file=str(case.model)), initial_types=types, zipmap=False)
    else:
        import xgboost as xgb

        converted = onnxmltools.convert_xgboost(xgb.Booster(model_file=str(case.model)), initial_types=types)
    file.write_bytes(converted.SerializeToString())
    return file


def treelite_model(case):
    import treelite

    load = {"xgboost": treelite.frontend.load_xgboost_model, "lightgbm": treelite.frontend.load_lightgbm_model}
    return load[case.library](str(case.model))


def treelite_calls(case):
    import treelite

    predict = functools.partial(treelite.gtil.predict, treelite_model(case), nthread=1)
    yield Call("Treelite " + treelite.__version__, "GTIL", each(predict))


def compiled(file, make):
    """A shared library in the cache, made where it is not there yet."""
    if not file.exists():
        make(file)
    return ctypes.CDLL(str(file))


# Calls a compiled model batch after batch, so that the time of a call from
# Python is not part of the measurement.
LOOP = r"""
#include <string.h>

// A model of TL2cgen takes one row, which it may write over. Sizes of a row and
// of its answer are in bytes.
void tl2cgen_loop(void (*predict)(void *, int, void *), const char *rows, char *out, long n, long row, long answer)
{
	double copy[row / sizeof(double) + 1];
	for (long i = 0; i < n; i++) {
		memcpy(copy, rows + i * row, row);
		predict(copy, 0, out + i * answer);
	}
}

// A model of lleaves takes the rows from one to another of a block; it has one
// answer a row.
void lleaves_loop(void (*forest)(const double *, double *, int, int), const double *rows, double *out, long n, long features, long batch)
{
	for (long i = 0; i + batch <= n; i += batch)
		forest(rows + i * features, out + i, 0, (int)batch);
}
"""


def loop(case, name):
    """A function of LOOP."""
    command = ["gcc", "-O3", "-shared", "-fPIC", "-x", "c", "-", "-o"]
    lib = compiled(case.made / "loop.so", lambda file: subprocess.run([*command, file], input=LOOP, text=True, check=True))
    return getattr(lib, name)


# Model files above this many bytes are not compiled by TL2cgen: 500 trees of
# depth 8 take gcc ten minutes.
MAX_COMPILED = 5_000_000


def tl2cgen_calls(case):
    import tl2cgen

    if case.model.stat().st_size > MAX_COMPILED:
        return
    file = case.made / "tl2cgen.so"
    if not file.exists():
        params = {"parallel_comp": 8}
        tl2cgen.export_lib(treelite_model(case), toolchain="gcc", libpath=file, params=params, options=["-O3", "-march=native"])
    lib, run = ctypes.CDLL(str(file)), loop(case, "tl2cgen_loop")
    # LightGBM's numbers are float64, and so is what is made of them.
    number = np.float64 if case.library == "lightgbm" else np.float32
    outputs = case.classes if case.classes > 2 else 1

    def prepare(rows, batch):
        del batch  # it takes one row at a time
        rows, out = np.ascontiguousarray(rows, number), np.zeros((len(rows), outputs), number)
        sizes = [ctypes.c_long(i) for i in (len(rows), rows.strides[0], out.strides[0])]

        def all_rows():
            run(lib.predict, pointer(rows), pointer(out), *sizes)
            return out

        return [all_rows], len(rows)

    yield Call("TL2cgen " + tl2cgen.__version__, "compiled, called from C", prepare)


def lleaves_calls(case):
    import lleaves

    peer = "lleaves " + version("lleaves")
    objects = case.made / "lleaves.o"
    model = lleaves.Model(model_file=str(case.model))
    model.compile(cache=str(objects))
    yield Call(peer, "predict", each(functools.partial(model.predict, n_jobs=1), np.float64))

    lib = compiled(
        case.made / "lleaves.so", lambda file: subprocess.run(["gcc", "-shared", "-o", file, objects], check=True)
    )
    run, columns = loop(case, "lleaves_loop"), case.rows.shape[1]

    def prepare(rows, batch):
        rows = np.ascontiguousarray(rows[: len(rows) // batch * batch], np.float64)
        out = np.zeros(len(rows))
        sizes = [ctypes.c_long(i) for i in (len(rows), columns, batch)]

        def all_rows():
            run(lib.forest_root, pointer(rows), pointer(out), *sizes)
            return out

        return [all_rows], len(rows)

    yield Call(peer, "compiled, called from C", prepare)


def catboost_calls(case):
    import catboost

    model = trained(case)
    peer = "CatBoost " + catboost.__version__
    run = functools.partial(model.predict, thread_count=1)
    yield Call(peer, "predict", each(run), reference=True)
    yield Call(peer, "predict on a ready Pool", each(run, catboost.Pool))


def onedal_calls(case):
    import daal4py

    daal4py.daalinit(1)
    model = daal4py.mb.convert_model(trained(case))
    peer = "oneDAL " + version("daal")
    if case.classes:
        values = np.asarray if case.classes > 2 else second
        yield Call(peer, "predict_proba", each(model.predict_proba), values)
    else:
        yield Call(peer, "predict", each(model.predict))


def trained(case):
    """The model as an object of its own library."""
    if case.library == "xgboost":
        import xgboost as xgb

        return xgb.Booster(model_file=str(case.model))
    if case.library == "lightgbm":
        import lightgbm as lgb

        return lgb.Booster(model_file=str(case.model))
    import catboost

    return catboost.CatBoost().load_model(str(case.model.with_suffix(".cbm")))


PEERS = {
    "xgboost": (xgboost_calls, onnxruntime_calls, treelite_calls, tl2cgen_calls, onedal_calls),
    "lightgbm": (lightgbm_calls, onnxruntime_calls, treelite_calls, tl2cgen_calls, lleaves_calls, onedal_calls),
    "catboost": (catboost_calls, onedal_calls),
    "onnx": (onnxruntime_calls,),
}


def margins(case):
    """What the library has before its transform, which Copse must give bit for
    bit; None where no such thing is."""
    if case.library == "xgboost":
        return trained(case).inplace_predict(case.rows, predict_type="margin")
    if case.library == "lightgbm":
        return trained(case).predict(case.rows.astype(np.float64), raw_score=True)
    if case.library == "catboost":
        return trained(case).predict(case.rows, prediction_type="RawFormulaVal")
    return None
