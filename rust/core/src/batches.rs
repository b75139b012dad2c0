//! Stage 3: what is asked once of an engine, in an order in which shared prefixes stay cached.
