"""`signalbox model` on the running local cloud: what a team's folder becomes, and what is printed when it cannot."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signalbox.cli.main import main
from signalbox.launcher.ml_client import ml_client
from tests.amounts import sample
from tests.onemachine.world import World

PROJECT = Path(__file__).parents[2]
pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine")]


@pytest.fixture(scope="module")
def folder(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project beside the running cloud."""
    folder = tmp_path_factory.mktemp("project")
    (folder / ".signalbox").symlink_to(world.cloud.state)
    shutil.copy(PROJECT / "signalbox.yaml", folder)
    shutil.copytree(PROJECT / "examples", folder / "examples")
    return folder


@pytest.fixture
def model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`signalbox model` in the project, without a process for each command, which would import Azure's client anew."""
    monkeypatch.chdir(folder)
    return lambda *words: CliRunner().invoke(main, ["model", *words])


@pytest.mark.filterwarnings("ignore")  # The client for Azure ML may be imported here for the first time.
def test_a_folder_is_registered_deployed_asked_and_flagged(
    world: World, example: Path, folder: Path, model: Callable[..., Result]
) -> None:
    line = (example / "extras" / "golden" / "requests.jsonl").read_text().splitlines()[0]
    golden = json.loads(line)
    (folder / "request.json").write_text(json.dumps(golden["request"]))

    steps = [
        model("register", "team-model:1", str(example), "--tag", "team=wards"),
        model("deploy", "team-model:1", "--batch", "team-batch", "--online", "team-online"),
        model("invoke", "team-online", "request.json"),
        model("flag", "team-model:1", "--to", "preprod"),
    ]

    assert [step.exit_code for step in steps] == [0, 0, 0, 0], steps
    assert "registered team-model:1 (custom_model) in dev" in steps[0].stdout
    assert "deployed team-model:1 as team-online/blue in dev" in steps[1].stdout
    assert json.loads(steps[2].stdout) == pytest.approx(golden["response"])
    with ml_client(world.cloud.endpoints) as client:
        tags = client.models.get("team-model", "1").tags
        default = client.batch_endpoints.get("team-batch").defaults.deployment_name
    assert tags["team"] == "wards"
    assert tags["signalbox.promote"] == "team-model:1 -> preprod"
    assert tags["signalbox.bundle"] == "azureml://datastores/workspaceblobstore/paths/extras/team-model/1"
    assert default == "blue"


@pytest.mark.filterwarnings("ignore")
def test_a_folder_with_an_mlmodel_is_registered_as_an_mlflow_model(folder: Path, model: Callable[..., Result]) -> None:
    (folder / "described" / "model").mkdir(parents=True)
    (folder / "described" / "model" / "MLmodel").write_text("flavors: {}\n")

    registered = model("register", "team-described:1", "described")

    assert registered.exit_code == 0, registered
    assert "registered team-described:1 (mlflow_model) in dev" in registered.stdout


@pytest.mark.proof  # tests/emulators deploys an MLflow model without a script in each run.
@pytest.mark.filterwarnings("ignore")  # MLflow warns of its own future while it is imported.
def test_an_mlflow_model_is_deployed_without_a_script(
    folder: Path, example: Path, model: Callable[..., Result]
) -> None:
    import joblib
    import mlflow.sklearn

    regressor = joblib.load(example / "model" / "model.joblib")
    mlflow.sklearn.save_model(regressor, str(folder / "flow" / "model"), serialization_format="cloudpickle")
    line = (example / "extras" / "golden" / "requests.jsonl").read_text().splitlines()[0]
    table = json.loads(line)["request"]["input_data"]
    columns = list(regressor.feature_names_in_)
    row = [table["data"][0][table["columns"].index(name)] for name in columns]
    request = {"input_data": {"columns": columns, "index": [0], "data": [row]}}
    (folder / "flow.json").write_text(json.dumps(request))

    steps = [
        model("register", "team-flow:1", "flow"),
        model("deploy", "team-flow:1", "--batch", "flow-batch", "--online", "flow-online"),
        model("invoke", "flow-online", "flow.json"),
    ]

    assert [step.exit_code for step in steps] == [0, 0, 0], steps
    assert "registered team-flow:1 (mlflow_model) in dev" in steps[0].stdout
    assert json.loads(steps[2].stdout) == pytest.approx(json.loads(line)["response"])


JOB = """
type: pipeline
experiment_name: team
settings: {default_compute: azureml:cpu-cluster}
inputs: {word: hello}
outputs:
  output: {type: uri_folder}
jobs:
  train:
    type: command
    code: .
    command: python write.py ${{outputs.output}} ${{inputs.word}}
    environment: {image: ubuntu, conda_file: conda.yaml}
    inputs:
      word: ${{parent.inputs.word}}
    outputs:
      output: ${{parent.outputs.output}}
"""
SCRIPT = """
import sys
from pathlib import Path

folder, word = sys.argv[1:]
print(f"the word is {word}")
(Path(folder) / "model").mkdir()
(Path(folder) / "model" / "word.txt").write_text(word)
sys.exit("no such word" if word == "nonsense" else 0)
"""


@pytest.fixture
def job(folder: Path) -> Path:
    """A training job that does next to nothing."""
    training = folder / "training"
    training.mkdir(exist_ok=True)
    (training / "write.py").write_text(SCRIPT)
    (training / "conda.yaml").write_text("name: team-training-0123456789ab\ndependencies: [python=3.11]\n")
    (training / "job.yaml").write_text(JOB)
    return training / "job.yaml"


@pytest.fixture
def train(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`signalbox train` in the project."""
    monkeypatch.chdir(folder)
    return lambda *words: CliRunner().invoke(main, ["train", *words])


@pytest.mark.filterwarnings("ignore")
def test_a_training_job_is_followed_and_what_it_wrote_is_fetched(
    world: World, folder: Path, job: Path, train: Callable[..., Result]
) -> None:
    (folder / "build" / "model").mkdir(parents=True, exist_ok=True)
    (folder / "build" / "model" / "older.txt").write_text("of an earlier training")
    (folder / "build" / "notes.txt").write_text("mine")

    result = train("--set", "word=churn")

    assert result.exit_code == 0, result
    assert "in dev\ntrain: the word is churn\ncompleted; wrote build: model\n" in result.stdout
    assert [path.name for path in (folder / "build" / "model").iterdir()] == ["word.txt"]
    assert (folder / "build" / "notes.txt").read_text() == "mine"
    with ml_client(world.cloud.endpoints, "mlw-dev") as client:
        assert client.environments.get("team-training-0123456789ab", "1").conda_file["dependencies"] == ["python=3.11"]


@pytest.mark.filterwarnings("ignore")
def test_a_training_that_fails_shows_its_log_and_leaves_the_folder_alone(
    folder: Path, job: Path, train: Callable[..., Result]
) -> None:
    result = train("--set", "word=nonsense", "--out", "nothing")

    assert (result.exit_code, "has ended as Failed; its log is above" in result.stderr) == (5, True), result
    assert "train: no such word" in result.stdout
    assert not (folder / "nothing").exists()


@pytest.mark.proof  # The 501 itself is proven for each kind of job in tests/emulators.
@pytest.mark.filterwarnings("ignore")
def test_a_sweep_is_refused_by_the_local_cloud_in_one_sentence(
    folder: Path, job: Path, train: Callable[..., Result]
) -> None:
    sweep = job.with_name("sweep.yaml")
    trial = "trial: {command: python write.py . hello, environment: {image: ubuntu}}"
    goal = "objective: {goal: maximize, primary_metric: accuracy}\nlimits: {max_total_trials: 1}"
    space = "search_space: {word: {type: choice, values: [a]}}\nsampling_algorithm: grid"
    sweep.write_text(f"type: sweep\ncompute: azureml:cpu-cluster\n{trial}\n{space}\n{goal}\n")

    refused = train(str(sweep))

    assert (refused.exit_code, "refuses (501)" in refused.stderr) == (5, True), refused


REFUSED = [
    (("deploy", "team-model:1"), 2, "--batch ENDPOINT, --online ENDPOINT"),
    (("deploy", "team-model:latest", "--batch", "team-batch"), 2, "is not exact; write NAME:VERSION"),
    # To read the configuration, each of these starts a process.
    *sample(
        [
            (("flag", "nothing:1", "--to", "preprod"), 4, "environment dev: nothing:1 is not registered; register it"),
            (("register", "team-model:2", "examples"), 2, "has no files in model/"),
            (("register", "team-model:2", "examples", "--environment", "test"), 4, "no environment 'test'; it has"),
            (("flag", "team-model:1", "--to", "prod"), 4, "no stage 'prod'; it has dev, preprod"),
            (("deploy", "nothing:1", "--batch", "b"), 4, "environment dev: nothing:1 is not registered; register it"),
        ],
        2,
    ),
]


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    REFUSED,
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_is_said_in_one_sentence(
    model: Callable[..., Result], words: tuple[str, ...], code: int, sentence: str
) -> None:
    refused = model(*words)

    assert (refused.exit_code, sentence in refused.stderr) == (code, True), refused
    assert "Traceback" not in refused.stderr
