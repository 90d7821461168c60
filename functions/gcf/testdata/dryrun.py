"""Says what gcloud says of commands, without an account: the arguments are checked first.

Argument: the folder of the Google Cloud SDK. Standard input: a command a line, its arguments as a JSON list. On
standard error a line with "=== N" stands before what is said of command N. One process for all: gcloud takes a second
to start.
"""

import json
import sys

sys.path[:0] = [sys.argv[1] + "/lib", sys.argv[1] + "/lib/third_party"]

from googlecloudsdk import gcloud_main  # noqa: E402

cli = gcloud_main.CreateCLI([])
for n, line in enumerate(sys.stdin):
    print("===", n, file=sys.stderr, flush=True)
    try:
        cli.Execute(json.loads(line))
        print("it ran", file=sys.stderr, flush=True)
    except SystemExit:
        pass
