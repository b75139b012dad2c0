"""Tests of what the benches reckon with."""
