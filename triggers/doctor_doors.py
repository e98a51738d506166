"""The doctor's door: what would keep the app from working, found with the app's own identity."""

import asyncio

from shared.doctor.examine import examine
from triggers import answers_of_work as answers
from triggers.doors import Call


async def examine_everything(call: Call) -> answers.Examined:
    """Every finding, the worst first; how many there are of each grade."""
    found = await asyncio.to_thread(examine, call.clients)
    grades = [each.grade.value for each in found]
    return answers.Examined(grades={grade: grades.count(grade) for grade in dict.fromkeys(grades)}, findings=found)
