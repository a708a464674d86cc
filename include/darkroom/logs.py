"""Whose log lines are kept out: libraries tell at length what our own sentences say once."""

import logging

WARNING = "warning: "
"""What a worker's line begins with that tells of items that failed: a task's log gives it that level."""

_QUIET = {
    "tifffile": logging.CRITICAL,  # as above
    "PIL": logging.ERROR,
    "botocore": logging.WARNING,  # where it found which credentials, a line for each client
    "boto3": logging.WARNING,
    "s3transfer": logging.WARNING,
    "urllib3": logging.ERROR,  # requests that are repeated are counted in the report
    "google": logging.WARNING,
    "numba": logging.WARNING,
}


def quiet_libraries() -> None:
    """Let each say only what nobody else says."""
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)
    # a decoder's warnings are in the reason of an outcome: `pyramids.strict` listens, and has to hear them
    pyvips = logging.getLogger("pyvips")
    pyvips.addHandler(logging.NullHandler())
    pyvips.propagate = False
