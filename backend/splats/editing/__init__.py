"""Editing splats with numpy alone: which of them are meant, their colors, fewer of them, where they stand.

Selections are masks [N] bool. Everything takes at most a few tenths of a second for a million splats.
"""
