"""What is sent back beside JSON: previews and originals, with tags for caches."""
