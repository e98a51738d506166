"""The page of a step that has ended, as it was drawn then: its digest is what the next receipt has judged.

It stands alone as every page does; this one was made when the step ended.
"""

from triggers.console.page import FramedDocument, PageRequest
from triggers.console.views.listing import asked


async def show(request: PageRequest) -> FramedDocument:
    shown = await request.api("show_step_page", request.parameters, asked(request.query, ("step",)))
    return FramedDocument(html=shown.html, digest=shown.digest)
