"""Stage `verdicts` of judgefast."""
