"""The fitting room: how long after the last click a combination's picture stands, in Chromium on loopback."""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from playwright.sync_api import Page, sync_playwright

from darkroom.keys import Picture
from darkroom.sample import layer_names, style_text
from darkroom.styles.options import enumerate_combinations
from darkroom.styles.style_file import load_style

BAR = 150.0
"""Milliseconds from the last click to the picture, at the 95th percentile."""
COLD, AT_ONCE, WARM = (
    "another colour, nothing of it fetched yet",
    "another length, side or colour, at once",
    "any control, at once",
)
_ROOT = Path(__file__).resolve().parents[1]
_SECRET = "of this benchmark alone, and nobody else's, " * 2
_STARTS = 120  # seconds


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    picks: int = 200
    size: int = 1600
    seed: int = 1911


QUICK = Scale(picks=20, size=800)


@dataclass
class Findings:
    """Milliseconds of every pick, by how it was picked."""

    scale: Scale
    layers: int
    chromium: str = ""
    took: dict[str, list[float]] = field(default_factory=dict)

    def at(self, how: str, part: float) -> float:
        """The percentile of one way."""
        ordered = sorted(self.took[how])
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]

    def median(self, how: str) -> float:
        """The median of one way."""
        return statistics.median(self.took[how])


def missing() -> str:
    """What is not there to measure with, a sentence; empty: all is."""
    return "" if shutil.which("chromium") else "There is no Chromium: apt-get install chromium."


def measure(folder: Path, scale: Scale) -> Findings:
    """Pick at random, in a style whose proxies `darkroom ingest` made."""
    studio = _studio(folder, scale)
    found = Findings(scale, len(layer_names()))
    with _airflow(folder, studio) as (address, login), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        found.chromium = browser.version
        for how, picked in ((COLD, _cold), (AT_ONCE, _at_once), (WARM, _clicks)):
            context = browser.new_context(viewport={"width": 1400, "height": 900})
            context.add_cookies([{"name": "_token", "value": login, "url": address}])
            page = context.new_page()
            random = Random(scale.seed)  # noqa: S311 no secret comes of it
            found.took[how] = list(picked(page, f"{address}/darkroom/fitting-room/", scale, random))
            context.close()
        browser.close()
    return found


def _cold(page: Page, room: str, scale: Scale, random: Random) -> Iterator[float]:
    """A page that was just loaded, nothing in any cache, and one click that changes the whole picture."""
    session = page.context.new_cdp_session(page)
    for name in _names(scale.picks // 4, random):
        session.send("Network.clearBrowserCache")
        page.goto("about:blank")
        page.goto(f"{room}?style=sample-dress&show={name}")
        page.wait_for_selector(f'canvas[data-picture="{name}"]')
        yield _click(page, random, "colour")


def _at_once(page: Page, room: str, scale: Scale, random: Random) -> Iterator[float]:
    """Another length, side or colour, as soon as the last picture stands: most layers are other ones."""
    page.goto(f"{room}?style=sample-dress")
    page.wait_for_selector("canvas[data-picture]")
    for _ in range(scale.picks):
        yield _click(page, random, random.choice(["length", "side", "colour"]))


def _clicks(page: Page, room: str, scale: Scale, random: Random) -> Iterator[float]:
    """Any control, as soon as the last picture stands."""
    page.goto(f"{room}?style=sample-dress")
    page.wait_for_selector("canvas[data-picture]")
    for _ in range(scale.picks):
        yield _click(page, random, "")


def _click(page: Page, random: Random, name: str) -> float:
    """Click a control that is not chosen yet; milliseconds until its picture was on the screen."""
    named = f'[name="{name}"]' if name else ""
    boxes = f'#controls input{named}:not([type="radio"]:checked):not([aria-disabled="true"])'
    script = """async ([boxes, at]) => {
        const all = document.querySelectorAll(boxes);
        performance.clearMeasures("darkroom:picture");
        all[Math.floor(at * all.length)].click();
        for (;;) {
            const [found] = performance.getEntriesByName("darkroom:picture");
            if (found) return found.duration;
            await new Promise(soon => setTimeout(soon, 2));
        }
    }"""
    took: float = page.evaluate(script, [boxes, random.random()])
    return took


def _names(many: int, random: Random) -> list[str]:
    """Pictures at random."""
    style = load_style(style_text().encode(), "sample")
    every = [(length, codes) for length in style.length_names for codes in enumerate_combinations(style, length)]
    picked = [random.choice(every) for _ in range(many)]
    sides = [random.choice(("front", "back")) for _ in picked]
    return [
        Picture(codes, length, side, random.randrange(style.colours)).name
        for (length, codes), side in zip(picked, sides, strict=True)
    ]


def _studio(folder: Path, scale: Scale) -> Path:
    """A studio whose sample renders were ingested."""
    drawn, studio = folder / "drawn", folder / "studio"
    (folder / "styles").mkdir()
    (folder / "styles/sample-dress.yaml").write_text(style_text())
    _darkroom("sample", "--out", str(drawn), "--size", str(scale.size))
    renders = drawn / "renders/raw/sample-dress"
    for file in renders.rglob("*.png"):
        os.utime(file, (0, 0))  # what was just written waits for the next run
    style = str(folder / "styles/sample-dress.yaml")
    _darkroom("ingest", "--style", style, "--from", str(renders), "--to", str(studio))
    return studio


def _darkroom(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "darkroom", *words], check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _airflow(folder: Path, studio: Path) -> Iterator[tuple[str, str]]:
    """A whole Airflow API server as a deployment starts it: its address, and somebody's login."""
    home, port = folder / "airflow", _free_port()
    home.mkdir()
    (home / "passwords.json").write_text(json.dumps({"ana": "ana"}))
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(_ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(_ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "ana:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__API_AUTH__JWT_SECRET": _SECRET,
        "DARKROOM_STUDIO_STORE": str(studio),
        "DARKROOM_STYLES_DIR": str(folder / "styles"),
    }
    airflow = str(Path(sys.executable).with_name("airflow"))
    with (home / "log").open("wb") as log:
        subprocess.run([airflow, "db", "migrate"], check=True, env=environment, stdout=log, stderr=log)
        words = [airflow, "api-server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        server = subprocess.Popen(words, env=environment, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            yield address, _login(address)
        finally:
            server.terminate()
            server.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _login(address: str) -> str:
    """The login of the benchmark's user, once the server answers."""
    for _ in range(_STARTS):
        try:
            return str(_post(f"{address}/auth/token", {"username": "ana", "password": "ana"})["access_token"])
        except urllib.error.URLError:
            time.sleep(1)
    raise RuntimeError(f"Airflow's API server did not start within {_STARTS} seconds.")


def _post(address: str, sent: Mapping[str, str]) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(sent).encode(), headers)  # noqa: S310 on loopback
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found
