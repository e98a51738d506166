"""What the operations act with: a client of a workspace, a folder with scripts, and what earlier ones have made."""

import time
from pathlib import Path
from typing import Any

_FINAL = ("Completed", "Failed", "Canceled")
_WRITE = """
import pathlib, sys
path = pathlib.Path(sys.argv[1])
path.mkdir(exist_ok=True)
(path / "weights.txt").write_text("1 2")
print("written")
"""


class Stage:
    """A client of a workspace, a folder with a script, and what earlier operations have made."""

    def __init__(self, client: Any, folder: Path) -> None:
        self.client, self.folder, self.made = client, folder, dict[str, Any]()
        self.code = folder / "code"
        self.code.mkdir(exist_ok=True)
        (self.code / "write.py").write_text(_WRITE)
        (self.code / "line.py").write_text("import pathlib, sys\npathlib.Path(sys.argv[1]).write_text('a line')\n")

    def command(self, script: str = "write.py", inputs: Any = None, named: Any = None, **output: Any) -> Any:
        """A command that writes its one output; *named* has a component's name and version."""
        from azure.ai.ml import Output, command

        return command(
            code=str(self.code),
            command=f"python {script} ${{{{outputs.out}}}}",
            environment="azureml:documented:1",
            inputs=inputs,
            outputs={"out": Output(**{"type": "uri_folder", **output})},
            **(named or {}),
        )

    def pipeline(self) -> Any:
        from azure.ai.ml import dsl

        write = self.command()

        @dsl.pipeline
        def documented() -> Any:
            return {"final": write().outputs.out}

        job = documented()
        job.settings.default_compute = "serverless"
        return job

    def run(self, job: Any, name: str) -> Any:
        """The job of the *name* once it is over. Raises AssertionError where it has not completed."""
        seen = self.ended(self.client.jobs.create_or_update(job).name)
        assert seen.status == "Completed", f"{name} is {seen.status}"
        self.made[name] = seen.name
        return seen

    def ended(self, job: str) -> Any:
        deadline = time.monotonic() + 60
        while (seen := self.client.jobs.get(job)).status not in _FINAL:
            assert time.monotonic() < deadline, f"{job} is {seen.status}"
            time.sleep(0.05)  # noqa: TID251 - Polls with a deadline.
        return seen

    def files_of(self, job: str, output: str, place: str) -> list[str]:
        target = self.folder / place
        self.client.jobs.download(self.made[job], download_path=str(target), output_name=output)
        return sorted(path.name for path in target.rglob("*") if path.is_file())

    def logs_of(self, job: str) -> list[str]:
        target = self.folder / f"logs of {job}"
        self.client.jobs.download(self.made[job], download_path=str(target), all=True)
        return sorted(path.name for path in target.rglob("*.txt"))

    def tagged(self, job: str) -> Any:
        record = self.client.jobs.get(self.made[job])
        record.tags["approved"] = "yes"
        return self.client.jobs.create_or_update(record).tags

    def listed_jobs(self, **options: Any) -> list[str]:
        return [job.name for job in self.client.jobs.list(**options)]

    def hidden(self, job: str) -> bool:
        """Whether an archived job is left out of the list until it is restored."""
        name = self.made[job]
        self.client.jobs.archive(name)
        without = name not in self.listed_jobs()
        self.client.jobs.restore(name)
        return without and name in self.listed_jobs()
