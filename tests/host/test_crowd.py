"""While callers wait, activities stand back; once they are answered, all begin again."""

import asyncio
from pathlib import Path

from signalbox.host.durable.activities import ActivityQueue, Postponed
from signalbox.host.durable.attempts import Attempts
from signalbox.host.durable.model import ActivityRow, Message


async def turns() -> None:
    """Until the loop has nothing left to do."""
    for _ in range(5):
        await asyncio.sleep(0)


class Work:
    """Activities that end when they are told, and callers as many as one says."""

    def __init__(self, folder: Path) -> None:
        self.callers, self.begun, self.answers = False, 0, list[Message]()
        self.may_end = asyncio.Semaphore(0)
        self.queue = ActivityQueue(
            {"a": self.run}, 8, self.answer, lambda: self.callers, Attempts(folder), self.postpone
        )

    async def postpone(self, row: ActivityRow, postponed: Postponed) -> None:
        raise AssertionError("nothing here is postponed")

    def put(self, count: int) -> None:
        rows = [
            ActivityRow(id=n, instance_id="i", execution_id="e", task_id=n, name="a", input=None) for n in range(count)
        ]
        self.queue.put(rows)

    async def run(self, row: ActivityRow) -> str:
        self.begun += 1
        await self.may_end.acquire()
        return "1"

    async def answer(self, message: Message) -> None:
        self.answers.append(message)

    async def end(self, count: int) -> None:
        wanted = len(self.answers) + count
        for _ in range(count):
            self.may_end.release()
        while len(self.answers) < wanted:
            await asyncio.sleep(0)
        await turns()


async def test_in_a_crowd_few_begin_and_nothing_stops(tmp_path: Path):
    work = Work(tmp_path)
    work.callers = True
    work.put(20)
    await turns()
    assert work.begun == 2

    await work.end(3)
    assert work.begun == 5
    await work.queue.stop(0)


async def test_once_the_crowd_is_gone_as_many_begin_as_may(tmp_path: Path):
    work = Work(tmp_path)
    work.callers = True
    work.put(20)
    work.callers = False
    await work.end(1)
    assert work.begun == 1 + 8

    work.callers = True
    await work.end(7)
    assert work.begun == 1 + 8 + 1
    await work.queue.stop(0)
