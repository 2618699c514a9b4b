"""`BaseUU`, the path of every completion: auth → transform → engine → events.

A provider answers one question, `open`: given a request, which child is needed and what is the conversation with it?
The conversation is an `Exchange`, an object without I/O, so that it can be played from a recording line by line.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias, cast

import anyio
from anyio import to_thread

from ..settings import ProviderSettings, settings
from .auth import AuthStatus
from .child import Child, Exit, Recipe
from .engine import Engine, Limits, engine
from .events import Event
from .exceptions import Kind, VendorError
from .handler import Doors
from .models import ModelInfo
from .params import ParameterTable
from .request import ChatRequest, Options
from .shared import Line, Opening, Parting

SETTLING = 2.0
"""Seconds to wait, after the last word of the answer, for the CLI's closing words (cost)."""
GLANCE = 0.001
"""Seconds between two looks at the files of a child that is to end."""


@dataclass(frozen=True, slots=True)
class Send:
    """Lines that the conversation wants written to the child."""

    lines: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Kill:
    """The child must not do anything more."""


@dataclass(frozen=True, slots=True)
class Work:
    """What takes its time, such as files in the child's private directory or a long question: in a worker thread.

    `do` is given that directory, and returns what follows from its work.
    """

    do: Callable[[Path], Iterable[Step]]


@dataclass(frozen=True, slots=True)
class End:
    """Nothing more will be asked of the child: it is to end, and leaves its last files before.

    `read` is given its private directory, again and again, in a worker thread, until it returns what follows from what
    it found there, or the child has ended; None means that it has to look again.
    """

    read: Callable[[Path], Iterable[Step] | None]


@dataclass(frozen=True, slots=True)
class Stay:
    """The conversation left nothing behind: the child may serve another one."""


@dataclass(frozen=True, slots=True)
class Settle:
    """The answer is all there, unless the CLI has something to add in the next `seconds`."""

    seconds: float = SETTLING


Step: TypeAlias = Event | Send | Kill | Work | End | Stay | Settle


class Exchange(Protocol):
    """The conversation with one child about one request: told every line, it says what to write and what was said."""

    recipe: Recipe

    def begin(self, number: int) -> Iterator[Step]:
        """What is to be said first; on a shared child `number` is this conversation's own."""
        ...

    @property
    def done(self) -> bool:
        """Everything is said: the last event was `Finish`."""
        ...

    def feed(self, line: bytes) -> Iterator[Step]:
        """What follows from one line of the child's output."""
        ...

    def finish(self, exit: Exit | None) -> Iterator[Step]:
        """What follows when no line comes any more: `Finish`, or a `VendorError` that says what is missing.

        Where the child has not ended (`exit` is None) it may be asked to stop first, once: then this is asked again.
        """
        ...


class SharedExchange(Exchange, Parting, Protocol):
    """A conversation with a child that goes on afterwards; it begins when `opening` has been said."""

    opening: Opening


class BaseUU(Doors):
    """A provider: a LiteLLM custom handler that answers through the vendor's own CLI."""

    small_model: ClassVar[str]
    """The CLI's name of a quick and cheap model, for trying things out."""
    tables: ClassVar[Mapping[str, ParameterTable]]
    """What becomes of each parameter of a call, by the route that the call takes; the default route comes first."""

    @abstractmethod
    async def open(self, request: ChatRequest) -> Exchange:
        """The conversation to be had; raises `VendorError` for what can be known to fail beforehand."""

    @abstractmethod
    def models(self) -> list[ModelInfo]:
        """The models the CLI offers; raises `VendorError` when it cannot tell."""

    @abstractmethod
    def status(self) -> AuthStatus:
        """Whether the CLI is installed, and which credential a call would use."""

    @property
    @abstractmethod
    def settings(self) -> ProviderSettings:
        """What the user configured for this provider."""

    def route(self, options: Options) -> str:
        """How a call with these options is carried into the CLI; `VendorError` for a route that there is not."""
        route = options.route or self.settings.route
        if route not in self.tables:
            problem = f"route={route!r}: {self.name} has the routes {' and '.join(self.tables)}"
            raise VendorError(Kind.BAD_REQUEST, problem)
        return route

    def table(self, options: Options) -> ParameterTable:
        """What the route of a call can carry."""
        return self.tables[self.route(options)]

    @property
    def engine(self) -> Engine:
        """The engine of this process."""
        given = settings()
        return engine(Limits(given.max_children, given.spares, given.spare_seconds))

    async def events(self, request: ChatRequest) -> AsyncIterator[Event]:
        """The answer to `request`, as it comes."""
        exchange = await self.open(request)
        silence = request.options.idle_timeout or settings().idle_timeout
        settled: float | None = None  # when nothing more is waited for
        async with _line(self.engine, exchange) as child:
            steps: Iterator[Step] = exchange.begin(child.number)
            while True:
                while (step := next(steps, None)) is not None:
                    if isinstance(step, Send):
                        await _send(child, step.lines, silence)
                    elif isinstance(step, Settle):
                        settled = anyio.current_time() + step.seconds
                    elif isinstance(step, Kill | Work | End | Stay):
                        assert isinstance(child, Child)  # noqa: S101  (nobody does this to what others use)
                        steps = chain(await _carry_out(step, child, silence), steps)
                    else:
                        yield step
                if exchange.done:
                    return
                line = await _next_line(child, silence, settled)
                steps = exchange.finish(child.exit) if line is None else exchange.feed(line)


async def _carry_out(step: Kill | Work | End | Stay, child: Child, silence: float) -> Iterable[Step]:
    """What follows from it."""
    if isinstance(step, Work):
        return await to_thread.run_sync(step.do, child.directory, abandon_on_cancel=True)
    if isinstance(step, End):
        return await _at_its_end(child, step.read, silence)
    if isinstance(step, Kill):
        child.kill()
    else:
        child.stays = True
    return ()


async def _at_its_end(child: Child, read: Callable[[Path], Iterable[Step] | None], silence: float) -> Iterable[Step]:
    child.terminate()
    try:
        with anyio.fail_after(silence):
            while True:
                ended = child.exit is not None  # what is there afterwards is all there will be
                found = await to_thread.run_sync(read, child.directory, abandon_on_cancel=True)
                if found is not None or ended:
                    return found or ()
                with anyio.move_on_after(GLANCE):
                    await child.wait()
    except TimeoutError:
        raise VendorError(Kind.TIMEOUT, f"the CLI did not end in idle_timeout={silence:g} seconds") from None


def _line(engine: Engine, exchange: Exchange | SharedExchange) -> AbstractAsyncContextManager[Child | Line]:
    """A child for this conversation alone, or a line to one that is shared."""
    if exchange.recipe.sharing is None:
        return engine.lend(exchange.recipe)
    shared = cast("SharedExchange", exchange)
    return engine.share(shared.recipe, shared.opening, shared)


async def _send(child: Child | Line, lines: Sequence[bytes], silence: float) -> None:
    try:
        with anyio.fail_after(silence):
            await child.send(*lines)
    except TimeoutError:
        raise VendorError(Kind.TIMEOUT, f"the CLI read nothing for idle_timeout={silence:g} seconds") from None


async def _next_line(child: Child | Line, silence: float, settled: float | None) -> bytes | None:
    """The child's next line; None when it has said its last, or has nothing to add to a complete answer in time."""
    within = silence if settled is None else max(0.0, settled - anyio.current_time())
    try:
        line = await child.line(within)
    except TimeoutError:
        if settled is not None:
            return None
        raise VendorError(Kind.TIMEOUT, f"the CLI said nothing for idle_timeout={silence:g} seconds") from None
    if line is None:
        await child.wait()
    return line
