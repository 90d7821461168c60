"""Makes the model and the files of the comparison in the folder given.

    python prepare.py FOLDER ROWS

- model.json: XGBoost, two classes, 100 trees of depth 6 on 30 features.
- rows.csv: so many rows of 30 normally distributed numbers with four digits
  behind the point.
- rows.parquet: as many rows of such numbers, of all the digits that a float64
  has, as pandas and pyarrow write them by default.
"""

import pathlib
import sys

import numpy as np
import pandas as pd
import xgboost as xgb

FEATURES = 30


def main():
    folder, rows = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    names = [f"f{i}" for i in range(FEATURES)]

    x = rng.normal(size=(20_000, FEATURES))
    y = x @ rng.normal(size=FEATURES) + rng.normal(size=len(x)) > 0
    options = {"max_depth": 6, "objective": "binary:logistic", "eta": 0.1, "min_child_weight": 0, "seed": 1}
    xgb.train(options, xgb.DMatrix(x, y, feature_names=names), 100).save_model(folder / "model.json")

    table = pd.DataFrame(rng.normal(size=(rows, FEATURES)), columns=names)
    table.to_parquet(folder / "rows.parquet")
    table.round(4).to_csv(folder / "rows.csv", index=False)


if __name__ == "__main__":
    main()
