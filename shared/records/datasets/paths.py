"""Where records of data sets lie in the state container, and their files in staging.

They stand apart from the other paths, of which there are enough in one module.
"""

VERSIONS, OPEN_PUBLICATIONS, OPEN_IMPORTS = "datasets/", "dataset-publications-open/", "imports-open/"


def dataset_versions(name: str = "") -> str:
    """The prefix of the manifests of all versions: of the data set *name*, or of all."""
    return f"{VERSIONS}{name}/" if name else VERSIONS


def dataset_version(name: str, version: str) -> str:
    """The manifest: that it is there makes the version."""
    return f"{dataset_versions(name)}{version}.json"


def publication(name: str) -> str:
    """The record of the publication called *name*: the request, and how it ended."""
    return f"dataset-publications/{name}/publication.json"


def open_publication(name: str) -> str:
    """The entry of the list of publications that have not ended."""
    return f"{OPEN_PUBLICATIONS}{name}.json"


def staged_files(publication_name: str) -> str:
    return f"dataset-publications/{publication_name}/staged.json"


def checked_files(publication_name: str) -> str:
    return f"dataset-publications/{publication_name}/checked.json"


def staged_folder(name: str, version: str, publication_name: str) -> str:
    """The folder in staging to which a publication copies: once it has the version, it is the version's."""
    return f"datasets/{name}/{version}/{publication_name}"


def import_record(name: str) -> str:
    """The record of the import called *name*: what was asked for, and how it ended."""
    return f"imports/{name}/import.json"


def fetched_source(name: str) -> str:
    return f"imports/{name}/fetched.json"


def import_effects(name: str) -> str:
    """The folder of the steps that the import called *name* has taken."""
    return f"imports/{name}/effects/"


def open_import(name: str) -> str:
    """The entry of the list of imports that have not ended."""
    return f"{OPEN_IMPORTS}{name}.json"


def left_files(name: str) -> str:
    """The folder with what runs have set aside and left where the import called *name* has landed it."""
    return f"imports/{name}/left/"


def staged_import(name: str) -> str:
    """The folder in staging with what an import has fetched and not landed yet."""
    return f"imports/{name}/"
