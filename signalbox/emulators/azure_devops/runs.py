"""Scripted pipelines: stages whose gates and steps are approvals, agentless tasks, polling checks and lines of a log.

A script stands in for the YAML and for agents: gates of a stage are evaluated together, then its steps one by one.
"""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

from signalbox.emulators.azure_devops.agent import Agent
from signalbox.emulators.azure_devops.calls import Caller
from signalbox.emulators.azure_devops.estate import Member, Organisation
from signalbox.emulators.azure_devops.shapes import now, pipeline_shape, run_shape
from signalbox.emulators.azure_devops.store import Document, Store

Announce = Callable[[str, str, dict[str, Any]], None]
_BAD = ("failed", "rejected", "timedOut", "canceled")


class Runs:
    """*announce* takes an event type, a project's id and the event's resource."""

    def __init__(self, store: Store, organisation: Organisation, caller: Caller, announce: Announce) -> None:
        self._store, self._organisation, self._announce = store, organisation, announce
        self._caller, self._tasks = caller, set[asyncio.Task[None]]()
        self._agent = Agent(store)

    def create(self, pipeline: Document, parameters: dict[str, str], member: Member) -> Document:
        number = self._store.next_number("run")
        plan = str(uuid.uuid4())
        run = {
            "id": number,
            "name": f"{now()[:10].replace('-', '')}.{number}",
            "project": pipeline["project"],
            "pipeline": pipeline["id"],
            "definition": pipeline["name"],
            "plan": plan,
            "version": pipeline.get("plan_version", 17),
            "parameters": {**pipeline.get("parameters", {}), **parameters},
            "requestedFor": member.ref(),
            "owner": pipeline.get("plan_owner", ""),
            "state": "inProgress",
            "result": "unknown",
            "created": now(),
            "finished": None,
            "log": [],
            "stages": [_stage(stage) for stage in pipeline["stages"]],
        }
        self._store.put("run", number, run)
        self._store.put("plan", plan, {"run": number})
        self._store.count("runs", f"{pipeline['name']}")
        self._tell_run(run)
        self.advance(number)
        return self.get(number)

    def get(self, number: object) -> Document:
        """Raises KeyError."""
        run = self._store.get("run", number)
        if run is None:
            raise KeyError(f"run {number}")
        return run

    def of_plan(self, plan: str) -> Document:
        """Raises KeyError."""
        record = self._store.get("plan", plan)
        if record is None:
            raise KeyError(f"plan {plan}")
        return self.get(record["run"])

    def conclude(self, number: int, item: str, result: str) -> None:
        """An item of the run has ended; the run goes on."""

        def end(run: Document) -> None:
            for candidate in _items(run):
                if candidate["id"] == item and candidate["state"] != "completed":
                    candidate.update(state="completed", result=result, finished=now())

        run = self._store.change("run", number, end)
        record = self._store.get("record", item)
        if record is not None:
            changes = {"state": "completed", "result": result, "finished": now(), "change": record["change"] + 1}
            self._store.put("record", item, record | changes)
        if run["state"] != "completed":
            self.advance(number)

    def cancel(self, number: int) -> None:
        self._finish(self.get(number), "canceled")

    def advance(self, number: int) -> None:
        """Advance the run until it waits for an answer. Stages after a `parallel` one do not wait for it."""
        run, waits = self.get(number), False
        for stage in run["stages"]:
            if stage["state"] == "completed":
                continue
            result = self._work(run, stage)
            self._store.put("run", number, run)
            if not result:
                waits = True
                if stage["parallel"]:
                    continue
                return
            stage.update(state="completed", result=result)
            self._store.put("run", number, run)
            self._tell_stage(run, stage)
            if result != "succeeded":
                self._finish(run, "failed")
                return
        if not waits:
            self._finish(run, "succeeded")

    def resume(self) -> None:
        """Make the calls again that a restart interrupted."""
        for run in self._store.all("run"):
            if run["state"] != "completed":
                for item in _items(run):
                    if item["kind"] == "agent" and item["state"] == "inProgress":
                        # The agent is gone with the process: its job has failed, however far it came.
                        self.conclude(run["id"], item["id"], "failed")
                        continue
                    is_call = item["kind"] in ("task", "poll") and item["state"] == "inProgress"
                    if is_call and self._store.get("call", item["id"]) is None:
                        self._spawn(run, item)
                self.advance(run["id"])

    async def stop(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _work(self, run: Document, stage: Document) -> str:
        """The stage's result, empty while it waits."""
        stage["state"] = "inProgress"
        for gate in stage["gates"]:
            self._begin(run, stage, gate)
        if bad := [gate["result"] for gate in stage["gates"] if gate["result"] in _BAD]:
            return str(bad[0])
        if any(gate["state"] != "completed" for gate in stage["gates"]):
            return ""
        for step in stage["steps"]:
            self._begin(run, stage, step)
            if step["state"] != "completed":
                return ""
            if step["result"] in _BAD:
                return str(step["result"])
        return "succeeded"

    def _begin(self, run: Document, stage: Document, item: Document) -> None:
        if item["state"] != "notStarted":
            return
        item.update(state="inProgress", id=str(uuid.uuid4()), job=str(uuid.uuid4()), started=now(), finished=None)
        if item["kind"] == "log":
            run["log"] += item["lines"]
            item.update(state="completed", result="succeeded", finished=now())
        elif item["kind"] == "approval":
            self._ask(run, stage, item)
        else:
            self._record(run, item)
            self._store.put("run", run["id"], run)
            self._spawn(run, item)

    def _record(self, run: Document, item: Document) -> None:
        record = {
            "id": item["id"],
            "job": item["job"],
            "plan": run["plan"],
            "timeline": run["plan"],
            "run": run["id"],
            "name": item.get("name", "Invoke REST API"),
            "started": item["started"],
            "finished": None,
            "state": "inProgress",
            "result": None,
            "change": 1,
            "log": None,
        }
        self._store.put("record", item["id"], record)

    def _ask(self, run: Document, stage: Document, item: Document) -> None:
        approvers = [self._organisation.named(name) for name in item["approvers"]]
        blocked_approvers = [run["requestedFor"]] if item.get("requester_cannot_approve") else []
        step = {"status": "pending", "comment": "", "lastModifiedOn": now(), "initiatedOn": now(), "history": []}
        approval = {
            "id": item["id"],
            "project": run["project"],
            "run": run["id"],
            "stage": stage["name"],
            "steps": [
                {"assignedApprover": approver.ref(), **step, "order": n + 1} for n, approver in enumerate(approvers)
            ],
            "status": "pending",
            "createdOn": now(),
            "lastModifiedOn": now(),
            "executionOrder": "anyOrder",
            "minRequiredApprovers": item.get("min", len(approvers)),
            "blockedApprovers": blocked_approvers,
            "instructions": item.get("instructions", ""),
            "pipeline": {
                "owner": {"id": run["id"], "name": run["name"]},
                "id": str(run["pipeline"]),
                "name": run["definition"],
            },
        }
        self._store.put("approval", item["id"], approval)
        self._store.count("approvals", "asked")
        self._caller.tell_approval("ms.vss-pipelinechecks-events.approval-pending", approval)

    def _spawn(self, run: Document, item: Document) -> None:
        async def act() -> None:
            worker = self._agent.run if item["kind"] == "agent" else self._caller.call
            result = await worker(run, item)
            if result:
                self.conclude(run["id"], item["id"], result)

        task = asyncio.get_running_loop().create_task(act())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _finish(self, run: Document, result: str) -> None:
        if run["state"] != "completed":
            run.update(state="completed", result=result, finished=now())
            self._store.put("run", run["id"], run)
            self._tell_run(run)

    def _tell_run(self, run: Document) -> None:
        pipeline = self._store.get("pipeline", run["pipeline"])
        assert pipeline is not None
        shape = run_shape(self._organisation, run, pipeline)
        self._announce("ms.vss-pipelines.run-state-changed-event", run["project"], {"run": shape})

    def _tell_stage(self, run: Document, stage: Document) -> None:
        pipeline = self._store.get("pipeline", run["pipeline"])
        assert pipeline is not None
        stage_fields = {"id": stage["id"], "name": stage["name"], "displayName": stage["name"]}
        stage_fields |= {"state": "completed", "result": stage["result"]}
        resource = {
            "stage": stage_fields,
            "run": run_shape(self._organisation, run, pipeline),
            "pipeline": pipeline_shape(self._organisation, pipeline),
        }
        self._announce("ms.vss-pipelines.stage-state-changed-event", run["project"], resource)


def _stage(script: dict[str, Any]) -> Document:
    fresh = {"state": "notStarted", "result": None, "id": ""}
    gates = [{**gate, **fresh} for gate in script.get("gates", ())]
    steps = [{**step, **fresh} for step in script.get("steps", ())]
    fields = {"name": script["name"], "parallel": bool(script.get("parallel"))}
    return {**fields, **fresh, "id": str(uuid.uuid4()), "gates": gates, "steps": steps}


def _items(run: Document) -> list[Document]:
    return [item for stage in run["stages"] for item in (*stage["gates"], *stage["steps"])]
