"""Remove one condition from the planning or the hold of parts of collected answers, and a named test must fail."""

from pathlib import Path

import pytest

from tests.answers import test_holds
from tests.mutation.removal import Lock, expect_failure, remove
from tests.unit.answers import test_parts

ENDED = test_parts.test_a_line_without_an_end_waits_and_is_final_when_half_of_the_time_has_passed
TAKEN_ONCE = test_parts.test_what_comes_late_is_a_later_part_and_nothing_is_taken_twice
COVERED = test_parts.test_parts_are_bounded_and_cover_every_byte_exactly_once
LEFT = test_parts.test_what_nobody_could_take_in_its_time_is_taken_later
LOCKS = [
    Lock(
        symbol="parts.next_part",
        condition="now < end + timedelta(seconds=after_s)",
        without="False",
        guard=test_parts.test_a_period_is_taken_once_it_has_ended_and_its_files_had_their_time,
    ),
    Lock(symbol="parts.days_of", condition="closed_through is not None", without="False", guard=LEFT),
    Lock(
        symbol="parts.is_over",
        condition="now >= end + timedelta(seconds=within_s)",
        without="True",
        guard=test_parts.test_a_day_is_over_when_the_time_for_its_late_lines_has_passed,
    ),
    Lock(
        symbol="parts.is_over",
        condition="now >= end + timedelta(seconds=within_s)",
        without="False",
        guard=test_parts.test_a_day_is_over_when_the_time_for_its_late_lines_has_passed,
    ),
    Lock(
        symbol="parts.next_part",
        condition="now >= end + timedelta(seconds=within_s / 2)",
        without="True",
        guard=ENDED,
    ),
    Lock(
        symbol="parts.next_part",
        condition="file.period == period",
        without="True",
        guard=test_parts.test_a_part_holds_one_period,
    ),
    Lock(symbol="parts.next_part", condition="progress.parts.get(period, 0) + 1", without="0 + 1", guard=TAKEN_ONCE),
    Lock(
        symbol="parts._ranges",
        condition="budget <= 0 or not (has_grown or is_unfinished)",
        without="not (has_grown or is_unfinished)",
        guard=COVERED,
    ),
    Lock(
        symbol="parts._ranges",
        condition="budget <= 0 or not (has_grown or is_unfinished)",
        without="budget <= 0",
        guard=TAKEN_ONCE,
    ),
    Lock(symbol="parts._ranges", condition="file.size > known.seen", without="file.size > known.taken", guard=ENDED),
    Lock(
        symbol="parts._ranges",
        condition="is_final and known.taken < file.size",
        without="known.taken < file.size",
        guard=ENDED,
    ),
    Lock(symbol="parts._ranges", condition="min(file.size, known.taken + budget)", without="file.size", guard=COVERED),
    Lock(symbol="parts._ranges", condition="start=known.taken", without="start=0", guard=TAKEN_ONCE),
    Lock(
        symbol="parts._ranges",
        condition="is_final and end == file.size",
        without="is_final",
        guard=test_parts.test_a_range_that_is_cut_is_not_final,
    ),
    Lock(
        symbol="DayProgress.with_part",
        condition="piece.end if piece.is_final else taken.get(piece.path, piece.start)",
        without="taken.get(piece.path, piece.start)",
        guard=test_parts.test_after_the_final_part_of_a_period_nothing_of_it_is_left,
    ),
    Lock(
        symbol="DayProgress.with_part",
        condition="{part.period: part.number} if is_published else {}",
        without="{part.period: part.number}",
        guard=test_parts.test_an_empty_part_leaves_its_number_to_the_next_one,
    ),
    Lock(
        symbol="parts.days_of",
        condition="now - timedelta(seconds=within_s) - timedelta(days=1)",
        without="now - timedelta(seconds=within_s)",
        guard=test_parts.test_hours_and_days_have_their_bounds_and_midnight_is_no_gap,
    ),
]


HOLDS = [
    Lock(
        symbol="output_holds.judge_outputs",
        condition="if not contract or not outputs.lines",
        without="True",
        guard=test_holds.test_bad_outputs_hold_the_part_and_say_why_where_people_look,
    ),
    Lock(
        symbol="output_holds.judge_outputs",
        condition="report['outcome'] == 'passed'",
        without="True",
        guard=test_holds.test_bad_outputs_hold_the_part_and_say_why_where_people_look,
    ),
    Lock(
        symbol="output_holds.judge_outputs",
        condition="release is not None",
        without="False",
        guard=test_holds.test_a_released_part_is_published_by_the_next_sweep,
    ),
    Lock(
        symbol="output_holds.judge_outputs",
        condition="release is not None",
        without="True",
        guard=test_holds.test_bad_outputs_hold_the_part_and_say_why_where_people_look,
    ),
    Lock(
        symbol="output_holds.refuse_held_part",
        condition="stored_hold.blob.age(clients.clock.now()) < _AGAIN_AFTER",
        without="True",
        guard=test_holds.test_a_mended_contract_publishes_it_within_the_hour,
    ),
    Lock(
        symbol="output_holds.refuse_held_part",
        condition="clients.store.exists(release_path(part.id))",
        without="False",
        guard=test_holds.test_a_released_part_is_published_by_the_next_sweep,
    ),
]


@pytest.mark.parametrize("lock", LOCKS, ids=str)
async def test_a_removed_condition_is_noticed(monkeypatch: pytest.MonkeyPatch, lock: Lock) -> None:
    remove(monkeypatch, lock)
    cuts = {"monkeypatch": monkeypatch} if lock.guard is test_parts.test_a_range_that_is_cut_is_not_final else {}
    await expect_failure(lock.guard, **cuts)


@pytest.mark.parametrize("lock", HOLDS, ids=str)
async def test_a_hold_without_one_condition_is_noticed(
    monkeypatch: pytest.MonkeyPatch, lock: Lock, tmp_path: Path
) -> None:
    remove(monkeypatch, lock)
    arguments = {"app": test_holds.held_app(tmp_path)}
    if lock.guard is test_holds.test_a_mended_contract_publishes_it_within_the_hour:
        arguments |= {"tmp_path": tmp_path}
    await expect_failure(lock.guard, **arguments)
