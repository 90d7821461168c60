"""What pandas and XGBoost need for a file: read_csv, predict, to_csv.

    python peer.py MODEL IN OUT

It prints the seconds of one turn a line, whenever it reads a line: imports and
the loading of the model are not counted.
"""

import sys
import time

import pandas as pd
import xgboost as xgb


def turn(model, source, out):
    rows = pd.read_csv(source)
    one = model.predict(xgb.DMatrix(rows))
    answers = {"prediction": (one > 0.5).astype(int), "probability_0": 1 - one, "probability_1": one}
    pd.DataFrame(answers).to_csv(out, index=False)


def main():
    model = xgb.Booster()
    model.load_model(sys.argv[1])
    for _ in sys.stdin:
        start = time.perf_counter()
        turn(model, sys.argv[2], sys.argv[3])
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
