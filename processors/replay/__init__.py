"""Typing deliveries again that are in Kafka already: dead letters once mended, and spans of the raw topic."""
