"""Models and tokenizers from elsewhere, checked before they are trusted."""
