"""Runs one command and writes down what it took: `python -I -S launch.py REPORT WORD...`.

A process of its own with next to nothing in memory: the kernel counts a child's peak memory from its parent's on.
"""

import json
import os
import sys
import time


def main() -> None:
    """Run the words, and write seconds, peak memory in bytes and CPU seconds to the report as JSON."""
    began = time.perf_counter()
    child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - began
    peak = usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
    with open(sys.argv[1], "w", encoding="utf-8") as report:  # noqa: PTH123 -- pathlib would be in the child's memory
        json.dump({"seconds": seconds, "peak": peak, "cpu": usage.ru_utime + usage.ru_stime}, report)
    sys.exit(abs(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    main()
