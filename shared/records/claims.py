"""The record that gives files to one run: written before the run starts, read when it gathers. It starts nothing."""

import json
from collections.abc import Sequence

from shared.codec import encode
from shared.contracts import Inference
from shared.ports import Blob, DataHub
from shared.records import paths as records


def claim_files(hub: DataHub, inference: Inference, files: Sequence[Blob]) -> None:
    """Keep *files* as they are now for the run of *inference*. Safe to repeat: the first claim stands."""
    content = {"inference": encode(inference), "files": [encode(blob) for blob in files]}
    hub.create(inference.hub.state, records.claim(inference.run), json.dumps(content).encode())
