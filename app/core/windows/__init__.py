"""Change windows: when a change is expected, when none may happen, and what that says about an event."""
