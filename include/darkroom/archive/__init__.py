"""The flow `archive`: objects of one store mirrored in another, no version of any ever lost."""
