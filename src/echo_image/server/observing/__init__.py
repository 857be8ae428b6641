"""What the service tells of itself: logs, metrics, the lag of its event loop, the sizes of its libraries."""
