"""Stage `prompts` of judgefast."""
