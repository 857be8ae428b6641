"""The border to Pillow: foreign errors and warnings end here."""

from __future__ import annotations

import struct
import threading
import warnings
import zlib

import pytest

from echo_image.errors import CorruptImage, EchoImageError, LimitExceeded, UnsupportedFormat
from echo_image.image.opening import open_image, translate_errors


@pytest.mark.parametrize(
    "error",
    [
        OSError("x"),
        SyntaxError("x"),
        ValueError("x"),
        struct.error("x"),
        zlib.error("x"),
        OverflowError("x"),
        IndexError("x"),
        KeyError("x"),
        TypeError("x"),
        RuntimeError("x"),
        ZeroDivisionError("x"),
        AssertionError(),
        EOFError(),
    ],
)
def test_any_error_becomes_one_of_ours(error: Exception) -> None:
    with pytest.raises(CorruptImage, match="PNG") as caught, translate_errors("PNG"):
        raise error
    assert caught.value.__cause__ is error


def test_errors_that_mean_something_else() -> None:
    with pytest.raises(LimitExceeded, match="memory"), translate_errors("PNG"):
        raise MemoryError
    with pytest.raises(UnsupportedFormat, match="pixel mode"), translate_errors("TIFF"):
        raise SyntaxError("unknown pixel mode")
    with pytest.raises(UnsupportedFormat, match="LERC"), translate_errors("TIFF", "LERC compression"):
        raise OSError("decoder error -2")
    from PIL.Image import DecompressionBombError

    with pytest.raises(LimitExceeded), translate_errors("TIFF"):
        raise DecompressionBombError("too many")


def test_our_own_errors_and_interrupts_pass() -> None:
    ours = CorruptImage("ours")
    with pytest.raises(CorruptImage) as caught, translate_errors("PNG"):
        raise ours
    assert caught.value is ours
    with pytest.raises(KeyboardInterrupt), translate_errors("PNG"):
        raise KeyboardInterrupt


def test_a_message_is_one_printable_line_without_addresses() -> None:
    with pytest.raises(EchoImageError) as caught, translate_errors("GIF"):
        raise OSError("cannot read <_io.BytesIO object at 0x7f00>\n\x1b[2J" + "long " * 200)
    assert "0x7f00" not in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300


def test_no_other_format_is_tried() -> None:
    with pytest.raises(CorruptImage), translate_errors("PNG"):
        open_image(b"GIF89a\1\0\1\0\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0\x3b", "PNG")


def warn_as_pillow() -> None:
    exec("import warnings; warnings.warn('odd')", {"__name__": "PIL.Test"})


def test_warnings_of_pillow_are_silent_inside_and_not_outside() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        before = list(warnings.filters)
        with translate_errors("PNG"):
            warn_as_pillow()
            with translate_errors("PNG"):
                warn_as_pillow()
            warn_as_pillow()
        assert seen == []
        assert list(warnings.filters) == before
        warn_as_pillow()
        assert len(seen) == 1


def test_warnings_of_others_are_heard_inside() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with translate_errors("PNG"):
            warnings.warn("mine", stacklevel=1)
        assert len(seen) == 1


def test_threads_that_overlap_leave_the_filters_as_they_were() -> None:
    before = list(warnings.filters)
    inside, leave = threading.Barrier(3), [threading.Event(), threading.Event()]

    def work(number: int) -> None:
        with translate_errors("PNG"):
            inside.wait()
            leave[number].wait()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    inside.wait()
    for number, thread in enumerate(threads):  # the first to enter may be the first to leave, or not
        leave[number].set()
        thread.join()
    assert list(warnings.filters) == before
