"""Images and locations: what is written is what is read, and what belongs together changes together."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from echo_image.catalogue import UNKNOWN, Catalogue, FileStamp, KnownLocation, SegmentRecord
from echo_image.errors import LibraryCorrupt
from tests.unit.catalogue.conftest import new_image, place


def test_an_image_and_its_locations(catalogue: Catalogue) -> None:
    new, attributes = new_image("a"), {"title": "Grüße", "n": [1, None]}
    key = catalogue.add_image(new, place(64))
    for location in ("/b.png", "/a.png"):
        assert catalogue.set_location(location, key, FileStamp(1000, 5)) is None
        assert catalogue.change_attributes(location, attributes)
        assert not catalogue.change_attributes(location, attributes)
    record = catalogue.records([key])[key]
    assert record.id == hashlib.sha256(b"a").hexdigest()
    assert (record.width, record.height, record.format, record.num_bytes) == (40, 30, "PNG", 1000)
    assert (record.quality, record.num_features) == (90, 7)
    assert record.locations == ("/a.png", "/b.png")
    assert record.attributes == {"title": "Grüße", "n": [1, None]}
    assert record.added_at.endswith("+00:00")
    assert catalogue.record_of_content(new.content_id) == record
    assert catalogue.key_of_content(new.content_id) == key
    assert catalogue.key_of_content(b"?") is None
    assert catalogue.record_of_content(b"?") is None
    assert catalogue.pixel_id(key) == new.pixel_id
    assert catalogue.pixel_id(99) is None
    assert catalogue.places([key]) == {key: place(64)}
    assert catalogue.keys_with_several_locations() == [key]
    assert catalogue.known_locations(["/a.png", "/c.png"]) == {
        "/a.png": KnownLocation(key, FileStamp(1000, 5))
    }


def test_a_location_moves_to_another_image(catalogue: Catalogue) -> None:
    first = catalogue.add_image(new_image("a"), place())
    second = catalogue.add_image(new_image("b"), place())
    catalogue.set_location("/x", first, UNKNOWN)
    assert catalogue.set_location("/x", second, FileStamp(3, 4)) == first
    assert catalogue.set_location("/x", second, FileStamp(3, 5)) == second
    assert catalogue.remove_unplaced([first, second, first]) == 1
    assert catalogue.all_keys() == [second]
    assert catalogue.records([first, second])[second].locations == ("/x",)
    assert catalogue.segments.removals() == [first]


def test_forgetting_a_location_and_removing_an_image(catalogue: Catalogue) -> None:
    keys = [catalogue.add_image(new_image(name), place()) for name in "abc"]
    for location, key in zip(("/a", "/a2", "/b", "/c"), (keys[0], *keys), strict=True):
        catalogue.set_location(location, key, UNKNOWN)
    assert catalogue.remove_location("/a") == keys[0]
    assert catalogue.remove_location("/a") is None
    assert catalogue.remove_unplaced([keys[0]]) == 0
    assert catalogue.remove_images([keys[0], keys[2], 99]) == 2
    assert catalogue.all_keys() == [keys[1]]
    assert catalogue.counts()["locations"] == 1
    assert catalogue.problems() == []


def test_keys_are_never_used_twice(catalogue: Catalogue) -> None:
    assert catalogue.was_never_used()
    key = catalogue.add_image(new_image("a"), place())
    catalogue.remove_images([key])
    assert not catalogue.was_never_used()
    assert catalogue.add_image(new_image("a"), place()) > key


def test_pages_and_keys(catalogue: Catalogue) -> None:
    keys = [catalogue.add_image(new_image(str(n)), place()) for n in range(7)]
    assert [record.key for record in catalogue.page(after=keys[1], limit=3)] == keys[2:5]
    assert catalogue.page(after=keys[-1], limit=3) == []
    assert len(catalogue.page(after=0, limit=2**80)) == 7
    assert catalogue.all_keys(after=keys[1], last=keys[4]) == keys[2:5]
    assert catalogue.all_keys(limit=2) == keys[:2]
    assert list(catalogue.records([keys[5], 99, keys[0]])) == [keys[0], keys[5]]
    assert catalogue.keys_of_quality(90) == keys
    assert catalogue.keys_of_quality(91) == []


def test_more_locations_than_one_statement_takes(catalogue: Catalogue) -> None:
    key = catalogue.add_image(new_image("a"), place())
    names = [f"/{number}" for number in range(2000)]
    with catalogue.transaction():
        for name in names[::2]:
            catalogue.set_location(name, key, UNKNOWN)
    assert catalogue.known_locations(names).keys() == set(names[::2])


def test_equal_pixels(catalogue: Catalogue) -> None:
    keys = [catalogue.add_image(new_image(name, pixels="same"), place()) for name in "abc"]
    other = catalogue.add_image(new_image("d"), place())
    assert catalogue.keys_of_pixels(hashlib.sha256(b"same").digest()) == keys
    assert catalogue.pixel_twins() == [(keys[0], keys[1]), (keys[0], keys[2])]
    assert other not in catalogue.keys_of_pixels(hashlib.sha256(b"same").digest())


def test_counts(catalogue: Catalogue) -> None:
    for name in "ab":
        key = catalogue.add_image(new_image(name), place())
        catalogue.set_location(name, key, UNKNOWN)
        catalogue.set_location(name * 2, key, UNKNOWN)
    assert catalogue.counts() == {
        "images": 2,
        "locations": 4,
        "original_bytes": 2000,
        "features_bytes": 600,
        "thumbnails_bytes": 80,
    }


def test_a_segment_takes_the_place_of_others(catalogue: Catalogue) -> None:
    keys = [catalogue.add_image(new_image(str(n)), place()) for n in range(6)]
    first, second = SegmentRecord("s1", 1, 3, 3), SegmentRecord("s2", 4, 6, 3)
    catalogue.segments.replace([], [second, first])
    catalogue.remove_images([keys[1], keys[4]])
    assert catalogue.segments.all() == [first, second]
    assert catalogue.segments.removals() == [keys[1], keys[4]]
    merged = SegmentRecord("s3", 1, 3, 2)
    catalogue.segments.replace([first], [merged], catalogue.segments.removals(first))
    assert catalogue.segments.all() == [merged, second]
    # The other segment still names its own.
    assert catalogue.segments.removals() == [keys[4]]
    catalogue.remove_images([keys[5]])
    catalogue.segments.replace([merged, second], [], [keys[4]])
    assert catalogue.segments.all() == []
    # What was removed while a merge was under way is not forgotten.
    assert catalogue.segments.removals() == [keys[5]]
    catalogue.segments.replace([], [], [keys[5]])
    assert catalogue.segments.removals() == []


# Damage


def flip(path: Path, needle: bytes, *, last: bool) -> None:
    """Change the first or the last place in the file where `needle` stands."""
    data = bytearray(path.read_bytes())
    at = data.rfind(needle) if last else data.find(needle)
    assert at > 0
    data[at] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize("last", [True, False], ids=["in one copy", "in the other"])
def test_a_row_and_its_index_that_disagree_are_told_and_put_right(path: Path, last: bool) -> None:
    catalogue = Catalogue(path, writable=True)
    new = new_image("a")
    catalogue.set_location("/a", catalogue.add_image(new, place()), UNKNOWN)
    catalogue.close()
    flip(path, new.pixel_id, last=last)
    catalogue = Catalogue(path, writable=True)
    (problem, *_) = catalogue.problems()
    assert problem.startswith("catalogue.sqlite: ")
    catalogue.repair()
    assert catalogue.problems() == []
    assert catalogue.counts()["images"] == 1
    catalogue.close()


def test_attributes_that_are_no_json_any_more_are_damage(path: Path) -> None:
    catalogue = Catalogue(path, writable=True)
    key = catalogue.add_image(new_image("a"), place())
    catalogue.set_location("/a.png", key, UNKNOWN)
    catalogue.change_attributes("/a.png", {"title": "x"})
    catalogue.close()
    flip(path, b'{"title": "x"}', last=False)
    catalogue = Catalogue(path, writable=False)
    with pytest.raises(LibraryCorrupt) as caught:
        catalogue.records([key])
    assert str(path) in caught.value.message
    catalogue.close()


def test_rows_that_belong_to_nothing_are_told_and_taken_out(path: Path) -> None:
    catalogue = Catalogue(path, writable=True)
    kept = catalogue.add_image(new_image("a"), place())
    catalogue.set_location("/a", kept, UNKNOWN)
    catalogue.add_image(new_image("b"), place())
    catalogue.close()
    raw = sqlite3.connect(path)
    raw.execute("INSERT INTO locations VALUES ('/nowhere', 99, -1, -1, '{}')")
    raw.commit()
    raw.close()
    catalogue = Catalogue(path, writable=True)
    assert catalogue.problems() == [
        "catalogue.sqlite: 1 images without a location",
        "catalogue.sqlite: 1 locations without an image",
    ]
    catalogue.repair()
    assert catalogue.problems() == []
    assert catalogue.all_keys() == [kept]
    assert catalogue.counts()["locations"] == 1
    catalogue.close()


def test_attributes_are_those_of_all_locations_whichever_came_first(catalogue: Catalogue) -> None:
    keys = [catalogue.add_image(new_image(name), place()) for name in "ab"]
    named = {"/1": {"a": 1, "b": 1}, "/2": {"b": 2, "c": 2}, "/3": {}}
    for key, order in zip(keys, ("123", "321"), strict=True):
        for number in order:
            location = f"/{number}"
            catalogue.set_location(f"{key}{location}", key, UNKNOWN)
            catalogue.change_attributes(f"{key}{location}", named[location])
    assert [catalogue.records([key])[key].attributes for key in keys] == [{"a": 1, "b": 1, "c": 2}] * 2
    catalogue.remove_location(f"{keys[0]}/1")
    assert catalogue.records(keys)[keys[0]].attributes == {"b": 2, "c": 2}
    catalogue.set_location(f"{keys[1]}/2", keys[0], UNKNOWN)
    assert catalogue.records(keys)[keys[0]].attributes == {"b": 2, "c": 2}
    assert catalogue.records(keys)[keys[1]].attributes == {"a": 1, "b": 1}


def test_every_change_of_images_is_noted_and_nothing_else(catalogue: Catalogue) -> None:
    noted = [catalogue.get_meta("changes")]

    def changed() -> bool:
        noted.append(catalogue.get_meta("changes"))
        return noted[-1] != noted[-2]

    key = catalogue.add_image(new_image("a"), place())
    assert changed()
    catalogue.set_location("/a", key, UNKNOWN)
    assert changed()
    catalogue.remove_location("/b")
    assert not changed()
    catalogue.remove_location("/a")
    assert changed()
    catalogue.remove_unplaced([key])
    assert changed()
    catalogue.segments.replace([], [SegmentRecord("s", 1, 1, 1)])
    assert changed()
