"""What a developer's commands need and the extension doesn't: the zip, the docs' tables and pictures."""
