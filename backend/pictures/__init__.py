"""Single pictures: what their subject is, cut out of its background, and what its outline looks like."""
