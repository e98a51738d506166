"""The doors of MLflow's artifact REST: files below a datastore's path, written, read, listed and deleted.

`mlflow-artifacts:/DATASTORE/PATH` is how a client without a plug-in for Azure ML addresses them.
"""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

from aiohttp import web

from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.doors import Entrance
from signalbox.emulators.azure_ml.estate import Place
from signalbox.emulators.azure_ml.tracking.answers import ROOTS, invalid, missing
from signalbox.emulators.streams import CHUNK


class ArtifactDoors:
    def __init__(self, entrance: Entrance, blobs: Blobs) -> None:
        self._entrance, self._blobs = entrance, blobs

    def add_to(self, app: web.Application) -> None:
        for root in ROOTS:
            artifacts = f"{root}/mlflow-artifacts/artifacts"
            app.router.add_get(artifacts, self._list)
            app.router.add_get(f"{artifacts}/{{path:.+}}", self._read)
            app.router.add_put(f"{artifacts}/{{path:.+}}", self._write)

    async def _list(self, request: web.Request) -> web.Response:
        """The files and folders directly in the folder `path`."""
        place = self._place(request, request.query.get("path", ""))
        if place is None:
            return invalid("path begins with the name of a datastore, and goes on with a path in it")
        names = await asyncio.to_thread(self._blobs.names, replace(place, path=f"{place.path.rstrip('/')}/"))
        files = {name.partition("/")[0]: "/" in name for name in names}
        shown = [{"path": name, "is_dir": is_dir} for name, is_dir in sorted(files.items())]
        return web.json_response({"files": shown})

    async def _read(self, request: web.Request) -> web.StreamResponse:
        place = self._place(request, request.match_info["path"])
        if place is None:
            return missing("artifact", request.match_info["path"])
        with tempfile.TemporaryDirectory() as folder:
            files = await asyncio.to_thread(self._blobs.download, place, Path(folder))
            if len(files) != 1 or files[0].name != PurePosixPath(place.path).name:
                return missing("artifact", request.match_info["path"])
            response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
            response.content_length = files[0].stat().st_size
            await response.prepare(request)
            with files[0].open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    await response.write(chunk)
            await response.write_eof()
            return response

    async def _write(self, request: web.Request) -> web.Response:
        place = self._place(request, request.match_info["path"])
        if place is None:
            return invalid("an artifact lies in a datastore of the workspace")
        with tempfile.NamedTemporaryFile() as stream:
            async for chunk in request.content.iter_chunked(CHUNK):
                stream.write(chunk)
            stream.flush()
            await asyncio.to_thread(self._blobs.upload, place, Path(stream.name), overwrite=True)
        return web.json_response({})

    def _place(self, request: web.Request, path: str) -> Place | None:
        self._entrance.check_token(request)
        store, _, inner = path.partition("/")
        if ".." in PurePosixPath(path).parts:
            return None
        try:
            scope = self._entrance.workspace_within(request)
            return self._entrance.estate.place_of(f"azureml://datastores/{store}/paths/{inner}", scope)
        except ValueError:
            return None
