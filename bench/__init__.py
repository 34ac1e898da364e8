"""How many deliveries per second: this stack beside two naive ones, on this machine, in one run."""
