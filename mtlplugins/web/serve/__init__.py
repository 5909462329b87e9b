"""Server: a page on which people try a trained model, and its HTTP API."""
