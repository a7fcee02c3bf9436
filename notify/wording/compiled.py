"""Templates are compiled once a process, however many parts of it read them: to compile one costs as much as to render it a
hundred times, and several parts of a service have layouts of their own over the same files."""

from types import CodeType
from typing import Final

from jinja2.bccache import Bucket, BytecodeCache

_CODE: Final[dict[tuple[str, str, str], CodeType]] = {}


class Compiled(BytecodeCache):
    """kind: names the options, filters and tests of an environment. Environments of one kind have the same ones, for what is
    constant in a template is worked out when it is compiled. A file that has changed is compiled again."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = _CODE.get((self._kind, bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            _CODE[self._kind, bucket.key, bucket.checksum] = bucket.code

    def clear(self) -> None:
        for key in [key for key in _CODE if key[0] == self._kind]:
            del _CODE[key]
