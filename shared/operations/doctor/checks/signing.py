"""The signing keys: each opens, is the one that the trusted set names, cannot be read, and signs for one purpose."""

from collections.abc import Iterator

from shared.domain.azure.inspection import Hidden
from shared.domain.failures import Refused
from shared.domain.trust.key_states import KeyState
from shared.domain.trust.keys import Purpose
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check

_ROTATE = "make and trust another: `signalbox keys new`, as docs/signing-keys.md says"


@check
def signing(site: Site) -> Findings:
    states: dict[Purpose, KeyState] = {}
    for purpose, entry in site.settings.signing_keys:
        report = SubjectReport("signing", f"the key for {purpose.value}, {entry.partition('@')[0]},")
        try:
            states[purpose] = site.signing_keys.state(purpose)
            findings = [*_problems(site, report, purpose, states[purpose])]
        except Hidden:
            raise
        except Refused as refusal:
            fix = "give the app's identity Key Vault Crypto User on this key, or name a key that is there"
            findings = [report.broken(f"cannot be opened: {refusal}", fix)]
        yield from findings or [report.ok("opens, is trusted, and cannot be read")]
    yield from _shared(states)


def _problems(site: Site, report: SubjectReport, purpose: Purpose, state: KeyState) -> Iterator[Finding]:
    now, trusted_key = site.clock.now(), site.signing_keys.trusted(purpose)
    if trusted_key is None:
        yield report.broken(
            "is not in the set of SIGNALBOX_TRUSTED_KEYS, so nothing that it signs is believed", _ROTATE
        )
    elif trusted_key.jwk != state.jwk:
        fix = "put back the key of the set, or make another key; find out who changed it"
        yield report.broken("is another key than the set has under its id, so nothing that it signs is believed", fix)
    elif objection := trusted_key.objection(purpose, now):
        yield report.broken(f"is not trusted: {objection}", _ROTATE)
    for objection in state.objections(now):
        yield report.broken(f"cannot sign: {objection}", _ROTATE)
    if state.exportable and site.settings.site_name:
        fix = "make it in Key Vault, where it signs and cannot be read: docs/signing-keys.md"
        yield report.warning("can be copied by everybody who can read the place that it lies in", fix)


def _shared(states: dict[Purpose, KeyState]) -> Findings:
    """Two purposes with one key, perhaps as two copies: who steals it can do both."""
    purposes: dict[str, list[str]] = {}
    for purpose, state in states.items():
        purposes.setdefault(str(sorted(state.jwk.items())), []).append(purpose.value)
    for names in purposes.values():
        if len(names) > 1:
            report = SubjectReport("signing", f"one key for {' and '.join(names)}")
            yield report.broken("is used: who steals it can sign for all of them", _ROTATE)
