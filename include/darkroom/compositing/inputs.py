"""What a style's pictures are made of: the renders as they stand, and what is known of their content.

Plan and verify ask here, so that what one calls current the other does not make again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from darkroom.checks.renders import LayerInColour, RenderIndex
from darkroom.compositing.recipe import recipe_digest
from darkroom.errors import StoreError
from darkroom.imaging.layers import digest
from darkroom.ledger import KnownDigest
from darkroom.progress import in_parallel
from darkroom.store import Store, read_object
from darkroom.styles.names import parse_render
from darkroom.styles.stacks import Stack


@dataclass(frozen=True, slots=True)
class Inputs:
    """`files` are the URI, version and ETag of each render, `digests` what their content is known to be, by URI."""

    files: Mapping[LayerInColour, tuple[str, str, str]]
    digests: Mapping[str, KnownDigest]

    @classmethod
    def delivered(cls, renders: Store, index: RenderIndex, digests: Mapping[str, KnownDigest]) -> "Inputs":
        """As they lie in a store."""
        files = {of: (renders.uri_of(entry.key), entry.version, entry.etag) for of, entry in index.files.items()}
        return cls(files, digests)

    @classmethod
    def remembered(cls, digests: Mapping[str, KnownDigest]) -> "Inputs":
        """As the last run found them, where nobody can look at them."""
        return cls({of: (uri, known.etag, known.etag) for uri, known in digests.items() if (of := drawn(uri))}, digests)

    def layers(self) -> set[str]:
        """Every layer that there is in any colour."""
        return {layer for layer, _ in self.files}

    def missing(self, stack: Stack, colour: int) -> list[str]:
        """The layers of a stack that have no render in a colour."""
        return [layer for layer in stack if (layer, colour) not in self.files]

    def unknown(self, stack: Stack, colour: int) -> list[str]:
        """The URIs of a stack's renders of which nobody knows what they hold without reading them."""
        files = [self.files[layer, colour] for layer in stack if (layer, colour) in self.files]
        return [uri for uri, version, _ in files if self._known(uri) != version]

    def recipes(self, stack: Stack, colour: int, cuts: Iterable[str]) -> dict[str, str]:
        """Each cut's recipe digest; nothing where a layer is missing or its content is not known."""
        if self.missing(stack, colour) or self.unknown(stack, colour):
            return {}
        digests = [self.digests[self.files[layer, colour][0]].digest for layer in stack]
        return {cut: recipe_digest(digests, cut) for cut in cuts}

    def read_again(self, workers: int, *, deep: bool) -> "Inputs":
        """The same, after a look into the renders that may hold what they held although their version is another.

        Read is one whose ETag is as it was (a folder's version has the ctime too, which a write in place, a link and
        other rights change); and where it is `deep` every one that was read before.
        """
        doubtful = [
            (of, uri, etag)
            for of, (uri, version, etag) in self.files.items()
            if (known := self._known(uri)) and (deep or (known != version and known.startswith(etag)))
        ]
        holds = in_parallel("renders read", [uri for _, uri, _ in doubtful], _digest_of, workers) if doubtful else ()
        seen = {
            of: (uri, self._known(uri) if held == self.digests[uri].digest else "", etag)
            for (of, uri, etag), held in zip(doubtful, holds, strict=True)
        }
        return replace(self, files={**self.files, **seen})

    def _known(self, uri: str) -> str:
        known = self.digests.get(uri)
        return known.etag if known else ""


def drawn(uri: str) -> LayerInColour | None:
    """The layer and the colour of a render by its name."""
    read = parse_render(uri.rpartition("/")[2])
    return (read[0].name, read[1]) if read else None


def _digest_of(uri: str) -> str:
    """The sha256 of what a render holds; nothing where it cannot be read."""
    try:
        return digest(read_object(uri))
    except (StoreError, OSError):
        return ""
