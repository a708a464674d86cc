"""The library alone; no test here opens a socket."""
