"""The documents of the DAGs: docs/dags.md says what their files say, and every command of Airflow's is one."""

from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_catalogue_of_dags_says_what_their_files_say(dagbag: Any) -> None:
    from tools.pages import dags

    assert (ROOT / "docs/dags.md").read_text(encoding="utf-8") == dags.written(dagbag.dags), "write it anew: make docs"


def test_a_schedule_without_a_reason_is_no_page(tmp_path: Path) -> None:
    from tools.pages import dags

    silent = tmp_path / "silent.py"
    silent.write_text("with DAG(\n    dag_id='silent',\n    schedule=daily(),\n):\n    pass\n")
    with pytest.raises(ValueError, match="has to say why it starts then"):
        dags.reason(silent)
