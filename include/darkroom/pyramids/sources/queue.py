"""Uploads as S3 tells an SQS queue of them, drained into markers in lock step (DESIGN 7).

A message is deleted only when the markers of all its events are durable. Whatever fails or is killed before that, the
message comes again, and finds its markers there already.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from darkroom.errors import BadInput, DarkroomError, Denied, StoreError, Unavailable
from darkroom.progress import Progress
from darkroom.pyramids.sources.markers import Marked, Marker, is_image_key, write
from darkroom.pyramids.sources.places import closest_place
from darkroom.store import Store, open_store
from darkroom.store.access import NO_ACCESS, Access
from darkroom.store.retries import first_line

log = logging.getLogger(__name__)

_AT_ONCE = 10  # messages of one call, which is as many as SQS gives
_WAIT = 1  # seconds that SQS waits before it says that there is nothing; with any, it asks all of its servers
_EMPTY = 2  # such answers in a row end a drain
_HIDDEN = 900  # seconds until a message that was received and not deleted is given out again
_LONGEST = 3600  # seconds of one drain, however fast new messages come
_LONGEST_KEY, _LONGEST_ETAG = 1024, 256  # bytes as S3 has it; characters, of which S3 needs less than 40
_SAID = 50  # messages that stay and are named
_CONNECT, _SILENCE = 10, 60  # seconds: to connect, without a byte

_REGION = re.compile(r"https://sqs(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/")
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html; those of no such queue are
# called otherwise in the older protocol
_NO_QUEUE = ("NonExistentQueue", "QueueDoesNotExist", "InvalidAddress")
_LATER = ("Throttl", "OverLimit", "ExpiredToken", "ServiceUnavailable", "InternalFailure", "InternalError")
_DENIED = ("AccessDenied", "InvalidClientTokenId", "UnrecognizedClient", "Signature", "MissingAuthenticationToken")


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of a queue's events: newly marked, marked already, or such that call for no marker.

    `left` has a sentence for each message that stays in the queue (bounded in number and length); its redrive policy
    sets it aside in time.
    """

    marked: int
    already: int
    passed: int
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Upload:
    """An object that was created. Of one key's uploads, the latest has the largest `sequencer`."""

    bucket: str
    key: str
    etag: str = ""
    sequencer: str = ""

    @property
    def uri(self) -> str:
        """Its URI, which tells it from all others."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says: the uploads, how many events call for no marker, and why the others are not understood."""

    uploads: tuple[Upload, ...] = ()
    passed: int = 0
    reasons: tuple[str, ...] = ()


def drain(queue_url: str, sources: Mapping[str, str], store: Store, *, progress: Progress | None = None) -> Drained:
    """Make markers in `store` of the uploads that a queue tells of, for the sources (places by name) they belong to.

    What is not understood stays in the queue, without stopping the others. Raises `Denied`, `Unavailable` or
    `BadInput` where the queue or the store fails as a whole: what is marked until then is marked.
    """
    queue, end = _Queue(queue_url, store.access), time.monotonic() + _LONGEST
    with ThreadPoolExecutor(_AT_ONCE, "queue") as pool:
        work = _Work(sources, store, pool)
        empty = 0
        while empty < _EMPTY:
            if time.monotonic() > end:
                return work.drained("The drain ends after an hour; what is still in the queue waits for the next one.")
            # one that stays may be given out again: by SQS's leave, or since the drain took long
            messages = [message for message in queue.receive() if message.id not in work.staying]
            empty = 0 if messages else empty + 1
            try:
                done = work.mark(messages)
            except DarkroomError:
                queue.release(messages)
                raise
            work.keep(queue.delete(done))
            if progress:
                progress.advance(len(messages))
    return work.drained()


def waiting(queue_url: str, access: Access = NO_ACCESS) -> int:
    """About how many messages a queue holds; nothing is changed. Raises as `drain` does."""
    return _Queue(queue_url, access).waiting()


# what messages say


def said_by(body: str) -> Said:
    """What the body of a message says: S3's own, wrapped by SNS or not, or EventBridge's."""
    document = _document(body)
    if document.get("Type") == "Notification":
        document = _document(document.get("Message"))
    if document.get("Event") == "s3:TestEvent":  # which S3 sends when it is told of the queue
        return Said(passed=1)
    if document.get("source") == "aws.s3":
        return _gathered([document], _of_eventbridge)
    records = document.get("Records")
    if not isinstance(records, list) or not records:
        return Said(reasons=("it is no event of S3",))
    return _gathered(records, _of_s3)


def source_of(upload: Upload, places: Mapping[str, str]) -> tuple[str, str] | None:
    """The source that an upload belongs to, and its key there; None where it lies in no source's place.

    `places` are URIs by source.
    """
    found = closest_place(upload.uri, places.values())
    if found is None:
        return None
    return next(source for source, place in places.items() if place == found[0]), found[1]


def _document(text: object) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _gathered(events: Iterable[object], read: Callable[[object], Upload | None]) -> Said:
    uploads, passed, reasons = [], 0, set()
    for event in events:
        try:
            upload = read(event)
        except UnicodeError:
            reasons.add("an event's key is no UTF-8")
        except ValueError as error:
            reasons.add(str(error))
        else:
            if upload and is_image_key(upload.key):
                uploads.append(upload)
            else:
                passed += 1
    return Said(tuple(uploads), passed, tuple(reasons))


def _of_s3(event: object) -> Upload | None:
    """See https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html."""
    match event:
        case {"eventName": str(name), "s3": {"bucket": {"name": str(bucket)}, "object": {"key": str(key), **more}}}:
            created = name.removeprefix("s3:").startswith("ObjectCreated:")
            return _upload(bucket, unquote_plus(key, errors="strict"), more) if created else None
    raise ValueError("an event has not the form that S3's have")


def _of_eventbridge(event: object) -> Upload | None:
    """See https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html; here the key is as it is."""
    match event:
        case {
            "detail-type": str(name),
            "detail": {"bucket": {"name": str(bucket)}, "object": {"key": str(key), **more}},
        }:
            return _upload(bucket, key, more) if name == "Object Created" else None
    raise ValueError("an event has not the form that EventBridge's have")


def _upload(bucket: str, key: str, more: dict[object, object]) -> Upload:
    etag, sequencer = more.get("eTag", more.get("etag", "")), more.get("sequencer", "")
    if not isinstance(etag, str) or not isinstance(sequencer, str) or len(etag) > _LONGEST_ETAG:
        raise ValueError("an event's ETag or sequencer is none")
    if not bucket or "/" in bucket or not 1 <= len(key.encode()) <= _LONGEST_KEY:
        raise ValueError("an event's bucket or key is none that S3 can hold")
    return Upload(bucket, key, etag, sequencer)


# from messages to markers


@dataclass(frozen=True, slots=True)
class _Message:
    id: str
    handle: str
    said: Said


class _Work:
    """One drain: what it marks, what it counts, and which messages stay."""

    def __init__(self, sources: Mapping[str, str], store: Store, pool: ThreadPoolExecutor) -> None:
        self._store, self._pool = store, pool
        self._scans = {
            name: open_store(place, store.access) for name, place in sources.items() if place.startswith("s3://")
        }
        self._places = {name: scans.uri for name, scans in self._scans.items()}
        self._marked = self._already = self._passed = 0
        self._sentences: list[str] = []
        self.staying: set[str] = set()

    def mark(self, messages: list[_Message]) -> list[_Message]:
        """Write the markers of messages that came together; returns those that are done with.

        An image that several tell of is marked once, with the ETag of its latest upload.
        """
        latest: dict[str, Upload] = {}
        for upload in (upload for message in messages for upload in message.said.uploads):
            known = latest.get(upload.uri)
            if known is None or upload.sequencer >= known.sequencer:
                latest[upload.uri] = upload
        outcomes = dict(zip(latest, self._pool.map(self._mark_one, latest.values()), strict=True))
        reasons = {}
        for message in messages:
            said = message.said
            told = [outcomes[upload.uri] for upload in said.uploads]
            why = [*said.reasons, *(outcome for outcome in told if isinstance(outcome, str))]
            if why:
                reasons[message.id] = "; ".join(dict.fromkeys(why))
            self._passed += said.passed
            self._already += len(said.uploads) - sum(isinstance(outcome, str) for outcome in told)
        new = sum(isinstance(outcome, Marked) and not outcome.already for outcome in outcomes.values())
        self._marked, self._already = self._marked + new, self._already - new
        self.keep(reasons)
        return [message for message in messages if message.id not in reasons]

    def _mark_one(self, upload: Upload) -> Marked | str:
        """Write one marker; a text says why it cannot be, of this image only."""
        found = source_of(upload, self._places)
        if found is None:
            return f"no place of DARKROOM_SCAN_SOURCES holds {upload.uri}"
        source, key = found
        try:
            return write(self._store, source, self._scans[source], Marker(key=key, etag=upload.etag))
        except (Unavailable, Denied):
            raise
        except StoreError as error:
            return f"its marker cannot be written: {error}".rstrip(".")

    def keep(self, reasons: Mapping[str, str]) -> None:
        """Note messages that stay in the queue, by id, and why."""
        self.staying |= reasons.keys()
        for id_, reason in reasons.items():
            sentence = first_line(f"The message {id_} stays in the queue: {reason}") + "."
            log.warning("%s", sentence)
            if len(self._sentences) < _SAID:
                self._sentences.append(sentence)

    def drained(self, *more: str) -> Drained:
        """What became of it, with `more` sentences."""
        unnamed = len(self.staying) - len(self._sentences)
        others = (f"{unnamed:,} more messages stay in the queue.",) if unnamed > 0 else ()
        return Drained(self._marked, self._already, self._passed, (*self._sentences, *others, *more))


# the queue


class _Queue:
    """Calls of SQS. Their errors are `Denied`, `Unavailable`, `BadInput` or another `StoreError`, each a sentence."""

    def __init__(self, url: str, access: Access) -> None:
        import botocore.exceptions
        from botocore.config import Config

        from darkroom.store.aws_session import aws_session

        self._url = url
        region = _REGION.match(url)
        config = Config(
            connect_timeout=_CONNECT,
            read_timeout=_SILENCE,
            retries={"mode": "standard"},
            user_agent_extra="darkroom",
        )
        try:
            session = aws_session(access)
            self._client: Any = session.create_client("sqs", region_name=region and region[1], config=config)
        except (botocore.exceptions.BotoCoreError, ValueError, OSError) as error:
            raise BadInput(f"{url}: the AWS settings cannot be used: {first_line(error)}") from error

    def receive(self) -> list[_Message]:
        answer = self._call(
            "receive_message", MaxNumberOfMessages=_AT_ONCE, WaitTimeSeconds=_WAIT, VisibilityTimeout=_HIDDEN
        )
        return [
            _Message(one["MessageId"], one["ReceiptHandle"], said_by(one["Body"])) for one in answer.get("Messages", [])
        ]

    def delete(self, messages: list[_Message]) -> dict[str, str]:
        """Delete messages; id and reason of each that could not be, which does no harm: it comes again."""
        if not messages:
            return {}
        entries = [{"Id": str(number), "ReceiptHandle": one.handle} for number, one in enumerate(messages)]
        failed = self._call("delete_message_batch", Entries=entries).get("Failed", [])
        return {messages[int(one["Id"])].id: f"SQS does not delete it ({one['Code']})" for one in failed}

    def release(self, messages: list[_Message]) -> None:
        """Let messages be given out again at once; where that fails, they are in time."""
        entries = [
            {"Id": str(number), "ReceiptHandle": one.handle, "VisibilityTimeout": 0}
            for number, one in enumerate(messages)
        ]
        with suppress(DarkroomError):
            self._call("change_message_visibility_batch", Entries=entries)

    def waiting(self) -> int:
        name = "ApproximateNumberOfMessages"
        return int(self._call("get_queue_attributes", AttributeNames=[name])["Attributes"][name])

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

        try:
            answer: dict[str, Any] = getattr(self._client, operation)(QueueUrl=self._url, **arguments)
        except ClientError as error:
            raise self._refusal(error.response) from error
        except (HTTPClientError, ConnectionError) as error:
            raise Unavailable(f"{self._url}: SQS is out of reach: {first_line(error)}") from error
        except BotoCoreError as error:  # no credentials, half of them, a profile that does not exist
            raise BadInput(f"{self._url}: the AWS settings cannot be used: {first_line(error)}") from error
        return answer

    def _refusal(self, response: Mapping[str, Any]) -> DarkroomError:
        # not in the service's words: AWS repeats a request that it refuses, with its session token
        code = first_line(response.get("Error", {}).get("Code", ""))
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if any(part in code for part in _NO_QUEUE):
            return BadInput(f"{self._url}: there is no such queue; create it, or correct DARKROOM_SCAN_QUEUE.")
        if status >= 500 or any(part in code for part in _LATER):
            return Unavailable(f"{self._url}: SQS cannot be used now ({code}).")
        if status in (401, 403) or any(part in code for part in _DENIED):
            return Denied(
                f"{self._url}: SQS refuses access ({code}); check the credentials, and allow them sqs:ReceiveMessage, "
                "sqs:DeleteMessage, sqs:ChangeMessageVisibility and sqs:GetQueueAttributes."
            )
        return StoreError(f"{self._url}: SQS refuses it ({code}).")
