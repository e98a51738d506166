"""The requests that a pipeline sends: the agentless task's request with the documented headers, or a check that polls.

Contract: Tasks/AzureFunctionV1 and InvokeRestApiV1 of microsoft/azure-pipelines-tasks. Callbacks are waited for
elsewhere.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from signalbox.emulators.azure_devops.estate import Organisation
from signalbox.emulators.azure_devops.shapes import approval_shape
from signalbox.emulators.azure_devops.store import Document, Store

BODY_LIMIT = 2000
ANSWER_WITHIN_S = 20.0
_ATTEMPTS = 2000


class Caller:
    """*issue* makes a job access token of a plan; *announce* takes an event type, a project's id and a resource."""

    def __init__(
        self,
        store: Store,
        organisation: Organisation,
        issue: Callable[[str], str],
        announce: Callable[[str, str, dict[str, Any]], None],
    ) -> None:
        self._store, self._organisation, self._issue, self._announce = store, organisation, issue, announce

    async def call(self, run: Document, item: Document) -> str:
        """The item's result; empty where it waits for a callback."""
        body = _fill(item.get("body", ""), run)
        if len(body) > BODY_LIMIT:
            return "failed"
        if item["kind"] == "poll":
            return await self._poll(run, item)
        return await self._ask_once(run, item, body)

    def tell_approval(self, kind: str, approval: Document) -> None:
        """The published samples carry neither pipeline nor stage nor run, and a project of zeros: so does this."""
        empty_fields = dict.fromkeys(("pipeline", "stage", "run", "resource", "url", "stageName"))
        fields = approval_shape(self._organisation.base, approval)
        fields = {name: value for name, value in fields.items() if name not in ("pipeline", "_links")} | {"_links": {}}
        zeros = "00000000-0000-0000-0000-000000000000"
        resource = {"approval": fields, "projectId": zeros, **empty_fields, "id": 0, "attemptId": 0}
        self._announce(kind, zeros, resource)

    async def _ask_once(self, run: Document, item: Document, body: str) -> str:
        headers = self._headers(run, item)
        start = time.monotonic()
        try:
            async with (
                _session() as session,
                session.post(item["url"], params=_key(item), headers=headers, data=body.encode()) as answer,
            ):
                await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            status = 0
        self._note(run, item, status, time.monotonic() - start)
        return "" if 200 <= status < 300 else "failed"

    async def _poll(self, run: Document, item: Document) -> str:
        for _ in range(min(item.get("attempts", _ATTEMPTS), _ATTEMPTS)):
            url = _fill(item["url"], run)
            async with _session() as session, session.get(url, params=_key(item)) as answer:
                body = await answer.json(content_type=None) if answer.status == 200 else {}
            status = body.get("status")
            if status in ("succeeded", "failed"):
                return str(status)
            await asyncio.sleep(item.get("interval", 60))
        return "timedOut"

    def _headers(self, run: Document, item: Document) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "PlanUrl": f"{self._organisation.base}/",
            "ProjectId": run["project"],
            "HubName": item.get("hub", "checks"),
            "PlanId": run["plan"],
            "JobId": item["job"],
            "TimelineId": run["plan"],
            "TaskInstanceId": item["id"],
            "AuthToken": self._issue(run["plan"]),
            **item.get("headers", {}),
        }

    def _note(self, run: Document, item: Document, status: int, took_s: float) -> None:
        self._store.put("call", item["id"], {"task": item["id"], "run": run["id"], "status": status, "took_s": took_s})


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN_S))


def _key(item: Document) -> dict[str, str]:
    return {"code": item["key"]} if item.get("key") else {}


def _fill(text: str, run: Document) -> str:
    """*text* with the run's parameters and predefined variables in place of their macros."""
    for name, value in run["parameters"].items():
        text = text.replace(f"${{{{ convertToJson(parameters.{name}) }}}}", json.dumps(str(value)))
        text = text.replace(f"${{{{ parameters.{name} }}}}", str(value)).replace(f"$({name})", str(value))
    return text.replace("$(Build.BuildId)", str(run["id"]))
