"""The bell: RQ jobs that carry a partition number and nothing else."""
