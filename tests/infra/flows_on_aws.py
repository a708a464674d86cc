"""The five flows at work in a deployed studio, each part of a run as the role that does it there.

plan, collect, settle and report are Airflow's; a job is its worker's. Which role asks is seen by the access key, which
is the role's name here. Where renders and originals come from is a folder: Dropbox and Google ask nothing of AWS.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from darkroom import flows, keys, planning
from darkroom.errors import Damaged, Unavailable
from darkroom.flows import Request, Run
from darkroom.jobs import Mode, Report
from darkroom.plan_folder import PlanFolder
from darkroom.pyramids.sources import queue
from darkroom.reports import make_report
from darkroom.settings import settings
from darkroom.settling import settle
from darkroom.store import Entry, Store, open_store
from darkroom.store.s3_access import S3Access
from darkroom.store.streams import PART
from darkroom.worker import run_job
from tests import renders, scans, sync_world
from tests.infra.recorded_moto import Recorder
from tests.infra.stack import NAME, Stack
from tests.night import day
from tests.tiny import LAYERS, STYLE

AIRFLOW, DEPLOYER = "airflow", "DEPLOYER"
STYLE_NAME = "tiny"


class StudioOnAws:
    """A deployed studio in which flows run."""

    def __init__(self, recorder: Recorder, stack: Stack, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.stack, self.folder, self.patch = stack, folder, patch
        for name, value in {**recorder.server.environment(), **stack.settings()}.items():
            patch.setenv(name, value)
        url = stack.client("sqs").get_queue_url(QueueName=f"{NAME}-scans")["QueueUrl"]
        patch.setenv("DARKROOM_SCAN_QUEUE", url)  # where moto has it
        patch.setenv("DARKROOM_INGEST_QUIET", "0")
        patch.setattr(S3Access, "copies_conditionally", True)  # as on AWS; this moto heeds the conditions too
        patch.setattr(queue, "_WAIT", 0)
        settings.cache_clear()
        self.style = folder / "tiny.yaml"
        self.style.write_text(STYLE, encoding="utf-8")
        self.images, self.scans, self.archive, self.shop = (
            self.location(one) for one in ("images", "scans", "archive", "shop")
        )
        self.studio = self.location("studio")

    def location(self, what: str) -> str:
        return f"s3://{self.stack.bucket(what)}"

    @contextmanager
    def acting_as(self, role: str) -> Iterator[None]:
        """What is asked of AWS in this block is asked by a role."""
        with self.patch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", role)
            yield

    def store(self, location: str, role: str = DEPLOYER) -> Store:
        """A store as a role sees it."""
        with self.acting_as(role):
            opened = open_store(location)
            opened.head("state/nothing")  # it asks for credentials when it first needs them, and keeps these
            return opened

    def run(
        self,
        flow: str,
        request: Request,
        dag: str,
        *,
        planner: str = AIRFLOW,
        name: str = "a-run",
        meanwhile: Callable[[], object] | None = None,
    ) -> Report:
        """A whole run; `planner` is who plans. `meanwhile` is done before the jobs."""
        asked = flows.get(flow)
        with self.acting_as(planner):
            manifest = planning.plan(asked, request, Run(dag, name))
        if meanwhile:
            meanwhile()
        with self.acting_as(dag):
            for job in manifest.jobs:
                run_job(job.uri, workers=2)
        with self.acting_as(AIRFLOW):
            settle(PlanFolder.at(manifest.uri))
            return make_report(PlanFolder.at(manifest.uri))

    def gives_up_an_upload(self, role: str, location: str, key: str) -> None:
        """A large write of a role, of which the source breaks in the middle."""

        class Broken:
            left = PART

            def read(self, size: int = -1) -> bytes:
                if not self.left:
                    raise OSError("the source broke")
                size = min(size, self.left)
                self.left -= size
                return bytes(size)

        source: Any = Broken()
        with self.acting_as(role), suppress(OSError):
            open_store(location).write(key, source, size=3 * PART)


def render_ingest(studio: StudioOnAws) -> None:
    """Renders are delivered, one changes, one goes, and a large one breaks on its way."""
    from darkroom.ingest.request import request_of

    dag = "render_ingest"
    source = studio.folder / "deliveries"
    renders.draw(source / "Render PNG's", LAYERS, [0, 1], 64)

    def ingest() -> Report:
        asked = request_of(str(studio.style), str(source), studio.studio, mode=Mode.CHANGED, max_delete="90%")
        return studio.run("ingest", asked, dag)

    assert ingest().done
    (source / "Render PNG's" / "a1_infront_front_0001.png").unlink()
    _replace(
        source / "Render PNG's" / "t1_neckline_front_0001.png", renders.png(renders.pixels("t1_neckline_front", 9, 64))
    )
    again = ingest()
    assert (again.done, again.failed) == (1, 0), again
    studio.gives_up_an_upload(dag, studio.studio, "renders/raw/tiny/large.png")


def combination_compositing(studio: StudioOnAws) -> None:
    """Pictures are made, some anew after a render changed, some removed after one went, and once by their content."""
    from darkroom.compositing.request import Request as Asked

    dag, raw = "combination_compositing", f"{keys.raw_renders(STYLE_NAME)}Render PNG's/"
    drawn, theirs = studio.folder / "drawn", studio.store(studio.studio)
    renders.draw(drawn, LAYERS, [0, 1], 64)
    for file in drawn.iterdir():
        theirs.write(f"{raw}{file.name}", file.read_bytes())

    def composite(**more: Any) -> Report:
        asked = Asked(
            style_file=str(studio.style),
            store=studio.studio,
            approval="none",
            lengths=["mini"],
            sides=["front"],
            **more,
        )
        return studio.run("compositing", asked, dag)

    _abandon_an_upload(studio)
    assert composite().done == 16
    theirs.write(f"{raw}t1_neckline_front_0001.png", renders.png(renders.pixels("t1_neckline_front", 9, 64)))
    assert 0 < composite().done < 16
    theirs.delete(f"{raw}a1_infront_front_0001.png")
    theirs.delete(f"{raw}a1_behind_front_0001.png")
    gone = composite(on_missing="skip", prune=True)
    assert gone.pruned or gone.stale, gone
    assert composite(layout="content", colours="0", mode=Mode.ALL).done


def nightly_pyramids(studio: StudioOnAws) -> None:
    """Uploads come by the queue; a scan changes, one is damaged until it is set aside, one is a PDF, one large."""
    from darkroom.pyramids.fetching import Stored, fetched

    dag, flow, theirs = "nightly_pyramids", flows.get("pyramids"), studio.store(studio.scans)

    def collected(run_id: str, mode: str) -> Request:
        with studio.acting_as(AIRFLOW):
            request: Request = flow.request({"mode": mode})
            assert flow.collecting
            flow.collecting.collect(request, Run(dag, run_id), _NoDrive())
            return request

    def night(date: str, **more: Any) -> Report:
        with day(date):
            return studio.run("pyramids", collected(date, "changed"), dag, name=date, **more)

    theirs.write("maps/a.png", scans.picture(90, 70).pngsave_buffer())
    theirs.write("maps/large.png", _noise(1700, 1700))
    for name in ("broken", "marked again"):
        theirs.write(f"maps/{name}.png", scans.picture(90, 70).pngsave_buffer()[:-60])
    first = night("2026-11-01")
    assert (first.done, first.refused) == (2, 2), first
    theirs.write("maps/a.png", scans.picture(80, 70).pngsave_buffer())
    assert night("2026-11-02").done == 1
    night("2026-11-03", meanwhile=lambda: _mark_again(studio, "maps/marked again.png"))
    assert len(list(studio.store(studio.studio).list("process-failed/"))) == 1, "only the broken one is set aside"
    studio.stack.client("sqs").send_message(QueueUrl=settings().scan_queue, MessageBody="no event")
    theirs.write("maps/gone.png", scans.picture(90, 70).pngsave_buffer())
    collected("a-look", "plan")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue, "write", _unavailable)  # then what was taken is given back at once
        collected("a-broken-night", "changed")
    night("2026-11-04", meanwhile=lambda: theirs.delete("maps/gone.png"))
    studio.gives_up_an_upload(dag, studio.images, "maps/unfinished.tif")
    studio.gives_up_an_upload(AIRFLOW, studio.studio, keys.museum_file("large", "md5"))
    fetched_key = keys.museum_file("file", "md5")  # what `collect` fetches from Google Drive lies there
    entry = studio.store(studio.studio).write(fetched_key, b"a file of Drive")
    with studio.acting_as(dag), fetched(Stored(open_store(studio.studio), entry), studio.folder):
        pass


def gcs_archive_sync(studio: StudioOnAws) -> None:
    """Originals are mirrored and archived, one changes, one goes, somebody else changes a copy, one is large."""
    from darkroom.archive import mirror
    from darkroom.archive.pairs import Pair, Removed
    from darkroom.archive.request import Params, request_of
    from darkroom.guards import Guards

    dag, source = "gcs_archive_sync", studio.folder / "originals"
    source.mkdir()
    for number in range(6):
        (source / f"{number}.tif").write_bytes(f"original {number}".encode())
    (source / "large.tif").write_bytes(bytes(PART + 1))
    pair = Pair(
        name="maps",
        source=str(source),
        target=f"{studio.scans}/mirror",
        archive=studio.archive,
        removed=Removed.REMOVE,
        guards=Guards(objects=100, percent=90),
    )

    def archive(mode: Mode = Mode.CHANGED) -> Report:
        return studio.run("archive", request_of([pair], Params(mode=mode)), dag)

    assert archive().done == 7
    _replace(source / "0.tif", b"another original")
    (source / "1.tif").unlink()
    again = archive()
    assert (again.done, again.failed) == (2, 0), again
    studio.store(pair.target).write("2.tif", b"somebody else's")
    archive()
    archive(Mode.ALL)
    (source / "damaged.tif").write_bytes(b"an original whose version arrives damaged")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mirror, "prove", _proof_but_of(studio.archive))
        assert archive().failed == 1
    for place in (pair.target, pair.archive):
        studio.gives_up_an_upload(dag, place, "unfinished.tif")


def local_s3_sync(studio: StudioOnAws) -> None:
    """Files are uploaded, one changes, one goes and is removed, one is large and not all of it arrives."""
    from darkroom.guards import Guards
    from darkroom.sync.profiles import Profile
    from darkroom.sync.request import SyncMode, request_of

    dag, folder = "local_s3_sync", studio.folder / "shops"
    sync_world.put(folder, {**sync_world.GOOD, "large.bin": bytes(PART + 1)})
    guards = Guards(objects=1000, percent=90)
    profile = Profile(name="shops", source=str(folder), target=studio.shop, rules="none", guards=guards)

    def sync(mode: SyncMode) -> Report:
        return studio.run("sync", request_of([profile], mode=mode), dag, planner=dag)

    assert sync(SyncMode.COPY).done == 9
    _replace(folder / "stores/corner/photos/1.jpg", sync_world.photo(77))
    (folder / "stores/corner/photos/2.jpg").unlink()
    (folder / "large.bin").unlink()
    again = sync(SyncMode.SYNC)
    assert (again.done, again.failed) == (3, 0), again
    studio.gives_up_an_upload(dag, studio.shop, "unfinished.bin")
    studio.gives_up_an_upload(dag, studio.studio, f"{keys.plan_folder(dag, 'a-run', 'a-plan')}{keys.ACCEPTED}")


FLOWS: dict[str, Callable[[StudioOnAws], None]] = {
    one.__name__: one
    for one in (render_ingest, combination_compositing, nightly_pyramids, gcs_archive_sync, local_s3_sync)
}
"""By the DAG's id, which is the role's name as well."""


class _NoDrive:
    """Google Drive, which no image of these nights lies in."""

    def look(self, file_id: str) -> None:
        raise AssertionError(file_id)

    def fetch(self, file_id: str, file: BinaryIO) -> None:
        raise AssertionError(file_id)


def _unavailable(*_: object) -> None:
    raise Unavailable("The studio's store is out of reach.")


def _mark_again(studio: StudioOnAws, key: str) -> None:
    """Write an image's marker anew, as another upload of it would."""
    store = studio.store(studio.studio)
    (marker,) = (one.key for one in store.list(keys.MARKERS) if json.loads(store.read(one.key))["key"] == key)
    store.write(marker, store.read(marker) + b" ")


def _proof_but_of(location: str) -> Callable[..., None]:
    """The archive's proof, which finds other bytes than were written at a location."""

    def prove(store: Store, entry: Entry, *_: object) -> None:
        if store.uri == location:
            raise Damaged(f"{store.uri_of(entry.key)}: it has other bytes than were written.")

    return prove


def _abandon_an_upload(studio: StudioOnAws) -> None:
    """What a killed worker leaves, as old as a plan looks for."""
    key = f"{keys.cut_prefix(STYLE_NAME, '800x800')}left.png"
    studio.stack.client("s3").create_multipart_upload(Bucket=studio.stack.bucket("studio"), Key=key)
    studio.patch.setattr(planning, "_ABANDONED", timedelta(0))


def _replace(file: Path, data: bytes) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(data)
    new.replace(file)


def _noise(width: int, height: int) -> bytes:
    """A PNG that is no smaller than its pixels, so that its pyramid is written in parts."""
    import pyvips

    image = (
        pyvips.Image.gaussnoise(width, height, mean=128, sigma=60)
        .cast("uchar")
        .bandjoin([pyvips.Image.gaussnoise(width, height, mean=128, sigma=60).cast("uchar") for _ in range(2)])
    )
    data: bytes = image.copy(interpretation="srgb").pngsave_buffer()
    return data
