"""A row for each documented operation of azure-ai-ml, in an order in which each finds what it needs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.emulators.documented.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """*call* returns something true where the operation is served; where it is not, it meets the 501."""

    area: str
    words: str
    call: Callable[[Stage], Any]
    is_served: bool = True


def _rows(area: str, served: dict[str, Callable[[Stage], Any]], *refusals: dict[str, Callable[[Stage], Any]]) -> Any:
    for words, call in served.items():
        yield Operation(area=area, words=words, call=call)
    for refused in refusals:
        for words, call in refused.items():
            yield Operation(area=area, words=words, call=call, is_served=False)


def _entities() -> Any:
    from azure.ai.ml import entities

    return entities


def _environment(stage: Stage) -> Any:
    image = _entities().Environment(name="documented", version="1", image="mcr.microsoft.com/documented:1")
    return stage.client.environments.create_or_update(image).version == "1"


def _built(stage: Stage) -> Any:
    (stage.code / "Dockerfile").write_text("FROM scratch\n")
    context = _entities().BuildContext(path=str(stage.code))
    return stage.client.environments.create_or_update(_entities().Environment(name="built", build=context)).version


def _register(stage: Stage, name: str, path: Any) -> Any:
    model = _entities().Model(name=name, path=str(path), type="custom_model")
    return stage.client.models.create_or_update(model)


def _data(stage: Stage, name: str, kind: str, path: Any) -> Any:
    return stage.client.data.create_or_update(_entities().Data(name=name, type=kind, path=str(path))).version == "1"


def _archived(operations: Any, name: str, version: str) -> bool:
    """Whether a version is left out of the list while it is archived."""
    operations.archive(name, version)
    without = version not in [row.version for row in operations.list(name)]
    operations.restore(name, version)
    return without and version in [row.version for row in operations.list(name)]


def _downloaded(stage: Stage, name: str) -> Any:
    stage.client.models.download(name, "1", download_path=str(stage.folder / "models"))
    return list((stage.folder / "models" / name).rglob("*.*"))


def _component(stage: Stage, version: str | None) -> Any:
    component = stage.command("line.py", named={"name": "documented", "version": version}, type="uri_file").component
    return stage.client.components.create_or_update(component)


def _missing_job(stage: Stage) -> bool:
    """Whether a model of a job that is not there is refused."""
    from azure.core.exceptions import HttpResponseError

    try:
        _register(stage, "of-nothing", "azureml://jobs/nothing/outputs/out")
    except HttpResponseError as refusal:
        return refusal.status_code == 400
    return False


def _reads(stage: Stage, path: Any) -> Any:
    from azure.ai.ml import Input

    return stage.command("line.py", {"data": Input(type="uri_file", path=str(path))}, type="uri_file")


def _cancelled(stage: Stage) -> bool:
    (stage.code / "wait.py").write_text("import time\ntime.sleep(600)\n")
    name = stage.client.jobs.create_or_update(stage.command("wait.py")).name
    stage.client.jobs.begin_cancel(name).result()
    return bool(stage.ended(name).status == "Canceled")


def _file_output(stage: Stage) -> bool:
    stage.run(stage.command("line.py", type="uri_file"), "file")
    return (stage.files_of("file", "out", "a file")) == ["out"]


def _named_outputs(stage: Stage) -> bool:
    stage.run(stage.command(type="custom_model", name="named-output", version="5"), "named")
    return bool(stage.client.models.get("named-output", "5").job_name == stage.made["named"])


def _sweep(stage: Stage) -> Any:
    from azure.ai.ml.sweep import Choice

    job = stage.command(inputs={"rate": 1})
    trials = job(rate=Choice([1, 2])).sweep(
        compute="cpu", sampling_algorithm="random", primary_metric="loss", goal="minimize"
    )
    return stage.client.jobs.create_or_update(trials)


def _spark(stage: Stage) -> Any:
    from azure.ai.ml import spark

    sizes = {"driver_cores": 1, "driver_memory": "2g", "executor_cores": 1, "executor_memory": "2g"}
    entry = {"file": "write.py"}
    job = spark(code=str(stage.code), entry=entry, executor_instances=1, compute="cpu", **sizes)
    return stage.client.jobs.create_or_update(job)


def _automl(stage: Stage) -> Any:
    from azure.ai.ml import Input, automl

    job = automl.classification(
        compute="cpu",
        experiment_name="documented",
        training_data=Input(type="mltable", path="azureml:folder:1"),
        target_column_name="label",
        primary_metric="accuracy",
    )
    return stage.client.jobs.create_or_update(job)


def _parallel(stage: Stage) -> Any:
    from azure.ai.ml import Input, Output, dsl
    from azure.ai.ml.parallel import RunFunction, parallel_run_function

    step = parallel_run_function(
        name="rows",
        inputs={"rows": Input(type="uri_folder", path="azureml:folder:1")},
        outputs={"out": Output(type="uri_folder")},
        input_data="${{inputs.rows}}",
        instance_count=1,
        mini_batch_size="1",
        task=RunFunction(code=str(stage.code), entry_script="write.py", environment="azureml:documented:1"),
    )

    @dsl.pipeline
    def in_parallel() -> Any:
        return {"out": step(rows=Input(type="uri_folder", path="azureml:folder:1")).outputs.out}

    job = in_parallel()
    job.settings.default_compute = "serverless"
    return stage.client.jobs.create_or_update(job)


def _imported(stage: Stage) -> Any:
    from azure.ai.ml.data_transfer import Database

    source = Database(connection="azureml:orders", query="SELECT 1")
    path = "azureml://datastores/workspaceblobstore/paths/orders"
    return stage.client.data.import_data(_entities().DataImport(name="orders", path=path, source=source))


def _schedule(stage: Stage) -> Any:
    daily = _entities().RecurrenceTrigger(frequency="day", interval=1)
    schedule = _entities().JobSchedule(name="daily", trigger=daily, create_job=stage.pipeline())
    return stage.client.schedules.begin_create_or_update(schedule)


def _connection(stage: Stage) -> Any:
    connection = _entities().WorkspaceConnection(name="git", type="git", target="https://example.org", credentials=None)
    return stage.client.connections.create_or_update(connection)


def _blob_store(stage: Stage) -> Any:
    store = _entities().AzureBlobDatastore(name="documented", account_name="stdev", container_name="azureml")
    return stage.client.datastores.create_or_update(store).name


def _file_share(stage: Stage) -> Any:
    share = _entities().AzureFileDatastore(name="share", account_name="stdev", file_share_name="share")
    return stage.client.datastores.create_or_update(share)


def _online(stage: Stage) -> Any:
    endpoint = _entities().ManagedOnlineEndpoint(name="documented", auth_mode="key")
    return stage.client.online_endpoints.begin_create_or_update(endpoint).result().name


def _batch(stage: Stage) -> Any:
    return stage.client.batch_endpoints.begin_create_or_update(_entities().BatchEndpoint(name="documented")).result()


ROWS: tuple[Operation, ...] = (
    *_rows(
        "environments",
        {
            "`create_or_update` of an image": _environment,
            "of a build context": _built,
            "`get`": lambda stage: stage.client.environments.get("documented", label="latest"),
            "`list`": lambda stage: list(stage.client.environments.list()),
            "`archive` and `restore`": lambda stage: _archived(stage.client.environments, "documented", "1"),
            "`share`": lambda stage: stage.client.environments.share(
                "documented", "1", registry_name="mlr-central", share_with_name="documented", share_with_version="1"
            ),
        },
    ),
    *_rows(
        "data",
        {
            "`create_or_update` of a local folder": lambda stage: _data(stage, "folder", "uri_folder", stage.code),
            "of a local file": lambda stage: _data(stage, "file", "uri_file", stage.code / "line.py"),
            "`get`": lambda stage: stage.client.data.get("folder", label="latest"),
            "`list`": lambda stage: list(stage.client.data.list()),
            "`archive` and `restore`": lambda stage: _archived(stage.client.data, "folder", "1"),
            "`share`": lambda stage: stage.client.data.share(
                "folder", "1", registry_name="mlr-central", share_with_name="folder", share_with_version="1"
            ),
        },
        {"`import_data`": _imported},
    ),
    *_rows(
        "components",
        {
            "`create_or_update` without inputs": lambda stage: _component(stage, "1").version == "1",
            "of the same component again": lambda stage: _component(stage, "1").version == "1",
            "without a version": lambda stage: _component(stage, None).version == "2",
            "`get`": lambda stage: stage.client.components.get("documented", "1"),
            "`list`": lambda stage: list(stage.client.components.list()),
            "`archive` and `restore`": lambda stage: (
                stage.client.components.archive("documented", "1") is None
                and stage.client.components.restore("documented", "1") is None
            ),
        },
    ),
    *_rows(
        "jobs",
        {
            "`create_or_update` of a command": lambda stage: stage.run(stage.command(), "command"),
            "of an inline `@dsl.pipeline`": lambda stage: stage.run(stage.pipeline(), "pipeline"),
            "with local and registered inputs": lambda stage: (
                stage.run(_reads(stage, "azureml:file:1"), "registered")
                and stage.run(_reads(stage, stage.code / "line.py"), "local")
            ),
            "with a file as an output": _file_output,
            "with an output that becomes a model or data": _named_outputs,
            "`get`": lambda stage: stage.client.jobs.get(stage.made["pipeline"]).outputs["final"],
            "`list`": lambda stage: stage.made["command"] in stage.listed_jobs(),
            "`list` of children": lambda stage: stage.listed_jobs(parent_job_name=stage.made["pipeline"]),
            "`stream`": lambda stage: stage.client.jobs.stream(stage.made["command"]) is None,
            "`download` of an output": lambda stage: (
                stage.files_of("pipeline", "final", "of a pipeline") == ["weights.txt"]
            ),
            "`download` of everything": lambda stage: stage.logs_of("command") == ["std_log.txt", "weights.txt"],
            "tags": lambda stage: stage.tagged("command") == {"approved": "yes"},
            "`archive` and `restore`": lambda stage: stage.hidden("command"),
            "`validate`": lambda stage: stage.client.jobs.validate(stage.pipeline()),
            "`begin_cancel`": _cancelled,
        },
        {
            "sweep": _sweep,
            "AutoML": _automl,
            "Spark": _spark,
            "parallel steps": _parallel,
            "`show_services`": lambda stage: stage.client.jobs.show_services(stage.made["command"]),
        },
    ),
    *_rows(
        "models",
        {
            "`create_or_update` of a local folder": lambda stage: _register(stage, "folder", stage.code),
            "of a local file": lambda stage: _register(stage, "file", stage.code / "line.py"),
            "of a job's output": lambda stage: (
                _register(stage, "of-a-job", f"azureml://jobs/{stage.made['command']}/outputs/out").job_name
                == stage.made["command"]
            ),
            "of a job that is not there: 400": _missing_job,
            "`get`": lambda stage: stage.client.models.get("of-a-job", label="latest"),
            "`list`": lambda stage: list(stage.client.models.list()),
            "`download`": lambda stage: _downloaded(stage, "of-a-job"),
            "`archive` and `restore`": lambda stage: _archived(stage.client.models, "folder", "1"),
            "`share`": lambda stage: stage.client.models.share(
                "of-a-job", "1", registry_name="mlr-central", share_with_name="of-a-job", share_with_version="1"
            ),
        },
    ),
    *_rows(
        "datastores",
        {
            "`get`": lambda stage: stage.client.datastores.get("workspaceblobstore"),
            "`get_default`": lambda stage: stage.client.datastores.get_default().name == "workspaceblobstore",
            "`list`": lambda stage: list(stage.client.datastores.list()),
            "`create_or_update` of blobs": _blob_store,
            "`delete`": lambda stage: stage.client.datastores.delete("documented") is None,
        },
        {"`create_or_update` of a file share": _file_share},
    ),
    *_rows(
        "workspaces",
        {
            "`get`": lambda stage: stage.client.workspaces.get("mlw-dev"),
            "`list`": lambda stage: list(stage.client.workspaces.list(scope="subscription")),
            "`list` of hubs: none": lambda stage: list(stage.client.workspaces.list(filtered_kinds="hub")) == [],
        },
        {
            "`get_keys`": lambda stage: stage.client.workspaces.get_keys(),
            "`begin_sync_keys`": lambda stage: stage.client.workspaces.begin_sync_keys(),
            "`begin_diagnose`": lambda stage: stage.client.workspaces.begin_diagnose("mlw-dev"),
        },
    ),
    *_rows(
        "registries",
        {"`list`": lambda stage: list(stage.client.registries.list(scope="subscription")) == []},
    ),
    *_rows(
        "compute",
        {
            "`list`": lambda stage: list(stage.client.compute.list()),
            "`list_sizes`": lambda stage: list(stage.client.compute.list_sizes()),
            "`list_usage`": lambda stage: list(stage.client.compute.list_usage()),
        },
        {
            "`begin_create_or_update`": lambda stage: stage.client.compute.begin_create_or_update(
                _entities().AmlCompute(name="cpu", size="Standard_DS3_v2")
            ),
            "`begin_delete`": lambda stage: stage.client.compute.begin_delete("cpu"),
            "`begin_start`": lambda stage: stage.client.compute.begin_start("cpu"),
            "`list_nodes`": lambda stage: list(stage.client.compute.list_nodes("cpu")),
        },
    ),
    *_rows(
        "online_endpoints",
        {
            "`begin_create_or_update`": _online,
            "`get`": lambda stage: stage.client.online_endpoints.get("documented").scoring_uri,
            "`get_keys`": lambda stage: stage.client.online_endpoints.get_keys("documented"),
            "`begin_regenerate_keys`": lambda stage: stage.client.online_endpoints.begin_regenerate_keys(
                "documented", key_type="primary"
            ),
            "`list`": lambda stage: list(stage.client.online_endpoints.list()),
            "`begin_delete`": lambda stage: stage.client.online_endpoints.begin_delete("documented"),
        },
    ),
    *_rows(
        "batch_endpoints",
        {
            "`begin_create_or_update`": _batch,
            "`get`": lambda stage: stage.client.batch_endpoints.get("documented").scoring_uri,
            "`list`": lambda stage: list(stage.client.batch_endpoints.list()),
            "`list_jobs`": lambda stage: list(stage.client.batch_endpoints.list_jobs("documented")) == [],
        },
    ),
    *_rows(
        "batch_deployments",
        {"`list`": lambda stage: list(stage.client.batch_deployments.list("documented")) == []},
        {
            "`list_jobs`": lambda stage: stage.client.batch_deployments.list_jobs(
                name="blue", endpoint_name="documented"
            )
        },
    ),
    *_rows(
        "schedules",
        {},
        {
            "`list`": lambda stage: list(stage.client.schedules.list()),
            "`get`": lambda stage: stage.client.schedules.get("daily"),
            "`begin_create_or_update`": _schedule,
            "`begin_delete`": lambda stage: stage.client.schedules.begin_delete("daily"),
            "`begin_enable`": lambda stage: stage.client.schedules.begin_enable("daily"),
            "`trigger`": lambda stage: stage.client.schedules.trigger("daily"),
        },
    ),
    *_rows(
        "connections",
        {},
        {
            "`list`": lambda stage: list(stage.client.connections.list()),
            "`get`": lambda stage: stage.client.connections.get("git"),
            "`create_or_update`": _connection,
            "`delete`": lambda stage: stage.client.connections.delete("git"),
        },
    ),
    *_rows(
        "feature_sets",
        {},
        {
            "`list`": lambda stage: list(stage.client.feature_sets.list()),
            "`get`": lambda stage: stage.client.feature_sets.get("sales", "1"),
        },
    ),
    *_rows("feature_store_entities", {}, {"`list`": lambda stage: list(stage.client.feature_store_entities.list())}),
    *_rows("feature_stores", {"`list`: none": lambda stage: list(stage.client.feature_stores.list()) == []}),
    *_rows("indexes", {}, {"`list`": lambda stage: list(stage.client.indexes.list())}),
    *_rows("serverless_endpoints", {}, {"`list`": lambda stage: list(stage.client.serverless_endpoints.list())}),
    *_rows(
        "marketplace_subscriptions", {}, {"`list`": lambda stage: list(stage.client.marketplace_subscriptions.list())}
    ),
    *_rows(
        "workspace_outbound_rules",
        {},
        {"`list`": lambda stage: list(stage.client.workspace_outbound_rules.list("mlw-dev"))},
    ),
)
