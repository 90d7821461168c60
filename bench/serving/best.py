"""FastAPI at its best: the raw body read by orjson, ONNX Runtime, a raw reply.

COPSE_BENCH_MODEL is the .onnx file; its number of inputs names the features:
iris's four, or f0 to f29.
"""

import operator
import os

import numpy as np
import onnxruntime
import orjson
from fastapi import FastAPI, Request, Response

# One row is a few microseconds of work: threads would only wait for each other.
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(
    os.environ["COPSE_BENCH_MODEL"], options, providers=["CPUExecutionProvider"]
)
input_name = session.get_inputs()[0].name
columns = session.get_inputs()[0].shape[1]
names = (
    ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    if columns == 4
    else [f"f{i}" for i in range(columns)]
)
values_of = operator.itemgetter(*names)
labels = os.environ["COPSE_BENCH_LABELS"].split(",")
outputs = [output.name for output in session.get_outputs()]

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


def answer(label, probabilities):
    return {"prediction": label, "probabilities": dict(zip(labels, probabilities))}


def answers(x):
    predicted, probabilities = session.run(outputs, {input_name: x})
    return map(answer, predicted.tolist(), probabilities.tolist())


@app.get("/readyz")
async def ready():
    return Response(b"ok")


@app.post("/predict")
async def predict(request: Request):
    row = orjson.loads(await request.body())
    x = np.array([values_of(row)], np.float32)
    return Response(orjson.dumps(next(answers(x))), media_type="application/json")


@app.post("/batch-predict")
async def batch_predict(request: Request):
    rows = orjson.loads(await request.body())
    x = np.array(list(map(values_of, rows)), np.float32)
    return Response(orjson.dumps({"predictions": list(answers(x))}), media_type="application/json")
