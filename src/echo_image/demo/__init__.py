"""A small collection to try things with, made from what is already installed: no download.

The photographs come with scikit-image, a dependency of this package (`originals` names author and
licence of each), some posters are drawn (`drawn`), and copies of both are made by ordinary edits
(`edits`). `build` writes them as files: the same files for the same versions of the packages.
"""

from echo_image.demo.folder import DemoFolder, DemoQuery, build

__all__ = ["DemoFolder", "DemoQuery", "build"]
