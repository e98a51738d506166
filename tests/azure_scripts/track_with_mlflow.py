"""MLflow with an Azure Machine Learning workspace as its server, and a deployment without a scoring script.

https://learn.microsoft.com/azure/machine-learning/how-to-use-mlflow-configure-tracking
https://learn.microsoft.com/azure/machine-learning/how-to-manage-models-mlflow
https://learn.microsoft.com/azure/machine-learning/how-to-deploy-mlflow-models-online-endpoints
"""

import json
import os
from pathlib import Path

import mlflow
from azure.ai.ml import MLClient
from azure.ai.ml.entities import ManagedOnlineDeployment, ManagedOnlineEndpoint
from azure.identity import DefaultAzureCredential
from sklearn.linear_model import LinearRegression

credential = DefaultAzureCredential()
ml_client = MLClient.from_config(credential=credential)
tracking_uri = ml_client.workspaces.get(ml_client.workspace_name).mlflow_tracking_uri
# Without the package azureml-mlflow, MLflow's own client speaks to the same address with a token.
os.environ["MLFLOW_TRACKING_TOKEN"] = credential.get_token("https://management.azure.com/.default").token
mlflow.set_tracking_uri(tracking_uri.replace("azureml://", "https://"))

mlflow.set_experiment("lines")
with mlflow.start_run(run_name="by-hand") as run:
    mlflow.log_params({"intercept": 1})
    for step, value in enumerate((0.5, 0.25)):
        mlflow.log_metric("rmse", value, step=step)
    mlflow.log_text("two rows", "notes/data.txt")
    model = LinearRegression().fit([[1.0], [2.0]], [3.0, 5.0])
    logged = mlflow.sklearn.log_model(model, name="model", serialization_format="cloudpickle")

client = mlflow.MlflowClient()
assert mlflow.get_run(run.info.run_id).info.status == "FINISHED"
assert [point.value for point in client.get_metric_history(run.info.run_id, "rmse")] == [0.5, 0.25]
assert len(mlflow.search_runs(experiment_names=["lines"])) >= 1
notes = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="notes/data.txt")
assert Path(notes).read_text() == "two rows"

version = mlflow.register_model(logged.model_uri, "line-mlflow").version
assert mlflow.pyfunc.load_model(f"models:/line-mlflow/{version}").predict([[3.0]])[0] > 6.9
assert ml_client.models.get("line-mlflow", version=str(version)).type == "mlflow_model"

ml_client.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="line-mlflow", auth_mode="key")).result()
ml_client.online_deployments.begin_create_or_update(
    ManagedOnlineDeployment(
        name="blue",
        endpoint_name="line-mlflow",
        model=f"azureml:line-mlflow:{version}",
        instance_type="Standard_DS3_v2",
        instance_count=1,
    )
).result()
endpoint = ml_client.online_endpoints.get("line-mlflow")
endpoint.traffic = {"blue": 100}
ml_client.online_endpoints.begin_create_or_update(endpoint).result()
Path("request.json").write_text('{"input_data": [[3.0]]}')
answer = ml_client.online_endpoints.invoke(endpoint_name="line-mlflow", request_file="request.json")
assert abs(json.loads(answer)[0] - 7.0) < 1e-6
ml_client.online_endpoints.begin_delete("line-mlflow").result()
print("done")
