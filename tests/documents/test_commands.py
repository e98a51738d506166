"""Every command that README and docs show is run on a local cloud, and prints what its reader is led to expect.

A command that a document shows and this table does not know is a failing test; so is one that can only be excepted.
"""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from signalbox.emulators.service_bus import is_available
from tests.documents.conftest import Desk
from tests.documents.documented import PROJECT, hidden_commands, inline_commands, shown_commands
from tests.documents.known_commands import unknown_words

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("documents")]

CLOUD = "starts local clouds of its own for a minute or more; its target is checked below"
AZURE = "needs Azure and the Azure CLI"
LIBRARY = "needs Python 3.13; make proof-worker makes such an environment and starts hosts with it"
HOST = "is what `signalbox up` runs; tests/host starts it with apps of its own"
TESTS_OF_THE_GUIDE = (
    ".venv/bin/python -m pytest tests/unit/gates -q",
    ".venv/bin/python -m pytest tests/promotion/test_story.py -q -k take_turns",
    ".venv/bin/python -m pytest tests/promotion/test_story.py -k take_turns --capture=no",
    ".venv/bin/python -m pytest tests/inference -q -n 2",
)
PRODUCTION = (
    'signalbox promote diabetes-progression:2 --to production --reason "better on new patients" --as linus@example.org',
    "signalbox rollout show PROMOTION",
    "signalbox rollout watch PROMOTION",
    "signalbox rollout page PROMOTION --out step.html",
    'signalbox rollout pause PROMOTION --reason "the shop is closed" --as linus@example.org',
    'signalbox rollout abort PROMOTION --reason "complaints" --as linus@example.org',
    "signalbox rollback diabetes-progression --plan",
    'signalbox rollback diabetes-progression --reason "wrong prices" --as linus@example.org',
    'signalbox rehearse diabetes-progression --reason "the last one is a month old" --as linus@example.org',
    'signalbox rehearse diabetes-progression:1 --cold --reason "before the holidays" --as linus@example.org',
    'signalbox revoke diabetes-progression:2 --reason "it leaks patients\' names" --as linus@example.org',
    'signalbox release-hold diabetes-progression:2 --reason "mended" --as linus@example.org',
)
TEAM = "tests/packaging/test_template.py runs it in the project that the installed wheel has made"
KINDS = "tests/projects/test_kinds.py does it with every kind of project"
MODEL = "tests/onemachine/test_project_models.py runs it on a local cloud"
INFRASTRUCTURE = "`make check` writes the data anew and judges each installation; tests/infra judges broken ones"
DATASETS = "tests/datasets/test_command.py runs it in an app with data sets"
IMPORTS = "tests/datasets/test_imports.py imports from a server and from data assets"
ASSETS = "tests/emulators/test_data_commands.py runs what is behind it"
TEARDOWN = "tests/provisioning/test_command.py ends a step by two people"
ONE_RUN = (
    "needs a route with limits, and three runs that completed; tests/inference/test_overrides.py asks the same doors"
)
REPLAYS = "tests/host/test_replays.py replays through other code"
DELEGATE = "tests/promotion/test_delegations.py runs it in an app whose configuration names people"
EXCEPTIONS = {
    "az devops configure --defaults organization=https://dev.azure.com/contoso project=mlops": AZURE,
    "az group create --name rg-signalbox-prod --location westeurope": AZURE,
    "for NAME in App Communication Consumption ContainerRegistry DurableTask EventGrid Insights KeyVault"
    " MachineLearningServices ManagedIdentity Network OperationalInsights ServiceBus Storage Web;"
    " do az provider register --namespace Microsoft.$NAME --wait; done": AZURE,
    'KEY=$(openssl rand -hex 32) && echo "$KEY" && printf %s "$KEY" | sha256sum': "makes a key, which nobody may see",
    'az keyvault secret set --vault-name VAULT --name session-keys --value "$(openssl rand -base64 32)"': AZURE,
    "az keyvault secret set --vault-name VAULT --name service-now --value SECRET": AZURE,
    "az storage fs list-deleted-path --account-name datahub --auth-mode login --file-system signalbox": AZURE,
    "az storage fs undelete-path --account-name datahub --auth-mode login --file-system signalbox"
    " --deleted-path-name PATH --deletion-id ID": AZURE,
    "az pipelines run --name signalbox-teardown --parameters installation=infra/installation.json"
    " serviceConnection=signalbox-writer environment=signalbox-prod steps=subscriptions": AZURE,
    "az identity create --name id-TEAM-ENVIRONMENT --resource-group GROUP"
    ' --query "{client: clientId, principal: principalId}" --output yaml': AZURE,
    "az pipelines runs artifact download --run-id ID --artifact-name plan --path plan": AZURE,
    "az storage container immutability-policy show --resource-group rg-datahub --account-name datahub"
    " --container-name CONTAINER": AZURE,
    "az storage container immutability-policy lock --resource-group rg-datahub --account-name datahub"
    " --container-name CONTAINER --if-match ETAG": AZURE,
    'az keyvault secret set --vault-name VAULT --name secrets-key --value "$(openssl rand -base64 32)"': AZURE,
    "az functionapp stop --name APP --resource-group rg-signalbox-prod": AZURE,
    "az functionapp start --name APP --resource-group rg-signalbox-prod": AZURE,
    "az storage container list --account-name datahub --auth-mode login --include-deleted"
    ' --query "[?deleted].[name,version]"': AZURE,
    "az storage container restore --account-name datahub --auth-mode login --name signalbox"
    " --deleted-version VERSION": AZURE,
    "az storage blob undelete --account-name datahub --auth-mode login --container-name signalbox --name PATH": AZURE,
    "az pipelines create --name signalbox-plan --yml-path pipelines/infra/plan.yml --repository"
    " signalbox --repository-type tfsgit --branch main --skip-first-run true": AZURE,
    "az pipelines run --name signalbox-plan --parameters installation=infra/installation.json"
    " serviceConnection=signalbox-reader steps=platform,hub": AZURE,
    "az pipelines run --name signalbox-apply --parameters installation=infra/installation.json"
    " serviceConnection=signalbox-writer environment=signalbox-prod steps=platform,hub"
    " digest=DIGEST": AZURE,
    "az pipelines run --name signalbox-deploy-app --parameters serviceConnection=signalbox-app"
    " environment=signalbox-prod app=APP version=0.1.0 packages=packages hubAccount=ACCOUNT inFlight=ignore": AZURE,
    "export SIGNALBOX_URL=https://APP.azurewebsites.net SIGNALBOX_TOKEN_AUDIENCE=CLIENT_ID": AZURE,
    "signalbox suggest ward-reports landing/wards/north/june.csv --within 900": ONE_RUN,
    "signalbox score ward-reports landing/wards/north/june.csv --override instance_count=4"
    ' --reason "the backlog of June"': ONE_RUN,
    'signalbox reprocess RUN --override mini_batch_size=10 --reason "it ran out of memory"': ONE_RUN,
    "signalbox delegate PROMOTION --role product-owner --to hopper@example.org --evidence sha256:..."
    ' --reason "away until Monday"': DELEGATE,
    "signalbox delegate PROMOTION --role product-owner --take-back": DELEGATE,
    "signalbox provision teardown churners experimentation --role platform-engineer"
    ' --reason "the project is over" --as barbara@example.org': TEARDOWN,
    "signalbox provision teardown churners experimentation --role product-owner"
    ' --reason "agreed" --as grace@example.org': TEARDOWN,
    "python -m shared.operations.infrastructure signalbox.yaml > infra/generated/signalbox.json": INFRASTRUCTURE,
    "python -m infra.check infra/installation.json": INFRASTRUCTURE,
    'signalbox data publish churn-holdout@3 evaluation/churn/ --note "the third quarter"'
    " --as ada@example.org": DATASETS,
    "signalbox data show churn-holdout@3": DATASETS,
    "signalbox import ward-reports https://data.example.org/wards/june.csv --capture site=north"
    ' --reason "June, as agreed with the ward"': IMPORTS,
    "signalbox import ward-reports azureml:ward-files:3 --to landing/wards/north/"
    ' --reason "the files of the pilot"': IMPORTS,
    "signalbox data register churn-labels:3 labels/ --environment dev": ASSETS,
    "signalbox data datastore landing datahub/landing --environment dev": ASSETS,
    "signalbox replay --export histories": REPLAYS,
    "signalbox replay --against ../new-release": REPLAYS,
    "signalbox replay --from histories --against ../new-release --strict": REPLAYS,
    "signalbox replay --hub signalbox --account ACCOUNT --against ../new-release": (
        "tests/host/test_azure_histories.py reads a hub of Azurite's"
    ),
    "python train_and_deploy.py": "tests/emulators/test_azure_scripts.py runs it as a proof",
    "signalbox package": "make proof-worker makes a whole package; tests/projects/test_libraries.py makes a small one",
    "pip install signalbox": "tests/packaging installs the wheel into an environment of its own",
    "cd wine && pip install -r requirements.txt && make ci": TEAM,
    "python training/train.py build": TEAM,
    "signalbox model validate wine:1 build": TEAM,
    "signalbox model contract training.csv": "tests/unit/data/test_inferred_contract.py runs the program behind it",
    "signalbox model golden wine:1 rows.csv --without class": "tests/projects/test_validate.py makes such requests",
    "signalbox model register wine:1 build": MODEL,
    "signalbox model deploy wine:1 --batch wine-try-files --online wine-try": MODEL,
    "signalbox model invoke wine-try request.json": MODEL,
    "signalbox model flag wine:1 --to prod": MODEL,
    "signalbox train": KINDS,
    "signalbox train --set recipe=simple": KINDS,
    "signalbox train training/sweep.yaml": MODEL,
    "signalbox new wine --defaults --answer kind=text": KINDS,
    "pip install --upgrade signalbox && signalbox update": "tests/projects/test_update.py updates a project",
    **dict.fromkeys(PRODUCTION, "a rollout lasts hours; tests/rollout asks the same doors"),
    "signalbox prove PROMOTION --to proof.json": "tests/trust/test_verifier.py asks the same door of a whole promotion",
    "signalbox prove PROMOTION --to proof.zip --zip": "tests/trust/test_archives.py asks the same door",
    "signalbox-verify proof.zip --keys trusted-keys.json --bundle FOLDER": "tests/trust/test_archives.py verifies one",
    "signalbox prove PROMOTION --to proof.json --model-sig model.sig --keys trusted-keys.json": (
        "tests/trust/test_model_signing.py makes the same of a proof that was kept"
    ),
    "model_signing verify key --signature model.sig --public_key deciding-1.pem FOLDER": (
        "needs sigstore's library; make proof-model-signing runs it"
    ),
    "signalbox-verify PROMOTION.dsse.json --keys trusted-keys.json --bundle FOLDER": (
        "tests/trust/test_provenance.py verifies what lies in a place"
    ),
    "signalbox-verify proof.json --keys trusted-keys.json --bundle FOLDER": "tests/trust verifies whole promotions",
    "make demo": CLOUD,
    "make test": "is these tests",
    "make check": "CI runs it beside these tests",
    ".venv/bin/signalbox up": "is the local cloud of these tests",
    "make demo-retraining": CLOUD,
    "make demo-devops": CLOUD,
    "make demo-messaging": CLOUD,
    "make demo-production": CLOUD,
    "make demo-provisioning": CLOUD,
    'eval "$(_SIGNALBOX_COMPLETE=zsh_source signalbox)"': "needs zsh; tests/cli/test_status.py reads the script",
    "_SIGNALBOX_COMPLETE=fish_source signalbox | source": "needs fish; tests/cli/test_status.py reads the script",
    "signalbox host start --app . --port 7071 --state .signalbox/host": HOST,
    "python -m signalbox.host start": HOST,
    "python3.13 -m venv .venv-worker": LIBRARY,
    ".venv-worker/bin/pip install 'azure-functions-runtime>=1.3,<2' -r requirements.txt": LIBRARY,
    "signalbox host start --worker-python .venv-worker/bin/python": LIBRARY,
    **dict.fromkeys(TESTS_OF_THE_GUIDE, "is these tests"),
    "az keyvault create --name kv-signalbox-keys --resource-group rg-signalbox-prod --enable-rbac-authorization"
    " --enable-purge-protection": AZURE,
    "az keyvault key set-attributes --vault-name kv-signalbox-keys --name signalbox-door --version VERSION"
    " --enabled false": AZURE,
    "signalbox keys new door --vault https://kv-signalbox-keys.vault.azure.net --trusted trusted-keys.json": AZURE,
    "az confidentialledger create --name NAME --resource-group rg-audit --location westeurope --ledger-type Public"
    " --aad-based-security-principals ledger-role-name=Contributor principal-id=APP_OBJECT_ID": AZURE,
    "az ml component create --file train-component.yaml": AZURE,
    "az ml component create --file pipeline.yaml": AZURE,
    "az ml batch-endpoint create --name diabetes-training": AZURE,
    "az ml batch-deployment create --file deployment.yaml --set-default": AZURE,
}
ELSEWHERE = {
    "docs/operations.md": "tests/onemachine/test_tour.py",  # Every command of the runbook, where it goes wrong.
    "docs/tutorial.md": "tests/packaging/test_tutorial.py",  # Every command in its order, in a project of its own.
}
HOLDOUT = ".signalbox/example/holdout.csv"
SIGN_IN = "APP=http://127.0.0.1:7071/api/v1; TOKEN=$(.venv/bin/signalbox token --as ada@example.org); "


def _nothing(desk: Desk) -> None:
    del desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """*prints*: expressions that must be found in what *command* prints, once *names* are put in the place of its
    placeholders and *before* has been done; *code* is how it ends."""

    command: str
    prints: tuple[str, ...]
    names: tuple[tuple[str, str], ...] = ()
    before: Callable[[Desk], None] = _nothing
    code: int = 0
    prelude: str = ""
    until_line: bool = False


def first_run(desk: Desk) -> None:
    """RUN is the run of the file that the first command dropped, once it has ended."""
    if "RUN" not in desk.names:
        runs = desk.eventually(lambda: [row for row in desk.app.get("runs")["runs"] if row["outcome"]])
        desk.names["RUN"] = runs[-1]["run"]


def broken_configuration(desk: Desk) -> None:
    folder = desk.folder / "wrong"
    folder.mkdir(exist_ok=True)
    (folder / "examples").symlink_to(PROJECT / "examples")
    (folder / "signalbox.yaml").write_text(
        """\
environments:
  dev: {subscription: s, resource_group: g, workspace: w}
hub: {account: datahub}
routes:
  # Every night.
  nightly:
    take: landing/nightly/{site}/{name}.csv
    contract: examples/diabetes/contract.yaml
    score: {environment: prod, endpoint: e, deployment: blue, model: "risk:latest"}
    overrides: {error_threshold: -2}
    publish: landing/{site}/{run}
    give_up_after: soon
    tel: [owner@example.org]
"""
    )


def promoted(desk: Desk) -> None:
    """PROMOTION waits for people, and its evidence is written."""
    if "PROMOTION" in desk.names:
        return

    def waiting() -> list[tuple[str, str]]:
        rows = [row["promotion"] for row in desk.app.get("promotions")["promotions"]]
        shown = [desk.app.get(f"promotions/{row}") for row in rows]
        return [(one["id"], pack["digest"]) for one in shown for pack in one["evidence"] if pack["stage"] == "central"]

    desk.names["PROMOTION"], desk.names["sha256:..."] = desk.eventually(waiting)[0]


def training(desk: Desk) -> None:
    """RUN is the run of training under way."""
    desk.names["TRAINING"] = desk.eventually(lambda: desk.app.get("models/diabetes-progression/retraining")["running"])


def march(desk: Desk) -> None:
    (desk.folder / "march.csv").write_text((desk.folder / HOLDOUT).read_text())


def a_contract(desk: Desk) -> None:
    (desk.folder / "contract.yaml").write_text((PROJECT / "examples/diabetes/contract.yaml").read_text())


def without_keys(desk: Desk) -> None:
    for name in ("door.pem", "trusted-keys.json"):
        (desk.folder / name).unlink(missing_ok=True)


def with_a_key(desk: Desk) -> None:
    without_keys(desk)
    desk.run("signalbox keys new door --pem door.pem --trusted trusted-keys.json")


def without_bus(check: Check) -> bool:
    return check.command.startswith(("signalbox send", "signalbox stream")) and not is_available()


DROPPED = (r"landed landing/diabetes/each/local/holdout.csv", r"route diabetes-each scores it")
CHECKS = (
    Check(command="make up", prints=()),
    Check(command='eval "$(signalbox env)"', prints=()),
    Check(command="signalbox env --workspace mlw-dev > config.json", prints=()),
    Check(command='eval "$(signalbox env --unset)"', prints=()),
    Check(command=f".venv/bin/signalbox drop {HOLDOUT} --route diabetes-each", prints=DROPPED),
    Check(
        command='signalbox retrain diabetes-progression --reason "new ward" --data training/diabetes/patients.csv'
        " --as ada@example.org",
        prints=(r"^model +diabetes-progression$", r"^cause +\S+"),
    ),
    Check(
        command="signalbox plan promote diabetes-progression:2 --to central --out plan.json",
        prints=(
            r"^plan +sha256:",
            r"^gates\n +preprod",
            r"better_than_champion",
            r"^approvals\n +central",
            r"^unmet\n +",
        ),
    ),
    Check(
        command="signalbox promote diabetes-progression:2 --to central --plan plan.json"
        ' --reason "better on new patients" --as linus@example.org',
        prints=(r"^resource +/api/v1/promotions/",),
    ),
    Check(command="APP=http://127.0.0.1:7071/api/v1", prints=()),
    Check(command="TOKEN=$(.venv/bin/signalbox token --as ada@example.org)", prints=()),
    Check(command="curl -s $APP/health", prelude=SIGN_IN, prints=(r'"status": "alive"', r'"diabetes-each"')),
    Check(
        command='curl -s -H "Authorization: Bearer $TOKEN" "$APP/runs?limit=5"',
        prelude=SIGN_IN,
        prints=(r'"total": \d', r'"route": "diabetes-each"'),
        before=first_run,
    ),
    Check(
        command="curl -si -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json'"
        ' -H \'Idempotency-Key: monday-1\' -d \'{"path": "evaluation/diabetes/holdout.csv", "route": "diabetes-each"}\''
        " $APP/data-checks",
        prelude=SIGN_IN,
        prints=(
            r"^HTTP/1.1 202",
            r"(?i)^location: /api/v1/operations/check-",
            r'"resource": "/api/v1/data-checks/check-',
        ),
    ),
    Check(command=".venv/bin/signalbox status", prints=(r"^run\troute\toutcome", r"\tcompleted\t"), before=first_run),
    Check(
        command=".venv/bin/signalbox status RUN",
        prints=(r"^run +RUN$", r"^outcome +completed$", r"^step\tat$", r"^published\t"),
        before=first_run,
    ),
    Check(command=".venv/bin/signalbox logs RUN", prints=(r"^job \S+: ",), before=first_run),
    Check(command=".venv/bin/signalbox explain RUN", prints=(r"^nothing is unmet$",), before=first_run),
    Check(
        command=".venv/bin/signalbox download RUN --as owner@example.org",
        prints=(r"^RUN/predictions.csv  \d+ rows  sha256:[0-9a-f]{64}$",),
        before=first_run,
    ),
    Check(
        command=".venv/bin/signalbox trace RUN",
        prints=(r"^trace [0-9a-f]{32}$", r"run_inference", r"announce_run"),
        before=first_run,
    ),
    Check(
        command="signalbox replay RUN",
        prints=(r"^RUN +run_inference$", r"^    > call open_run ", r"^1 replayed, 0 diverge$"),
        before=first_run,
    ),
    Check(command="signalbox trace diabetes-each-3f2c81d4a90b7e65-1", prints=(r"RUN",), before=first_run),
    Check(command=".venv/bin/signalbox check FILE --route diabetes-each", prints=(r"^passed: \d+ rows$",)),
    Check(
        command="signalbox data profile training.csv",
        names=(("training.csv", HOLDOUT),),
        prints=(r"^wrote holdout.csv.html: \d+ rows, \d+ columns$",),
    ),
    Check(command="signalbox provision status", prints=(r"^nothing was ordered yet$",)),
    Check(command="signalbox provision drift", prints=(r"^everything is as it was verified$",)),
    Check(
        command="signalbox provision sign-in data-scientist --as ada@example.org",
        prints=(r"^ada@example.org may do what data-scientist may$",),
    ),
    Check(command="signalbox data list", prints=(r"^nothing was published yet; ",)),
    Check(command="signalbox imports", prints=(r"^nothing has been imported yet; ",)),
    Check(command=".venv/bin/signalbox dlq list", prints=(r"^no dead letters",)),
    Check(command="signalbox rollout list", prints=(r"^no traffic was shifted yet$",)),
    Check(
        command="signalbox known-good diabetes-progression",
        prints=(r"^no version of diabetes-progression has served production$",),
    ),
    Check(
        command="signalbox serving diabetes-online --environment prod --at 2026-11-29T12:00:00Z",
        prints=(r"^nothing is known to have served diabetes-online at 2026-11-29T12:00:00Z$",),
    ),
    Check(
        command="signalbox alerts diabetes-online --environment prod",
        prints=(r"^no alert of a configured rule was about diabetes-online$",),
    ),
    Check(command="signalbox new wine --defaults", prints=(r"^made wine: \d+ files; its README", r"^go on: cd wine")),
    Check(
        command="signalbox package --no-libraries",
        prints=(r"^wrote dist/app: \d+ files, with signalbox.yaml, ", r"^deploy it: "),
    ),
    Check(command="signalbox --version", prints=(r"^signalbox, version \d",)),
    Check(command="signalbox --help", prints=(r"^Usage: signalbox", r"^  status ")),
    Check(command="signalbox status --watch", prints=(r"RUN  diabetes-each", r"^stopped"), code=130, until_line=True),
    Check(command="signalbox schedules list", prints=(r"^schedule\tdoes", r"^monthly-training\tretrain diabetes")),
    Check(
        command="signalbox profile FILE --contract CONTRACT --force",
        names=(("CONTRACT", "contract.yaml"), ("FILE", ".signalbox/example/train.csv")),
        prints=(r"^wrote reference-profile.json: \d+ rows, ",),
        before=a_contract,
    ),
    Check(command='eval "$(_SIGNALBOX_COMPLETE=bash_source signalbox)"', prints=()),
    Check(
        command=".venv/bin/signalbox config check signalbox.yaml",
        names=((" signalbox.yaml", " wrong/signalbox.yaml"),),
        prints=(),  # What the document shows, line by line.
        before=broken_configuration,
        code=1,
    ),
    Check(
        command="signalbox drift diabetes-progression",
        prints=(r"^version +1$", r"^rows +\d+ of 400"),
        before=lambda desk: desk.eventually(lambda: desk.app.get("models/diabetes-progression/drift")["versions"]),
    ),
    Check(command="signalbox drift check FILE --route diabetes-each", prints=(r"^(none|inconclusive): ",), code=-1),
    Check(
        command="signalbox features FILE --target progression",
        names=(("FILE", ".signalbox/example/labelled.csv"),),
        prints=(r"^column\tselected\t", r"^bmi\tyes\t"),
    ),
    Check(
        command="signalbox promotions PROMOTION",
        prints=(r"^promotion +PROMOTION$", r"^central\tentry\t\S+pack.html\tsha256:"),
        before=promoted,
    ),
    Check(command=".venv/bin/signalbox promotions", prints=(r"^promotion\tmodel\t", r"^PROMOTION\t"), before=promoted),
    Check(command="signalbox promotions", prints=(r"^PROMOTION\tdiabetes-progression:2\tcentral\t",), before=promoted),
    Check(
        command="signalbox evidence PROMOTION --out page.html",
        prints=(r"^page +page.html$", r"^digest +sha256:"),
        before=promoted,
    ),
    Check(
        command='signalbox approve PROMOTION --role data-scientist --evidence sha256:... --reason "looked at it"'
        " --as ada@example.org",
        prints=(r"^promotion +PROMOTION$",),
        before=promoted,
    ),
    Check(
        command="signalbox explain PROMOTION",
        prints=(r"^central: product-owner: nobody has approved",),
        before=promoted,
    ),
    Check(
        command=".venv/bin/signalbox history diabetes-progression",
        prints=(r"^at\tmodel\twhat", r"ada@example.org"),
        before=promoted,
    ),
    Check(
        command="signalbox audit list --since 2026-11-01",
        prints=(r"^at\tabout\twhat", r"ada@example.org"),
        before=promoted,
    ),
    Check(command="signalbox audit verify", prints=(r"^chain +whole$",)),
    Check(
        command='.venv/bin/signalbox retrain diabetes-progression --reason "to see it" --as ada@example.org',
        prints=(r"^model +diabetes-progression$",),
    ),
    Check(
        command=".venv/bin/signalbox retraining diabetes-progression",
        prints=(r"^open causes +\d", r"^run\toutcome\tchallenger|^it has not been retrained yet"),
    ),
    Check(command="signalbox retraining diabetes-progression", prints=(r"^open causes +\d",)),
    Check(
        command='signalbox cancel RUN --reason "wrong labels" --as linus@example.org',
        names=(("RUN", "TRAINING"),),
        prints=(r"^order +cancel$|is over|ended|no longer|has registered",),
        before=training,
        code=-1,
    ),
    Check(command="signalbox drop march.csv --route diabetes-each", prints=(r"local/march.csv",), before=march),
    Check(
        command="signalbox send landing/diabetes/each/local/march.csv --wait 60",
        prints=(r"^sent cli-\w+ in session", r"^completed  diabetes-each-"),
        before=march,
    ),
    Check(
        command=f"signalbox stream {HOLDOUT} --stream diabetes-visits --key oslo --wait 60",
        prints=(r"^sent \d+ records in \d+ messages of key oslo", r"^completed  diabetes-each-"),
    ),
    Check(
        command="signalbox keys new door --pem door.pem --trusted trusted-keys.json",
        prints=(r"^door-1 is trusted for door from ", r"SIGNALBOX_SIGNING_KEYS: door=door-1@file:\S+door.pem$"),
        before=without_keys,
    ),
    Check(
        command="signalbox keys list --trusted trusted-keys.json", prints=(r"^door-1 +door .* yes$",), before=with_a_key
    ),
    Check(
        command='signalbox keys revoke door-1 --because "the app\'s identity was used from elsewhere"'
        " --trusted trusted-keys.json",
        prints=(r"^door-1 is revoked: nothing is believed",),
        before=with_a_key,
    ),
    Check(command=".venv/bin/signalbox doctor", prints=(r"\d+ ok",)),
)
BY_COMMAND = {check.command: check for check in CHECKS}


def test_no_block_hides_a_command() -> None:
    assert hidden_commands() == [], "mark the block with sh or console"


def test_every_documented_command_is_run_here_or_is_an_exception_with_a_reason() -> None:
    shown = {shown.command for shown in shown_commands() if shown.document not in ELSEWHERE}

    assert all((PROJECT / test).is_file() for test in ELSEWHERE.values())
    assert shown - set(BY_COMMAND) - set(EXCEPTIONS) == set(), "add a Check, or a reason to EXCEPTIONS"
    assert (set(BY_COMMAND) | set(EXCEPTIONS)) - shown == set(), "no document shows these any more"
    assert len(CHECKS) == len(BY_COMMAND)


@pytest.mark.parametrize("command", [shown.command for shown in shown_commands() if shown.command.startswith("make ")])
def test_a_documented_target_is_there(command: str) -> None:
    plan = subprocess.run([*command.split(), "-n"], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert plan.stdout.strip()


@pytest.mark.parametrize(("document", "command"), sorted(set(inline_commands())))
def test_a_command_that_prose_names_is_there(document: str, command: str) -> None:
    assert unknown_words(command.replace("[", "").replace("]", "")) == []


def test_up_says_what_runs_where(desk: Desk) -> None:
    for part in (
        "app",
        "data hub",
        "event grid",
        "azure ml",
        "azure devops",
        "key vault",
        "directory",
        "configuration",
        "logs",
    ):
        assert re.search(rf"^{part}\t\S+", desk.announced, re.MULTILINE), desk.announced
    assert "example    diabetes-progression:1 deployed; try .signalbox/example/holdout.csv" in desk.announced


@pytest.mark.parametrize("check", CHECKS, ids=[check.command for check in CHECKS])
def test_a_documented_command_does_what_it_says(desk: Desk, check: Check) -> None:
    if without_bus(check):
        pytest.skip("no Service Bus emulator: Qpid Proton is not built")
    if check.command == "make up":
        return  # The desk itself.
    check.before(desk)
    printed = desk.run(_filled(desk, check), check.until_line)

    assert check.code in (printed.code, -1), printed
    assert "Traceback" not in printed.text
    for expression in check.prints:
        for name, value in desk.names.items():
            expression = expression.replace(name, re.escape(value))
        assert re.search(expression, printed.text, re.MULTILINE), (expression, printed.text)
    _compare_with_document(check, printed.text)


def _filled(desk: Desk, check: Check) -> str:
    """The command as a reader would type it."""
    command = check.prelude + check.command
    for name, value in (*check.names, ("FILE", HOLDOUT), ("diabetes-each-3f2c81d4a90b7e65-1", "RUN")):
        command = command.replace(name, value)
    for name, value in desk.names.items():
        command = command.replace(name, value)
    return command.replace("http://127.0.0.1:7071", desk.endpoints.app)


def _compare_with_document(check: Check, text: str) -> None:
    """Every name that a document shows below the command is printed: times, ids and durations differ.

    What the tutorial shows is of a project of its own: tests/packaging/test_tutorial.py types it.
    """
    for shown in shown_commands():
        for line in shown.prints if shown.command == check.command and shown.document != "docs/tutorial.md" else ():
            expected = line if check.code == 1 else " ".join(re.findall(r"\b[a-z]+_[a-z_]+|BlobArrived\b", line))
            assert expected in text, (expected, text)
