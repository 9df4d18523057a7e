"""A schema registry in memory that speaks Confluent's REST API, for Avro."""
