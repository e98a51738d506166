"""Secrets leave what came from outside, wherever they stand; what a replay needs stays."""

import time
from typing import Any

import pytest

from shared.domain.access.redaction import redacted, without_secrets

S = "s3cr3t-canary-0123456789"
SUBJECT = "/blobServices/default/containers/landing/blobs/code=US/a&sig=b?.csv"


@pytest.mark.parametrize(
    "text",
    [
        f"https://hub/landing/a.csv?sv=2024&sig={S}&se=2030",
        f"https://app/api/v1/hooks?code={S}",
        f"https://sign-in/?next=https%3A%2F%2Fhub%2Fa%3Fsv%3D1%26sig%3D{S}%26se%3D1",
        f"?sv=2024&sig={S}",
        f"https://user:{S}@host/path",
        f"Bearer {S}",
        f'{{"Authorization": "Basic {S}"}}',
        f"authorization: {S}",
        f"DefaultEndpointsProtocol=https;AccountName=hub;AccountKey={S};EndpointSuffix=x",
        f"Endpoint=sb://bus/;SharedAccessKeyName=root;SharedAccessKey={S}",
        f"SharedAccessSignature sr=x&sig={S}&se=1",
        f"the token eyJhbGciOiJub25l.{S}.",
    ],
)
def test_a_secret_in_a_text_is_taken_out_once_and_for_all(text: str) -> None:
    said = redacted(text)

    assert S not in said
    assert said != text
    assert redacted(said) == said


@pytest.mark.parametrize("field", ["AuthToken", "x-functions-key", "sas_token", "password", "connectionString"])
def test_a_secret_is_known_by_its_fields_name(field: str) -> None:
    assert without_secrets({"data": [{field: S}]}) == {"data": [{field: "REDACTED"}]}


@pytest.mark.parametrize(
    "value",
    [
        {"subject": SUBJECT, "data": {"url": "https://hub/landing/code=US/a.csv?sv=2024&snapshot=2026"}},
        {"eTag": '"0x8D96060BDA19D9D"', "contentLength": 12, "token": None, "secret": True},
        "the bearer of this, and the basic authentication",
        ["https://hub:443/a@b", "mailto:ada@example.org", 1.5, None],
    ],
)
def test_all_else_stays_as_it_was(value: Any) -> None:
    assert without_secrets(value) == value


def test_what_nests_too_deeply_is_cut_and_never_overflows() -> None:
    deep: Any = S
    for _ in range(5000):
        deep = [deep]

    assert S not in repr(without_secrets(deep))


@pytest.mark.parametrize("before", ["", "-", "token-", "x=", "https://h/", "a.b-"])
def test_a_token_is_known_whatever_stands_before_it(before: str) -> None:
    token = f"eyJhbGciOiJSUzI1NiJ9.{S}.{S}"

    assert redacted(f"{before}{token} and") == f"{before}REDACTED and"


@pytest.mark.parametrize(
    "piece", ["-eyJ", "eyJaaaaaaaa.", "eyJ-eyJ-.eyJ-", "://a:", "a@://:", "bearer ", "authorization: ", "?sig=", "Pwd="]
)
def test_a_text_made_to_be_slow_is_not(piece: str) -> None:
    """Every body, event and message goes through here; at a cost of its square this would take a minute."""
    text, began = piece * (64 * 1024 // len(piece)), time.process_time()

    redacted(text)

    assert time.process_time() - began < 5
