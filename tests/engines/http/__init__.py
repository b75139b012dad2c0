"""The HTTP engine against servers of every kind, most of them at fault."""
