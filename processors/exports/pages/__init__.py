"""The catalogue as static HTML: a page per event, made of the schemas and the samples alone."""
