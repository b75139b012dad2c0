"""The HTTP engine, against servers that are processes of their own."""
