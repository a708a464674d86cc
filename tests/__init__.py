"""Every test; each folder below is a package, so that what a fixture makes for its package ends with it."""
