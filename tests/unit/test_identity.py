"""Deterministic ids: the same cause has the same id, others have others, and every host takes them."""

import string

from hypothesis import given
from hypothesis import strategies as st

from shared.domain import identity
from shared.domain.inference.arrivals import Arrival, bare_etag

PRINTABLE = set(string.ascii_letters + string.digits + "-")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
ARRIVALS = st.builds(Arrival, account=TEXT, container=TEXT, path=TEXT, etag=TEXT)


@given(TEXT, st.lists(ARRIVALS, min_size=1, max_size=4), st.integers(1, 999), st.dictionaries(TEXT, TEXT, max_size=3))
def test_every_id_is_short_and_printable(route, arrivals, attempt, group):
    run = identity.run_id(route, [identity.arrival_id(arrival) for arrival in arrivals], attempt)

    for made in (
        run,
        identity.wait_id(run),
        identity.adrift_id(run),
        identity.job_name(run),
        identity.window_id(route, group),
    ):
        assert len(made) <= 100
        assert set(made) <= PRINTABLE


@given(ARRIVALS, ARRIVALS)
def test_arrivals_are_the_same_only_where_their_content_is(one, other):
    same = (one.account, one.container, one.path, one.etag) == (other.account, other.container, other.path, other.etag)

    assert (identity.arrival_id(one) == identity.arrival_id(other)) is same


@given(TEXT, st.lists(TEXT, min_size=1, max_size=5), st.integers(1, 500), st.randoms())
def test_a_run_is_its_members_in_any_order_and_its_attempt(route, members, attempt, random):
    run = identity.run_id(route, members, attempt)
    random.shuffle(members)

    assert identity.run_id(route, members, attempt) == run
    assert identity.next_attempt(run) == identity.run_id(route, members, attempt + 1)
    assert identity.attempt_of(run) == attempt


@given(st.dictionaries(TEXT, TEXT, max_size=4))
def test_a_window_is_its_group_in_any_order(group):
    assert identity.window_id("nightly", group) == identity.window_id("nightly", dict(reversed(group.items())))


def test_a_quoted_or_weak_etag_is_the_same_etag():
    assert {bare_etag(etag) for etag in ("0x8D9", '"0x8D9"', 'W/"0x8D9"')} == {"0x8D9"}
