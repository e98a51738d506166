"""Follow runs, give them orders, and fetch their predictions."""

import base64
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from signalbox.cli.app_client import AppClient, find_app
from signalbox.cli.errors import RefusedByApp, Unusable
from signalbox.cli.names import ROUTES, RUNS, refuse_unknown, suggesting
from signalbox.cli.output import emit_answer, emit_facts, emit_json, emit_table, sample_lines
from signalbox.cli.progress import copying
from signalbox.cli.watching import watch_run, watch_runs
from signalbox.counting import counted

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_as = click.option("--as", "person", default="", help="Who you are in the local directory; on Azure it is az login's.")
_reason = click.option("--reason", required=True, help="Why; kept in the run's record.")
_BY = {"today": "by today's configuration", "as it was": "as it was", "": "as it was"}
_NO_RUNS = "no run yet; `signalbox drop FILE --route ROUTE` lands a file"
_SAMPLES = 3  # Of each rule, in the facts of a run.
_SETTINGS = ("instance_count", "mini_batch_size", "error_threshold", "retries", "timeout_s", "compute")
_TRAINING = re.compile(r"retrain-.+-[0-9a-f]{16}")  # Runs of routes end with the number of their attempt.


@click.command()
@click.argument("run", required=False)
@click.option("--route", help="Only runs of this route.")
@click.option("--outcome", help="Only runs that ended so: completed, partial, failed, quarantined, ...")
@click.option("--file", help="Only runs opened by a file whose path (CONTAINER/PATH) has this part.")
@click.option("--sort", help="opened, route, outcome, closed, model or file; -opened is the newest first, as usual.")
@click.option("--watch", is_flag=True, help="Go on: a line for every change, until RUN has ended or Ctrl-C.")
@_json
@click.pass_context
def status(
    context: click.Context,
    run: str | None,
    route: str | None,
    outcome: str | None,
    file: str | None,
    sort: str | None,
    watch: bool,
    as_json: bool,
) -> None:
    """Show the newest runs, or one RUN with its steps."""
    app = find_app()
    if run and watch:
        last, code = watch_run(app, run, as_json)
        if not as_json:
            _show(last)
        context.exit(code)
    if run:
        with suggesting(app, RUNS, run):
            run_record = app.get(f"runs/{run}")
        emit_json(run_record) if as_json else _show(run_record)
        return
    asked = {"route": route, "outcome": outcome, "file": file, "sort": sort}
    filters = {name: value for name, value in asked.items() if value}
    if watch:
        watch_runs(app, filters, as_json)
    listing = app.get("runs", **filters)
    if route and not listing["runs"]:
        refuse_unknown(app, ROUTES, route)
    if as_json:
        emit_json(listing)
    else:
        rows = [(r["run"], r["route"], r["outcome"] or "running", r["opened"], r["closed"]) for r in listing["runs"]]
        emit_table(("run", "route", "outcome", "opened", "closed"), rows, _NO_RUNS if not filters else "no run fits")


@click.command()
@click.argument("run")
@click.option("--file", default="", help="Another file of the job's logs, by its name in the list.")
@click.option("--lines", default=100, show_default=True, type=click.IntRange(1, 2000), help="The last so many.")
@click.option("--list", "only_list", is_flag=True, help="Only name the files that there are.")
@_as
@_json
def logs(run: str, file: str, lines: int, only_list: bool, person: str, as_json: bool) -> None:
    """Print the end of the log of RUN's job: the file that says most of an error, unless one is named.

    RUN may be a run of training; its job is that of its pipeline.
    """
    app = find_app(person, signed=bool(person))
    with suggesting(app, RUNS, run):
        log = app.get(f"{_kind_of(run)}/{run}/logs", file=file, lines=str(lines))
    if as_json:
        emit_json(log)
    elif only_list:
        emit_table(
            ("file", "bytes"),
            [(log_file["name"], str(log_file["size"])) for log_file in log["files"]],
            "nothing is logged yet",
        )
    else:
        head = f"{'the end of ' if log['cut'] else ''}{log['file']}" if log["file"] else "nothing is logged yet"
        click.echo(f"job {log['job']}: {head}", err=True)  # Facts go to stderr, so that a pipe gets the log alone.
        click.echo(log["text"])


@click.command()
@click.argument("run")
@_reason
@_as
@_json
def cancel(run: str, reason: str, person: str, as_json: bool) -> None:
    """Cancel RUN and its batch job, or a run of training and that of its pipeline."""
    _order(run, "cancel", reason, person, as_json, _kind_of(run))


@click.command()
@click.argument("run")
@click.option("--output", is_flag=True, help="The predictions of RUN that are held, and not its data.")
@_reason
@_as
@_json
def release(run: str, output: bool, reason: str, person: str, as_json: bool) -> None:
    """Release the quarantined data of RUN, or its held output: it is scored, or published, as it is."""
    _order(run, "release-output" if output else "release", reason, person, as_json)


def _overrides(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> dict[str, int | str]:
    """The settings in *texts*, each NAME=VALUE. Raises click.BadParameter."""
    settings = dict[str, int | str]()
    for text in texts:
        name, equals, value = text.partition("=")
        if name not in _SETTINGS or not equals:
            raise click.BadParameter(
                f"{text!r} is no setting of a run; write NAME=VALUE, NAME one of {', '.join(_SETTINGS)}"
            )
        if name != "compute" and not re.fullmatch(r"-?\d{1,10}", value):
            raise click.BadParameter(f"{text!r} is no whole number; write one, such as {name}=4")
        settings[name] = value if name == "compute" else int(value)
    return settings


_override = click.option(
    "--override",
    "overrides",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_overrides,
    help="A setting of this run alone, within the route's limits; repeat it for several.",
)


@click.command()
@click.argument("route")
@click.argument("paths", nargs=-1, required=True)
@_reason
@_override
@_as
@_json
def score(
    route: str, paths: tuple[str, ...], reason: str, overrides: dict[str, int | str], person: str, as_json: bool
) -> None:
    """Score files of the hub (CONTAINER/PATH) by ROUTE now, as one batch."""
    body = {"route": route, "paths": list(paths), "reason": reason, **({"overrides": overrides} if overrides else {})}
    app = find_app(person, signed=bool(person))
    with suggesting(app, ROUTES, route):
        answer = app.post("runs", body)
    emit_answer(answer, as_json)


@click.command()
@click.argument("route")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--within", default=0, type=click.IntRange(min=0), help="Seconds; half of the route's give_up_after if absent."
)
@_as
@_json
def suggest(route: str, paths: tuple[str, ...], within: int, person: str, as_json: bool) -> None:
    """Say how many machines files of the hub need, by what earlier runs of ROUTE took. Nothing is started."""
    app = find_app(person, signed=bool(person))
    with suggesting(app, ROUTES, route):
        answer = app.post("suggestions", {"route": route, "paths": list(paths), "within_s": within})
    if as_json:
        emit_json(answer)
        return
    count = answer["instance_count"]
    emit_facts(
        {
            "bytes": str(answer["bytes"]),
            "machines": f"{count} (--override instance_count={count})" if count else "not known",
            "because": answer["because"],
            "cost": f"{answer['cost']:g}" if answer["cost"] else "",
        }
    )


@click.command()
@click.argument("run")
@_reason
@click.option("--as-it-was", is_flag=True, help="By the configuration of RUN, and not by today's.")
@_override
@_as
@_json
def reprocess(
    run: str, reason: str, as_it_was: bool, overrides: dict[str, int | str], person: str, as_json: bool
) -> None:
    """Score the files of RUN again, as the next attempt, by today's configuration."""
    body = {"reason": reason, "as_it_was": as_it_was, **({"overrides": overrides} if overrides else {})}
    app = find_app(person, signed=bool(person))
    with suggesting(app, RUNS, run):
        answer = app.post(f"runs/{run}/reprocess", body)
    emit_answer(answer, as_json)


def _kind_of(run: str) -> str:
    """The routes of the API that *run* belongs to."""
    return "retrainings" if _TRAINING.fullmatch(run) else "runs"


def _order(run: str, kind: str, reason: str, person: str, as_json: bool, among: str = "runs") -> None:
    app = find_app(person, signed=bool(person))
    with suggesting(app, RUNS, run):
        answer = app.post(f"{among}/{run}/{kind}", {"reason": reason})
    emit_answer(answer, as_json)


def _show(record: dict[str, Any]) -> None:
    emit_facts(
        {
            "run": record["run"],
            "route": record["route"],
            "repeats": f"{record['repeats']}, {_BY[record['configuration']]}" if record["repeats"] else "",
            "status": record["status"],
            "step": record["step"],
            "outcome": record.get("outcome", ""),
            "overrides": ", ".join(f"{name}={value}" for name, value in record.get("overrides", {}).items()),
            "because": " ".join(record.get("because", "").split()),
            **{f"{kind} keys": ", ".join(keys) for kind, keys in record.get("unmatched", {}).items() if keys},
            "manifest": record.get("manifest", ""),
            "opened": record["opened"],
            "closed": record.get("closed", ""),
            "skipped": f"{len(record['duplicates'])} repeated events" if record["duplicates"] else "",
            **_hold_facts(record.get("quarantine"), f"signalbox release {record['run']} --reason WHY"),
            **_hold_facts(record.get("held"), f"signalbox release {record['run']} --output --reason WHY"),
            **_job_facts(record),
        }
    )
    click.echo()
    emit_table(("step", "at"), [(step["step"], step["at"]) for step in record["steps"]], "no step has been taken yet")


def _hold_facts(hold: dict[str, Any] | None, command: str) -> dict[str, str]:
    """Which rules data or predictions broke, where the report lies, and who may let them through by *command*."""
    if hold is None:
        return {}
    rules = [f"{rule['rule']} {rule['column']} ({rule['count']})".replace("  ", " ") for rule in hold["rules"]]
    facts = {
        "rules": ", ".join(rules),
        "rows": f"{hold['rows']} were checked",
        "report": hold["report"],
        "set aside": hold["files"],
    }
    if samples := [line for rule in hold["rules"] for line in sample_lines(rule["samples"][:_SAMPLES])]:
        facts["such as"] = "; ".join(samples)
    if hold["released_by"]:
        return facts | {"released by": f"{hold['released_by']}: {hold['reason']}"}
    recipients = f"; told: {', '.join(hold['told'])}" if hold.get("told") else ""
    facts["may release"] = f"{hold['may_release']}{recipients}"
    if hold["waits"]:
        facts["until"] = hold["until"]
        facts["to release"] = command
    return facts


def _job_facts(record: dict[str, Any]) -> dict[str, str]:
    """The job, and, where the run failed, what prints its log."""
    job = record.get("job")
    if job is None:
        return {}
    facts = {"job": f"{job['job']} ({job['name']})", "studio": job["studio"]}
    if job["error"]:
        facts |= {"error": job["error"], "log": job["log"]}
    if job["error"] or record.get("outcome") == "failed":  # A job completes although mini-batches of it have failed.
        facts["to read it"] = f"signalbox logs {record['run']}"
    return facts


@click.command()
@click.argument("run")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write to; a new one with the run's name if absent.",
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@click.option("--as", "person", default="", help="Who you are in the local directory; on Azure it is az login's.")
@click.option("--json", "as_json", is_flag=True, help="Print the list of files as JSON.")
def download(run: str, folder: Path | None, force: bool, person: str, as_json: bool) -> None:
    """Fetch the predictions of RUN; a file whose digest is not the manifest's is not kept."""
    app = find_app(person, signed=bool(person))
    with suggesting(app, RUNS, run):
        predictions = app.get(f"runs/{run}/predictions")
    target = folder or Path(run)
    files = [(file, _place(target, file["name"], force)) for file in predictions["files"]]
    target.mkdir(parents=True, exist_ok=True)
    for file, path in files:
        _fetch(app, run, file, path, force)
        if not as_json:
            click.echo(f"{path}  {counted(file['rows'], 'row')}  sha256:{file['sha256']}")
    if as_json:
        emit_json(predictions)
    elif not files:
        click.echo("the run published no file")


def _place(target: Path, name: str, force: bool) -> Path:
    """Where the file *name* goes. Raises Unusable where that is not plainly inside *target*, or something is there."""
    if not name or name in (".", "..") or "/" in name or "\\" in name or not name.isprintable():
        raise Unusable(f"the manifest names a file {name!r}, which is no plain name; nothing was written")
    path = target / name
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise Unusable(f"{path} is there and no plain file; remove it, or give another folder: --out FOLDER")
    if path.exists() and not force:
        raise Unusable(f"{path} is there already; give --force to overwrite it, or another folder: --out FOLDER")
    return path


def _fetch(app: AppClient, run: str, file: Mapping[str, Any], path: Path, force: bool) -> None:
    """Write *file* to *path* at once and whole. Raises RefusedByApp where its bytes are not what was published."""
    part, digest = path.with_name(f".{path.name}.part-{os.getpid()}"), hashlib.sha256()
    try:
        with part.open("xb") as output, copying(f"fetching {file['name']}", file["bytes"]) as advance:
            for content in _pieces(app, run, file, advance):
                output.write(content)
                digest.update(content)
        if digest.hexdigest() != file["sha256"]:
            raise RefusedByApp(
                f"{file['name']} is not what run {run} published: its sha256 is {digest.hexdigest()}, "
                f"the manifest's {file['sha256']}; nothing was kept of it, see `signalbox status {run}`"
            )
        _settle(part, path, force)
    finally:
        part.unlink(missing_ok=True)


def _settle(part: Path, path: Path, force: bool) -> None:
    """Give the whole file its name; without *force* never over one that came meanwhile."""
    if force:
        part.replace(path)
        return
    try:
        path.hardlink_to(part)
    except FileExistsError as error:
        raise Unusable(f"{path} is there already; give --force to overwrite it") from error


def _pieces(app: AppClient, run: str, file: Mapping[str, Any], advance: Callable[[int], None]) -> Iterator[bytes]:
    offset = 0
    while offset < file["bytes"]:
        piece = app.get(f"runs/{run}/predictions/piece", name=file["name"], offset=str(offset))
        content = base64.b64decode(piece["content"], validate=True)
        if not content:
            raise RefusedByApp(f"{file['name']} ends after {offset} of {file['bytes']} bytes; nothing was kept of it")
        offset += len(content)
        yield content
        advance(offset)
