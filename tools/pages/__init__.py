"""The pages of docs/ that the code itself writes: `make docs`. The tests fail where one says something else."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

sys.path.append(str(ROOT / "plugins"))  # where Airflow, too, finds its side of things
