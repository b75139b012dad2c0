"""What a run costs: arithmetic over a workload, a model, accelerators and their prices."""
