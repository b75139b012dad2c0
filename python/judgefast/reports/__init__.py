"""Stage `reports` of judgefast."""
