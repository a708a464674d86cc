"""The servers that the tests talk to."""
