"""A studio for the pages: styles with catalogues and proxies, in a real Airflow API server with three people."""

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import pyvips
import uvicorn

from darkroom import keys
from darkroom.catalogue.build import build
from darkroom.jobs import dump
from darkroom.sample import layer_names, style_text
from darkroom.settings import settings
from darkroom.styles.names import parse_layer
from darkroom.styles.style import Style
from darkroom.styles.style_file import load_style
from tests.renders import pixels, png

HIT = "hit"
MARKUP = f'<img src=x onerror="{HIT}=1">'
"""What would run if it were ever markup: in lower case, as layers' names are, and without a slash, as files' are."""

PEOPLE = {"ana": "admin", "vera": "viewer", "otto": ""}
"""Who may do everything, who may look, and who has a login that may see no DAG; the password is the name."""

SAMPLE = load_style(style_text().encode(), "sample")

_DEEP = [f"x{number}" for number in range(12)]
DEEP = load_style(
    f"""
style: deep
colours: 1
lengths: {{knee: Knee}}
customizations: {_DEEP}
defaults: {{Knee: {{front: {{bottom: base_bottom_front}}, back: {{bottom: base_bottom_back}}}}}}
options: [any of: {_DEEP}]
""".encode(),
    "deep",
)
"""As many translucent layers over one another as no real stack has."""

# as a catalogue that somebody else wrote may be: a style file with such names is refused
HOSTILE = Style.model_validate(
    {
        "style": MARKUP,
        "name": MARKUP,
        "colours": 1,
        "lengths": {"k": MARKUP},
        "customizations": ["t1"],
        "defaults": {MARKUP: {"front": {"bottom": f"base_{MARKUP}_bottom_front"}, "back": {}}},
        "options": [{"any of": ["t1"]}],
    }
)
HOSTILE_LAYERS = (f"base_{MARKUP}_bottom_front", f"t1_{MARKUP}_neckline_front")


@dataclass
class Pages:
    """A server of Airflow's, with Darkroom's pages."""

    app: Any
    store: Path
    url: str = ""

    @property
    def room(self) -> str:
        """The address of the fitting room."""
        return f"{self.url}/darkroom/fitting-room/"

    def token(self, person: str) -> str:
        """The login of somebody, as the cookie has it."""
        from airflow.api_fastapi.app import get_auth_manager
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

        token: str = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=person, role=PEOPLE[person]))
        return token

    def path(self, style: Style, layer: str, colour: int = 0) -> Path:
        """Where a layer's proxy lies."""
        read = parse_layer(layer)
        assert read
        return self.store / keys.proxy(style.style, read.code, f"{layer}_{colour:04d}.png")

    def add(self, style: Style, layers: Iterable[str], colours: Sequence[int]) -> None:
        """Draw a style's proxies, and write its catalogue."""
        names = sorted(set(layers))
        for layer in names:
            for colour in colours:
                path = self.path(style, layer, colour)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(png(pixels(layer, colour, 800)))
        self.publish(style)

    def publish(self, style: Style) -> None:
        """Write the catalogue of the proxies that there are."""
        folder = self.store / keys.proxies(style.style)
        found = [path.relative_to(folder).as_posix() for path in folder.rglob("*.png")]
        (self.store / keys.catalogue(style.style)).write_bytes(dump(build(style, found, [(800, 800)])))

    def composite(self, style: Style, stack: Iterable[str], colour: int = 0) -> npt.NDArray[np.float64]:
        """The composite of a stack's proxies, premultiplied, in floating point."""
        canvas = np.zeros((800, 800, 4))
        for layer in stack:
            data = pyvips.Image.pngload(str(self.path(style, layer, colour))).numpy().astype(np.float64)
            alpha = data[..., 3:] / 255
            canvas = np.concatenate([data[..., :3] * alpha, data[..., 3:]], axis=2) + canvas * (1 - alpha)
        return canvas


@contextmanager
def pages_of(folder: Path, home: Path) -> Iterator[Pages]:
    """The server, with the sample style, a deep one and one of hostile names."""
    from airflow.api_fastapi.app import create_app, purge_cached_app
    from airflow.utils.db import initdb

    (home / "styles").mkdir(parents=True)
    (home / "styles/sample-dress.yaml").write_text(style_text())
    (home / "styles/deep.yaml").touch()
    (home / "passwords.json").write_text(json.dumps({name: name for name in PEOPLE}))
    with pytest.MonkeyPatch.context() as patch:
        people = ",".join(f"{name}:{role}" for name, role in PEOPLE.items())
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", people)
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(home / "passwords.json"))
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "of these tests alone, " * 3)
        patch.setenv("DARKROOM_STUDIO_STORE", str(folder))
        patch.setenv("DARKROOM_STYLES_DIR", str(home / "styles"))
        settings.cache_clear()
        initdb()
        purge_cached_app()
        made = Pages(create_app(apps="core"), folder)
        made.add(SAMPLE, layer_names(), range(2))
        made.add(DEEP, ["base_bottom_front", "base_bottom_back", *(f"{code}_infront_front" for code in _DEEP)], [0])
        made.add(HOSTILE, HOSTILE_LAYERS, [0])
        with _serving(made.app) as made.url:
            yield made
    purge_cached_app()
    settings.cache_clear()


@contextmanager
def _serving(app: Any) -> Iterator[str]:
    """A real server on loopback, in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        for _ in range(600):
            if server.started:
                break
            thread.join(0.05)
        assert server.started, "the API server did not start"
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
