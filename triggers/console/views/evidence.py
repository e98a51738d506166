"""The evidence page of a promotion, as it was written, for a frame of the promotion's page or a tab of its own.

It stands alone as every page does; this one was made when the evidence was measured.
"""

from triggers.console.page import FramedDocument, PageRequest
from triggers.console.views.listing import asked


async def show(request: PageRequest) -> FramedDocument:
    shown = await request.api("show_evidence", request.parameters, asked(request.query, ("stage", "phase")))
    return FramedDocument(html=shown.html, digest=shown.digest)
