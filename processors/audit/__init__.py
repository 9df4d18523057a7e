"""Whether the sum is right: what went in, and what came out; and the journey of one event."""
