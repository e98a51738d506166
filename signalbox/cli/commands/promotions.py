"""Plan promotions, ask for them, decide on them, and see where they stand."""

import json
import sys
import time
from base64 import b64decode
from pathlib import Path
from typing import Any

import click

from signalbox.cli.app_client import PAGE, AppClient, find_app, local_holders
from signalbox.cli.errors import NO, CliError, RefusedByApp, Unusable, first_line
from signalbox.cli.model_signatures import model_signature, read_keys
from signalbox.cli.names import ENVIRONMENTS, MODELS, PROMOTIONS, RUNS, STAGES, refuse_unknown, suggesting
from signalbox.cli.output import emit_answer, emit_facts, emit_json, emit_table
from signalbox.cli.progress import waiting

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_as = click.option("--as", "person", default="", help="Who you are in the local directory; on Azure it is az login's.")
_reason = click.option("--reason", required=True, help="Why; kept for ever.")
_role = click.option("--role", required=True, help="The role in which you decide.")
_PLANNED_WITHIN_S = (0.5, 1, 1.5, 2, 2)
_NO_PROMOTIONS = "no promotion yet; `signalbox plan promote MODEL:VERSION --to STAGE` says what one would do"
_to = click.option("--to", "target", required=True, help="The stage to reach.")


@click.group()
def plan() -> None:
    """Work out what would happen, and change nothing."""


@plan.command("promote")
@click.argument("model")
@_to
@click.option("--out", type=click.Path(path_type=Path), help="Keep the plan, to promote by it.")
@_json
def plan_promote(model: str, target: str, out: Path | None, as_json: bool) -> None:
    """Every write, gate, approval and unmet condition of promoting MODEL:VERSION."""
    app = find_app()
    with suggesting(app, MODELS, model.partition(":")[0]), suggesting(app, STAGES, target):
        plan_report = app.post("plans", {"model": model, "to": target})
    if out:
        out.write_text(json.dumps(plan_report["plan"], indent=2), encoding="utf-8")
    if as_json:
        emit_json(plan_report)
        return
    bundle = plan_report["plan"]
    emit_facts({"plan": plan_report["digest"], "bundle": bundle["digest"], "size": f"{bundle['size']} bytes"})
    for name in ("gates", "odds", "approvals", "writes", "routes", "costs", "quota", "rollout", "unmet"):
        click.echo(f"\n{name}")
        for line in plan_report[name]:
            click.echo(f"  {line}")


@click.command()
@click.argument("models", nargs=-1, required=True)
@_to
@_reason
@click.option(
    "--plan", "plan_file", type=click.Path(exists=True, path_type=Path), help="Run this very plan or nothing."
)
@click.option("--each", is_flag=True, help="Let each of several models end as it may; otherwise all or none.")
@click.option("--break-glass", is_flag=True, help="Where gates fail, wait for those who may override them together.")
@_as
@_json
def promote(
    models: tuple[str, ...], target: str, reason: str, plan_file: Path | None, person: str, **flags: bool
) -> None:
    """Carry MODEL:VERSION up the ladder, or several models together."""
    body: dict[str, Any] = {"to": target, "reason": reason, "break_glass": flags["break_glass"]}
    if plan_file and len(models) > 1:
        raise click.UsageError("--plan is for one model; promote several without it")
    if plan_file:
        body["plan"] = _read_plan(plan_file)
    body |= {"model": models[0]} if len(models) == 1 else {"models": list(models), "atomic": not flags["each"]}
    app = find_app(person, signed=True)
    with suggesting(app, MODELS, models[0].partition(":")[0]), suggesting(app, STAGES, target):
        answer = app.post("promotions", body)
    emit_answer(answer, flags["as_json"])
    if len(models) > 1:
        return
    with waiting(f"planning {models[0]}"):
        _refuse_refused(app, answer["id"])
    if not flags["as_json"]:
        click.echo(f"`signalbox explain {answer['id']}` says what it waits for, or why it was refused", err=True)


def _refuse_refused(app: AppClient, promotion: str) -> None:
    """Look for a few seconds whether *promotion* was refused, as an incomplete folder is. Raises RefusedByApp then.

    What takes longer is for `explain`: a plan hashes the whole bundle. Who may not read promotions hears nothing.
    """
    for pause_s in _PLANNED_WITHIN_S:
        time.sleep(pause_s)  # noqa: TID251 - Polls a few times.
        try:
            record = app.get(f"promotions/{promotion}")
        except CliError:
            return
        if record["fate"] == "refused":
            raise RefusedByApp(f"{promotion} was refused: {'; '.join(record['because'])}")
        if record["fate"] or (record["promotion"] and record["step"] not in ("", "planning")):
            return


@click.command()
@click.argument("promotion", required=False)
@click.option("--model", help="Only promotions of this model.")
@click.option("--fate", default="", help="Only those that ended so: promoted, held, expired, failed, refused.")
@click.option(
    "--waiting", "only_waiting", is_flag=True, help="What waits for people: for whom, since when and until when."
)
@_json
def promotions(promotion: str | None, model: str | None, fate: str, only_waiting: bool, as_json: bool) -> None:
    """Show the newest promotions, or one PROMOTION with its evidence."""
    app = find_app()
    if promotion:
        with suggesting(app, PROMOTIONS, promotion):
            listing = app.get(f"promotions/{promotion}")
        emit_json(listing) if as_json else _show(listing)
        return
    listing = app.get("promotions", model=model or "", fate="waiting" if only_waiting else fate)
    if model and not listing["promotions"]:
        refuse_unknown(app, MODELS, model)
    if as_json:
        emit_json(listing)
    elif only_waiting:
        _show_waiting(listing["promotions"])
    else:
        rows = [
            (row["promotion"], f"{row['model']}:{row['version']}", row["target"], row["fate"] or "under way")
            for row in listing["promotions"]
        ]
        emit_table(("promotion", "model", "to", "fate"), rows, "no promotion fits" if model or fate else _NO_PROMOTIONS)


def _decision(action: str, help_text: str) -> click.Command:
    """A command that records what the caller decides on evidence they have looked at."""

    @click.command(action, help=help_text)
    @click.argument("promotion")
    @_role
    @_reason
    @click.option("--evidence", required=True, help="The digest on the evidence page that you have looked at.")
    @_as
    @_json
    def decide(promotion: str, person: str, as_json: bool, **body: str) -> None:
        _decide(action, promotion, dict(body), person, as_json)

    return decide


approve = _decision("approve", "Approve PROMOTION, on the evidence you were shown.")
reject = _decision("reject", "Reject PROMOTION: everything is put back.")


@click.command()
@click.argument("promotion")
@_role
@click.option("--stage", default="", help="The stage it is on; without it, the newest that is not used yet.")
@click.option("--phase", type=click.Choice(["entry", "exit"]), help="The phase whose glass you agreed to break.")
@_as
@_json
def withdraw(promotion: str, person: str, as_json: bool, **body: str | None) -> None:
    """Take back your own decision on PROMOTION, or your consent to break its glass, before it is used."""
    _decide("withdraw", promotion, {name: value for name, value in body.items() if value}, person, as_json)


@click.command()
@click.argument("promotion")
@_role
@click.option("--to", default="", help="The person, as the configuration names them: an object id or a principal name.")
@click.option("--evidence", default="", help="The digest on the evidence page that you have looked at.")
@click.option("--reason", default="", help="Why; kept for ever.")
@click.option("--take-back", is_flag=True, help="Decide yourself again.")
@_as
@_json
def delegate(promotion: str, person: str, as_json: bool, take_back: bool, **body: str) -> None:
    """Leave what PROMOTION asks of your role to another person, who is told of it."""
    missing = [f"--{name}" for name in ("to", "evidence", "reason") if not body[name]]
    if missing and not take_back:
        raise click.UsageError(f"say {', '.join(missing)}; or take back what you left to somebody, with --take-back")
    if take_back:
        _decide("withdraw-delegation", promotion, {"role": body["role"]}, person, as_json)
    else:
        _decide("delegate", promotion, dict(body), person, as_json)


@click.command("break-glass")
@click.argument("promotion")
@_role
@_reason
@click.option("--stage", required=True, help="The stage whose gates are overridden.")
@click.option("--phase", type=click.Choice(["entry", "exit"]), default="exit", help="The phase whose gates failed.")
@click.option("--evidence", required=True, help="The digest of the failing evidence.")
@_as
@_json
def break_glass(promotion: str, person: str, as_json: bool, **body: str) -> None:
    """Agree to override the failing gates of PROMOTION; it takes every role of the policy, and is loud."""
    _decide("break-glass", promotion, dict(body), person, as_json)


@click.command()
@click.argument("promotion")
@click.option("--stage", default="", help="The stage; without it, the newest page.")
@click.option("--phase", type=click.Choice(["entry", "exit"]), help="The phase of the stage.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("evidence.html"), show_default=True)
def evidence(promotion: str, stage: str, phase: str | None, out: Path) -> None:
    """Save the evidence page of PROMOTION, to be looked at in a browser, and say its digest."""
    filters = {"stage": stage, "phase": phase or ""}
    app = find_app()
    with suggesting(app, PROMOTIONS, promotion):
        page = app.get(f"promotions/{promotion}/evidence", **{k: v for k, v in filters.items() if v})
    out.write_text(page["html"], encoding="utf-8")
    emit_facts({"stage": f"{page['stage']} {page['phase']}", "page": str(out), "digest": page["digest"]})


@click.command()
@click.argument("name", metavar="RUN|PROMOTION")
@_json
def explain(name: str, as_json: bool) -> None:
    """Each unmet condition of a run, a training or a promotion, with who can meet it."""
    app = find_app()
    with suggesting(app, PROMOTIONS, name), suggesting(app, RUNS, name):
        explanation = app.get(f"explanations/{name}")
    if as_json:
        emit_json(explanation)
        return
    for line in explanation["unmet"] or ["nothing is unmet"]:
        click.echo(line)


@click.command()
@click.argument("model")
@click.option("--at", default="", help="What was known at this time (ISO 8601).")
@_json
def history(model: str, at: str, as_json: bool) -> None:
    """What happened to MODEL, from the audit log."""
    app = find_app()
    log = app.get(f"models/{model}/history", **({"at": at} if at else {}))
    if not log["entries"]:
        refuse_unknown(app, MODELS, model.partition(":")[0])
    if as_json:
        emit_json(log)
        return
    _emit_entries(log["entries"], "model", "the audit log has no entry on it")


@click.command()
@click.argument("model")
@click.option("--to", "environment", required=True, help="The environment that needs it.")
@_reason
@_as
@_json
def recover(model: str, environment: str, reason: str, person: str, as_json: bool) -> None:
    """Bring MODEL:VERSION back from the central registry, proven to be what was approved."""
    name, _, version = model.partition(":")
    body = {"version": version, "environment": environment, "reason": reason}
    app = find_app(person, signed=True)
    with suggesting(app, ENVIRONMENTS, environment), suggesting(app, MODELS, name):
        answer = app.post(f"models/{name}/recover", body)
    emit_answer(answer, as_json)


@click.group()
def audit() -> None:
    """The append-only record of every decision, approval and movement."""


@audit.command("verify")
@click.option(
    "--since", metavar="HEAD", default="", help="Read only what came after this tree head (SIZE:ROOT, or SIZE)."
)
@_json
def verify_audit(since: str, as_json: bool) -> None:
    """Prove that no entry was changed, removed or reordered, and that published heads hold; 1 where that is not so."""
    audit = find_app().get("audit", **({"since": since} if since else {}))
    if as_json:
        emit_json(audit)
    else:
        state = "whole" if audit["whole"] else "BROKEN"
        facts = {"entries": str(audit["entries"]), "chain": state, "head": audit["head"]}
        emit_facts(facts | {"tree head": audit["tree_head"]})
        for line in audit["broken"]:
            click.echo(line)
    sys.exit(0 if audit["whole"] else NO)


@audit.command("list")
@click.option("--team", default="", help="Only entries that belong to this team.")
@click.option("--since", default="", help="Of this time or later (ISO 8601); a day ago by default.")
@click.option("--limit", type=click.IntRange(1), default=PAGE, show_default=True, help="The newest so many.")
@_json
def list_audit(team: str, since: str, limit: int, as_json: bool) -> None:
    """The entries of the log, the newest first."""
    entries = find_app().rows("audit/entries", "entries", limit, team=team, since=since)
    if as_json:
        emit_json(entries)
        return
    _emit_entries(entries, "about", "the audit log has no such entry; --since looks further back")


@audit.command("prove")
@click.argument("entry", type=click.IntRange(min=1))
@click.option("--out", type=click.Path(path_type=Path), help="The file to write; by default entry-ENTRY.proof.json.")
def prove_entry(entry: int, out: Path | None) -> None:
    """Write the proof that entry number ENTRY is in the log, for a verifier that does not have the product."""
    proof = find_app().get(f"audit/{entry}/proof")
    file = out or Path(f"entry-{entry}.proof.json")
    file.write_text(_canonical(proof), encoding="utf-8")
    emit_facts({"proof": str(file), "entry": str(entry), "of": str(proof["size"])})


@click.command("prove")
@click.argument("promotion")
@click.option("--to", "file", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option(
    "--model-sig",
    "signature_file",
    type=click.Path(path_type=Path),
    help="Write the model's signature too, as sigstore's model_signing verifies it, and KEY.pem beside it.",
)
@click.option(
    "--keys",
    "trusted",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The JSON Web Key Set that you trust, for --model-sig.",
)
@click.option("--stage", default="", help="The stage whose signature is written; by default the last one.")
@click.option("--zip", "as_archive", is_flag=True, help="An archive with pages to read, and how to verify it.")
def prove(
    promotion: str, file: Path, signature_file: Path | None, trusted: Path | None, stage: str, as_archive: bool
) -> None:
    """Write everything that is signed about PROMOTION, for `signalbox-verify`, which needs no product."""
    if as_archive and signature_file is not None:
        raise Unusable("--zip and --model-sig are two files: write one after the other")
    if as_archive:
        _write_archive(promotion, file)
        return
    if (signature_file is None) != (trusted is None):
        raise Unusable("--model-sig and --keys go together: the public key is taken from the keys that you trust")
    proof = find_app().get(f"promotions/{promotion}/proof")
    if signature_file is not None and trusted is not None:
        signature = model_signature(proof, read_keys(trusted), stage)
        signature_file.write_text(signature.bundle, encoding="utf-8")
        public_key = signature_file.with_name(f"{signature.keyid}.pem")
        public_key.write_text(signature.public_key, encoding="utf-8")
        emit_facts({"signature": str(signature_file), "of": signature.stage, "public key": str(public_key)})
    file.write_text(_canonical(proof), encoding="utf-8")
    statements, entries = len(proof["statements"]), len(proof["log"])
    emit_facts({"proof": str(file), "statements": str(statements), "entries of the log": str(entries)})


def _write_archive(promotion: str, file: Path) -> None:
    app = find_app()
    with suggesting(app, PROMOTIONS, promotion):
        archive = app.get(f"promotions/{promotion}/proof-pack")
    content = b64decode(archive["zip"])
    file.write_bytes(content)
    emit_facts({"archive": str(file), "bytes": str(len(content)), "sha256": archive["sha256"]})


def _canonical(proof: Any) -> str:
    """*proof* in its one form, so that a verifier notices every byte that was changed on the way."""
    return json.dumps(proof, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _read_plan(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        remedy = "write one with `signalbox plan promote MODEL:VERSION --to STAGE --out FILE`"
        raise Unusable(f"{file} is no plan: {first_line(error)}; {remedy}") from error


def _decide(action: str, promotion: str, body: dict[str, Any], person: str, as_json: bool) -> None:
    app = find_app(person, signed=True)
    with suggesting(app, PROMOTIONS, promotion):
        decision = app.post(f"promotions/{promotion}/{action}", body)
    emit_answer(decision, as_json)


def _emit_entries(entries: list[dict[str, Any]], subject: str, nothing: str) -> None:
    """A table of *entries*, whose subjects are a *subject*; its last column is there where they carry a team."""
    columns = ["at", subject, "what", "who", "where"]
    rows = [[entry["at"], entry["subject"], entry["kind"], entry["who"], _entry_text(entry)] for entry in entries]
    teams = [entry.get("team", "") for entry in entries]
    if any(teams):
        columns, rows = [*columns, "team"], [[*row, team] for row, team in zip(rows, teams, strict=True)]
    emit_table(columns, rows, nothing)


def _entry_text(entry: dict[str, Any]) -> str:
    facts = entry["facts"]
    return " ".join(str(facts[name]) for name in ("stage", "phase", "move", "role") if facts.get(name))


def _request_facts(promotion: dict[str, Any]) -> dict[str, str]:
    return {
        "model": f"{promotion['model']['name']}:{promotion['model']['version']}",
        "way": f"{promotion['source']} to {promotion['target']}",
        "asked by": promotion["requested_by"] or "the flag on the model",
    }


def _show(record: dict[str, Any]) -> None:
    emit_facts(
        {
            "promotion": record["id"],
            **(_request_facts(record["promotion"]) if record["promotion"] else {}),
            "status": record["status"],
            "step": record["step"],
            "fate": record.get("fate", ""),
            "because": "; ".join(record.get("because", ())),
            "opened": record["opened"],
            "closed": record.get("closed", ""),
        }
    )
    click.echo()
    rows = [(page["stage"], page["phase"], page["page"], page["digest"]) for page in record["evidence"]]
    emit_table(("stage", "phase", "evidence page", "digest"), rows, "no evidence has been written yet")


def _show_waiting(promotions: list[dict[str, Any]]) -> None:
    """A line for each role that is waited for."""
    rows = [
        (
            row["promotion"],
            f"{row['model']}:{row['version']}",
            f"{wait['stage']}{' (break the glass)' if wait['glass'] else ''}",
            wait["role"],
            wait["who"] + local_holders(wait["who"]),
            wait["since"],
            wait["until"],
        )
        for row in promotions
        for wait in row["waits"]
    ]
    emit_table(("promotion", "model", "stage", "role", "who", "since", "until"), rows, "nobody is waited for")
