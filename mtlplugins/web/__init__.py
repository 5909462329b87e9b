"""Pages for a browser: one that asks a server, and one that computes in the browser itself."""
