"""Stage `stats` of judgefast."""
