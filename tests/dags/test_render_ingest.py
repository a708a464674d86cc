"""The DAG of the ingest, run in this process: renders that are delivered, and the news that compositing hears."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from darkroom.settings import settings
from tests import renders
from tests.dags.tiny_studio import LAYERS, PICTURES, Run, Studio, parse_dags, run_dag

DAG_ID, COMPOSITING = "render_ingest", "combination_compositing"
STYLE = "tiny-coat"

pytestmark = pytest.mark.usefixtures("dagbag")


@pytest.fixture(scope="module")
def deliveries(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the deployment's renders are delivered, with those of one style."""
    folder = tmp_path_factory.mktemp("deliveries")
    text = (studio.styles / "tiny-dress.yaml").read_text().replace("tiny-dress", STYLE)
    (studio.styles / f"{STYLE}.yaml").write_text(text)
    renders.draw(folder / STYLE, LAYERS, [0, 1], size=120)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DARKROOM_RENDERS_FROM", str(folder))
        patch.setenv("DARKROOM_INGEST_QUIET", "0")
        settings.cache_clear()
        yield folder
    settings.cache_clear()
    (studio.styles / f"{STYLE}.yaml").unlink()


@pytest.fixture(scope="module")
def taken(deliveries: Path) -> Run:
    return run_dag(DAG_ID, {"style": STYLE})


def news(run: Run) -> list[str]:
    """The partitions of the asset that a run has told of."""
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    with create_session() as session:
        told = session.query(AssetEvent).filter_by(source_dag_id=DAG_ID, source_run_id=run.run_id)
        return [str(event.partition_key) for event in told]


def test_every_delivered_render_is_taken_with_a_proxy(taken: Run, studio: Studio) -> None:
    assert taken.state == "success"
    assert taken.report["done"] == len(LAYERS) * 2
    assert len(list((studio.store / "renders/raw" / STYLE).rglob("*.png"))) == len(LAYERS) * 2
    assert len(list((studio.store / "renders/caddy" / STYLE).rglob("*.png"))) == len(LAYERS) * 2


def test_the_asset_is_told_of_the_style_that_has_news(taken: Run) -> None:
    assert news(taken) == [STYLE]


def test_where_nothing_is_new_nobody_is_told(taken: Run) -> None:
    again = run_dag(DAG_ID, {"style": STYLE})
    assert again.state == "success"
    assert again.tasks["settle"] == "success"
    assert again.report["skipped"] == len(LAYERS) * 2
    assert news(again) == []


def test_a_look_at_what_would_be_taken_tells_nobody(taken: Run, deliveries: Path) -> None:
    renders.draw(deliveries / STYLE, ["t1_neckline_front"], [0], size=120)
    run = run_dag(DAG_ID, {"style": STYLE, "mode": "plan"})
    assert run.state == "success"
    assert news(run) == []


def test_what_the_ingest_took_is_what_compositing_makes_pictures_of(taken: Run, studio: Studio) -> None:
    run = run_dag(COMPOSITING, {"style": STYLE})
    assert run.state == "success"
    assert len(studio.pictures(STYLE, "800x800")) == PICTURES


def test_compositing_without_a_style_says_that_none_is_named(studio: Studio) -> None:
    run = run_dag(COMPOSITING, {})
    assert run.state == "failed"
    (problem,) = run.xcoms["plan", "problems"]
    assert problem.startswith("style: none is named, neither by the form nor by the run's partition; choose one")


@pytest.mark.parametrize(("key", "style"), [(STYLE, STYLE), (None, "tiny-dress")])
def test_the_runs_partition_stands_above_the_forms_style(key: str | None, style: str) -> None:
    from darkroom_airflow.operators.plan import params_of

    dag_run = SimpleNamespace(partition_key=key, run_type="asset_triggered")
    context: Any = {"params": {"style": "tiny-dress"}, "dag_run": dag_run}
    assert params_of(context, backfill=False, partition="style") == {"style": style}
    assert params_of(context, backfill=False) == {"style": "tiny-dress"}


def test_it_starts_when_the_deployment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_INGEST_AT", "5 * * * *")
    settings.cache_clear()
    try:
        timetable = parse_dags().dags[DAG_ID].timetable
        assert (timetable.expression, timetable.timezone) == ("5 * * * *", "UTC")
    finally:
        monkeypatch.undo()
        settings.cache_clear()
