"""The documents of the DAGs: docs/dags.md says what their files say, and every command of Airflow's is one."""

import json
import re
import shlex
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.shown import PAGES, ROOT, inline, steps


def test_the_catalogue_of_dags_says_what_their_files_say(dagbag: Any) -> None:
    from tools.pages import dags

    assert (ROOT / "docs/dags.md").read_text(encoding="utf-8") == dags.written(dagbag.dags), "write it anew: make docs"


def test_a_schedule_without_a_reason_is_no_page(tmp_path: Path) -> None:
    from tools.pages import dags

    silent = tmp_path / "silent.py"
    silent.write_text("with DAG(\n    dag_id='silent',\n    schedule=daily(),\n):\n    pass\n")
    with pytest.raises(ValueError, match="has to say why it starts then"):
        dags.reason(silent)


def airflow_commands() -> list[tuple[str, str]]:
    """Every command of Airflow's own that a page shows, also behind `make airflow`, with its page."""
    found = {(str(page.relative_to(ROOT)), typed) for page in PAGES for typed in inline(page)}
    found |= {(step.page, shlex.join(step.words)) for page in PAGES for step in steps(page)}
    commands = {(page, _airflows(typed)) for page, typed in found}
    return sorted((page, command) for page, command in commands if command and not re.search(r"\.\.\.|…", command))


def _airflows(typed: str) -> str:
    words = shlex.split(typed)
    if words[:2] == ["make", "airflow"]:
        return "".join(word.removeprefix("ARGS=") for word in words[2:])
    if words[:6] == ["docker", "compose", "run", "--rm", "cli", "airflow"]:
        return shlex.join(words[6:])
    return shlex.join(words[1:]) if words[:1] == ["airflow"] else ""


@pytest.mark.parametrize(("page", "command"), airflow_commands())
def test_every_command_of_airflows_is_one_and_what_it_gives_a_dag_is_what_its_form_takes(
    page: str, command: str, dagbag: Any
) -> None:
    from airflow.cli import cli_parser

    said = cli_parser.get_parser().parse_args(shlex.split(command))
    dag_id = getattr(said, "dag_id", None)
    if dag_id:
        assert dag_id in dagbag.dags
    conf = getattr(said, "conf", None) or getattr(said, "dag_run_conf", None)
    if conf:
        params, given = dagbag.dags[dag_id].params, json.loads(conf)
        assert given.keys() <= set(params)
        for name, value in given.items():  # but of those that a machine knows
            if name not in ("style", "pairs", "sources", "profile"):
                deepcopy(params.get_param(name)).resolve(value)  # which keeps what it is given
