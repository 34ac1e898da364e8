"""In: bound and parse a body, normalise and mask its events, accept them in one transaction."""
