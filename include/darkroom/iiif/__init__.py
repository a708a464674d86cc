"""Cuts of pyramid TIFFs over the IIIF Image API 3.0, level 2 (https://iiif.io/api/image/3.0/), read where they lie.

`request` is the grammar of its addresses, `geometry` what one of them means for an image, `plan` which tiles of which
level it takes: all without I/O. `pyramid` reads a TIFF's directories, `tiles` the tiles that are needed, `cutting`
makes the answer of them, and `info` says what may be asked.
"""
