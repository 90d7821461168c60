"""Checks commands of the aws CLI against AWS's own models of its services.

Reads commands, one a line, and prints what is wrong with them: services,
operations, options and the shape of values given as JSON.
"""

import json
import shlex
import sys

import botocore.session
from botocore import xform_name
from botocore.validate import ParamValidator

# Options of the CLI itself, and operands that it adds to an operation.
OWN = {"cli-binary-format", "region", "profile", "output", "query"}
OPERANDS = {("lambda", "invoke"): 1}


def check(command, session):
    words = shlex.split(command)
    service, operation, rest = words[1], words[2], words[3:]
    # The CLI's short name of S3's calls.
    model = session.get_service_model("s3" if service == "s3api" else service)
    # "stepfunctions start-execution" → StartExecution
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        return [f"{service} has no {operation}"]
    shape = model.operation_model(names[operation]).input_shape
    members = {xform_name(name, "-"): (name, member) for name, member in shape.members.items()}
    problems, given, operands = [], {}, 0
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            operands += 1
            continue
        values = []
        while rest and not rest[0].startswith("--") and (not values or word.endswith("names")):
            values.append(rest.pop(0))
        if word[2:] in OWN:
            continue
        if word[2:] not in members:
            problems.append(f"{operation} has no {word}")
            continue
        name, member = members[word[2:]]
        value = values[0] if values else ""
        if member.type_name in ("structure", "map"):
            value = json.loads(value)
        elif member.type_name == "list":
            value = values
        elif member.type_name in ("integer", "long"):
            value = int(value)
        given[name] = value
    if operands != OPERANDS.get((service, operation), 0):
        problems.append(f"{operation} does not take {operands} operands")
    report = ParamValidator().validate(given, shape)
    if report.has_errors():
        problems.append(report.generate_report())
    return problems


def main():
    session = botocore.session.get_session()
    for line in sys.stdin:
        for problem in check(line.strip(), session):
            print(f"{line.strip()}: {problem}")


if __name__ == "__main__":
    main()
