"""Live pages: who is told when something changed, and how it is noticed."""
