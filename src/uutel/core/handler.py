"""The four doors LiteLLM calls, each a few lines over one stream of events in the engine's loop.

The sync and the async door do the same work in the same place; they differ in how they wait. A stream starts eagerly:
the call itself returns only when the vendor has accepted the request, so an error before the answer is raised by the
call, with its true type, where retries and fallbacks can act on it.
"""

from __future__ import annotations

import asyncio
import os
import warnings
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any, ClassVar

import anyio
from litellm.llms.custom_llm import CustomLLM
from litellm.types.utils import ModelResponse, ModelResponseStream

from ..settings import settings
from .chunks import Chunks, fold, merge
from .engine import Engine
from .events import Event
from .exceptions import Kind, VendorError, as_litellm, unsupported
from .mailbox import Closed, Mailbox
from .params import DroppedParameterWarning, ParameterTable
from .request import ChatRequest, Options

_GONE = VendorError(Kind.CONNECTION, "the call was cancelled, or the program is shutting down")


class Doors(CustomLLM, ABC):
    """LiteLLM's custom handler; a subclass says what happens between a request and its events."""

    name: ClassVar[str]
    """The part of the model string that chooses this provider, as in `uutel/<name>/<model>`."""

    @abstractmethod
    def table(self, options: Options) -> ParameterTable:
        """What becomes of each parameter of a call with these options."""

    @abstractmethod
    def events(self, request: ChatRequest) -> AsyncIterator[Event]:
        """The answer to one request; runs in the engine's loop."""

    @property
    @abstractmethod
    def engine(self) -> Engine:
        """The engine whose loop runs the calls."""

    def completion(self, *_: Any, **call: Any) -> ModelResponse:
        """`litellm.completion(…)`."""
        order = _Order(self, call)
        with order.answers() as answers:
            return order.serve([answer.result() for answer in answers])

    async def acompletion(self, *_: Any, **call: Any) -> ModelResponse:
        """`await litellm.acompletion(…)`."""
        order = _Order(self, call)
        with order.answers() as answers:
            return order.serve(await asyncio.gather(*map(asyncio.wrap_future, answers)))

    def streaming(self, *_: Any, **call: Any) -> ChunkStream:  # type: ignore[override]
        """`litellm.completion(…, stream=True)`."""
        return ChunkStream(_Order(self, call)).started()

    def astreaming(self, *_: Any, **call: Any) -> ChunkStream:  # type: ignore[override]
        """`await litellm.acompletion(…, stream=True)`; `core.attach` has LiteLLM await `astarted`."""
        return ChunkStream(_Order(self, call))


class _Order:
    """One call of a door: the request, and what has to be told about it."""

    def __init__(self, doors: Doors, call: Mapping[str, Any]) -> None:
        self.model: str = call["model"]
        self._doors = doors
        self._log = call.get("logging_obj")
        try:
            request = ChatRequest.parse(_own_name(self.model, doors.name), call)
            table = doors.table(request.options)
            rules = {"drop": request.drop_params, "strict": settings().strict}
            params, self.dropped = table.admit(request.params, model=self.model, **rules)
            self.choices = self._choices(params.pop("n", 1), request)
        except VendorError as error:
            raise as_litellm(error, self.model) from error
        self.request = replace(request, params=params)
        self._tell()

    def _choices(self, n: int, request: ChatRequest) -> int:
        if n == 1 or not request.stream:
            return n
        if not request.drop_params:
            raise unsupported("n > 1 is not supported with stream=True: make n calls, or do not stream", self.model)
        self.dropped.append("n")
        return 1

    @contextmanager
    def answers(self) -> Iterator[list[Future[list[Event]]]]:
        """Begin each of the answers asked for; none goes on after the block."""
        begun: list[Future[list[Event]]] = []
        try:
            engine = self._doors.engine
            begun.extend(engine.submit(self._collect) for _ in range(self.choices))
            yield begun
        except VendorError as error:
            raise as_litellm(error, self.model) from error
        finally:
            for future in begun:
                future.cancel()

    def begin(self, mailbox: Mailbox[Event]) -> Future[None]:
        """Begin the one answer that is streamed into `mailbox`."""
        try:
            future = self._doors.engine.submit(self._post, mailbox)
        except VendorError as error:
            raise as_litellm(error, self.model) from error
        future.add_done_callback(lambda _: mailbox.close(as_litellm(_GONE, self.model)))
        return future

    def serve(self, answers: list[list[Event]]) -> ModelResponse:
        """The response made of complete answers."""
        response = merge([fold(events, self.model) for events in answers])
        if self.dropped:
            response._hidden_params["dropped_params"] = self.dropped
        if self._log:
            self._log.post_call(original_response=response.model_dump_json(), api_key="", additional_args={})
        return response

    async def _collect(self) -> list[Event]:
        events: list[Event] = []
        await self._hear(events.append)
        return events

    async def _post(self, mailbox: Mailbox[Event]) -> None:
        try:
            await self._hear(mailbox.put)
        except VendorError as error:
            mailbox.close(as_litellm(error, self.model))
        except Exception as error:
            mailbox.close(error)
            raise
        else:
            mailbox.close()

    async def _hear(self, take: Callable[[Event], None]) -> None:
        """Give each event to `take`, for no longer than the call's timeout."""
        try:
            with anyio.fail_after(self.request.timeout):
                async with aclosing(self._doors.events(self.request)) as events:  # type: ignore[type-var]
                    async for event in events:
                        take(event)
        except TimeoutError:
            raise _too_late(self.request.timeout) from None

    def _tell(self) -> None:
        if self.dropped and not self.request.drop_params:
            message = f"{self._doors.name} leaves out {', '.join(self.dropped)}"
            warnings.warn(message, DroppedParameterWarning, stacklevel=2)
        if self._log:
            self._log.pre_call(input=self.request.messages, api_key="", additional_args={})


class ChunkStream:
    """The chunks of one answer, to be read from any one thread or asyncio loop.

    Ends the call when it is closed, when reading it is interrupted, and when nobody holds it any longer.
    """

    _future: Future[None] | None = None

    def __init__(self, order: _Order) -> None:
        self.dropped = order.dropped
        self._process = os.getpid()
        self._chunks = Chunks(order.model)
        self._mailbox: Mailbox[Event] = Mailbox()
        self._ready: deque[ModelResponseStream] = deque()
        self._future = order.begin(self._mailbox)

    def started(self) -> ChunkStream:
        """Itself, once the vendor has accepted the request; raises what was wrong with it."""
        self._fill()
        return self

    async def astarted(self) -> ChunkStream:
        """`started`, in the running asyncio loop."""
        await self._afill()
        return self

    def close(self) -> None:
        """End the call, whatever is still to come.

        Not from a forked process: the call is its parent's, and a lock of it may have been held when it was forked.
        """
        if self._future and self._process == os.getpid():
            self._future.cancel()

    async def aclose(self) -> None:
        """`close`, where an awaitable is wanted."""
        self.close()

    def __iter__(self) -> ChunkStream:
        return self

    def __aiter__(self) -> ChunkStream:
        return self

    def __next__(self) -> ModelResponseStream:
        try:
            while not self._ready:
                self._fill()
        except Closed:
            raise StopIteration from None
        return self._ready.popleft()

    async def __anext__(self) -> ModelResponseStream:
        try:
            while not self._ready:
                await self._afill()
        except Closed:
            raise StopAsyncIteration from None
        return self._ready.popleft()

    def _fill(self) -> None:
        """Take in the chunks of the next event."""
        try:
            self._ready.extend(self._chunks.feed(self._mailbox.get()))
        except BaseException:
            self.close()
            raise

    async def _afill(self) -> None:
        try:
            self._ready.extend(self._chunks.feed(await self._mailbox.aget()))
        except BaseException:
            self.close()
            raise

    def __del__(self) -> None:
        self.close()


def _own_name(model: str, provider: str) -> str:
    """The CLI's own name of a model: `claude-code/sonnet` → `sonnet`, `claude-code` → "" (its default)."""
    return "" if model == provider else model.removeprefix(f"{provider}/")


def _too_late(timeout: float) -> VendorError:
    return VendorError(Kind.TIMEOUT, f"no complete answer within timeout={timeout:g} seconds")
