"""Measurements of Echo-Image on a folder of real images: `python -m benchmarks.NAME --data FOLDER`."""
