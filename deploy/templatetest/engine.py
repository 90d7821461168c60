"""moto's server, with an engine for Step Functions that runs Distributed Maps.

moto's own engine knows neither JSONata (it looks for a Java library), nor
ItemBatcher, nor the files that a ResultWriter writes. They are added here, as
Step Functions documents them; all else is moto's. A function is whatever
answers at the address in LAMBDA_URL: the payload is posted there, and a status
other than 200 is a function error.

usage: MOTO_PORT=N LAMBDA_URL=… engine.py -H 127.0.0.1 -p N
"""

import json
import os
import sys
import types
import urllib.error
import urllib.request

from jsonata import Jsonata
from moto.core.config import default_user_config
from moto.server import main
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval.resource_eval_s3 import (
    ResourceEvalS3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    distributed_iteration_component as distributed,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk as aws_sdk,
)
from moto.stepfunctions.parser.asl.eval import states, variable_store
from moto.stepfunctions.parser.asl.eval.states import ItemData, MapData
from moto.stepfunctions.parser.asl.jsonata import jsonata
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

batchers, writers = {}, {}  # of Distributed Maps, by their labels


def whole(value):
    """Numbers as JSON has them: 3 and not 3.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    return value


def evaluate(expression):
    try:
        return whole(Jsonata(expression).evaluate(None))
    except Exception as error:
        raise jsonata.JSONataException("UNKNOWN", f"{error} in {expression}") from error


def declare(bindings):
    """Like moto's, but texts may have quotes in them."""
    return "".join(f"{name}:={to_json_str(value)};" for name, value in bindings.items())


jsonata._eval_jsonata = evaluate
states.encode_jsonata_variable_declarations = declare
variable_store.encode_jsonata_variable_declarations = declare
# Nobody waits for a retry.
retrier_decl.time = types.SimpleNamespace(sleep=lambda seconds: None)


def prepare(definition):
    """Takes out what moto's grammar does not know, and keeps it."""
    if isinstance(definition, list):
        for item in definition:
            prepare(item)
    elif isinstance(definition, dict):
        if "ItemBatcher" in definition:
            batchers[definition["Label"]] = definition.pop("ItemBatcher")
        if "ResultWriter" in definition:
            writer = writers[definition["Label"]] = definition.pop("ResultWriter")
            assert writer["WriterConfig"] == {"Transformation": "COMPACT", "OutputType": "JSONL"}
        if definition.get("ReaderConfig", {}).get("InputType") == "JSONL":
            del definition["ReaderConfig"]
        if definition.get("ExecutionType") == "EXPRESS":
            definition["ExecutionType"] = "STANDARD"
        for member in definition.values():
            prepare(member)
    return definition


create = models.StepFunctionsParserBackend.create_state_machine


def create_state_machine(self, name, definition, *args, **kwargs):
    return create(self, name, json.dumps(prepare(json.loads(definition))), *args, **kwargs)


models.StepFunctionsParserBackend.create_state_machine = create_state_machine


def list_objects_v2(env, resource_runtime_part, state_credentials):
    """Lists as Step Functions does, all pages and with its own names."""
    client = boto_client_for(service="s3", region="us-east-1")
    items = []
    for page in client.get_paginator("list_objects_v2").paginate(**env.stack.pop()):
        for entry in page.get("Contents", []):
            items.append({
                "Etag": entry["ETag"],
                "Key": entry["Key"],
                "LastModified": int(entry["LastModified"].timestamp()),
                "Size": entry["Size"],
                "StorageClass": entry["StorageClass"],
            })
    env.stack.append(items)


ResourceEvalS3._handle_list_objects_v2 = staticmethod(list_objects_v2)


def number(value):
    return evaluate(value.strip("{%} ")) if isinstance(value, str) else value


run = distributed.DistributedIterationComponent._map_run


def map_run(self, env, eval_input):
    """Selects each item, and puts as many into a batch as it may hold."""
    items = env.stack.pop()
    if isinstance(items, str):
        items = [json.loads(line) for line in items.splitlines()]
    batcher = batchers[eval_input.label]
    selected = []
    for index, item in enumerate(items):
        frame = env.open_inner_frame()
        frame.states.context_object.context_object_data["Map"] = MapData(Item=ItemData(Index=index, Value=item))
        frame.states.reset(item)
        eval_input.item_selector.eval(frame)
        selected.append(frame.stack.pop())
        env.delete_frame(frame)
    eval_input.item_selector = None
    batches, room = [], 0
    for item in selected:
        size = len(json.dumps(item))
        if not batches or len(batches[-1]["Items"]) == number(batcher["MaxItemsPerBatch"]) or size > room:
            batches.append({"Items": []})
            room = batcher.get("MaxInputBytesPerBatch", 262144)
        batches[-1]["Items"].append(item)
        room -= size
    env.stack.append(batches)
    run(self, env, eval_input)
    outputs = env.stack.pop()
    # Items are what is counted, and not executions.
    counter, failed = eval_input.map_run_record.item_counter, 0
    for batch, output in zip(batches, outputs):
        counter.total.offset(len(batch["Items"]) - 1)
        if output is None:
            failed += len(batch["Items"])
        else:
            counter.succeeded.offset(len(batch["Items"]) - 1)
    if failed * 100 > eval_input.tolerated_failure_percentage * len(items):
        raise RuntimeError("States.ExceedToleratedFailureThreshold")
    outputs = [output for output in outputs if output is not None]
    if eval_input.label in writers:
        outputs = write(env, writers[eval_input.label]["Arguments"], eval_input.map_run_record.map_run_arn, outputs)
    env.stack.append(outputs)


def write(env, arguments, arn, outputs):
    """Writes the lines of a COMPACT ResultWriter, and its manifest."""
    bucket = arguments["Bucket"]
    StringJSONata(arguments["Prefix"].removeprefix("{%").removesuffix("%}")).eval(env)
    folder = f"{env.stack.pop().rstrip('/')}/{arn.split(':')[-1]}"
    client = boto_client_for(service="s3", region="us-east-1")
    files = []
    # Two files, as a large run has.
    for i, part in enumerate((outputs[:1], outputs[1:])):
        if part:
            body = "".join(json.dumps(line) + "\n" for line in part).encode()
            files.append({"Key": f"{folder}/SUCCEEDED_{i}.jsonl", "Size": len(body)})
            client.put_object(Bucket=bucket, Key=files[-1]["Key"], Body=body)
    manifest = {
        "DestinationBucket": bucket,
        "MapRunArn": arn,
        "ResultFiles": {"FAILED": [], "PENDING": [], "SUCCEEDED": files},
    }
    key = f"{folder}/manifest.json"
    client.put_object(Bucket=bucket, Key=key, Body=json.dumps(manifest).encode())
    return {"MapRunArn": arn, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}


distributed.DistributedIterationComponent._map_run = map_run


service_task = aws_sdk.StateTaskServiceAwsSdk._eval_service_task


def renamed(value, change):
    if isinstance(value, dict):
        return {change(name[0]) + name[1:]: renamed(member, change) for name, member in value.items()}
    return value


def eval_service_task(self, env, resource_runtime_part, normalised_parameters, state_credentials):
    """Names begin with a capital in a state, and a body is text there."""
    if self.resource.api_name == "sfn":
        normalised_parameters = renamed(normalised_parameters, str.lower)
    if isinstance(normalised_parameters.get("Body"), dict):
        normalised_parameters["Body"] = json.dumps(normalised_parameters["Body"])
    service_task(self, env, resource_runtime_part, normalised_parameters, state_credentials)
    response = renamed(env.stack.pop(), str.upper)
    if hasattr(response.get("Body"), "read"):
        response["Body"] = response["Body"].read().decode()
    env.stack.append(response)


aws_sdk.StateTaskServiceAwsSdk._eval_service_task = eval_service_task


def invoke(parameters, region, state_credentials):
    payload = parameters["Payload"]
    request = urllib.request.Request(
        os.environ["LAMBDA_URL"], payload, {"X-Function": parameters["FunctionName"]}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return {"StatusCode": 200, "ExecutedVersion": "1", "Payload": json.load(answer)}
    except urllib.error.HTTPError as error:
        return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": json.load(error)}


lambda_eval_utils._invoke_lambda_function = invoke

if __name__ == "__main__":
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    main(sys.argv[1:])
