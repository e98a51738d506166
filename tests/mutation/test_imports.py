"""The conditions by which an import lands only what is allowed, and once: without one, a test fails."""

from collections.abc import Iterator

import pytest

from tests.amounts import sample
from tests.datasets import test_hub_imports as hub_fetches
from tests.datasets import test_imports as stories
from tests.datasets import test_internet_files as fetches
from tests.datasets.file_server import FileServer, serving
from tests.datasets.test_hub_imports import lab  # noqa: F401 (a fixture)
from tests.datasets.test_imports import ImportApp, app  # noqa: F401 (a fixture)
from tests.mutation.removal import Guard, Lock, expect_failure, remove


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    with serving(tmp_path_factory.mktemp("files")) as made:
        yield made


def lock(symbol: str, condition: str, without: str, guard: Guard, **arguments: object) -> Lock:
    return Lock(symbol=symbol, condition=condition, without=without, guard=guard, arguments=arguments)


REDIRECT = fetches.test_what_leads_elsewhere_or_to_nothing_is_refused
PRIVATE = fetches.test_a_host_of_which_one_address_is_private_is_not_called
FETCHES = [
    lock(
        "HttpsFiles.objection",
        "account := rules.closed_account(host)",
        '""',
        hub_fetches.test_no_host_of_a_closed_account_is_allowed,
    ),
    lock(
        "HttpsFiles.fetch",
        "self.objection(address, rules)",
        '""',
        REDIRECT,
        path="plain.csv",
        words="x",
    ),
    lock("HttpsFiles._resolved", "if closed", "False", PRIVATE),
    lock(
        "internet_files._write",
        "if size > rules.largest",
        "False",
        fetches.test_no_more_is_read_than_is_allowed,
        path="endless.csv",
    ),
    lock(
        "internet_files._write",
        "expected is not None and size != expected",
        "False",
        fetches.test_what_may_be_mended_is_tried_again,
        path="short.csv",
    ),
    lock(
        "is_public",
        "each != _PLATFORM",
        "True",
        fetches.test_only_addresses_of_the_internet_are_public,
        address="168.63.129.16",
        expected=False,
    ),
    lock(
        "is_public",
        "not each.is_multicast",
        "True",
        fetches.test_only_addresses_of_the_internet_are_public,
        address="224.0.0.1",
        expected=False,
    ),
    lock(
        "is_public",
        "(_inner(seen) or (seen,))",
        "(seen,)",
        fetches.test_only_addresses_of_the_internet_are_public,
        address="::ffff:93.184.215.14",
        expected=True,
    ),
]
STORIES = [
    lock(
        "fetch_source",
        "if request.sha256 and [file.sha256 for file in source.files] != [request.sha256]",
        "False",
        stories.test_what_cannot_be_imported_lands_nothing_and_says_why,
    ),
    lock(
        "imports._staged",
        "clients.hub.find(staging, staged)",
        "None",
        stories.test_what_is_fetched_again_is_what_was_fetched_first,
    ),
    lock(
        "imports._of_asset",
        "asset_objection(asset, rules)",
        '""',
        stories.test_rules_that_became_stricter_meanwhile_count,
    ),
    lock(
        "imports._of_asset",
        "count > rules.most_files or size > rules.largest",
        "False",
        stories.test_what_cannot_be_imported_lands_nothing_and_says_why,
    ),
    lock(
        "imports._refuse_other",
        "blob is not None and not _is_own(request, file, blob)",
        "False",
        stories.test_a_file_that_lies_there_already_is_never_replaced,
    ),
    lock(
        "activities.inference.files._import_of",
        'f"{blob.container}/{blob.path}" in paths_of_import',
        "True",
        stories.test_metadata_that_somebody_wrote_names_no_source,
    ),
    lock(
        "imports._refuse_source",
        '"?" in body.source',
        "False",
        stories.test_the_door_refuses_at_once_and_writes_nothing,
    ),
    lock(
        "imports.leave_to_import",
        "record is not None and record.outcome is None",
        "False",
        stories.test_a_file_that_its_run_sets_aside_meanwhile_does_not_land_twice,
        is_ended=False,
    ),
    lock(
        "activities.inference.files._set_aside",
        "if member.imported and leave_to_import(store, member.imported, member.pinned, original)",
        "True",
        stories.test_a_file_of_an_import_that_is_over_is_taken_away_by_its_run,
    ),
    lock(
        "_close_orphan",
        "instance is not None and instance.running",
        "False",
        stories.test_an_import_that_is_under_way_is_left_alone_by_the_sweep,
    ),
    lock("imports._refuse_source", "if problem", "False", stories.test_without_sources_nothing_may_be_imported),
]


@pytest.mark.parametrize("case", FETCHES, ids=str)
async def test_without_the_condition_something_else_is_fetched(
    case: Lock, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(monkeypatch, case)
    await expect_failure(case.guard, server=server, monkeypatch=monkeypatch, **case.arguments)


@pytest.mark.parametrize("case", STORIES, ids=str)
def test_every_condition_stands_where_it_is_named(case: Lock) -> None:
    case.changed()


@pytest.mark.long
@pytest.mark.parametrize("case", sample(STORIES, 6), ids=str)
async def test_without_the_condition_something_else_lands(
    case: Lock,
    app: ImportApp,  # noqa: F811 (the fixture)
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remove(monkeypatch, case)
    await expect_failure(case.guard, app=app, **case.arguments)


ASSETS = [
    lock(
        "imports._of_asset",
        "problem := clients.configuration.asset_objection(request.workspace, listing.storage, request.target)",
        '""',
        hub_fetches.test_an_asset_in_the_storage_of_a_team_lands_in_its_hub_alone,
        storage=("stdev", "blobs"),
        environments=("dev",),
        because="it lies in stdev/blobs of dev, where teams use hubs of their own",
    ),
    lock(
        "Configuration.asset_objection",
        "container not in self.hub.reserved",
        "True",
        hub_fetches.test_an_asset_in_the_storage_of_a_team_lands_in_its_hub_alone,
        storage=("datahub", "signalbox-staging"),
        environments=("dev",),
        because="it lies in datahub/signalbox-staging of dev",
    ),
    lock(
        "Configuration.is_of_hubs",
        "workspace.identity in {own.identity for own in self.workspaces if own.name in names}",
        "workspace.name in names",
        hub_fetches.test_an_asset_in_the_storage_of_a_team_lands_in_its_hub_alone,
        storage=("stdev", "blobs"),
        environments=("twin",),
        because="it lies in stdev/blobs of dev, where teams use hubs of their own",
    ),
    lock(
        "places._may_take",
        "if path.endswith('/')",
        "False",
        hub_fetches.test_who_imports_may_start_what_all_takers_of_the_place_start,
    ),
    lock(
        "places._may_take",
        "match(take, path) is not None",
        "False",
        hub_fetches.test_who_imports_may_start_what_all_takers_of_the_place_start,
    ),
]


@pytest.mark.parametrize("case", ASSETS, ids=str)
async def test_without_the_condition_a_teams_storage_is_imported(
    case: Lock,
    lab: ImportApp,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remove(monkeypatch, case)
    await expect_failure(case.guard, lab=lab, **case.arguments)
