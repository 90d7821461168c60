"""Measures Copse and the other libraries in turn, one thread each.

    python measure.py --copse BIN --cache FOLDER [--rounds N] [--batches 1,8,…] [--cases A,B,…]

Prints a JSON object a line, of a case, of a call's answers, or of a time; the
program beside it (main.go) makes tables of them.
"""

import argparse
import csv
import dataclasses
import functools
import gc
import hashlib
import io
import itertools
import json
import os
import pathlib
import subprocess
import sys
import time

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"  # before any of the libraries is loaded

import numpy as np

import peers

# As `copse bench` has it: the least of several repetitions of at least so long.
REPETITIONS, SECONDS = 5, 0.1

# How far answers may be from those of the library that the model is from, in
# units of 1 or of the value, whichever is more: float32 sums of up to 1,000
# trees in another order.
TOLERANCE = 2e-5


@dataclasses.dataclass
class Case:
    """A model of models.py."""

    name: str
    folder: pathlib.Path
    library: str
    file: str
    title: str
    trees: int
    classes: int

    @property
    def model(self):
        return self.folder / self.file

    @functools.cached_property
    def made(self):
        """The folder of what other libraries made of the model, some of it in
        minutes: one for each content of the model file."""
        digest = hashlib.sha256(self.model.read_bytes()).hexdigest()
        folder = self.folder.parent / "made" / digest[:16]
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @functools.cached_property
    def inputs(self):
        """The rows of each of the model's inputs by name."""
        with np.load(self.folder / "rows.npz") as file:
            return dict(file)

    @property
    def rows(self):
        """The rows of a model with one input."""
        (rows,) = self.inputs.values()
        return rows

    @property
    def arguments(self):
        """The rows as calls take them."""
        return self.inputs if len(self.inputs) > 1 else self.rows


def emit(**members):
    print(json.dumps(members), flush=True)


def copse_scores(copse, case, kind):
    """`copse score`'s answers to all rows, a line each."""
    command = [copse, "score", "--model", case.model, "--output", kind, "--format", "csv", case.folder / "rows.csv"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    lines = list(csv.reader(io.StringIO(done.stdout)))
    columns = [i for i, name in enumerate(lines[0]) if name.startswith(kind)]
    return np.array([[float(line[i]) for i in columns] for line in lines[1:]])


def distance(got, want):
    """The largest difference, against 1 or the value, whichever is more."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    got = got.reshape(len(want), -1)
    want = want.reshape(len(want), -1)
    if got.shape != want.shape:
        raise SystemExit(f"{got.shape} values, not {want.shape}")
    return float(np.max(np.abs(got - want) / np.maximum(1, np.abs(want))))


def answers(call, case):
    """A call's values of all rows, from one batch of them all."""
    rows = case.arguments
    ((run, *_), _) = call.prepare(rows, len(rows) if not isinstance(rows, dict) else len(next(iter(rows.values()))))
    return call.values(run())


def agree(copse, case, calls):
    """Holds every side's answers to the training library's before any is
    timed, and says how far they are from them."""
    exact = peers.margins(case)
    if exact is not None:
        # The texts are the shortest that read back to the library's own type.
        got = copse_scores(copse, case, "margin").astype(exact.dtype)
        if not np.array_equal(got.reshape(exact.shape), exact):
            raise SystemExit(f"{case.name}: Copse's margins are not the library's, bit for bit; distance {distance(got, exact)}")
    reference = next(call for call in calls if call.reference)
    want = answers(reference, case)
    sides = [("Copse", "score", copse_scores(copse, case, "values").astype(want.dtype))]
    sides += [(call.peer, call.name, answers(call, case)) for call in calls if call is not reference]
    for peer, name, got in sides:
        far = distance(got, want)
        emit(case=case.name, peer=peer, call=name, distance=far, of=reference.peer)
        if not far <= TOLERANCE:
            raise SystemExit(f"{case.name}: {peer}, {name}: answers are {far} from those of {reference.peer}")


def repeated(case, batch):
    """Rows enough for one batch."""
    def enough(rows):
        return rows if len(rows) >= batch else np.resize(rows, (batch, rows.shape[1]))

    return {name: enough(rows) for name, rows in case.inputs.items()} if len(case.inputs) > 1 else enough(case.rows)


def measure(ring, rows_each):
    """The least nanoseconds a row, going on round the ring of functions."""
    best = float("inf")
    # The clock is read every few rows only where calls are short.
    several = max(1, 64 // rows_each)
    next(ring)()
    for _ in range(REPETITIONS):
        calls, start = 0, time.perf_counter()
        while (took := time.perf_counter() - start) < SECONDS:
            for run in itertools.islice(ring, several):
                run()
            calls += several
        best = min(best, took / (calls * rows_each))
    return best * 1e9


def copse_bench(copse, case, batch):
    command = [copse, "bench", "--json", "--rows", case.folder / "rows.csv", "--batch", str(batch), "--threads", "1", case.model]
    got = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return got["ns_per_row"], got["kernel"]


def compare(copse, case, calls, batches, rounds):
    """Every round, Copse has its turn before and after the others."""
    for batch in batches:
        ready = []
        for call in calls:
            functions, rows_each = call.prepare(repeated(case, batch), batch)
            if functions:  # a call may not be fit for so many rows
                # One ring for all rounds: what a library remembers of the last
                # batches must not be asked for again at the next turn's start.
                ready.append((call, itertools.cycle(functions), rows_each))
        for turn in range(rounds):
            before = copse_bench(copse, case, batch)
            for call, ring, rows_each in ready:
                emit(case=case.name, peer=call.peer, call=call.name, batch=batch, round=turn, ns=measure(ring, rows_each))
            after = copse_bench(copse, case, batch)
            ns, kernel = min(before, after)
            emit(case=case.name, peer="Copse", call=kernel, batch=batch, round=turn, ns=ns)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--copse", required=True)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", default="1,8,64,1000")
    parser.add_argument("--cases", required=True)
    options = parser.parse_args()
    batches = [int(batch) for batch in options.batches.split(",")]
    gc.disable()
    for name in options.cases.split(","):
        folder = options.cache / name
        case = Case(name, folder, **json.loads((folder / "case.json").read_text(encoding="utf-8")))
        print("measuring", name, file=sys.stderr, flush=True)
        calls = [call for side in peers.PEERS[case.library] for call in side(case)]
        emit(case=name, title=case.title, trees=case.trees)
        agree(options.copse, case, calls)
        compare(options.copse, case, calls, batches, options.rounds)
        gc.collect()


if __name__ == "__main__":
    main()
