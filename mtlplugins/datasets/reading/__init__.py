"""Reading files that may be damaged, and listing folders."""
