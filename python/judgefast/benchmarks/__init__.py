"""Workloads run and measured: `judgefast bench`, its records, and what two of them say."""
