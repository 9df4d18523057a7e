"""The stages after the raw topic: validate, canonicalise, fan out, roll up."""
