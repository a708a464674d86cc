"""Where images come from, and what says that one of them changed."""
