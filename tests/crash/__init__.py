"""Runs that are killed: at every system call, and at random."""
