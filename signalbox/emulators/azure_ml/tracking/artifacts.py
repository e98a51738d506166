"""What a run leaves beside its outputs, where Azure ML keeps it: the workspace's artifact store, a folder for each run.

Logs lie in `ExperimentRun/dcid.{run}/`: `user_logs/std_log.txt` of a command, `logs/user/...` of batch scoring, and
`logs/azureml/executionlogs.txt` of a pipeline itself.
https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-batch-endpoints
"""

from pathlib import Path

from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.estate import ARTIFACT_CONTAINER, Estate, Place, Scope

EXECUTION_LOG = "logs/azureml/executionlogs.txt"


class Artifacts:
    """*folder* holds texts until they are uploaded."""

    def __init__(self, folder: Path, estate: Estate, blobs: Blobs) -> None:
        self._folder, self._estate, self._blobs = folder, estate, blobs
        self._is_stopped = False

    def resume(self) -> None:
        self._is_stopped = False

    async def stop(self) -> None:
        """Upload nothing more, since storage stops too; interrupted work runs again after the restart."""
        self._is_stopped = True

    def keep(self, workspace: Scope, run: str, folder: Path) -> None:
        """Store every file below *folder* under its path there. Safe to repeat; blocks."""
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            self.keep_file(workspace, run, file, file.relative_to(folder).as_posix())

    def keep_log(self, workspace: str, job: str, text: str) -> None:
        """Add *text* to the log of a job itself; *workspace* is an ARM id. Blocks."""
        scope, file = self._estate.at(workspace), self._folder / job / "executionlogs.txt"
        if scope is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a") as stream:
                stream.write(text)
            self.keep_file(scope, job, file, EXECUTION_LOG)

    def keep_file(self, workspace: Scope, run: str, file: Path, path: str) -> None:
        if self._is_stopped:
            return
        self._blobs.upload(self.place(workspace, run, path), file, overwrite=True)

    def place(self, workspace: Scope, run: str, path: str) -> Place:
        """Where *path* of a run's artifacts lies; an empty one means them all."""
        folder = f"ExperimentRun/dcid.{run}/{path}"
        return Place(account=workspace.account, container=ARTIFACT_CONTAINER, path=folder)
