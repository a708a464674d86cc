"""The flow `compositing`, as the engine wants it."""

from collections.abc import Iterable

from darkroom import keys
from darkroom.compositing.approving import ASKING
from darkroom.compositing.job import CompositingJob, Layout
from darkroom.compositing.plan import NAME, draft
from darkroom.compositing.release import CompositesRelease, ledger_of
from darkroom.compositing.request import Request, request_from_params
from darkroom.compositing.work import work
from darkroom.flows import Flow, png_at
from darkroom.jobs import Outcome
from darkroom.styles.style_file import read_style


def stores(request: Request) -> tuple[str, ...]:
    """The studio's store, and that of the renders, if it is another."""
    return (request.store, request.renders) if request.renders else (request.store,)


def subjects(request: Request) -> tuple[str, ...]:
    """The style."""
    return (read_style(request.style_file).style,)


def targets(job: CompositingJob) -> list[str]:
    """The pictures that a job writes under their names."""
    if job.layout is not Layout.NAMES:
        return []
    groups = [group for sheet in job.sheets for group in sheet.groups]
    return [keys.picture(job.style, cut, name) for group in groups for name in group.names for cut in group.cuts]


def previews(outcomes: Iterable[Outcome], most: int) -> list[str]:
    """Keys of small pictures that show what was made, evenly over all of it: the whole garment where there is one."""
    made = [outcome for outcome in outcomes if outcome.outputs]
    step = max(1, -(-len(made) // most))
    smallest = [
        min(outcome.outputs, key=lambda output: ("/142x142/" not in output.key, output.bytes))
        for outcome in made[::step]
    ]
    return [output.at for output in smallest]


FLOW = Flow(
    name=NAME,
    noun="picture",
    request=request_from_params,
    stores=stores,
    subjects=subjects,
    draft=draft,
    job_file=CompositingJob,
    work=work,
    targets=targets,
    ledger=lambda manifest, output: ledger_of(manifest.subjects[0], output.key),
    asking=ASKING,
    release=CompositesRelease,
    previews=previews,
    picture=png_at,
)
