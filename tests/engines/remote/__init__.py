"""Tests of what engines of servers share."""
