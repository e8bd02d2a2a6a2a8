"""Plans and what carries them out: push, resume, undo, the journal."""
