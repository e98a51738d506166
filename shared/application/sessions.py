"""Sessions of people who signed in with a browser: sealed in a cookie, and on record, so that signing out is real.

What a session carries of the directory is what the configuration asks for: a person may be in two hundred groups.
"""

import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from shared.domain.access.callers import Caller
from shared.domain.configuration import Configuration
from shared.domain.promotion.approvals import Role
from shared.ports import Sealer, SignedIn, SignInRequest
from shared.records.sessions import SessionRecord, end_session, is_living, record_session
from shared.records.store import RecordStore, read_json

WHOLE, IDLE, RENEWED_AFTER = timedelta(hours=8), timedelta(hours=1), timedelta(minutes=5)
SIGN_IN_LASTS = timedelta(minutes=10)
_SESSION, _FLOW, _FORM = "console session", "console sign-in", "console form"
_KNOWN_FOR = timedelta(seconds=30)  # How long a reading believes that a session has not been ended elsewhere.


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSession:
    """*person* has met the authentication *contexts*; *seen* is when the cookie was sealed."""

    sid: str
    person: Caller
    opened: datetime
    seen: datetime
    contexts: tuple[str, ...] = ()

    @property
    def until(self) -> datetime:
        return min(self.opened + WHOLE, self.seen + IDLE)


class Sessions:
    """Opens, reads and ends sessions. One instance serves a worker."""

    def __init__(self, store: RecordStore, sealer: Sealer, configuration: Configuration) -> None:
        self._store, self._sealer, self._configuration = store, sealer, configuration
        self._known = dict[str, datetime]()

    def begin(self, to: str, now: datetime) -> tuple[SignInRequest, str]:
        """What the directory is asked with, and the same sealed for the browser to keep."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        request = SignInRequest(state=state, nonce=nonce, verifier=verifier, to=to, at=now)
        return request, self._sealer.seal(_FLOW, json.dumps(asdict(request) | {"at": now.isoformat()}))

    def begun(self, sealed: str, state: str, now: datetime) -> SignInRequest | None:
        """What `begin` asked with; None where the browser asked for another *state*, or too long ago."""
        text = self._sealer.unseal(_FLOW, sealed)
        if text is None:
            return None
        raw = read_json(text.encode())
        request = SignInRequest(**(raw | {"at": datetime.fromisoformat(raw["at"])}))
        is_in_time = timedelta() <= now - request.at <= SIGN_IN_LASTS
        return request if is_in_time and secrets.compare_digest(request.state, state) else None

    def open(self, signed_in: SignedIn, now: datetime) -> ConsoleSession:
        """A new session of who has signed in, on record."""
        person = Caller.of(signed_in.person)
        session = ConsoleSession(
            sid=secrets.token_urlsafe(24),
            person=self._configured(person),
            opened=now,
            seen=now,
            contexts=signed_in.contexts,
        )
        record = SessionRecord(oid=person.oid, name=person.name, opened=now.isoformat(timespec="seconds"))
        record_session(self._store, session.sid, record)
        return session

    def sealed(self, session: ConsoleSession, now: datetime) -> str:
        """The session for a cookie, as seen *now*."""
        person = {name: value for name, value in asdict(session.person).items() if value and name != "kind"}
        times = {"opened": session.opened, "seen": now}
        plain = {"sid": session.sid, "person": person, **times, "contexts": session.contexts}
        return self._sealer.seal(_SESSION, json.dumps(plain, default=datetime.isoformat))

    def read(self, cookie: str, now: datetime) -> ConsoleSession | None:
        """The living session in *cookie*, by its record."""
        session = self._unexpired(cookie, now)
        if session is None:
            return None
        if not is_living(self._store, session.sid):
            self._known.pop(session.sid, None)
            return None
        self._known[session.sid] = now
        return session

    def remembered(self, cookie: str, now: datetime) -> ConsoleSession | None:
        """The session in *cookie* where its record was just read, and said that it lives: nothing is asked."""
        session = self._unexpired(cookie, now)
        known = None if session is None else self._known.get(session.sid)
        return session if known is not None and abs(now - known) <= _KNOWN_FOR else None

    def _unexpired(self, cookie: str, now: datetime) -> ConsoleSession | None:
        text = self._sealer.unseal(_SESSION, cookie)
        if text is None:
            return None
        session = _session(read_json(text.encode()))
        return session if session.seen <= now + _KNOWN_FOR and now < session.until else None

    def person_of(self, cookie: str) -> Caller | None:
        """Whose session *cookie* is or was, living or not; None where we have never sealed it."""
        text = self._sealer.unseal(_SESSION, cookie)
        return _session(read_json(text.encode())).person if text is not None else None

    def end(self, session: ConsoleSession, now: datetime) -> None:
        self._known.pop(session.sid, None)
        end_session(self._store, session.sid, now.isoformat(timespec="seconds"))

    def form_token(self, session: ConsoleSession, intent: str, now: datetime) -> str:
        """What makes a form an intent of this session: for *intent* alone, which names what the person was shown."""
        # By the hour, so that a page to which nothing happens stays the same page.
        return self._sealer.sign(_FORM, _form(session, intent, now))

    def is_form_token(self, session: ConsoleSession, intent: str, token: str, now: datetime) -> bool:
        """Whether *token* is that of *intent*, and not older than two hours."""
        texts = [_form(session, intent, time) for time in (now, now - timedelta(hours=1))]
        return any(self._sealer.is_signed(_FORM, text, token) for text in texts)

    def _configured(self, person: Caller) -> Caller:
        """*person* with the roles and groups alone that any permission or approval names."""
        named_roles = list(_roles_of(self._configuration))
        app_roles, groups = {role.app_role for role in named_roles}, {role.group for role in named_roles}
        return replace(
            person,
            roles=tuple(role for role in person.roles if role in app_roles),
            groups=tuple(group for group in person.groups if group in groups),
        )


def _roles_of(configuration: Configuration) -> Iterator[Role]:
    yield from (persona.role for persona in configuration.permissions.personas)
    policies = [stage.approvals for stage in configuration.ladder.stages]
    for policy in (*policies, configuration.ladder.break_glass.policy):
        yield from (*policy.roles, *policy.witness, *policy.delegates.values())


def _session(raw: dict[str, object]) -> ConsoleSession:
    person = dict(raw["person"])  # type: ignore[call-overload]
    lists = {name: tuple(person.get(name, ())) for name in ("roles", "groups", "mails")}
    opened, seen = (datetime.fromisoformat(str(raw[name])) for name in ("opened", "seen"))
    times = {name: datetime.fromisoformat(person[name]) for name in ("authenticated_at",) if name in person}
    contexts = tuple(map(str, raw["contexts"]))  # type: ignore[call-overload]
    return ConsoleSession(
        sid=str(raw["sid"]), person=Caller(**(person | lists | times)), opened=opened, seen=seen, contexts=contexts
    )


def _form(session: ConsoleSession, intent: str, now: datetime) -> str:
    return f"{session.sid}\n{now:%Y-%m-%dT%H}\n{intent}"
