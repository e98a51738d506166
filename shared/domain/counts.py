"""Counts as sentences say them: `1 row`, `2 rows`. It stands alone because every room says counts."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """*number* with *noun*, or with its *plural*, which is the noun with an s unless another is given."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def least_needed(number: int) -> str:
    """That at least *number* are needed."""
    return f"at least {number} {'is' if number == 1 else 'are'} needed"
