"""What a page has drawn."""

import base64

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Locator

_READ = """canvas => {
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let text = "";
    for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode(...data.subarray(at, at + 32768));
    return [canvas.width, canvas.height, btoa(text)];
}"""


def canvas_of(canvas: Locator) -> npt.NDArray[np.float64]:
    """A canvas's pixels, straight RGBA of 0 to 255: height x width x 4."""
    width, height, text = canvas.evaluate(_READ)
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4).astype(np.float64)
