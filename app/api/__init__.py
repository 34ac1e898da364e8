"""Doors: the HTTP API. Views parse, call one use case and render; rules live further down the road."""
