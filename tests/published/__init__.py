"""Tests of judgefast."""
