"""What a plan will cost: the truth tables are the tests, and what must hold of any numbers holds."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom import estimates
from darkroom.compositing.cost import Pictures
from darkroom.compositing.cost import seconds_of as composites_take
from darkroom.compositing.cost import spends_of as composites_spend
from darkroom.compositing.job import Layout
from darkroom.compositing.profiles import CUTS
from darkroom.errors import BadInput
from darkroom.estimates import (
    Estimate,
    Prices,
    Requests,
    Spends,
    batches,
    core_time,
    of_job,
    of_run,
    prices_of,
    proof,
    touched,
)
from darkroom.estimating.schedule import ends, makespan
from darkroom.figures import OTHER, REFERENCE, Figures, figures_of, keep_figures
from darkroom.flows import Costed, Draft
from darkroom.machines import MACHINES
from darkroom.planning import cut, estimated
from darkroom.pyramids.cost import kind_of
from darkroom.pyramids.cost import seconds_of as pyramids_take
from darkroom.pyramids.cost import spends_of as pyramid_spends
from darkroom.pyramids.profiles import CAP
from darkroom.settings import settings as deployment
from darkroom.store import open_store
from darkroom.store.streams import PART
from tests.tables import rows

SECONDS = st.lists(st.floats(0, 1e5), max_size=60)


@pytest.mark.parametrize("row", list(rows(batches)), ids=str)
def test_a_worker_writes_its_outcomes_in_as_many_batches_as_the_table_says(row: dict[str, str]) -> None:
    assert batches(int(row["items"]), float(row["seconds"])) == int(row["batches"])


@pytest.mark.parametrize("row", list(rows(proof)), ids=str)
def test_settling_proves_by_a_listing_and_by_heads_where_too_many_others_lie_between(row: dict[str, str]) -> None:
    found = proof(float(row["outputs"]), float(row["among"]))
    assert (found.puts, found.lists, found.deletes) == (0, int(row["lists"]), 0)
    assert found.gets == pytest.approx(float(row["gets"]), abs=25)


@pytest.mark.parametrize("row", list(rows(makespan)), ids=str)
def test_so_many_workers_take_what_the_table_says(row: dict[str, str]) -> None:
    seconds = [float(one) for one in row["seconds"].split(",") if one]
    assert makespan(seconds, int(row["slots"])) == float(row["makespan"])


@given(SECONDS, st.integers(1, 40), st.integers(1, 40))
def test_more_workers_never_take_longer(seconds: list[float], few: int, more: int) -> None:
    assert makespan(seconds, few + more) <= makespan(seconds, few)


@given(SECONDS, st.integers(1, 40))
def test_the_longest_job_and_the_fair_share_bound_what_it_takes(seconds: list[float], slots: int) -> None:
    took, longest, share = makespan(seconds, slots), max(seconds, default=0.0), sum(seconds) / slots
    assert max(longest, share) <= took * (1 + 1e-9)
    assert took <= (share + longest) * (1 + 1e-9)


def test_one_process_plans_all_runs_first_and_settles_them_one_after_the_other() -> None:
    assert ends([(1, [10], 5), (1, [10], 5)], 2) == [16, 21]
    assert ends([(1, [10], 5), (1, [1], 5)], 2) == [16, 8]
    assert ends([(1, [10], 5), (1, [10], 5)], 1) == [16, 26]
    assert ends([(2, [], 3)], 1) == [5]


RUNS = st.lists(st.tuples(st.floats(0, 100), st.lists(st.floats(0, 1000), max_size=8), st.floats(0, 100)), max_size=8)


@given(RUNS, st.integers(1, 20), st.integers(1, 20))
def test_a_run_ends_after_its_plan_its_longest_job_and_its_settling(
    runs: list[tuple[float, list[float], float]], few: int, more: int
) -> None:
    ended = ends(runs, few)
    for (plan, jobs, settling), end in zip(runs, ended, strict=True):
        assert end >= (plan + max(jobs, default=0.0) + settling) * (1 - 1e-9)
    assert max(ends(runs, few + more), default=0.0) <= max(ended, default=0.0) * (1 + 1e-9)


@settings(deadline=None)
@given(st.integers(1, 500), st.floats(0, 600), st.integers(0, 256), st.integers(0, 100_000))
def test_twice_the_items_need_more_writes_and_at_most_twice_as_many(
    items: int, seconds: float, ledgers: int, among: int
) -> None:
    one = Spends(Requests(puts=1, gets=2), outputs=1, bytes=10)
    once, twice = (
        of_job(n * items, [one] * (n * items), seconds=n * seconds, ledgers=ledgers, among=among) for n in (1, 2)
    )
    assert twice.puts > once.puts
    assert twice.puts <= 2 * once.puts * (1 + 1e-9)
    assert twice.puts + twice.gets >= 2 * items * 3


def test_a_job_asks_for_its_file_its_lease_its_batches_its_ledgers_and_their_proof() -> None:
    spends = [Spends(Requests(puts=20, gets=5), outputs=20)]
    found = of_job(10, spends, seconds=0.0, ledgers=4, among=0)
    ledgers = touched(4, 20)
    assert found.lists == 3 + 1
    assert found.puts == pytest.approx(1 + 1 + 1 + ledgers + 20)  # file, lease, batch
    assert found.gets == pytest.approx(1 + 3 + 2 + 3 + 3 * ledgers + 5)
    longer = of_job(10, spends, seconds=3 * 60.0, ledgers=4, among=0)
    # its lease anew each minute, and a batch of each item, as they come slowly
    assert (longer.puts - found.puts, longer.gets - found.gets) == (3 + 9, 3 * 2 + 9 * 3)


def test_a_run_lists_each_prefix_twice_and_reads_the_ledgers_that_may_know_its_outputs_or_their_neighbours() -> None:
    none = of_run(0, prefixes=0, ledgers=0)
    assert of_run(0, prefixes=4, ledgers=0).lists - none.lists == 8
    assert of_run(5, prefixes=0, ledgers=0).gets - none.gets == 5
    many = of_run(100, prefixes=0, ledgers=256).gets - none.gets
    assert many == pytest.approx(estimates.PREVIEWS + touched(256, 200))


@given(st.integers(0, 256), st.integers(0, 10_000))
def test_no_more_ledgers_are_touched_than_there_are_outputs(ledgers: int, outputs: int) -> None:
    assert -1e-9 <= touched(ledgers, outputs) <= min(ledgers, outputs) + 1e-9


def test_each_picture_is_written_once_and_copied_to_its_other_names() -> None:
    some = [Pictures(different=10, names=25, cuts=tuple(CUTS))]
    spent = composites_spend(REFERENCE, 3, some, Layout.NAMES, ledgers=2)
    assert spent.outputs == 100
    assert spent.requests.puts == 100 + 2, "each file, and the two ledgers"
    copies = (25 - 10) * 4
    assert spent.requests.gets == 2 * copies + 2 * 3 + 2 * 4
    once = composites_spend(REFERENCE, 3, some, Layout.CONTENT, ledgers=2)
    assert (once.outputs, once.requests.puts) == (40, 40 + 2)
    assert once.bytes == pytest.approx(spent.bytes * 10 / 25)
    assert spent.bytes == pytest.approx(25 * (REFERENCE.picture_bytes + 3 * REFERENCE.crop_bytes))


@pytest.mark.parametrize("name", ["decode", "compose", "encode", "crop", "write"])
def test_every_figure_of_composites_counts_in_what_a_sheet_takes(name: str) -> None:
    slower = REFERENCE.model_copy(update={name: 2 * getattr(REFERENCE, name)})
    some = [Pictures(10, 25, tuple(CUTS))]
    before, after = (composites_take(one, [1_000_000] * 3, some, Layout.NAMES) for one in (REFERENCE, slower))
    assert before < after < 2 * before


def test_a_large_pyramid_goes_up_in_parts() -> None:
    small, large = (pyramid_spends(REFERENCE, pixels, 1_000_000, CAP, marked=False) for pixels in (1e6, 16e6))
    assert small.requests.puts == 1
    parts = -(-16e6 * REFERENCE.pyramid_bytes // (8 << 20))
    assert large.requests.puts == 2 + parts
    medium = pyramid_spends(REFERENCE, 1.5 * PART / REFERENCE.pyramid_bytes, 1_000_000, CAP, marked=False)
    assert medium.requests.puts == 2 + 2
    marked = pyramid_spends(REFERENCE, 1e6, 1_000_000, CAP, marked=True).requests
    assert (marked.deletes, marked.gets) == (1, small.requests.gets + 2)


def test_a_large_scan_is_read_in_parts_and_one_of_unknown_size_costs_a_byte_a_pixel() -> None:
    small, large = (pyramid_spends(REFERENCE, 1e6, size, CAP, marked=False).requests for size in (PART, 2 * PART + 1))
    assert large.gets - small.gets == 2
    unknown, known = (pyramids_take(REFERENCE, "jpg", 1e6, size, CAP) for size in (0, 1_000_000))
    assert unknown == pytest.approx(known)


def test_an_image_of_an_unknown_kind_takes_what_the_others_do() -> None:
    assert REFERENCE.scan_of(kind_of("a.HEIC")) == REFERENCE.scan[OTHER]
    assert REFERENCE.scan_of(kind_of("a.JPEG")) == REFERENCE.scan["jpg"]


def draft(store: str = "s3://studio") -> Draft[str]:
    spends = Spends(Requests(puts=1000, gets=2000), outputs=1000, bytes=5e9)
    todo = [Costed(name, 3000.0, count=500, apart=name, spends=spends) for name in ("front", "back")]
    return Draft(title="", output_store=store, todo=todo, among=2000)


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, price in {"CORE_HOUR": "0.6 EUR", "WRITE": "0.05", "READ": "0.004"}.items():
        monkeypatch.setenv(f"DARKROOM_{name}_PRICE", price)
    deployment.cache_clear()


@pytest.fixture(autouse=True)
def forgotten() -> object:
    yield
    deployment.cache_clear()


def test_a_plan_says_what_its_jobs_cost_in_cores_and_requests(priced: None) -> None:
    drafted = draft()
    found = estimated(drafted, cut(drafted.todo, drafted.enough))
    assert found
    assert (found.core_seconds, found.longest, found.jobs, found.bytes) == (6000.0, 3000.0, 2, 10_000_000_000)
    assert 2000 < found.puts < 4000
    assert 4000 < found.gets < 9000
    requests = (found.puts + found.lists) * 0.05 / 1000 + found.gets * 0.004 / 1000
    assert found.cost == pytest.approx(6000 / 3600 * 0.6 + requests, rel=1e-3)
    assert found.sentence.startswith("about 1.67 core hours in 2 jobs, the longest of 50 min 0 s; ")
    assert found.sentence.endswith(" EUR")


def test_on_a_machine_of_more_cores_a_job_is_shorter_and_says_less_often_how_far_it_is() -> None:
    def puts(memory: int) -> int:
        drafted = draft()
        drafted.todo = [replace(one, memory=memory) for one in drafted.todo]
        found = estimated(drafted, cut(drafted.todo, drafted.enough))
        assert found
        return found.puts

    # two jobs of 3000 s of one core, of 500 items each: on two cores 1500 s, on eight 375
    fewer = (batches(500, 1500) - batches(500, 375)) + (int(1500 / 60) - int(375 / 60))
    assert puts(0) - puts(MACHINES["large"].memory) == 2 * fewer


def test_requests_to_a_folder_cost_nothing_and_are_not_said(priced: None) -> None:
    drafted = draft("file:///studio")
    found = estimated(drafted, cut(drafted.todo, drafted.enough))
    assert found
    assert found.requests.all == 0
    assert found.cost == pytest.approx(1.0)
    assert "request" not in found.sentence


def test_nothing_to_do_costs_nothing() -> None:
    assert estimated(replace(draft(), todo=[]), []) is None


def test_without_a_price_there_is_no_cost() -> None:
    drafted = draft()
    found = estimated(drafted, cut(drafted.todo, drafted.enough))
    assert found
    assert found.cost is None
    assert Prices().of_requests(Requests(puts=5)) is None


def test_writes_and_lists_have_one_price_and_reads_another_and_a_gigabyte_is_a_billion_bytes() -> None:
    some = Requests(puts=1000, lists=3000, gets=2000, deletes=9000)
    assert Prices(writes=0.5, reads=0.25).of_requests(some) == pytest.approx(4 * 0.5 + 2 * 0.25)
    assert Prices(writes=0.5).of_requests(some) == pytest.approx(2.0)
    assert Prices(reads=0.25).of_requests(some) == pytest.approx(0.5)
    assert Prices(month=0.02).of_storage(3e9) == pytest.approx(0.06)


def test_a_tenth_of_a_core_hour_is_told_in_hours_and_less_in_minutes() -> None:
    assert core_time(360) == "about 0.10 core hours"
    assert core_time(359) == "5 min 59 s of one core"


def test_prices_in_two_currencies_are_refused() -> None:
    with pytest.raises(BadInput, match="EUR and USD"):
        prices_of(core_hour="0.05 USD", writes="0.005 EUR")


def test_a_price_that_is_given_stands_above_the_deployments(priced: None) -> None:
    assert prices_of(core_hour="2").core_hour == 2.0
    assert prices_of().core_hour == 0.6
    assert prices_of().month is None


def test_a_studios_own_figures_count_once_they_are_measured(tmp_path) -> None:
    store = open_store(str(tmp_path))
    assert figures_of(store) == REFERENCE
    own = REFERENCE.model_copy(update={"machine": "another", "decode": 1e-9})
    keep_figures(store, own)
    assert figures_of(store) == own


def test_figures_that_cannot_be_read_are_passed_over_and_said(tmp_path, caplog: pytest.LogCaptureFixture) -> None:
    store = open_store(str(tmp_path))
    store.write("state/figures.json", b'{"machine": "x", "decode": -1}')
    assert figures_of(store) == REFERENCE
    assert "darkroom estimate --measure" in caplog.text


@settings(max_examples=20)
@given(st.floats(1e-12, 1e3))
def test_figures_come_back_as_they_were_written(seconds: float) -> None:
    own = REFERENCE.model_copy(update={"encode": seconds})
    assert Figures.model_validate_json(own.model_dump_json()) == own


def test_an_estimate_without_requests_says_only_the_work() -> None:
    assert Estimate(core_seconds=1, longest=1, jobs=1).sentence == "1.0 s of one core in 1 job"


def test_the_engines_batches_are_those_that_the_recorder_writes() -> None:
    from darkroom.plan_folder import Recorder

    assert Recorder.__init__.__kwdefaults__ == {"batch": estimates.BATCH, "seconds": estimates.EVERY}
