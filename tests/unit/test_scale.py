"""The model of a whole studio: `docs/scale.md` is what it says, and what must hold of any fleet holds."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.estimates import HOUR, Prices
from darkroom.estimating import page
from darkroom.estimating.forecast import Fleet, Forecast, forecast
from darkroom.estimating.scenario import REAL, composites, pyramids
from darkroom.figures import REFERENCE
from darkroom.jobs import MOST_JOBS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
PRICES = Prices(core_hour=0.05, writes=0.005, reads=0.0004, month=0.023, currency="USD")


def of_composites(count: int, machines: int = 1, cores: int = 2) -> Forecast:
    return forecast(composites(count, REFERENCE), Fleet(machines=machines, cores=cores), REFERENCE, PRICES)


def test_the_page_says_what_the_model_says() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert page.written(text) == text, "python -m darkroom.estimating.page docs/scale.md"


@pytest.mark.parametrize("price", ["0.05 USD", "0.005 USD", "0.0004 USD", "0.023 USD"])
def test_the_page_states_the_prices_of_its_tables(price: str) -> None:
    assert f"| {price} |" in DOCUMENT.read_text(encoding="utf-8")
    assert float(price.split()[0]) in page.PRICES.model_dump().values()


def test_a_style_is_a_run_and_a_task_is_a_job_or_one_of_four() -> None:
    of_style = REAL.pictures * REAL.colours * 2
    found = of_composites(2 * of_style)
    assert (found.runs, found.items, found.files) == (2, 2 * of_style, 8 * of_style)
    assert found.tasks == found.jobs + 4 * 2
    assert found.different == round(2 * of_style * REAL.different / REAL.pictures)


def test_a_million_pyramids_are_one_run_of_no_more_jobs_than_a_run_may_have() -> None:
    found = forecast(pyramids(1_000_000, REFERENCE, megapixels=30), Fleet(machines=3, cores=4), REFERENCE, PRICES)
    assert found.runs == 1
    # the bounds of a job are doubled until they are few enough, so there are more than half of those
    assert MOST_JOBS / 2 < found.jobs <= MOST_JOBS
    assert found.puts > 1_000_000


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 400_000), st.integers(1, 12), st.integers(1, 12), st.integers(1, 16))
def test_more_machines_never_take_longer_and_never_ask_or_write_anything_else(
    count: int, few: int, more: int, cores: int
) -> None:
    one, other = of_composites(count, few, cores), of_composites(count, few + more, cores)
    assert other.seconds <= one.seconds
    assert other.seconds >= one.longest
    what = ("items", "files", "puts", "lists", "gets", "jobs", "core_seconds", "requests_cost", "storage_cost")
    assert [getattr(one, name) for name in what] == [getattr(other, name) for name in what]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 300_000))
def test_twice_the_pictures_are_at_least_as_many_of_everything(count: int) -> None:
    one, two = of_composites(count), of_composites(2 * count)
    for name in ("files", "bytes", "puts", "gets", "lists", "core_seconds", "seconds", "cores_cost", "requests_cost"):
        assert getattr(two, name) >= getattr(one, name), name
    assert two.files == 2 * one.files


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 20_000), st.integers(1, 30), st.integers(1, 64))
def test_all_cores_of_a_fleet_are_paid_until_the_end(count: int, machines: int, cores: int) -> None:
    fleet = Fleet(machines=machines, cores=cores)
    found = forecast(pyramids(count, REFERENCE, megapixels=12), fleet, REFERENCE, PRICES)
    assert found.paid_hours == pytest.approx(machines * cores * found.seconds / HOUR)
    assert found.paid_hours >= found.core_seconds / HOUR * (1 - 1e-9)
    assert found.cores_cost == pytest.approx(found.paid_hours * 0.05)
    assert found.cost == pytest.approx((found.cores_cost or 0) + (found.requests_cost or 0))


def test_where_the_store_is_slow_more_cores_do_not_help() -> None:
    slow = REFERENCE.model_copy(update={"writes_a_second": 10.0})
    runs = composites(50_000, slow)
    few, many = (forecast(runs, Fleet(machines=1, cores=cores), slow, PRICES) for cores in (1, 2))
    assert few.seconds == many.seconds
    assert few.longest == pytest.approx(slow.start + max(job.outputs for job in runs[0].jobs) / 10)


def test_a_larger_image_takes_more_but_its_pyramid_is_never_larger_than_its_cap() -> None:
    small, large, huge = (
        forecast(pyramids(100, REFERENCE, megapixels=size), Fleet(machines=1, cores=2), REFERENCE, PRICES)
        for size in (1.0, 16.0, 300.0)
    )
    assert small.core_seconds < large.core_seconds < huge.core_seconds
    assert small.bytes < large.bytes == huge.bytes
