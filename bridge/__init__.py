"""canvas-bridge: moves Canvas LMS Live Events from SQS or HTTPS into Kafka, byte for byte."""
