"""From data to predictions with the Python SDK v2 of Azure Machine Learning.

https://learn.microsoft.com/azure/machine-learning/how-to-train-model
https://learn.microsoft.com/azure/machine-learning/how-to-create-component-pipeline-python
https://learn.microsoft.com/azure/machine-learning/how-to-deploy-online-endpoints
https://learn.microsoft.com/azure/machine-learning/how-to-use-batch-model-deployments
"""

import json
from pathlib import Path

import requests
from azure.ai.ml import Input, MLClient, Output, command, dsl
from azure.ai.ml.constants import AssetTypes, BatchDeploymentOutputAction
from azure.ai.ml.entities import (
    BatchEndpoint,
    CodeConfiguration,
    Data,
    Environment,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    Model,
    ModelBatchDeployment,
    ModelBatchDeploymentSettings,
)
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient

HERE = Path(__file__).parent
ml_client = MLClient.from_config(credential=DefaultAzureCredential())
Path("data").mkdir(exist_ok=True)
Path("data/line.csv").write_text("x,y\n1,3\n2,5\n3,7\n")

# Data and an environment.
data = ml_client.data.create_or_update(
    Data(name="line-data", version="1", path="data/line.csv", type=AssetTypes.URI_FILE, description="points of a line")
)
ml_client.environments.create_or_update(
    Environment(
        name="line-env", image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04", conda_file=HERE / "conda.yaml"
    )
)
assert ml_client.data.get("line-data", label="latest").version == "1"

# A command job, followed to its end.
train = command(
    code=HERE / "training",
    command="python train.py --data ${{inputs.data}} --intercept ${{inputs.intercept}} --model ${{outputs.model}}",
    inputs={"data": Input(type=AssetTypes.URI_FILE, path="azureml:line-data:1"), "intercept": 1.0},
    outputs={"model": Output(type=AssetTypes.URI_FOLDER)},
    environment="line-env@latest",
    compute="cpu-cluster",
    experiment_name="lines",
    display_name="fit-a-line",
)
job = ml_client.jobs.create_or_update(train)
ml_client.jobs.stream(job.name)
assert ml_client.jobs.get(job.name).status == "Completed"
ml_client.jobs.download(job.name, output_name="model", download_path="downloaded")
assert json.loads(Path("downloaded/named-outputs/model/line.json").read_text()) == {"slope": 2.0, "intercept": 1.0}

# A model from the job's output, and one from a folder of this machine.
model = ml_client.models.create_or_update(
    Model(name="line", path=f"azureml://jobs/{job.name}/outputs/model", type=AssetTypes.CUSTOM_MODEL)
)
local = ml_client.models.create_or_update(
    Model(name="line", path="downloaded/named-outputs/model", type=AssetTypes.CUSTOM_MODEL, description="by hand")
)
assert (model.version, local.version) == ("1", "2")
ml_client.models.download(name="line", version="2", download_path="again")
assert list(Path("again").rglob("line.json"))


# A pipeline of the same component.
@dsl.pipeline(default_compute="cpu-cluster")
def fit(data):
    step = train(data=data)
    return {"model": step.outputs.model}


pipeline = ml_client.jobs.create_or_update(
    fit(data=Input(type=AssetTypes.URI_FILE, path="azureml:line-data:1")), experiment_name="lines"
)
ml_client.jobs.stream(pipeline.name)
steps = list(ml_client.jobs.list(parent_job_name=pipeline.name))
assert [step.display_name for step in steps] == ["step"]
ml_client.jobs.download(pipeline.name, output_name="model", download_path="pipeline")
assert list(Path("pipeline").rglob("line.json"))

# A job's tags, and its place among the others.
finished = ml_client.jobs.get(job.name)
finished.tags["reviewed"] = "yes"
assert ml_client.jobs.create_or_update(finished).tags["reviewed"] == "yes"
ml_client.jobs.archive(job.name)
assert job.name not in [listed_job.name for listed_job in ml_client.jobs.list()]
ml_client.jobs.restore(job.name)

# A batch endpoint.
ml_client.batch_endpoints.begin_create_or_update(BatchEndpoint(name="line-batch")).result()
ml_client.batch_deployments.begin_create_or_update(
    ModelBatchDeployment(
        name="default",
        endpoint_name="line-batch",
        model=model,
        environment="line-env@latest",
        code_configuration=CodeConfiguration(code=str(HERE / "scoring"), scoring_script="batch_driver.py"),
        compute="cpu-cluster",
        settings=ModelBatchDeploymentSettings(
            instance_count=1,
            max_concurrency_per_instance=1,
            mini_batch_size=10,
            output_action=BatchDeploymentOutputAction.APPEND_ROW,
            output_file_name="predictions.csv",
        ),
    )
).result()
endpoint = ml_client.batch_endpoints.get("line-batch")
endpoint.defaults.deployment_name = "default"
ml_client.batch_endpoints.begin_create_or_update(endpoint).result()
scoring = ml_client.batch_endpoints.invoke(
    endpoint_name="line-batch", input=Input(path="data", type=AssetTypes.URI_FOLDER)
)
ml_client.jobs.stream(scoring.name)
step = next(iter(ml_client.jobs.list(parent_job_name=scoring.name)))
ml_client.jobs.download(name=step.name, output_name="score", download_path="scored")
rows = Path("scored/named-outputs/score/predictions.csv").read_text().splitlines()
assert rows == ["line.csv,2.0", "line.csv,4.0", "line.csv,6.0"]

# An online endpoint.
ml_client.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="line-online", auth_mode="key")).result()
ml_client.online_deployments.begin_create_or_update(
    ManagedOnlineDeployment(
        name="blue",
        endpoint_name="line-online",
        model=model,
        environment="line-env@latest",
        code_configuration=CodeConfiguration(code=str(HERE / "scoring"), scoring_script="score.py"),
        instance_type="Standard_DS3_v2",
        instance_count=1,
    )
).result()
online = ml_client.online_endpoints.get("line-online")
online.traffic = {"blue": 100}
online = ml_client.online_endpoints.begin_create_or_update(online).result()
Path("request.json").write_text('{"data": [4, 5]}')
answer = ml_client.online_endpoints.invoke(endpoint_name="line-online", request_file="request.json")
assert json.loads(answer) == [9.0, 11.0]
key = ml_client.online_endpoints.get_keys("line-online").primary_key
response = requests.post(online.scoring_uri, json={"data": [4]}, headers={"Authorization": f"Bearer {key}"}, timeout=60)
assert response.json() == [9.0]

# Storage, as any other client reaches it.
store = ml_client.datastores.get_default()
blobs = BlobServiceClient(f"https://{store.account_name}.blob.core.windows.net", credential=DefaultAzureCredential())
container = blobs.get_container_client(store.container_name)
assert [name for name in container.list_blob_names() if name.endswith("line.json")]

ml_client.online_endpoints.begin_delete("line-online").result()
ml_client.batch_endpoints.begin_delete("line-batch").result()
ml_client.models.archive("line", version="2")
print("done")
