"""Which endpoint's collected answers are published, where, and when: a section `answers` of the configuration.

It stands alone because the configuration, the sweep and the drift watch need it.
"""

from dataclasses import dataclass

from shared.domain.inference.routes import VersionContract, Workspace

FILLED = ("model", "version", "deployment", "date", "part")  # What a publish template may use.


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedAnswers:
    """The answers of *endpoint* that the collections *inputs* and *outputs* of its data collector hold.

    A period's files are taken *after_s* it has ended, and again when they have grown, until *within_s* after the end of
    its day; longer where something of the day could not be taken.
    *publish* is a path template in the hub, *field* the column or the member of an answer that is the model's output.
    *output_contract* judges the outputs before they are published; without one they are not judged.
    """

    name: str
    workspace: Workspace
    endpoint: str
    model: str
    contract: str
    publish: str
    contracts: tuple[VersionContract, ...] = ()
    output_contract: str = ""
    after_s: int = 900
    within_s: int = 2 * 86400
    inputs: str = "request"
    outputs: str = "response"
    field: str = ""

    @property
    def place(self) -> str:
        """The endpoint, for people."""
        return f"{self.workspace.name}/{self.endpoint}"

    def contract_of(self, version: str) -> str:
        """The data contract of *version*: its own, or the model's."""
        own = (own.contract for own in self.contracts if own.version == version)
        return next(own, self.contract)
