"""Stage `datasets` of judgefast."""
