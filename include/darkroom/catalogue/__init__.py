"""The catalogue of a style: everything that a front end needs to draw any of its combinations (docs/catalogue.md)."""
