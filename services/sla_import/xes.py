"""Event logs in XES (IEEE 1849), read as a table of their events.

XES is XML, and what is needed of it is a trace's name and the attributes of its events, with the
line they stand on and without the log in memory; so Python's own parser reads it. It fetches
nothing, and refuses entities that grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from xml.parsers import expat

from sla_import.tables import Row, Source, Table, TableError, Torn, Wanted, places_of

_CHUNK: Final = 1 << 16


class XesTable(Table):
    """The events of a log as rows; ``of_event`` and ``of_trace`` name columns by attributes."""

    def __init__(
        self,
        source: Source,
        wanted: Sequence[Wanted],
        of_event: Mapping[str, str],
        of_trace: Mapping[str, str],
    ) -> None:
        super().__init__(source.name, wanted)
        self._source = source
        self._of_event = of_event
        self._of_trace = of_trace
        self._names = [*of_trace.values(), *of_event.values()]
        self._places = places_of(source.name, self._names, wanted)
        self.read_as = {"form": "xes"}

    def rows(self) -> Iterator[Row | Torn]:
        """The events, each with the line it begins on."""
        parser = expat.ParserCreate(namespace_separator=" ")
        reader = _Reader(parser, self._of_event, self._of_trace)
        self._source.file.seek(0)
        try:
            while chunk := self._source.file.read(_CHUNK):
                parser.Parse(chunk)
                yield from self._taken(reader)
            parser.Parse(b"", True)
        except (expat.ExpatError, LookupError, ValueError) as error:
            # The latter two where it names an encoding that is unknown.
            raise TableError(f"{self.name} is not a readable XES file: {error}") from error
        yield from self._taken(reader)

    def _taken(self, reader: _Reader) -> Iterator[Row | Torn]:
        for line, found in reader.events:
            cells = [found.get(name, "") for name in self._names]
            if not self.passed_over(cells):
                yield Row(line, self.picked(cells, self._places))
        reader.events.clear()


class _Reader:
    """Gathers events while the parser goes through the file."""

    def __init__(
        self, parser: expat.XMLParserType, of_event: Mapping[str, str], of_trace: Mapping[str, str]
    ) -> None:
        self.events: list[tuple[int, dict[str, str]]] = []
        self._parser = parser
        self._of_event = of_event
        self._of_trace = of_trace
        self._path: list[str] = []
        self._trace: dict[str, str] = {}
        self._event: dict[str, str] = {}
        self._line = 0
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end

    def _start(self, name: str, attributes: dict[str, Any]) -> None:
        name = name.rpartition(" ")[2]
        match self._path:
            case [*_, "event"]:
                self._keep(self._event, self._of_event, attributes)
            case [*_, "trace"] if name == "event":
                self._event = dict(self._trace)
                self._line = self._parser.CurrentLineNumber
            case [*_, "trace"]:
                self._keep(self._trace, self._of_trace, attributes)
            case _ if name == "trace":
                self._trace = {}
        self._path.append(name)

    @staticmethod
    def _keep(into: dict[str, str], names: Mapping[str, str], attributes: dict[str, Any]) -> None:
        name = names.get(attributes.get("key", ""))
        if name is not None:
            into[name] = attributes.get("value", "")

    def _end(self, name: str) -> None:
        self._path.pop()
        if name.rpartition(" ")[2] == "event" and self._path[-1:] == ["trace"]:
            self.events.append((self._line, self._event))
