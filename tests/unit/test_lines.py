"""Bytes into lines, whatever the pieces they come in."""

from __future__ import annotations

import random
import time

import pytest

from uutel.core.child import Lines


def decoded(pieces: list[bytes]) -> list[bytes]:
    lines = Lines()
    ended = [line for piece in pieces for line in lines.feed(piece)]
    rest = lines.finish()
    return [*ended, rest] if rest else ended


def cut(data: bytes, luck: random.Random) -> list[bytes]:
    """`data` in pieces of any length, some of them empty."""
    marks = sorted(luck.randint(0, len(data)) for _ in range(luck.randint(0, 12)))
    return [data[start:end] for start, end in zip([0, *marks], [*marks, len(data)], strict=True)]


def test_pieces_make_no_difference() -> None:
    luck = random.Random(11)  # noqa: S311
    alphabet = [b"\n", b"\n", b"\r", b"a", "é".encode(), "\u2028".encode(), b'{"a": 1}', b"\x00", b"\xff"]
    for _ in range(3000):
        data = b"".join(luck.choices(alphabet, k=luck.randint(0, 20)))
        expected = data.split(b"\n")
        assert decoded(cut(data, luck)) == (expected if expected[-1] else expected[:-1]), data


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([], []),
        ([b""], []),
        ([b"\n"], [b""]),
        ([b"\n\n", b"a"], [b"", b"", b"a"]),
        ([b"a", b"\n"], [b"a"]),
        ([b"a\nb", b"", b"c\n"], [b"a", b"bc"]),
        (["é".encode()[:1], "é".encode()[1:] + b"\n"], ["é".encode()]),
    ],
)
def test_lines_end_with_a_newline_and_with_nothing_else(pieces: list[bytes], lines: list[bytes]) -> None:
    assert decoded(pieces) == lines


def test_a_line_is_told_as_soon_as_it_ends() -> None:
    lines = Lines()
    assert lines.feed(b"one\ntw") == [b"one"]
    assert lines.feed(b"o") == []
    assert lines.feed(b"\nthree\n") == [b"two", b"three"]
    assert lines.finish() == b""


def test_a_long_line_takes_time_in_proportion() -> None:
    """32 MB in pieces of 4 KB: joined anew with every piece, that would be 128 GB to copy."""
    lines, piece, begun = Lines(), b"x" * 4096, time.monotonic()
    for _ in range(8192):
        assert lines.feed(piece) == []
    [line] = lines.feed(b"\n")
    assert len(line) == 8192 * 4096
    assert time.monotonic() - begun < 5
