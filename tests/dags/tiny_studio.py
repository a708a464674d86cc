"""A studio of tiny styles, and how the tests run a DAG in it."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

_STYLE = """
style: {name}
colours: 2
lengths: {{knee: Knee, maxi: Maxi}}
customizations: [t1, t2, b1]
source_folders: []
defaults:
  Knee:
    front: {{bottom: base_knee_bottom_front, neckline: base_neckline_front}}
    back: {{bottom: base_knee_bottom_back, neckline: base_neckline_back}}
  Maxi:
    front: {{bottom: base_maxi_bottom_front, neckline: base_neckline_front}}
    back: {{bottom: base_maxi_bottom_back, neckline: base_neckline_back}}
layering: [t1, t2, b1]
options:
  - one of: [t1, t2]
  - any of: [b1]
    lengths: [Knee]
"""
_DRAWN = ("base_knee_bottom", "base_maxi_bottom", "base_neckline", "t1_neckline", "t2_neckline", "b1_knee_bottom")
LAYERS = tuple(f"{layer}_{side}" for layer in _DRAWN for side in ("front", "back"))

BUCKET = "studio"  # of the tests' S3

# What the style offers: 6 combinations in Knee, 3 in Maxi, two sides, two colours.
PICTURES = (6 + 3) * 2 * 2
CUTS = ("800x800", "142x142", "top-crop", "bottom-crop")


@dataclass(frozen=True)
class Studio:
    """Folders of a studio that consists of tiny styles."""

    styles: Path
    store: Path

    def add_style(self, name: str) -> None:
        """Write a style file, and draw every render that it needs."""
        self.styles.mkdir(parents=True, exist_ok=True)
        (self.styles / f"{name}.yaml").write_text(_STYLE.format(name=name))
        self.draw(name)

    def render(self, style: str, name: str) -> Path:
        """Where a render lies."""
        return self.store / "renders/raw" / style / name

    def draw(self, style: str, layers: Iterable[str] = LAYERS, colours: Iterable[int] = range(2)) -> None:
        """Draw renders, over what is there."""
        from tests.renders import draw

        draw(self.store / "renders/raw" / style, layers, colours, size=200)

    def pictures(self, style: str, cut: str) -> set[str]:
        """The names of the pictures of one cut that were made."""
        return {path.stem for path in (self.store / "renders/composites" / style / cut).glob("*.png")}


def without_aws_identity(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Leave no AWS settings in the environment, and none in a home or on a cloud's machine; files go to `folder`."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_CONFIG_FILE", str(folder / "aws-config"))
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "aws-credentials"))


def parse_dags() -> Any:
    """Parse every DAG file, as each task does in a real Airflow."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(ROOT / "dags"))


@dataclass
class Run:
    """What became of one run of a DAG."""

    dag_id: str
    run_id: str
    state: str
    tasks: dict[str, str] = field(default_factory=dict)
    """The state of each task, of a mapped one's instances as `run[0]`."""
    labels: list[str] = field(default_factory=list)
    """What the UI calls the instances of the mapped tasks."""
    xcoms: dict[tuple[str, str], Any] = field(default_factory=dict)
    """By task and key."""

    @property
    def report(self) -> dict[str, Any]:
        """report.json of the run's plan."""
        report: dict[str, Any] = json.loads((self.plan / "report.json").read_text())
        return report

    @property
    def plan(self) -> Path:
        """The folder of the run's plan."""
        return Path(self.xcoms["plan", "plan_uri"].removeprefix("file://"))


def run_dag(dag_id: str, conf: Mapping[str, Any]) -> Run:
    """Run a whole DAG in this process, as a person triggers it: without a logical date.

    Nobody is asked whether its pictures may be made, unless `conf` says so: the run would wait for an answer. Needs the
    fixture `dagbag`, which makes the database. A DAG keeps the params of its last `test()`: parse anew.
    """
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    dag = parse_dags().dags[dag_id]
    dag.deadline = None  # `test()` looks for a deadline in the database under what is no id yet, and fails at that
    unasked = {"approval": "none"} if "approval" in dag.params else {}
    done = dag.test(run_conf={**unasked, **conf}, logical_date=None)
    run = Run(dag_id, done.run_id, str(done.state))
    with create_session() as session:
        for ti in session.query(TaskInstance).filter_by(dag_id=dag_id, run_id=done.run_id):
            name = ti.task_id if ti.map_index < 0 else f"{ti.task_id}[{ti.map_index}]"
            run.tasks[name] = str(ti.state)
            if ti.rendered_map_index:
                run.labels.append(ti.rendered_map_index)
        for xcom in session.query(XComModel).filter_by(dag_id=dag_id, run_id=done.run_id):
            run.xcoms[xcom.task_id, xcom.key] = XComModel.deserialize_value(xcom)
    return run
