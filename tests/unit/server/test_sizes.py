"""How large the libraries are: asked seldom, and never told wrongly to who has just changed one."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any, cast

from echo_image import Library
from echo_image.server.observing.sizes import Sizes


class Shelf:
    """Stands for a library: holds a number of images, and is slow to say so where it is told to be."""

    def __init__(self) -> None:
        self.images = 6
        self.asked = 0
        self.begun = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def info(self) -> Any:
        self.asked += 1
        images = self.images
        self.begun.set()
        assert self.may_answer.wait(60)
        return SimpleNamespace(images=images)


def sizes_of(shelf: Shelf, now: list[float]) -> Sizes:
    return Sizes({"shelf": cast(Library, shelf)}, clock=lambda: now[0])


async def images_in(sizes: Sizes) -> int:
    return (await sizes.current())["shelf"].images


def test_a_count_under_way_when_something_changes_is_not_told_to_who_asks_after_it() -> None:
    shelf, now = Shelf(), [0.0]

    async def test() -> None:
        sizes = sizes_of(shelf, now)
        shelf.may_answer.clear()
        early = asyncio.create_task(images_in(sizes))
        await asyncio.to_thread(shelf.begun.wait, 60)
        shelf.images = 18
        sizes.changed()
        late = asyncio.create_task(images_in(sizes))
        await asyncio.sleep(0)
        shelf.may_answer.set()
        assert await late == 18
        assert await early in {6, 18}

    asyncio.run(test())


def test_what_nobody_changed_is_not_counted_again_at_once() -> None:
    shelf, now = Shelf(), [0.0]

    async def test() -> None:
        sizes = sizes_of(shelf, now)
        assert await images_in(sizes) == 6
        sizes._took_s = 1.0
        now[0] = 10.0
        assert await images_in(sizes) == 6
        assert shelf.asked == 1
        sizes.changed()
        shelf.images = 7
        assert await images_in(sizes) == 7
        sizes._took_s = 1.0
        now[0] = 10.5
        sizes.changed()
        assert await images_in(sizes) == 7
        assert shelf.asked == 2, "half of the time at most goes into counting"
        now[0] = 11.5
        assert await images_in(sizes) == 7
        assert shelf.asked == 3

    asyncio.run(test())
