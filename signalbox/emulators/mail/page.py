"""The mailbox as a page for a browser of this machine. It is no part of the app, and so is not there on Azure."""

import json
from html import escape
from pathlib import Path
from typing import Any

from aiohttp import web

from signalbox.emulators.mail.mailbox import Mailbox

_POLICY = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
# A mail has its style in it; what could act in it is not allowed to, as in a mail program.
_FRAME_POLICY = "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


class MailboxPages:
    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/", self._list)
        app.router.add_get("/style.css", self._style)
        app.router.add_get(r"/{number:\d{1,9}}", self._message)
        app.router.add_get(r"/{number:\d{1,9}}/mail", self._mail)
        return app

    async def _list(self, request: web.Request) -> web.Response:
        del request
        rows = [
            f'<li><a href="/{row["number"]}">{escape(row["subject"])}</a><br><span class="faint">'
            f"to {escape(row['recipient'])} by {escape(row['channel'])}, {escape(row['came'])}</span></li>"
            for row in self._mailbox.messages()
        ]
        body = f"<ol>{''.join(rows)}</ol>" if rows else "<p>Nothing has been sent yet.</p>"
        lead = '<p class="faint">What would have been sent, the newest first. It has not left this machine.</p>'
        return _page("Mailbox", lead + body)

    async def _message(self, request: web.Request) -> web.Response:
        row = self._found(request)
        facts = f"to {escape(row['recipient'])} by {escape(row['channel'])}, {escape(row['came'])}"
        content = (
            f'<iframe title="The mail" sandbox="allow-popups" src="/{row["number"]}/mail"></iframe>'
            f"<h2>As text</h2><pre>{escape(row['text'])}</pre>"
            if row["html"]
            else f"<h2>The card</h2><pre>{escape(json.dumps(json.loads(row['card']), indent=2))}</pre>"
        )
        back = '<p><a href="/">All messages</a></p>'
        return _page(row["subject"], f'{back}<p class="faint">{facts}</p>{content}')

    async def _mail(self, request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": _FRAME_POLICY, "X-Content-Type-Options": "nosniff"}
        return web.Response(text=self._found(request)["html"], content_type="text/html", headers=headers)

    async def _style(self, request: web.Request) -> web.FileResponse:
        del request
        return web.FileResponse(Path(__file__).with_name("mailbox.css"))

    def _found(self, request: web.Request) -> dict[str, Any]:
        row = self._mailbox.message(int(request.match_info["number"]))
        if row is None:
            raise web.HTTPNotFound
        return row


def _page(title: str, content: str) -> web.Response:
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    html = (
        f'<!doctype html><html lang="en"><head>{head}<title>{escape(title)}</title>'
        '<link rel="stylesheet" href="/style.css"></head>'
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    return web.Response(text=html, content_type="text/html", headers=headers)
