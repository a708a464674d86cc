"""docs/dags.md: every DAG, from the DAG files as Airflow reads them.

Needs an Airflow that is set up (`python -m tools.pages` and the tests of the DAGs do so).
"""

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from darkroom import flows
from darkroom.settings import Settings
from tools.pages.markdown import code, page, plain, table

_INTRODUCTION = """\
What each DAG file says: when it starts and why then, its parameters, its tasks, what it makes for other DAGs. The DAG's
own page in Airflow's UI (the docstring of its file) says what each step does, what to do when one fails, and how to
resume. Every setting is in [configuration](configuration.md), running for the past in [backfill](backfill.md)."""

_ALERTS = """\
**Alerts** are the same for all: one message a run that fails, and one when all is fine again ([alerts](alerts.md)); of
a run that is late only where a deadline is given below. A task is retried for what a second try can mend; bad input and
failed items are final."""

_OF_THE_MACHINE = frozenset({("style", ""), ("sources", ""), ("pairs", ""), ("profile", "local_s3_sync")})
"""Parameters that offer what the machine knows: its styles, sources, pairs and profiles."""


def written(dags: Mapping[str, Any]) -> str:
    """The page of these DAGs, by their ids. Raises `ValueError` where a schedule gives no reason."""
    known = [dags[name] for name in sorted(dags)]
    overview = table(
        ("DAG", "makes", "starts"),
        ((f"[`{dag.dag_id}`](#{dag.dag_id})", dag.description, _starts(dag)) for dag in known),
    )
    return page("DAGs", "the files in dags/", _INTRODUCTION, overview, _ALERTS, *(_section(dag) for dag in known))


def _section(dag: Any) -> str:
    facts = "\n".join(f"- **{name}**: {said}" for name, said in _facts(dag) if said)
    params = table(("parameter", "in the form", "takes", "default", "means"), _params(dag))
    tasks = table(("task", "after", "is", "pool", "queue", "tries", "at most"), map(_task, _in_order(dag)))
    summary = f"**{dag.dag_display_name}.** {_summary(dag)}"
    return "\n\n".join((f"## {dag.dag_id}", summary, facts, "### Its parameters", params, "### Its tasks", tasks))


def _summary(dag: Any) -> str:
    """What the docstring begins with, without the line of tasks that follows."""
    return " ".join(dag.doc_md.split("**plan**")[0].split("**collect**")[0].split())


def _facts(dag: Any) -> Iterator[tuple[str, str]]:
    source = Path(dag.fileloc)
    yield "file", f"[dags/{source.name}](../dags/{source.name})"
    yield "starts", _starts(dag)
    yield "why then", plain(reason(source))
    yield "settings", ", ".join(code(name) for name in _settings(dag.dag_id))
    yield "runs at once", str(dag.max_active_runs)
    yield "a run ends within", _time(dag.dagrun_timeout)
    yield "deadline", ", ".join(f"{one.name}, else there is an alert" for one in dag.deadline or ())
    yield "backfill", "yes: [backfill](backfill.md)" if _flow(dag).backfill else "an interval means nothing to it"
    yield "started by assets", ", ".join(code(one.name) for one in _assets_in(dag))
    yield "makes assets", ", ".join(code(one.name) for task in dag.tasks for one in task.outlets)
    yield "tags", ", ".join(code(tag) for tag in sorted(dag.tags))


def _starts(dag: Any) -> str:
    if assets := _assets_in(dag):
        return f"when {', '.join(code(one.name) for one in assets)} changes, a run a partition; by hand"
    timetable = dag.timetable
    return f"{code(timetable.expression)}, {timetable.timezone}; by hand"


def _assets_in(dag: Any) -> list[Any]:
    condition = getattr(dag.timetable, "asset_condition", None)  # so far, of one asset
    return [condition] if condition else []


def reason(source: Path) -> str:
    """Why a DAG starts when it does: the comment above `schedule=` in its file. Raises `ValueError` without one."""
    text = source.read_text(encoding="utf-8")
    (line,) = (
        keyword.value.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "schedule"
    )
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    said: list[str] = []
    while (line := line - 1) in comments:
        said.insert(0, comments[line])
    if not said:
        raise ValueError(f"{source}: a comment above schedule= has to say why it starts then")
    sentence = " ".join(said)
    return f"{sentence[0].upper()}{sentence[1:].rstrip('.')}."


def _settings(dag_id: str) -> list[str]:
    """The settings that speak of a DAG."""
    fields = Settings.model_fields.items()
    return [f"DARKROOM_{name.upper()}" for name, field in fields if f"`{dag_id}`" in (field.description or "")]


def _flow(dag: Any) -> Any:
    return flows.get(dag.get_task("plan").flow)


def _in_order(dag: Any) -> list[Any]:
    """The tasks, each after those that it waits for."""
    ordered: list[Any] = []
    while len(ordered) < len(dag.tasks):
        done = {task.task_id for task in ordered}
        ordered += [task for task in dag.tasks if task.task_id not in done and task.upstream_task_ids <= done]
    return ordered


def _task(task: Any) -> tuple[str, ...]:
    after = ", ".join(code(name) for name in sorted(task.upstream_task_ids))
    waits = "" if task.trigger_rule == "all_success" else ", whatever became of them"
    kind = f"{code(task.operator_name)}{', one a job' if task.is_mapped else ''}"
    pool = "" if task.pool == "default_pool" else code(task.pool)
    queue = "" if task.queue == "default" else code(task.queue)
    return (
        code(task.task_id),
        f"{after}{waits}",
        kind,
        pool,
        queue,
        str(task.retries + 1),
        _time(task.execution_timeout),
    )


def _params(dag: Any) -> Iterable[tuple[str, ...]]:
    for name in dag.params:
        param = dag.params.get_param(name)
        schema = param.schema
        takes = "" if {(name, ""), (name, dag.dag_id)} & _OF_THE_MACHINE else _takes(schema)
        yield code(name), schema["title"], takes, _value(param.value), schema["description_md"]


def _takes(schema: Mapping[str, Any]) -> str:
    closed = schema.get("enum") or schema.get("items", {}).get("enum")
    if closed:
        return ", ".join(code(str(one)) for one in closed if one is not None)
    if examples := schema.get("examples"):
        return f"such as {', '.join(code(str(one)) for one in examples)}"
    kinds = {schema["type"]} if isinstance(schema["type"], str) else {*schema["type"]} - {"null"}
    return {"boolean": "yes or no", "integer": "a number", "array": "lines", "string": "text"}[kinds.pop()]


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(code(str(one)) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return code(str(value)) if value or value == 0 else ""


def _time(length: timedelta | None) -> str:
    if length is None:
        return ""
    hours = int(length.total_seconds() // 3600)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} h" if hours else f"{length.total_seconds() / 60:.0f} min"
