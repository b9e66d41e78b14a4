"""A log line stays one line, whatever it carries."""

import json
import logging

import pytest

from headroom_core.logfmt import Formatter, JsonFormatter, quote


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("two words", '"two words"'),
        ('a"b', '"a\\"b"'),
        ("", '""'),
        ("a=b", '"a=b"'),
        ("line\nbreak", "line\\nbreak"),
        ("\x1b[31mred", "\\x1b[31mred"),
    ],
)
def test_values_are_quoted(value: str, text: str) -> None:
    assert quote(value) == text


def test_an_exception_is_its_text_and_no_traceback() -> None:
    error = PermissionError(13, "Permission denied", "/x")
    caught = (type(error), error, error.__traceback__)
    record = logging.LogRecord("a", logging.ERROR, "f", 1, "went %s", ("wrong",), caught)
    record.created, record.msecs = 0.0, 7
    assert Formatter().format(record) == (
        'time=1970-01-01T00:00:00.007Z level=error logger=a msg="went wrong" '
        "error=\"PermissionError: [Errno 13] Permission denied: '/x'\""
    )


def test_as_json_a_line_is_one_object_whatever_is_in_it() -> None:
    record = logging.LogRecord("a", logging.INFO, "f", 1, 'x "y"\n\u202e%s', ("z",), None)
    record.created, record.msecs = 0.0, 7
    line = JsonFormatter().format(record)
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.007Z",
        "level": "info",
        "logger": "a",
        "msg": 'x "y"\n\u202ez',
    }
