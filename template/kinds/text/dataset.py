"""The rows that the model learns from. Read your own data here: these messages to a shop are made up."""

from itertools import product

import pandas as pd
from features import KEY, TARGET

SUBJECTS = {
    "billing": ("my invoice", "the bill", "the last payment", "the refund", "the charge on my card"),
    "delivery": ("my parcel", "the package", "the courier", "the delivery", "my shipment"),
    "technical": ("the app", "the login page", "my password", "the web shop", "the new version"),
}
COMPLAINTS = ("is wrong again", "has been late for 3 days", "does not work", "is missing", "was not what I expected")
OPENINGS = ("Hello, ", "Please help: ", "Since Monday ", "For the 2nd time ")
CHANNELS = ("mail", "chat", "phone")


def load_rows() -> tuple[pd.DataFrame, pd.Series]:
    """The messages, each with its key, and their topics."""
    table = pd.DataFrame(
        [
            {"text": f"{opening}{subject} {complaint}.", TARGET: topic}
            for topic, subjects in SUBJECTS.items()
            for opening, subject, complaint in product(OPENINGS, subjects, COMPLAINTS)
        ]
    )
    table.insert(0, "channel", [CHANNELS[number % len(CHANNELS)] for number in range(len(table))])
    table.insert(0, KEY, [f"message-{number:04d}" for number in range(1, len(table) + 1)])
    return table.drop(columns=TARGET), table[TARGET]
