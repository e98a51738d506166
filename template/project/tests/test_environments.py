"""A changed environment has another name, so that Azure ML builds it anew."""

from environments.names import main, named


def test_a_changed_package_changes_the_name_and_nothing_else() -> None:
    text = "# What it is for.\nname: mine-training-000000000000\ndependencies:\n  - pandas\n"

    first, second = named(text), named(text.replace("pandas", "polars"))

    assert first.splitlines()[0] == "# What it is for."
    assert first.splitlines()[1].startswith("name: mine-training-")
    assert first.splitlines()[1] != second.splitlines()[1]
    assert named(first) == first


def test_the_names_are_up_to_date() -> None:
    assert main(["--check"]) == 0
