"""What a report keeps of a run of any size is bounded, and its page says it: times, what was slow, what to do."""

import inspect
import io
import re
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest
from PIL import Image

from darkroom import failures, keys
from darkroom.jobs import Cause, NotDone, Outcome, State, Throughput, dump
from darkroom.plan_folder import PlanFolder
from darkroom.reports import build_report, not_done
from darkroom.reports.actions import ACTIONS, UNSAID, to_do
from darkroom.reports.collecting import MOST_SPANS, OTHER, Skips, Slowest, Spans
from darkroom.reports.page import page, shown
from darkroom.reports.plot import plot
from darkroom.reports.templating import render
from darkroom.reports.thumbnails import MOST_BYTES, SIDE, thumbnail
from darkroom.store.base import Reading
from tests.unit.test_report import manifest

BEGIN = datetime(2026, 11, 28, 5, 30, tzinfo=UTC)
LIBRARY = Path(inspect.getfile(failures)).parent


def outcome(item: str, seconds: float = 1.0, state: State = State.DONE, reason: str = "") -> Outcome:
    return Outcome(item=item, group="g", state=state, seconds=seconds, reason=reason)


def after(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def mixed(number: int) -> int:
    """An order that is none."""
    return number * 7919 % 104_729


# what is kept while outcomes pass by


def test_the_slowest_are_those_of_all_that_passed_the_slowest_first() -> None:
    slowest = Slowest()
    for one in sorted(range(1, 1001), key=mixed):
        slowest.add(outcome(f"i{one}", one))
    assert [one.item for one in slowest.found] == [f"i{number}" for number in range(1000, 990, -1)]


def test_of_equally_slow_items_those_that_came_first_are_kept_and_what_took_no_time_is_none() -> None:
    slowest = Slowest(most=2)
    for name in ("a", "b", "c"):
        slowest.add(outcome(name, 3.0))
    assert [one.item for one in slowest.found] == ["a", "b"]
    nothing = Slowest()
    nothing.add(outcome("a", 0.0))
    assert nothing.found == ()


@pytest.mark.parametrize("length", [1, 119, 120, 121, 5_000, 86_400, 40 * 86_400, 4_000 * 86_400])
def test_a_run_of_any_length_has_few_spans_of_time_and_no_item_is_lost_in_them(length: int) -> None:
    spans, number = Spans(), 2_000
    for at in sorted(range(number), key=mixed):
        spans.add(after(length * at / number), 3)
    found = spans.found
    assert found
    assert 0 < len(found.counts) <= MOST_SPANS
    assert sum(found.counts) == 3 * number
    assert found.begin <= BEGIN < found.begin + timedelta(seconds=found.width)
    assert len(found.counts) * found.width <= length + 2 * found.width


def test_a_wider_span_counts_what_the_narrower_ones_did() -> None:
    spans = Spans()
    for second in range(400):
        spans.add(after(second), second // 100 + 1)
    found = spans.found
    assert found
    assert found.width == 10
    assert found.counts == tuple(10 * (at // 10 + 1) for at in range(40))


def test_a_run_in_which_nothing_came_has_no_throughput() -> None:
    spans = Spans()
    spans.add(BEGIN, 0)
    assert spans.found is None
    assert "<svg" not in page(shown(build_report(manifest(), ()), {}))


def test_reasons_to_skip_are_counted_and_those_beyond_are_counted_together() -> None:
    skips = Skips()
    for number in range(1000):
        skips.add(f"reason {number}")
    for _ in range(7):
        skips.add("reason 3")
    assert skips.found["reason 3"] == 8
    assert sum(skips.found.values()) == 1007
    assert skips.found[OTHER] == 950
    assert len(skips.found) == 51


def test_memory_does_not_grow_with_the_outcomes_that_pass() -> None:
    def passing(number: int) -> Iterator[Outcome]:
        for at in range(number):
            yield outcome(f"a/long/name/of/an/item/that/takes/some/room/{at:07d}", at % 97 + 1)

    def peak(number: int) -> int:
        tracemalloc.start()
        slowest, skips, spans = Slowest(), Skips(), Spans()
        for at, one in enumerate(passing(number)):
            slowest.add(one)
            skips.add(one.item)
            spans.add(after(at), 1)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(40_000) < 2 * peak(4_000)


# the plot


def test_the_plot_draws_a_bar_a_span_as_high_as_what_came_in_it() -> None:
    made = plot(Throughput(begin=BEGIN, width=10, counts=(0, 10, 20, 5)), "picture")
    assert [bar.height / made.bars[1].height for bar in made.bars] == [0.5, 1.0, 0.25]
    assert [round(bar.y + bar.height, 2) for bar in made.bars] == [made.floor] * 3
    assert all(made.left <= bar.x and bar.x + bar.width <= made.right for bar in made.bars)
    assert [bar.said for bar in made.bars][1] == "05:30:20: 20 pictures"
    assert [line.said for line in made.lines] == ["0", "5", "10", "15", "20"]
    assert made.lines[-1].at == made.bars[1].y
    assert made.said == "35 pictures in 40.0 s, about 52.5 a minute. A bar is 10 s."


@pytest.mark.parametrize("number", [1, 2, 120])
def test_the_plot_is_a_picture_that_an_xml_reader_takes_whatever_its_noun(number: int) -> None:
    counts = tuple(at + 1 for at in range(number))
    svg = render("plot.svg.jinja", plot=plot(Throughput(begin=BEGIN, width=86400, counts=counts), "<b>&\"'"))
    tree = ElementTree.fromstring(svg)  # noqa: S314 made here
    assert len(tree.findall("rect")) == number
    assert len(tree.findall("text")) <= 12
    assert "style=" not in svg, "a page with a policy would not draw it"


# what to do


def test_every_kind_of_failure_has_an_action() -> None:
    kinds = {*get_args(failures.Kind)}
    for path in LIBRARY.rglob("*.py"):
        if path.parts[len(LIBRARY.parts)] in ("checks", "catalogue", "styles", "estimating", "alerting", "compositing"):
            continue  # whose kinds are of other things
        text = path.read_text()
        kinds |= set(re.findall(r"\bkind=\"(\w+)\"", text)) | set(re.findall(r"^\s*kind = \"(\w+)\"", text, re.M))
    assert "settle" in kinds
    assert kinds == ACTIONS.keys()


def test_every_state_that_is_not_good_has_an_action_where_no_kind_was_told() -> None:
    assert UNSAID.keys() == {state for state in State if not state.is_good}
    said = {to_do(Cause(reason="r", state=state, count=1, items=("a",))) for state in UNSAID}
    assert len(said) == 2
    unknown = NotDone(item="a", state=State.FAILED, reason="r", kind="of another version")
    assert to_do(unknown) == UNSAID[State.FAILED]


def test_the_page_says_beside_each_reason_what_to_do() -> None:
    torn = outcome("a", state=State.FAILED, reason="it is cut short").model_copy(update={"kind": "decode"})
    html = page(shown(build_report(manifest(refused=()), [torn]), {}))
    assert '<td class="reason">it is cut short</td>' in html
    assert f'<td class="do">{ACTIONS["decode"]}</td>' in html


# the page


def test_the_page_says_what_was_skipped_and_why_and_what_was_slow() -> None:
    known = "its layers' content is the same"
    outcomes = [outcome("a", 75), outcome("b", 2, State.SKIPPED, known), outcome("c", 1, State.SKIPPED)]
    report = build_report(manifest(planned=6, skipped=1, refused=()), outcomes)
    html = page(shown(report, {}))
    assert report.skips == {known: 1, "": 1}
    for said, count in (
        ("already, by the plan", 1),
        ("its layers&#39; content is the same", 1),
        ("the worker found", 1),
    ):
        assert re.search(rf"{re.escape(said)}</td><td class=\"n\">{count}</td>", html), said
    assert html.index("<td>a</td>") < html.index("<td>b</td>") < html.index("<td>c</td>")
    assert "1 min 15 s" in html


def test_a_run_of_100_000_items_with_10_000_failures_has_a_small_page() -> None:
    def outcomes() -> Iterator[Outcome]:
        for number in range(100_000):
            failed = number % 10 == 0
            state, reason = (State.FAILED, f"scan {number}.tif is cut short") if failed else (State.DONE, "")
            yield outcome(f"maps/1890/sheet-{number:06d}.tif", number % 13, state, reason)

    groups = {f"g{number}": {"planned": 20} for number in range(5_000)}
    report = build_report(manifest(planned=100_000, skipped=0, refused=(), groups=groups), outcomes())
    report = report.model_copy(update={"findings": tuple(f"finding {n}" for n in range(5_000))})
    found = shown(report, {})
    html = page(found)
    assert len(html) < 200_000
    assert len(dump(found)) < 100_000
    assert "And 9,900 more reasons: see report.json." in html
    assert "And 4,900 more: see report.json." in html
    assert "And 4,801 more groups: see report.json." in html
    assert ">10,000</b>failed" in html
    assert len(report.not_done) == 10_000


def test_one_cause_of_many_items_is_told_once_and_some_of_its_items_are_named() -> None:
    many = [outcome(f"i{number:03d}", state=State.FAILED, reason="disk full") for number in range(500)]
    html = page(shown(build_report(manifest(planned=500, skipped=0, refused=()), many), {}))
    assert html.count("disk full") == 1
    assert "i000, i001, i002<details><summary>7 more</summary>i003" in html
    assert "i010" not in html


def test_a_page_loads_nothing_and_forbids_itself_to() -> None:
    html = page(shown(build_report(manifest(), [outcome("a")]), {"k/a.png": b"x"}))
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in html
    assert not re.findall(r"(?:src|href)=\"(?!data:)", html)
    assert "<script" not in html


def test_pictures_are_made_small_and_what_is_none_is_left_out() -> None:
    data = io.BytesIO()
    Image.effect_noise((800, 600), 90).convert("RGBA").save(data, "PNG")
    made = thumbnail(data.getvalue())
    assert made
    assert len(made) <= MOST_BYTES < len(data.getvalue())
    small = Image.open(io.BytesIO(made))
    assert (small.format, small.size) == ("WEBP", (SIDE, 107))
    assert thumbnail(b"no picture") is None
    assert thumbnail(data.getvalue()[:2000]) is None
    huge = io.BytesIO()
    Image.new("L", (2000, 2)).save(huge, "PNG")
    assert thumbnail(huge.getvalue()) is None


# the items that were not made


def items(number: int) -> list[NotDone]:
    return [
        NotDone(
            item=f"maps/{at:05d}.tif", state=State.FAILED, reason=("Cut short", "No room")[at % 2], where=f"gs://é/{at}"
        )
        for at in range(number)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> PlanFolder:
    return PlanFolder.at(str(tmp_path))


def test_items_that_were_not_made_are_read_a_page_at_a_time(folder: PlanFolder) -> None:
    not_done.write(folder, items(250), {"maps/00003.tif": 4})
    first = not_done.find(folder, "", 0, all_of_them=250)
    assert ([row.item for row in first.rows], first.total) == ([f"maps/{at:05d}.tif" for at in range(100)], 250)
    assert [row.job for row in first.rows[2:5]] == [0, 4, 0]
    last = not_done.find(folder, "", 200, all_of_them=250)
    assert [row.item for row in last.rows] == [f"maps/{at:05d}.tif" for at in range(200, 250)]
    assert not_done.find(folder, "", 900, all_of_them=250).rows == ()


@pytest.mark.parametrize(
    ("query", "total", "first"),
    [
        ("cut SHORT", 125, "00000"),
        ("00007", 1, "00007"),
        ("no 0024", 5, "00241"),
        ("gs://É/33", 1, "00033"),
        ("nothing", 0, ""),
    ],
)
def test_items_are_found_by_all_words_in_their_name_reason_and_place(
    query: str, total: int, first: str, folder: PlanFolder
) -> None:
    not_done.write(folder, items(250), {})
    found = not_done.find(folder, query, 0, all_of_them=250)
    assert found.total == total
    assert [row.item for row in found.rows[:1]] == ([f"maps/{first}.tif"] if first else [])


def test_a_page_of_what_was_found_goes_on_where_the_one_before_ended(folder: PlanFolder) -> None:
    not_done.write(folder, items(250), {})
    found = not_done.find(folder, "cut", 100, all_of_them=250)
    assert (found.rows[0].item, len(found.rows), found.total) == ("maps/00200.tif", 25, 125)


def test_a_name_that_is_no_utf_8_and_a_line_that_is_damaged_do_no_harm(folder: PlanFolder) -> None:
    odd = NotDone(item="maps/\udcff\n.tif", state=State.FAILED, reason="r")
    not_done.write(folder, [odd, *items(1)], {})
    whole = folder.read(keys.NOT_DONE)
    folder.write(keys.NOT_DONE, b"{torn\n[1]\n{}\n" + whole)
    assert [row.item for row in not_done.find(folder, "tif", 0, all_of_them=2).rows] == [odd.item, "maps/00000.tif"]


def test_a_run_in_which_everything_was_made_has_no_such_file(folder: PlanFolder) -> None:
    not_done.write(folder, [], {})
    assert not folder.has(keys.NOT_DONE)
    assert not_done.find(folder, "x", 0, all_of_them=0) == not_done.Found((), 0)


def test_searching_holds_a_page_and_not_the_file(folder: PlanFolder) -> None:
    def peak(number: int) -> int:
        not_done.write(folder, items(number), {})
        tracemalloc.start()
        assert not_done.find(folder, "tif", number - 10, all_of_them=number).total == number
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(40_000) < 1.5 * peak(8_000)


def test_a_page_near_the_beginning_reads_no_further(folder: PlanFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    not_done.write(folder, items(40_000), {})
    opened = folder.store.open
    ends = []

    @contextmanager
    def watched(key: str) -> Iterator[Reading]:
        with opened(key) as reading:
            try:
                yield reading
            finally:
                ends.append(reading.stream.tell())

    monkeypatch.setattr(folder.store, "open", watched)
    assert len(not_done.find(folder, "", 0, all_of_them=40_000).rows) == not_done.PAGE
    assert ends[0] < 1 << 20 < len(folder.read(keys.NOT_DONE))


def test_items_stand_in_the_order_of_their_causes() -> None:
    many = [NotDone(item=str(at), state=State.FAILED, reason=("rare", "often", "often")[at % 3]) for at in range(9)]
    report = build_report(manifest(refused=tuple(many)), ())
    ordered = not_done.in_order(report.not_done, report.causes)
    assert [one.reason for one in ordered] == ["often"] * 6 + ["rare"] * 3
