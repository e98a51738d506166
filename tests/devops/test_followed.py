"""What a pipeline's task and its callback leave behind: a trace that is found from the promotion, and no secret of what
people wrote in Azure DevOps."""

import logging
from pathlib import Path

import pytest

from shared.telemetry.ids import trace_of
from tests.devops.conftest import DevOpsApp
from tests.devops.test_approvals import OWNERS, SCIENTISTS, hooked, pull, rules, waiting  # noqa: F401 (fixtures)
from tests.devops.test_tasks import gated
from tests.recorder import recorder
from tests.secrecy import leaks
from tests.security.test_secrets import CANARIES, SECRET, places, redacted_in


async def test_the_callback_is_in_the_tasks_trace_and_that_is_linked_from_the_promotions(app: DevOpsApp) -> None:
    told = recorder()
    run = gated(app, "traced")
    app.register("1", error=1.0)
    promotion = await app.asking()
    (task,) = app.tasks()
    await app.approve(promotion)
    await app.ended(run["id"])
    await app.host.advance_until_finished(task, timeout=30)

    spans = told.of(task)
    by_id = {span.context.span_id: span for span in spans}
    above = {span.name: by_id[span.parent.span_id].name if span.parent else "" for span in spans}
    assert above["receive POST devops/checks"] == ""
    assert above["start follow_task"] == "receive POST devops/checks"
    assert above["follow_task"] == "start follow_task"
    assert {above[name] for name in ("begin_task", "report_task", "complete_task")} == {"follow_task"}
    assert told.names(task).count("complete_task") == 1

    started = [span for span in told.of(promotion) if span.name.startswith("receive ")]
    links = [link.context for span in started for link in span.links]
    assert trace_of(task) in {each.trace_id for each in links}
    assert by_id[next(each.span_id for each in links if each.trace_id == trace_of(task))].name == "begin_task"


async def test_none_is_kept_of_an_approvals_comment_or_a_pull_requests_description(
    hooked: DevOpsApp,  # noqa: F811
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = recorder()
    caplog.set_level(logging.DEBUG)
    run = waiting(hooked, "with secrets", [SCIENTISTS, OWNERS])
    promotion = await hooked.asking()
    (approval,) = hooked.ado.approvals(run["id"])
    await hooked.pass_time(seconds=5)
    merged = pull(hooked, "models", f"{SECRET}\n\nsignalbox: {SECRET}\n")
    hooked.ado.ask("PATCH", merged, {"status": "completed"}, "grace@example.org")
    hooked.ado.decide(approval["id"], "ada@example.org", comment=SECRET)
    hooked.ado.decide(approval["id"], "grace@example.org", "rejected", f"no: {SECRET}")
    result = await hooked.finish(promotion)
    await hooked.pass_time(seconds=30)

    assert result.fate.value == "held"
    said = [str((await hooked.ask("GET", f"promotions/{promotion}"))[1]), str(result)]
    found = places(tmp_path, hooked, said, caplog.text, told)
    assert redacted_in(found, f"promotions/{promotion}") > 1
    assert f"GET /contoso/mlops/_apis/{merged}" in caplog.text  # The description was read.
    assert leaks(CANARIES, found) == []
