"""What schemathesis cannot know from the OpenAPI document alone."""

import csv
import io
import json
import os

import schemathesis
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import negative_data_rejection

# A valid row of the model that is served, from the test.
ROW = json.loads(os.environ["COPSE_ROW"])
batches = st.integers(min_value=1, max_value=20)


def cell(value):
    return json.dumps(value) if isinstance(value, (bool, int, float)) else value


def to_csv(rows):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([list(ROW)] + [[cell(v) for v in ROW.values()]] * rows)
    return out.getvalue().encode()


def to_lines(rows):
    return (json.dumps(ROW) + "\n").encode() * rows


def send(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode()


if os.environ.get("COPSE_EXAMPLES"):
    # The document's own examples, as they stand there.
    schemathesis.serializer("text/csv", "application/x-ndjson")(send)
else:
    # The document can say no more of these forms than that they are text.
    schemathesis.openapi.media_type("text/csv", batches.map(to_csv))
    schemathesis.openapi.media_type("application/x-ndjson", batches.map(to_lines))


@schemathesis.check
def bad_rows_are_marked(ctx, response, case):
    """A batch with bad rows has an error in the place of each of them.

    It stands in for negative_data_rejection on /batch-predict, which knows
    rejection only as a status of the whole request, and asks it where no row
    has an error.
    """
    if not case.operation.path.endswith("/batch-predict"):
        return
    if response.status_code == 200 and response.headers["content-type"][0] == "application/json":
        if any("error" in answer for answer in response.json()["predictions"]):
            return
    negative_data_rejection(ctx, response, case)
