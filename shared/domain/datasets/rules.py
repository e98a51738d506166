"""What the configuration says of a data set: its kind, what it is for, and where its versions are registered."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.inference.routes import Workspace


class DatasetKind(StrEnum):
    TABLE = "table"  # CSV, JSON Lines or Parquet.
    BOXES = "boxes"  # Images with labelled boxes: COCO's JSON, or JSON Lines as Azure ML's AutoML reads them.


class DatasetPurpose(StrEnum):
    TRAINING = "training"
    TEST = "test"  # Also a hold-out.
    LABELLED = "labelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRules:
    """A data set that may be published. *workspaces* register each version as a data asset.

    Tables must meet the data *contract*, where there is one. Boxes may have the *labels* only, any where it is empty.
    """

    name: str
    kind: DatasetKind
    purpose: DatasetPurpose
    workspaces: tuple[Workspace, ...] = ()
    contract: str = ""
    labels: tuple[str, ...] = ()
    owner: str = ""
