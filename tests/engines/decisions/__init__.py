"""Decision servers: their dialects without a server, and the engine against servers."""
