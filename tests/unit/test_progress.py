"""What long work says of itself in a log."""

import logging

import pytest

from darkroom import progress
from darkroom.progress import Progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    return made


def after(clock: Clock, seconds: float, showing: Progress, items: int) -> None:
    clock.now += seconds
    showing.advance(items)


def test_the_time_left_is_said_only_once_a_rate_can_tell_it(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Progress("knee", 1000) as showing:
        after(clock, 30, showing, 1)  # a long start: 30 s for the first picture are no rate
        after(clock, 6, showing, 60)
        after(clock, 6, showing, 60)
    assert caplog.messages == [
        "knee: 1 of 1,000",
        "knee: 61 of 1,000, 10/s, 1 min 34 s left",
        "knee: 121 of 1,000, 10/s, 1 min 28 s left",
    ]


def test_what_was_finished_before_does_not_make_the_rest_look_short(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Progress("knee", 1000) as showing:
        showing.advance(0)
        showing.advance(900)  # done by an earlier try
        after(clock, 10, showing, 5)
        after(clock, 10, showing, 5)
    assert caplog.messages == [
        "knee: 905 of 1,000, 0.5/s, 3 min 10 s left",
        "knee: 910 of 1,000, 0.5/s, 3 min 0 s left",
    ]


def test_at_the_end_nothing_is_left_and_nothing_is_said_of_it(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Progress("copying", None, as_bytes=True) as showing:
        after(clock, 1, showing, 5_000_000)
        after(clock, 2, showing, 5_000_000)
    with Progress("knee", 2) as showing:
        after(clock, 9, showing, 2)
    assert caplog.messages == ["copying: 10.0 MB", "knee: 2 of 2"]
