"""Which log says most, which line is the error, and what of it a terminal may show."""

import pytest

from shared.domain.inference.job_logs import LogFile, last_error, most_telling, printable_tail, script_place

TRACE = """Traceback (most recent call last):
  File "score.py", line 7, in run
    raise ValueError("no column bmi")
ValueError: no column bmi
cleaning up
"""


def files(*paths: str) -> tuple[LogFile, ...]:
    return tuple(LogFile(run="r", path=path, size=0 if path.endswith("-") else 9) for path in paths)


def test_the_file_that_sums_the_scripts_errors_up_comes_first_and_an_empty_one_last() -> None:
    every = files(
        "logs/sys/master_role.txt",
        "logs/azureml/executionlogs.txt",
        "logs/job_progress_overview.20260101.txt",
        "user_logs/std_log.txt",
        "azureml-logs/70_driver_log.txt",
        "logs/user/stderr/0/process000.stderr.txt",
        "logs/user/error/0/process000.txt",
        "logs/user/error.txt",
        "logs/user/error/empty-",
    )

    assert [file.path for file in most_telling(every)] == [
        "logs/user/error.txt",
        "user_logs/std_log.txt",
        "logs/user/error/0/process000.txt",
        "logs/user/stderr/0/process000.stderr.txt",
        "azureml-logs/70_driver_log.txt",
        "logs/azureml/executionlogs.txt",
        "logs/job_progress_overview.20260101.txt",
        "logs/sys/master_role.txt",
        "logs/user/error/empty-",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (TRACE, "ValueError: no column bmi"),
        ("pandas.errors.ParserError: line 3\nbye", "pandas.errors.ParserError: line 3"),
        ("SystemExit", "SystemExit"),
        ("no such model\n\n", "no such model"),
        ("x" * 1000, "x" * 300),
        ("", ""),
    ],
)
def test_the_last_exception_is_the_error_and_else_the_last_line(text: str, error: str) -> None:
    assert last_error(text) == error


def test_what_is_shown_moves_no_cursor_and_holds_no_secret() -> None:
    data = b"old\n\x1b[2J\x1b]0;owned\x07line\r\nhttps://x.blob/y?sig=abcdef123456\n\xff\n"

    assert printable_tail(data, 3) == "[2J]0;ownedline\nhttps://x.blob/y?sig=REDACTED\n\ufffd"


def test_the_line_of_the_script_is_told_and_not_that_of_a_library() -> None:
    frames = "".join(
        f'  File "{path}", line {line}, in x\n' for path, line in (("/a/score.py", 25), ("/lib/frame.py", 9))
    )

    assert script_place(f"Traceback\n{frames}KeyError: 'x'\n", "score.py") == "score.py:25"
    assert (script_place(frames, "other.py"), script_place(frames, "")) == ("", "")
