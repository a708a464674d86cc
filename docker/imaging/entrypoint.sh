#!/bin/sh
# Numba takes compiled kernels only from a folder that it can write, and all but /tmp may be read-only here.
set -eu
export HOME=/tmp NUMBA_CACHE_DIR=/tmp/darkroom-kernels
[ -d "$NUMBA_CACHE_DIR" ] || cp -r /opt/darkroom/kernels "$NUMBA_CACHE_DIR"
exec darkroom "$@"
