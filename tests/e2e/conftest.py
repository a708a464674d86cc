"""The studio that the tests of nights, of runs that are done again and of the menu share, and how its story begins."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from demo.credentials import USER
from demo.layout import Layout
from demo.studio import Studio
from tests import renders
from tests import scans as drawings
from tests.e2e.nights import COMPOSITING, FLOWS, ONLY_WHAT_IS_ASKED, OPS, PYRAMIDS, Nights
from tests.servers.mail import mail_server
from tests.servers.webhook import webhook
from tests.tiny import LAYERS, STYLE

FIRST_PORT = 18780
DAYS = {"first.jpg": 18, "second.jpg": 19, "third.png": 20}  # of November 2026, on which an image changed
MAIL = ("darkroom", "the-password-of-the-mail-server")
UNLISTED = "z9_neckline_front"
"""A layer that is delivered with the others, and that no picture needs."""
MINUTES = 3
"""After so many it is looked for deliveries again."""
NOBODY = "otto"
"""Who has a login, and no rights."""


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    root = tmp_path_factory.mktemp("nights")
    scans, styles = root / "scans", root / "styles"
    for folder in (scans, styles):
        folder.mkdir()
    for name, day in DAYS.items():
        save = drawings.picture(300, 200)
        (save.pngsave if name.endswith("png") else save.jpegsave)(str(scans / name))
        when = datetime(2026, 11, day, 12, tzinfo=UTC).timestamp()
        os.utime(scans / name, (when, when))
    (styles / "tiny.yaml").write_text(STYLE, encoding="utf-8")
    deployment = {
        "DARKROOM_SCAN_SOURCES": json.dumps({"maps": str(scans)}),
        "DARKROOM_PYRAMIDS_AT": "05:30",
        "DARKROOM_PYRAMIDS_BY": "05:31",
        "DARKROOM_INGEST_AT": f"*/{MINUTES} * * * *",
        "DARKROOM_ALERTS": f"slack, smtp:{OPS}",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin,{NOBODY}:",
        **ONLY_WHAT_IS_ASKED,
    }
    studio = Studio(Layout(root / "var", styles=styles), FIRST_PORT, deployment)
    renders.draw(studio.layout.deliveries / "Render PNG's", [*LAYERS, UNLISTED], [0, 1], 120)
    with webhook() as chat, mail_server(*MAIL) as mails:
        try:
            studio.start(lambda text: None)
            with studio.api() as api:
                made = Nights(studio, api, scans, chat, mails)
                made.connect(
                    connection_id="slack_default", conn_type="slackwebhook", host=chat.address, password="token"
                )
                extra = {"from_email": "darkroom@studio.example", "disable_ssl": True, "disable_tls": True}
                user = {"login": MAIL[0], "password": MAIL[1], "extra": json.dumps(extra)}
                made.connect(connection_id="smtp_default", conn_type="smtp", host="127.0.0.1", port=mails.port, **user)
                studio.make_pools()
                for dag in FLOWS:
                    studio.wait_for_dag(dag)
                    api.pause(dag, paused=False)
                yield made
        finally:
            studio.stop()


@pytest.fixture(scope="session")
def delivered(nights: Nights) -> str:
    """The run of compositing that the delivered renders have started, which Airflow has fetched by itself."""
    (run,) = nights.until(lambda: nights.api.runs(COMPOSITING, "asset_triggered"))
    return str(run["dag_run_id"])


@pytest.fixture(scope="session")
def scheduled(nights: Nights) -> str:
    """The run of the night before the studio was started, which Airflow starts by itself, and no earlier one."""
    (run,) = nights.until(lambda: nights.api.runs(PYRAMIDS, "scheduled"))
    assert nights.end(run["dag_run_id"]) == "success"
    return str(run["dag_run_id"])


@pytest.fixture(scope="session")
def late(nights: Nights, delivered: str, scheduled: str) -> str:
    """A run by hand that cannot go on, as nobody has a machine for its workers: in a minute it is late."""
    nights.mark("first.jpg")
    nights.api.set_pool("imaging", 0, "none")
    return nights.api.trigger(PYRAMIDS, {})


@pytest.fixture(scope="session")
def over(nights: Nights, late: str) -> str:
    """That run, once there were machines again: it has ended well."""
    nights.studio.make_pools()
    assert nights.end(late) == "success"
    return late
