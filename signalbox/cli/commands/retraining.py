"""Ask for a model to be retrained, and see why it was, or was not."""

from typing import Any

import click

from signalbox.cli.app_client import find_app
from signalbox.cli.names import MODELS, suggesting
from signalbox.cli.output import emit_answer, emit_facts, emit_json, emit_table

_json = click.option("--json", "as_json", is_flag=True, help="Print the whole answer as JSON.")


@click.command()
@click.argument("model")
@click.option("--reason", required=True, help="Why; it stays on the run's record.")
@click.option("--data", default="", help="CONTAINER/PATH of a file in the hub, or of a folder that ends with /.")
@click.option("--as", "person", default="", help="On the local cloud: who you are, such as ada@example.org.")
@_json
def retrain(model: str, reason: str, data: str, person: str, as_json: bool) -> None:
    """Ask for MODEL to be retrained. Limits and budget hold for what people ask too."""
    body = {"reason": reason} | ({"data": data} if data else {})
    app = find_app(person, signed=True)
    with suggesting(app, MODELS, model):
        wish = app.post(f"models/{model}/retrain", body)
    emit_answer(wish, as_json)


@click.command()
@click.argument("model")
@_json
def retraining(model: str, as_json: bool) -> None:
    """The open causes to retrain MODEL, what was decided, and every run with its outcome and cost."""
    app = find_app()
    with suggesting(app, MODELS, model):
        state = app.get(f"models/{model}/retraining")
    if as_json:
        emit_json(state)
        return
    newest = state["verdicts"][0] if state["verdicts"] else {}
    emit_facts(
        {
            "open causes": str(len(state["causes"])),
            "last verdict": f"{newest['move']} ({newest['rule']}): {newest['because']}" if newest else "",
            "until": newest.get("until", ""),
            "in flight": state["running"],
            "doing": str(state["doing"].get("step", "")),
            "spent": f"{state['spent']:g}",
        }
    )
    click.echo()
    columns = ("run", "outcome", "challenger", "causes", "cost", "because")
    emit_table(columns, [_row(run) for run in state["runs"]], "it has not been retrained yet")


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    cost = run.get("cost") or {}
    actual = cost.get("actual")
    cost_text = f"about {cost.get('estimate', 0):g}" if actual is None else f"{actual:g}"
    because = str(run.get("because", ""))[:120]
    return (run["run"], run["outcome"], run.get("challenger", ""), str(run.get("causes", "")), cost_text, because)
