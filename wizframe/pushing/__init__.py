"""Plans, and the code that carries them out: push, resume, undo, the journal."""
