"""The sizes of machine that a job may ask for, and what a worker on one of them is told."""

from dataclasses import dataclass

_GIB = 1024**3
_OWN_SHARE = 0.75  # of the memory, for `DARKROOM_MEMORY`; the rest is for the files that the kernel keeps


@dataclass(frozen=True, slots=True)
class Machine:
    """A size of machine: `cpus`, and `memory` in bytes. Each is a size that AWS Fargate has.

    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html)
    """

    name: str
    cpus: int
    memory: int

    @property
    def worker_settings(self) -> dict[str, str]:
        """The environment variables by which a worker uses the whole machine and no more."""
        return {"DARKROOM_WORKERS": str(self.cpus), "DARKROOM_MEMORY": str(int(self.memory * _OWN_SHARE))}

    def at_most(self, cpus: int, memory: int) -> "Machine":
        """This size on a host that has only so much: the job takes longer there, and its layers go to a file."""
        return Machine(self.name, min(self.cpus, cpus), min(self.memory, memory))


MACHINES = {
    machine.name: machine
    for machine in (
        Machine("small", cpus=2, memory=4 * _GIB),
        Machine("large", cpus=8, memory=16 * _GIB),
        Machine("xlarge", cpus=16, memory=64 * _GIB),
    )
}
