"""What the doctor finds: everything is examined when the page is opened, which may take a while.

It stands alone as every page does; the doctor has the rules.
"""

from triggers.console.page import PageRequest, View


async def show(request: PageRequest) -> View:
    examined = await request.api("examine_everything")
    return View(template="doctor.html", title="Doctor", data={"findings": examined.findings, "grades": examined.grades})
