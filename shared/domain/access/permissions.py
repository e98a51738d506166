"""Who may do what, and where: the matrix of personas against environments, as data. What no row allows is refused.

A persona is a role of the directory, and the machines that are configured to act as it.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.access.callers import Caller, CallerKind
from shared.domain.promotion.approvals import Role
from shared.domain.teams.ownership import PLATFORM, Scope


class Action(StrEnum):
    """What a door lets its caller do. Every door names one."""

    ANYONE = "anyone"  # Asks for no identity: whether the app lives, and how it is called.
    READ = "read"  # Runs, promotions, models, configuration, dead letters, the audit log.
    SEE_DATA = "see_data"  # The predictions themselves, not only that there are some.
    CHECK_DATA = "check_data"
    PUBLISH_DATA = "publish_data"  # Make a version of a data set: a training, test or labelled set, or a hold-out.
    START_INFERENCE = "start_inference"  # Also scoring a run's files again.
    RELEASE = "release"  # Let quarantined data through.
    OPERATE = "operate"  # Cancel, replay dead letters.
    PROMOTE = "promote"
    RETRAIN = "retrain"
    DECIDE = "decide"  # Approve, reject, withdraw; the ladder says who may speak for which role.
    BREAK_GLASS = "break_glass"
    RECOVER = "recover"
    REVOKE = "revoke"  # Withdraw a version from the central registry for good.
    ROLL_OUT = "roll_out"  # Pause, resume, advance and abort the rollout of a version to production.
    ROLL_BACK = "roll_back"  # Bring production back, and release what a rollback holds.
    PROVISION = "provision"  # Hand in, resume and follow orders of environments, which ServiceNow must have approved.
    TEAR_DOWN = "tear_down"  # Ask for, confirm and take back the end of what was provisioned.
    DELIVER = "deliver"  # Hand in events and messages of other systems.


EVERYWHERE = "all"
# No configuration can give these to a machine: an approval by the pipeline that asked would be no second pair of eyes.
PEOPLE_ONLY = frozenset({Action.DECIDE, Action.BREAK_GLASS, Action.REVOKE, Action.TEAR_DOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """*allows*: the environments by action; `all` is every one. With *team* it holds for what is that team's alone."""

    role: Role
    allows: dict[Action, tuple[str, ...]] = field(default_factory=dict)
    team: str = PLATFORM


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A caller that is no person: known by *app* or *oid* in its token, or, without both, by the key of its name.

    It acts as personas of its own *team*.
    """

    name: str
    acts_as: tuple[str, ...]
    app: str = ""
    oid: str = ""
    team: str = PLATFORM

    def is_caller(self, caller: Caller) -> bool:
        """Whether a token of the directory names this machine."""
        return (bool(self.app) and self.app == caller.app) or (bool(self.oid) and self.oid == caller.oid)


def _persona(name: str, app_role: str, *actions: Action) -> Persona:
    return Persona(
        role=Role(name=name, app_role=app_role), allows=dict.fromkeys((Action.READ, *actions), (EVERYWHERE,))
    )


_A = Action
DEFAULT_PERSONAS = (
    _persona("data-owner", "DataOwner", _A.SEE_DATA, _A.CHECK_DATA, _A.PUBLISH_DATA, _A.START_INFERENCE, _A.RELEASE),
    _persona(
        "data-scientist",
        "DataScientist",
        _A.SEE_DATA,
        _A.CHECK_DATA,
        _A.PUBLISH_DATA,
        _A.START_INFERENCE,
        _A.PROMOTE,
        _A.RETRAIN,
        _A.DECIDE,
    ),
    _persona(
        "ml-engineer",
        "MLEngineer",
        _A.SEE_DATA,
        _A.CHECK_DATA,
        _A.PUBLISH_DATA,
        _A.START_INFERENCE,
        _A.OPERATE,
        _A.PROMOTE,
        _A.RETRAIN,
        _A.ROLL_OUT,
        _A.ROLL_BACK,
    ),
    _persona(
        "product-owner",
        "ProductOwner",
        _A.DECIDE,
        _A.BREAK_GLASS,
        _A.REVOKE,
        _A.ROLL_OUT,
        _A.ROLL_BACK,
        _A.TEAR_DOWN,
    ),
    _persona(
        "platform-engineer",
        "PlatformEngineer",
        _A.CHECK_DATA,
        _A.START_INFERENCE,
        _A.OPERATE,
        _A.DECIDE,
        _A.BREAK_GLASS,
        _A.RECOVER,
        _A.REVOKE,
        _A.DELIVER,
        _A.ROLL_OUT,
        _A.ROLL_BACK,
        _A.PROVISION,
        _A.TEAR_DOWN,
    ),
    _persona("service-desk", "ServiceDesk", _A.PROVISION),
    _persona(
        "automation",
        "Automation",
        _A.CHECK_DATA,
        _A.PUBLISH_DATA,
        _A.START_INFERENCE,
        _A.PROMOTE,
        _A.RETRAIN,
        _A.DELIVER,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """The matrix, and the machines it knows."""

    personas: tuple[Persona, ...] = DEFAULT_PERSONAS
    machines: tuple[Machine, ...] = ()

    def of(self, caller: Caller) -> tuple[Persona, ...]:
        """The personas as which *caller* acts."""
        if caller.kind is CallerKind.PERSON:
            return tuple(persona for persona in self.personas if caller.fills(persona.role))
        acts_as = {
            (machine.team, name) for machine in self.machines if machine.name == caller.name for name in machine.acts_as
        }
        return tuple(persona for persona in self.personas if (persona.team, persona.role.name) in acts_as)

    def allows(self, caller: Caller, action: Action, place: str, team: str = PLATFORM) -> bool:
        """Whether *caller* may do *action* in *place*, an environment or `registry`, with what *team* owns.

        If the place is not known (empty), only a permission for every place counts. What belongs to no team is for the
        platform's personas alone.
        """
        places = {
            allowed
            for persona in self._allowing(caller, action)
            if persona.team in (PLATFORM, team)
            for allowed in persona.allows[action]
        }
        return EVERYWHERE in places or (bool(place) and place in places)

    def allows_somewhere(self, caller: Caller, action: Action) -> bool:
        """Whether there is any place in which *caller* may do *action*, with anybody's things."""
        return action is Action.ANYONE or bool(self._allowing(caller, action))

    def places(self, caller: Caller, action: Action) -> tuple[str, ...]:
        """The places in which *caller* may do *action*, as they are configured.

        A permission that holds for a team's own things alone is `TEAM:PLACE`.
        """
        return tuple(
            sorted(
                {
                    f"{persona.team}:{place}" if persona.team else place
                    for persona in self._allowing(caller, action)
                    for place in persona.allows[action]
                }
            )
        )

    def scope(self, caller: Caller, action: Action) -> Scope:
        """With whose things *caller* may do *action*: all, as a persona of the platform, or those of some teams."""
        teams = {persona.team for persona in self._allowing(caller, action)}
        return Scope(teams=frozenset(teams - {PLATFORM}), whole=PLATFORM in teams)

    def _allowing(self, caller: Caller, action: Action) -> tuple[Persona, ...]:
        """The personas of *caller* that may do *action* anywhere."""
        if action in PEOPLE_ONLY and caller.kind is not CallerKind.PERSON:
            return ()
        return tuple(persona for persona in self.of(caller) if persona.allows.get(action))

    def machine(self, caller: Caller) -> Machine | None:
        """The machine that the token of *caller* names."""
        return next((machine for machine in self.machines if machine.is_caller(caller)), None)

    def who_may(self, action: Action, place: str, team: str = PLATFORM) -> str:
        """The personas that may do *action* in *place* (everywhere, where it is empty) for *team*, in words."""
        environments = {EVERYWHERE, place}
        names = [
            persona.role.name
            for persona in self.personas
            if persona.team in (PLATFORM, team) and environments.intersection(persona.allows.get(action, ()))
        ]
        return ", ".join(dict.fromkeys(names)) or "nobody, as configured"

    def who_may_somewhere(self, action: Action) -> str:
        """The personas of the platform that may do *action* in any place, in words."""
        names = (
            persona.role.name for persona in self.personas if persona.team == PLATFORM and persona.allows.get(action)
        )
        return ", ".join(names) or "nobody, as configured"
