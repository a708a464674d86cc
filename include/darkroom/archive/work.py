"""A job of the archive flow: mirror what has no good outcome yet, then post the thumbnails of it."""

from darkroom.archive.job import ArchiveJob
from darkroom.archive.mirror import Mirror
from darkroom.archive.versions import Archive
from darkroom.store.room import Room
from darkroom.worker import Bench


def work(job: ArchiveJob, bench: Bench) -> None:
    """Do a job's items that have no good outcome yet."""
    source, target, *archives = (bench.open(place) for place in job.stores[: len(job.pair.stores)])
    archive = Archive(archives[0], bench.open(job.store)) if archives else None
    mirror = Mirror(source, target, archive, job.pair.verify, Room())
    bench.each(job.items, mirror.do, at_once=max(source.concurrency, target.concurrency))
    if job.posts and job.pair.wordpress:
        # imported when there is something to post: libvips alone takes as much memory as copying does
        from darkroom.archive.posting import posting

        with posting(target, job.pair.wordpress) as line:
            bench.each(
                job.posts,
                lambda post: line.do(post, copied=not post.copied_by or bench.is_done(post.copied_by)),
                at_once=bench.workers,
            )
