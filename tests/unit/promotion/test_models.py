"""Flags and versions are exact, or refused; the ladder has only its own edges; bundles are named by content."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.failures import Refused
from shared.domain.promotion.bundles import Bundle, BundleFile, bundle_digest, difference
from shared.domain.promotion.models import Flag, ModelVersion, exact_model, read_flag, write_flag

CHURN = ModelVersion(name="churn", version="9")
FILES = st.lists(
    st.builds(
        BundleFile,
        part=st.sampled_from(["model", "extras"]),
        path=st.text(min_size=1, max_size=20),
        size=st.integers(0, 9),
        sha256=st.text("0123456789abcdef", min_size=4, max_size=4),
    ),
    max_size=8,
)


@pytest.mark.parametrize("text", ["churn:9", "churn-2.x:10", "Churn_a:v3"])
def test_exact_versions_are_read(text):
    assert str(exact_model(text)) == text


@pytest.mark.parametrize(
    "text", ["churn", "churn:latest", "churn:*", "churn:>=2", "churn:1..3", ":1", "churn:", "a b:1"]
)
def test_everything_else_is_refused(text):
    with pytest.raises(Refused, match="no `latest`, no ranges"):
        exact_model(text)


def test_a_flag_says_what_was_written():
    flag = Flag(model=CHURN, stage="central", digest="sha256:" + "a" * 64)

    assert read_flag(write_flag(flag), CHURN) == flag
    beside = replace(flag, beside=(exact_model("fraud:7"), exact_model("x:2")))
    assert read_flag(write_flag(beside), CHURN) == beside
    assert read_flag("churn:9 -> central with x:2, fraud:7", CHURN) == replace(beside, digest="")
    assert read_flag(" churn:9 -> preprod ", CHURN) == Flag(model=CHURN, stage="preprod")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("yes", "write 'churn:9 -> STAGE'"),
        ("churn:8 -> central", "names churn:8; flag the version itself"),
        ("churn:latest -> central", "no `latest`"),
        ("churn:9 -> central with fraud", "no `latest`"),
        ("churn:9 -> central with churn:9", "after 'with' name the others"),
        ("churn:9 -> central (sha256:12)", "write 'churn:9 -> STAGE'"),
    ],
)
def test_other_flags_are_refused(text, why):
    with pytest.raises(Refused, match=r"signalbox.promote|no `latest`") as refused:
        read_flag(text, CHURN)
    assert why in str(refused.value)


@given(FILES, st.randoms())
def test_a_digest_does_not_depend_on_the_order(files, chance):
    shuffled = list(files)
    chance.shuffle(shuffled)

    assert bundle_digest(shuffled) == bundle_digest(files)


@given(FILES, FILES)
def test_other_contents_have_other_digests(first, second):
    same = sorted(first) == sorted(second)

    assert (bundle_digest(first) == bundle_digest(second)) is same


def test_a_conflict_says_which_files_differ():
    before = (
        BundleFile(part="model", path="a", size=1, sha256="1"),
        BundleFile(part="model", path="b", size=1, sha256="1"),
    )
    after = (
        BundleFile(part="model", path="a", size=1, sha256="2"),
        BundleFile(part="extras", path="c", size=1, sha256="1"),
    )

    said = difference(Bundle(files=before), Bundle(files=after))

    assert said == ("model/b is missing", "extras/c is new", "model/a differs")
