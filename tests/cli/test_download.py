"""`download` brings what was published, proven, into one folder, over nothing that is there."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import run
from tests.inference.conftest import InferenceApp
from triggers.http.exchange.bodies import decode_query
from triggers.http.inference import predictions as prediction_doors
from triggers.http.inference.predictions import PieceAsked


async def published(app: InferenceApp) -> tuple[str, dict[str, bytes]]:
    """A run, and the bytes of its files by name."""
    name = await app.arrive("landing/each/north/a.csv")
    await app.finish(name)
    folder = f"each/{name}/"
    blobs = [blob for blob in app.hub.list("predictions", folder) if not blob.path.endswith("_manifest.json")]
    return name, {blob.path.removeprefix(folder): app.hub.read("predictions", blob.path) or b"" for blob in blobs}


async def test_every_file_arrives_whole_in_small_pieces(
    app: InferenceApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_doors, "PIECE", 3)
    name, files = await published(app)

    result = await run(app, "download", name, "--out", str(tmp_path / "out"))

    assert result.exit_code == 0, result.output
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == files
    assert len(files) > 0


async def test_what_is_there_is_overwritten_with_force_alone(app: InferenceApp, tmp_path: Path) -> None:
    name, files = await published(app)
    first = next(iter(files))
    (tmp_path / first).write_text("mine")

    refused = await run(app, "download", name, "--out", str(tmp_path))
    kept = (tmp_path / first).read_text()
    forced = await run(app, "download", name, "--out", str(tmp_path), "--force")

    assert (refused.exit_code, kept) == (2, "mine")
    assert "--force" in refused.output
    assert (forced.exit_code, (tmp_path / first).read_bytes()) == (0, files[first])


async def test_a_link_in_the_folder_is_not_followed(app: InferenceApp, tmp_path: Path) -> None:
    name, files = await published(app)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / next(iter(files))).symlink_to(victim)

    result = await run(app, "download", name, "--out", str(tmp_path / "out"), "--force")

    assert (result.exit_code, victim.read_text()) == (2, "precious")


async def test_bytes_that_are_not_the_manifests_are_not_kept(app: InferenceApp, tmp_path: Path) -> None:
    name, files = await published(app)
    first, content = next(iter(files.items()))
    app.hub.land(f"predictions/each/{name}/{first}", bytes(reversed(content)), {})

    result = await run(app, "download", name, "--out", str(tmp_path / "out"))

    assert (result.exit_code, "sha256" in result.output) == (5, True), result.output
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("hostile", ["../a.csv", "/etc/a.csv", "..", "", "a\\b.csv", "a\x1b.csv"])
async def test_a_manifest_that_names_a_way_out_writes_nothing(
    app: InferenceApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hostile: str
) -> None:
    name, _ = await published(app)
    path = f"each/{name}/_manifest.json"
    manifest = json.loads(app.hub.read("predictions", path) or b"")
    manifest["files"][0]["name"] = hostile
    app.hub.land(f"predictions/{path}", json.dumps(manifest).encode(), {})

    result = await run(app, "download", name, "--out", str(tmp_path / "out"))

    assert (result.exit_code, "no plain name" in result.output) == (2, True), result.output
    assert not (tmp_path / "out").exists()


async def test_only_what_the_manifest_names_is_given_out(app: InferenceApp) -> None:
    name, _ = await published(app)

    answers = [
        await app.request("GET", f"runs/{name}/predictions/piece?name={file}")
        for file in ("_manifest.json", "..", "%2e%2e%2fsecret.csv", "none.csv")
    ]
    beyond = await app.request("GET", f"runs/{name}/predictions/piece?name=predictions.csv&offset=999999")

    assert [status for status, _ in answers] == [404, 400, 400, 404]
    assert beyond[0] == 422


async def test_a_run_without_predictions_says_why(app: InferenceApp, tmp_path: Path) -> None:
    app.jobs.status_after = lambda looks: "Running"
    name = await app.arrive("landing/each/north/a.csv")
    await app.pass_time(1)

    early = await run(app, "download", name, "--out", str(tmp_path / "out"))
    unknown = await run(app, "download", name[:-4], "--out", str(tmp_path / "out"))

    assert (early.exit_code, "it has not ended" in early.output) == (5, True), early.output
    assert (unknown.exit_code, f"did you mean {name}?" in unknown.output) == (4, True), unknown.output
    assert not (tmp_path / "out").exists()


def test_a_piece_may_begin_behind_the_first_thousand_million_bytes() -> None:
    asked = decode_query(PieceAsked, {"name": "a.csv", "offset": str(2**53)})

    assert asked.offset == 2**53
