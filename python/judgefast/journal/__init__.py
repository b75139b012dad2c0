"""Stage `journal` of judgefast."""
