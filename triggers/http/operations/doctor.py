"""The doctor's door: what would keep the app from working, found with the app's own identity."""

import asyncio

from shared.operations.doctor.examine import examine
from triggers.http.door import Call
from triggers.http.responses import other as answers


async def examine_everything(call: Call) -> answers.Examined:
    """Every finding, the worst first; how many there are of each grade."""
    found = await asyncio.to_thread(examine, call.clients)
    grades = [each.grade.value for each in found]
    return answers.Examined(grades={grade: grades.count(grade) for grade in dict.fromkeys(grades)}, findings=found)
