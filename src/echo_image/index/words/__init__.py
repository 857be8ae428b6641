"""The inverted index of visual words: `vocabulary`, `postings`, `search`, and the compiled `kernels`."""
