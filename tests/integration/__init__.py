"""The commands and the flows on real files and real servers."""
