"""What a notebook shows: pickers, the editor, the review, the overview, the magics."""
