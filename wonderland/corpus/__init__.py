"""Messages and where every one of them went: reading, filtering, splitting, windows."""
