"""`signalbox provision`: what requests of ServiceNow have become, whether it still is so, and its end by two people."""

from pathlib import Path
from typing import Any

import click

from signalbox.cli.app_client import find_app
from signalbox.cli.commands.platform.persona_rights import declared_rights, sign_in_problems
from signalbox.cli.errors import NO, RefusedByApp
from signalbox.cli.output import emit_answer, emit_facts, emit_json, emit_table

_STEPS = ("experimentation", "productionisation")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_as = click.option("--as", "person", default="", help="Who you are in the local directory; on Azure it is az login's.")
_step = click.argument("step", type=click.Choice(_STEPS))


@click.group()
def provision() -> None:
    """Follow the environments that requests of ServiceNow have ordered, and end them."""


@provision.command()
@click.argument("order")
@_json
def plan(order: str, as_json: bool) -> None:
    """Show the changes that ORDER plans: what a change request is about, and exactly what is applied."""
    record = find_app().get(f"provisioning/orders/{order}")
    if as_json:
        emit_json({name: record[name] for name in ("id", "state", "plan", "change", "lines")})
        return
    emit_facts({"order": record["id"], "state": record["state"], "plan": record["plan"], "change": record["change"]})
    for line in record["lines"] or ["nothing would change, or it is not planned yet"]:
        click.echo(line)


@provision.command()
@click.argument("order", default="")
@_json
def status(order: str, as_json: bool) -> None:
    """List the steps of every team, or show what was told of ORDER."""
    if not order:
        _list_all(as_json)
        return
    record = find_app().get(f"provisioning/orders/{order}")
    if as_json:
        emit_json(record)
        return
    facts = ("id", "team", "step", "request", "by", "state", "plan", "change")
    emit_facts({name: str(record[name]) for name in facts})
    click.echo()
    rows = [(row["at"], row["state"], row["because"]) for row in record["transitions"]]
    emit_table(("at", "state", "because"), rows)


@provision.command()
@click.option("--team", default="", help="Of this team alone.")
@click.option("--look", is_flag=True, help="Look now, and not only at what the night has found.")
@_as
@_json
@click.pass_context
def drift(context: click.Context, team: str, look: bool, person: str, as_json: bool) -> None:
    """Show what somebody has changed by hand since it was verified; ends with 1 where there is anything."""
    app = find_app(person, signed=bool(person))
    if look:
        app.follow(app.post("provisioning/drift-looks", {"reason": "signalbox provision drift --look"}))
    page = app.get("provisioning", **({"team": team} if team else {}))
    drifted = [row for row in page["provisioned"] if row["drift"]]
    if as_json:
        emit_json(drifted)
    else:
        rows = [(row["name"], row["looked"], line) for row in drifted for line in row["drift"]]
        emit_table(("step", "looked", "difference"), rows, "everything is as it was verified")
    context.exit(NO if drifted else 0)


@provision.command()
@click.argument("order")
@click.option("--reason", required=True, help="Why; kept in the audit log.")
@_as
@_json
@click.pass_context
def resume(context: click.Context, order: str, reason: str, person: str, as_json: bool) -> None:
    """Begin ORDER, which has stopped, once more: it is planned anew, and approved again if that differs."""
    app = find_app(person, signed=bool(person))
    operation = app.follow(app.post(f"provisioning/orders/{order}/resume", {"reason": reason}))
    result = operation.get("result")
    if not isinstance(result, dict):
        raise RefusedByApp(f"{operation['id']} ended as {operation['status']}: {operation['because']}")
    emit_answer(result, as_json)
    context.exit(0 if result["state"] == "ready" else NO)


@provision.command("sign-in")
@click.argument("persona")
@click.option(
    "--config",
    "configuration",
    default="signalbox.yaml",
    show_default=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file whose matrix is compared.",
)
@_as
@_json
@click.pass_context
def sign_in(context: click.Context, persona: str, configuration: Path, person: str, as_json: bool) -> None:
    """Sign in, and compare what the app lets you do with the matrix of PERSONA; ends with 1 where it differs."""
    declared = declared_rights(configuration)
    if persona not in declared:
        raise click.UsageError(f"{persona!r} is no persona; use one of {', '.join(sorted(declared))}")
    name, problems = sign_in_problems(find_app(person, signed=True), declared, persona)
    if as_json:
        emit_json({"name": name, "persona": persona, "problems": problems})
    else:
        emit_table(("who", "problem"), [(name, problem) for problem in problems], f"{name} may do what {persona} may")
    context.exit(NO if problems else 0)


@provision.command()
@click.argument("team")
@_step
@click.option("--role", default="", help="The role in which you speak: two people in two roles must want it.")
@click.option("--reason", default="", help="Why; kept with it.")
@click.option("--keep", is_flag=True, help="Take back what somebody has asked for: the step stays.")
@_as
@_json
def teardown(team: str, step: str, role: str, reason: str, keep: bool, person: str, as_json: bool) -> None:
    """Ask for the end of STEP of TEAM, or confirm it as the second person; it happens after the retention."""
    app = find_app(person, signed=True)
    if keep:
        emit_answer(app.post(f"provisioning/teams/{team}/keep", {"step": step}), as_json)
        return
    if not (role and reason):
        raise click.UsageError("say --role and --reason, or --keep")
    answer = app.post(f"provisioning/teams/{team}/teardown", {"step": step, "role": role, "reason": reason})
    emit_answer(answer, as_json)


def _list_all(as_json: bool) -> None:
    page: dict[str, Any] = find_app().get("provisioning")
    if as_json:
        emit_json(page)
        return
    rows = [
        (row["name"], row["order"], row["state"], f"{len(row['drift'])} differences" if row["drift"] else "")
        for row in page["provisioned"]
    ]
    emit_table(("step", "order", "state", "drift"), rows, "nothing was ordered yet")
