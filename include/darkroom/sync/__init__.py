"""The flow `sync`: a folder to a bucket, under rules (DESIGN 9)."""
