"""The tables of `docs/published.md`, by what the sources published."""
