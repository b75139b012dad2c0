"""Servers that are started for others: plans, recipes, processes."""
