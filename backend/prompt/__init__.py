"""Sentences: entities with their attributes, counts and relations, and the things that their nouns name.

`sentence.parse` reads a sentence into a `Parse`; `lexicon` holds WordNet's nouns of physical things, `meaning` finds
near ones by sentence embeddings where their weights are.
"""
