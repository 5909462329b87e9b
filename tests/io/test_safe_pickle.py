"""Plain data survive a round trip; anything else is refused."""

from __future__ import annotations

import os
import pickle
import pickletools
import tracemalloc
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from torch import _weights_only_unpickler

from mtlplugins.io.safe_pickle import read_pickle

ARRAY = np.arange(6, dtype=np.uint8).reshape(2, 3)
#: What Python 2 wrote: ``{'data': array([[0, 1], [2, 3]], dtype=uint8), 'labels': [7, 8]}``.
PYTHON2 = (
    b"\x80\x02}(U\x04dataq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00"
    b"\x85U\x01b\x87Rq\x04(K\x01K\x02K\x02\x86cnumpy\ndtype\nq\x05U\x02u1K\x00K\x01\x87Rq\x06(K\x03"
    b"U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x04\x00\x01\x02\x03tbU\x06labelsq\x07"
    b"]q\x08(K\x07K\x08eu."
)


def write(folder: Path, content: bytes) -> Path:
    path = folder / "data_batch_1"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_may_be_in_it(protocol: int, tmp_path) -> None:
    content = {
        b"data": ARRAY,
        "turned": np.asfortranarray(ARRAY),
        "wide": ARRAY.astype(">i4"),
        "none": np.zeros((0, 3), np.uint8),
        "labels": [1, 2, 3],
        "nested": [("a", b"\xff", 2.5), None, {"x": [ARRAY]}],
    }
    found = read_pickle(write(tmp_path, pickle.dumps(content, protocol)))
    assert list(found) == list(content)
    for key in (b"data", "turned", "wide", "none"):
        np.testing.assert_array_equal(found[key], content[key])
        assert type(found[key]) is np.ndarray
        assert found[key].flags.owndata
        assert found[key].flags.writeable
    assert found["labels"] == content["labels"]
    assert found["nested"][:2] == content["nested"][:2]
    np.testing.assert_array_equal(found["nested"][2]["x"][0], ARRAY)


def test_a_file_of_python_2(tmp_path) -> None:
    found = read_pickle(write(tmp_path, PYTHON2))
    assert found[b"data"].tolist() == [[0, 1], [2, 3]]
    assert found[b"data"].dtype == np.uint8
    assert found[b"labels"] == [7, 8]


class Calls:
    """Pickles as a call."""

    def __init__(self, function, *arguments) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def opcodes(*lines: bytes) -> bytes:
    return b"\x80\x02" + b"".join(lines) + b"."


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
EMPTY_ARRAY = RECONSTRUCT + b"(cnumpy\nndarray\nK\x00\x85U\x01btR"
HOSTILE = {
    "system": pickle.dumps(Calls(os.system, "touch RAN")),
    "eval": pickle.dumps({b"data": [Calls(eval, "open('RAN', 'w')")]}),
    "getattr": opcodes(b"c__builtin__\ngetattr\n(cos\nsystem\nU\x08__call__tR"),
    "a class": opcodes(b"cbuiltins\nobject\n(tR"),
    "an instance": opcodes(b"(U\x09touch RANios\nsystem\n"),
    "a name alone": opcodes(b"cnumpy\nndarray\n"),
    "an attribute of a name": opcodes(b"cnumpy\nndarray.tofile\n"),
    "objects": pickle.dumps(np.array([{}, []], dtype=object)),
    "records": pickle.dumps(np.zeros(2, dtype=[("a", "u1")])),
    # bytes that would be taken for the addresses of objects
    "forged objects": opcodes(
        EMPTY_ARRAY, b"(K\x01K\x01\x85cnumpy\ndtype\n(U\x02O8K\x00K\x01tR\x89U\x08AAAAAAAAtb"
    ),
    "a type turned into one of objects": opcodes(
        EMPTY_ARRAY,
        b"(K\x01K\x01\x85cnumpy\ndtype\n(U\x02u8K\x00K\x01tR(K\x03U\x01|(U\x01OK\x01tNNK\x08K\x08K\x3ftb",
        b"\x89U\x08AAAAAAAAtb",
    ),
    "more than there is": opcodes(
        EMPTY_ARRAY, b"(K\x01J\x00\x00\x00\x40\x85cnumpy\ndtype\n(U\x02u1K\x00K\x01tR\x89U\x01Atb"
    ),
    "a shape below 0": opcodes(
        EMPTY_ARRAY,
        b"(K\x01J\xff\xff\xff\xffJ\xff\xff\xff\xff\x86cnumpy\ndtype\n(U\x02u1K\x00K\x01tR\x89U\x01Atb",
    ),
    "a changed function": opcodes(RECONSTRUCT, b"}U\x01aK\x01sb"),
    "a changed list": opcodes(b"]}U\x01aK\x01sb"),
    "a stand-in": opcodes(b"cmtlplugins.io.safe_pickle\n_Array\n(tR"),
    "code to compile": opcodes(b"c_codecs\ndecode\n(U\x01aU\x05rot13tR"),
    "another encoding": opcodes(b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00rot13tR"),
    "a list in itself": opcodes(b"]q\x00h\x00a"),
    "a dict in itself": opcodes(b"}q\x00K\x01h\x00s"),
    "a number for an object that takes gigabytes": opcodes(b"Nr\xff\xff\xff\x0f"),
    "a number for an object in digits": opcodes(b"Np999999999\n"),
    "nested deeper than Python goes": opcodes(b"]" * 200_000 + b"a" * 199_999),
    "text": b"hello",
    "nothing": b"",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_anything_else_is_refused(content: bytes, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, content)
    with pytest.raises(ValueError, match=rf"{path} is not read: .* take it from its publisher"):
        read_pickle(path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_hostile_files_are_not_merely_broken() -> None:
    """Those that Python's own reader takes apart are whole to the last opcode."""
    for name in HOSTILE.keys() - {"text", "nothing"}:
        assert [op.name for op, _, _ in pickletools.genops(HOSTILE[name])][-1] == "STOP", name


def test_an_object_that_is_there_many_times_is_read_once(tmp_path) -> None:
    """Of 384 bytes that say: a list of two lists of two lists ..., 40 deep."""
    laughs = [ARRAY]
    for _ in range(40):
        laughs = [laughs, laughs]
    found = read_pickle(write(tmp_path, pickle.dumps({b"data": laughs, b"labels": []}, 2)))
    assert found[b"labels"] == []
    node = found[b"data"]
    for _ in range(40):
        assert node[0] is node[1]
        node = node[0]
    np.testing.assert_array_equal(node[0], ARRAY)


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x05\x96" + (4 << 30).to_bytes(8, "little") + b".",  # BYTEARRAY8
        b"\x80\x04\x8e" + (5 << 30).to_bytes(8, "little") + b".",  # BINBYTES8
        b"\x80\x04\x8d" + (1 << 62).to_bytes(8, "little") + b".",  # BINUNICODE8
        b"\x80\x04\x95" + (1 << 62).to_bytes(8, "little") + b"N.",  # FRAME
        b"\x80\x02B" + (3 << 30).to_bytes(4, "little") + b".",  # BINBYTES
        b"\x80\x02T" + (2**31 - 1).to_bytes(4, "little") + b".",  # BINSTRING
        b"\x80\x02\x8b" + (2**31 - 1).to_bytes(4, "little") + b".",  # LONG4
        b"\x80\x02Nr" + (2**32 - 1).to_bytes(4, "little") + b".",  # LONG_BINPUT
        pytest.param(b"I" + b"9" * 5000 + b"\n.", id="5000 digits"),
    ],
)
def test_what_it_announces_takes_no_memory(content: bytes, tmp_path) -> None:
    path = write(tmp_path, content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=rf"{path} is not read"):
            read_pickle(path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_every_truncation_is_named(tmp_path) -> None:
    whole = pickle.dumps({b"data": ARRAY, b"labels": [1, 2]}, 2)
    for length in range(len(whole)):
        path = write(tmp_path, whole[:length])
        with pytest.raises(ValueError, match=str(path)):
            read_pickle(path)


def test_a_file_that_is_not_there(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="data_batch_9"):
        read_pickle(tmp_path / "data_batch_9")


def test_pytorch_s_unpickler_still_cannot_read_strings_of_python_2(tmp_path: Path) -> None:
    """The reason why there are two unpicklers."""
    content = b"\x80\x02T" + (300).to_bytes(4, "little") + b"x" * 300 + b"."  # BINSTRING
    assert read_pickle(write(tmp_path, content)) == b"x" * 300
    with pytest.raises(pickle.UnpicklingError, match="Unsupported operand 84"):
        _weights_only_unpickler.load(BytesIO(content))
