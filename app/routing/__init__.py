"""Choice: webhooks, and which of them get an event and why."""
