"""The pages of rollouts on the real host: what they show of what was counted, and the orders that people give there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.console.conftest import ReleaseConsole, of_people, releasing
from tests.console.test_matrix import HOSTILE
from tests.rollout.conftest import release_first

pytestmark = pytest.mark.xdist_group("console releases")  # One process plays what they begin with.


@pytest.fixture
async def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ReleaseConsole]:
    """Version 1 is in production."""
    async with releasing(tmp_path, monkeypatch, (release_first,), of_people) as made:
        yield made


async def test_a_rollout_shows_its_steps_its_counts_and_its_evidence(serving: ReleaseConsole) -> None:
    promotion = await serving.shifting("2")
    await serving.pass_time(minutes=40)
    ada = await serving.signed_in("ada")

    listed = await ada.get("rollouts")
    page = await ada.get(f"rollouts/{promotion}")
    _, looks = await serving.ask("GET", f"rollouts/{promotion}/looks")

    assert f'href="/console/rollouts/{promotion}">churn:2</a>' in listed.text
    assert page.text.count("<svg") >= 6  # Three charts, drawn for wide and for narrow screens.
    assert 'aria-current="step"' in page.text
    assert page.text.count('id="look-') == len(looks["looks"]) > 2
    (errors,) = looks["comparisons"]
    assert f"{errors['canary_bad']} of {errors['canary']:,}" in page.text
    assert "What you may order" not in page.text, "a data scientist orders nothing here"
    step = await ada.get(f"rollouts/{promotion}/page?step=0")
    assert (step.status, "Rollout of churn:2" in step.text) == (200, True)
    assert step.headers["Content-Security-Policy"].startswith("sandbox")  # type: ignore[index, union-attr]


async def test_looks_are_paged_from_the_newest(serving: ReleaseConsole) -> None:
    promotion = await serving.shifting("2")
    await serving.pass_time(minutes=40)
    _, whole = await serving.ask("GET", f"rollouts/{promotion}/looks")
    _, two = await serving.ask("GET", f"rollouts/{promotion}/looks?limit=2")

    assert two["looks"] == whole["looks"][-2:]
    assert (whole["earlier"], two["earlier"]) == (0, len(whole["looks"]) - 2)
    assert [two[name] for name in ("verdict", "comparisons")] == [whole[name] for name in ("verdict", "comparisons")]


async def test_an_engineer_pauses_resumes_and_aborts_with_a_reason(serving: ReleaseConsole) -> None:
    before, promotion = serving.traffic, await serving.shifting("2")
    await serving.watched(promotion)
    linus, path = await serving.signed_in("linus"), f"rollouts/{promotion}"
    for name, done in (("pause", "The rollout is paused."), ("resume", "The rollout goes on.")):
        form = (await linus.get(path)).form(name)
        sent = await linus.send(f"{path}/{name}", form | {"reason": HOSTILE})
        assert (sent.status, sent.location) == (303, f"/console/{path}?done={name}")
        page = await linus.get(f"{path}?done={name}")
        assert done in page.text
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text
    form = (await linus.get(path)).form("abort")
    assert "step" not in form
    assert (await linus.send(f"{path}/abort", form | {"reason": "complaints"})).status == 303
    result = await serving.finish(promotion)

    assert result.because == ("prod: aborted by linus: complaints",)
    assert serving.traffic == before
    page = await linus.get(path)
    assert "How it ended" in page.text
    assert "What you may order" not in page.text


async def test_an_order_for_another_step_than_that_of_the_page_is_refused_and_an_abort_is_not(
    serving: ReleaseConsole,
) -> None:
    promotion = await serving.shifting("2")
    await serving.watched(promotion)
    linus, path = await serving.signed_in("linus"), f"rollouts/{promotion}"
    page = await linus.get(path)
    await serving.until(lambda: 25 in serving.traffic.values(), every_s=60)
    await serving.pass_time(minutes=1)

    refused = await linus.send(f"{path}/advance", page.form("advance") | {"reason": "no patience"})
    assert refused.status == 409
    assert "is at step 1 by now, and the order is for step 0; look at it again" in refused.text
    assert "no patience" in refused.text
    forged = page.form("advance") | {"step": "1", "reason": "no patience"}
    assert (await linus.send(f"{path}/advance", forged)).status == 403
    assert (await linus.send(f"{path}/abort", page.form("abort") | {"reason": "complaints"})).status == 303
    await serving.finish(promotion)
    _, shown = await serving.ask("GET", f"rollouts/{promotion}")

    assert [order["kind"] for order in shown["orders"]] == ["abort"]


async def test_who_may_not_shift_traffic_is_offered_nothing_and_refused_when_they_forge_the_form(
    serving: ReleaseConsole,
) -> None:
    promotion = await serving.shifting("2")
    await serving.watched(promotion)
    ada, linus = await serving.signed_in("ada"), await serving.signed_in("linus")
    form = (await linus.get(f"rollouts/{promotion}")).form("abort")

    assert 'action="' not in (await ada.get(f"rollouts/{promotion}")).text.partition("<main")[2]
    before = serving.hub.writes.total()
    assert (await ada.send(f"rollouts/{promotion}/abort", form | {"reason": "mine"})).status == 403
    assert serving.hub.writes.total() == before


async def test_a_poll_is_cheap_until_a_look_is_taken_or_somebody_orders(serving: ReleaseConsole) -> None:
    promotion = await serving.shifting("2")
    await serving.watched(promotion)
    ada = await serving.signed_in("ada")

    async def poll(path: str, etag: str) -> tuple[int, str]:
        answer = await ada.get(path, **{"If-None-Match": etag, "Signalbox-Poll": "1"})
        return answer.status, answer.headers["ETag"]  # type: ignore[index, return-value]

    for path in ("rollouts", f"rollouts/{promotion}"):
        _, etag = await poll(path, "")
        assert await poll(path, etag) == (304, etag)
        await serving.pass_time(minutes=15)  # A look is taken.
        status, etag = await poll(path, etag)
        assert (status, (await poll(path, etag))[0]) == (200, 304), path
    await serving.order(promotion, "pause")
    assert (await poll(f"rollouts/{promotion}", etag))[0] == 200


async def test_the_inbox_leads_to_a_rollout_that_nothing_settles(serving: ReleaseConsole) -> None:
    serving.requests.silent = True
    promotion = await serving.shifting("2")
    await serving.pass_time(hours=26)
    inbox = await (await serving.signed_in("linus")).get()

    assert f'<a href="/console/rollouts/{promotion}">Look at a rollout</a>' in inbox.text
