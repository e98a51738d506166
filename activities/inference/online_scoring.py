"""Score a run's files by an online endpoint, for routes of `kind: online`: streams and small files, row by row.

The output lies where a batch job would have written it, so that all that follows is the same. Which deployment is
asked was decided when the run was opened (`shared.application.inference.scoring`).
"""

import csv
import io
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from activities.online_rows import predictions_of, rows_request
from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.inference.routes import Scoring
from shared.ports import Blob, OnlineRequest

_ROWS_AT_ONCE = 200
_MOST_ROWS = (
    10_000  # Beyond them a batch endpoint is the better place: an activity has minutes, and no job to wait for.
)


def score_online(clients: Clients, submission: c.Submission) -> c.Submitted:
    """Ask the endpoint about each row of the pinned files. Safe to repeat: the first whole output stands.

    Raises Transient where it is overloaded or failing, and Refused where it does not answer row by row.
    """
    request = submission.inference
    staging, score = request.hub.staging, request.route.score
    output = f"{submission.output_path}/{request.route.overrides.output_file_name}"
    # The output is created whole, after the last answer. A host that dies on the way leaves nothing, and the repeat
    # asks all rows again.
    if clients.hub.find(staging, output) is None:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=" ", lineterminator="\n")
        rows = 0
        for blob in sorted(clients.hub.list(staging, f"{submission.input_path}/"), key=lambda blob: blob.path):
            for line in _scored(clients, score, blob):
                rows += 1
                if rows > _MOST_ROWS:
                    raise Refused(f"the run has over {_MOST_ROWS} rows; score files of that size by a batch endpoint")
                writer.writerow(line)
        clients.hub.create(staging, output, text.getvalue().encode())
    return c.Submitted(job="", friendly_name=identity.job_name(request.run))


def _scored(clients: Clients, score: Scoring, blob: Blob) -> Iterator[list[str]]:
    """Each row of the file as it came, after the file's name, and with its prediction at the end."""
    rows, name = clients.row_files.cells(blob), blob.path.rpartition("/")[2]
    header = next(rows, [])
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        for row, prediction in zip(batch, _predictions(clients, score, header, batch), strict=True):
            yield [name, *row, prediction if isinstance(prediction, str) else json.dumps(prediction)]


def _predictions(clients: Clients, score: Scoring, header: list[str], rows: list[list[str]]) -> list[Any]:
    body = json.dumps(rows_request(header, rows)).encode()
    asked = OnlineRequest(workspace=score.workspace, endpoint=score.endpoint, deployment=score.deployment, body=body)
    answer = clients.endpoints.invoke(asked)
    # Not 424, by which Azure ML says that the model itself failed: it would fail on the same rows again.
    if answer.status in (408, 429) or answer.status >= 500:
        raise Transient(f"{score.address} answered {answer.status}")
    return predictions_of(answer, len(rows), score.address)
