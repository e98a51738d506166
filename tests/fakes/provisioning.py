"""Fakes of provisioning's ports: a service desk, pipelines that change an Azure in memory, and a DevOps to set up.

Each write goes through `touch`, which tests can make fail before or after its effect; effects are counted.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shared.domain.azure.inspection import AzureResource, DatastoreSeen, Grant, RoleGiven
from shared.domain.configuration import Configuration
from shared.domain.devops.seen import DevOpsRun, PipelineOrder, RunResult
from shared.domain.failures import Refused, Transient
from shared.domain.inference.routes import Workspace
from shared.domain.provisioning.orders import RequestRef
from shared.domain.provisioning.plans import DIGEST, PLAN, ChangeSeen
from shared.domain.provisioning.rules import ProvisioningPipelines
from shared.domain.provisioning.set_up import Federation, SetUpSeen, WantedSetUp
from shared.operations.infrastructure.role_rows import persona_rows
from shared.operations.roles.assignments import assignments
from shared.operations.roles.catalogue import ROLES


@dataclass
class Wear:
    """What goes wrong: *deaths* are effects that die once, before or after they happen. With *everywhere*, each effect
    is tried twice in vain: the host dies before it, and then right after it."""

    effects: Counter[str] = field(default_factory=Counter)
    deaths: dict[str, str] = field(default_factory=dict)
    everywhere: bool = False
    tries: Counter[str] = field(default_factory=Counter)

    def touch(self, effect: str, act: Callable[[], None]) -> None:
        kind = effect.partition(" ")[0]
        death = self.deaths.pop(kind, "")
        if self.everywhere:
            self.tries[effect] += 1
            death = {1: "before", 2: "after"}.get(self.tries[effect], "")
        if death == "before":
            raise Transient(f"the host died before {effect}")
        act()
        self.effects[effect] += 1
        if death == "after":
            raise Transient(f"the host died after {effect}")


class MemoryDesk:
    """Implements ServiceDesk. A change moves only when a test says so."""

    def __init__(self, wear: Wear) -> None:
        self._wear = wear
        self.items: dict[str, dict[str, str]] = {}
        self.notes: dict[str, list[str]] = {}
        self.changes: dict[str, ChangeSeen] = {}
        self.fields: dict[str, dict[str, str]] = {}

    def approval(self, request: RequestRef) -> str:
        item = self.items.get(request.sys_id)
        if item is None:
            raise Refused("No Record found")
        return item["approval"]

    def note(self, request: RequestRef, mark: str, text: str) -> None:
        self._note(request.sys_id, mark, text)

    def close(self, request: RequestRef, complete: bool, text: str) -> None:
        item = self.items[request.sys_id]
        if item["state"] == "open":
            state = "complete" if complete else "incomplete"
            self._wear.touch(f"close {request.number}", lambda: item.update(state=state))

    def open_change(self, correlation: str, fields: Mapping[str, str]) -> ChangeSeen:
        if correlation not in self.changes:
            text = {"description": fields.get("description", "")}
            number = f"CHG{len(self.changes) + 1:07d}"
            change = ChangeSeen(number=number, sys_id=f"sys-{number}", state="-5", approval="requested", **text)
            self._wear.touch("change opened", lambda: self.changes.update({correlation: change}))
            self.fields[correlation] = dict(fields)
        return self.changes[correlation]

    def look_at_change(self, correlation: str) -> ChangeSeen:
        return self.changes[correlation]

    def note_change(self, correlation: str, mark: str, text: str) -> None:
        self._note(self.changes[correlation].sys_id, mark, text)

    def close_change(self, correlation: str, successful: bool, text: str) -> None:
        change = self.changes.get(correlation)
        if change is None or change.state in ("3", "4"):
            return
        state = "3" if change.state in ("-2", "-1", "0") else "4"
        closed = replace(change, state=state)
        outcome = {"close_notes": text, "close_code": "successful" if successful else "unsuccessful"}
        self._wear.touch("change closed", lambda: self.changes.update({correlation: closed}))
        self.fields[correlation] |= outcome

    def _note(self, name: str, mark: str, text: str) -> None:
        notes = self.notes.setdefault(name, [])
        if not any(f"[{mark}]" in note for note in notes):
            self._wear.touch(f"note {text.split('.')[0]}", lambda: notes.append(f"{text} [{mark}]"))

    def move(self, state: str, approval: str) -> None:
        """Every change, as a person's decision does."""
        self.changes = {key: replace(change, state=state, approval=approval) for key, change in self.changes.items()}


class MemoryAzure:
    """Implements DevOpsPipelines and PipelineFiles: the pipelines of pipelines/infra, and the Azure that they write.

    *wanted* is what the templates say for each deployment; *stands* is what is there.
    """

    def __init__(self, wear: Wear, pipelines: ProvisioningPipelines) -> None:
        self._wear, self._pipelines = wear, pipelines
        self.wanted: dict[str, dict[str, str]] = {}
        self.stands: dict[str, dict[str, str]] = {}
        self.runs: dict[int, tuple[PipelineOrder, DevOpsRun, dict[str, bytes]]] = {}
        self.fails: set[str] = set()  # Kinds of pipelines whose runs fail.
        self.silent = False  # Whether runs end before they have attached anything.
        self.before_apply: Callable[[], None] = lambda: None

    def start(self, order: PipelineOrder) -> DevOpsRun:
        for made, run, _ in self.runs.values():
            if made.correlation == order.correlation:
                return run
        kind = {number: name for name, number in vars_of(self._pipelines).items()}[order.pipeline]
        self._wear.touch(f"{kind} run", lambda: self._carry_out(kind, order))
        return self.runs[len(self.runs)][1]

    def look(self, organisation: str, project: str, pipeline: int, run: int) -> DevOpsRun:
        return self.runs[run][1]

    def cancel(self, organisation: str, project: str, run: int) -> None:
        raise AssertionError("provisioning cancels no run")

    def attached(self, organisation: str, project: str, run: int, kind: str) -> dict[str, bytes]:
        return {} if self.silent else self.runs[run][2]

    def numbers(self, kind: str) -> list[int]:
        number = vars_of(self._pipelines)[kind]
        return [name for name, (order, _, _) in self.runs.items() if order.pipeline == number]

    def _carry_out(self, kind: str, order: PipelineOrder) -> None:
        files, is_good = dict[str, bytes](), kind not in self.fails
        steps = order.parameters.get("steps", "").split(",")
        if kind in ("plan", "drift"):
            lines = self.plan(steps)
            files = {PLAN: "".join(f"{line}\n" for line in lines).encode(), DIGEST: self.digest(steps).encode()}
            is_good = is_good and not (kind == "drift" and lines)
        elif kind == "apply" and is_good:
            self.before_apply()
            is_good = order.parameters["digest"] == self.digest(steps)
            for step in steps if is_good else ():
                self.stands[step] = dict(self.wanted.get(step, {}))
                self._wear.effects[f"stack {step}"] += 1
        elif kind == "teardown" and is_good:
            for step in steps:
                self.stands.pop(step, None)
        run = DevOpsRun(
            id=len(self.runs) + 1, finished=True, result=RunResult.SUCCEEDED if is_good else RunResult.FAILED
        )
        self.runs[run.id] = (order, run, files)

    def plan(self, steps: list[str]) -> list[str]:
        lines = list[str]()
        for step in steps:
            wanted, stands = self.wanted.get(step, {}), self.stands.get(step, {})
            lines += [f"Create {step}/{name}" for name in sorted(wanted) if name not in stands]
            lines += [
                f"Modify {step}/{name}" for name in sorted(wanted) if name in stands and stands[name] != wanted[name]
            ]
        return lines

    def digest(self, steps: list[str]) -> str:
        text = json.dumps([self.plan(steps), [self.wanted.get(step) for step in steps]], sort_keys=True)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


class MemoryControl:
    """Implements what the verification asks of ControlPlane: an environment stands as MemoryAzure has it.

    *given* are role assignments besides those of the templates; *missing* are personas whose group has none.
    """

    def __init__(self, azure: MemoryAzure, configuration: Configuration, groups: Mapping[str, str]) -> None:
        self._azure, self._configuration, self._groups = azure, configuration, groups
        self.given: tuple[RoleGiven, ...] = ()
        self.missing: set[str] = set()

    def find(self, resource: str) -> AzureResource | None:
        name = resource.rpartition("/")[2]
        return AzureResource(id=resource, state="Succeeded") if f"team:{name}" in self._azure.stands else None

    def datastore(self, workspace: Workspace, name: str) -> DatastoreSeen:
        return DatastoreSeen(account=self._configuration.hub.account, container=self._configuration.hub.staging)

    def grants(self, resource: str) -> tuple[Grant, ...]:
        return tuple(role.grants for each in assignments(self._configuration) for role in each.roles)

    def roles_given(self, resource: str) -> tuple[RoleGiven, ...]:
        by_id = {role.id: role for role in ROLES}
        rows = [row for row in persona_rows(self._configuration) if row["environment"] == resource.rpartition("/")[2]]
        own = tuple(
            RoleGiven(
                principal=self._groups[row["persona"]],
                kind="Group",
                role=row["role"],
                scope=resource,
                grants=(by_id[row["id"]].grants,),
            )
            for row in rows
            if row["persona"] in self._groups and row["persona"] not in self.missing
        )
        return (*own, *(role for role in self.given if resource.startswith(role.scope)))


class MemoryDevOpsSetUp:
    """Implements DevOpsSetUp."""

    def __init__(self, wear: Wear) -> None:
        self._wear = wear
        self.made: dict[str, Any] = {}
        self.tampered: tuple[str, ...] = ()
        self.opened_later: tuple[str, ...] = ()  # What only a look after the set-up sees.

    def look(self, wanted: WantedSetUp) -> SetUpSeen:
        missing = tuple(f"{name} is missing" for name in names_of(wanted) if name not in self.made)
        return SetUpSeen(differences=(*missing, *self.tampered, *self.opened_later), federations=federations_of(wanted))

    def ensure(self, wanted: WantedSetUp) -> SetUpSeen:
        made = tuple(name for name in names_of(wanted) if name not in self.made)
        for name in made:
            self._wear.touch(f"make {name}", lambda name=name: self.made.update({name: wanted.mark}))  # type: ignore[misc]
        return SetUpSeen(made=made, differences=self.tampered, federations=federations_of(wanted))


def names_of(wanted: WantedSetUp) -> tuple[str, ...]:
    return (
        *(f"environment {each.name}" for each in wanted.environments),
        *(f"connection {each.name}" for each in wanted.connections),
        f"group {wanted.group}",
        f"repository {wanted.repository.name}",
    )


def federations_of(wanted: WantedSetUp) -> tuple[Federation, ...]:
    return tuple(
        Federation(connection=each.name, client=each.client, issuer="https://issuer", subject=f"sc://{each.name}")
        for each in wanted.connections
    )


def vars_of(pipelines: ProvisioningPipelines) -> dict[str, int]:
    return {name: getattr(pipelines, name) for name in ("plan", "apply", "settle", "drift", "teardown")}
