"""Facts about judge models, GPUs and their prices, each with its source and its date."""
