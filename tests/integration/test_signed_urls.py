"""A URL of the API may be signed: its query opens what it leads to, and stands in nothing that stays."""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from darkroom import keys
from darkroom.outside import web as web_source
from darkroom.reports import failure_text
from tests import scans as drawings
from tests.api_night import World
from tests.servers import hostile_web
from tests.servers.hostile_web import HostileWeb


def test_a_signed_urls_query_is_in_nothing_that_stays(
    world: World, web: HostileWeb, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("pyvips").setLevel(logging.WARNING)  # it tells each of its calls
    secret = "X-Amz-Signature=c0ffee5ec2e7"
    for name, path in {
        "good": "a.png",
        "gone": "status/404",
        "forbidden": "status/403",
        "busy": "busy/9/0",
        "short": "short",
        "broken": "broken-head",
        "junk": "junk",
        "reset": "reset",
        "loop": "loop",
    }.items():
        world.list(name, "Uri", sourceUri=f"{web.url}/{path}?{secret}#{secret}")
    leads = (
        f"http://127.0.0.1:9/a.png?{secret}",
        f"file:///etc/passwd?{secret}",
        f"http://[?{secret}",
        f"//a b?{secret}",
    )
    for number, to in enumerate(leads):
        world.list(f"redirected-{number}", "Curate", sourceUri=f"{web.url}/to/{quote(to, safe='')}?{secret}")
    for number, url in enumerate(
        (
            f"https://me:{secret}@{web.host}/a.png",
            f"https:me:{secret}@{web.host}/a.png",
            f"ftp://{web.host}/a.png?{secret}",
            f"http://[{secret}/a.png",
            f"{web.url}/a b.png?{secret}",
            f"http://no-such-host.invalid/a.png?{secret}",
            f"http://{web.host}0000/a.png?{secret}",
        )
    ):
        world.list(f"odd-{number}", "Uri", sourceUri=url)
    world.list("unread", "Fax", sourceUri=f"{web.url}/a.png?{secret}")
    world.collect()
    manifest = world.library.plan()
    monkeypatch.setattr(web_source, "_save", _foreseen_by_nobody(web_source._save))
    report = world.library.finish(manifest)
    assert (report.done, world.api.removed) == (1, ["gone"])
    kept = {
        key: store.read(key)
        for store in (world.library.studio, world.library.images)
        for key in (entry.key for entry in store.list())
    }
    assert f'"source":"{web.url}/a.png?sha256=' in kept[keys.pyramids_ledger("api/good.tif")].decode()
    told = {key for key, data in kept.items() if secret.partition("=")[2].encode() in data}
    assert told == {
        f"work/nightly_pyramids/a-night/{keys.COLLECTED}",
        manifest.jobs[0].uri.removeprefix(f"{world.library.studio.uri}/"),
    }
    assert secret.partition("=")[2] not in caplog.text + failure_text(report) + report.model_dump_json()


def _foreseen_by_nobody(save: Any) -> Any:
    """One that fails at the first answer of an odd kind, and says what it was asked."""

    def odd(answer: Any, host: str, file: Path, most: int) -> int:
        if answer.length_remaining is not None and answer.length_remaining > len(hostile_web.IMAGE):
            raise KeyError("http://127.0.0.1/short?X-Amz-Signature=c0ffee5ec2e7")
        return save(answer, host, file, most)

    return odd


def test_a_url_that_is_signed_anew_each_night_is_made_and_replaces_its_own_pyramid(
    world: World, web: HostileWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    for night in range(3):
        world.api.items.clear()
        world.api.processed.clear()
        world.list("one", "Uri", sourceUri=f"{web.url}/a.png?X-Amz-Signature={night}")
        monkeypatch.setattr(hostile_web, "IMAGE", drawings.picture(300 + night, 200).pngsave_buffer())
        report = world.night()
        assert report.ok, failure_text(report)
        assert world.api.processed == {"one": (200, 300 + night)}
