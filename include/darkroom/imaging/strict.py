"""Strict decoding: what decoders warn of refuses a file, but for what is harmless."""

import logging
import threading

HARMLESS = {
    ("JPEG", "Invalid SOS parameters for sequential JPEG"): "Samsung's cameras; put right before it is decoded",
    ("JPEG", "extraneous bytes before marker"): "between the segments of a header; skipped before it is decoded",
    ("JPEG", "unknown JFIF revision number"): "old scanners; says nothing of the pixels",
    ("JPEG", "Unknown Adobe color transform code"): "read as libjpeg does, as YCbCr or YCCK",
    ("JPEG", "anything after the end mark"): "several pictures in one file, cameras' trailers",
    (
        "TIFF",
        "Unknown field with tag",
    ): "scanners', Photoshop's and GIS programs' own fields; libtiff is not shown them",
    ("TIFF", "Incompatible type for RichTIFFIPTC"): "Photoshop's old versions; libtiff is not shown it",
    ("TIFF", "LZWDecode: Strip not terminated with EOI code"): "old encoders; what is missing is an error besides",
    ("TIFF", "Old-style LZW codes, convert file"): "programs from before 1992; read as they meant it",
    ("PNG", "iCCP: known incorrect sRGB profile"): "Photoshop of 2000 and its descendants; libpng only logs it",
    ("any", "an ICC profile that cannot be used"): "taken for none",
}
"""By decoder and message: whose files need it, and what becomes of it. All others refuse."""


class _Listener(logging.Handler):
    """Keeps what libvips logs in a thread that listens: what a decoder says at its end, when it can fail no more."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        heard = getattr(self._said, "heard", None)
        if heard is not None:
            heard.append(record.getMessage().removeprefix("VIPS: "))

    def begin(self) -> list[str]:
        heard: list[str] = []
        self._said.heard = heard
        return heard


_listener = _Listener()
_log = logging.getLogger("pyvips")
_log.addHandler(_listener)


def listen() -> list[str]:
    """What libvips warns of in this thread from now on, until the next call: filled as it comes."""
    _log.disabled = False  # whoever wants less noise says so of the root's handlers, or of `propagate`
    if not _log.isEnabledFor(logging.WARNING):
        _log.setLevel(logging.WARNING)
    return _listener.begin()
