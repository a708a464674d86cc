"""Writes every page of docs/ that comes from the code: `make docs`."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from darkroom.catalogue.schema import schema
from darkroom.estimating import page as scale
from tools.pages import ROOT, commands, configuration, decisions


def main() -> None:
    """Write them, and say which were not as they should be."""
    docs = ROOT / "docs"
    for name, text in pages(docs):
        path = docs / name
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(text, encoding="utf-8")
        print(f"docs/{name}: {'as it was' if text == before else 'written'}")


def pages(docs: Path) -> Iterator[tuple[str, str]]:
    """Each page's file and text."""
    from tools.pages import dags  # after the environment is what it is for Airflow, which it may import

    yield "commands.md", commands.written()
    yield "configuration.md", configuration.written()
    yield "adr/README.md", decisions.written()
    yield "dags.md", dags.written(parsed())
    yield "catalogue.schema.json", schema()
    yield "scale.md", scale.written((docs / "scale.md").read_text(encoding="utf-8"))


def parsed() -> Mapping[str, Any]:
    """The DAGs, read by an Airflow of its own that nobody has set up otherwise; needs no database."""
    for name in [name for name in os.environ if name.startswith(("AIRFLOW_", "DARKROOM_"))]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="darkroom-docs-") as home:
        os.environ |= {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        }
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(str(ROOT / "dags"))
        if bag.import_errors:
            raise SystemExit("\n".join(f"{file}: {error}" for file, error in bag.import_errors.items()))
        return dict(bag.dags)


if __name__ == "__main__":
    main()
