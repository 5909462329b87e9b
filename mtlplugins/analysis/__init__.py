"""Tools to look at data, runs, models and task embeddings."""
