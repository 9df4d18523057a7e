"""The drift radar: what Canvas sends that our schemas do not say, counted, shown, and made into schemas."""
