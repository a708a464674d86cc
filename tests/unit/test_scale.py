"""The model of a whole studio: `docs/scale.md` is what it says, and what must hold of any fleet holds."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.estimates import HOUR, Prices, Requests, proof
from darkroom.estimating import page
from darkroom.estimating.forecast import Fleet, Forecast, forecast
from darkroom.estimating.scenario import REAL, Job, Run, composites, pyramids
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


def test_a_fleet_by_hand() -> None:
    figures = REFERENCE.model_copy(update={"start": 1.0, "keep": 0.5, "writes_a_second": 10.0})
    # of a small machine's two cores 40 s each; the store takes 60 s for the outputs of the last
    jobs = [Job(80.0, 0, "small"), Job(80.0, 0, "small"), Job(80.0, 600, "small")]
    run = Run(items=8, different=None, files=600, bytes=5e9, requests=Requests(puts=2000, gets=10_000), jobs=jobs)
    one, two = (forecast([run], Fleet(machines=machines, cores=5), figures, PRICES) for machines in (1, 2))
    # of five cores two jobs take four at once; two seconds to plan, two to settle
    assert (one.seconds, one.longest, one.keeping) == (2 + 41 + 61 + 2, 61, 4)
    assert two.seconds == 2 + 61 + 2
    assert (one.tasks, one.jobs, one.core_seconds) == (3 + 4, 3, 240)
    assert two.cores_cost == pytest.approx(2 * 5 * 65 / HOUR * 0.05)
    assert two.requests_cost == pytest.approx(2 * 0.005 + 10 * 0.0004)
    assert two.storage_cost == pytest.approx(5 * 0.023)


def test_a_sheet_takes_what_its_layers_its_different_pictures_and_all_their_files_take() -> None:
    (run,) = composites(REAL.pictures, REFERENCE, megapixels=9)
    once = 9e6 * REFERENCE.compose + REFERENCE.encode + 3 * REFERENCE.crop
    expected = REAL.layers * 9e6 * REFERENCE.decode + REAL.different * once + 4 * REAL.pictures * REFERENCE.write
    assert sum(job.seconds for job in run.jobs) == pytest.approx(expected)
    assert [job.machine for job in run.jobs] == ["small"]
    assert [job.machine for job in composites(10, REFERENCE, megapixels=11)[0].jobs] == ["large"]


def test_a_jobs_pictures_are_proven_among_all_of_their_style() -> None:
    count = REAL.pictures * REAL.colours * 2
    (run,) = composites(count, REFERENCE)
    proofs = [proof(job.outputs, 4 * count) for job in run.jobs]
    # each prefix is listed twice, a job's outcomes three times; one more is of the run
    assert run.requests.lists == pytest.approx(2 * 4 + 1 + 3 * len(run.jobs) + sum(one.lists for one in proofs))
    assert sum(one.lists for one in proofs) > 2 * sum(proof(job.outputs, 0).lists for job in run.jobs)


def test_a_pyramid_takes_its_scan_its_levels_and_both_files_and_a_marker_goes_with_it() -> None:
    (run,) = pyramids(100, REFERENCE, megapixels=30)
    expected = 30e6 * REFERENCE.scan["jpg"] + 16e6 * REFERENCE.pyramid + 15e6 * REFERENCE.move + REFERENCE.write
    assert sum(job.seconds for job in run.jobs) == pytest.approx(100 * expected)
    assert run.requests.deletes == 100 + 1


def test_what_nobody_has_a_price_for_is_left_out() -> None:
    found = forecast(pyramids(10, REFERENCE, megapixels=1), Fleet(machines=1, cores=2), REFERENCE, Prices())
    assert (found.cores_cost, found.requests_cost, found.storage_cost, found.cost) == (None, None, None, None)


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
