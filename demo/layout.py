"""Where the demo studio keeps its things: all below one folder, `var/`."""

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def near(path: Path) -> str:
    """A path as one writes it here."""
    here = Path.cwd()
    return os.path.relpath(path, here) if path.absolute().is_relative_to(here) else str(path)


@dataclass(frozen=True)
class Layout:
    """A studio's folders and files."""

    root: Path
    styles: Path = PROJECT / "include" / "styles"
    dags: Path = PROJECT / "dags"
    plugins: Path = PROJECT / "plugins"

    @property
    def bucket(self) -> Path:
        """The folder that stands for the studio's bucket."""
        return self.root / "buckets" / "studio"

    @property
    def images(self) -> Path:
        """The folder that stands for the bucket of the pyramids."""
        return self.root / "buckets" / "images"

    @property
    def deliveries(self) -> Path:
        """The folder that stands for the place where renders are delivered."""
        return self.root / "deliveries"

    @property
    def scans(self) -> Path:
        """The folder that stands for the bucket of the scans."""
        return self.root / "buckets" / "scans"

    @property
    def cloud(self) -> Path:
        """The folder that stands for the bucket in Google Cloud Storage of which the archive keeps a copy."""
        return self.root / "buckets" / "cloud"

    @property
    def mirror(self) -> Path:
        """The folder that stands for the bucket in S3 in which the copies lie."""
        return self.root / "buckets" / "mirror"

    @property
    def versions(self) -> Path:
        """The folder that stands for the bucket in S3 in which every version lies."""
        return self.root / "buckets" / "versions"

    @property
    def pairs(self) -> Path:
        """The folder of the pairs to archive."""
        return self.root / "pairs"

    @property
    def shops(self) -> Path:
        """The folder that stands for the one of a machine in the studio, with the pictures of shops."""
        return self.root / "shops"

    @property
    def shop(self) -> Path:
        """The folder that stands for the bucket in S3 that these go to."""
        return self.root / "buckets" / "shop"

    @property
    def profiles(self) -> Path:
        """The folder of the profiles to sync."""
        return self.root / "profiles"

    @property
    def hashes(self) -> Path:
        """The sync's cache of hashes."""
        return self.root / "hashes"

    @property
    def settings(self) -> Path:
        """The `DARKROOM_*` with which Airflow was started last."""
        return self.root / "settings.json"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.root / "airflow"

    @property
    def database(self) -> Path:
        """PostgreSQL's data."""
        return self.root / "postgres"

    @property
    def logs(self) -> Path:
        """What the processes say, a file each."""
        return self.root / "log"

    @property
    def run(self) -> Path:
        """Which processes run."""
        return self.root / "run"

    @property
    def credentials(self) -> Path:
        """The studio's secrets."""
        return self.root / "credentials.json"

    @property
    def passwords(self) -> Path:
        """The same password in the form that Airflow's simple auth manager reads."""
        return self.airflow / "passwords.json"

    @property
    def port(self) -> Path:
        """The UI's port, kept so that its address stays the same."""
        return self.root / "port"

    def make(self) -> None:
        """Create the folders. The bucket comes to be with its first object."""
        for folder in (self.root, self.airflow, self.logs, self.run):
            folder.mkdir(parents=True, exist_ok=True)
