"""Load customers and contacts into validated DataFrames."""
