"""Engines of every shape, written as third parties would: nothing but the protocol."""
