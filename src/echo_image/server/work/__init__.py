"""Where work runs: threads with bounded queues, deadlines, and the search itself."""
