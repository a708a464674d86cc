"""The flow `ingest`: what a studio delivers becomes raw renders, proxies and a catalogue (docs/ingest.md)."""
