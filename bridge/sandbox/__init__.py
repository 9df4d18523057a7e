"""What a newcomer lacks: engines to run on, and a Canvas to hear from."""
