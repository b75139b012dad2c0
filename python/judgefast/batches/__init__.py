"""Stage `batches` of judgefast."""
