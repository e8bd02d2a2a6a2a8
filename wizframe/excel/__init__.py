"""Write frames to workbooks and CSV files, and read them back."""
