"""The pools that the DAGs use, as data: `make run` and compose's init create them."""

from typing import NamedTuple


class Pool(NamedTuple):
    """A pool as Airflow's API takes it."""

    name: str
    slots: int
    description: str


IMAGING = Pool(
    name="imaging",
    slots=2,
    description="Workers that make images at the same time. Each uses every core of its machine: "
    "a third one on the same machine only costs memory. On ECS, where each has its own, raise it.",
)

POOLS = (IMAGING,)
