"""Assets that are the output of a job: the address under which Azure ML registers them is that of the files."""

import re

from signalbox.emulators.azure_ml.doors import bad
from signalbox.emulators.azure_ml.estate import ARTIFACT_STORE, Scope
from signalbox.emulators.azure_ml.resources import Resources

_OUTPUT = re.compile(r"azureml://jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)(?:/paths/(?P<path>.*))?/?")
_ARTIFACT = re.compile(r"runs:/(?P<job>[^/]+)/(?P<path>.+)")
_ARTIFACTS = ("artifacts", "default")  # The outputs that are a run's artifacts, such as MLflow logs them.


def job_of(uri: str) -> str:
    """The job whose output *uri* names; empty where it names none."""
    match = _OUTPUT.fullmatch(uri) or _ARTIFACT.fullmatch(uri)
    return match["job"] if match else ""


def resolve(resources: Resources, scope: Scope, uri: str) -> str:
    """*uri* where it is an address; where it names a job's output, the datastore path of that. Raises Refusal."""
    match = _OUTPUT.fullmatch(uri) or _ARTIFACT.fullmatch(uri)
    if match is None:
        return uri
    named = match.groupdict()
    job, output, path = named["job"], named.get("output", _ARTIFACTS[0]), (named["path"] or "").strip("/")
    records = (resources.get(f"/{kind}/{job}") for kind in ("jobs-by-guid", "steps-by-id", "tracked-runs"))
    record = next((record for record in records if record is not None), None)
    if record is None:
        raise bad(f"{uri} names the job {job}, which does not exist")
    if output in _ARTIFACTS:
        return f"{_datastore(scope, ARTIFACT_STORE)}/paths/ExperimentRun/dcid.{job}/{path}"
    outputs = record["properties"].get("outputs") if "properties" in record else record.get("outputs")
    place = (outputs or {}).get(output)
    if place is None:
        raise bad(f"{uri}: the job {job} has no output {output}, only {', '.join(outputs or {}) or 'none'}")
    whole = place["uri"].replace("azureml://datastores/", f"{_datastore(scope, '')}", 1)
    return f"{whole.rstrip('/')}/{path}" if path else str(whole)


def _datastore(scope: Scope, name: str) -> str:
    group = f"azureml://subscriptions/{scope.subscription}/resourcegroups/{scope.resource_group}"
    return f"{group}/workspaces/{scope.name}/datastores/{name}"
