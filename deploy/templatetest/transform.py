"""Runs the SAM transform over templates, as CloudFormation would, offline.

Reads paths of templates, one a line, and prints for each a JSON line:
{"source": the template as written, "transformed": as deployed}, or
{"error": why the transform refuses it}.
"""

import copy
import json
import multiprocessing
import os
import sys

import yaml

# samcli's parser takes the slow one otherwise.
yaml.SafeLoader = yaml.CSafeLoader

from samcli.yamlhelper import yaml_parse
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform


class Policies:
    """Stands in for the account's list of managed policies."""

    @staticmethod
    def load():
        return {
            "AWSLambdaBasicExecutionRole": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
            "AWSXRayDaemonWriteAccess": "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess",
        }


def one(path):
    with open(path, encoding="utf-8") as file:
        source = yaml_parse(file.read())
    packaged = copy.deepcopy(source)
    # What sam package does: the code is in a bucket by then.
    for part in [packaged.get("Globals", {}).get("Function", {})] + [
        resource.get("Properties", {}) for resource in packaged["Resources"].values()
    ]:
        if "CodeUri" in part:
            part["CodeUri"] = "s3://packages/function.zip"
    try:
        transformed = transform(packaged, {}, Policies, passthrough_metadata=True)
        return {"source": source, "transformed": transformed}
    except InvalidDocumentException as error:
        return {"error": error.message + "; ".join(cause.message for cause in error.causes)}


def main():
    os.environ["AWS_DEFAULT_REGION"] = "eu-west-1"
    paths = [line.rstrip("\n") for line in sys.stdin]
    with multiprocessing.Pool(min(len(paths), os.cpu_count() or 1)) as pool:
        for result in pool.imap(one, paths):
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
