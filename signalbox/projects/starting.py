"""`python -m signalbox.projects.starting`: what a team's repository begins with, rendered once for all teams.

The app has no Copier. It takes these texts and writes a team's words in the place of the words that stand for them.
"""

import json
import sys
import tempfile
from pathlib import Path

from signalbox.product import template_folder
from signalbox.projects.template import render

# Words that stand nowhere else in the template. The name's other form is that of Azure ML's components.
PLACEHOLDERS = {
    "name": "quux-name-quux",
    "identifier": "quux_name_quux",
    "devops": "quux-devops-quux",
    "owner": "quux-owner@example.org",
}
_ASKED = ("name", "devops", "owner")


def starting_project() -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        answers = {question: PLACEHOLDERS[question] for question in _ASKED}
        files = render(template_folder(), Path(folder) / "project", answers, defaults=True)
    return {"placeholders": PLACEHOLDERS, "files": dict(sorted(files.items()))}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(starting_project(), indent=1) + "\n")
