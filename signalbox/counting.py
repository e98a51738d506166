"""Counts as the command says them. It stands alone because the app has its own, and neither imports the other."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """*number* with *noun*, or with its *plural*, which is the noun with an s unless another is given."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
