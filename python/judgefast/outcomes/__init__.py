"""Stage `outcomes` of judgefast."""
