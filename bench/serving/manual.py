"""FastAPI as its manual has it: models of pydantic in and out, scikit-learn.

COPSE_BENCH_MODEL is the .joblib file.
"""

import os

import joblib
from fastapi import FastAPI
from pydantic import BaseModel, Field

model = joblib.load(os.environ["COPSE_BENCH_MODEL"])
app = FastAPI()


class Iris(BaseModel):
    sepal_length: float = Field(ge=0, le=10)
    sepal_width: float = Field(ge=0, le=10)
    petal_length: float = Field(ge=0, le=10)
    petal_width: float = Field(ge=0, le=10)

    def values(self) -> list[float]:
        return [self.sepal_length, self.sepal_width, self.petal_length, self.petal_width]


class Prediction(BaseModel):
    prediction: str
    probabilities: dict[str, float]


class Predictions(BaseModel):
    predictions: list[Prediction]


def answers(rows: list[Iris]) -> list[Prediction]:
    probabilities = model.predict_proba([row.values() for row in rows])
    return [
        Prediction(
            prediction=model.classes_[shares.argmax()],
            probabilities=dict(zip(model.classes_, shares)),
        )
        for shares in probabilities
    ]


@app.get("/readyz")
def ready() -> str:
    return "ok"


@app.post("/predict")
def predict(row: Iris) -> Prediction:
    return answers([row])[0]


@app.post("/batch-predict")
def batch_predict(rows: list[Iris]) -> Predictions:
    return Predictions(predictions=answers(rows))
