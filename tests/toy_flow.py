"""A flow as small as one can be, after docs/architecture.md: a folder's text files in upper case."""

from pydantic import BaseModel

from darkroom.errors import ItemError, StoreError
from darkroom.flows import Costed, Draft, Flow, Run
from darkroom.jobs import Job, Mode, Outcome, Output, State, again
from darkroom.ledger import Ledger, LedgerEntry
from darkroom.ownership import publish, refusal
from darkroom.standing import look
from darkroom.store import open_store
from darkroom.worker import Bench

NAME, LEDGER, OUT = "upper", "state/upper.json", "upper/"


class Request(BaseModel):
    store: str
    texts: str
    mode: Mode = Mode.CHANGED


class Text(BaseModel):
    name: str
    group: str = "texts"
    etag: str
    replaces: str


class UpperJob(Job):
    items: tuple[Text, ...]


def draft(request: Request, run: Run) -> Draft[Text]:
    store, texts = open_store(request.store), open_store(request.texts)
    standing = look(store, NAME, store, [LEDGER], {one.key: one.etag for one in store.list(OUT)}, Ledger[LedgerEntry])
    found = Draft[Text](title="texts", output_store=store.uri, stores=(texts.uri,))
    for text in texts.list():
        if text.key in run.made or standing.is_current(request.mode, OUT + text.key, text.etag):
            found.leave("texts")
        elif (replaces := standing.replaceable(OUT + text.key)) is None:
            found.refuse(text.key, "texts", refusal(OUT + text.key))
        else:
            found.make("texts", Costed(Text(name=text.key, etag=text.etag, replaces=replaces), seconds=0.1))
    return found


def work(job: UpperJob, bench: Bench) -> None:
    texts, store = bench.open(job.stores[0]), bench.open(job.output_store)

    def make(text: Text) -> Outcome:
        with texts.open(text.name) as reading:
            if reading.entry.etag != text.etag:
                raise StoreError(f"changed since plan; {again('plan')}")
            data, key = reading.stream.read(), OUT + text.name
        if not data.isascii():
            raise ItemError("it is no plain text")
        made = data.upper()
        entry = publish(store, key, made, lambda **when: store.write(key, made, **when), replaces=text.replaces).entry
        output = Output(key=key, recipe=text.etag, etag=entry.etag, bytes=entry.bytes)
        return Outcome(item=text.name, group=text.group, state=State.DONE, outputs=(output,), bytes=entry.bytes)

    bench.each(job.items, make, at_once=store.concurrency)


FLOW = Flow(
    name=NAME,
    noun="text",
    request=Request.model_validate,
    stores=lambda request: (request.store, request.texts),
    subjects=lambda request: ("texts",),
    draft=draft,
    job_file=UpperJob,
    work=work,
    targets=lambda job: [OUT + text.name for text in job.items],
    ledger=lambda manifest, output: LEDGER,
)
