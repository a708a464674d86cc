"""The section of the workers."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Group

from bench.page import WORKERS, Row, conditions, held, markdown, put_section, table
from bench.workers import BAR, SHIPPED, Findings
from bench.workers_runs import OWN, Took

HEAD = ("workers", "pictures", "jobs", "the whole run", "at work on jobs", "pictures a second", *OWN, "Airflow")


def write(docs: Path, found: Findings, *, quick: bool) -> None:
    """Write the section."""
    put_section(docs, WORKERS, _lines(found, quick=quick))


def tables(found: Findings) -> Group:
    """For a terminal."""
    return Group(table("A run over workers", HEAD, rows(found)))


def rows(found: Findings) -> Iterator[Row]:
    """Each run: what its seconds went to, how many pictures a second, and how it scales; with the bar."""
    for took in found.shipped:
        airflow = f"{took.orchestration:.1f} s, bar {BAR:.0f} s {held(took.orchestration < BAR)}"
        yield _row(SHIPPED, took, f"{took.whole:.0f} s", f"{took.making:.0f} s", airflow)
    for workers, took in found.shared.items():
        whole = f"{took.whole:.0f} s, {found.times(workers):.2f}x"
        making = f"{took.making:.0f} s, {found.times_at_work(workers):.2f}x"
        yield _row(f"{workers}, {found.scale.share} of a core each", took, whole, making, f"{took.orchestration:.1f} s")


def _row(workers: str, took: Took, whole: str, making: str, airflow: str) -> Row:
    own = (f"{took.own[task]:.1f} s" for task in OWN)
    return workers, f"{took.pictures:,}", str(took.jobs), whole, making, f"{took.rate:,.0f}", *own, airflow


def _lines(found: Findings, *, quick: bool) -> Iterator[str]:
    yield from conditions(quick, "Airflow, PostgreSQL, Redis and SeaweedFS in containers on the same cores")
    yield f"\n{_BAR.format(bar=BAR)}\n"
    yield from markdown(HEAD, rows(found))
    yield f"\n{_said(found)}"
    yield _METHOD.format(
        pictures=found.shipped[-1].pictures, size=found.scale.size, share=found.scale.share, most=max(found.shared)
    )


def _said(found: Findings) -> str:
    """What the table shows, in words."""
    few, many = found.shipped
    most = max(found.shared)
    own = {took.pictures: sum(took.own.values()) for took in (few, many)}
    each = (own[many.pictures] - own[few.pictures]) / (many.pictures - few.pictures) * 1000
    return (
        f"{most} workers end the whole run {found.times(most):.2f} times as fast as one. Of a run of "
        f"{few.pictures:,} pictures Airflow takes {few.orchestration:.1f} s, of one of {many.pictures:,} "
        f"{many.orchestration:.1f} s, with {few.jobs} jobs and with {many.jobs}. Planning, settling and reporting are "
        f"Darkroom's own work: {each:.1f} ms a picture, beside what they take for a run however small."
    )


_BAR = "The bar: as the stack is shipped, Airflow itself takes less than {bar:.0f} s of a run, whatever it makes."
_METHOD = """
### How the workers are measured

- The stack is the one of `docker-compose.yaml`, started on a Docker engine of the benchmark's own, with stand-ins for
  the images that it would pull. A run of `combination_compositing` is triggered by the API, nobody is asked, and its
  report has to say that each of its {pictures:,} pictures was made and is proven; each run finds none of them there.
  The renders are drawn, {size} x {size}; the pictures are all different, in 800x800, and go to the S3 server.
- **As shipped** is a worker with all cores and four tasks at a time, and two jobs at once (the pool `imaging`), each
  with a thread for each core. **{share} of a core each** is `WORKER_CPUS`: so {most} workers leave some of two cores to
  all the others. Each takes one task at a time (`WORKER_CONCURRENCY=1`) and draws in one thread
  (`DARKROOM_WORKERS=1`); the pool has {most} slots. All of such a worker is bounded, its starts of tasks too, and while
  it starts one it does nothing else: Airflow takes the longer there, the more jobs a worker has.
- The studio's figures, by which a plan cuts jobs, are those of a slow machine: so there are enough to share, and the
  same ones in each run. Each has five colours of a side, the last of a side three: at the end of a run a worker finds
  nothing to do, and three are at best 2.77 times as fast as one. The S3 server takes its part of the same two cores,
  the more the more pictures come: on machines of their own workers would not be in its way.
- **At work on jobs** are the seconds in which at least one worker was at a job: its process's start, decoding,
  drawing, encoding, writing. Pictures a second are of that time; **x** is how many times as fast as one.
- **plan**, **settle** and **report** are what these tasks did themselves, by their logs. **Airflow** is all the rest of
  the run, from its trigger to its end: scheduling, queues, starting a process for each task in turn and reading the
  DAG in it, `approve` that asks nobody, passing on results, and noticing the end."""
