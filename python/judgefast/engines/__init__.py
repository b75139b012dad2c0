"""Stage `engines` of judgefast."""
