"""Tests of stage `stats`."""
