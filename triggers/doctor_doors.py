"""The doctor's door: what would keep the app from working, found with the app's own identity."""

import asyncio
from typing import Any

from shared.codec import encode
from shared.doctor.examine import examine
from triggers.doors import Call


async def examine_everything(call: Call) -> dict[str, Any]:
    """Every finding, the worst first; how many there are of each grade."""
    found = await asyncio.to_thread(examine, call.clients)
    grades = [each.grade.value for each in found]
    return {"grades": {grade: grades.count(grade) for grade in dict.fromkeys(grades)}, "findings": encode(found)}
