"""Production: see and order rollouts, bring a version back, and see what served and what is known to be good."""

from pathlib import Path
from typing import Any

import click

from signalbox.cli.app_client import AppClient, find_app
from signalbox.cli.errors import NO, Unusable
from signalbox.cli.names import MODELS, ROLLOUTS, refuse_unknown, suggesting
from signalbox.cli.output import emit_answer, emit_facts, emit_json, emit_table
from signalbox.cli.watching import watch_rollout
from signalbox.counting import counted

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_as = click.option("--as", "person", default="", help="Who you are in the local directory; on Azure it is az login's.")
_reason = click.option("--reason", required=True, help="Why; kept for ever.")
_LONGEST_S = 3600.0  # A cold rollback deploys first, which takes a quarter of an hour on Azure.
_stage = click.option("--stage", default="", help="The stage that serves production, where there are several.")


@click.group()
def rollout() -> None:
    """How traffic shifts to a new version in production."""


@rollout.command("list")
@click.option("--model", default="", help="Only rollouts of this model.")
@_json
def list_rollouts(model: str, as_json: bool) -> None:
    """Every rollout, as it stood at its last look."""
    answer = find_app().get("rollouts", **({"model": model} if model else {}))
    if as_json:
        emit_json(answer)
        return
    rows = [(row["promotion"], row["model"], _step(row), row["decision"], row["because"]) for row in answer["rollouts"]]
    emit_table(("promotion", "model", "step", "decision", "because"), rows, "no traffic was shifted yet")


@rollout.command()
@click.argument("promotion")
@_json
def show(promotion: str, as_json: bool) -> None:
    """One rollout by its PROMOTION: its steps with what they were judged by, and what people ordered."""
    app = find_app()
    with suggesting(app, ROLLOUTS, promotion):
        answer = app.get(f"rollouts/{promotion}")
    if as_json:
        emit_json(answer)
        return
    names = ("model", "environment", "endpoint", "deployment", "champion", "since", "decision", "because")
    emit_facts({"step": _step(answer), **{name: str(answer[name]) for name in names}, "looks": str(answer["looks"])})
    click.echo()
    rows = [
        (
            f"{row['weight']} %",
            str(row["requests"]),
            str(row["errors"]),
            row["decision"],
            row["because"],
        )
        for row in answer["steps"]
    ]
    emit_table(("weight", "requests", "errors", "decision", "because"), rows, "no step has ended yet")
    if late := sum(row["late"]["canary"] + row["late"]["champion"] for row in [answer, *answer["steps"]]):
        click.echo(f"{counted(late, 'request')} came too late to be counted: see `look.lag`")
    for sentence in answer["expected"]:
        click.echo(f"expected: {sentence}")
    for sentence in answer["cost"]:
        click.echo(f"cost, {sentence}")
    for order in answer["orders"]:
        click.echo(f"{order['at']}  {order['kind']} by {order['by']}: {order['reason']}")


@rollout.command()
@click.argument("promotion")
@_json
@click.pass_context
def watch(context: click.Context, promotion: str, as_json: bool) -> None:
    """Say what each look at PROMOTION's rollout finds until it has ended; 0 if the version is in production."""
    context.exit(watch_rollout(find_app(), promotion, as_json))


@rollout.command()
@click.argument("promotion")
@click.option("--step", type=int, help="The step, from 0; else the newest that has ended.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where to write it, for your browser.")
@_json
def page(promotion: str, step: int | None, out: Path, as_json: bool) -> None:
    """Write the page of a step of PROMOTION's rollout: weights, counts, the odds ratio and the evidence."""
    app = find_app()
    with suggesting(app, ROLLOUTS, promotion):
        answer = app.get(f"rollouts/{promotion}/page", **({} if step is None else {"step": str(step)}))
    out.write_text(answer["html"], encoding="utf-8")
    emit_answer({"step": answer["step"], "digest": answer["digest"], "page": str(out)}, as_json)


def _order(action: str, help_text: str) -> None:
    """Add the command that orders *action* of a rollout."""

    @rollout.command(action, help=help_text)
    @click.argument("promotion")
    @_reason
    @_as
    @_json
    def order(promotion: str, reason: str, person: str, as_json: bool) -> None:
        app = find_app(person, signed=True)
        with suggesting(app, ROLLOUTS, promotion):
            answer = app.post(f"rollouts/{promotion}/{action}", {"reason": reason})
        emit_answer(answer, as_json)


_order("pause", "Keep the traffic of PROMOTION's rollout as it is.")
_order("resume", "Let the paused rollout of PROMOTION go on.")
_order("advance", "Let the step of PROMOTION's rollout go on although it has not decided.")
_order("abort", "Give all traffic back to the version before PROMOTION's, at once.")


@click.command()
@click.argument("model")
@click.option("--to", "version", default="", help="The version to go back to; else the newest known to be good.")
@click.option("--plan", "only_plan", is_flag=True, help="Say what it would go back to, and change nothing.")
@click.option("--override", is_flag=True, help="Answer yourself for conditions of --to that are not met.")
@click.option("--reason", default="", help="Why; kept for ever.")
@_stage
@_as
@_json
@click.pass_context
def rollback(
    context: click.Context,
    /,
    model: str,
    version: str,
    only_plan: bool,
    reason: str,
    stage: str,
    person: str,
    **flags: bool,
) -> None:
    """Bring production back to a version of MODEL that is known to be good; 0 once it serves.

    1: it does not, or with --plan there is no way back. 3: it has not ended within an hour.
    """
    as_json = flags["as_json"]
    if only_plan:
        context.exit(_plan(find_app(), model, {"to": version, "stage": stage}, as_json))
    if not reason:
        raise click.UsageError("give --reason: it is kept with the rollback")
    body = {"reason": reason, "to": version, "stage": stage, "override": flags["override"]}
    app = find_app(person, signed=True)
    with suggesting(app, MODELS, model):
        answer = app.post(f"models/{model}/rollback", body)
    context.exit(_conclude(app, answer, as_json))


@click.command()
@click.argument("model")
@click.option("--cold", is_flag=True, help="Bring MODEL[:VERSION] back from the registry, without traffic.")
@_reason
@_stage
@_as
@_json
@click.pass_context
def rehearse(
    context: click.Context, model: str, cold: bool, reason: str, stage: str, person: str, as_json: bool
) -> None:
    """Try a rollback of MODEL, time it, and put everything back; 0 where the version answered as it did."""
    name, _, version = model.partition(":")
    if version and not cold:
        raise click.UsageError(f"a warm rehearsal goes back by one version; write {name}, or --cold")
    body = {"reason": reason, "stage": stage, "version": version, "cold": cold}
    app = find_app(person, signed=True)
    with suggesting(app, MODELS, name):
        answer = app.post(f"models/{name}/rehearse", body)
    context.exit(_conclude(app, answer, as_json))


def _conclude(app: AppClient, answer: dict[str, Any], as_json: bool) -> int:
    """Wait until what was ordered has ended, and say how. Returns the exit code: NO unless it ended well.

    Raises Undecided where it takes longer than a deployment may.
    """
    if not as_json:
        click.echo(f"{answer['id']} is ordered, and goes on if you leave")
    operation = app.follow(answer, _LONGEST_S)
    if as_json:
        emit_json(operation)
    else:
        emit_facts({"status": operation["status"], "because": operation["because"]})
    # A revocation is done although production could not leave the version: that is no good end either.
    still_serves = operation["kind"] == "revoke" and operation["because"]
    return NO if operation["status"] != "succeeded" or still_serves else 0


def _plan(app: AppClient, model: str, choice: dict[str, str], as_json: bool) -> int:
    """Say what a rollback would do; returns the exit code: NO where there is no way back."""
    with suggesting(app, MODELS, model):
        plan = app.get(f"models/{model}/rollback-plan", **{name: value for name, value in choice.items() if value})
    if as_json:
        emit_json(plan)
    elif not plan["target"]:
        click.echo(f"there is no way back now: {plan['because']}")
    else:
        _emit_plan(plan)
    return 0 if plan["target"] else NO


def _emit_plan(plan: dict[str, Any]) -> None:
    facts = {"from": plan["leaving"], "to": plan["target"], "endpoint": f"{plan['environment']}/{plan['endpoint']}"}
    emit_facts(
        {
            **facts,
            "deployment": plan["deployment"],
            "takes": _duration(plan),
            "batch": plan["batch"],
            "aborts": plan["giving_way"],
            "waits for": plan["under_way"],
        }
    )
    if plan["unmet"]:
        click.echo(f"{plan['target']} is not known to be good; with --override you answer for this:")
        _emit_conditions(plan["unmet"])


def _duration(plan: dict[str, Any]) -> str:
    """How long the rollback of *plan* may take."""
    kind = "warm" if plan["warm"] else "cold: it is brought back from the registry and deployed first"
    if plan["estimate_s"] is None:
        return f"unknown ({kind}): no rollback was rehearsed with it"
    return f"about {plan['estimate_s']:.0f} s ({kind}), by its last rehearsals"


@click.command("known-good")
@click.argument("model")
@_stage
@_json
def known_good(model: str, stage: str, as_json: bool) -> None:
    """Each version of MODEL that has served, and every condition of being known to be good."""
    app = find_app()
    with suggesting(app, MODELS, model):
        answer = app.get(f"models/{model}/known-good", **({"stage": stage} if stage else {}))
    if as_json:
        emit_json(answer)
        return
    if not answer["versions"]:
        refuse_unknown(app, MODELS, model)
        click.echo(f"no version of {model} has served {answer['stage']}")
    for row in answer["versions"]:
        click.echo(f"{row['model']}  {'known to be good' if row['good'] else 'not known to be good'}")
        _emit_conditions(row["conditions"])


def _emit_conditions(conditions: list[dict[str, Any]]) -> None:
    for condition in conditions:
        click.echo(f"  {'yes' if condition['met'] else 'no '}  {condition['condition']}: {condition['because']}")


@click.command()
@click.argument("endpoint")
@click.option("--environment", default="", help="The environment, where endpoints of several have one name.")
@click.option("--at", default="", help="A moment, like 2026-11-29T12:00:00Z; else the whole history.")
@_json
def serving(endpoint: str, environment: str, at: str, as_json: bool) -> None:
    """What served ENDPOINT, and when."""
    app = find_app()
    place = environment or _environment_of(app, endpoint)
    answer = app.get(f"environments/{place}/endpoints/{endpoint}/serving", **({"at": at} if at else {}))
    if as_json:
        emit_json(answer)
        return
    rows = [
        (row["since"], row["until"] or "now", row["model"], f"{row['share']} %", row["began"], row["ended"], row["by"])
        for row in answer["intervals"]
    ]
    empty_text = f"nothing is known to have served {endpoint}{f' at {at}' if at else ''}"
    emit_table(("since", "until", "model", "share", "began by", "ended by", "who"), rows, empty_text)


@click.command()
@click.argument("endpoint")
@click.option("--environment", default="", help="The environment, where endpoints of several have one name.")
@_json
def alerts(endpoint: str, environment: str, as_json: bool) -> None:
    """What became of each alert about ENDPOINT: a rollback, or the reason why not."""
    app = find_app()
    answer = app.get(f"environments/{environment or _environment_of(app, endpoint)}/endpoints/{endpoint}/alerts")
    if as_json:
        emit_json(answer)
        return
    rows = [
        (row["at"], row["rule"], row["condition"], row["model"], row["rollback"] or "no rollback", row["because"])
        for row in answer["alerts"]
    ]
    columns = ("judged", "rule", "condition", "serves", "started", "because")
    emit_table(columns, rows, f"no alert of a configured rule was about {endpoint}")


def _environment_of(app: AppClient, endpoint: str) -> str:
    """Where the rollouts of *endpoint* are. Raises Unusable where none or several are."""
    rows = app.get("rollouts")["rollouts"]
    environments = sorted({row["environment"] for row in rows if row["endpoint"] == endpoint})
    if len(environments) != 1:
        names = ", ".join(environments) or "none"
        raise Unusable(f"give --environment: rollouts of {endpoint} were seen in {names}")
    return str(environments[0])


@click.command()
@click.argument("model")
@_reason
@_as
@_json
@click.pass_context
def revoke(context: click.Context, model: str, reason: str, person: str, as_json: bool) -> None:
    """Revoke MODEL:VERSION for good: it is promoted and deployed no more, and production leaves it.

    1: it is revoked, and still serves somewhere.
    """
    name, _, version = model.partition(":")
    if not version:
        raise click.UsageError(f"{model!r} names no version; write MODEL:VERSION")
    app = find_app(person, signed=True)
    with suggesting(app, MODELS, name):
        answer = app.post(f"models/{name}/revoke", {"version": version, "reason": reason})
    context.exit(_conclude(app, answer, as_json))


@click.command("release-hold")
@click.argument("model")
@_reason
@_as
@_json
def release_hold(model: str, reason: str, person: str, as_json: bool) -> None:
    """Let MODEL:VERSION, which a rollback has left, be promoted again; alerts on it count no more."""
    name, _, version = model.partition(":")
    if not version:
        raise click.UsageError(f"{model!r} names no version; write MODEL:VERSION")
    app = find_app(person, signed=True)
    with suggesting(app, MODELS, name):
        answer = app.post(f"models/{name}/release", {"version": version, "reason": reason})
    emit_answer(answer, as_json)


def _step(row: dict[str, Any]) -> str:
    weights = row["weights"]
    if row["step"] < 0:
        return "mirrored requests"
    if row["step"] >= len(weights):
        return "soak"
    return f"{row['step'] + 1} of {len(weights)} ({weights[row['step']]} %)"
