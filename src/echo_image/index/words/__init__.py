"""The inverted index of visual words: `vocabulary`, `signatures`, `postings`, `search`, compiled loops."""
