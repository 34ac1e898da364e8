"""A door: the console, the pages that people use. A page parses, calls one use case and renders."""
