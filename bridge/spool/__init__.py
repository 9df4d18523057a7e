"""A second place to store: a local disk, for the time in which Kafka cannot take records."""
