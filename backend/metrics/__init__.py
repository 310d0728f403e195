"""Measures of how good a result is, in their usual definitions."""
