"""A scoring script that misbehaves by the name of its input.

`dup` repeats one row and loses another; `swap` loses a row and breaks another's text over two lines; `newline` is
right, with text that holds line breaks.
"""

from pathlib import Path

import pandas as pd


def init():
    """Nothing to load."""


def run(mini_batch):
    frames = []
    for name in mini_batch:
        path = Path(name)
        rows = pd.read_csv(path)
        answer = pd.DataFrame({"file": path.name, "id": rows["id"], "text": "fine"})
        if "dup" in path.name:
            answer = pd.concat([answer.iloc[:1], answer.iloc[:1], answer.iloc[2:]])
        elif "swap" in path.name:
            answer = answer.iloc[:-1].copy()
            answer.iloc[0, 2] = "one line\nanother line"
        elif "newline" in path.name:
            answer["text"] = "one line\nanother line"
        frames.append(answer)
    return pd.concat(frames, ignore_index=True)
