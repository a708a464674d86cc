"""`make stop`: end every process of the studio."""

import sys

from demo.layout import PROJECT, Layout
from demo.studio import Studio, StudioError
from demo.watch import console


def main() -> int:
    """Returns the exit code: 0 when nothing is left."""
    studio = Studio(Layout(PROJECT / "var"))
    try:
        with studio.locked(), console.status("stopping the studio ..."):
            studio.stop()
    except StudioError as error:
        console.print(str(error), markup=False, style="red")
        return 1
    left = studio.processes()
    if left:
        console.print("These would not end:", *left, sep="\n", markup=False, style="red")
        return 1
    console.print("The studio is stopped; its pictures and its database stay in var/.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
