"""Writes the Parquet files that pkg/bulk/parquetfile is tested
with: one table, as three libraries write it in many ways, and rows.csv, the
same table as text; and five flowers for functions/local. Seeded; the tables
are made up."""

import csv
import datetime
import decimal
import pathlib

import duckdb
import numpy as np
import polars
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 300
OUT = pathlib.Path(__file__).parents[2] / "pkg/bulk/parquetfile/testdata"
TEXTS = ["red", "grün", "a,b", 'quo"te', "two\nlines", "blue", " padded "]


def table():
    rng = np.random.default_rng(7)

    def holes(values, share=0.1):
        return [None if hole else v for v, hole in zip(values, rng.random(ROWS) < share)]

    f64 = rng.normal(size=ROWS)
    f64[:8] = [np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7976931348623157e308, 0.1, 1e-7]
    f32 = rng.normal(size=ROWS).astype(np.float32)
    f32[:5] = [np.nan, np.inf, 1e-45, 3.4028235e38, 0.1]
    columns = {"f64": pa.array(holes(f64.tolist()), pa.float64()),
               "whole": pa.array(rng.normal(size=ROWS), pa.float64()),
               "f32": pa.array(holes(f32), pa.float32())}
    for bits in (8, 16, 32, 64):
        for kind, low in (("i", -(2 ** (bits - 1))), ("u", 0)):
            high = low + 2**bits - 1
            values = [low, high] + [int(x) for x in rng.integers(-100 if low else 0, 100, ROWS - 2)]
            columns[f"{kind}{bits}"] = pa.array(holes(values), getattr(pa, f"{'u' * (kind == 'u')}int{bits}")())
    columns["flag"] = pa.array(holes([bool(x) for x in rng.integers(0, 2, ROWS)]), pa.bool_())
    columns["sure"] = pa.array([bool(x) for x in rng.integers(0, 2, ROWS)], pa.bool_())
    texts = [TEXTS[i] for i in rng.integers(0, len(TEXTS), ROWS)]
    columns["text"] = pa.array(holes(texts), pa.string())
    columns["code"] = pa.array(holes([int(x) for x in rng.integers(0, 5, ROWS)]), pa.int32())
    columns["none"] = pa.array([None] * ROWS, pa.float64())
    return pa.table(columns)


def cell(value, column):
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).replace("'", "") if column.startswith("f") or column == "whole" else str(value)


def main():
    OUT.mkdir(exist_ok=True)
    t = table()
    with open(OUT / "rows.csv", "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(t.column_names)
        for row in t.to_pylist():
            w.writerow([cell(v, c) for c, v in row.items()])
    small = {"row_group_size": 130, "data_page_size": 256, "write_batch_size": 20}
    plain = {**small, "use_dictionary": False}
    deltas = {c: "DELTA_BINARY_PACKED" for c in t.column_names if c[0] in "iu" or c == "code"}
    deltas |= {"text": "DELTA_BYTE_ARRAY"} | {c: "BYTE_STREAM_SPLIT" for c in ("f64", "f32", "whole")}
    dictionary = t.set_column(t.column_names.index("text"), "text", t["text"].dictionary_encode())
    for name, data, options in [
        ("arrow-snappy", t, small),
        ("arrow-plain", t, {**plain, "compression": "none", "write_page_index": True}),
        ("arrow-v2-zstd", t, {**plain, "compression": "zstd", "data_page_version": "2.0"}),
        ("arrow-v2-dictionary", t, {**small, "compression": "gzip", "data_page_version": "2.0", "write_page_index": True}),
        ("arrow-brotli", t, {**small, "compression": "brotli"}),
        ("arrow-lz4", t, {**small, "compression": "lz4"}),
        ("arrow-encodings", t, {**plain, "column_encoding": deltas}),
        ("arrow-old", t, {**small, "version": "1.0", "store_schema": False}),
        ("arrow-dictionary", dictionary, {**small, "dictionary_pagesize_limit": 16}),
    ]:
        pq.write_table(data, OUT / f"{name}.parquet", **options)
    polars.from_arrow(t).write_parquet(OUT / "polars.parquet", row_group_size=130, data_page_size=256)
    duckdb.sql("PRAGMA threads=1")
    duckdb.register("t", t)
    duckdb.sql(f"COPY t TO '{OUT}/duckdb.parquet' (FORMAT parquet, ROW_GROUP_SIZE 130)")
    others = pa.table({
        "x": pa.array([1.0, 2.0]),
        "list": pa.array([[1.0], [2.0, 3.0]]),
        "struct": pa.array([{"a": 1.0}, {"a": 2.0}]),
        "time": pa.array([datetime.datetime(2020, 1, 1)] * 2),
        "date": pa.array([datetime.date(2020, 1, 1)] * 2),
        "decimal": pa.array([decimal.Decimal("1.5")] * 2),
        "bytes": pa.array([b"ab", b"c"], pa.binary()),
        "fixed": pa.array([b"ab", b"cd"], pa.binary(2)),
        "half": pa.array(np.array([1, 2], np.float16)),
    })
    pq.write_table(others, OUT / "others.parquet")
    iris = pa.table({
        "petal_width": pa.array([0.2, 0.2, 2.5, 1.5, 0.2], pa.float32()),
        "sepal_length": [5.1, 5.1, 6.3, 5.9, 5.1],
        "petal_length": [1.4, 1.4, 6.0, 4.2, 1.4],
        "sepal_width": pa.array([3, 3, 3, 3, 3], pa.int8()),
    })
    pq.write_table(iris, OUT.parents[2] / "testdata/iris.parquet")


main()
