"""The section of the workers."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Group

from bench.page import WORKERS, Row, conditions, held, markdown, put_section, table
from bench.workers import BAR, WHOLE, Findings
from bench.workers_runs import OWN, Took

HEAD = ("workers", "pictures", "jobs", "the whole run", "at work on jobs", "a second", "to one", *OWN, "Airflow")


def write(docs: Path, found: Findings, *, quick: bool) -> None:
    """Write the section."""
    put_section(docs, WORKERS, _lines(found, quick=quick))


def tables(found: Findings) -> Group:
    """For a terminal."""
    return Group(table("A run over workers", HEAD, rows(found)))


def rows(found: Findings) -> Iterator[Row]:
    """Each run: what its seconds went to, how many pictures a second, and how it scales; with the bar."""
    for took in found.free:
        yield _row(WHOLE, took, "", f"{took.orchestration:.1f} s, bar {BAR:.0f} s {held(took.orchestration < BAR)}")
    for workers, took in found.shared.items():
        times = f"{found.times(workers):.2f}x"
        yield _row(f"{workers}, {found.scale.share} of a core each", took, times, f"{took.orchestration:.1f} s")


def _row(workers: str, took: Took, times: str, airflow: str) -> Row:
    own = (f"{took.own[task]:.1f} s" for task in OWN)
    spent = (f"{took.whole:.0f} s", f"{took.making:.0f} s", f"{took.rate:,.0f}")
    return workers, f"{took.pictures:,}", str(took.jobs), *spent, times, *own, airflow


def _lines(found: Findings, *, quick: bool) -> Iterator[str]:
    yield from conditions(quick, "Airflow, PostgreSQL, Redis and SeaweedFS in containers on the same cores")
    yield f"\n{_BAR.format(bar=BAR)}\n"
    yield from markdown(HEAD, rows(found))
    yield f"\n{_said(found)}"
    yield _METHOD.format(
        pictures=found.free[-1].pictures, size=found.scale.size, share=found.scale.share, most=max(found.shared)
    )


def _said(found: Findings) -> str:
    """What the table shows, in words."""
    few, many = found.free
    most = max(found.shared)
    own = {took.pictures: sum(took.own.values()) for took in (few, many)}
    each = (own[many.pictures] - own[few.pictures]) / (many.pictures - few.pictures) * 1000
    return (
        f"{most} workers make {found.times(most):.2f} times as many pictures a second as one. Of a run of "
        f"{few.pictures:,} pictures Airflow takes {few.orchestration:.1f} s, of one of {many.pictures:,} "
        f"{many.orchestration:.1f} s, with {few.jobs} jobs and with {many.jobs}. Planning, settling and reporting are "
        f"Darkroom's own work: {each:.1f} ms a picture, beside what they take for a run however small."
    )


_BAR = "The bar: with a worker that has a whole core, Airflow takes less than {bar:.0f} s of a run, whatever it makes."
_METHOD = """
### How the workers are measured

- The stack is the one of `docker-compose.yaml`, started on a Docker engine of the benchmark's own, with stand-ins for
  the images that it would pull. A run of `combination_compositing` is triggered by the API, nobody is asked, and its
  report has to say that each of its {pictures:,} pictures was made and is proven; each run finds none of them there.
  The renders are drawn, {size} x {size}; the pictures are all different, in 800x800, and go to the S3 server.
- A worker takes one task at a time (`WORKER_CONCURRENCY=1`) and draws in one thread (`DARKROOM_WORKERS=1`); the pool
  `imaging` has {most} slots. **{share} of a core each** is `WORKER_CPUS`: so {most} of them leave enough of two cores
  to all the others. The studio has the figures of a machine with that share, by which a plan cuts its jobs; more
  workers share the same jobs. All of a worker is bounded, its starts of tasks too: Airflow takes longer there.
- **At work on jobs** are the seconds in which at least one worker was at a job: its process's start, decoding,
  drawing, encoding, writing. Pictures a second, and how many times those of one worker, are of that time.
- **plan**, **settle** and **report** are what these tasks did themselves, by their logs. **Airflow** is all the rest of
  the run, from its trigger to its end: scheduling, queues, starting a process for each task in turn and reading the
  DAG in it, `approve` that asks nobody, passing on results, and noticing the end."""
