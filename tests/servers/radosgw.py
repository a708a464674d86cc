"""A real S3: radosgw over a Ceph of one monitor and one OSD, authenticated, on disk.

What it saves against a cluster in production: no manager (nobody reads statistics), one copy of each object, one shard
of each of radosgw's own logs, timers that suit loopback, and what would take the cores from its clients.
"""

import secrets
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.processes import Processes, answers, free_ports
from tests.servers.s3 import S3Server

BINARIES = ("ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")
OSD_PORTS = 40  # it binds four; others may take ports of the range meanwhile

_QUIET = (
    *("asok", "auth", "bdev", "bluefs", "bluestore", "client", "mon", "monc", "ms", "objclass"),
    *("objecter", "osd", "paxos", "rados", "rgw", "rocksdb"),
)

_CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon}]
mon initial members = a
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
keyring = {folder}/keyring
run dir = {folder}
admin socket =
log file =
log to stderr = false
err to stderr = true
{quiet}
ms bind ipv6 = false
ms bind msgr1 = false
ms bind port min = {osd_first}
ms bind port max = {osd_last}
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8

mon data = {folder}/mon
mon data avail warn = 0
mon data avail crit = 0
mon allow pool size one = true
# one monitor needs nobody's agreement, so no change waits for others to go with
paxos propose interval = 0.02
paxos min wait = 0.01

osd data = {folder}/osd
osd objectstore = bluestore
osd memory target = 1073741824
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
# sparse: takes what the objects take
bluestore block size = 21474836480
bluestore fsck on mkfs = false
bluestore fsck on mount = false
# each of the ten times that a start opens the device waits for this once
bdev aio poll ms = 10

# what guards a cluster's messages and disks, and who looks into its operations, would take cores from the clients
cephx sign messages = false
ms crc data = false
ms crc header = false
bluestore csum type = none
osd enable op tracker = false
throttler perf counter = false
# as many threads as two cores can use
ms async op threads = 1
osd op num shards = 2
osd op num threads per shard = 1

[client.rgw.a]
rgw data = {folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:{rgw} tcp_nodelay=1
rgw dns name =
rgw thread pool size = 16
rgw md log max shards = 1
rgw data log num shards = 1
rgw gc max objs = 1
rgw lc max objs = 1
rgw reshard num logs = 1
rgw num control oids = 1
rgw usage max shards = 1
rgw objexp hints num shards = 1
"""

_CAPABILITIES = {
    "mon.": {"mon": "allow *"},
    "client.admin": {"mon": "allow *", "osd": "allow *"},
    "osd.0": {"mon": "allow profile osd", "osd": "allow *"},
    "client.rgw.a": {"mon": "allow rw", "osd": "allow rwx"},
}


def available() -> bool:
    """Whether Ceph's programs are installed."""
    return all(shutil.which(binary) for binary in BINARIES)


@contextmanager
def radosgw(folder: Path) -> Iterator[S3Server]:
    """A fresh, empty S3 with its data and logs in `folder`, which must be on a disk and have a short, plain path."""
    folder = folder.resolve()
    for name in ("mon", "osd", "rgw"):
        (folder / name).mkdir(parents=True)
    first = free_ports(2 + OSD_PORTS)
    server = S3Server(f"http://127.0.0.1:{first + 1}", secrets.token_hex(10).upper(), secrets.token_hex(20))
    fsid = str(uuid.uuid4())
    (folder / "ceph.conf").write_text(
        _CONFIGURATION.format(
            folder=folder,
            fsid=fsid,
            mon=first,
            rgw=first + 1,
            osd_first=first + 2,
            osd_last=first + 1 + OSD_PORTS,
            quiet="\n".join(f"debug {name} = 0/0" for name in _QUIET),
        )
    )
    (folder / "keyring").write_text(_keyring())
    with Processes(folder / "log") as processes:
        _start_storage(processes, folder, fsid, f"[v2:127.0.0.1:{first}]")
        _start_gateway(processes, folder, server)
        yield server


def _keyring() -> str:
    lines = []
    for entity, capabilities in _CAPABILITIES.items():
        key = subprocess.check_output(["ceph-authtool", "--gen-print-key"], text=True).strip()
        lines += [f"[{entity}]", f"key = {key}", *(f'caps {of} = "{what}"' for of, what in capabilities.items())]
    return "\n".join(lines) + "\n"


def _start_storage(processes: Processes, folder: Path, fsid: str, monitor: str) -> None:
    configuration = ["-c", str(folder / "ceph.conf")]
    monmap = str(folder / "monmap")
    processes.run("monmap", ["monmaptool", "--create", "--addv", "a", monitor, "--fsid", fsid, monmap])
    keyring = str(folder / "keyring")
    processes.run(
        "mon-mkfs", ["ceph-mon", *configuration, "-i", "a", "--mkfs", "--monmap", monmap, "--keyring", keyring]
    )
    processes.start("mon", ["ceph-mon", *configuration, "-i", "a", "-f"])
    processes.run("osd-create", ["ceph", *configuration, "osd", "create"])  # waits for the monitor
    processes.run("osd-mkfs", ["ceph-osd", *configuration, "-i", "0", "--mkfs"])
    processes.start("osd", ["ceph-osd", *configuration, "-i", "0", "-f"])


def _start_gateway(processes: Processes, folder: Path, server: S3Server) -> None:
    configuration = ["-c", str(folder / "ceph.conf")]
    keys = [f"--access-key={server.access_key}", f"--secret={server.secret_key}"]
    user = ["user", "create", "--uid=test", "--display-name=test", *keys]
    # Creates radosgw's own pools too, and so waits for the OSD: it looks five times a second, not every five seconds
    processes.run("user", ["radosgw-admin", *configuration, "--objecter-tick-interval=0.2", *user])
    processes.start("radosgw", ["radosgw", *configuration, "-n", "client.rgw.a", "-f"])
    processes.wait_until(lambda: answers(server.endpoint), "radosgw")
