"""Where something lies in a datastore, read from its address."""

import pytest

from shared.adapters.azure_ml.datastores import datastore_place


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("azureml://datastores/hub/paths/a/b.csv", ("hub", "a/b.csv")),
        ("azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/hub/paths/a/", ("hub", "a/")),
        ("azureml://datastores/hub/paths/datastores/other/paths/x", ("hub", "datastores/other/paths/x")),
        ("azureml://datastores/hub/more/paths/a", None),
        ("azureml://datastores/hub/paths/", None),
        ("https://datastores/hub/paths/a", None),
        ("azureml:model:1", None),
    ],
)
def test_reading(uri, place):
    assert datastore_place(uri) == place
