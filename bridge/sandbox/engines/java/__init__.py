"""Apache Kafka, Apicurio Registry and ElasticMQ as processes of this machine, without anything to install."""
