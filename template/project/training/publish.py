"""Publish the training as a version of a pipeline component, which retraining can start.

    python training/publish.py VERSION

A version never changes: pipelines take the number of the build, and `retraining.pipeline.job` in signalbox.yaml names
the one that retraining starts.
"""

import sys
from pathlib import Path

from azure.ai.ml import load_component
from workspace import workspace_client


def main(words: list[str]) -> int:
    """Publish it under the version in *words*."""
    if len(words) != 1:
        print("usage: python training/publish.py VERSION", file=sys.stderr)
        return 2
    component = load_component(Path(__file__).with_name("pipeline.yaml"), params_override=[{"version": words[0]}])
    published = workspace_client().components.create_or_update(component)
    print(f"published {published.name}:{published.version}, which retraining.pipeline.job in signalbox.yaml can name")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
