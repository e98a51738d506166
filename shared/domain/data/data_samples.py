"""The values that broke a rule, for people who may see data; and the sentences without them, for everybody else.

Reports of earlier releases have values in their sentences. Findings are the same in all of them, so the sentences are
made anew from these.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.domain.data.data_check import OWN_WORDS, sentence_of
from shared.domain.data.data_measures import Breach, Example

_WITH_SAMPLES = ("findings", "tolerated")


def samples_of(finding: Mapping[str, Any]) -> tuple[Example, ...]:
    """Up to ten of the rows that broke the rule of *finding*, each with its value; none where its sentence says all."""
    if finding.get("rule") in OWN_WORDS:
        return ()
    return tuple(Example(**example) for example in finding.get("examples", ()))


def plain_sentences(summary: Sequence[str], findings: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The sentences of a report without a value: its *summary* has one for each of the *findings*, then the others."""
    breaches = [_breach(finding) for finding in findings]
    extras = [breach.column for breach in breaches if breach.rule == "extra"]
    return (*(sentence_of(breach, extras) for breach in breaches), *summary[len(findings) :])


def without_samples(report: Mapping[str, Any]) -> dict[str, Any]:
    """*report* for a reader who may not see data: what broke which rule and how often, and no value."""
    findings = report.get("findings", ())
    bare = {name: [{**finding, "examples": []} for finding in report.get(name, ())] for name in _WITH_SAMPLES}
    return {**report, **bare, "summary": list(plain_sentences(report["summary"], findings))}


def lines_with_samples(report: Mapping[str, Any]) -> Iterator[str]:
    """The summary of *report*, each sentence with the values that it is about below it."""
    findings = report.get("findings", ())
    for number, sentence in enumerate(report["summary"]):
        yield sentence
        for sample in samples_of(findings[number]) if number < len(findings) else ():
            yield f"  {sample.file}{f' row {sample.row}' if sample.row else ''}: {sample.value}"


def _breach(finding: Mapping[str, Any]) -> Breach:
    examples = tuple(Example(**example) for example in finding["examples"])
    return Breach(rule=finding["rule"], column=finding["column"], count=finding["count"], examples=examples)
